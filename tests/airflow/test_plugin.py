"""HDQM inside a real Airflow: who may see what, what buttons do, and what hostile requests get."""

import json
import os
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import psycopg
import pytest
import requests
from route_table import WHO, statuses

from hdqm_ops import config, local, reduce, simulate
from hdqm_ops.local._secrets import Secrets
from hdqm_ops.pipeline import config_roots
from hdqm_ops.run_index import write_run_index
from hdqm_ops.settings import Settings

pytestmark = pytest.mark.airflow

RUN = 324650  # of these tests alone
BEGAN = datetime(2018, 10, 12, 8, tzinfo=UTC)
GOLDEN = b'{"324997": [[1, 88], [91, 92]]}'


class Somebody(requests.Session):
    """Who asks HDQM's pages, as a browser that has logged in, or as a script with a token."""

    def __init__(self, stack, who, *, browser=False):
        super().__init__()
        self.trust_env = False
        self.stack = stack
        self.address = stack.airflow().address
        if who:
            client = stack.airflow(who)
            client._log_in()
            self.token = client._headers["Authorization"].removeprefix("Bearer ")
            if browser:
                self.cookies.set("_token", self.token)
            else:
                self.headers["Authorization"] = f"Bearer {self.token}"

    def see(self, path, **more):
        return self.get(f"{self.address}/hdqm{path}", timeout=120, allow_redirects=False, **more)

    def act(self, path, data=None, **more):
        return self.post(f"{self.address}/hdqm{path}", data=data, timeout=120, allow_redirects=False, **more)

    def form_token(self, path="/golden"):
        return re.search(r'name="token" value="([^"]+)"', self.see(path).text).group(1)


@pytest.fixture(scope="module")
def running(stack):
    stack.up()
    return stack


@pytest.fixture(scope="module")
def url(stack_settings):
    return local.with_database(stack_settings).database_url.get_secret_value()


@pytest.fixture(scope="module")
def handled(running, stack_settings, tmp_path_factory, url):
    """Two runs that Airflow ingested, of one of which a file is broken; the id of the Dag run."""
    trends = config.read_tree(config_roots(Settings()), reduce.catalogue()).trends
    folder = tmp_path_factory.mktemp("dqm")
    folder.chmod(0o755)
    made = simulate.simulate_dqm(trends, folder, simulate.Scenario("test", (RUN, RUN + 1), 99, 0, 0))
    whole = next(Path(file.path) for file in made if "SingleMuon" in file.path)
    broken = whole.with_name(whole.name.replace("DQM_V0001", "DQM_V0009"))
    broken.write_bytes(whole.read_bytes()[:3000])
    long_ago = time.time() - 7200
    for file in folder.rglob("*.root"):
        os.utime(file, (long_ago, long_ago))
    airflow = running.airflow()
    run_id = airflow.trigger("hdqm_ingest", {"files": [str(folder)], "subsystems": ["Tracking"]})
    assert airflow.wait("hdqm_ingest", run_id, timeout_s=300) == "success"
    return run_id


@pytest.fixture
def index(running, stack_settings):
    file = stack_settings.home / "run_index.json"
    write_run_index(file, [(RUN, BEGAN), (RUN + 1, BEGAN + timedelta(hours=5)), (RUN + 2, BEGAN + timedelta(days=9))])
    yield file
    file.unlink(missing_ok=True)


def ask(url, sql):
    with psycopg.connect(url) as connection:
        return connection.execute(sql).fetchall()


# -- who sees what -----------------------------------------------------------------------------------------------------


