"""What every request must keep to before anything of it is read: lengths, characters, patience, rate."""

import asyncio
import time
from collections import OrderedDict
from urllib.parse import unquote_to_bytes

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hdqm_ops.api._problems import Problem, problem_response

__all__ = ["Limits"]

_QUERY_BYTES = 64 * 1024
_NAMES = 100  # different parameters: FastAPI looks through all of them for each one, while everybody waits
_BODY_S = 30
_CLIENTS = 10_000  # whose rates are remembered


class Limits:
    """Refuse requests that are too long, too slow or too many, and bytes that are no text.

    Args:
        app: what comes next.
        body_bytes: longest body.
        rate: requests a second of one client; 0: any.
    """

    def __init__(self, app: ASGIApp, *, body_bytes: int, rate: float = 0) -> None:
        self._app = app
        self._body_bytes = body_bytes
        self._rates = _Rates(rate) if rate else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope)
            await self._app(scope, self._limited(receive), send)
        except Problem as problem:
            response = problem_response(_path(scope), problem.status, problem.detail, problem.headers)
            await response(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        query: bytes = scope.get("query_string", b"")
        if len(query) > _QUERY_BYTES:
            raise Problem(414, f"the address has more than {_QUERY_BYTES} bytes: send long lists of runs by POST")
        if len({part.partition(b"=")[0] for part in query.split(b"&")}) > _NAMES:
            raise Problem(400, f"the address has more than {_NAMES} different parameters")
        for part in (query, scope.get("raw_path") or b""):
            _check_text(part)
        headers = dict(scope["headers"])
        told = headers.get(b"content-length", b"0")
        if b"content-length" in headers and b"transfer-encoding" in headers:
            raise Problem(400, "a body has either a length or comes in pieces", {"Connection": "close"})
        if not told.isdigit() or int(told[:19]) > self._body_bytes:
            raise Problem(413, f"the body has more than {self._body_bytes} bytes (HDQM_API_BODY_BYTES)")
        if self._rates:
            self._rates.count(scope["client"][0] if scope.get("client") else "")

    def _limited(self, receive: Receive) -> Receive:
        """Read a body no longer than allowed, and not for ever; of errors FastAPI lets only its own through here."""
        seen = 0
        until = time.monotonic() + _BODY_S
        whole = False

        async def limited() -> Message:
            nonlocal seen, whole
            if whole:  # what comes now is the end of the connection, whenever that is
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), max(0.0, until - time.monotonic()))
            except TimeoutError:
                raise HTTPException(408, f"the body did not come within {_BODY_S} s", {"Connection": "close"}) from None
            seen += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if seen > self._body_bytes:
                raise HTTPException(413, f"the body has more than {self._body_bytes} bytes (HDQM_API_BODY_BYTES)")
            return message

        return limited


def _check_text(part: bytes) -> None:
    raw = unquote_to_bytes(part)
    if b"\0" in raw:
        raise Problem(400, "the address has a zero byte")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(400, f"the address is no UTF-8: byte {error.start} is 0x{raw[error.start]:02x}") from None


def _path(scope: Scope) -> str:
    return str(scope.get("path", "")).encode("utf-8", "replace").decode()


class _Rates:
    """Buckets that fill steadily: a client may send ten seconds' worth at once."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._full = max(1.0, 10 * rate)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def count(self, client: str) -> None:
        """Take one from the client's bucket.

        Raises:
            Problem: it is empty.
        """
        now = time.monotonic()
        level, since = self._buckets.pop(client, (self._full, now))
        level = min(self._full, level + (now - since) * self._rate)
        self._buckets[client] = (level - 1 if level >= 1 else level, now)
        if len(self._buckets) > _CLIENTS:
            self._buckets.popitem(last=False)
        if level < 1:
            wait = max(1, round((1 - level) / self._rate))
            raise Problem(429, f"more than {self._rate:g} requests a second", {"Retry-After": str(wait)})
