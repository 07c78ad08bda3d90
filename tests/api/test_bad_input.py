"""Everything that is no proper request gets a reason, never a trace; others go on being served."""

import gzip
import json
import logging
import socket
import time
from types import SimpleNamespace

import pytest
from fix_api import served

from hdqm_ops.api import _limits, create_app
from hdqm_ops.settings import Settings

DATASET = "subsystem=Tracking&primary_dataset=SingleMuon&processing=PromptReco"
OLD = "subsystem=Tracking&pd=SingleMuon&processing_string=PromptReco"
SQL = ["'; DROP TABLE hdqm.point; --", "1 OR 1=1", "1; SELECT pg_sleep(9)", "$$", "%s", "%(series)s", "{}", "\\"]
PARAMETERS = {
    "points": "subsystem trend primary_dataset processing series_id search latest range runs golden where run_class "
    "quality gaps limit cursor format",
    "series": "subsystem trend primary_dataset processing series_id search has_value cursor",
    "runs": "era state start_time_from fill_number where golden run_class cursor",
    "files": "run_number state primary_dataset cursor",
    "histograms": "subsystem trend run series_id input reference_run log width",
    "coverage": "subsystem runs where range",
}


def refused(answer):
    """A problem document with a reason and no trace."""
    assert 400 <= answer.status_code < 500, answer.text[:300]
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == answer.status_code
    assert problem["detail"]
    assert not any(word in answer.text for word in ("Traceback", ".py", "psycopg", "LINE 1"))
    return problem


@pytest.mark.parametrize("text", SQL)
@pytest.mark.parametrize("resource", PARAMETERS)
def test_sql_in_every_parameter_is_a_text_or_is_refused(api, api_database, resource, text):
    base = {"points": {"subsystem": "Tracking"}, "histograms": {"run": "1"}}.get(resource, {})
    for name in PARAMETERS[resource].split():
        answer = api.get(f"/api/v1/{resource}", params={**base, name: text})
        if answer.status_code != 200:
            refused(answer)


@pytest.mark.parametrize("text", SQL)
def test_sql_in_the_predecessors_parameters(api, text):
    for name in (
        "subsystem",
        "pd",
        "processing_string",
        "latest",
        "runs",
        "from_run",
        "series",
        "series_id",
        "trend_id",
    ):
        told = dict(part.split("=") for part in OLD.split("&"))
        answer = api.get("/api/data", params={**told, name: text})
        if answer.status_code != 200:
            assert refused(answer)["message"]
    for name in ("data_point_id", "url_type", "run", "trend_id"):
        refused(api.get("/api/expand_url", params={"url_type": "main_gui_url", name: text}))


@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/points?{DATASET}&latest=many",
        f"/api/v1/points?{DATASET}&latest=-5",
        f"/api/v1/points?{DATASET}&latest=1e3",
        f"/api/v1/points?{DATASET}&latest={'9' * 5000}",
        f"/api/v1/points?{DATASET}&runs=-1",
        f"/api/v1/points?{DATASET}&runs=99999999999999999999",
        f"/api/v1/points?{DATASET}&range=5-1",
        f"/api/v1/points?{DATASET}&latest=5&runs=1",
        f"/api/v1/points?{DATASET}&golden=no such list",
        f"/api/v1/points?{DATASET}&where=duration_s > many",
        f"/api/v1/points?{DATASET}&where=no_column = 1",
        f"/api/v1/points?{DATASET}&quality=best",
        f"/api/v1/points?{DATASET}&limit=0",
        f"/api/v1/points?{DATASET}&cursor=!!!",
        f"/api/v1/points?{DATASET}&cursor=WzFd",
        f"/api/v1/points?{DATASET}&nonsense=1",
        "/api/v1/points",
        "/api/v1/points?series_id=2147483648",
        "/api/v1/points?series_id=2147483647",
        "/api/v1/runs?run_number_from=-1",
        "/api/v1/runs?start_time_from=yesterday",
        "/api/v1/runs?start_time_from=2018",
        "/api/v1/series?limit=10001",
        "/api/v1/series?cursor=WyJhIl0",
        "/api/v1/histograms?series_id=1&run=2147483648",
        "/api/v1/nothing",
        "/api/v1/points/../../../etc/passwd",
        "/api/v1/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/api/v1/series?search=%00",
        "/api/v1/series?search=%ff%fe",
        "/api/v1/%ff",
        "/%00",
    ],
)
def test_wrong_types_numbers_names_and_paths(api, path):
    refused(api.get(path))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/api/v1/runs", "/api/selection", "/health/live", "/api/v1/histograms"])