def test_every_route_asks_for_a_login_and_answers_all_who_have_one(running, stack_settings):
    passwords = json.loads((stack_settings.home / "airflow" / "passwords.json").read_text())

    table = statuses(running.airflow().address, passwords)

    assert len(table) > 30  # pages, and all of the API
    for route, found in table.items():
        assert found["anonymous"] == 401, route
        assert all(found[who] not in (401, 500) for who in WHO[1:]), (route, found)
        acts = route[0] == "POST" and route[1] in ("/retry", "/golden", "/golden/remove")
        assert (found["viewer"] == 403) == acts, (route, found)
        assert len({found[who] for who in WHO[2:]}) == 1, (route, found)
    assert table["GET", "/"]["viewer"] == 200
    assert table["PUT", "/golden"]["admin"] == 405
    assert table["GET", "/nonsense"]["admin"] == 404


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer nonsense", 403),
        ("Bearer ", 401),
        ("Basic YWRtaW46YWRtaW4=", 401),
        ("expired", 401),
        ("other secret", 403),
        ("no signature", 403),
    ],
)
@pytest.mark.parametrize("path", ["/", "/openapi.json", "/api/runs"])
def test_a_wrong_token_opens_nothing(running, stack_settings, header, status, path):
    somebody = Somebody(running, "admin")
    told = jwt.decode(somebody.token, options={"verify_signature": False})
    key = Secrets(stack_settings.home)["airflow_tokens"]
    forged = {
        "expired": lambda: jwt.encode({**told, "exp": int(time.time()) - 3600}, key, "HS512"),
        "other secret": lambda: jwt.encode(told, "x" * 64, "HS512"),
        "no signature": lambda: jwt.encode(told, None, "none"),
    }
    somebody.headers["Authorization"] = f"Bearer {forged[header]()}" if header in forged else header

    answer = somebody.see(path)

    assert answer.status_code == status
    assert "detail" in answer.json()
    assert "Traceback" not in answer.text


def test_a_browser_without_login_is_shown_the_way(running):
    answer = Somebody(running, None).see("/run?run=1", headers={"Accept": "text/html"})

    assert answer.status_code == 401
    assert "/auth/login?next=%2Fhdqm%2Frun%3Frun%3D1" in answer.text


@pytest.mark.parametrize(("who", "buttons"), [("viewer", 0), ("user", 1), ("operator", 1), ("admin", 1)])
def test_who_may_only_look_sees_no_buttons(running, handled, who, buttons):
    somebody = Somebody(running, who, browser=True)

    for path in ("/", f"/run?run={RUN}", "/golden"):
        text = somebody.see(path).text
        assert (text.count('method="post"') > 0) == bool(buttons), path
        assert ("may look" in text) != bool(buttons)


