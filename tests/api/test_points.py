import csv
import io
import json
from urllib.parse import urljoin

import psycopg
import pytest

DATASET = {"subsystem": "Tracking", "primary_dataset": "SingleMuon", "processing": "PromptReco"}


@pytest.fixture(scope="module")
def truth(api_database):
    """Points as SQL gives them: (trend, run) → (value, error, status)."""
    with psycopg.connect(api_database) as connection:
        rows = connection.execute(
            "SELECT trend, run_number, value, error, status FROM hdqm.trend_points "
            "WHERE subsystem = 'Tracking' AND primary_dataset = 'SingleMuon' AND processing = 'PromptReco'"
        ).fetchall()
    return {(trend, run): (value, error, status) for trend, run, value, error, status in rows}


def selected(api_database, mode, value, quality="default"):
    with psycopg.connect(api_database) as connection:
        rows = connection.execute(
            "SELECT * FROM hdqm.run_selection(%s, %s, 'Tracking', 'SingleMuon', 'PromptReco', %s) ORDER BY 1",
            [mode, value, quality],
        ).fetchall()
    return [run for (run,) in rows]


def test_every_value_error_and_reason_is_that_of_the_database(api, api_database, truth):
    answer = api.get("/api/v1/points", params=DATASET | {"latest": 100, "gaps": "true"}).json()
    runs = answer["runs"]["run_number"]

    assert runs == selected(api_database, "latest", "100")
    seen = 0
    for series in answer["series"]:
        gaps = dict(zip(series["gaps"]["run_number"], series["gaps"]["status"], strict=True))
        for run, value, error in zip(runs, series["value"], series["error"], strict=True):
            expected = truth.get((series["trend"], run))
            if expected is None:
                assert (value, error, gaps.get(run)) == (None, None, None)
            else:
                assert value == expected[0]
                assert error == (None if expected[1] is None else pytest.approx(expected[1], rel=1e-6))
                assert gaps.get(run, "ok") == expected[2]
            seen += 1
    assert seen == len(answer["series"]) * 100 > 500


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ("latest", "50", "default")),
        ({"latest": 7, "quality": "all"}, ("latest", "7", "all")),
        ({"range": "324100-324200"}, ("range", "324100-324200", "default")),
        ({"runs": "324102 324105-324120"}, ("list", "324102 324105-324120", "default")),
        ({"golden": "Cert_2018_Golden"}, ("golden", "Cert_2018_Golden", "default")),
        ({"where": "duration_s > 6000"}, ("where", "duration_s > 6000", "default")),
    ],
)
def test_runs_are_those_of_the_selection_that_all_share(api, api_database, asked, expected):
    answer = api.get("/api/v1/points", params=DATASET | asked).json()

    assert answer["runs"]["run_number"] == selected(api_database, *expected) != []


def test_run_info_stands_once_and_in_utc(api, api_database):
    runs = api.get("/api/v1/points", params=DATASET | {"latest": 40}).json()["runs"]

    assert {len(column) for column in runs.values()} == {40}
    with psycopg.connect(api_database) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for run, start, lumi in zip(runs["run_number"], runs["start_time"], runs["recorded_lumi_pb"], strict=True):
            row = connection.execute(
                "SELECT to_char(start_time, 'YYYY-MM-DD\"T\"HH24:MI:SS+00:00'), recorded_lumi_pb "
                "FROM hdqm.runs WHERE run_number = %s",
                [run],
            ).fetchone()
            assert (start, lumi) == row


def test_pages_together_are_the_whole(api):
    whole = api.get("/api/v1/points", params=DATASET | {"latest": 20}).json()
    pages, cursor = [], None
    while True:
        page = api.get("/api/v1/points", params=DATASET | {"latest": 20, "limit": 40, "cursor": cursor}).json()
        assert len(page["series"]) <= 2
        pages += page["series"]
        cursor = page["next"]
        if cursor is None:
            break

    assert pages == whole["series"]
    assert len(pages) > 4


def test_the_header_names_the_next_page(api):
    first = api.get("/api/v1/points", params=DATASET | {"latest": 20, "limit": 40, "format": "csv"})
    following = urljoin(first.url, first.links["next"]["url"]).removeprefix(api.base)

    assert api.get(following).status_code == 200
    assert api.get(following).text != first.text


