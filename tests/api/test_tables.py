import csv
import io

import psycopg
import pytest

TABLES = {
    "subsystems": {"subsystem", "trends", "series"},
    "datasets": {"primary_dataset", "processing", "series", "runs", "newest_run"},
    "trends": {"subsystem", "trend", "title", "unit", "owner", "metric", "definition", "alternatives", "active"},
    "trends/history": {"definition_id", "definition", "metric", "first_seen", "current", "alternatives"},
    "series": {"series_id", "subsystem", "trend", "primary_dataset", "processing", "has_value"},
    "runs": {"run_number", "start_time", "fill_number", "run_class", "hlt_key", "state"},
    "fills": {"fill_number", "start_time", "delivered_lumi_pb"},
    "run-changes": {"run_number", "source", "field", "old", "new", "at"},
    "files": {"path", "run_number", "dataset", "state", "reason", "tries", "ingested_at"},
    "coverage": {"run_number", "subsystem", "expected", "with_value", "percent", "why"},
    "reasons": {"code", "meaning"},
    "golden-jsons": {"name", "source"},
    "display-groups": {"subsystem", "group", "title", "trends"},
    "alarms": {"alarm", "subsystem", "trend", "value", "meaning"},
}


@pytest.fixture(scope="module")
def odd_facts(api_database):
    """What the made-up database lacks: fills and changes."""
    with psycopg.connect(api_database) as connection:
        connection.execute(
            "INSERT INTO hdqm.fill (fill_number, era, start_time) VALUES (7200, '2018D', now()), (7201, '2018D', now())"
        )
        connection.execute(
            "INSERT INTO hdqm.run_change (run_number, source, field, old_value, new_value) "
            "VALUES (324102, 'rr', 'significant', 'false', 'true')"
        )


@pytest.mark.parametrize("name", TABLES)
def test_rows_have_the_columns_that_are_promised(api, odd_facts, name):
    answer = api.get(f"/api/v1/{name}")

    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert items
    assert TABLES[name] <= set(items[0])


@pytest.mark.parametrize("name", TABLES)
def test_pages_of_three_are_the_whole_in_order(api, odd_facts, name):
    whole = api.get(f"/api/v1/{name}", params={"limit": 20}).json()["items"]
    pages, cursor = [], None
    for _ in range(7):
        page = api.get(f"/api/v1/{name}", params={"limit": 3, "cursor": cursor}).json()
        pages += page["items"]
        cursor = page["next"]
        if cursor is None:
            break

    assert pages[: len(whole)] == whole[: len(pages)]
    assert len(pages) >= len(whole)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("form", ["csv", "arrow", "parquet"])
def test_other_forms_have_the_same_rows(api, odd_facts, name, form):
    import pyarrow.ipc
    import pyarrow.parquet

    expected = api.get(f"/api/v1/{name}").json()["items"]
    answer = api.get(f"/api/v1/{name}", params={"format": form})

    assert answer.status_code == 200, answer.text
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(answer.text)))
    elif form == "arrow":
        rows = pyarrow.ipc.open_stream(answer.content).read_all().to_pylist()
    else:
        rows = pyarrow.parquet.read_table(io.BytesIO(answer.content)).to_pylist()
    assert [list(row) for row in rows] == [list(row) for row in expected]
    first = next(iter(expected[0]))
    assert [str(row[first]) for row in rows] == [str(row[first]) for row in expected]


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        ("trends?subsystem=Tracking", lambda row: row["subsystem"] == "Tracking"),
        ("series?search=JET&subsystem=JetMET", lambda row: "jet" in row["trend"].lower()),
        ("series?series_id=3&series_id=5", lambda row: row["series_id"] in (3, 5)),
        ("runs?run_number_from=324100&run_number_to=324110", lambda row: 324100 <= row["run_number"] <= 324110),
        ("runs?latest=5&subsystem=Tracking", lambda row: row["significant"] is not False),
        ("runs?start_time_from=2018-09-05T00:00:00Z", lambda row: row["start_time"] >= "2018-09-05"),
        ("files?state=failed", lambda row: row["state"] == "failed" and row["reason"]),
        ("coverage?runs=324102&subsystem=Tracking", lambda row: row["run_number"] == 324102),
    ],
)
def test_filters_hold(api, path, holds):
    items = api.get(f"/api/v1/{path}").json()["items"]

    assert items
    assert all(holds(row) for row in items)


def test_a_percent_sign_is_searched_as_it_is(api):
    assert api.get("/api/v1/series", params={"search": "%"}).json()["items"] == []


def test_a_formula_is_text_in_a_spreadsheet(api_database, api):
    with psycopg.connect(api_database) as connection:
        connection.execute("INSERT INTO hdqm.golden_json (name, runs) VALUES ('=1+1', '{[1,2)}')")
    text = api.get("/api/v1/golden-jsons", params={"format": "csv"}).text
    with psycopg.connect(api_database) as connection:
        connection.execute("DELETE FROM hdqm.golden_json WHERE name = '=1+1'")

    assert "\n'=1+1," in text


@pytest.mark.parametrize(
    ("accept", "status", "media_type"),
    [
        ("", 200, "application/json"),
        ("*/*", 200, "application/json"),
        ("text/*", 200, "text/csv"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", 200, "application/json"),
        ("application/json;q=0.1, text/csv", 200, "text/csv"),
        ("application/json;q=0", 406, "application/problem+json"),
        ("image/png", 406, "application/problem+json"),
        ("text/csv;q=what", 406, "application/problem+json"),
    ],
)
def test_the_form_is_what_is_accepted_best(api, accept, status, media_type):
    answer = api.get("/api/v1/reasons", headers={"Accept": accept})

    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (status, media_type)
