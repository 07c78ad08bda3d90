"""A real TimescaleDB, made cheap: one server a session, one migrated template, a clone for each test.

``HDQM_TEST_DATABASE_URL`` names a server to use instead of the embedded one, as its superuser; tests make databases of
their own there and drop them.
"""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from ports import free_port
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from hdqm_ops import load
from hdqm_ops.settings import Settings


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """Address of a server with TimescaleDB, as its superuser."""
    named = os.environ.get("HDQM_TEST_DATABASE_URL")
    if named:
        yield named
        return
    from hdqm_ops.local import Postgres

    home = Path(tempfile.mkdtemp(prefix="hdqm-test-database-"))
    home.chmod(0o755)  # as root, PostgreSQL runs as somebody else, who must get in
    server = Postgres(Settings(home=home, db_port=free_port()), durable=False)
    try:
        server.start()
        yield server.superuser_url
    finally:
        server.destroy()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def make_database(database_server: str) -> Callable[..., "contextmanager[str]"]:
    """``with make_database() as url:`` a database, dropped afterwards; empty, or a copy of ``template``."""

    @contextmanager
    def make(template: str = "template1", owner: str | None = None) -> Iterator[str]:
        name = f"hdqm_test_{os.getpid()}_{secrets.token_hex(4)}"
        create_database(database_server, name, template, owner)
        try:
            yield with_database(database_server, name)
        finally:
            with psycopg.connect(database_server, autocommit=True) as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    return make


@pytest.fixture(scope="session")
def migrated_template(make_database) -> Iterator[str]:
    """Name of a migrated database to copy."""
    with make_database() as url:
        load.migrate(url)
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def db(make_database, migrated_template) -> Iterator[str]:
    """Address of a fresh, migrated database, as its owner (a superuser)."""
    with make_database(migrated_template) as url:
        yield url


@pytest.fixture
def connection(db: str) -> Iterator[load.Connection]:
    """A connection to ``db`` that loads, as role ``hdqm_writer``."""
    with load.connect(db) as opened:
        yield opened


def with_database(url: str, name: str) -> str:
    return make_conninfo(url, dbname=name)


def create_database(server: str, name: str, template: str, owner: str | None) -> None:
    command = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
        sql.Identifier(name), sql.Identifier(template)
    )
    if owner is not None:
        command += sql.SQL(" OWNER {}").format(sql.Identifier(owner))
    with psycopg.connect(server, autocommit=True) as connection:
        for attempt in range(20):
            try:
                connection.execute(command)
            except psycopg.errors.ObjectInUse:  # a worker of TimescaleDB looks into the template
                if attempt == 19:
                    raise
                time.sleep(0.2)
            else:
                return
