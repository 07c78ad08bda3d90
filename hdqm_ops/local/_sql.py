"""What the stack says to a database: roles, databases, extension. The tables are the migrations' business."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from hdqm_ops.errors import ConfigError

__all__ = [
    "LOGINS",
    "airflow_schema",
    "answers",
    "client_variables",
    "create_airflow_database",
    "create_database",
    "load_timescaledb",
    "prepare_roles",
]

# What the owner may: migrations create what is missing, give rights to both roles, and set their time-outs.
LOGINS = ("hdqm_owner", "hdqm_writer", "hdqm_reader", "airflow")


def prepare_roles(superuser_url: str, passwords: Mapping[str, str]) -> None:
    """Create the roles of the stack where they are absent, and give all of them their passwords."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for role in LOGINS:
            verb = sql.SQL("ALTER" if role in known else "CREATE")
            command = sql.SQL("{} ROLE {} LOGIN PASSWORD {}")
            connection.execute(command.format(verb, sql.Identifier(role), sql.Literal(passwords[role])))
        connection.execute("ALTER ROLE hdqm_owner CREATEROLE")
        connection.execute("GRANT hdqm_writer, hdqm_reader TO hdqm_owner WITH ADMIN OPTION")


def create_database(superuser_url: str, name: str, owner: str) -> None:
    """Create a database where it is absent."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if known is None:
            command = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(command.format(sql.Identifier(name), sql.Identifier(owner)))


def load_timescaledb(url: str) -> None:
    """Create the extension in the database of that address, or bring it to the version that is installed now.

    Raises:
        ConfigError: the server has no TimescaleDB, or this role may not create it.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            connection.execute("ALTER EXTENSION timescaledb UPDATE")  # works as first command of a session only
        except psycopg.errors.UndefinedObject:
            _create_extension(connection)
        except psycopg.errors.InsufficientPrivilege:
            return  # it is there, and its owner keeps it up to date


def _create_extension(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    try:
        connection.execute("CREATE EXTENSION timescaledb")
    except psycopg.Error as error:
        facts = connection.info
        raise ConfigError(
            f"database {facts.dbname!r} at {facts.host}:{facts.port} gets no TimescaleDB: "
            f"{error.diag.message_primary}; a superuser has to run there: CREATE EXTENSION timescaledb"
        ) from error


def create_airflow_database(url: str, airflow_url: str) -> None:
    """Create the database that ``airflow_url`` names on the server of ``url``, where it is absent.

    Raises:
        ConfigError: the role of ``url`` may not.
    """
    name, owner = urlsplit(airflow_url).path.lstrip("/"), urlsplit(url).username or ""
    try:
        create_database(url, name, owner)
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigError(
            f"Airflow needs a database of its own, and {owner!r} may not make it; "
            f"a superuser has to run there: CREATE DATABASE {name} OWNER {owner}"
        ) from error


def answers(url: str) -> str:
    """Ask a database for a sign of life; what it said instead, empty if it answers."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        return " ".join(str(error).split())
    return ""


def client_variables(url: str) -> dict[str, str]:
    """The variables by which PostgreSQL's own programs find a database, password included."""
    odd = {"dbname": "PGDATABASE", "application_name": "PGAPPNAME"}
    parts = psycopg.conninfo.conninfo_to_dict(url)
    return {odd.get(name, f"PG{name.upper()}"): str(value) for name, value in parts.items() if value is not None}


def airflow_schema(database_url: str) -> str | None:
    """Version of Airflow's tables in its database; None where it has none yet."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        try:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return str(found[0]) if found else None
