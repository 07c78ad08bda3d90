"""HDQM's REST API in Python: trend points, runs and histograms as NumPy arrays or pandas, page after page by itself.

::

    from hdqm_ops.client import Hdqm

    hdqm = Hdqm("http://127.0.0.1:8050")
    vertices = hdqm.points("Tracking", "vertices", pd="SingleMuon", processing="PromptReco", latest=200)
    vertices.value.mean(), vertices.frame()

It needs requests and NumPy, and nothing else of HDQM is imported with it; pandas only where frames are asked for.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Self

import numpy as np
import requests
from numpy.typing import NDArray

from hdqm_ops.errors import (
    AuthenticationFailed,
    BadAnswer,
    MissingTool,
    NotFound,
    RequestRefused,
    ServiceUnavailable,
)

__all__ = ["Hdqm", "HistogramArrays", "Points"]

_SERVICE = "HDQM"
_TRIES = 3
_LONG = 1000  # runs that go by POST: an address has its limits


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Trend points of one series, by run. All arrays have the same length.

    Attributes:
        series: facts of the series: ``series_id``, ``trend``, ``title``, ``unit``, ``low``, ``high``, ….
        run_number: CMS run numbers, ascending.
        value: values; NaN in gaps, which are there only if they were asked for.
        error: one-sigma errors; NaN where there is none.
        status: ``ok`` or why there is no value; None unless gaps were asked for.
        runs: what is known of each run, by name: ``start_time``, ``recorded_lumi_pb``, …; None is not known yet.
    """

    series: Mapping[str, Any]
    run_number: NDArray[np.int64]
    value: NDArray[np.float64]
    error: NDArray[np.float64]
    status: NDArray[np.str_] | None
    runs: Mapping[str, Sequence[Any]]

    def __len__(self) -> int:
        return len(self.run_number)

    def frame(self) -> Any:
        """The points as a ``pandas.DataFrame`` by run number, with what is known of the runs; times are in UTC.

        Raises:
            MissingTool: pandas is not installed.
        """
        pandas = _pandas()
        columns: dict[str, Any] = {"value": self.value, "error": self.error}
        if self.status is not None:
            columns["status"] = self.status
        columns |= {name: list(told) for name, told in self.runs.items() if name != "run_number"}
        frame = pandas.DataFrame(columns, index=pandas.Index(self.run_number, name="run_number"))
        return _with_times(pandas, frame)


@dataclass(frozen=True, slots=True, eq=False)
class HistogramArrays:
    """A histogram behind a trend point, without under- and overflow.

    Attributes:
        facts: ``element``, ``run_number``, ``class_name``, ``title``, ``entries``, ``axes`` with titles and labels.
        edges: of each axis, one more than bins.
        contents: of the bins, ``[ix]`` or ``[ix, iy]``; of a profile the means.
        errors: of the bins, as ROOT's ``GetBinError``.
    """

    facts: Mapping[str, Any]
    edges: tuple[NDArray[np.float64], ...]
    contents: NDArray[np.float64]
    errors: NDArray[np.float64]


