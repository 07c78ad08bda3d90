"""Databases, roles and passwords of the embedded TimescaleDB."""

from collections.abc import Mapping

import psycopg
from psycopg import sql

__all__ = ["LOGINS", "create_database", "load_timescaledb", "prepare_roles"]

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


def load_timescaledb(superuser_url: str) -> None:
    """Create the extension in the database of that address, or bring it to the version that is installed now."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        try:
            connection.execute("ALTER EXTENSION timescaledb UPDATE")  # works as first command of a session only
        except psycopg.errors.UndefinedObject:
            connection.execute("CREATE EXTENSION timescaledb")