def test_other_methods_are_not_allowed(api, method, path):
    answer = api.request(method, path)

    assert refused(answer)["status"] == 405
    assert "GET" in answer.headers["Allow"]


def test_every_method_that_is_allowed_is_named(api):
    assert api.delete("/api/data").headers["Allow"] == "GET, POST"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"subsystem": "\xff"}',
        b'{"subsystem": "Tracking", "latest": NaN}',
        b'{"subsystem": "Tracking", "latest": ' + b"9" * 6000 + b"}",
        b"[" * 100_000,
        b'{"subsystem": "\\ud800"}',
        b'{"subsystem": "a\\u0000b"}',
        b'{"subsystem": "Tracking", "golden_json": [1]}',
        b'{"subsystem": "Tracking", "golden_json": {"1": [[1]]}}',
        b'{"subsystem": "Tracking", "golden_json": {"99999999999": [[1, 2]]}}',
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)
@pytest.mark.parametrize("path", ["/api/v1/points", "/api/data"])
def test_bodies_that_are_no_request(api, path, body):
    refused(api.post(path, data=body, headers={"Content-Type": "application/json"}))


def test_a_query_of_ten_megabytes_is_refused_and_the_next_is_not(api):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_limits, "_QUERY_BYTES", 1000)
        assert refused(api.get(f"/api/v1/series?search={'a' * 2000}"))["status"] == 414
    host, port = api.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=120) as connection:
        connection.sendall(b"GET /api/v1/series?search=")
        told = b""
        try:
            for _ in range(160):
                connection.sendall(b"a" * 65536)
            told = connection.recv(4096)
        except (ConnectionResetError, BrokenPipeError):
            told = b"HTTP/1.1 400 the connection was cut"
    assert told.startswith(b"HTTP/1.1 400")
    assert api.get("/health/live").status_code == 200


def test_bodies_that_are_too_long_are_not_read(api_database):
    with served(create_app(Settings(database_url=api_database, api_body_bytes=100_000))) as api:
        golden = json.dumps({"subsystem": "Tracking", "golden_json": {str(run): [[1, 9]] for run in range(30_000)}})

        assert refused(api.post("/api/v1/points", data=golden))["status"] == 413
        # without a length, in pieces
        assert refused(api.post("/api/v1/points", data=iter([golden.encode()])))["status"] == 413


LONG_AND_WRONG = {
    "keys that are none": {f"key{n}": 1 for n in range(250_000)},
    "words in place of runs": {"subsystem": "Tracking", "runs": ["many"] * 700_000},
    "lists in place of runs": {"subsystem": "Tracking", "runs": [[1, 2]] * 700_000},
    "one run with all lumisections": {"subsystem": "Tracking", "golden_json": {"1": [[1, 2]] * 700_000}},
    "series that are none": {"series_id": ["x"] * 1_000_000},
}


@pytest.mark.parametrize("path", ["/api/v1/points", "/api/data"])
@pytest.mark.parametrize("body", LONG_AND_WRONG)
def test_a_long_body_that_is_wrong_keeps_nobody_waiting(api, path, body):
    """With an error for each wrong item this took half a minute, in which nobody was answered, and 1.4 GB."""
    sent = json.dumps(LONG_AND_WRONG[body])
    began = time.monotonic()
    json.loads(sent)
    unit = time.monotonic() - began  # what reading it takes on this machine, now

    began = time.process_time()
    answer = api.post(path, data=sent, headers={"Content-Type": "application/json"})
    taken = time.process_time() - began

    assert answer.status_code in (200, 400, 422)
    assert len(answer.content) < 20_000
    assert taken < 10 * unit + 1


