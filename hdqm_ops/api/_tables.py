"""Resources that are rows: one query of ``load/queries/api.sql``, one class of parameters and one function each."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from hdqm_ops.api._answers import answer, next_page
from hdqm_ops.api._ask import (
    Name,
    Paging,
    RunNumber,
    Selection,
    SeriesNumber,
    Time,
    conditions,
    pack_cursor,
    read_cursor,
)
from hdqm_ops.api._database import Database
from hdqm_ops.api._formats import TABLE_CONTENT, choose, table_pieces
from hdqm_ops.api._problems import PROBLEMS
from hdqm_ops.load import Reader

__all__ = ["router"]

router = APIRouter(prefix="/api/v1")


@dataclass(frozen=True, slots=True)
class Table:
    """A resource.

    Attributes:
        query: its name in ``api.sql``.
        keys: columns that together name a row and order the rows.
        descending: the largest first.
        max_age: seconds for which an answer may be shown again.
    """

    query: str
    keys: tuple[str, ...]
    descending: bool = False
    max_age: int = 30

    def page(
        self, request: Request, database: Reader, asked: Paging, but: tuple[str, ...] = (), **values: Any
    ) -> Response:
        """The page of rows that a request asks for.

        Args:
            request: the request.
            database: is asked.
            asked: its parameters.
            but: those of them that are no columns.
            values: parameters of the query.
        """
        form = choose(request.headers.get("accept", ""), asked.format)
        page = database.page(
            self.query,
            conditions(asked, *but),
            self.keys,
            asked.limit,
            after=read_cursor(asked.cursor, len(self.keys)),
            descending=self.descending,
            parameters=values,
        )
        cursor = pack_cursor(page.after)
        pieces = table_pieces(form, page, cursor)
        return answer(request, pieces, form.media_type, max_age=self.max_age, headers=next_page(request, cursor))


def _told(**example: Any) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of the answers: an example row."""
    schema = {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": {"type": "object"}},
            "next": {"type": ["string", "null"], "description": "Cursor of the next page; null: this is the last."},
        },
    }
    shown = {"application/json": {"schema": schema, "example": {"items": [example], "next": None}}}
    answers: dict[int | str, dict[str, Any]] = {
        200: {"description": "A page of rows.", "content": {**shown, **TABLE_CONTENT}}
    }
    answers[304] = {"description": "What `If-None-Match` names is still true."}
    return answers | _REFUSALS


_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: PROBLEMS[status] for status in (400, 401, 406, 414, 422, 429, 503)
}


# -- what there is -----------------------------------------------------------------------------------------------------


@router.get("/subsystems", tags=["what there is"], responses=_told(subsystem="Tracker", trends=26, series=78))
def subsystems(request: Request, database: Database, asked: Annotated[Paging, Query()]) -> Response:
    """Subsystems, with numbers of their active trends and of series with values."""
    return Table("subsystems", ("subsystem",)).page(request, database, asked)


class Datasets(Paging):
    """Which datasets."""

    subsystem: Name | None = Field(default=None, examples=["Tracker"])


@router.get(
    "/datasets",
    tags=["what there is"],
    responses=_told(primary_dataset="SingleMuon", processing="PromptReco", series=26, runs=114, newest_run=324357),
)
def datasets(request: Request, database: Database, asked: Annotated[Datasets, Query()]) -> Response:
    """Primary datasets and processing strings that have values, of one subsystem or of any."""
    table = Table("datasets", ("primary_dataset", "processing"))
    return table.page(request, database, asked, ("subsystem",), subsystem=asked.subsystem)


class Trends(Paging):
    """Which trends."""

    subsystem: Name | None = Field(default=None, examples=["Tracker"])
    trend: Name | None = Field(default=None, examples=["NumberOfTracks_mean"])
    search: Name | None = Field(default=None, description="Part of the name.", examples=["Tracks"])
    active: bool | None = Field(default=None, examples=[True])
    owner: Name | None = Field(default=None, examples=["tracker-dqm@example.org"])


@router.get(
    "/trends",
    tags=["what there is"],
    responses=_told(subsystem="Tracker", trend="NumberOfTracks_mean", title="Tracks", unit=None, metric="basic.Mean()"),
)
def trends(request: Request, database: Database, asked: Annotated[Trends, Query()]) -> Response:
    """Trends as they are defined now, and those that once were (`active` is false)."""
    return Table("trends", ("subsystem", "trend")).page(request, database, asked)


