"""Questions of many at once: pooled connections of ``hdqm_reader``, which can only read."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from hdqm_ops.errors import ConfigError, DatabaseUnavailable, TryAgain
from hdqm_ops.load._connection import Connection, translated
from hdqm_ops.load._sql import query

__all__ = ["Condition", "NotAnswered", "Page", "Reader"]

_ROLE = "hdqm_reader"
_SURE_S = 0.5  # a connection that answered so long ago is there
_CLAUSES = {
    "=": sql.SQL("q.{} = {}"),
    ">=": sql.SQL("q.{} >= {}"),
    "<=": sql.SQL("q.{} <= {}"),
    "in": sql.SQL("q.{} = ANY ({})"),
    "~": sql.SQL("q.{} ILIKE {}"),
}
Row: TypeAlias = dict[str, Any]
Pool: TypeAlias = ConnectionPool[Connection]

logging.getLogger("psycopg.pool").setLevel(
    logging.ERROR
)  # every lost connection would be two warnings; ours says it once


class NotAnswered(ConfigError):
    """A question that the database cannot read: the message says what of it, as SQL said it."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What rows must fulfil.

    Attributes:
        column: of the named query.
        operator: ``=``, ``>=``, ``<=``, ``in``, or ``~``: contains, whatever the case.
        value: to compare with.
    """

    column: str
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a question, and where the next page begins.

    Attributes:
        columns: names of the columns.
        types: PostgreSQL's names of their types: ``int4``, ``timestamptz``, ``text[]``, ….
        rows: values of each row.
        after: key of the last row; None where there are no more.
    """

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    after: tuple[Any, ...] | None


