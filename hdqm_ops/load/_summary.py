"""What the database holds, in a few numbers, and any other question to it."""

from dataclasses import dataclass
from typing import Any

from hdqm_ops.load._connection import Connection, translated
from hdqm_ops.load._sql import query
from hdqm_ops.model import Reason

__all__ = ["Summary", "ask", "summary"]


@dataclass(frozen=True, slots=True)
class Summary:
    """What the database holds.

    Attributes:
        files: state → DQM files.
        trends: active trends.
        series: series with a value.
        runs: runs that have points.
        points: points with a value.
        gaps: code of the reason → points without one.
        histograms: stored monitor elements.
    """

    files: dict[str, int]
    trends: int
    series: int
    runs: int
    points: int
    gaps: dict[str, int]
    histograms: int


def summary(connection: Connection) -> Summary:
    """Count what there is; reads every point, so that it takes a second for each ten million."""
    with translated():
        files: dict[str, int] = dict(connection.execute(query("summary", "files")).fetchall())
        gaps: dict[str, int] = dict(connection.execute(query("summary", "points")).fetchall())
        others = connection.execute(query("summary", "others")).fetchone() or (0, 0, 0, 0)
    trends, series, histograms, runs = others
    return Summary(files, trends, series, runs, gaps.pop(Reason.OK.code, 0), gaps, histograms)


def ask(connection: Connection, text: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names of the columns and rows of one SQL query."""
    with translated():
        cursor = connection.execute(text.encode())
        return [column.name for column in cursor.description or ()], cursor.fetchall()
