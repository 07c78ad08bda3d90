"""What people ask of the ledger of files, and the states that are not the outcome of a load."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.multirange import Multirange
from psycopg.types.range import Range

from hdqm_ops.load._connection import Connection, in_transaction, translated
from hdqm_ops.load._histograms import text
from hdqm_ops.load._sql import query
from hdqm_ops.model import DQMFile

__all__ = [
    "FileFilter",
    "file_events",
    "list_files",
    "not_listed",
    "record_vanished",
    "record_waiting",
    "requeue_files",
]


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Which files of the ledger are meant. Empty tuples mean all.

    Attributes:
        states: ``failed``, ``waiting``, ….
        runs: first and last run of each range, both included.
        datasets: primary datasets.
    """

    states: tuple[str, ...] = ()
    runs: tuple[tuple[int, int], ...] = ()
    datasets: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """Parameters of the queries."""
        return {
            "states": list(self.states) or None,
            "runs": Multirange([Range(low, high, "[]") for low, high in self.runs]) if self.runs else None,
            "datasets": list(self.datasets) or None,
        }


def list_files(connection: Connection, chosen: FileFilter, *, most: int | None = None) -> list[dict[str, Any]]:
    """Files of the ledger by run and path, as ``hdqm.dqm_files`` names their columns."""
    with translated(), connection.cursor() as cursor:
        cursor.execute(query("files", "list"), {**chosen.facts(), "most": most})
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def file_events(connection: Connection, path: str) -> list[dict[str, Any]]:
    """Every change of the state of a file, oldest first."""
    with translated():
        rows = connection.execute(query("files", "events"), {"path": path}).fetchall()
    return [dict(zip(("at", "old_state", "new_state", "reason"), row, strict=True)) for row in rows]


def requeue_files(connection: Connection, chosen: FileFilter) -> int:
    """Let failed and waiting files be done with the next ingest, as if they had never been tried; how many."""
    return in_transaction(connection, lambda: connection.execute(query("files", "requeue"), chosen.facts()).rowcount)


def record_waiting(
    connection: Connection, file_id: int, file: DQMFile, reason: str, *, wait_s: float, claim: int | None = None
) -> bool:
    """Let a file wait that ends too early and is young: it may still be written.

    It is taken up again when it changes and then stays, or at the latest ``wait_s`` seconds after its time. Nothing is
    marked, and the answer is False, where the file is another one by now, or ``claim`` is not its last claim.
    """
    facts = {"file_id": file_id, "reason": text(reason), "wait_s": wait_s, "claim": claim}
    facts |= {"size_bytes": file.size_bytes, "mtime": file.mtime}
    return in_transaction(connection, lambda: connection.execute(query("files", "wait"), facts).rowcount) > 0


def not_listed(connection: Connection, paths: Sequence[str]) -> list[tuple[int, str]]:
    """Id and path of files that the ledger has and a listing did not bring."""
    with translated():
        return connection.execute(query("files", "not_listed"), {"paths": list(paths)}).fetchall()


def record_vanished(connection: Connection, file_ids: Sequence[int], *, claim: int | None = None) -> int:
    """Mark files that are no longer there; their points stay. How many were not marked before.

    With ``claim``, only files whose last claim it is are marked.
    """
    facts = {"ids": list(file_ids), "claim": claim}
    return in_transaction(connection, lambda: connection.execute(query("files", "vanish"), facts).rowcount)