class Definitions(Paging):
    """Which definitions."""

    subsystem: Name | None = Field(default=None, examples=["Tracker"])
    trend: Name | None = Field(default=None, examples=["NumberOfTracks_mean"])
    current: bool | None = Field(default=None, examples=[True])
    definition: Name | None = Field(
        default=None, description="Hash of the definition, as points name it.", examples=["9f86d081884c7d65"]
    )


@router.get(
    "/trends/history",
    tags=["what there is"],
    responses=_told(
        definition_id=7, subsystem="Tracker", trend="NumberOfTracks_mean", metric="basic.Mean()", current=True
    ),
)
def trend_history(request: Request, database: Database, asked: Annotated[Definitions, Query()]) -> Response:
    """Every definition that trends ever had: metric, arguments, monitor elements, and since when."""
    return Table("definitions", ("definition_id",)).page(request, database, asked)


class SeriesAsked(Paging):
    """Which series."""

    subsystem: Name | None = Field(default=None, examples=["Tracker"])
    trend: Name | None = Field(default=None, examples=["NumberOfTracks_mean"])
    primary_dataset: Name | None = Field(default=None, examples=["SingleMuon"])
    processing: Name | None = Field(default=None, examples=["PromptReco"])
    series_id: list[SeriesNumber] = Field(default=[], max_length=1000, examples=[[12, 13]])
    search: Name | None = Field(default=None, description="Part of the trend's name.", examples=["Tracks"])
    has_value: bool | None = Field(default=None, description="Some run has a value.", examples=[True])


@router.get(
    "/series",
    tags=["what there is"],
    responses=_told(series_id=12, subsystem="Tracker", trend="NumberOfTracks_mean", primary_dataset="SingleMuon"),
)
def series(request: Request, database: Database, asked: Annotated[SeriesAsked, Query()]) -> Response:
    """Series: a trend in a primary dataset and processing string, over all eras."""
    return Table("series", ("series_id",)).page(request, database, asked)


@router.get(
    "/reasons",
    tags=["what there is"],
    responses=_told(code="element_missing", meaning="The DQM file does not have the monitor element."),
)
def reasons(request: Request, database: Database, asked: Annotated[Paging, Query()]) -> Response:
    """Why a point has no value: every code and its meaning."""
    return Table("reasons", ("code",), max_age=3600).page(request, database, asked)


class Groups(Paging):
    """Which display groups."""

    subsystem: Name | None = Field(default=None, examples=["Tracker"])


@router.get(
    "/display-groups",
    tags=["what there is"],
    responses=_told(subsystem="HCAL", group="Occupancy", title="Occupancy", trends=[{"trend": "HB", "colour": None}]),
)
def display_groups(request: Request, database: Database, asked: Annotated[Groups, Query()]) -> Response:
    """Trends of one subsystem that are drawn in one plot, in the order of drawing."""
    return Table("display_groups", ("subsystem", "group")).page(request, database, asked)


@router.get("/golden-jsons", tags=["runs"], responses=_told(name="Cert_2018_Golden", source="run_registry", runs=478))
def golden_jsons(request: Request, database: Database, asked: Annotated[Paging, Query()]) -> Response:
    """Golden JSONs that `golden=` can name."""
    return Table("golden_jsons", ("name",)).page(request, database, asked)


# -- runs --------------------------------------------------------------------------------------------------------------


class Runs(Paging, Selection):
    """Which runs: a selection as of points, or all; and of these by number, fill, era, state."""

    subsystem: Name | None = Field(
        default=None, description="With a selection: runs that have points of it.", examples=["Tracker"]
    )
    primary_dataset: Name | None = Field(
        default=None, description="With a selection: runs that have points in it.", examples=["SingleMuon"]
    )
    processing: Name | None = Field(
        default=None, description="With a selection: runs that have points in it.", examples=["PromptReco"]
    )
    run_number_from: RunNumber | None = Field(default=None, examples=[324000])
    run_number_to: RunNumber | None = Field(default=None, examples=[325000])
    fill_number: RunNumber | None = Field(default=None, examples=[7320])
    era: Name | None = Field(default=None, examples=["2018D"])
    state: Literal["unknown", "open", "stale", "known"] | None = Field(default=None, examples=["known"])
    start_time_from: Time | None = Field(default=None, examples=["2018-10-01T00:00:00Z"])
    start_time_to: Time | None = Field(default=None, examples=["2018-11-01T00:00:00Z"])


