"""One way to ask a service over HTTP: patient with passing faults, honest about lasting ones, polite always."""

import json
import logging
import random
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import requests
import requests.exceptions as broken
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError as BrokenBody
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from hdqm_ops import __version__
from hdqm_ops.errors import (
    BadAnswer,
    ConfigError,
    ServiceUnavailable,
    UntrustedServer,
)
from hdqm_ops.services._service import Service

log = logging.getLogger("hdqm_ops.services")

Parameters: TypeAlias = Sequence[tuple[str, str]]

AT_ONCE = 2  # Both services have asked their users not to press harder.
_PASSING = frozenset({429, 500, 502, 503, 504})
_CHUNK = 1 << 16
_EXCERPT = 200
_RETRY = Retry(0)  # reads both forms of Retry-After, seconds and dates

_gates: dict[str, threading.BoundedSemaphore] = {}
_gates_lock = threading.Lock()


def gate(url: str) -> AbstractContextManager[object]:
    """The gate that lets two requests at once through to a host, however many clients this process has."""
    host = urlsplit(url).netloc
    with _gates_lock:
        return _gates.setdefault(host, threading.BoundedSemaphore(AT_ONCE))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    service: str
    place: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The document in the body; `BadAnswer` where it is none."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            found = f"no JSON ({error}): {self.excerpt()}"
            raise BadAnswer(self.service, self.place, found, status=self.status) from None

    def excerpt(self) -> str:
        """The beginning of the body on one line, for messages."""
        text = " ".join(self.body[: 4 * _EXCERPT].decode("utf-8", "replace").split())
        return text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"

    @property
    def is_html(self) -> bool:
        """A page for people where data were asked for."""
        kind = self.headers.get("Content-Type", "")
        return "html" in kind or self.body[:64].lstrip().lower().startswith((b"<!doctype html", b"<html"))

    def complaint(self) -> str:
        """What the service itself says is wrong, in whichever of their ways it says it; else the body's beginning."""
        try:
            said = json.loads(self.body)
        except ValueError:
            return self.excerpt() or "an empty body"
        if isinstance(said, dict):
            for key in ("err", "error_description", "message", "detail", "error"):
                if isinstance(said.get(key), str):
                    return str(said[key])
            errors = said.get("errors")
            if isinstance(errors, list) and errors and isinstance(errors[0], dict):
                return str(errors[0].get("detail") or errors[0].get("title") or errors[0])
        return self.excerpt()


class Bearer(AuthBase):
    """Sets the token; without one it still keeps requests from sending what ``~/.netrc`` has for the host."""

    def __init__(self, token: str | None) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.token:
            request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class _PassingFault(Exception):
    """Worth another try. ``reached`` is False where the request surely never arrived."""

    def __init__(
        self, found: str, *, status: int | None = None, reached: bool = True, wait: float | None = None
    ) -> None:
        super().__init__(found, status)
        self.found = found
        self.status = status
        self.reached = reached
        self.wait = wait


