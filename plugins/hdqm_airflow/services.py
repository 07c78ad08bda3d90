"""OMS and Run Registry: connections that say where they are and who asks, turned into settings."""

from typing import Any

from airflow.exceptions import AirflowNotFoundException
from airflow.sdk import BaseHook, Connection
from pydantic import ValidationError

from hdqm_ops import services
from hdqm_ops.errors import ConfigError, HdqmError
from hdqm_ops.settings import Settings

__all__ = ["OmsHook", "RunRegistryHook", "address_of", "service_facts"]


class _ServiceHook(BaseHook):
    """A connection: host is the address, login and password are client id and secret, extra says the rest."""

    conn_name_attr = "service_conn_id"
    prefix = ""

    def __init__(self, service_conn_id: str | None = None, **rest: Any) -> None:
        super().__init__(**rest)
        self.service_conn_id = service_conn_id or self.default_conn_name

    def facts(self) -> dict[str, Any]:
        """Settings that the connection names; what is empty stays as the environment says."""
        connection = self.get_connection(self.service_conn_id)
        extra = connection.extra_dejson
        told = {
            f"{self.prefix}_url": address_of(connection),
            f"{self.prefix}_audience": extra.get("audience"),
            "sso_client_id": connection.login,
            "sso_client_secret": connection.password,
            "sso_url": extra.get("sso_url"),
            "sso_grant": extra.get("grant"),
            "ca_bundle": extra.get("ca_bundle"),
        }
        if extra.get("anonymous") is True:
            told[f"{self.prefix}_audience"] = ""
        return {name: value for name, value in told.items() if value or value == ""}

    def get_conn(self) -> Settings:
        """Settings of the service: there is no session to hold."""
        try:
            return Settings(**self.facts())
        except ValidationError as error:
            told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            raise ConfigError(f"the connection {self.service_conn_id} cannot be used: {told}") from error

    def test_connection(self) -> tuple[bool, str]:
        """What the Test button shows."""
        try:
            return True, self.ask(self.get_conn())
        except HdqmError as error:
            return False, str(error)

    def ask(self, settings: Settings) -> str:
        """Ask for something small, and tell of it."""
        raise NotImplementedError


class OmsHook(_ServiceHook):
    """A connection of type ``cms_oms``."""

    default_conn_name = "cms_oms"
    conn_type = "cms_oms"
    hook_name = "CMS OMS"
    prefix = "oms"

    def ask(self, settings: Settings) -> str:
        """The newest run."""
        with services.OMS.from_settings(settings) as oms:
            rows = oms.query("runs").fields("run_number").sort("run_number", descending=True).first(1)
        return f"OMS answers; its newest run is {rows[0]['run_number']}" if rows else "OMS answers, and has no run"


class RunRegistryHook(_ServiceHook):
    """A connection of type ``cms_rr``."""

    default_conn_name = "cms_rr"
    conn_type = "cms_rr"
    hook_name = "CMS Run Registry"
    prefix = "rr"

    def ask(self, settings: Settings) -> str:
        """The number of runs."""
        with services.RunRegistry.from_settings(settings) as rr:
            return f"Run Registry answers; it has {rr.count('runs', {})} runs"


def service_facts(hook: _ServiceHook) -> dict[str, Any]:
    """Settings that a connection names; none where there is no such connection."""
    try:
        return hook.facts()
    except AirflowNotFoundException:
        return {}


def address_of(connection: Connection) -> str | None:
    """The address, whole in the field of the host, or in parts as Airflow's addresses of connections bring them."""
    host, path = connection.host, connection.schema
    if not host:
        return None
    if "://" not in host and (connection.port or path):
        host = f"https://{host}"
    whole = f"{host}:{connection.port}" if connection.port else host
    return f"{whole}/{path.strip('/')}" if path else whole