def test_nothing_runs_on_a_page_and_only_airflow_may_frame_it(running, handled):
    for path in ("/", f"/run?run={RUN}", "/definition?text=a", "/golden", "/nonsense"):
        answer = Somebody(running, "admin").see(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'self'" in policy
        assert "script-src" not in policy
        assert not re.search(r"<script|style=|onclick", answer.text)
        assert answer.headers["Cache-Control"] == "no-store"


# -- what is shown -----------------------------------------------------------------------------------------------------


def test_the_overview_names_the_failure_and_its_reason(running, handled):
    text = Somebody(running, "viewer").see("/").text

    assert f'href="/hdqm/run?run={RUN}"' in text
    assert "failed" in text
    assert re.search(r'Files that failed</h2><p class="big">[1-9]', text)


def test_a_run_is_looked_up(running, handled):
    viewer = Somebody(running, "viewer")

    answer = viewer.see(f"/run?run={RUN}")

    assert answer.status_code == 200
    assert "ingested" in answer.text
    assert viewer.see("/run?run=2").status_code == 404


def test_a_definition_is_looked_up(running, handled):
    answer = Somebody(running, "viewer").see("/definition?text=Tracking/")

    assert answer.status_code == 200
    assert "Monitor elements" in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/run?run=abc", 400),
        ("/run?run=-1", 400),
        ("/run?run=99999999999", 400),
        ("/run?run=1%00", 400),
        ("/run?run=1;DROP%20TABLE%20hdqm.run", 400),
        ("/run?run=%F0%9F%98%80", 400),
        ("/run?run=%D9%A1", 400),
        ("/definition?text=%00", 400),
        ("/definition?text=" + "x" * 201, 400),
        ("/definition?text=%27%3B%20DROP%20TABLE%20hdqm.run%3B--", 200),
        ("/definition?text=%FF%FE", 200),
        ("/definition?text=%3Cscript%3Ealert(1)%3C/script%3E", 200),
        ("/batch", 400),
        ("/batch?files=1-", 400),
        ("/batch?files=1-999999999", 400),
        ("/batch?files=5-1", 200),
        ("/batch?files=" + ",".join("1" for _ in range(2000)), 400),
        ("/batch?files=1%27", 400),
        ("/batch/plots?files=999999", 404),
        ("/view/%2e%2e%2fhome", 404),
        ("/view/nonsense", 404),
        ("/static/../_guard.py", 404),
        ("/static/%2e%2e/_guard.py", 404),
        ("/static/%2e%2e%2f_guard.py", 404),
    ],
)
def test_a_hostile_question_gets_a_reason(running, handled, path, status):
    answer = Somebody(running, "viewer").see(path)

    assert answer.status_code == status, answer.text
    assert "<script" not in answer.text
    assert "Traceback" not in answer.text
    assert len(answer.text) < 40_000


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
@pytest.mark.parametrize("path", ["/", "/golden", "/retry", "/static/hdqm.css"])
def test_other_methods_are_refused(running, method, path):
    somebody = Somebody(running, "admin")

    answer = somebody.request(method, f"{somebody.address}/hdqm{path}", timeout=120)

    assert answer.status_code == 405


def test_dashboards_are_a_redirection_to_the_grafana_of_the_settings(running, stack_settings, handled, url):
    viewer = Somebody(running, "viewer")
    file = stack_settings.home / "settings.env"
    assert viewer.see("/view/home").status_code in (302, 404)
    ids = ",".join(str(n) for (n,) in ask(url, f"SELECT id FROM hdqm.dqm_file WHERE run_number = {RUN} AND loaded"))
    file.write_text("HDQM_GRAFANA_URL=https://grafana.example/x/\n")
    try:
        assert viewer.see("/view/coverage").headers["Location"] == "https://grafana.example/x/d/hdqm-coverage?kiosk"
        there = viewer.see(f"/batch/plots?files={ids}").headers["Location"]
        assert f"var-mode=list&var-runs={RUN}&kiosk" in there
    finally:
        file.unlink()


# -- buttons -----------------------------------------------------------------------------------------------------------


def test_retry_starts_a_dag_run_with_the_rights_of_who_pressed_it(running, handled):
    user = Somebody(running, "user", browser=True)

    answer = user.act("/retry", {"token": user.form_token("/"), "run": str(RUN)})

    assert answer.status_code == 201, answer.text
    run_id = re.search(r"hdqm_backfill has begun: (\S+?)<", answer.text).group(1)
    told = running.airflow()._ask("GET", f"dags/hdqm_backfill/dagRuns/{run_id}")
    assert told["triggering_user_name"] == "user"
    assert told["conf"] == {"runs": str(RUN), "mode": "failed"}
    assert running.airflow().wait("hdqm_backfill", run_id, timeout_s=300) == "success"


def test_who_may_only_look_cannot_act_by_hand(running, handled):
    viewer = Somebody(running, "viewer")

    for path, form in (("/retry", {"run": str(RUN)}), ("/golden", {"name": "x"}), ("/golden/remove", {"name": "x"})):
        answer = viewer.act(path, form)
        assert answer.status_code == 403
        assert "may look, not act" in answer.text


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({}, {}),
        ({}, {"token": "nonsense"}),
        ({"Origin": "https://evil.example"}, {"token": "good"}),
        ({"Sec-Fetch-Site": "cross-site"}, {"token": "good"}),
        ({"Sec-Fetch-Site": "same-site"}, {"token": "good"}),
        ({}, {"token": "of another"}),
    ],
)
def test_a_form_of_another_page_is_refused(running, headers, form):
    user = Somebody(running, "user", browser=True)
    tokens = {"good": user.form_token, "of another": Somebody(running, "operator", browser=True).form_token}
    if form.get("token") in tokens:
        form = {"token": tokens[form["token"]]()}

    answer = user.act("/retry", {**form, "run": str(RUN)}, headers=headers)

    assert answer.status_code == 403, answer.text


