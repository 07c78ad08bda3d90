"""The database of the settings: the embedded one, or the one that ``HDQM_DATABASE_URL`` names. Both are asked alike."""

import os
import shutil
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from hdqm_ops import load
from hdqm_ops.errors import DatabaseUnavailable, MissingTool
from hdqm_ops.local._postgres import Postgres
from hdqm_ops.local._sql import answers, client_variables, create_airflow_database, load_timescaledb
from hdqm_ops.settings import Settings, revealed

__all__ = ["NamedDatabase", "database_of", "psql", "start_database", "stop_database", "with_database"]


def _tell_nobody(_line: str) -> None:
    """Stand in for a listener."""


class NamedDatabase:
    """A database that others run. It is asked and filled, never started or stopped.

    Args:
        url: its address, as its owner.
        reader_login: its address as ``hdqm_reader``, where that is known.
    """

    def __init__(self, url: str, reader_login: str | None = None) -> None:
        self.url = url
        # the passwords of its other roles are not ours to know; who loads or reads takes the role
        self.writer_url = self.reader_url = url
        self.reader_login = reader_login
        self.knows_reader = reader_login is not None

    @property
    def airflow_url(self) -> str:
        """Airflow's own database beside it: ``hdqm_airflow`` beside ``hdqm``."""
        parts = urlsplit(self.url)
        return parts._replace(path=f"{parts.path if len(parts.path) > 1 else '/hdqm'}_airflow").geturl()

    def start(self) -> None:
        """See whether it answers and has TimescaleDB.

        Raises:
            DatabaseUnavailable: it does not answer, with what was said.
            ConfigError: it has no TimescaleDB.
        """
        complaint = answers(self.url)
        if complaint:
            raise DatabaseUnavailable(f"the database of HDQM_DATABASE_URL ({self._shown}) does not answer: {complaint}")
        load_timescaledb(self.url)

    def migrate(self, reader_timeout_s: int) -> list[str]:
        """Bring the schema up to date; names of the migrations that were applied now."""
        return load.migrate(self.url, reader_timeout_s=reader_timeout_s)

    def prepare_airflow(self) -> None:
        """Make Airflow's own database, where it is absent."""
        create_airflow_database(self.url, self.airflow_url)

    def stop(self) -> None:
        """Leave it alone."""

    @property
    def began(self) -> None:
        """When it was started; others know."""
        return None

    def state(self) -> str:
        """``healthy`` or what is wrong."""
        complaint = answers(self.url)
        return f"does not answer: {complaint}" if complaint else "healthy"

    def where(self) -> dict[str, Any]:
        """Facts for people."""
        return {"pid": None, "address": self._shown, "data": "elsewhere (HDQM_DATABASE_URL)", "log": None}

    def program(self, name: str) -> str:
        """Path of one of PostgreSQL's programs."""
        found = shutil.which(name)
        if found is None:
            raise MissingTool(
                f"{name} is not on PATH: install PostgreSQL's client (Debian: apt install postgresql-client)"
            )
        return found

    @property
    def _shown(self) -> str:
        """The address without user and password."""
        parts = urlsplit(self.url)
        return f"{parts.hostname or 'local socket'}{f':{parts.port}' if parts.port else ''}{parts.path}"


def database_of(settings: Settings, say: Callable[[str], None] = _tell_nobody) -> Postgres | NamedDatabase:
    """The database that these settings mean."""
    if settings.database_url is not None:
        return NamedDatabase(settings.database_url.get_secret_value(), revealed(settings.reader_url))
    return Postgres(settings, say=say)


def start_database(settings: Settings, say: Callable[[str], None] = _tell_nobody) -> dict[str, Any]:
    """Start the embedded database where none is named, bring the schema up to date; facts for people."""
    database = database_of(settings, say)
    database.start()
    database.migrate(settings.reader_timeout_s)
    return database.where()


def stop_database(settings: Settings) -> None:
    """Stop the embedded database; the data stay."""
    Postgres(settings).stop()


def with_database(settings: Settings) -> Settings:
    """The settings with the address of the database that they mean, the embedded one too.

    Raises:
        DatabaseUnavailable: none is named and the embedded one does not run.
    """
    if settings.database_url is not None:
        return settings
    embedded = Postgres(settings)
    if not embedded.running:
        raise DatabaseUnavailable(
            f"no database runs in {settings.home}: start one with `hdqm db start` or `hdqm up`, "
            "or name another one with HDQM_DATABASE_URL"
        )
    return settings.model_copy(update={"database_url": SecretStr(embedded.url)})


def psql(settings: Settings) -> tuple[str, dict[str, str]]:
    """Path of psql, and an environment in which it finds the database without a password on its command line."""
    database = database_of(settings)
    with_database(settings)  # says how to start one where none runs
    # By a password one needs no ticket, and psql 15 dies of a ticket cache that is none.
    return database.program("psql"), {"PGGSSENCMODE": "disable", **os.environ, **client_variables(database.url)}
