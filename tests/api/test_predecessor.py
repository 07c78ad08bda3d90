"""The contract with the predecessor's scripts: recorded requests, and the shape of what they got."""

import json
import math
import re
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "api" / "predecessor.json").read_text())

METADATA = {
    "y_title": str,
    "plot_title": str,
    "name": str,
    "subsystem": str,
    "pd": str,
    "processing_string": str,
    "relative_path": str,
    "histo1_path": str | None,
    "histo2_path": str | None,
    "reference_path": str | None,
    "trend_id": int,
}
POINT = {"run": int, "value": float, "error": float, "id": int, "oms_info": dict | list}
OMS_INFO = {
    "start_time": str,
    "end_time": str,
    "b_field": float,
    "energy": float,
    "delivered_lumi": float,
    "end_lumi": float,
    "recorded_lumi": float,
    "l1_key": str,
    "l1_rate": float,
    "hlt_key": str,
    "hlt_physics_rate": float,
    "duration": float,
    "fill_number": int,
    "injection_scheme": str,
    "era": str,
}


@pytest.fixture(scope="module")
def known(api):
    """A point that is there."""
    tree = api.get("/api/plot_selection").json()
    series = tree["Tracking"]["SingleMuon"]["PromptReco"][0]["id"]
    point = api.get(f"/api/data?series_id={series}&latest=1").json()[0]["trends"][0]
    return {"series": series, "point": point["id"], "run": point["run"]}


@pytest.mark.parametrize("recorded", RECORDED, ids=[one["request"] for one in RECORDED])
def test_requests_get_what_they_got(api, known, recorded):
    answer = api.get(recorded["request"].format(**known), allow_redirects=False)

    assert answer.status_code == recorded["status"], answer.text
    if "location" in recorded:
        assert answer.headers["location"].startswith(recorded["location"].format(**known))
        assert re.fullmatch(r"[!-~]+", answer.headers["location"])
        return
    document = json.loads(answer.content, parse_constant=_not_json)
    if "message" in recorded:
        assert document["message"] == recorded["message"]
    if "is" in recorded:
        assert document == recorded["is"]
    if "shape" in recorded:
        SHAPES[recorded["shape"]](document)
    if "series" in recorded:
        assert len(document) == recorded["series"]
    _check_runs(document, recorded)


def _not_json(name):
    raise AssertionError(f"{name} is no JSON")


def _check_runs(document, recorded):
    for one in document if "shape" in recorded and recorded["shape"] == "series" else ():
        runs = [point["run"] for point in one["trends"]]
        assert len(runs) <= recorded.get("most_runs", len(runs))
        assert recorded.get("first_run", 0) <= min(runs)
        assert max(runs) <= recorded.get("last_run", 10**9)
        assert set(runs) <= set(recorded.get("runs", runs))


def _series(document):
    assert document
    names = [one["metadata"]["name"] for one in document]
    assert names == sorted(names)
    for one in document:
        assert set(one) == {"metadata", "trends"}
        _typed(one["metadata"], METADATA)
        assert not one["metadata"]["name"].startswith("plot:")
        assert one["trends"], "series without points are absent"
        runs = [point["run"] for point in one["trends"]]
        assert runs == sorted(set(runs))
        for point in one["trends"]:
            _point(point, one["metadata"]["trend_id"])


def _point(point, series):
    _typed(point, POINT)
    assert math.isfinite(point["value"])
    assert math.isfinite(point["error"])
    assert point["id"] == series * 2**20 + point["run"]
    if point["oms_info"] == []:  # OMS has not told yet
        return
    _typed(point["oms_info"], OMS_INFO)
    began, ended = (parsedate_to_datetime(point["oms_info"][name]) for name in ("start_time", "end_time"))
    assert began < ended
    assert point["oms_info"]["start_time"].endswith(" GMT")


def _typed(found, expected):
    assert set(found) == set(expected)
    for name, kind in expected.items():
        value = float(found[name]) if kind is float and isinstance(found[name], int) else found[name]
        assert isinstance(value, kind), f"{name} is {value!r}"


def _selection(document):
    assert document["Tracking"]["SingleMuon"] == ["12Nov2019_UL2018", "PromptReco"]
    assert list(document) == sorted(document)


def _plot_selection(document):
    for one in document["Tracking"]["SingleMuon"]["PromptReco"]:
        _typed(one, {"name": str, "id": int})


def _runs(document):
    assert document == sorted(set(document))
    assert all(type(run) is int for run in document)
    assert len(document) > 100


SHAPES = {"series": _series, "selection": _selection, "plot_selection": _plot_selection, "runs": _runs}


def test_luminosity_has_the_size_that_oms_gave(api, api_database):
    import psycopg

    with psycopg.connect(api_database) as connection:
        truth = dict(connection.execute("SELECT run_number, end_lumi_1e34 FROM hdqm.run").fetchall())
    series = api.get("/api/data?subsystem=Tracking&pd=SingleMuon&processing_string=PromptReco").json()

    for point in series[0]["trends"]:
        if point["oms_info"]:  # in 10^30 / (cm² s)
            assert point["oms_info"]["end_lumi"] == pytest.approx(truth[point["run"]] * 1e4)


def test_runs_that_are_not_significant_are_listed_only_by_name(api, api_database):
    import psycopg

    with psycopg.connect(api_database) as connection:
        rows = connection.execute(
            "SELECT run_number FROM hdqm.run JOIN hdqm.dqm_files USING (run_number) WHERE NOT significant AND loaded "
            "AND primary_dataset = 'SingleMuon' AND processing = 'PromptReco' ORDER BY 1 DESC"
        ).fetchall()
    run = rows[0][0]
    dataset = "subsystem=Tracking&pd=SingleMuon&processing_string=PromptReco"

    assert api.get(f"/api/data?{dataset}&from_run={run}&to_run={run}").json() == []
    assert api.get(f"/api/data?{dataset}&runs={run}").json()[0]["trends"][0]["run"] == run


def test_a_golden_json_longer_than_any_address_is_posted(api):
    golden = {str(run): [[1, 2000]] for run in range(200_000, 340_000) if run % 4}
    told = {"subsystem": "Tracking", "pd": "SingleMuon", "processing_string": "PromptReco", "golden_json": golden}
    answer = api.post("/api/data", json=told)

    assert answer.status_code == 200
    assert len(answer.request.body) > 1_000_000
    _series(answer.json())
    assert len(answer.json()[0]["trends"]) > 40
