"""Connections, and what their faults mean to those who called."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from hdqm_ops.errors import ConfigError, DatabaseUnavailable, TryAgain

__all__ = ["Connection", "connect", "in_transaction", "translated"]

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]
T = TypeVar("T")

_TRIES = 8
_PASSING = (errors.SerializationFailure, errors.DeadlockDetected)
_NOT_THERE = (errors.UndefinedTable, errors.InvalidSchemaName, errors.UndefinedColumn, errors.UndefinedFunction)
_PATIENCE = {  # in seconds: a server whose machine died says nothing, and the system's own patience is two hours
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds
}
_CURE = "start one with `hdqm db start` or `hdqm up`, or name one in HDQM_DATABASE_URL"


def connect(
    url: str, *, role: str | None = "hdqm_writer", application_name: str = "hdqm", idle_s: float = 60
) -> Connection:
    """Open a connection that commits by itself; our verbs open their transactions.

    Args:
        url: address of the database.
        role: role to work as, where the login is a member of it; None: as the login itself.
        application_name: what the server's list of sessions shows.
        idle_s: how long a writer may say nothing within a transaction; then the server ends the session. A process that
            was stopped in the middle of a load, or hangs, would keep its locks for ever.

    Raises:
        DatabaseUnavailable: none answers there.
        ConfigError: the address cannot be read.
    """
    with translated(_place(url)):
        given = conninfo_to_dict(url)
        ours: dict[str, Any] = {name: value for name, value in _PATIENCE.items() if name not in given}
        connection = psycopg.connect(url, autocommit=True, application_name=application_name, **ours)
        try:
            if role is not None:
                connection.execute(
                    "SELECT set_config('role', rolname, false) FROM pg_roles "
                    "WHERE rolname = %s AND rolname <> current_user AND pg_has_role(current_user, oid, 'MEMBER')",
                    [role],
                )
            if role == "hdqm_writer":
                limit = f"{max(1, round(idle_s * 1000))}ms"
                connection.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, false)", [limit])
        except BaseException:
            connection.close()
            raise
        return connection


def _place(url: str) -> str:
    """Host, port and name of the database, without the password."""
    try:
        facts = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise ConfigError(
            "the address of the database cannot be read; it looks like postgresql://user:password@host:port/database"
        ) from error
    return f"{facts.get('host', 'localhost')}:{facts.get('port', 5432)}/{facts.get('dbname', '')}"


@contextmanager
def translated(place: str = "the database") -> Iterator[None]:
    """Turn the driver's errors into ours, by who acts next; what is a fault of the program passes as it is."""
    try:
        yield
    except _NOT_THERE as error:
        if "hdqm" not in str(error):  # a slip of ours, not an old schema
            raise
        raise ConfigError(f"the schema of the database is not up to date ({_said(error)}): hdqm db migrate") from error
    except errors.InsufficientPrivilege as error:
        raise ConfigError(
            f"the database refuses: {_said(error)}; log in as its owner to migrate, as hdqm_writer to load"
        ) from error
    except (*_PASSING, errors.LockNotAvailable, errors.DiskFull, errors.OutOfMemory, errors.QueryCanceled) as error:
        raise TryAgain(f"the database cannot do it now: {_said(error)}") from error
    except errors.ProgramLimitExceeded:  # an OperationalError to the driver, but waiting would not mend it
        raise
    except (psycopg.OperationalError, psycopg.InterfaceError, errors.IdleInTransactionSessionTimeout) as error:
        raise DatabaseUnavailable(f"no database answers at {place} ({_said(error)}): {_CURE}") from error


def _said(error: psycopg.Error) -> str:
    return error.diag.message_primary or " ".join(str(error).split()) or type(error).__name__


def in_transaction(connection: Connection, work: Callable[[], T]) -> T:
    """Run ``work`` in a transaction of its own; anew where another one crossed it. It must be repeatable."""
    tries = _TRIES if connection.info.transaction_status == TransactionStatus.IDLE else 1
    with translated():
        for attempt in range(1, tries + 1):
            try:
                with connection.transaction():
                    return work()
            except _PASSING:
                if attempt == tries:
                    raise
                time.sleep(random.uniform(0.01, 0.02 * 2**attempt))  # noqa: S311 - only to part two that collided
    raise AssertionError
