"""Trend points: run info once, then each series as columns with one place a run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any, Literal

import numpy as np
import orjson
from fastapi import APIRouter, Body, Query, Request
from numpy.typing import NDArray
from pydantic import BeforeValidator, ConfigDict, Field
from starlette.responses import Response

from hdqm_ops.api._answers import answer, next_page
from hdqm_ops.api._ask import Name, Selection, SeriesNumber, conditions, pack_cursor, read_cursor
from hdqm_ops.api._bodies import JsonRoute, KnownKeys, whole_numbers
from hdqm_ops.api._database import Database
from hdqm_ops.api._formats import TABLE_CONTENT, Format, as_csv, as_json, choose, pyarrow
from hdqm_ops.api._problems import PROBLEMS, Problem
from hdqm_ops.load import Reader, SeriesPoints, read_points

__all__ = ["golden_runs", "router"]

router = APIRouter(prefix="/api/v1", tags=["points"], route_class=JsonRoute)

_KEYS = ("subsystem", "trend", "primary_dataset", "processing", "series_id")
_NAMES = ("subsystem", "primary_dataset", "processing")
_GOLDEN = {"324997": [[1, 100]], "324998": [[1, 55], [60, 70]]}
_POSTED = {"subsystem": "Tracker", "primary_dataset": "SingleMuon", "processing": "PromptReco", "golden_json": _GOLDEN}


class Asked(Selection):
    """Which series, in which runs."""

    model_config = ConfigDict(extra="forbid")

    subsystem: Name | None = Field(default=None, examples=["Tracker"])
    trend: list[Name] = Field(
        default=[],
        max_length=100,
        description="Names of trends; none: all. Longer lists go by POST.",
        examples=[["NumberOfTracks_mean"]],
    )
    primary_dataset: Name | None = Field(default=None, examples=["SingleMuon"])
    processing: Name | None = Field(default=None, examples=["PromptReco"])
    series_id: list[SeriesNumber] = Field(
        default=[], max_length=5000, description="Series in place of names.", examples=[[12, 13]]
    )
    search: Name | None = Field(default=None, description="Part of the trend's name.", examples=["Tracks"])
    gaps: bool = Field(default=False, description="Also say why there is no value.")
    limit: int = Field(
        default=1_000_000, ge=1, le=5_000_000, description="Points of a page at most; a series is never divided."
    )
    cursor: str | None = Field(default=None, max_length=4000, description="`next` of the page before.")
    format: Literal["json", "csv", "arrow", "parquet"] | None = Field(
        default=None, description="Wins over `Accept`.", examples=["csv"]
    )


class PointsPosted(KnownKeys, Asked):
    """As the parameters of GET, and lists of runs of any length."""

    trend: list[Name] = Field(default=[], max_length=5000, description="Names of trends; none: all.")
    golden_json: dict[str, Any] | None = Field(
        default=None,
        description="A golden JSON as it is: its runs count, as an explicit list.",
        examples=[_GOLDEN],
    )
    runs: Annotated[str | list[int] | None, BeforeValidator(whole_numbers)] = Field(  # type: ignore[assignment]
        default=None, description="Runs, as a text or a list.", examples=[[324997, 324998]]
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What a request selects: runs, their facts as JSON, series of this page, where the next one begins."""

    runs: NDArray[np.int32]
    facts: bytes
    series: list[dict[str, Any]]
    cursor: str | None


_EXAMPLE = {
    "runs": {
        "run_number": [324997, 324998],
        "start_time": ["2018-10-22T21:45:12Z", None],
        "duration_s": [5820.0, None],
    },
    "next": None,
    "series": [
        {
            "series_id": 12,
            "subsystem": "Tracker",
            "trend": "NumberOfTracks_mean",
            "primary_dataset": "SingleMuon",
            "processing": "PromptReco",
            "value": [412.7, None],
            "error": [0.8, None],
            "gaps": {"run_number": [324998], "status": ["histogram_empty"]},
        }
    ],
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`value` and `error` of each series have one place for each run; null where there is none.",
        "content": {"application/json": {"schema": {"type": "object"}, "example": _EXAMPLE}, **TABLE_CONTENT},
    },
    304: {"description": "What `If-None-Match` names is still true."},
    **{status: PROBLEMS[status] for status in (400, 401, 404, 406, 413, 414, 422, 429, 503)},
}


@router.get("/points", responses=_RESPONSES)
def points(request: Request, database: Database, asked: Annotated[Asked, Query()]) -> Response:
    """Trend points of series in runs.

    `value[i]` and `error[i]` belong to `runs.run_number[i]`. Where `gaps` is true, each series lists its runs without
    value with the reason (`/api/v1/reasons`); a run in neither has no point of the series. CSV, Arrow and Parquet have
    one row a point in place of columns.
    """
    return _answered(request, database, asked)


