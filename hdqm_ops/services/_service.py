"""Where a service is and how to talk to it: plain facts, made from settings, an Airflow connection, or by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from hdqm_ops.errors import ConfigError
from hdqm_ops.settings import Settings

Grant: TypeAlias = Literal["api-access", "token-exchange"]

SSO_URL = "https://auth.cern.ch/auth/realms/cern"

# Addresses and audiences as Run Registry's own client knows them; `qa` is a name that only its older versions had.
_RUN_REGISTRIES: Mapping[str, tuple[str, str]] = {
    "production": ("https://cmsrunregistry.web.cern.ch/api", "cmsrunregistry-sso-proxy"),
    "development": ("https://dev-cmsrunregistry.web.cern.ch/api", "dev-cmsrunregistry-sso-proxy"),
    "qa": ("https://dev-cmsrunregistry.web.cern.ch/api", "dev-cmsrunregistry-sso-proxy"),
    "local": ("http://localhost:9500", ""),
}
# Without a token in front of it, Run Registry's backend wants to know who asks.
_ANONYMOUS_HEADERS = {"email": "api@api"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """An application registered with CERN's single sign-on. The secret shows in no repr, log line or error."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service as a client sees it.

    Attributes:
        name: what errors and log lines call it.
        url: base of all addresses, without a slash at the end.
        audience: whom tokens are asked for; empty where the service wants none.
        credentials: who we are; needed where there is an audience.
        sso_url: realm that gives the tokens.
        grant: ``api-access`` (Basic authentication), or the older ``token-exchange`` of OpenID Connect.
        ca_bundle: certificate authorities to trust; None for those of certifi. Checking is never off.
        headers: sent with every request.
        connect_timeout_s: time to reach the service.
        read_timeout_s: longest silence while it answers.
        total_timeout_s: longest time for one answer, for services that drip.
        tries: how often a request is tried in all.
        backoff_s: first pause before a repetition; doubles each time, with jitter.
        longest_wait_s: longest pause, and the longest ``Retry-After`` that is waited for.
    """

    name: str
    url: str
    audience: str = ""
    credentials: Credentials | None = None
    sso_url: str = SSO_URL
    grant: Grant = "api-access"
    ca_bundle: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    connect_timeout_s: float = 10
    read_timeout_s: float = 120
    total_timeout_s: float = 600
    tries: int = 5
    backoff_s: float = 1.0
    longest_wait_s: float = 120

    def __post_init__(self) -> None:
        for address in (self.url, self.sso_url):
            if not address.startswith(("https://", "http://")):
                raise ConfigError(f"{self.name}: the address {address!r} must begin with https:// (or http://)")
        if self.ca_bundle is not None and not self.ca_bundle.is_file():
            raise ConfigError(f"{self.name}: there is no file of certificate authorities at {self.ca_bundle}")
        object.__setattr__(self, "url", self.url.rstrip("/"))
        object.__setattr__(self, "sso_url", self.sso_url.rstrip("/"))

    @property
    def configured(self) -> bool:
        """Whether it can be asked at all: it wants no token, or there are credentials to get one."""
        return not self.audience or self.credentials is not None


def run_registry_target(target: str) -> tuple[str, str]:
    """Address and audience of a Run Registry: a target's name, or an address (then without an audience)."""
    if target in _RUN_REGISTRIES:
        return _RUN_REGISTRIES[target]
    if target.startswith(("https://", "http://")):
        return target, ""
    known = ", ".join(_RUN_REGISTRIES)
    raise ConfigError(f"Run Registry has no target {target!r}; it is one of {known}, or an address (HDQM_RR_URL)")


def oms_service(settings: Settings) -> Service:
    """OMS as the settings describe it."""
    return _service(settings, "OMS", settings.oms_url, settings.oms_audience, {})


def run_registry_service(settings: Settings) -> Service:
    """Run Registry as the settings describe it."""
    url, audience = run_registry_target(settings.rr_url)
    audience = audience if settings.rr_audience is None else settings.rr_audience
    return _service(settings, "Run Registry", url, audience, {} if audience else _ANONYMOUS_HEADERS)


def _service(settings: Settings, name: str, url: str, audience: str, headers: Mapping[str, str]) -> Service:
    return Service(
        name=name,
        url=url,
        audience=audience,
        credentials=_credentials(settings),
        sso_url=settings.sso_url,
        grant=settings.sso_grant,
        ca_bundle=settings.ca_bundle,
        headers=headers,
        connect_timeout_s=settings.connect_timeout_s,
        read_timeout_s=settings.read_timeout_s,
        tries=settings.service_tries,
    )


def _credentials(settings: Settings) -> Credentials | None:
    name, secret = settings.sso_client_id, settings.sso_client_secret
    if not name or secret is None:
        return None
    return Credentials(name, secret.get_secret_value())
