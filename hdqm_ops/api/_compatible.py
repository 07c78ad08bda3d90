"""The predecessor's routes, for its scripts: the shape of 2022 with the metadata of 2024, and right where it erred."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
import orjson
from fastapi import APIRouter, Body, Query, Request
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt
from starlette.responses import RedirectResponse, Response

from hdqm_ops.api._answers import answer
from hdqm_ops.api._bodies import JsonRoute, whole_numbers
from hdqm_ops.api._database import Database
from hdqm_ops.api._points import golden_runs
from hdqm_ops.api._problems import PROBLEMS, Problem
from hdqm_ops.load import Condition, Reader, SeriesPoints, read_points

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["as the predecessor"], route_class=JsonRoute)

_JSON = "application/json"
_ALL = 1_000_000
_LIST_ERROR = "runs parameter is not valid. It has to be a comma separated list of integers."
_COMBINATION_ERROR = "The combination of parameters you provided is invalid."
_REFUSED: dict[int | str, dict[str, Any]] = {
    # parameters that cannot be read are 400 here, as they were
    **{status: PROBLEMS[status] for status in (400, 401, 404, 413, 414, 429, 503)},
    "default": PROBLEMS["default"],
}


def _told(description: str, example: Any) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of the answers."""
    return {200: {"description": description, "content": {_JSON: {"example": example}}}, **_REFUSED}


class Wanted(BaseModel):
    """Parameters of ``/api/data``, as texts: what is wrong with them is said in the predecessor's words."""

    model_config = ConfigDict(extra="ignore")

    subsystem: str | None = Field(default=None, examples=["Tracker"])
    pd: str | None = Field(default=None, description="Primary dataset.", examples=["SingleMuon"])
    processing_string: str | None = Field(default=None, examples=["PromptReco"])
    from_run: str | StrictInt | None = Field(default=None, examples=[324997])
    to_run: str | StrictInt | None = Field(default=None, examples=[325170])
    runs: str | None = Field(default=None, description="In place of a range.", examples=["324997,325001"])
    latest: str | StrictInt | None = Field(default=None, description="The newest N runs; 50.", examples=[50])
    series: str | None = Field(default=None, description="Only these series, by their ids.", examples=["12,13"])
    series_id: str | StrictInt | None = Field(default=None, description="In place of three names.", examples=[12])
    trend_id: str | StrictInt | None = Field(default=None, description="Only this series.", examples=[12])


class DataPosted(Wanted):
    """The same by POST, where lists are long: ``runs`` as a list too, or a golden JSON as it is."""

    runs: Annotated[str | list[StrictInt] | None, BeforeValidator(whole_numbers)] = Field(  # type: ignore[assignment]
        default=None, examples=[[324997, 325001]]
    )
    golden_json: dict[str, Any] | None = Field(default=None, examples=[{"324997": [[1, 100]]}])


@router.get("/", include_in_schema=False)
def root() -> str:
    """What the predecessor says."""
    return "HDQM REST API"


# -- /api/data ---------------------------------------------------------------------------------------------------------

_EXAMPLE = [
    {
        "metadata": {
            "y_title": "Mean number of tracks",
            "plot_title": "Tracks",
            "name": "NumberOfTracks_mean",
            "subsystem": "Tracker",
            "pd": "SingleMuon",
            "processing_string": "PromptReco",
            "relative_path": "Tracking/TrackParameters/generalTracks/GeneralProperties/NumberOfTracks_GenTk",
            "histo1_path": None,
            "histo2_path": None,
            "reference_path": None,
            "trend_id": 12,
        },
        "trends": [
            {
                "run": 324997,
                "value": 412.7,
                "error": 0.8,
                "id": 12907909,
                "oms_info": {"start_time": "Mon, 22 Oct 2018 21:45:12 GMT", "duration": 5820, "fill_number": 7334},
            }
        ],
    }
]
_POSTED = {
    "subsystem": "Tracker",
    "pd": "SingleMuon",
    "processing_string": "PromptReco",
    "golden_json": {"324997": [[1, 100]], "324998": [[1, 55], [60, 70]]},
}
_DATA = _told("Series with their points.", _EXAMPLE)


