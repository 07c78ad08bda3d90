"""Publishing into a real, empty Grafana: everything once, nothing twice, and no foreign thing touched."""

import copy
import json
import logging
import pickle
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from serving import serving

from hdqm_ops.errors import (
    AuthenticationFailed,
    ConfigError,
    NotFound,
    RequestRefused,
    ServiceUnavailable,
    UntrustedServer,
)
from hdqm_ops.show import ALARMS, Contacts, as_json, dashboards, publish, site_dashboards

needs_grafana = pytest.mark.grafana


@pytest.fixture(scope="module")
def token(empty_grafana):
    """Makes tokens of service accounts with a role."""
    made = {}

    def make(role):
        if role not in made:
            account = call(empty_grafana, "POST", "/api/serviceaccounts", {"name": role, "role": role})
            path = f"/api/serviceaccounts/{account['id']}/tokens"
            made[role] = call(empty_grafana, "POST", path, {"name": role})["key"]
        return made[role]

    return make


def call(grafana, method, path, json=None):
    admin = ("admin", grafana.password)
    answer = requests.request(method, grafana.address + path, json=json, auth=admin, timeout=120)
    assert answer.ok, answer.text
    return answer.json()


def said(changes):
    return [str(change) for change in changes]


@pytest.fixture
def emptied(empty_grafana):
    """A Grafana in which nothing of ours is."""
    for alarm in ALARMS:
        forget(empty_grafana, f"/api/v1/provisioning/alert-rules/{alarm.uid}")
    for path in ("/api/folders/hdqm", "/api/datasources/uid/hdqm-timescaledb"):
        forget(empty_grafana, path)
    for one in call(empty_grafana, "GET", "/api/v1/provisioning/contact-points"):
        if one["name"] == "hdqm":
            forget(empty_grafana, f"/api/v1/provisioning/contact-points/{one['uid']}")
    return empty_grafana


def forget(grafana, path):
    requests.delete(grafana.address + path, auth=("admin", grafana.password), timeout=120)


PAGES = [f"create dashboard {board.uid}" for board in dashboards()]
RULES = [f"create alarm {alarm.uid}" for alarm in ALARMS]


@needs_grafana
def test_everything_is_published_once(emptied, token, reader_url):
    address, key = emptied.address, token("Admin")
    everything = ["create folder hdqm", "create data source hdqm-timescaledb", *PAGES, *RULES]

    assert said(publish(address, key, database_url=reader_url, dry_run=True, prune=True)) == everything
    assert call(emptied, "GET", "/api/search?tag=hdqm") == []
    assert said(publish(address, key, database_url=reader_url)) == everything
    assert publish(address, key, database_url=reader_url, prune=True) == []

    health = call(emptied, "GET", "/api/datasources/uid/hdqm-timescaledb/health")
    assert health["status"] == "OK"
    rules = call(emptied, "GET", "/api/v1/provisioning/alert-rules")
    assert {rule["uid"]: (rule["noDataState"], rule["execErrState"]) for rule in rules} == {
        alarm.uid: (alarm.no_data, "Error") for alarm in ALARMS
    }


@needs_grafana
def test_an_editor_publishes_all_but_the_data_source(emptied, token, reader_url):
    """Of a folder that is absent Grafana says to an Editor that it may not be read."""
    address, key = emptied.address, token("Editor")

    assert said(publish(address, key, dry_run=True)) == ["create folder hdqm", *PAGES, *RULES]
    assert said(publish(address, key)) == ["create folder hdqm", *PAGES, *RULES]
    assert publish(address, key, prune=True) == []
    with pytest.raises(RequestRefused, match=r"datasources:create.*Admin, if the data source is published too"):
        publish(address, key, database_url=reader_url)


@needs_grafana
def test_who_is_told_of_alarms_is_published(emptied, token):
    address, key = emptied.address, token("Editor")
    publish(address, key)
    contacts = Contacts("https://example.org/?token=a$b", "anna@example.org;bob@example.org")

    updated = [f"update alarm {alarm.uid}" for alarm in ALARMS]
    told = ["create contact point hdqm-webhook", "create contact point hdqm-email"]
    assert said(publish(address, key, contacts=contacts)) == [*told, *updated]
    assert publish(address, key, contacts=contacts) == []
    assert publish(address, key) == []  # nobody named: what is there stays
    moved = Contacts("https://example.org/elsewhere", contacts.email)
    assert said(publish(address, key, contacts=moved)) == ["update contact point hdqm-webhook"]
    points = call(emptied, "GET", "/api/v1/provisioning/contact-points")
    assert {one["uid"]: one["settings"] for one in points if one["name"] == "hdqm"} == {
        "hdqm-webhook": {"url": "https://example.org/elsewhere"},
        "hdqm-email": {"addresses": "anna@example.org;bob@example.org"},
    }
    rules = call(emptied, "GET", "/api/v1/provisioning/alert-rules")
    assert {rule["notification_settings"]["receiver"] for rule in rules} == {"hdqm"}


