"""A transport with a token where the service wants one: what the clients of OMS and Run Registry stand on."""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from hdqm_ops.errors import AuthenticationFailed, RequestRefused
from hdqm_ops.services._http import Answer, Bearer, Parameters, Transport, log
from hdqm_ops.services._service import Service
from hdqm_ops.services._token import TokenKeeper


class Client:
    """Asks one service, with a token where the service has an audience. Threads may share it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.transport = Transport(service)
        self.tokens = TokenKeeper(service) if service.audience else None

    def close(self) -> None:
        """Close all connections."""
        self.transport.close()
        if self.tokens:
            self.tokens.close()

    def get(self, path: str, params: Parameters = ()) -> Answer:
        """GET below the service's address."""
        return self.ask("GET", path, params=params)

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Parameters = (),
        document: Any = None,
        repeatable: bool = True,
        accept: frozenset[int] = frozenset({200}),
    ) -> Answer:
        """Ask, with a fresh token once more where the first is not believed.

        Raises:
            AuthenticationFailed: 401, a redirect, or a login page, also with a fresh token.
            RequestRefused: another status than those in ``accept``.
            ServiceUnavailable: see `Transport.ask`.
        """
        url = f"{self.service.url}/{path.lstrip('/')}"
        fresh = False
        while True:
            token = self.tokens.token() if self.tokens else None
            answer = self.transport.ask(
                method, url, params=params, document=document, auth=Bearer(token), repeatable=repeatable
            )
            doubt = _doubt(answer)
            if doubt is None:
                return _wanted(answer, accept)
            if fresh or self.tokens is None or token is None:
                raise AuthenticationFailed(self.service.name, answer.place, doubt, self._cure(), answer.status)
            log.info("%s: %s; once more with a fresh token", self.service.name, doubt)
            self.tokens.refused(token)
            fresh = True

    def _cure(self) -> str:
        if self.tokens is None:
            return "no token was sent: name the audience and the credentials if the service wants them"
        return f"check the client id, its secret, and that it may ask for the audience {self.service.audience!r}"


def _doubt(answer: Answer) -> str | None:
    """Why an answer says that we are not believed; None where it does not."""
    if 300 <= answer.status < 400:
        target = urlsplit(answer.headers.get("Location", ""))
        return f"redirected (HTTP {answer.status}) to {target.netloc}{target.path}, as to a login page"
    if answer.status == HTTPStatus.UNAUTHORIZED and "e-group" not in answer.complaint():
        return f"HTTP 401: {answer.complaint()}"
    if answer.status < 300 and answer.is_html:
        return f"a page for people in place of data (HTTP {answer.status}), as a login page: {answer.excerpt()}"
    return None


def _wanted(answer: Answer, accept: frozenset[int]) -> Answer:
    if answer.status in accept:
        return answer
    found = f"HTTP {answer.status}: {answer.complaint()}"
    raise RequestRefused(answer.service, answer.place, found, status=answer.status)