@router.get("/data", responses=_DATA)
def data(request: Request, database: Database, wanted: Annotated[Wanted, Query()]) -> Response:
    """Trend points with what OMS knows of each run, run ascending; series without points are absent.

    `/api/v1/points` gives the same in a tenth of the bytes.
    """
    return _data(request, database, wanted, None)


@router.post("/data", responses=_DATA)
def data_posted(
    request: Request, database: Database, wanted: Annotated[DataPosted, Body(examples=[_POSTED])]
) -> Response:
    """The same for runs of a golden JSON of any size."""
    runs = wanted.runs
    if wanted.golden_json is not None:
        runs = golden_runs(wanted.golden_json)
    elif isinstance(runs, list):
        runs = golden_runs({str(run): [] for run in runs})
    told = wanted.model_dump(exclude={"golden_json", "runs"})
    return _data(request, database, Wanted(**told), runs)


def _data(request: Request, database: Reader, wanted: Wanted, posted: str | None) -> Response:
    selection = _selection(wanted, posted)
    series, dataset = _series(database, wanted)
    if not series:
        return answer(request, [b"[]"], _JSON)
    rows = database.ask("runs_old_shape", dataset | selection)
    runs = np.array([row["run_number"] for row in rows], np.int32)
    facts = [row["facts"] for row in rows]
    points = read_points(database, [int(one["metadata"]["trend_id"]) for one in series], runs)
    return answer(request, _pieces(series, points, runs, facts), _JSON)


def _selection(wanted: Wanted, posted: str | None) -> dict[str, Any]:
    """Parameters of the selection of runs; the predecessor's rules."""
    numbers = {name: _integer(wanted, name) for name in ("from_run", "to_run", "latest")}
    ends = [numbers["from_run"], numbers["to_run"]]
    given = [any(end is not None for end in ends), bool(wanted.runs or posted), numbers["latest"] is not None]
    if sum(given) > 1 or (given[0] and None in ends):
        raise Problem(400, _COMBINATION_ERROR)
    mode, value = "latest", str(50 if numbers["latest"] is None else numbers["latest"])
    if given[0]:
        mode, value = "range", f"{ends[0]}-{ends[1]}"
        assert ends[0] is not None
        assert ends[1] is not None
        if ends[1] < ends[0]:
            raise Problem(400, "from_run is greater than to_run.")
    elif posted is not None:
        mode, value = "list", posted
    elif wanted.runs:
        mode, value = "list", _run_list(wanted.runs)
    return {"mode": mode, "runs": value, "run_class": None, "quality": "default"}


def _integer(wanted: Wanted, name: str) -> int | None:
    told = getattr(wanted, name)
    if told is None or told == "":
        return None
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*", str(told), re.ASCII):
        raise Problem(400, f"{name} parameter is not valid. It has to be an integer.")
    if name == "latest" and not 1 <= int(told) <= 999_999:
        raise Problem(400, "latest parameter is not valid. It has to be from 1 to 999999.")
    return int(told)


def _run_list(text: str) -> str:
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*(,\s*[0-9]{1,9}\s*)*,?\s*", text, re.ASCII):
        raise Problem(400, _LIST_ERROR)
    return text.replace(",", " ")