@router.post("/points", responses=_RESPONSES)
def points_posted(
    request: Request, database: Database, asked: Annotated[PointsPosted, Body(examples=[_POSTED])]
) -> Response:
    """Trend points, with runs of a golden JSON of any size, or a list of any length. Nothing is stored."""
    return _answered(request, database, asked)


def _answered(request: Request, database: Reader, asked: Asked) -> Response:
    form = choose(request.headers.get("accept", ""), asked.format)
    found = _find(database, asked)
    rows = read_points(database, [one["series_id"] for one in found.series], found.runs, status=asked.gaps)
    codes = {row["number"]: row["code"] for row in database.ask("reason_codes")} if asked.gaps else None
    headers = next_page(request, found.cursor)
    return answer(request, _MAKERS[form](found, rows, codes), form.media_type, headers=headers)


# -- what is asked -----------------------------------------------------------------------------------------------------


def _find(database: Reader, asked: Asked) -> _Found:
    if asked.subsystem is None and not asked.series_id:
        raise Problem(422, "send a subsystem, or series_id; /api/v1/series lists them")
    runs = database.ask("runs_chosen", _of_dataset(database, asked) | _selection(asked))[0]
    numbers = np.array(runs["run_numbers"], np.int32)
    page = database.page(
        "series",
        conditions(asked, "gaps", "golden_json", "limit", "cursor", "format"),
        _KEYS,
        max(1, asked.limit // max(1, numbers.size)),
        after=read_cursor(asked.cursor, len(_KEYS)),
    )
    series = [dict(zip(page.columns, row, strict=True)) for row in page.rows]
    return _Found(numbers, runs["facts"].encode(), series, pack_cursor(page.after))


def _of_dataset(database: Reader, asked: Asked) -> dict[str, Any]:
    """Names that "the latest N" counts in: those of the request, else what all of its series have in common."""
    named: dict[str, Any] = {name: getattr(asked, name) for name in _NAMES}
    if asked.series_id and not all(named.values()):
        page = database.page(
            "series", conditions(Asked(series_id=asked.series_id), "gaps", "limit"), ("series_id",), 5000
        )
        missing = set(asked.series_id) - {row[page.columns.index("series_id")] for row in page.rows}
        if missing:
            raise Problem(404, f"there is no series {', '.join(map(str, sorted(missing)[:10]))}")
        for name in _NAMES:
            common = {row[page.columns.index(name)] for row in page.rows}
            named[name] = named[name] or (common.pop() if len(common) == 1 else None)
    return named


def _selection(asked: Asked) -> dict[str, Any]:
    """Parameters of the selection; posted lists too."""
    if not isinstance(asked, PointsPosted):
        return asked.parameters()
    given = [name for name in (*Selection.MODES, "golden_json") if getattr(asked, name) is not None]
    if len(given) > 1:
        raise Problem(422, f"{' and '.join(given)} exclude each other")
    if asked.golden_json is not None:
        return asked.parameters() | {"mode": "list", "runs": golden_runs(asked.golden_json)}
    if isinstance(asked.runs, list):
        return asked.parameters() | {"runs": _as_text(asked.runs)}
    return asked.parameters()


def golden_runs(golden: dict[str, Any]) -> str:
    """Runs of a golden JSON, as ``hdqm.run_selection`` reads a list.

    Raises:
        Problem: 400, it is none.
    """
    wrong = next((key for key in golden if not (key.isascii() and key.isdigit() and len(key) <= 9)), None)
    if wrong is not None:
        raise Problem(400, f"golden_json: {wrong[:50]!r} is no run number")
    odd = next((run for run, ranges in golden.items() if not _are_ranges(ranges)), None)
    if odd is not None:
        raise Problem(400, f"golden_json: run {odd} has no list of lumisection ranges [[first, last], …]")
    return _as_text([int(key) for key in golden])


def _are_ranges(ranges: Any) -> bool:
    return isinstance(ranges, list) and all(
        isinstance(one, list) and len(one) == 2 and all(type(end) is int for end in one) for one in ranges
    )


def _as_text(runs: Sequence[int]) -> str:
    wrong = next((run for run in runs if not 0 <= run <= 999_999_999), None)
    if wrong is not None:
        raise Problem(400, f"runs: {str(wrong)[:30]} is no run number")
    return " ".join(f"{first}-{last}" for first, last in _together(sorted(set(runs)))) or "0"  # there is no run 0


def _together(runs: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Runs that follow one another, as first and last: a list of a hundred thousand is read ten times faster so."""
    for _, group in groupby(enumerate(runs), key=lambda one: one[1] - one[0]):
        members = [run for _, run in group]
        yield members[0], members[-1]


# -- how it is written -------------------------------------------------------------------------------------------------


def _as_json(found: _Found, rows: Iterable[SeriesPoints], codes: dict[int, str] | None) -> Iterator[bytes]:
    yield b'{"runs":' + found.facts + b',"next":' + orjson.dumps(found.cursor) + b',"series":['
    between = b""
    empty = np.empty(0)
    for facts, one in zip(found.series, rows if found.runs.size else [], strict=bool(found.runs.size)):
        columns = {**facts, "value": one.value, "error": one.error}
        if codes is not None and one.status is not None:
            columns["gaps"] = _gaps(found.runs, one.status, codes)
        yield between + as_json(columns)
        between = b","
    if not found.runs.size:
        yield b",".join(as_json({**facts, "value": empty, "error": empty}) for facts in found.series)
    yield b"]}"


def _gaps(runs: NDArray[np.int32], status: NDArray[np.int16], codes: dict[int, str]) -> dict[str, Any]:
    where = status > 0
    return {"run_number": runs[where], "status": [codes[number] for number in status[where].tolist()]}


_COLUMNS = ("series_id", "subsystem", "trend", "primary_dataset", "processing", "run_number", "value", "error")
_SHARED = _COLUMNS[:5]


def _as_csv(found: _Found, rows: Iterable[SeriesPoints], codes: dict[int, str] | None) -> Iterator[bytes]:
    yield as_csv((*_COLUMNS, "status") if codes else _COLUMNS)
    for facts, one in zip(found.series, rows, strict=False):
        where, status = _shown(one, codes)
        begin = as_csv([facts[name] for name in _SHARED]).rstrip(b"\r\n")
        numbers: list[list[Any]] = [found.runs[where].tolist(), one.value[where].tolist(), one.error[where].tolist()]
        if status is not None:
            numbers.append(status)
        lines = (b",".join((begin, *map(_number, line))) for line in zip(*numbers, strict=True))
        yield b"".join(line + b"\r\n" for line in lines)


def _number(value: float | str) -> bytes:
    return b"" if value != value else str(value).encode()  # noqa: PLR0124 - what is not itself is NaN: nothing


def _shown(one: SeriesPoints, codes: dict[int, str] | None) -> tuple[NDArray[np.bool_], list[str] | None]:
    """Places of the points that are rows, and what their status is."""
    if codes is None or one.status is None:
        return np.isfinite(one.value), None
    where = one.status >= 0
    return where, [codes[number] for number in one.status[where].tolist()]


def _batches(found: _Found, rows: Iterable[SeriesPoints], codes: dict[int, str] | None) -> Iterator[Any]:
    """Record batches of Arrow, one a series."""
    library = pyarrow()
    for facts, one in zip(found.series, rows, strict=False):
        where, status = _shown(one, codes)
        n = int(where.sum())
        columns = [_repeated(library, facts[name], n) for name in _SHARED]
        columns.append(library.array(found.runs[where]))
        columns += [library.array(column[where], mask=~np.isfinite(column[where])) for column in (one.value, one.error)]
        if status is not None:
            columns.append(library.array(status, library.string()).dictionary_encode())
        yield library.record_batch(columns, schema=_schema(library, codes))


def _repeated(library: Any, value: str | int, n: int) -> Any:
    if isinstance(value, int):
        return library.array(np.full(n, value, np.int32))
    return library.DictionaryArray.from_arrays(np.zeros(n, np.int32), [value])


def _schema(library: Any, codes: dict[int, str] | None) -> Any:
    text = library.dictionary(library.int32(), library.string())
    kinds = [library.int32(), *[text] * 4, library.int32(), library.float64(), library.float32()]
    fields = [*zip(_COLUMNS, kinds, strict=True), *([("status", text)] if codes else [])]
    return library.schema(fields)


class _Drain:
    """A file that is read while it is written."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        self.closed = True

    def taken(self) -> bytes:
        """What was written since."""
        whole = b"".join(self._pieces)
        self._pieces.clear()
        return whole


def _as_arrow(found: _Found, rows: Iterable[SeriesPoints], codes: dict[int, str] | None) -> Iterator[bytes]:
    library = pyarrow()
    drain = _Drain()
    with library.ipc.new_stream(library.PythonFile(drain, mode="w"), _schema(library, codes)) as writer:
        for batch in _batches(found, rows, codes):
            writer.write_batch(batch)
            yield drain.taken()
    yield drain.taken()


def _as_parquet(found: _Found, rows: Iterable[SeriesPoints], codes: dict[int, str] | None) -> Iterator[bytes]:
    library = pyarrow()
    drain = _Drain()
    with library.parquet.ParquetWriter(library.PythonFile(drain, mode="w"), _schema(library, codes)) as writer:
        for group in _groups(_batches(found, rows, codes)):
            writer.write_table(library.Table.from_batches(group))
            yield drain.taken()
    yield drain.taken()


def _groups(batches: Iterable[Any]) -> Iterator[list[Any]]:
    """Some batches at a time: a row group of a single series would be small."""
    group: list[Any] = []
    for batch in batches:
        group.append(batch)
        if sum(one.num_rows for one in group) > 100_000:
            yield group
            group = []
    if group:
        yield group


_MAKERS = {Format.JSON: _as_json, Format.CSV: _as_csv, Format.ARROW: _as_arrow, Format.PARQUET: _as_parquet}