def test_a_golden_json_is_kept_shown_chosen_and_removed(running, url):
    user = Somebody(running, "user", browser=True)
    form = {"token": user.form_token(), "name": "mine <b>&amp;", "days": "7"}

    answer = user.act("/golden", form, files={"file": ("g.json", GOLDEN)})

    assert answer.status_code == 201, answer.text
    assert "1 runs, 90 lumisections, kept for 7 days" in answer.text
    assert "mine &lt;b&gt;&amp;amp;" in Somebody(running, "viewer").see("/golden").text
    assert "<b>" not in answer.text
    chosen = "SELECT count(*) FROM hdqm.run_selection('golden', 'mine <b>&amp;', NULL, NULL, NULL)"
    # its one run may have been ingested by a test before; an unknown name would be an error
    assert ask(url, chosen) in ([(0,)], [(1,)])
    assert ask(url, "SELECT owner FROM hdqm.golden_json") == [("user",)]

    other = Somebody(running, "operator", browser=True)
    assert other.act("/golden", {**form, "token": other.form_token()}, files={"file": GOLDEN}).status_code == 409
    assert other.act("/golden/remove", {**form, "token": other.form_token()}).status_code == 404
    assert user.act("/golden/remove", form).status_code == 200
    assert ask(url, "SELECT owner FROM hdqm.golden_json") == []


@pytest.mark.parametrize(
    ("form", "content", "status", "said"),
    [
        ({}, b"", 400, "no JSON"),
        ({}, b'{"324997": [[1, 88]', 400, "no JSON"),
        ({}, b"\xff\xfe", 400, "no UTF-8"),
        ({}, b"[" * 1_000_000, 400, "no JSON"),
        ({}, b'{"324997": [[88, 1]]}', 400, "1 ≤ first ≤ last"),
        ({}, b'{"<img src=x>": [[1, 2]]}', 400, "is no run number"),
        ({}, b'{"1": [[1, 2]]}' + b" " * (9 << 20), 413, "longer than 8 MB"),
        ({}, None, 400, "no file was sent"),
        ({"name": ""}, GOLDEN, 400, "is no name"),
        ({"name": "a\0b"}, GOLDEN, 400, "is no name"),
        ({"name": "x" * 101}, GOLDEN, 400, "is no name"),
        ({"days": "0"}, GOLDEN, 400, "from 1 to 730"),
        ({"days": "731"}, GOLDEN, 400, "from 1 to 730"),
        ({"days": "many"}, GOLDEN, 400, "from 1 to 730"),
    ],
)
def test_a_bad_upload_is_refused_with_a_reason_and_nothing_is_kept(running, url, form, content, *, status, said):
    user = Somebody(running, "user")
    files = {"file": ("g.json", content)} if content is not None else {"other": ("g.json", b"{}")}

    answer = user.act("/golden", {"name": "bad", **form}, files=files)

    assert (answer.status_code, said in answer.text) == (status, True), answer.text[-2000:]
    assert "<img" not in answer.text
    assert ask(url, "SELECT name FROM hdqm.golden_json") == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"nonsense", "multipart/form-data", 400),
        (b"--b\r\nnonsense", "multipart/form-data; boundary=b", 400),
        (b"--b\r\n" * 10_000, "multipart/form-data; boundary=b", 400),
        (b"a=1&" * 10_000, "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 400),
    ],
)
def test_a_body_that_is_no_form_is_refused(running, body, kind, status):
    answer = Somebody(running, "user").act("/golden", body, headers={"Content-Type": kind})

    assert answer.status_code == status, answer.text