@needs_grafana
def test_what_grafana_reads_from_files_stays(grafana, caplog, reader_url):
    """As in a local stack or in Compose, whose Dag publishes into the Grafana that reads the same from files."""
    account = call(grafana, "POST", "/api/serviceaccounts", {"name": "publish", "role": "Admin"})
    key = call(grafana, "POST", f"/api/serviceaccounts/{account['id']}/tokens", {"name": "publish"})["key"]
    with caplog.at_level(logging.WARNING):
        assert publish(grafana.address, key, database_url=reader_url, subsystems=["HCAL", "Pixel"], prune=True) == []
        assert caplog.messages == []
        assert publish(grafana.address, key, database_url="postgresql://hdqm_reader:x@elsewhere/hdqm") == []
    (said_aloud,) = caplog.messages
    assert said_aloud.startswith("data source hdqm-timescaledb is not as this version has it, and stays")
    titles = [folder["title"] for folder in call(grafana, "GET", "/api/folders")]
    assert sorted(titles) == ["HDQM", "HDQM alarms", "HDQM subsystems"]


@needs_grafana
def test_what_grafana_reads_from_files_nobody_changes_in_the_browser(grafana):
    board = call(grafana, "GET", "/api/dashboards/uid/hdqm-run")["dashboard"]
    admin = ("admin", grafana.password)
    edited = {"dashboard": {**board, "title": "mine"}, "folderUid": "hdqm", "overwrite": True}
    answer = requests.post(f"{grafana.address}/api/dashboards/db", json=edited, auth=admin, timeout=120)
    assert (answer.status_code, answer.json()["message"]) == (400, "Cannot save provisioned dashboard")
    answer = requests.delete(f"{grafana.address}/api/dashboards/uid/hdqm-run", auth=admin, timeout=120)
    assert answer.status_code == 400


def judge(grafana, spec):
    """What the schema of the Grafana itself, that of its source, says of a dashboard; nothing is kept."""
    body = {"kind": "Dashboard", "apiVersion": "dashboard.grafana.app/v1beta1", "metadata": {"name": "judged"}}
    answer = requests.post(
        f"{grafana.address}/apis/dashboard.grafana.app/v1beta1/namespaces/default/dashboards",
        params={"dryRun": "All", "fieldValidation": "Strict"},
        json={**body, "spec": {name: value for name, value in spec.items() if name not in ("uid", "id")}},
        auth=("admin", grafana.password),
        timeout=120,
    )
    return answer.status_code, answer.json().get("message", "")


@needs_grafana
def test_the_schema_of_grafana_itself_takes_every_dashboard(empty_grafana):
    every = [*(json.loads(as_json(board)) for board in dashboards()), *site_dashboards(["Pixel"]).values()]
    assert [judge(empty_grafana, board) for board in every] == [(201, "")] * 9

    for place, wrong in ((("title",), 5), (("panels", 0, "gridPos", "w"), "wide"), (("templating", "list"), {})):
        broken = copy.deepcopy(every[3])
        at = broken
        for step in place[:-1]:
            at = at[step]
        at[place[-1]] = wrong
        status, reason = judge(empty_grafana, broken)
        assert (status, ".".join(map(str, place)) in reason) == (422, True), (place, reason)


@needs_grafana
def test_what_was_changed_by_hand_is_put_right_and_strangers_stay(empty_grafana, token):
    address, key = empty_grafana.address, token("Admin")
    publish(address, key)
    board = call(empty_grafana, "GET", "/api/dashboards/uid/hdqm-run")["dashboard"]
    board["title"] = "mine"
    call(empty_grafana, "POST", "/api/dashboards/db", {"dashboard": board, "folderUid": "hdqm", "overwrite": True})
    for uid, folder in (("hdqm-old", "hdqm"), ("stranger", "")):
        new = {"uid": uid, "title": uid, "tags": ["hdqm"], "panels": []}
        call(empty_grafana, "POST", "/api/dashboards/db", {"dashboard": new, "folderUid": folder})

    assert said(publish(address, key)) == ["update dashboard hdqm-run"]
    assert said(publish(address, key, prune=True, dry_run=True)) == ["delete dashboard hdqm-old"]
    assert said(publish(address, key, prune=True)) == ["delete dashboard hdqm-old"]
    assert publish(address, key, prune=True) == []
    left = {found["uid"] for found in call(empty_grafana, "GET", "/api/search?type=dash-db")}
    assert left == {*(str(board.uid) for board in dashboards()), "stranger"}
    call(empty_grafana, "DELETE", "/api/dashboards/uid/stranger")


