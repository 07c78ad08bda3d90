"""What the role ``hdqm_reader`` may take of the server, and its password: kept as they are meant to be.

PostgreSQL lets every role change its own password and its own settings, and who may look at a dashboard may send any
SQL as this role. No right can be taken away here; what was changed is put back.
"""

import psycopg
from psycopg import sql

from hdqm_ops.load._connection import Connection, translated
from hdqm_ops.load._sql import query

__all__ = ["limit_reader", "restore_reader"]

_ROLE = "hdqm_reader"
_OURS = sql.SQL("ALTER ROLE hdqm_reader IN DATABASE {} SET {} = {}")
_HERE = sql.SQL("ALTER ROLE hdqm_reader IN DATABASE {} RESET {}")
_EVERYWHERE = sql.SQL("ALTER ROLE hdqm_reader RESET {}")
_REFUSED = "password authentication failed"  # libpq gives no code for it


def _limits(reader_timeout_s: int) -> dict[str, str]:
    return {
        "default_transaction_read_only": "on",
        "statement_timeout": f"{reader_timeout_s}s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": f"{reader_timeout_s}s",
    }


def limit_reader(connection: Connection, reader_timeout_s: int) -> None:
    """Set what sessions of the role begin with, in this database."""
    database = sql.Identifier(connection.info.dbname)
    for name, value in _limits(reader_timeout_s).items():
        connection.execute(_OURS.format(database, sql.Identifier(name), sql.Literal(value)))


def restore_reader(connection: Connection, reader_timeout_s: int, login: str | None = None) -> list[str]:
    """Put back what a session of the role changed of the role itself.

    Args:
        connection: as a role that may alter ``hdqm_reader``: the owner may.
        reader_timeout_s: longest statement of the role.
        login: address of the database as the role, where it is known: with the password that it is to have.

    Returns:
        A sentence for each thing that was put back.

    Raises:
        ConfigError: this role may not.
    """
    with translated():
        return [*_restore_settings(connection, reader_timeout_s), *_restore_password(connection, login)]


def _restore_settings(connection: Connection, reader_timeout_s: int) -> list[str]:
    database = sql.Identifier(connection.info.dbname)
    wanted = _limits(reader_timeout_s)
    found = connection.execute(query("guard", "reader_settings")).fetchall()
    strange = [(name, here) for name, _, here in found if not (here and name in wanted)]
    with connection.transaction():
        for name, here in strange:
            reset = _HERE.format(database, sql.Identifier(name)) if here else _EVERYWHERE.format(sql.Identifier(name))
            connection.execute(reset)
        if {name: value for name, value, here in found if here and name in wanted} != wanted:
            limit_reader(connection, reader_timeout_s)
            strange += [(name, True) for name in wanted]
    return [f"put settings of {_ROLE} back: {', '.join(sorted({name for name, _ in strange}))}"] if strange else []


def _restore_password(connection: Connection, login: str | None) -> list[str]:
    facts = psycopg.conninfo.conninfo_to_dict(login or "")
    if login is None or facts.get("user") != _ROLE:
        return []
    try:
        psycopg.connect(login, connect_timeout=10, application_name="hdqm guard").close()
    except psycopg.OperationalError as error:
        if _REFUSED not in str(error):
            return []  # too many of them, or away: no password mends it
    else:
        return []
    password = str(facts.get("password") or "")
    # encrypted here: the server's log may hold what it is told
    secret = connection.pgconn.encrypt_password(password.encode(), _ROLE.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("ALTER ROLE hdqm_reader PASSWORD {}").format(sql.Literal(secret)))
    return [f"put the password of {_ROLE} back"]
