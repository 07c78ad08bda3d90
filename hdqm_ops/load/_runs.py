"""What somebody told of runs: idempotent, corrections recorded, nothing known that was not answered."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from hdqm_ops.load._connection import Connection, in_transaction, translated
from hdqm_ops.load._sql import query

__all__ = [
    "RunCounts",
    "Source",
    "as_json",
    "first_run_of_days",
    "record_absent_runs",
    "record_asked_runs",
    "record_runs",
    "record_schemes",
    "run_starts",
    "runs_to_ask",
]

Source: TypeAlias = Literal["oms", "rr", "hand"]
Service: TypeAlias = Literal["oms", "rr"]


@dataclass(frozen=True, slots=True)
class RunCounts:
    """What an answer did.

    Attributes:
        runs: runs that it told of.
        new: those that the database did not have.
        written: rows in which a value changed.
        changes: values that were told otherwise than before, as ``hdqm.run_changes`` has them.
    """

    runs: int = 0
    new: int = 0
    written: int = 0
    changes: int = 0

    def __add__(self, other: "RunCounts") -> "RunCounts":
        return RunCounts(
            self.runs + other.runs, self.new + other.new, self.written + other.written, self.changes + other.changes
        )


def record_runs(
    connection: Connection, source: Source, rows: Sequence[Mapping[str, Any]], *, answered: bool = True
) -> RunCounts:
    """Write what was told of runs; telling the same again moves the time of the answer only.

    Args:
        connection: from ``connect``.
        source: who told. What a person tells never replaces what a service did.
        rows: columns of ``hdqm.run`` by name, ``run_number`` among them; columns that are not named stay.
        answered: the runs are known to the service from now on; False for facts that only come along.
    """

    def work() -> RunCounts:
        connection.execute(query("runs", "fill_answer"), {"rows": as_json(rows)})
        new = connection.execute(query("runs", "make")).rowcount
        written, changes = _compare(connection, source)
        if answered:
            connection.execute(query("runs", f"answered_{source}"))
        return RunCounts(len(rows), new, written, changes)

    if not rows:
        return RunCounts()
    _prepare(connection)
    return in_transaction(connection, work)


def record_schemes(connection: Connection, fills: Iterable[int]) -> RunCounts:
    """Bring the injection schemes of fills to their runs."""

    def work() -> RunCounts:
        runs = connection.execute(query("runs", "answer_of_fills"), {"fills": list(fills)}).rowcount
        written, changes = _compare(connection, "oms")
        return RunCounts(runs, 0, written, changes)

    _prepare(connection)
    return in_transaction(connection, work)


def record_absent_runs(connection: Connection, service: Service, first: int, last: int, told: Iterable[int]) -> int:
    """Of the runs from first to last, a service knows those it told of and no others; how many it does not know."""
    facts = {"first": first, "last": last, "told": list(told)}
    return in_transaction(connection, lambda: connection.execute(query("runs", f"absent_{service}"), facts).rowcount)


def record_asked_runs(connection: Connection, service: Service, first: int, last: int) -> None:
    """A service was asked for the runs from first to last, and did not answer."""
    facts = {"first": first, "last": last}
    in_transaction(connection, lambda: connection.execute(query("runs", f"asked_{service}"), facts))


def runs_to_ask(connection: Connection, service: Service) -> list[int]:
    """Runs that a service has to be asked for again: never answered, question failed, no end yet."""
    with translated():
        return [run for (run,) in connection.execute(query("runs", f"again_{service}"))]


def first_run_of_days(connection: Connection, days: int) -> int | None:
    """The first run of the last days before the newest run began; None where no run has a time."""
    with translated():
        row = connection.execute(query("runs", "first_of_days"), {"days": days}).fetchone()
    return row[0] if row else None


def run_starts(connection: Connection) -> list[tuple[int, datetime]]:
    """Number and start of the runs that have one, without those that Run Registry calls not significant."""
    with translated():
        return [(run, start) for run, start in connection.execute(query("runs", "starts"))]


def as_json(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as PostgreSQL reads them into records."""
    return json.dumps([dict(row) for row in rows], default=_time, allow_nan=False).replace("\\u0000", "")


def _time(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no place in a row")


def _prepare(connection: Connection) -> None:
    with translated():
        connection.execute("SET client_min_messages = warning")  # that a table exists already is no news
        connection.execute(query("runs", "stage"))
        connection.execute(query("runs", "stage_difference"))


def _compare(connection: Connection, source: Source) -> tuple[int, int]:
    """Write where the answer differs; rows that were written, and changes that were noted."""
    connection.execute(query("runs", "lock"))
    if not connection.execute(query("runs", "compare"), {"source": source}).rowcount:
        return 0, 0
    changes = connection.execute(query("runs", "note"), {"source": source}).rowcount
    return connection.execute(query("runs", "write")).rowcount, changes