@needs_grafana
def test_a_dashboard_of_ours_in_another_folder_comes_back(empty_grafana, token):
    address, key = empty_grafana.address, token("Admin")
    publish(address, key)
    board = call(empty_grafana, "GET", "/api/dashboards/uid/hdqm-run")["dashboard"]
    call(empty_grafana, "POST", "/api/dashboards/db", {"dashboard": board, "folderUid": "", "overwrite": True})
    assert said(publish(address, key)) == ["update dashboard hdqm-run"]
    assert call(empty_grafana, "GET", "/api/dashboards/uid/hdqm-run")["meta"]["folderUid"] == "hdqm"


@needs_grafana
def test_a_viewer_is_refused_and_a_false_token_not_believed(empty_grafana, token):
    """Where anonymous people may look, as here, Grafana takes a false token for none, and shows all that is there."""
    address = empty_grafana.address
    publish(address, token("Admin"))
    assert publish(address, token("Viewer"), dry_run=True) == []
    with pytest.raises(RequestRefused, match=r"may only look into the folder HDQM; give the account .*Edit"):
        publish(address, token("Viewer"))
    with pytest.raises(AuthenticationFailed, match="does not take this token; make a service account") as caught:
        publish(address, "nonsense", dry_run=True)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert "nonsense" not in str(caught.value)


@needs_grafana
def test_an_account_without_a_right_on_the_folder_is_told_so(empty_grafana, token):
    address = empty_grafana.address
    publish(address, token("Admin"))
    rights = {"Viewer": 1, "Editor": 2}

    def allow(**rights):
        items = [{"role": role, "permission": right} for role, right in rights.items()]
        call(empty_grafana, "POST", "/api/folders/hdqm/permissions", {"items": items})

    try:
        allow(Viewer=1, Editor=1)
        with pytest.raises(RequestRefused, match="permission Edit on the folder HDQM"):
            publish(address, token("Editor"))
        allow()
        with pytest.raises(RequestRefused, match="may not see the folder HDQM, which is there; give the account"):
            publish(address, token("Editor"))
    finally:
        allow(**rights)
    assert publish(address, token("Editor")) == []


class Stranger(BaseHTTPRequestHandler):
    """A web server that is no Grafana."""

    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html><h1>Sign on</h1>" + b"<p>please" * 10_000)

    def log_message(self, *words):
        pass


@pytest.fixture
def stranger():
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Stranger)) as server:
        server.asked, server.status = [], 200
        yield server


@pytest.mark.parametrize("status", [200, 404, 403, 502])
def test_a_page_for_people_is_no_grafana(stranger, status):
    stranger.status = status
    with pytest.raises(NotFound, match="no Grafana; is it the address of Grafana itself") as caught:
        publish(f"http://someone:secret@127.0.0.1:{stranger.server_port}/grafana?verify=false#top", "token")
    assert stranger.asked == ["/grafana/api/user"]
    assert len(str(caught.value)) < 300
    assert "secret" not in str(caught.value)


def test_without_tls_at_the_other_end_nothing_is_trusted(stranger):
    with pytest.raises(UntrustedServer, match="HDQM_CA_BUNDLE"):
        publish(f"https://127.0.0.1:{stranger.server_port}", "token")


def test_authorities_that_are_not_there_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"no file of certificate authorities at .*absent"):
        publish("https://grafana.example.org", "token", ca_bundle=tmp_path / "absent")


def test_an_address_without_a_grafana_is_a_passing_fault():
    with pytest.raises(ServiceUnavailable, match=r"does not answer.*; is the address right"):
        publish("http://127.0.0.1:9", "token")


@pytest.mark.parametrize(
    "address", ["grafana.example.org", "ftp://example.org", "", "http://", "http://a:b", "http://[::1", "https://a:0"]
)
def test_an_address_is_one_of_http(address):
    with pytest.raises(ConfigError, match="no address of a Grafana"):
        publish(address, "token")