class Reader:
    """Asks the database as ``hdqm_reader``. Connections are made with the first question, so a fork before is harmless.

    Args:
        url: of the database, as ``hdqm_reader`` or somebody who may become it.
        size: connections at most.
        wait_s: how long a question waits for a connection.
        timeout_s: how long an answer may take.
    """

    def __init__(self, url: str, *, size: int = 8, wait_s: float = 5, timeout_s: float = 30) -> None:
        self._timeout_ms = int(1000 * timeout_s)
        self._login = _ROLE
        self._used: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()  # when each was used last
        self._pool: Pool = ConnectionPool(
            url,
            min_size=1,
            max_size=size,
            open=False,
            timeout=wait_s,
            max_idle=300,
            configure=self._configure,
            check=self._check,
            reset=self._note,
            kwargs={"autocommit": True, "application_name": "hdqm-api", "connect_timeout": 5},
            name="hdqm-api",
        )

    def _configure(self, connection: Connection) -> None:
        """Make a new connection one that can only read, and not for ever."""
        connection.execute(
            "SELECT set_config('role', rolname, false) FROM pg_roles "
            "WHERE rolname = %s AND rolname <> current_user AND pg_has_role(current_user, oid, 'MEMBER')",
            [_ROLE],
        )
        connection.execute("SET default_transaction_read_only = on; SET TimeZone = 'UTC'; SET jit = off")
        connection.execute("SELECT set_config('statement_timeout', %s, false)", [str(self._timeout_ms)])
        self._login = str(connection.execute("SELECT current_user").fetchall()[0][0])

    def _note(self, connection: Connection) -> None:
        self._used[connection] = time.monotonic()

    def _check(self, connection: Connection) -> None:
        """Ask the server whether it is still there, unless it just was: that is a journey more for each question."""
        if time.monotonic() - self._used.get(connection, 0.0) > _SURE_S:
            ConnectionPool.check_connection(connection)

    def close(self) -> None:
        """Close all connections, for good."""
        self._pool.close(timeout=1)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection that commits by itself, for as long as one question takes.

        Raises:
            DatabaseUnavailable: none is there, or none is free.
            TryAgain: the answer takes too long.
            NotAnswered: the database cannot read the question.
            ConfigError: the login is not, and may not become, ``hdqm_reader``; the schema is old.
        """
        self._pool.open()
        with translated(), _explained(), self._pool.connection() as connection:
            if self._login != _ROLE:  # pools swallow what is raised while a connection is made
                raise ConfigError(
                    f"{self._login} may not become {_ROLE}: name an address with that role in HDQM_READER_URL"
                )
            yield connection

    def ask(self, name: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """All rows of a named query of ``queries/api.sql``."""
        with self.connection() as connection, connection.cursor(row_factory=dict_row, binary=True) as cursor:
            return cursor.execute(query("api", name), parameters or {}).fetchall()

    def page(
        self,
        name: str,
        conditions: Sequence[Condition],
        keys: Sequence[str],
        limit: int,
        *,
        after: Sequence[Any] | None = None,
        descending: bool = False,
        parameters: Mapping[str, Any] | None = None,
    ) -> Page:
        """Some rows of a named query of ``queries/api.sql``, in the order of a unique key.

        Args:
            name: of the query.
            conditions: that rows must fulfil.
            keys: columns that together name a row, none of them NULL.
            limit: rows at most.
            after: key of the last row of the page before.
            descending: the largest key first.
            parameters: of the query.
        """
        statement, values = _paged(name, conditions, keys, limit, after, descending=descending)
        with self.connection() as connection, connection.cursor(binary=True) as cursor:
            cursor.execute(statement, {**(parameters or {}), **values})
            columns = tuple(column.name for column in cursor.description or ())
            types = tuple(column.type_display for column in cursor.description or ())
            rows = cursor.fetchall()
        more = len(rows) > limit
        rows = rows[:limit]
        places = [columns.index(key) for key in keys]
        return Page(columns, types, rows, tuple(rows[-1][place] for place in places) if more else None)


def _paged(
    name: str,
    conditions: Sequence[Condition],
    keys: Sequence[str],
    limit: int,
    after: Sequence[Any] | None,
    *,
    descending: bool,
) -> tuple[sql.Composed, dict[str, Any]]:
    """Statement and values; the named query stands in it as it is, all else is quoted."""
    values: dict[str, Any] = {f"_c{place}": _pattern(one) for place, one in enumerate(conditions)}
    clauses = [
        _CLAUSES[one.operator].format(sql.Identifier(one.column), sql.Placeholder(f"_c{place}"))
        for place, one in enumerate(conditions)
    ]
    ordered = sql.SQL(", ").join(sql.SQL("q.{}").format(sql.Identifier(key)) for key in keys)
    if after is not None:
        values |= {f"_k{place}": str(value) for place, value in enumerate(after)}  # of whatever type the column is
        marks = sql.SQL(", ").join(sql.Placeholder(f"_k{place}") for place in range(len(keys)))
        clauses.append(sql.SQL("({}) {} ({})").format(ordered, sql.SQL("<" if descending else ">"), marks))
    direction = sql.SQL(" DESC" if descending else "")
    order = sql.SQL(", ").join(sql.SQL("q.{}{}").format(sql.Identifier(key), direction) for key in keys)
    statement = sql.SQL("SELECT q.* FROM ({}) AS q{} ORDER BY {} LIMIT {}").format(
        _NamedQuery(query("api", name)),
        sql.SQL(" WHERE ") + sql.SQL(" AND ").join(clauses) if clauses else sql.SQL(""),
        order,
        sql.Literal(limit + 1),
    )
    return statement, values


class _NamedQuery(sql.Composable):
    """A query of our own, as part of a statement."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text)

    def as_bytes(self, context: Any = None) -> bytes:  # noqa: ARG002 - psycopg's signature
        return bytes(self._obj)


def _pattern(condition: Condition) -> Any:
    if condition.operator != "~":
        return condition.value
    quoted = str(condition.value).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{quoted}%"


@contextmanager
def _explained() -> Iterator[None]:
    """Tell questions that cannot be read from faults of the program."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseUnavailable("the database does not answer, or too many ask at once") from error
    except psycopg.errors.QueryCanceled as error:
        raise TryAgain("the answer takes too long: ask for fewer runs or trends") from error
    except psycopg.DataError as error:  # a value out of range, or what one of our functions refuses with 22023
        raise NotAnswered(error.diag.message_primary or str(error)) from error
