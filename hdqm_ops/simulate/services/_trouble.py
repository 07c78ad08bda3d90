"""The layer of the simulator that makes trouble between a service and its client, and keeps a journal of requests."""

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from hdqm_ops.simulate.services._faults import TRANSPORT_FAULTS, Fault, Faults, ServiceName
from hdqm_ops.simulate.services._sso import SignOn

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOGIN_PAGE = "<!DOCTYPE html>\n<html><head><title>CERN Authentication</title></head><body>Sign in</body></html>"
_PROXY_PAGE = "<html><body><h1>{0}</h1>The server returned an invalid or incomplete response.</body></html>"
_CONTROL = ("/faults", "/clock", "/corrections", "/oauth2")


_RESPONSES: Mapping[str, Callable[[Fault], Response]] = MappingProxyType(
    {
        "expired_token": lambda _: JSONResponse({"error": "invalid_token", "message": "Token expired"}, 401),
        "redirect_to_login": lambda _: RedirectResponse("/oauth2/start", 302),
        "login_page": lambda _: HTMLResponse(LOGIN_PAGE),
        "too_many_requests": lambda fault: PlainTextResponse(
            "slow down", 429, {"Retry-After": f"{fault.seconds or 0:g}"}
        ),
        "server_error": lambda _: JSONResponse({"err": "boom"}, 500),
        "bad_gateway": lambda _: HTMLResponse(_PROXY_PAGE.format("502 Bad Gateway"), 502),
        "gateway_timeout": lambda _: HTMLResponse(_PROXY_PAGE.format("504 Gateway Time-out"), 504),
        "not_json": lambda _: Response('{"data": [', media_type="application/json"),
    }
)


def service_of(path: str) -> ServiceName | None:
    """The service that a path belongs to; None for the simulator's own switches."""
    if path.startswith(_CONTROL):
        return None
    if path.startswith("/auth/"):
        return "sso"
    return "oms" if path.startswith(("/agg/", "/api/v1/oms-proxy")) else "rr"


@dataclass(slots=True)
class Journal:
    """What was asked, for whoever wants to know: the last requests, their number, the most at one time."""

    requests: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=10_000))
    asked: Counter[str] = field(default_factory=Counter)
    most_at_once: Counter[str] = field(default_factory=Counter)
    _running: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self.requests.clear()
            self.asked.clear()
            self.most_at_once.clear()

    @contextmanager
    def noted(self, service: str, method: str, address: str) -> Iterator[None]:
        """Note a request while it runs."""
        with self._lock:
            self.requests.append((method, address))
            self.asked[service] += 1
            self._running[service] += 1
            self.most_at_once[service] = max(self.most_at_once[service], self._running[service])
        try:
            yield
        finally:
            with self._lock:
                self._running[service] -= 1


class Trouble:
    """ASGI middleware: notes each request, shows transport faults, hands data faults on to the service."""

    def __init__(self, app: "ASGIApp", faults: Faults, sign_on: SignOn, journal: Journal) -> None:
        self.app = app
        self.faults = faults
        self.sign_on = sign_on
        self.journal = journal

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        service = service_of(scope["path"]) if scope["type"] == "http" else None
        if service is None:
            await self.app(scope, receive, send)
            return
        query = unquote(scope["query_string"].decode("latin-1"))
        address = scope["path"] + (f"?{query}" if query else "")
        with self.journal.noted(service, scope["method"], address):
            met = self.faults.met_by(service, address)
            scope["faults"] = tuple(fault for fault in met if fault.kind not in TRANSPORT_FAULTS)
            trouble = next((fault for fault in met if fault.kind in TRANSPORT_FAULTS), None)
            await self._show(trouble, scope, receive, send)

    async def _show(self, trouble: Fault | None, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if trouble is None:
            await self.app(scope, receive, send)
            return
        if trouble.kind == "expired_token":
            self.sign_on.revoke(_header(scope, b"authorization"))
        if (response := _instead(trouble)) is not None:
            await response(scope, receive, send)
            return
        if trouble.kind == "hang":
            await asyncio.sleep(60 if trouble.seconds is None else trouble.seconds)
            await self.app(scope, receive, send)
            return
        start, body = await _whole(self.app, scope, receive)
        await _spoiled(trouble, start, body, send)


def _header(scope: "Scope", name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _instead(trouble: Fault) -> Response | None:
    """The response that comes in place of the service's own, for the kinds that have one."""
    maker = _RESPONSES.get(trouble.kind)
    return maker(trouble) if maker else None


async def _whole(app: "ASGIApp", scope: "Scope", receive: "Receive") -> tuple["Message", bytes]:
    """Let the service answer, and keep the answer."""
    start: dict[str, Any] = {}
    pieces: list[bytes] = []

    async def keep(message: "Message") -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            pieces.append(message.get("body", b""))

    await app(scope, receive, keep)
    return start, b"".join(pieces)


async def _spoiled(trouble: Fault, start: "Message", body: bytes, send: "Send") -> None:
    """Send an answer badly. What returns without a last piece makes the server close the connection."""
    chunked = {**start, "headers": [(key, value) for key, value in start["headers"] if key != b"content-length"]}
    half = body[: len(body) // 2]
    if trouble.kind == "slow_body":
        steps = max(1, int(10 * (5 if trouble.seconds is None else trouble.seconds)))
        size = -(-len(body) // steps) or 1
        await send(chunked)
        for index in range(0, len(body), size):
            await send({"type": "http.response.body", "body": body[index : index + size], "more_body": True})
            await asyncio.sleep(0.1)
        await send({"type": "http.response.body", "body": b""})
        return
    await send(chunked if trouble.kind == "cut_chunk" else start)
    await send({"type": "http.response.body", "body": half, "more_body": True})
