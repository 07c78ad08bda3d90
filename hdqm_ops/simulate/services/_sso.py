"""The simulated single sign-on: tokens for client credentials, by both roads."""

import binascii
import itertools
import threading
import time
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field

_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was given out."""

    text: str
    client_id: str
    audience: str
    good_until: float


@dataclass(slots=True)
class SignOn:
    """Gives out tokens and knows them again.

    Attributes:
        clients: client id → secret; empty: every pair is good.
        audiences: audiences that tokens are given for; empty: every one.
        expires_in: seconds that a token is good for.
    """

    clients: Mapping[str, str] = field(default_factory=dict)
    audiences: frozenset[str] = frozenset()
    expires_in: float = 1200
    _tokens: dict[str, Token] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def given(self) -> int:
        """Number of tokens that were given out."""
        return len(self._tokens)

    def api_access(self, form: Mapping[str, str], authorization: str) -> tuple[int, dict[str, object]]:
        """Status and document of ``POST api-access/token``."""
        client_id = self._known_client(form, authorization)
        if client_id is None:
            return 401, {"error": "invalid_client", "error_description": "Invalid client credentials"}
        if form.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type", "error_description": "Unsupported grant type"}
        return self._for_audience(client_id, form.get("audience", ""))

    def openid_connect(self, form: Mapping[str, str], authorization: str) -> tuple[int, dict[str, object]]:
        """Status and document of ``POST protocol/openid-connect/token``."""
        client_id = self._known_client(form, authorization)
        if client_id is None:
            return 401, {"error": "invalid_client", "error_description": "Invalid client credentials"}
        if form.get("grant_type") == "client_credentials":
            return self._give(client_id, client_id)
        if form.get("grant_type") != _EXCHANGE:
            return 400, {"error": "unsupported_grant_type", "error_description": "Unsupported grant type"}
        if self.believed(f"Bearer {form.get('subject_token', '')}", client_id) is None:
            return 400, {"error": "invalid_token", "error_description": "Invalid token"}
        return self._for_audience(client_id, form.get("audience", ""))

    def believed(self, authorization: str, audience: str = "") -> Token | None:
        """The token of an Authorization header, None where it is not good (for that audience, if one is asked for)."""
        token = self._tokens.get(authorization.removeprefix("Bearer "))
        if token is None or token.good_until < time.monotonic() or audience not in ("", token.audience):
            return None
        return token

    def revoke(self, authorization: str) -> None:
        """Let a token be good for nothing from now on."""
        text = authorization.removeprefix("Bearer ")
        with self._lock:
            if text in self._tokens:
                token = self._tokens[text]
                self._tokens[text] = Token(text, token.client_id, token.audience, 0.0)

    def _known_client(self, form: Mapping[str, str], authorization: str) -> str | None:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization.startswith("Basic "):
            try:
                client_id, _, secret = b64decode(authorization[6:]).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return None
        known = client_id and secret and self.clients.get(client_id, None if self.clients else secret) == secret
        return client_id if known else None

    def _for_audience(self, client_id: str, audience: str) -> tuple[int, dict[str, object]]:
        if not audience or (self.audiences and audience not in self.audiences):
            return 400, {"error": "invalid_request", "error_description": f"Audience {audience!r} not found"}
        return self._give(client_id, audience)

    def _give(self, client_id: str, audience: str) -> tuple[int, dict[str, object]]:
        text = f"token-{next(self._numbers)}-of-{client_id}"
        with self._lock:
            self._tokens[text] = Token(text, client_id, audience, time.monotonic() + self.expires_in)
        return 200, {"access_token": text, "expires_in": self.expires_in, "token_type": "Bearer"}
