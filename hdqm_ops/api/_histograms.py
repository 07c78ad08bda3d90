"""The histogram behind a trend point: arrays, UHI's JSON, or a picture."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Request
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from hdqm_ops import load
from hdqm_ops.api._answers import answer
from hdqm_ops.api._ask import Name, RunNumber, SeriesNumber
from hdqm_ops.api._database import Database
from hdqm_ops.api._formats import Format, as_json, choose
from hdqm_ops.api._pictures import draw
from hdqm_ops.api._problems import PROBLEMS, Problem
from hdqm_ops.load import Condition, Reader
from hdqm_ops.model import Axis, ElementContent, ElementProblem, Histogram, Scalar

__all__ = ["bin_errors", "router"]

router = APIRouter(prefix="/api/v1", tags=["histograms"])

_FORMATS = (Format.JSON, Format.UHI, Format.SVG, Format.PNG)
_ROLES = Literal["main", "histo1", "histo2", "reference"]


class Asked(BaseModel):
    """Which histogram, and how it is drawn."""

    model_config = ConfigDict(extra="forbid")

    series_id: SeriesNumber | None = Field(default=None, description="Series in place of four names.", examples=[12])
    subsystem: Name | None = Field(default=None, examples=["Tracker"])
    trend: Name | None = Field(default=None, examples=["NumberOfTracks_mean"])
    primary_dataset: Name | None = Field(default=None, examples=["SingleMuon"])
    processing: Name | None = Field(default=None, examples=["PromptReco"])
    run: RunNumber = Field(examples=[324997])
    input: _ROLES = Field(default="main", description="Which of the metric's histograms.")
    reference_run: RunNumber | None = Field(
        default=None, description="Pictures: draw that of this run with it.", examples=[324998]
    )
    reference_input: _ROLES | None = Field(
        default=None, description="Pictures: draw this input of the run with it.", examples=["reference"]
    )
    normalise: bool = Field(default=False, description="Pictures: scale the reference to the same integral.")
    log: list[Literal["x", "y", "z"]] = Field(default=[], max_length=3, description="Pictures: logarithmic axes.")
    width: int = Field(default=800, ge=100, le=4000, description="Pictures: pixels.")
    height: int = Field(default=500, ge=100, le=4000, description="Pictures: pixels.")
    format: Literal["json", "uhi", "svg", "png"] | None = Field(
        default=None, description="Wins over `Accept`.", examples=["svg"]
    )


@dataclass(frozen=True, slots=True)
class _Series:
    """Names of a series."""

    subsystem: str
    trend: str
    primary_dataset: str
    processing: str


_EXAMPLE = {
    "element": "Tracking/TrackParameters/generalTracks/GeneralProperties/NumberOfTracks_GenTk",
    "run_number": 324997,
    "class_name": "TH1F",
    "title": "number of tracks",
    "entries": 3.0,
    "axes": [{"edges": [0, 1, 2], "title": "", "labels": {}}],
    "contents": [1.0, 2.0],
    "errors": [1.0, 1.4142135],
    "underflow_overflow": [0.0, 0.0],
}
_PICTURE = {"schema": {"type": "string", "format": "binary"}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The histogram. Two dimensions are nested: `contents[ix][iy]`.",
        "content": {
            "application/json": {"schema": {"type": "object"}, "example": _EXAMPLE},
            Format.UHI.media_type: {"schema": {"type": "object"}},
            Format.SVG.media_type: _PICTURE,
            Format.PNG.media_type: _PICTURE,
        },
    },
    304: {"description": "What `If-None-Match` names is still true."},
    **{status: PROBLEMS[status] for status in (400, 401, 404, 406, 414, 422, 429, 503)},
}


@router.get("/histograms", responses=_RESPONSES)
def histogram(request: Request, database: Database, asked: Annotated[Asked, Query()]) -> Response:
    """The stored histogram behind a trend point: JSON arrays, UHI's JSON (with flow), a picture as SVG or PNG.

    Contents and errors are those of ROOT's `GetBinContent` and `GetBinError`; of a profile the means.
    """
    form = choose(request.headers.get("accept", ""), asked.format, _FORMATS)
    series = _series(database, asked)
    path, content = _read(database, series, asked.run, asked.input)
    if isinstance(content, Scalar):
        if form is not Format.JSON:
            raise Problem(406, f"{path} is the number or text {content.value!r}: it can be given as application/json")
        told = {"element": path, "run_number": asked.run, "value": content.value}
        told["class_name"] = type(content.value).__name__
        return answer(request, [as_json(told)], form.media_type, max_age=60)
    if form is Format.JSON:
        body = as_json({"element": path, "run_number": asked.run, **_as_arrays(content)})
    elif form is Format.UHI:
        body = as_json(_as_uhi(content, path, asked.run))
    else:
        body = _picture(form, database, series, asked, (path, content))
    return answer(request, [body], form.media_type, max_age=60)


def _series(database: Reader, asked: Asked) -> _Series:
    names = (asked.subsystem, asked.trend, asked.primary_dataset, asked.processing)
    if asked.series_id is None:
        subsystem, trend, primary_dataset, processing = names
        if subsystem is None or trend is None or primary_dataset is None or processing is None:
            raise Problem(422, "send series_id, or subsystem, trend, primary_dataset and processing")
        return _Series(subsystem, trend, primary_dataset, processing)
    page = database.page("series", [Condition("series_id", "=", asked.series_id)], ("series_id",), 1)
    if not page.rows:
        raise Problem(404, f"there is no series {asked.series_id}")
    facts = dict(zip(page.columns, page.rows[0], strict=True))
    return _Series(facts["subsystem"], facts["trend"], facts["primary_dataset"], facts["processing"])


def _read(database: Reader, series: _Series, run: int, role: str) -> tuple[str, Histogram | Scalar]:
    with database.connection() as connection:
        found = load.element_behind_point(
            connection,
            subsystem=series.subsystem,
            trend=series.trend,
            primary_dataset=series.primary_dataset,
            processing=series.processing,
            run=run,
            role=role,
        )
    if found is None:
        raise Problem(404, f"no histogram is stored for {series.subsystem}/{series.trend}, run {run}, input {role}")
    return found[0], _readable(*found)


def _readable(path: str, content: ElementContent) -> Histogram | Scalar:
    if isinstance(content, ElementProblem):
        raise Problem(404, f"{path} could not be read: {content.reason}, {content.detail}")
    return content


def _picture(form: Format, database: Reader, series: _Series, asked: Asked, found: tuple[str, Histogram]) -> bytes:
    path, content = found
    reference, label = None, ""
    if asked.reference_run is not None or asked.reference_input is not None:
        run, role = asked.reference_run or asked.run, asked.reference_input or asked.input
        _, other = _read(database, series, run, role)
        if not isinstance(other, Histogram) or other.dimension != content.dimension:
            raise Problem(422, "the reference has other dimensions than the histogram")
        reference, label = other, f"run {run}" if asked.reference_run else role
    if content.dimension > 2:
        raise Problem(406, f"{path} is a {content.class_name}: three dimensions have no picture; JSON is there")
    drawn = (content, bin_errors(content)), None if reference is None else (reference, bin_errors(reference))
    return draw(
        *drawn,
        form="svg" if form is Format.SVG else "png",
        title=f"{series.trend}: run {asked.run}, {series.primary_dataset} {series.processing}",
        labels=(f"run {asked.run}", label),
        normalise=asked.normalise,
        log=frozenset(asked.log),
        size=(asked.width, asked.height),
    )


# -- numbers -----------------------------------------------------------------------------------------------------------


def bin_errors(hist: Histogram) -> NDArray[np.float64]:
    """``GetBinError`` of every cell in the shape of ``Histogram.contents``; NaN where ROOT divides by 0."""
    if hist.bin_entries is None:
        variance = hist.cells.astype(np.float64) if hist.sumw2 is None else hist.sumw2
        return hist.grid(np.sqrt(np.abs(variance)))
    assert hist.sumw2 is not None
    with np.errstate(divide="ignore", invalid="ignore"):
        entries = hist.bin_entries
        spread = np.sqrt(np.abs(hist.sumw2 / entries - (hist.cells / entries) ** 2))
        effective = entries if hist.bin_sumw2 is None else np.where(hist.bin_sumw2 > 0, entries**2 / hist.bin_sumw2, 0)
        of_mean = np.where(effective == 0, np.nan, spread / np.sqrt(effective))
        error = {
            "s": spread,
            "g": 1 / np.sqrt(entries),
            "i": np.where((spread == 0) & (effective != 0), 1 / np.sqrt(12 * effective), of_mean),
        }.get(hist.error_mode, of_mean)
    return hist.grid(np.where(entries == 0, 0.0, error))


def _as_arrays(hist: Histogram) -> dict[str, Any]:
    inside = (slice(1, -1),) * hist.dimension
    contents = hist.contents()
    told = {
        "class_name": hist.class_name,
        "title": hist.title,
        "entries": hist.entries,
        "axes": [
            {
                "edges": axis.bin_edges().tolist(),
                "title": axis.title,
                "labels": {str(number): label for number, label in axis.labels.items()},
            }
            for axis in hist.axes
        ],
        "contents": contents[inside].tolist(),
        "errors": bin_errors(hist)[inside].tolist(),
    }
    if hist.dimension == 1:
        told["underflow_overflow"] = contents[[0, -1]].tolist()
    return told


def _as_uhi(hist: Histogram, path: str, run: int) -> dict[str, Any]:
    """Version 1 of UHI's serialisation; flow bins included, as the first and the last of each axis."""
    return {
        "uhi_schema": 1,
        "writer_info": {"hdqm": {"run_number": run, "element": path, "class_name": hist.class_name}},
        "metadata": {"name": hist.name, "title": hist.title},
        "axes": [_uhi_axis(axis) for axis in hist.axes],
        "storage": _uhi_storage(hist),
    }


