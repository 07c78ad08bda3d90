"""The database of the settings, for what is asked of it in one sentence, and for work that outlasts its restarts."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from hdqm_ops import load
from hdqm_ops.discover import parse_runs
from hdqm_ops.errors import DatabaseUnavailable
from hdqm_ops.settings import Settings

__all__ = [
    "Database",
    "connect",
    "database_url",
    "maintenance",
    "migrate",
    "migration_status",
    "query",
    "select_runs",
    "summary",
    "summary_rows",
]

log = logging.getLogger(__name__)

T = TypeVar("T")

_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 10.0


def database_url(settings: Settings) -> str:
    """Address of the database, with its password.

    Raises:
        DatabaseUnavailable: the settings name none.
    """
    if settings.database_url is None:
        raise DatabaseUnavailable("no database is named: start one with `hdqm db start`, or set HDQM_DATABASE_URL")
    return settings.database_url.get_secret_value()


def connect(settings: Settings) -> load.Connection:
    """Open a connection that loads (role ``hdqm_writer`` where the login may take it)."""
    return load.connect(database_url(settings), idle_s=settings.claim_s)


class Database:
    """A connection that is opened when it is needed, and anew where the last one broke.

    Args:
        settings: which database, and how long to wait for it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: load.Connection | None = None

    def open(self) -> None:
        """Connect: who finds no database at the beginning is told so, and does not wait for one.

        Raises:
            DatabaseUnavailable: no database answers.
        """
        self._opened()

    def ask(self, question: Callable[[load.Connection], T], *, patient: bool = True) -> T:
        """Ask ``question``, again after the database went away in the middle of it: it must be repeatable.

        Args:
            question: is asked over the connection.
            patient: False: once, whatever comes.

        Raises:
            DatabaseUnavailable: the database did not come back within the time of the settings.
        """
        pause, end = _PAUSE_S, 0.0
        while True:
            try:
                return question(self._opened())
            except DatabaseUnavailable as error:
                self.close()
                now = time.monotonic()
                end = end or now + (self._settings.database_wait_s if patient else 0.0)
                if now + pause > end:
                    raise
                log.warning("%s; it is waited for, %.0f s more", error, end - now)
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _opened(self) -> load.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._settings)
            load.follow_priority(self._connection)
        return self._connection

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def migrate(settings: Settings) -> list[str]:
    """Apply the migrations that are missing; their names."""
    return load.migrate(database_url(settings), reader_timeout_s=settings.reader_timeout_s)


def maintenance(settings: Settings, rowstore: str | None = None) -> Iterator[str]:
    """Convert old runs to the columnstore and refresh long views, as owner; nothing on the Apache edition.

    Args:
        settings: which database, and how many runs stay in the row store.
        rowstore: runs (``324997 325000-325170``) to turn back into the row store instead, before a large backfill.

    Yields:
        A line about each thing that was done.
    """
    url = database_url(settings)
    if not rowstore:
        yield from load.maintain(url, keep=settings.rowstore_runs)
        return
    for first, last in parse_runs(rowstore).ranges:
        yield from load.open_runs(url, first, last)


def migration_status(settings: Settings) -> list[dict[str, Any]]:
    """Number, name and state of each migration."""
    return [
        {"number": one.number, "name": one.name, "state": one.state}
        for one in load.migration_status(database_url(settings))
    ]


def query(settings: Settings, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows of a query, asked as ``hdqm_reader``."""
    with load.connect(database_url(settings), role="hdqm_reader") as connection:
        return load.ask(connection, sql)


def select_runs(settings: Settings, selection: load.Selection, *, left_out: bool = False) -> list[dict[str, Any]]:
    """The runs that a selection gives, or those that its quality leaves out, with what is known of them."""
    with load.connect(database_url(settings), role="hdqm_reader") as connection:
        return (load.left_out_runs if left_out else load.selected_runs)(connection, selection)


def summary(settings: Settings) -> dict[str, Any]:
    """What the database holds: files by state, trends, series, points, gaps by reason, histograms."""
    with load.connect(database_url(settings), role="hdqm_reader") as connection:
        return asdict(load.summary(connection))


def summary_rows(content: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The summary as lines of a table: ``files: ingested``, ``gaps: element_missing``, …."""
    rows: list[tuple[str, Any]] = []
    for name, value in content.items():
        if isinstance(value, Mapping):
            rows += [(f"{name}: {part}", number) for part, number in value.items()]
        else:
            rows.append((name, value))
    return rows