def _series(database: Reader, wanted: Wanted) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Series with their metadata, and the dataset in which runs are counted."""
    one = _integer(wanted, "series_id")
    conditions = []
    names = {"subsystem": wanted.subsystem, "primary_dataset": wanted.pd, "processing": wanted.processing_string}
    if one is not None:
        if wanted.series:
            raise Problem(400, _COMBINATION_ERROR)
        conditions = [Condition("series_id", "=", one)]
    else:
        for name, parameter in zip(names, ("subsystem", "pd", "processing_string"), strict=True):
            if not names[name]:
                raise Problem(400, f"Please provide a {parameter} parameter.")
            conditions.append(Condition(name, "=", names[name]))
        conditions += _filter(wanted)
    page = database.page("series_old_shape", conditions, ("subsystem", "name", "series_id"), _ALL)
    rows = [dict(zip(page.columns, row, strict=True)) for row in page.rows]
    if one is not None and not rows:
        raise Problem(404, f"There is no series {one}.")
    if one is not None:
        names = {name: rows[0][name] for name in names}
    return rows, names


def _filter(wanted: Wanted) -> list[Condition]:
    ids = []
    if wanted.series:
        if not re.fullmatch(r"\s*[0-9]{1,9}\s*(,\s*[0-9]{1,9}\s*)*,?\s*", wanted.series, re.ASCII):
            raise Problem(400, "series parameter is not valid. It has to be a comma separated list of integers.")
        ids.append(Condition("series_id", "in", [int(part) for part in wanted.series.split(",") if part.strip()]))
    trend = _integer(wanted, "trend_id")
    if trend is not None:
        ids.append(Condition("series_id", "=", trend))
    return ids


def _pieces(
    series: Sequence[Mapping[str, Any]], points: Iterator[SeriesPoints], runs: NDArray[np.int32], facts: Sequence[Any]
) -> Iterator[bytes]:
    """The document, one series after the other. Numbers are written by orjson in one go, and runs' facts once."""
    tails = np.array([b',"oms_info":%b}' % orjson.dumps(one) for one in facts], object)
    heads = np.array([b'{"run":%d,"value":' % run for run in runs.tolist()], object)
    between = b"["
    for one, found in zip(series, points, strict=False):
        where = np.flatnonzero(np.isfinite(found.value))
        if where.size:
            number = int(one["metadata"]["trend_id"]) << 20
            columns = (
                heads[where].tolist(),
                _numbers(found.value[where]),
                _numbers(np.nan_to_num(found.error[where])),  # the predecessor has no point without error
                _numbers(runs[where].astype(np.int64) + number),
                tails[where].tolist(),
            )
            rows = [b'%b%b,"error":%b,"id":%b%b' % row for row in zip(*columns, strict=True)]
            yield b'%b{"metadata":%b,"trends":[%b]}' % (between, orjson.dumps(one["metadata"]), b",".join(rows))
            between = b","
    yield b"[]" if between == b"[" else b"]"