class Transport:
    """One session to one service: time-outs, repetitions, at most two requests at a time. Knows nothing of tokens."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.requests_sent = 0
        self._session = requests.Session()
        self._session.headers.update(
            {"User-Agent": f"hdqm-ops/{__version__}", "Accept": "application/json, */*;q=0.5", **service.headers}
        )
        self._random = random.Random()  # noqa: S311 - jitter, no secret

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def url(self, path: str, params: Parameters = ()) -> str:
        """The address as it will be sent."""
        request = requests.Request("GET", f"{self.service.url}/{path.lstrip('/')}", params=list(params))
        return str(self._session.prepare_request(request).url)

    def ask(
        self,
        method: str,
        url: str,
        *,
        params: Parameters = (),
        document: Any = None,
        form: Mapping[str, str] | None = None,
        auth: AuthBase | None = None,
        repeatable: bool = True,
    ) -> Answer:
        """Send until an answer comes that is no passing fault; its status may still be anything else.

        Args:
            method: HTTP method.
            url: address without query.
            params: the query, encoded here.
            document: JSON body.
            form: form body.
            auth: what authenticates the request.
            repeatable: False for requests that change something: then only what surely did not arrive is sent again.

        Raises:
            ServiceUnavailable: after all tries, or when the service says to come back later than we wait.
            UntrustedServer: the certificate is not good.
        """
        request = requests.Request(
            method, url, params=list(params), json=document, data=form, auth=auth or Bearer(None)
        )
        for attempt in range(1, self.service.tries + 1):
            try:
                return self._once(request, attempt, repeatable=repeatable)
            except _PassingFault as fault:
                pause = self._pause(fault, attempt, repeatable=repeatable)
                if pause is None:
                    raise self._given_up(request, fault, attempt) from None
                log.info(
                    "%s: %s; again in %.1f s", self.service.name, fault.found, pause, extra={"service_wait_s": pause}
                )
                time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _once(self, request: requests.Request, attempt: int, *, repeatable: bool) -> Answer:
        started = time.monotonic()
        status: int | str = "none"
        try:
            with gate(request.url or ""):
                self.requests_sent += 1
                answer = self._exchange(request)
            status = answer.status
            self._raise_if_passing(answer, repeatable=repeatable)
            return answer
        except _PassingFault as fault:
            status = fault.status or fault.found
            raise
        finally:
            self._note(request, status, attempt, time.monotonic() - started)

    def _exchange(self, request: requests.Request) -> Answer:
        service = self.service
        prepared = self._prepared(request)
        settings = self._session.merge_environment_settings(
            url=str(prepared.url),
            proxies={},
            stream=True,
            verify=str(service.ca_bundle) if service.ca_bundle else True,
            cert=None,
        )
        try:
            with self._session.send(
                prepared,
                timeout=(service.connect_timeout_s, service.read_timeout_s),
                allow_redirects=False,
                **settings,
            ) as response:
                body = self._body(response)
        except broken.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                cure = "name the file of certificate authorities to trust in HDQM_CA_BUNDLE"
                place = self.place(request)
                raise UntrustedServer(service.name, place, "its certificate is not trusted", cure) from None
            raise _PassingFault("TLS broke off", reached=False) from None
        except (broken.ConnectTimeout, broken.ConnectionError, broken.Timeout, BrokenBody, OSError) as error:
            raise _passing_fault(error) from None
        return Answer(service.name, self.place(request), response.status_code, response.headers, body)

    def _prepared(self, request: requests.Request) -> requests.PreparedRequest:
        try:
            return self._session.prepare_request(request)
        except (broken.InvalidURL, broken.MissingSchema, broken.InvalidSchema, UnicodeError) as error:
            raise ConfigError(f"{self.service.name}: {request.url!r} is no address: {error}") from None

    def _body(self, response: requests.Response) -> bytes:
        """Read all, piece by piece as it comes: a read time-out alone never ends for a service that drips."""
        deadline = time.monotonic() + self.service.total_timeout_s
        pieces = []
        while piece := response.raw.read1(_CHUNK, decode_content=True):
            pieces.append(piece)
            if time.monotonic() > deadline:
                raise _PassingFault(f"the answer was not complete after {self.service.total_timeout_s:g} s")
        return b"".join(pieces)

    @staticmethod
    def _raise_if_passing(answer: Answer, *, repeatable: bool) -> None:
        # Run Registry says "no" to changes with a 500 and a sentence: that is for whoever asked.
        refused = answer.status == HTTPStatus.INTERNAL_SERVER_ERROR and not repeatable
        if answer.status in _PASSING and not refused:
            found = f"HTTP {answer.status}: {answer.complaint()}"
            raise _PassingFault(found, status=answer.status, wait=_retry_after(answer))

    def _pause(self, fault: _PassingFault, attempt: int, *, repeatable: bool) -> float | None:
        """Seconds until the next try; None where there is none."""
        service = self.service
        refused_unread = fault.status == HTTPStatus.TOO_MANY_REQUESTS
        if attempt >= service.tries or not (repeatable or refused_unread or not fault.reached):
            return None
        pause = service.backoff_s * 2.0 ** (attempt - 1) * self._random.uniform(0.5, 1.0)
        if fault.wait is None:
            return min(pause, service.longest_wait_s)
        return max(fault.wait, 0.0) + pause * 0.1 if fault.wait <= service.longest_wait_s else None

    def _given_up(self, request: requests.Request, fault: _PassingFault, attempt: int) -> ServiceUnavailable:
        tries = "once" if attempt == 1 else f"{attempt} times"
        later = f"; it asks to come back in {fault.wait:.0f} s" if fault.wait else ""
        found = f"{fault.found} (tried {tries}{later})"
        return ServiceUnavailable(self.service.name, self.place(request), found, status=fault.status)

    def _note(self, request: requests.Request, status: int | str, attempt: int, seconds: float) -> None:
        place = self.place(request)
        facts = {
            "service": self.service.name,
            "service_place": place,
            "service_status": status,
            "service_try": attempt,
            "service_seconds": round(seconds, 3),
        }
        log.debug(
            "%s: %s status=%s try=%d seconds=%.3f", self.service.name, place, status, attempt, seconds, extra=facts
        )

    def place(self, request: requests.Request) -> str:
        """The request for people: method, path and query, never a header or a body."""
        path = (request.url or "").removeprefix(self.service.url)
        query = "&".join(f"{key}={value}" for key, value in request.params or ())
        return f"{request.method} {path}" + (f"?{query}" if query else "")


def _passing_fault(error: Exception) -> _PassingFault:
    if isinstance(error, broken.ConnectTimeout):
        return _PassingFault("it cannot be reached in time", reached=False)
    if isinstance(error, broken.ConnectionError) and "NewConnectionError" in repr(error):
        return _PassingFault("it cannot be reached (connection refused, or name unknown)", reached=False)
    if "timed out" in str(error).lower() or isinstance(error, broken.Timeout):
        return _PassingFault("it fell silent while answering")
    return _PassingFault(f"the connection broke ({type(error).__name__})")


def _retry_after(answer: Answer) -> float | None:
    said = answer.headers.get("Retry-After")
    if said is None:
        return None
    try:
        return float(_RETRY.parse_retry_after(said))
    except InvalidHeader:
        return None