@pytest.mark.parametrize("parameter", ["{}=1", "{}", "%27{}=%20"])
def test_thousands_of_different_parameters_are_not_looked_at(api, parameter):
    query = "&".join(parameter.format(f"{n:x}") for n in range(5000))

    assert "different parameters" in refused(api.get(f"/api/v1/runs?{query}"))["detail"]


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 2\r\nContent-Length: 5", b"{}abc"),
        (b"Content-Length: 2\r\nTransfer-Encoding: chunked", b"2\r\n{}\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: gzip, chunked", b"2\r\n{}\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked", b"zz\r\n{}\r\n0\r\n\r\n"),
        (b"Content-Length: -5", b"{}"),
    ],
    ids=["two lengths", "a length and pieces", "packed pieces", "no pieces", "less than nothing"],
)
def test_a_body_whose_end_can_be_read_in_two_ways_is_refused(api, head, body):
    """A proxy that reads it the other way would take its rest for the next request, of somebody else."""
    host, port = api.base.removeprefix("http://").split(":")
    begin = b"POST /api/v1/points HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(begin + head + b"\r\n\r\n" + body)
        told = connection.recv(4096)

    assert told.startswith(b"HTTP/1.1 400"), told


def test_a_packed_body_is_not_unpacked(api):
    """Eight megabytes could become eight gigabytes."""
    packed = gzip.compress(b'{"subsystem": "' + b"a" * 5_000_000 + b'"}')

    refused(api.post("/api/v1/points", data=packed, headers={"Content-Encoding": "gzip"}))


def test_the_host_that_a_request_names_leads_nobody_away(api):
    evil = {"Host": "evil.example"}

    assert refused(api.get("/api/v1/reasons/", headers=evil, allow_redirects=False))["status"] == 404
    page = api.get("/api/v1/runs?limit=1", headers=evil)
    assert page.links["next"]["url"].startswith("?")
    assert "evil" not in page.text + str(page.headers)


def test_a_client_that_is_slow_keeps_nobody_waiting_and_is_told_to_hurry(api, monkeypatch):
    monkeypatch.setattr(_limits, "_BODY_S", 1)
    host, port = api.base.removeprefix("http://").split(":")
    head = b"POST /api/v1/points HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
    slow = [socket.create_connection((host, int(port)), timeout=120) for _ in range(60)]
    try:
        for connection in slow:
            connection.sendall(head)
        began = time.monotonic()
        assert api.get("/api/v1/reasons").status_code == 200
        assert time.monotonic() - began < 10
        assert {connection.recv(4096)[:12] for connection in slow} == {b"HTTP/1.1 408"}
    finally:
        for connection in slow:
            connection.close()


def test_connections_that_are_cut_leave_the_pool_as_it_was(api):
    host, port = api.base.removeprefix("http://").split(":")
    for _ in range(40):
        with socket.create_connection((host, int(port)), timeout=120) as connection:
            connection.sendall(f"GET /api/data?{OLD}&latest=100 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            connection.recv(10)

    assert api.get(f"/api/v1/points?{DATASET}").status_code == 200


def test_more_requests_than_the_rate_wait_where_a_rate_is_set(api_database, monkeypatch):
    monkeypatch.setattr(_limits, "time", SimpleNamespace(monotonic=lambda: 1.0))
    with served(create_app(Settings(database_url=api_database, api_rate=0.5))) as api:
        answers = [api.get("/health/live") for _ in range(7)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_a_question_that_takes_too_long_is_given_up(api_database):
    settings = Settings(database_url=api_database)
    app = create_app(settings)
    app.state.reader._timeout_ms = 1
    with served(app) as api:
        answer = api.get(f"/api/v1/points?{DATASET}&latest=1000")

    assert answer.status_code == 503
    assert (answer.json()["detail"], answer.headers["Retry-After"]) == (
        "the answer takes too long: ask for fewer runs or trends",
        "5",
    )


def test_the_api_can_only_read(api_database):
    import psycopg

    from hdqm_ops.load import Reader

    reader = Reader(api_database)
    with reader.connection() as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("hdqm_reader",)
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM hdqm.reason")
    reader.close()


def test_nothing_secret_is_logged(api, caplog):
    with caplog.at_level(logging.DEBUG):
        for path in ("/api/v1/points?subsystem=hush-hush&latest=x", "/api/nothing?token=hush-hush"):
            api.get(path, headers={"Authorization": "Bearer hush-hush", "Cookie": "_token=hush-hush"})

    assert "hush-hush" not in "".join(
        record.getMessage() for record in caplog.records if not record.name.startswith(("urllib3", "requests"))
    )
