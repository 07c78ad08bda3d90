"""Trend points as arrays, without a Python object for each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg.adapt import Buffer, Loader
from psycopg.pq import Format

from hdqm_ops.load._arrays import from_binary
from hdqm_ops.load._reader import Reader
from hdqm_ops.load._sql import query

__all__ = ["SeriesPoints", "read_points"]

_BATCH = 150_000  # points that are in memory at once; the answer is as long as it likes
_FEW_RUNS = 50
_BETWEEN = {False: "points_between", True: "points_between_with_status"}
_BY_RUNS = {False: "points_of_runs", True: "points_of_runs_with_status"}


@dataclass(frozen=True, slots=True, eq=False)
class SeriesPoints:
    """Points of one series, one place for each of the runs that were asked for.

    Attributes:
        series_id: the series.
        value: NaN where there is none.
        error: one sigma; NaN where there is none.
        status: number of the reason; 0 is a value, -1 where there is no point at all. None where it was not asked for.
    """

    series_id: int
    value: NDArray[np.float64]
    error: NDArray[np.float32]
    status: NDArray[np.int16] | None = None


def read_points(
    reader: Reader, series_ids: Sequence[int], runs: NDArray[np.int32], *, status: bool = False
) -> Iterator[SeriesPoints]:
    """Points of series in runs, in the order of ``series_ids``; series without any point too.

    No connection is held while somebody looks at the points: a slow reader keeps nobody waiting.

    Args:
        reader: asks the database.
        series_ids: the series.
        runs: run numbers, ascending, each once.
        status: whether gaps are to be told apart.
    """
    if not runs.size:
        return
    places = _Places(runs)
    step = max(1, _BATCH // runs.size)
    for first in range(0, len(series_ids), step):
        batch = list(series_ids[first : first + step])
        found = {row[0]: row for row in _rows(reader, batch, runs, status=status)}
        for number in batch:
            yield _placed(number, found.get(number), places, status=status)


def _rows(reader: Reader, batch: list[int], runs: NDArray[np.int32], *, status: bool) -> list[tuple[Any, ...]]:
    few = runs.size <= _FEW_RUNS and runs[-1] - runs[0] > 4 * _FEW_RUNS
    name = _BY_RUNS[status] if few else _BETWEEN[status]
    values = {"series": batch, "first": int(runs[0]), "last": int(runs[-1]), "runs": runs.tolist() if few else []}
    with reader.connection() as connection, connection.cursor(binary=True) as cursor:
        for kind in ("int2", "int4", "float4", "float8"):
            cursor.adapters.register_loader(cursor.adapters.types[kind].array_oid, _Bytes)
        return cursor.execute(query("api", name), values).fetchall()


class _Bytes(Loader):
    """Arrays as PostgreSQL sends them: most series have the same runs, so these are compared before they are read."""

    format = Format.BINARY

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


class _Places:
    """Where runs stand among those that were asked for."""

    def __init__(self, runs: NDArray[np.int32]) -> None:
        self._runs = runs
        self.size = runs.size
        self._known: dict[bytes, tuple[NDArray[np.intp], NDArray[np.bool_]]] = {}

    def of(self, data: bytes) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Place of each run of a binary array, and whether it was asked for."""
        if data not in self._known:
            if len(self._known) > 100:
                self._known.clear()
            runs = from_binary(data)
            places = np.minimum(np.searchsorted(self._runs, runs), self.size - 1)
            self._known[data] = places, self._runs[places] == runs
        return self._known[data]


def _placed(number: int, row: tuple[Any, ...] | None, places: _Places, *, status: bool) -> SeriesPoints:
    value = np.full(places.size, np.nan)
    error = np.full(places.size, np.nan, np.float32)
    reasons = np.full(places.size, -1, np.int16) if status else None
    if row is not None:
        where, asked = places.of(row[1])
        targets: tuple[NDArray[Any], ...] = (value, error) if reasons is None else (value, error, reasons)
        for target, data in zip(targets, row[2:], strict=True):
            target[where[asked]] = from_binary(data)[asked]
    return SeriesPoints(number, value, error, reasons)
