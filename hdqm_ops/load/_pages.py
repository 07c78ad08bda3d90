"""What a page about the state of the system shows, asked as ``hdqm_reader``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from hdqm_ops.load._connection import Connection, translated
from hdqm_ops.load._reader import Reader
from hdqm_ops.load._sql import query

__all__ = ["Pages", "pages"]

Row: TypeAlias = dict[str, Any]


class Pages:
    """Questions of pages; each gives rows by the names of their columns.

    Args:
        connection: that of somebody who only reads.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def freshness(self) -> Row:
        """``newest_run``, ``last_ingested``, ``last_found``, ``newest_run_of_oms``; None where there is none yet."""
        return self._rows("freshness")[0]

    def services(self) -> list[Row]:
        """How far OMS and Run Registry are: ``name``, ``succeeded_at``, ``failed_at``, ``failure``."""
        return self._rows("services")

    def late(self, most: int) -> list[Row]:
        """Runs that ended and of which nothing is ingested."""
        return self._rows("late", most=most)

    def states(self) -> dict[str, int]:
        """State → DQM files."""
        return {row["state"]: row["files"] for row in self._rows("states")}

    def failures(self, most: int) -> list[Row]:
        """Files that failed, and why."""
        return self._rows("failures", most=most)

    def recomputes(self, most: int) -> list[Row]:
        """Trends whose current definition was not computed for all files; ``files`` lack it."""
        return self._rows("recomputes", most=most)

    def run(self, number: int) -> tuple[list[Row], list[Row]]:
        """Facts of a run (``fact``, ``value``) and its files."""
        return self._rows("run_facts", run=str(number)), self._rows("run_files", run=str(number))

    def trends(self, text: str, most: int) -> list[Row]:
        """Trends with a text in name, title, metric or hash of the definition; ``found`` is their number in all."""
        return self._rows("trends", text=text, most=most)

    def batch(self, file_ids: Sequence[int]) -> list[Row]:
        """Some files of the ledger."""
        return self._rows("batch", ids=list(file_ids))

    def golden_jsons(self) -> list[Row]:
        """Golden JSONs that can be chosen now."""
        return self._rows("golden")

    def _rows(self, name: str, **facts: Any) -> list[Row]:
        with translated():
            cursor = self._connection.execute(query("pages", name), facts)
            columns = [column.name for column in cursor.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in cursor]


@contextmanager
def pages(reader: Reader) -> Iterator[Pages]:
    """Ask the questions of one page over one connection; errors as ``Reader.connection`` has them."""
    with reader.connection() as connection:
        yield Pages(connection)
