"""The REST API of the local stack: ``hdqm api serve`` as a process of its own, as ``hdqm_reader``."""

import os
import sys
from datetime import datetime
from pathlib import Path

import requests
from pydantic import SecretStr

from hdqm_ops.local._component import Component
from hdqm_ops.local._database import NamedDatabase
from hdqm_ops.local._postgres import Postgres
from hdqm_ops.settings import Settings, as_environment

__all__ = ["Api"]

_OWNERS = "HDQM_DATABASE_URL"


class Api:
    """The API of one state folder.

    Args:
        settings: port, folders, who may ask.
        database: what it reads.
    """

    def __init__(self, settings: Settings, database: Postgres | NamedDatabase) -> None:
        self._settings = settings
        self._database = database

    @property
    def address(self) -> str:
        """Of the API."""
        return f"http://{self._settings.api_host}:{self._settings.api_port}"

    def component(self) -> Component:
        """The process, for the stack."""
        return Component(
            name="api",
            home=self._settings.home.absolute(),
            command=(str(Path(sys.executable).parent / "hdqm"), "api", "serve"),
            environment=self.environment,
            where=f"{self.address}/docs",
            ailment=self._ailment,
            port=(self._settings.api_port, "HDQM_API_PORT"),
        )

    def environment(self) -> dict[str, str]:
        """All that it gets; of the database only the address of its reader."""
        reader = self._settings.reader_url or SecretStr(self._database.reader_url)
        ours = as_environment(self._settings.model_copy(update={"reader_url": reader, "database_url": None}))
        return {**{name: text for name, text in os.environ.items() if name != _OWNERS}, **ours}

    def _ailment(self, _began: datetime) -> str:
        try:
            answer = requests.get(f"{self.address}/health/ready", timeout=10)
        except requests.RequestException:
            return "does not answer"
        return "" if answer.ok else str(answer.json().get("detail", f"answers {answer.status_code}"))
