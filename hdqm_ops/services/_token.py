"""Tokens of CERN's single sign-on: asked for with client credentials, kept until shortly before they expire."""

import threading
import time
from base64 import b64encode
from dataclasses import replace

import requests
from requests.auth import AuthBase

from hdqm_ops.errors import AuthenticationFailed, BadAnswer
from hdqm_ops.services._http import Answer, Transport, log
from hdqm_ops.services._service import Credentials, Service

_MARGIN_S = 60.0
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a type


class TokenKeeper:
    """Gives the token of one audience to any number of threads, and asks for a new one no oftener than needed."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.asked = 0
        self._transport = Transport(replace(service, name=f"{service.name} sign-on", url=service.sso_url, headers={}))
        self._lock = threading.Lock()
        self._token: str | None = None
        self._good_until = 0.0

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def token(self) -> str:
        """A token that is good for some time yet."""
        with self._lock:
            if self._token is None or time.monotonic() >= self._good_until:
                self._token, self._good_until = self._fresh()
            return self._token

    def refused(self, token: str) -> None:
        """Forget a token that was not believed, unless another thread has replaced it already."""
        with self._lock:
            if self._token == token:
                self._token = None

    def _fresh(self) -> tuple[str, float]:
        service, credentials = self.service, self.service.credentials
        if credentials is None:
            cure = "set SSO_CLIENT_ID and SSO_CLIENT_SECRET, or fill in the Airflow connection"
            raise AuthenticationFailed(service.name, service.sso_url, "there are no credentials", cure)
        self.asked += 1
        asked_at = time.monotonic()
        if service.grant == "api-access":
            token, expires_in = self._api_access(credentials)
        else:
            token, expires_in = self._exchanged(credentials)
        log.debug("%s: new token for %s, good for %g s", service.name, service.audience, expires_in)
        return token, asked_at + expires_in - min(_MARGIN_S, expires_in / 4)

    def _api_access(self, credentials: Credentials) -> tuple[str, float]:
        form = {"grant_type": "client_credentials", "audience": self.service.audience}
        return self._ask("api-access/token", form, _Basic(credentials))

    def _exchanged(self, credentials: Credentials) -> tuple[str, float]:
        endpoint = "protocol/openid-connect/token"
        who = {"client_id": credentials.client_id, "client_secret": credentials.client_secret}
        own, _ = self._ask(endpoint, {"grant_type": "client_credentials", **who})
        exchange = {
            "grant_type": _EXCHANGE,
            "subject_token": own,
            "subject_token_type": _ACCESS_TOKEN,
            "audience": self.service.audience,
            **who,
        }
        return self._ask(endpoint, exchange)

    def _ask(self, endpoint: str, form: dict[str, str], auth: AuthBase | None = None) -> tuple[str, float]:
        answer = self._transport.ask("POST", f"{self.service.sso_url}/{endpoint}", form=form, auth=auth)
        if answer.status != requests.codes.ok or answer.is_html:
            raise self._not_given(answer)
        said = answer.json()
        try:
            return str(said["access_token"]), float(said["expires_in"])
        except (KeyError, TypeError, ValueError):
            # The body may hold a token: say what is missing, never what is there.
            found = "neither access_token nor expires_in, or not both"
            raise BadAnswer(answer.service, answer.place, found, status=answer.status) from None

    def _not_given(self, answer: Answer) -> AuthenticationFailed:
        found = f"no token (HTTP {answer.status}): {self._without_secrets(answer.complaint())}"
        cure = f"check the client id, its secret, and that it may ask for the audience {self.service.audience!r}"
        return AuthenticationFailed(self.service.name, answer.place, found, cure, answer.status)

    def _without_secrets(self, text: str) -> str:
        credentials = self.service.credentials
        return text.replace(credentials.client_secret, "***") if credentials else text


class _Basic(AuthBase):
    """Basic authentication in UTF-8; the one of requests encodes Latin-1 and fails on other letters."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        pair = f"{self.credentials.client_id}:{self.credentials.client_secret}".encode()
        request.headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
        return request