class Hdqm:
    """A client of one HDQM. It is a context manager; its connection is used again.

    Args:
        url: address of the API, as ``http://127.0.0.1:8050``, or ``https://…/hdqm`` behind Airflow.
        token: of the API, or of Airflow where the API is behind it.
        timeout_s: how long the service may take to be reached, and to be silent.
    """

    def __init__(self, url: str, *, token: str | None = None, timeout_s: tuple[float, float] = (10, 120)) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout_s
        self._session = requests.Session()
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    # -- points --------------------------------------------------------------------------------------------------------

    def points(
        self, subsystem: str, trend: str, *, pd: str, processing: str, gaps: bool = False, **runs: Any
    ) -> Points:
        """Trend points of one series.

        Args:
            subsystem: ``Tracking``.
            trend: its name.
            pd: primary dataset, ``SingleMuon``.
            processing: processing string, ``PromptReco``.
            gaps: also the runs without value, with the reason.
            runs: which runs, one of ``latest=200``, ``range="324997-325170"``, ``runs=[324997, 324998]``,
                ``golden="name"``, ``golden_json={…}``, ``where="duration_s > 600"``; without, the latest fifty. Also
                ``run_class`` and ``quality="all"``.

        Raises:
            NotFound: there is no such series.
            RequestRefused: a parameter cannot be read; the message says which.
            AuthenticationFailed: the token is missing or wrong.
            ServiceUnavailable: the service does not answer, also after some patience.
        """
        found = self.many_points(subsystem, [trend], pd=pd, processing=processing, gaps=gaps, **runs)
        if trend not in found:
            place = f"{subsystem}/{trend} in {pd}, {processing}"
            raise NotFound(_SERVICE, self._url, f"there is no series {place}", "see Hdqm.rows('series')", 404)
        return found[trend]

    def many_points(
        self,
        subsystem: str,
        trends: Sequence[str] = (),
        *,
        pd: str,
        processing: str,
        gaps: bool = False,
        **runs: Any,
    ) -> dict[str, Points]:
        """Trend points of several series by trend, all of the subsystem where none are named; see ``points``."""
        asked = {"subsystem": subsystem, "trend": list(trends), "primary_dataset": pd, "processing": processing}
        series: dict[str, Points] = {}
        for page in self._pages_of_points({**asked, "gaps": gaps, **_runs(runs)}):
            for one in page["series"]:
                series[one["trend"]] = _points(one, page["runs"], gaps=gaps)
        return series

    def _pages_of_points(self, asked: Mapping[str, Any]) -> Iterator[Any]:
        """Every page; those after the first ask for its runs, because a new one may have come since."""
        page = self._ask_points(asked)
        yield page
        kept = {name: asked[name] for name in ("subsystem", "trend", "primary_dataset", "processing", "gaps")}
        while page["next"] is not None:
            page = self._ask_points({**kept, "runs": page["runs"]["run_number"], "cursor": page["next"]})
            yield page

    def _ask_points(self, asked: Mapping[str, Any]) -> Any:
        if "golden_json" in asked or len(asked.get("runs", "")) > _LONG or len(asked["trend"]) > 100:
            return self._json("POST", "/api/v1/points", json=asked)
        parameters = {name: _written(name, value) for name, value in asked.items()}
        return self._json("GET", "/api/v1/points", params=parameters)

    # -- rows ----------------------------------------------------------------------------------------------------------

    def rows(self, resource: str, **filters: Any) -> Iterator[dict[str, Any]]:
        """Rows of a resource, page after page: ``rows("files", state="failed")``.

        Args:
            resource: ``subsystems``, ``datasets``, ``trends``, ``trends/history``, ``series``, ``runs``, ``fills``,
                ``run-changes``, ``files``, ``coverage``, ``reasons``, ``golden-jsons``, ``display-groups``, ``alarms``.
            filters: parameters of the resource, as ``/docs`` of the service lists them.
        """
        asked = {"limit": 1000} | {name: _written(name, value) for name, value in filters.items()}
        while True:
            page = self._json("GET", f"/api/v1/{resource}", params=asked)
            yield from page["items"]
            if page["next"] is None:
                return
            asked["cursor"] = page["next"]

    def frame(self, resource: str, **filters: Any) -> Any:
        """The same as a ``pandas.DataFrame``; times are in UTC."""
        pandas = _pandas()
        return _with_times(pandas, pandas.DataFrame(list(self.rows(resource, **filters))))

    # -- histograms ----------------------------------------------------------------------------------------------------

    def histogram(
        self, subsystem: str, trend: str, *, pd: str, processing: str, run: int, role: str = "main"
    ) -> HistogramArrays:
        """The histogram behind a trend point; ``role`` is one of the metric's inputs: ``main``, ``histo1``, ….

        Raises:
            NotFound: none is stored.
        """
        asked = _of_point(subsystem, trend, pd, processing) | {"run": run, "input": role}
        told = self._json("GET", "/api/v1/histograms", params=asked)
        if "contents" not in told:
            raise NotFound(_SERVICE, self._url, f"{told['element']} is no histogram but {told['value']!r}")
        edges = tuple(np.array(axis["edges"], np.float64) for axis in told["axes"])
        numbers = (np.array(told.pop(name), np.float64) for name in ("contents", "errors"))
        return HistogramArrays(told, edges, *numbers)

    def picture(
        self, subsystem: str, trend: str, *, pd: str, processing: str, run: int, form: str = "png", **options: Any
    ) -> bytes:
        """A picture of it, as ``png`` or ``svg``.

        ``options`` are parameters of ``/api/v1/histograms``: ``reference_run=324998``, ``log=["y"]``, ``width=800``, ….
        """
        asked = _of_point(subsystem, trend, pd, processing) | {"run": run, "format": form}
        asked |= {name: _written(name, value) for name, value in options.items()}
        return self._send("GET", "/api/v1/histograms", params=asked).content

    # -- HTTP ----------------------------------------------------------------------------------------------------------

    def _json(self, method: str, path: str, **request: Any) -> Any:
        answer = self._send(method, path, **request)
        try:
            return answer.json()
        except ValueError:
            cure = "is this the address of HDQM's API, and not of a login page before it?"
            raise BadAnswer(_SERVICE, self._url + path, "the answer is no JSON", cure, answer.status_code) from None

    def _send(self, method: str, path: str, **request: Any) -> requests.Response:
        place = self._url + path
        for attempt in range(1, _TRIES + 1):
            try:
                answer = self._session.request(method, place, timeout=self._timeout, **request)
            except requests.RequestException as error:
                if attempt == _TRIES:
                    raise ServiceUnavailable(_SERVICE, place, _said(error), "is it running?") from error
                time.sleep(0.2 * attempt)
                continue
            if answer.status_code not in (429, 503) or attempt == _TRIES:
                break
            time.sleep(min(10.0, float(answer.headers.get("Retry-After", "1"))))
        if not answer.ok:
            _refuse(place, answer)
        return answer


