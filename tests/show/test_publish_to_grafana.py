"""Publishing into a real, empty Grafana: everything once, nothing twice, and no foreign thing touched."""

import pickle

import pytest
import requests

from hdqm_ops.errors import AuthenticationFailed, ConfigError, RequestRefused, ServiceUnavailable
from hdqm_ops.show import ALARMS, dashboards, publish

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


@needs_grafana
def test_everything_is_published_once(empty_grafana, token, reader_url):
    address, key = empty_grafana.address, token("Admin")
    everything = ["create folder hdqm", "create data source hdqm-timescaledb"]
    everything += [f"create dashboard {board.uid}" for board in dashboards()]
    everything += [f"create alarm {alarm.uid}" for alarm in ALARMS]

    assert said(publish(address, key, database_url=reader_url, dry_run=True, prune=True)) == everything
    assert call(empty_grafana, "GET", "/api/search?tag=hdqm") == []
    assert said(publish(address, key, database_url=reader_url)) == everything
    assert publish(address, key, database_url=reader_url, prune=True) == []

    health = call(empty_grafana, "GET", "/api/datasources/uid/hdqm-timescaledb/health")
    assert health["status"] == "OK"
    rules = call(empty_grafana, "GET", "/api/v1/provisioning/alert-rules")
    assert {rule["uid"]: (rule["noDataState"], rule["execErrState"]) for rule in rules} == {
        alarm.uid: (alarm.no_data, "Error") for alarm in ALARMS
    }


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
def test_a_viewer_is_refused_and_a_false_token_not_believed(empty_grafana, token):
    publish(empty_grafana.address, token("Admin"))
    call(empty_grafana, "DELETE", "/api/dashboards/uid/hdqm-run")
    with pytest.raises(RequestRefused, match="service account of the role Editor"):
        publish(empty_grafana.address, token("Viewer"))
    # where anonymous people may look, Grafana takes a false token for none at all, and refuses the work, not the token
    with pytest.raises((AuthenticationFailed, RequestRefused), match="give its token") as caught:
        publish(empty_grafana.address, "nonsense")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert "nonsense" not in str(caught.value)


def test_an_address_without_a_grafana_is_a_passing_fault():
    with pytest.raises(ServiceUnavailable, match="does not answer"):
        publish("http://127.0.0.1:9", "token")


@pytest.mark.parametrize("address", ["grafana.example.org", "ftp://example.org", ""])
def test_an_address_is_one_of_http(address):
    with pytest.raises(ConfigError, match="no address of a Grafana"):
        publish(address, "token")