def _uhi_axis(axis: Axis) -> dict[str, Any]:
    flow = {"underflow": True, "overflow": True, "circular": False, "metadata": {"title": axis.title}}
    if axis.edges is None:
        return {"type": "regular", "lower": axis.low, "upper": axis.high, "bins": axis.n, **flow}
    return {"type": "variable", "edges": axis.edges.tolist(), **flow}


def _uhi_storage(hist: Histogram) -> dict[str, Any]:
    values = hist.contents()
    if hist.bin_entries is None:
        if hist.sumw2 is None:
            return {"type": "double", "values": values.tolist()}
        return {"type": "weighted", "values": values.tolist(), "variances": hist.grid(hist.sumw2).tolist()}
    assert hist.sumw2 is not None
    weights = hist.bin_entries
    squares = weights if hist.bin_sumw2 is None else hist.bin_sumw2
    with np.errstate(divide="ignore", invalid="ignore"):
        deltas = hist.sumw2 - hist.cells**2 / weights
        free = weights - squares / weights
        variance = np.where(free > 0, np.maximum(deltas, 0) / free, 0.0)  # of the sample, as boost-histogram keeps it
    return {
        "type": "weighted_mean",
        "sum_of_weights": hist.grid(weights).tolist(),
        "sum_of_weights_squared": hist.grid(squares).tolist(),
        "values": values.tolist(),
        "variances": hist.grid(variance).tolist(),
    }