def test_a_body_without_end_is_cut_off(running):
    def endless():
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="g.json"\r\n\r\n'
        for _ in range(40):
            yield b"x" * (1 << 20)

    user = Somebody(running, "user")
    try:
        answer = user.act("/golden", endless(), headers={"Content-Type": "multipart/form-data; boundary=b"})
    except requests.ConnectionError:
        pass  # the server has hung up while we were still sending, which is as good
    else:
        assert (answer.status_code, "longer than 8 MB" in answer.text) == (413, True), answer.text
    assert user.see("/golden").status_code == 200


# -- backfill and links ------------------------------------------------------------------------------------------------


def window(**more):
    first = {"from_date": BEGAN.isoformat(), "to_date": (BEGAN + timedelta(days=1)).isoformat()}
    return {"dag_id": "hdqm_backfill", "reprocess_behavior": "none", "max_active_runs": 2, **first, **more}


def test_the_backfill_dialog_says_why_it_cannot(running, stack_settings):
    (stack_settings.home / "run_index.json").unlink(missing_ok=True)
    admin = Somebody(running, "admin")

    for path in ("/api/v2/backfills/dry_run", "/api/v2/backfills"):
        answer = admin.post(admin.address + path, json=window(), timeout=120)
        assert answer.status_code == 422
        assert "there is no run index" in answer.text


def test_the_backfill_dialog_makes_a_dag_run_for_each_cms_run(running, handled, index):
    running.airflow().await_dag("hdqm_backfill")
    operator = Somebody(running, "operator")
    api = f"{operator.address}/api/v2"

    seen = operator.post(f"{api}/backfills/dry_run", json=window(), timeout=120).json()
    conf = {"mode": "all", "subsystems": ["Tracking"]}
    made = operator.post(f"{api}/backfills", json=window(dag_run_conf=conf), timeout=120)

    assert [one["partition_key"] for one in seen["backfills"]] == [str(RUN), str(RUN + 1)]
    assert made.status_code == 200, made.text
    runs = [
        one
        for key in (RUN, RUN + 1)
        for one in operator.get(
            f"{api}/dags/hdqm_backfill/dagRuns", params={"partition_key_pattern": str(key)}, timeout=120
        ).json()["dag_runs"]
    ]
    assert [one["run_type"] for one in runs] == ["backfill", "backfill"]
    for one in runs:
        assert running.airflow().wait("hdqm_backfill", one["dag_run_id"], timeout_s=300) == "success"
        links = operator.get(
            f"{api}/dags/hdqm_backfill/dagRuns/{one['dag_run_id']}/taskInstances/ingest/links",
            params={"map_index": 0},
            timeout=120,
        ).json()["extra_links"]
        page = operator.get(links["Runs and dashboards"], timeout=120)
        assert page.status_code == 200
        assert f"run={one['partition_key']}" in page.text


def test_a_viewer_cannot_backfill(running, index):
    viewer = Somebody(running, "viewer")

    assert viewer.post(f"{viewer.address}/api/v2/backfills", json=window(), timeout=120).status_code == 403


def test_a_partition_key_that_is_no_run_is_refused_before_it_runs(running):
    user = Somebody(running, "user")
    body = {"logical_date": None, "partition_key": "all of them"}

    answer = user.post(f"{user.address}/api/v2/dags/hdqm_backfill/dagRuns", json=body, timeout=120)

    assert answer.status_code == 400
    assert "is no run or range" in answer.text


def test_a_backfill_of_nothing_in_particular_fails_with_the_three_doors(running):
    airflow = running.airflow()

    run_id = airflow.trigger("hdqm_backfill", {})

    assert airflow.wait("hdqm_backfill", run_id, timeout_s=300) == "failed"
    assert "plan" in airflow.failed_tasks("hdqm_backfill", run_id)