def test_the_same_in_csv_arrow_and_parquet(api):
    import pyarrow.ipc
    import pyarrow.parquet

    asked = DATASET | {"latest": 30, "gaps": "true"}
    columns = api.get("/api/v1/points", params=asked).json()
    expected = {
        (series["trend"], run): value
        for series in columns["series"]
        for run, value in zip(columns["runs"]["run_number"], series["value"], strict=True)
        if value is not None or run in series["gaps"]["run_number"]
    }

    text = api.get("/api/v1/points", params=asked, headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(text.text)))
    assert {(r["trend"], int(r["run_number"])): float(r["value"]) if r["value"] else None for r in rows} == expected
    arrow = api.get("/api/v1/points", params=asked, headers={"Accept": "application/vnd.apache.arrow.stream"})
    parquet = api.get("/api/v1/points", params=asked | {"format": "parquet"})
    for table in (
        pyarrow.ipc.open_stream(arrow.content).read_all(),
        pyarrow.parquet.read_table(io.BytesIO(parquet.content)),
    ):
        assert {(r["trend"], r["run_number"]): r["value"] for r in table.to_pylist()} == expected
        assert {r["status"] for r in table.to_pylist()} > {"ok"}


def test_series_by_id_count_runs_in_their_own_dataset(api):
    series = api.get("/api/v1/series", params=DATASET | {"limit": 2}).json()["items"]
    by_name = api.get("/api/v1/points", params=DATASET | {"trend": series[0]["trend"], "latest": 5}).json()
    by_id = api.get("/api/v1/points", params={"series_id": series[0]["series_id"], "latest": 5}).json()

    assert by_id == by_name


def test_a_posted_golden_json_selects_its_runs(api, api_database):
    golden = {str(run): [[1, 10], [12, 99]] for run in range(324000, 324200)}
    answer = api.post("/api/v1/points", json=DATASET | {"golden_json": golden})

    assert answer.json()["runs"]["run_number"] == selected(api_database, "list", "324000-324199")


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"golden_json": {"run": [[1, 2]]}}, "'run' is no run number"),
        ({"golden_json": {"324000": "all"}}, "run 324000 has no list of lumisection ranges"),
        ({"golden_json": {"324000": [[1, 2]]}, "latest": 5}, "exclude each other"),
        ({"runs": [-1]}, "-1 is no run number"),
        ({"runs": "1-"}, "cannot read the runs"),
        ({"what": 1}, "there is no 'what'; there are latest, range"),
    ],
)
def test_posted_lists_that_are_none_are_refused_with_the_place(api, told, says):
    answer = api.post("/api/v1/points", json=DATASET | told)

    assert answer.status_code in (400, 422)
    assert says in answer.json()["detail"]


def test_nothing_is_selected_by_an_empty_list_or_an_unknown_dataset(api):
    nothing = api.post("/api/v1/points", json=DATASET | {"golden_json": {}}).json()
    unknown = api.get("/api/v1/points", params=DATASET | {"primary_dataset": "NoSuch"}).json()

    assert nothing["runs"]["run_number"] == []
    assert all(series["value"] == [] for series in nothing["series"])
    assert (unknown["series"], unknown["next"]) == ([], None)


def test_what_did_not_change_is_not_sent_again(api):
    first = api.get("/api/v1/points", params=DATASET)
    again = api.get("/api/v1/points", params=DATASET, headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert "max-age" in first.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/api/v1/points?latest=100", "/api/data?latest=100"])
def test_gzip_is_the_same_and_shorter(api, path):
    asked = DATASET | {"pd": "SingleMuon", "processing_string": "PromptReco"} if "data" in path else DATASET
    plain = api.get(path, params=asked, headers={"Accept-Encoding": "identity"})
    packed = api.get(path, params=asked, headers={"Accept-Encoding": "gzip"}, stream=True)
    sent = len(packed.raw.read())

    assert packed.headers["Content-Encoding"] == "gzip"
    assert sent < 0.6 * len(plain.content)
    assert json.loads(api.get(path, params=asked).content) == json.loads(plain.content)


def test_an_answer_longer_than_the_memory_for_it_is_streamed(api, monkeypatch):
    from hdqm_ops.api import _answers

    whole = api.get("/api/v1/points", params=DATASET)
    monkeypatch.setattr(_answers, "_WHOLE_BYTES", 1000)
    streamed = api.get("/api/v1/points", params=DATASET)

    assert streamed.headers["Transfer-Encoding"] == "chunked"
    assert "ETag" not in streamed.headers
    assert streamed.json() == whole.json()


def test_a_failure_in_the_middle_cuts_the_connection(api, monkeypatch):
    import requests

    from hdqm_ops.api import _answers, _points

    def failing(*_):
        yield b"[1"
        yield b",2" * 1000
        raise OSError("the disk is on fire")

    monkeypatch.setattr(_answers, "_WHOLE_BYTES", 1000)
    monkeypatch.setitem(_points._MAKERS, _points.Format.JSON, failing)

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        api.get("/api/v1/points", params=DATASET)
