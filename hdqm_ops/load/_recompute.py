"""Many files at once: points of stored histograms, where nothing but points changes.

A changed definition of one trend touches one row of each of thousands of files: a transaction for each would cost fifty
times what the row does. Files about which anything else would have to be decided are left to ``load_file``.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.pq import TransactionStatus

from hdqm_ops.load._connection import Connection, in_transaction, translated
from hdqm_ops.load._files import forget_series
from hdqm_ops.load._sql import query
from hdqm_ops.load._store import CODES, POINT_TYPES, intern, point_rows
from hdqm_ops.load._work import FileResult, LoadCounts, Work
from hdqm_ops.model import Reason

__all__ = ["load_recomputed"]


@dataclass(frozen=True, slots=True)
class _Line:
    """What the ledger says of a file whose points may be replaced."""

    file_id: int
    run_number: int
    size_bytes: int
    mtime: float
    definition_set_id: int | None
    element_set_id: int | None
    primary_dataset_id: int
    processing_id: int

    def is_as_it_was(self, work: Work) -> bool:
        """Whether nobody changed it, or did anything for it, since the work was planned."""
        seen = work.seen or (self.definition_set_id, self.element_set_id, "ingested")
        now = (self.definition_set_id, self.element_set_id, "ingested")
        file = work.file
        facts = (file.run_number, file.size_bytes, file.mtime)
        return seen == now and (self.run_number, self.size_bytes, self.mtime) == facts


def load_recomputed(connection: Connection, results: Sequence[FileResult]) -> dict[int, LoadCounts]:
    """Store what was computed of stored histograms, of all files or of none; the same again changes no row.

    Args:
        connection: from ``connect``; not within a transaction.
        results: of files of one primary dataset and processing, with the same definitions.

    Returns:
        What it did by file id; a file that is not in it was left aside and needs ``load_file``. Changed rows are
        counted with the first file.

    Raises:
        TryAgain: other loads crossed this one again and again.
        DatabaseUnavailable: the connection was lost; nothing was stored.
    """
    assert connection.info.transaction_status == TransactionStatus.IDLE, "a load is a transaction of its own"
    with translated():
        staged = connection.execute(query("recompute", "is_staged")).fetchone()
        if not (staged and staged[0]):
            connection.execute(query("recompute", "stage"))
    return in_transaction(connection, lambda: _Recompute(connection, results).run())


class _Recompute:
    """The transaction of many files."""

    def __init__(self, connection: Connection, results: Sequence[FileResult]) -> None:
        self._connection = connection
        self._results = results
        self._facts: dict[str, Any] = {
            "primary_dataset": results[0].work.file.primary_dataset,
            "processing": results[0].work.file.processing,
            "definitions": list(results[0].outcomes),
            "missing": Reason.ELEMENT_MISSING.number,
        }

    def _execute(self, name: str, **facts: Any) -> Any:
        return self._connection.execute(query("recompute", name), {**self._facts, **facts})

    def run(self) -> dict[int, LoadCounts]:
        """Take the lock of the dataset, see which files it may be, and write."""
        self._execute("lock")
        lines = self._lines()
        if not lines:
            return {}
        runs = [line.run_number for line in lines.values()]
        self._facts |= {"file_ids": list(lines), "first": min(runs), "last": max(runs)}
        one = next(iter(lines.values()))
        self._facts |= {"primary_dataset_id": one.primary_dataset_id, "processing_id": one.processing_id}
        self._stage(lines)
        changed = self._write()
        self._note(lines)
        return self._counts(lines, changed)

    def _lines(self) -> dict[int, _Line]:
        """The files that are still those that were worked on, and about which nothing has to be decided."""
        works = {result.work.file_id: result.work for result in self._results}
        lines = (_Line(*found) for found in self._execute("files", file_ids=list(works)))
        return {line.file_id: line for line in lines if line.is_as_it_was(works[line.file_id])}

    def _stage(self, lines: Mapping[int, _Line]) -> None:
        with self._connection.cursor() as cursor, cursor.copy(query("recompute", "copy")) as copy:
            copy.set_types(("int4", *POINT_TYPES))
            for row in self._rows(lines):
                copy.write_row(row)

    def _rows(self, lines: Mapping[int, _Line]) -> Iterator[tuple[Any, ...]]:
        for result in self._results:
            if result.work.file_id in lines:
                for row in point_rows(result.outcomes):
                    yield (result.work.file_id, *row)

    def _write(self) -> int:
        self._execute("make_series")
        self._execute("plan")
        births, losses = self._execute("outline").fetchone()
        if births:
            self._execute("bear_series", births=births)
            self._execute("tell_plan", births=births)
        changed = sum(
            self._execute(name).rowcount
            for name in ("move_to_history", "leave_history", "upsert_points", "remove_points")
        )
        if births:
            changed += self._execute("fill_other_gaps", births=births).rowcount
        forget_series(self._connection, losses)
        return int(changed)

    def _note(self, lines: Mapping[int, _Line]) -> None:
        before = defaultdict[int | None, list[int]](list)
        for line in lines.values():
            before[line.definition_set_id].append(line.file_id)
        for definition_set_id, file_ids in before.items():
            (ids,) = self._execute("definitions_now", definition_set_id=definition_set_id).fetchone()
            self._execute("note", file_ids=file_ids, now=intern(self._connection, "definition_set", ids))

    def _counts(self, lines: Mapping[int, _Line], changed: int) -> dict[int, LoadCounts]:
        found: dict[int, dict[int, int]] = {file_id: {} for file_id in lines}
        for file_id, status, number in self._execute("counts"):
            found[file_id][status] = number
        counts = {}
        for file_id, by_status in found.items():
            gaps = {CODES[status]: number for status, number in sorted(by_status.items()) if status}
            counts[file_id] = LoadCounts("ingested", by_status.get(Reason.OK.number, 0), gaps, changed=changed)
            changed = 0
        return counts
