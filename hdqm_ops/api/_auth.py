"""Who may ask, where the API is served alone: a token, or a user whom a trusted proxy names."""

import hmac
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from hdqm_ops.api._problems import problem_response
from hdqm_ops.errors import ConfigError
from hdqm_ops.settings import Settings

__all__ = ["Authentication"]

_OPEN = ("/health/live", "/health/ready")


class Authentication:
    """Let through who shows a token or comes from a trusted proxy with a name; everybody where neither is set up.

    Args:
        app: what comes next.
        settings: tokens, name of the header, networks of proxies.

    Raises:
        ConfigError: a network cannot be read.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        told = settings.api_token.get_secret_value() if settings.api_token else ""
        self._tokens = [token.encode() for token in told.split()]
        self._header = settings.api_user_header
        self._proxies = [_network(text) for text in settings.api_proxies.split()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _OPEN or self._known(scope):
            await self._app(scope, receive, send)
            return
        detail = (
            "send the token as `Authorization: Bearer …`" if self._tokens else "come through the proxy that knows you"
        )
        response = problem_response(scope["path"], 401, detail, {"WWW-Authenticate": 'Bearer realm="hdqm"'})
        await response(scope, receive, send)

    def _known(self, scope: Scope) -> bool:
        if not self._tokens and not self._header:
            return True
        headers = Headers(scope=scope)
        kind, _, shown = headers.get("authorization", "").partition(" ")
        token = shown.strip().encode("latin-1")
        if kind.lower() == "bearer" and any(hmac.compare_digest(token, one) for one in self._tokens):
            return True
        return bool(self._header and headers.get(self._header, "").strip() and self._from_proxy(scope))

    def _from_proxy(self, scope: Scope) -> bool:
        client = scope.get("client")
        try:
            place = ip_address(client[0]) if client else None
        except ValueError:
            return False
        return place is not None and any(place in network for network in self._proxies)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ConfigError(f"HDQM_API_PROXIES has {text!r}, which is no address or network: {error}") from error