def _numbers(array: NDArray[Any]) -> list[bytes]:
    """Each number as JSON writes it."""
    return orjson.dumps(array, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")


# -- what there is -----------------------------------------------------------------------------------------------------


@router.get(
    "/selection", responses=_told("What there is.", {"Tracker": {"SingleMuon": ["12Nov2019_UL2018", "PromptReco"]}})
)
def selection(request: Request, database: Database) -> Response:
    """Subsystem → primary dataset → processing strings."""
    tree: dict[str, dict[str, list[str]]] = {}
    for row in database.ask("selection_old_shape"):
        tree.setdefault(row["subsystem"], {}).setdefault(row["primary_dataset"], []).append(row["processing"])
    return answer(request, [orjson.dumps(tree)], _JSON, max_age=60)


@router.get(
    "/plot_selection",
    responses=_told(
        "What there is.", {"Tracker": {"SingleMuon": {"PromptReco": [{"name": "NumberOfTracks_mean", "id": 12}]}}}
    ),
)
def plot_selection(request: Request, database: Database) -> Response:
    """Subsystem → primary dataset → processing string → names and ids of series."""
    tree: dict[str, dict[str, dict[str, list[dict[str, Any]]]]] = {}
    for row in database.ask("plots_old_shape"):
        of_dataset = tree.setdefault(row["subsystem"], {}).setdefault(row["primary_dataset"], {})
        of_dataset.setdefault(row["processing"], []).append({"name": row["name"], "id": row["id"]})
    return answer(request, [orjson.dumps(tree)], _JSON, max_age=60)


@router.get("/runs", responses=_told("Runs.", [324997, 324998, 325001]))
def runs(request: Request, database: Database) -> Response:
    """Runs that have points, ascending."""
    return answer(request, [orjson.dumps([row["run_number"] for row in database.ask("runs_with_points")])], _JSON)


# -- /api/expand_url ---------------------------------------------------------------------------------------------------

_INPUTS = {"main": "main", "optional1": "histo1", "optional2": "histo2", "reference": "reference"}
_URL_TYPES = tuple(f"{name}_{kind}" for name in _INPUTS for kind in ("gui_url", "image_url"))
_OF_RUN = ("oms_url", "rr_url")


class Link(BaseModel):
    """Parameters of ``/api/expand_url``: a point by its id (2022), or by run, series and dataset (2024)."""

    model_config = ConfigDict(extra="ignore")

    url_type: str | None = Field(default=None, examples=["main_gui_url"])
    data_point_id: str | StrictInt | None = Field(default=None, examples=[12907909])
    run: str | StrictInt | None = Field(default=None, description="With trend_id, in place of it.", examples=[324997])
    trend_id: str | StrictInt | None = Field(default=None, description="The series.", examples=[12])
    subsystem: str | None = Field(default=None, examples=["Tracker"])
    pd: str | None = Field(default=None, description="Primary dataset.", examples=["SingleMuon"])
    processing_string: str | None = Field(default=None, examples=["PromptReco"])


@router.get("/expand_url", status_code=302, response_class=RedirectResponse, responses=_REFUSED)
def expand_url(database: Database, link: Annotated[Link, Query()]) -> Response:
    """To the page or picture of a point's monitor element in the DQM GUI, or of its run in OMS or Run Registry.

    `url_type`: `main_gui_url`, `main_image_url`, the same with `optional1_`, `optional2_`, `reference_`; `oms_url`,
    `rr_url`.
    """
    if link.url_type not in (*_URL_TYPES, *_OF_RUN):
        raise Problem(
            400,
            "Please provide a valid url_type parameter. Accepted values are: " + ", ".join((*_URL_TYPES, *_OF_RUN)),
        )
    run, series = _point(link)
    kind, _, form = link.url_type.partition("_")
    if link.url_type in _OF_RUN:
        kind, form = "run", link.url_type
    found = database.ask(
        "point_link", {"series_id": series, "run": run, "input": _INPUTS.get(kind, "main"), "kind": form}
    )
    if not found or found[0]["url"] is None:
        raise Problem(404, "Requested URL type is not found.")
    return RedirectResponse(found[0]["url"], 302)


def _point(link: Link) -> tuple[int, int | None]:
    """Run and series."""
    if link.data_point_id not in (None, ""):
        if not re.fullmatch(r"[0-9]{1,15}", str(link.data_point_id), re.ASCII):
            raise Problem(400, "data_point_id parameter is not valid. It has to be an integer.")
        number = int(str(link.data_point_id))
        return number & 0xFFFFF, min(number >> 20, 2**31 - 1)
    if link.run in (None, ""):
        raise Problem(400, "Please provide a data_point_id parameter.")
    for name in ("run", "trend_id"):
        told = getattr(link, name)
        if told in (None, "") and not (name == "trend_id" and link.url_type in _OF_RUN):
            raise Problem(400, f"Please provide a {name} parameter.")
        if told not in (None, "") and not re.fullmatch(r"[0-9]{1,9}", str(told), re.ASCII):
            raise Problem(400, f"{name} parameter is not valid. It has to be an integer.")
    return int(str(link.run)), None if link.trend_id in (None, "") else int(str(link.trend_id))
