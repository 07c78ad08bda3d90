"""Grafana on this machine, where one is installed: our dashboards over the stack's database, to look without login."""

import json
import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import requests

from hdqm_ops import show
from hdqm_ops.errors import MissingTool
from hdqm_ops.local._component import Component
from hdqm_ops.local._secrets import Secrets, write_private
from hdqm_ops.settings import Settings, revealed

__all__ = ["Grafana", "GrafanaInstallation", "find_grafana"]

_DEBIAN_HOME = Path("/usr/share/grafana")


class ReaderDatabase(Protocol):
    """A database that can be asked as ``hdqm_reader``, where the login is known."""

    @property
    def knows_reader(self) -> bool: ...

    @property
    def reader_login(self) -> str | None: ...


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
        settings: state folder, port, who is told of alarms.
        installation: where its programs are; None where there is none: then it can only be asked and stopped.
        database: whose dashboards they are; asked as ``hdqm_reader``.
    """

    def __init__(self, settings: Settings, installation: GrafanaInstallation | None, database: ReaderDatabase) -> None:
        self._installation = installation
        self._stack_home = settings.home.absolute()
        self._home = self._stack_home / "grafana"
        self._port = settings.grafana_port
        self._database = database
        self._mails = bool(settings.alarm_email)
        self._contacts = show.contact_points(revealed(settings.alarm_webhook), settings.alarm_email)
        self._secrets = Secrets(self._stack_home)

    @property
    def address(self) -> str:
        """Of its pages."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def password(self) -> str:
        """Of the user ``admin``, whom nobody needs who only looks."""
        return self._secrets["grafana_admin"][:20]

    @property
    def home_page(self) -> str:
        """Where to begin."""
        return f"{self.address}/d/hdqm-home"

    @property
    def startable(self) -> bool:
        """Whether there is one to start, and a login for it."""
        return self._installation is not None and self._database.knows_reader

    @property
    def complaint(self) -> str:
        """What keeps it from being started where it is installed."""
        if self._installation is None or self.startable:
            return ""
        return "Grafana is not started: HDQM_READER_URL has to name the database as hdqm_reader"

    def component(self) -> Component:
        """The process, for the stack. ``prepare`` comes before its start."""
        found = self._installation if self.startable else None
        return Component(
            name="grafana",
            home=self._stack_home,
            command=(str(found.program), "server", "--homepath", str(found.home)) if found else (),
            environment=self.environment,
            where=self.home_page,
            ailment=self._ailment,
            port=(self._port, "HDQM_GRAFANA_PORT"),
            noted=("GF_", "HDQM_GRAFANA_"),
        )

    def prepare(self) -> None:
        """Write what it reads at its start: our provisioning, and contact points where some are set."""
        folder = self._home / "provisioning"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(show.grafana_folder() / "provisioning", folder)
        (folder / "dashboards" / "site.yaml").write_text(json.dumps(_SITE_PROVIDER))  # JSON is YAML
        for needed in (folder / "plugins", self._home / "plugins", show.site_folder(self._stack_home)):
            needed.mkdir(exist_ok=True)
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
        """All that it gets: ours over the user's, without what the user set for another Grafana but its mail server."""
        inherited = {
            name: text for name, text in os.environ.items() if not name.startswith("GF_") or name.startswith("GF_SMTP_")
        }
        mail = {"GF_SMTP_ENABLED": "true"} if self._mails else {}
        return {**mail, **inherited, **_MACHINE, **self._where(), **self._datasource()}

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
            "HDQM_GRAFANA_SITE": str(show.site_folder(self._stack_home)),
        }

    def _datasource(self) -> dict[str, str]:
        parts = urlsplit(self._database.reader_login or "")
        return {
            "HDQM_GRAFANA_DB_HOST": f"{parts.hostname}:{parts.port or 5432}",
            "HDQM_GRAFANA_DB_NAME": parts.path.lstrip("/"),
            "HDQM_GRAFANA_DB_USER": unquote(parts.username or ""),
            "HDQM_GRAFANA_DB_PASSWORD": unquote(parts.password or ""),
            "HDQM_GRAFANA_DB_SSLMODE": "disable" if parts.hostname in ("127.0.0.1", "localhost") else "require",
        }


_SITE_PROVIDER = {
    "apiVersion": 1,
    "providers": [
        {
            "name": "hdqm-site",
            "folder": "HDQM subsystems",
            "folderUid": "hdqm-subsystems",
            "type": "file",
            "allowUiUpdates": False,
            "updateIntervalSeconds": 30,
            "options": {"path": "$HDQM_GRAFANA_SITE"},
        }
    ],
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