@router.get(
    "/runs",
    tags=["runs"],
    responses=_told(run_number=324357, start_time="2018-10-13T21:00:00Z", duration_s=5820.0, fill_number=7320),
)
def runs(request: Request, database: Database, asked: Annotated[Runs, Query()]) -> Response:
    """Runs, newest first, with what OMS and Run Registry told of them; null is not known yet."""
    named = {name: getattr(asked, name) for name in ("subsystem", "primary_dataset", "processing")}
    chosen = None
    if asked.given or any(named.values()):
        chosen = database.ask("run_numbers_chosen", named | asked.parameters())[0]["run_numbers"]
    return Table("runs", ("run_number",), descending=True).page(request, database, asked, tuple(named), chosen=chosen)


class Fills(Paging):
    """Which fills."""

    fill_number_from: RunNumber | None = Field(default=None, examples=[7300])
    fill_number_to: RunNumber | None = Field(default=None, examples=[7400])
    era: Name | None = Field(default=None, examples=["2018D"])
    fill_type: Name | None = Field(default=None, examples=["PROTONS"])


@router.get("/fills", tags=["runs"], responses=_told(fill_number=7320, fill_type="PROTONS", delivered_lumi_pb=512.3))
def fills(request: Request, database: Database, asked: Annotated[Fills, Query()]) -> Response:
    """LHC fills, newest first."""
    return Table("fills", ("fill_number",), descending=True).page(request, database, asked)


class RunChanges(Paging):
    """Which changes."""

    run_number: RunNumber | None = Field(default=None, examples=[324357])
    source: Literal["oms", "rr", "hand"] | None = Field(default=None, examples=["rr"])
    field: Name | None = Field(default=None, examples=["significant"])
    at_from: Time | None = Field(default=None, examples=["2018-10-01T00:00:00Z"])
    at_to: Time | None = Field(default=None, examples=["2018-11-01T00:00:00Z"])


@router.get(
    "/run-changes",
    tags=["runs"],
    responses=_told(change_id=3, run_number=324357, source="rr", field="significant", old=None, new=True),
)
def run_changes(request: Request, database: Database, asked: Annotated[RunChanges, Query()]) -> Response:
    """What OMS, Run Registry or a person told of a run otherwise than before, the newest first."""
    return Table("run_changes", ("change_id",), descending=True).page(request, database, asked)


# -- how things stand --------------------------------------------------------------------------------------------------


class Files(Paging):
    """Which DQM files."""

    run_number: RunNumber | None = Field(default=None, examples=[324357])
    run_number_from: RunNumber | None = Field(default=None, examples=[324000])
    run_number_to: RunNumber | None = Field(default=None, examples=[325000])
    primary_dataset: Name | None = Field(default=None, examples=["SingleMuon"])
    processing: Name | None = Field(default=None, examples=["PromptReco"])
    state: Literal["discovered", "waiting", "ingested", "superseded", "failed", "ignored", "vanished"] | None = Field(
        default=None, examples=["failed"]
    )


@router.get(
    "/files",
    tags=["how things stand"],
    responses=_told(
        dqm_file_id=8, run_number=324357, dataset="/ZeroBias/Run2018D-PromptReco-v2/DQMIO", state="ingested"
    ),
)
def files(request: Request, database: Database, asked: Annotated[Files, Query()]) -> Response:
    """DQM files that were found, the newest first, and what became of each."""
    return Table("files", ("dqm_file_id",), descending=True).page(request, database, asked)


class Coverage(Paging, Selection):
    """Of which runs (at most a hundred) and subsystem."""

    subsystem: Name | None = Field(default=None, examples=["Tracker"])
    primary_dataset: Name | None = Field(default=None, examples=["SingleMuon"])
    processing: Name | None = Field(default=None, examples=["PromptReco"])


@router.get(
    "/coverage",
    tags=["how things stand"],
    responses=_told(run_number=324357, subsystem="Tracker", expected=26, with_value=25, percent=96.2, why="fit_failed"),
)
def coverage(request: Request, database: Database, asked: Annotated[Coverage, Query()]) -> Response:
    """For each run, dataset and subsystem: how many series have a value, of those that ever had one, and why not."""
    table = Table("coverage", ("run_number", "primary_dataset", "processing", "subsystem"), descending=True)
    told = {"of": asked.subsystem or "all", **asked.parameters(), "run_class": asked.run_class or "all"}
    return table.page(request, database, asked, **told)


@router.get(
    "/alarms",
    tags=["how things stand"],
    responses=_told(alarm="outside", subsystem="Tracker", trend="NumberOfTracks_mean", run_number=324357, value=2),
)
def alarms(request: Request, database: Database, asked: Annotated[Paging, Query()]) -> Response:
    """What the alarms of the dashboards see now: late data, values outside of their range, many gaps."""
    return Table("alarms", ("alarm_id",), max_age=15).page(request, database, asked)