def _refuse(place: str, answer: requests.Response) -> NoReturn:
    """Raise what a status means."""
    try:
        detail = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = answer.reason or "no reason was given"
    match answer.status_code:
        case 401 | 403:
            raise AuthenticationFailed(_SERVICE, place, detail, "name a token: Hdqm(url, token=…)", answer.status_code)
        case 404:
            raise NotFound(_SERVICE, place, detail, "", 404)
        case status if status == 429 or status >= 500:
            raise ServiceUnavailable(_SERVICE, place, detail, "", status)
        case status:
            raise RequestRefused(_SERVICE, place, detail, "", status)


def _said(error: requests.RequestException) -> str:
    return "no answer in time" if isinstance(error, requests.Timeout) else type(error).__name__


# -- from arguments and to arrays --------------------------------------------------------------------------------------


def _runs(runs: Mapping[str, Any]) -> dict[str, Any]:
    """Which runs; collections of numbers become lists."""
    told = {name: value for name, value in runs.items() if value is not None}
    listed = told.get("runs")
    if isinstance(listed, Iterable) and not isinstance(listed, str):
        told["runs"] = [int(run) for run in listed]
    return told


def _written(name: str, value: Any) -> Any:
    """A value as it stands in an address."""
    if isinstance(value, bool):
        return str(value).lower()
    if name == "runs" and not isinstance(value, str):
        return " ".join(map(str, value)) or "0"  # no run
    return value


def _of_point(subsystem: str, trend: str, pd: str, processing: str) -> dict[str, Any]:
    return {"subsystem": subsystem, "trend": trend, "primary_dataset": pd, "processing": processing}


def _points(series: Mapping[str, Any], runs: Mapping[str, Sequence[Any]], *, gaps: bool) -> Points:
    """Columns of an answer as arrays, without the runs of which the series has nothing."""
    value, error = (np.array(series[name], np.float64) for name in ("value", "error"))
    numbers = np.array(runs["run_number"], np.int64)
    reasons = dict(zip(series["gaps"]["run_number"], series["gaps"]["status"], strict=True)) if gaps else {}
    where = ~np.isnan(value) | np.isin(numbers, list(reasons))
    chosen = numbers[where]
    return Points(
        series={name: told for name, told in series.items() if name not in ("value", "error", "gaps")},
        run_number=chosen,
        value=value[where],
        error=error[where],
        status=np.array([reasons.get(run, "ok") for run in chosen.tolist()]) if gaps else None,
        runs={name: [one for one, kept in zip(told, where, strict=True) if kept] for name, told in runs.items()},
    )


def _pandas() -> Any:
    try:
        import pandas  # noqa: ICN001, PLC0415 - optional, and slow to import
    except ImportError:
        raise MissingTool("data frames need pandas: pip install 'hdqm-ops[pandas]'") from None
    return pandas


def _with_times(pandas: Any, frame: Any) -> Any:
    """The frame with times where it has texts of times."""
    for name in frame.columns:
        if name.endswith(("_time", "_at")) or name == "at":
            frame[name] = pandas.to_datetime(frame[name], utc=True, format="ISO8601")
    return frame
