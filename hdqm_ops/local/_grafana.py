"""Grafana on this machine, where one is installed: our dashboards over the stack's database, to look without login."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
import requests

from hdqm_ops import show
from hdqm_ops.errors import MissingTool
from hdqm_ops.local._component import Component
from hdqm_ops.local._secrets import Secrets, write_private

__all__ = ["Grafana", "GrafanaInstallation", "find_grafana", "remember_addresses"]

_DEBIAN_HOME = Path("/usr/share/grafana")


@dataclass(frozen=True, slots=True)
class GrafanaInstallation:
    """Where a Grafana is.

    Attributes:
        program: ``grafana``.
        home: folder with ``public/`` and ``conf/``.
    """

    program: Path
    home: Path


def find_grafana(named: Path | None = None) -> GrafanaInstallation | None:
    """The Grafana of this machine; None where there is none.

    Args:
        named: folder with ``bin/grafana``, ``public/`` and ``conf/`` (``HDQM_GRAFANA_HOME``); else the one on PATH.

    Raises:
        MissingTool: the named folder does not hold one.
    """
    if named is not None:
        if not (named / "bin" / "grafana").is_file() or not (named / "public").is_dir():
            raise MissingTool(
                f"HDQM_GRAFANA_HOME is {named}, which has no bin/grafana and public/: name another folder"
            )
        return GrafanaInstallation(named / "bin" / "grafana", named)
    program = shutil.which("grafana")
    return GrafanaInstallation(Path(program), _DEBIAN_HOME) if program and _DEBIAN_HOME.is_dir() else None


class Grafana:
    """The Grafana of one state folder.

    Args:
        installation: where its programs are.
        home: state folder of the stack.
        port: on loopback.
        reader_url: database as ``hdqm_reader``.
        alarm_webhook: address that alarms are posted to.
        alarm_email: addresses that alarms are sent to, with semicolons between.
    """

    def __init__(
        self,
        installation: GrafanaInstallation,
        home: Path,
        port: int,
        reader_url: Callable[[], str],
        *,
        alarm_webhook: str | None = None,
        alarm_email: str | None = None,
    ) -> None:
        self._installation = installation
        self._stack_home = home.absolute()
        self._home = self._stack_home / "grafana"
        self._port = port
        self._reader_url = reader_url
        self._contacts = show.contact_points(alarm_webhook, alarm_email)
        self._secrets = Secrets(self._stack_home)

    @property
    def address(self) -> str:
        """Of its pages."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def password(self) -> str:
        """Of the user ``admin``, whom nobody needs who only looks."""
        return self._secrets["grafana_admin"][:20]

    def component(self) -> Component:
        """The process, for the stack. ``prepare`` comes before its start."""
        return Component(
            name="grafana",
            home=self._stack_home,
            command=(str(self._installation.program), "server", "--homepath", str(self._installation.home)),
            environment=self.environment,
            where=f"{self.address}/d/hdqm-home",
            ailment=self._ailment,
            port=(self._port, "HDQM_GRAFANA_PORT"),
        )

    def prepare(self) -> None:
        """Write what it reads at its start: our provisioning, and contact points where some are set."""
        folder = self._home / "provisioning"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(show.grafana_folder() / "provisioning", folder)
        (folder / "plugins").mkdir()
        (self._home / "plugins").mkdir(exist_ok=True)
        # an address to post to may hold a token
        write_private(folder / "alerting" / "contact-points.json", json.dumps(self._contacts))

    def _ailment(self, _began: datetime) -> str:
        try:
            answer = requests.get(f"{self.address}/api/health", timeout=5)
        except requests.RequestException:
            return "does not answer"
        return "" if answer.ok and answer.json().get("database") == "ok" else "its own database is not ready"

    # -- environment ---------------------------------------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        """All that it gets: ours over the user's, without what the user set for another Grafana."""
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("GF_")}
        return {**inherited, **_MACHINE, **self._where(), **self._datasource()}

    def _where(self) -> dict[str, str]:
        return {
            "GF_PATHS_DATA": str(self._home / "data"),
            "GF_PATHS_LOGS": str(self._home / "log"),
            "GF_PATHS_PLUGINS": str(self._home / "plugins"),
            "GF_PATHS_PROVISIONING": str(self._home / "provisioning"),
            "GF_SERVER_HTTP_ADDR": "127.0.0.1",
            "GF_SERVER_HTTP_PORT": str(self._port),
            "GF_SERVER_ROOT_URL": self.address,
            "GF_SECURITY_ADMIN_PASSWORD": self.password,
            "GF_SECURITY_SECRET_KEY": self._secrets["grafana_key"],
            "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(show.grafana_folder() / "dashboards" / "hdqm-home.json"),
            "HDQM_GRAFANA_DASHBOARDS": str(show.grafana_folder() / "dashboards"),
        }

    def _datasource(self) -> dict[str, str]:
        parts = urlsplit(self._reader_url())
        return {
            "HDQM_GRAFANA_DB_HOST": f"{parts.hostname}:{parts.port or 5432}",
            "HDQM_GRAFANA_DB_NAME": parts.path.lstrip("/"),
            "HDQM_GRAFANA_DB_USER": unquote(parts.username or ""),
            "HDQM_GRAFANA_DB_PASSWORD": unquote(parts.password or ""),
            "HDQM_GRAFANA_DB_SSLMODE": "disable" if parts.hostname in ("127.0.0.1", "localhost") else "require",
        }


# The same on every machine: nothing is looked up, asked for or sent elsewhere.
_MACHINE = {
    "GF_ANALYTICS_REPORTING_ENABLED": "false",
    "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
    "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    "GF_NEWS_NEWS_FEED_ENABLED": "false",
    "GF_PLUGINS_PREINSTALL": "",
    "GF_PLUGINS_PREINSTALL_DISABLED": "true",
    "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED": "true",
    "GF_SECURITY_ALLOW_EMBEDDING": "true",  # Airflow's pages show dashboards
    "GF_AUTH_ANONYMOUS_ENABLED": "true",
    "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
    "GF_USERS_DEFAULT_LANGUAGE": "en-US",  # else it follows the browser, to translations that a build may not have
    "GF_LOG_MODE": "console",
    "GF_LOG_LEVEL": "warn",
}


def remember_addresses(owner_url: str, addresses: Mapping[str, str]) -> None:
    """Tell the dashboards where other pages are: ``airflow_url``, ``api_url``, …; an empty address removes it."""
    with psycopg.connect(owner_url) as connection:
        for name, address in addresses.items():
            if address:
                connection.execute(
                    "INSERT INTO hdqm.site (name, value) VALUES (%s, %s) "
                    "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                    [name, address],
                )
            else:
                connection.execute("DELETE FROM hdqm.site WHERE name = %s", [name])
