"""hdqm_ops.client against the real API, and everything that docs/api.md shows."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import psycopg
import pytest
from fix_api import served

from hdqm_ops.client import Hdqm
from hdqm_ops.errors import AuthenticationFailed, BadAnswer, NotFound, RequestRefused, ServiceUnavailable

PAGE = Path(__file__).parents[2] / "docs/api.md"
DATASET = {"pd": "SingleMuon", "processing": "PromptReco"}


@pytest.fixture
def hdqm(api):
    with Hdqm(api.base) as client:
        yield client


def test_the_page(api, api_database):
    left = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        code = block.replace("http://127.0.0.1:8050", api.base)
        exec(compile(code, str(PAGE), "exec"), left)

    with psycopg.connect(api_database) as connection:
        rows = connection.execute(
            "SELECT run_number, value FROM hdqm.trend_points WHERE subsystem = 'Tracking' AND trend = 'vertices' "
            "AND primary_dataset = 'SingleMuon' AND processing = 'PromptReco' AND value IS NOT NULL AND run_number IN "
            "(SELECT hdqm.run_selection('latest', '200', 'Tracking', 'SingleMuon', 'PromptReco')) ORDER BY 1"
        ).fetchall()
    assert list(zip(left["vertices"].run_number, left["vertices"].value, strict=True)) == rows
    far = [run for run, value in rows if abs(value - left["middle"]) > 5 * left["spread"] > 0]
    assert left["unusual"].tolist() == far
    assert left["frame"].index.tolist() == [run for run, _ in rows]
    assert str(left["by_time"].index.dtype).endswith("UTC]")
    assert left["per_fill"]["size"].sum() <= len(rows)
    assert set(left["missing"]) <= {324102, 324105, 324108}
    assert -1 <= left["correlation"] <= 1
    assert left["histogram"].contents.sum() == left["total"] > 0
    assert left["picture"].startswith(b"\x89PNG")
    assert set(left["failed"]["state"]) == {"failed"}


def test_pages_are_turned_by_themselves_and_of_the_same_runs(hdqm, monkeypatch):
    whole = hdqm.many_points("Tracking", **DATASET, latest=20, gaps=True)
    paged = hdqm.many_points("Tracking", **DATASET, latest=20, gaps=True, limit=20)

    assert list(whole) == list(paged)
    assert len(whole) > 4
    for name, points in whole.items():
        np.testing.assert_array_equal(points.value, paged[name].value)
        np.testing.assert_array_equal(points.status, paged[name].status)


def test_gaps_are_there_when_they_are_asked_for(hdqm):
    with_gaps = hdqm.many_points("Tracking", **DATASET, latest=100, gaps=True)
    without = hdqm.many_points("Tracking", **DATASET, latest=100)

    assert all(np.isfinite(points.value).all() for points in without.values())
    statuses = np.concatenate([points.status for points in with_gaps.values()])
    values = np.concatenate([points.value for points in with_gaps.values()])
    assert ((statuses == "ok") == np.isfinite(values)).all()
    assert {"element_missing", "ok"} <= set(statuses)


def test_long_lists_of_runs_are_posted(hdqm):
    some = hdqm.points("Tracking", "vertices", **DATASET, runs=range(324000, 330000))
    few = hdqm.points("Tracking", "vertices", **DATASET, runs=[324102, 324105])

    assert len(some) > 80
    assert set(few.run_number) <= {324102, 324105}


def test_rows_of_all_pages(hdqm, monkeypatch):
    rows = list(hdqm.rows("series", limit=7, subsystem="Tracking"))

    assert len(rows) > 14
    assert len({row["series_id"] for row in rows}) == len(rows)
    assert hdqm.frame("runs", latest=3)["start_time"].dtype.kind == "M"


@pytest.mark.parametrize(
    ("ask", "error", "says"),
    [
        (lambda h: h.points("Tracking", "no_such", **DATASET), NotFound, "there is no series Tracking/no_such"),
        (lambda h: h.points("Tracking", "vertices", **DATASET, latest=0), RequestRefused, "greater than or equal to 1"),
        (lambda h: h.points("Tracking", "vertices", **DATASET, where="x"), RequestRefused, "write it as in"),
        (lambda h: h.histogram("Tracking", "vertices", **DATASET, run=1), NotFound, "no histogram is stored"),
        (lambda h: list(h.rows("nothing")), NotFound, "Not Found"),
        (lambda h: list(h.rows("files", stat="failed")), RequestRefused, "stat: Extra inputs"),
        (lambda _: Hdqm("http://127.0.0.1:1").points("a", "b", **DATASET), ServiceUnavailable, "is it running"),
    ],
)
def test_errors_have_types_and_say_what_is_wrong(hdqm, ask, error, says):
    with pytest.raises(error, match=re.escape(says)):
        ask(hdqm)


def test_a_login_page_is_no_answer():
    async def page(scope, receive, send):
        from starlette.responses import HTMLResponse

        await HTMLResponse("<html>please log in")(scope, receive, send)

    with served(page) as elsewhere, pytest.raises(BadAnswer, match="login page"):
        list(Hdqm(elsewhere.base).rows("runs"))


def test_it_waits_where_it_is_told_to_and_gives_up():
    asked = []

    async def busy(scope, receive, send):
        from starlette.responses import JSONResponse

        if scope["type"] == "http":
            asked.append(scope["path"])
            status = 503 if len(asked) < 3 or scope["path"].endswith("runs") else 200
            await JSONResponse({"detail": "later", "items": [], "next": None}, status, {"Retry-After": "0"})(
                scope, receive, send
            )

    with served(busy) as elsewhere, Hdqm(elsewhere.base) as client:
        assert list(client.rows("files")) == []
        with pytest.raises(ServiceUnavailable, match="later"):
            list(client.rows("runs"))
    assert len(asked) == 6


def test_a_wrong_token_is_an_authentication_failure(locked_api):
    with pytest.raises(AuthenticationFailed, match="Bearer"):
        list(Hdqm(locked_api.base, token="wrong").rows("reasons"))
    assert list(Hdqm(locked_api.base, token="right-one").rows("reasons"))


def test_nothing_heavy_is_imported_with_it():
    heavy = ("fastapi", "psycopg", "pandas", "scipy", "uproot", "matplotlib")
    code = f"import sys, hdqm_ops.client; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
