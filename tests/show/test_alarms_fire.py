"""Every alarm fires in a real Grafana, reaches a webhook, and links to a page that explains it."""

import json
import re
import shutil
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import requests
from ports import free_port

from hdqm_ops.local._grafana import Grafana
from hdqm_ops.settings import Settings
from hdqm_ops.show import ALARMS

pytestmark = [pytest.mark.grafana, pytest.mark.slow]

TROUBLE = """
-- a collision run ended three days ago, and nothing of it came
INSERT INTO hdqm.run (run_number, start_time, end_time, duration_s, run_class, significant, oms_synced_at, rr_synced_at)
VALUES (400001, now() - interval '80 hours', now() - interval '72 hours', 28800, 'Collisions26', true, now(), now());
-- a trend with a sign in its name that means something in an address, and an owner, leaves its range in the newest run
UPDATE hdqm.trend SET name = 'charge+layer 1', owner = 'anna' WHERE name = 'charge_layer1';
UPDATE hdqm.point SET value = 1e6 FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id
WHERE s.id = point.series_id AND t.name = 'charge+layer 1' AND value IS NOT NULL
    AND point.run_number = (SELECT max(run_number) FROM hdqm.point);
-- what HCAL measured is gone
UPDATE hdqm.point SET value = NULL, error = NULL, status = 1
FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id
WHERE s.id = point.series_id AND u.name = 'HCAL'
    AND point.run_number IN (SELECT DISTINCT run_number FROM hdqm.dqm_file WHERE loaded ORDER BY 1 DESC LIMIT 10);
"""


class Listener(BaseHTTPRequestHandler):
    """Who is told."""

    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told += told["alerts"]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def webhook():
    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        server.told = []
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def troubled(filled):
    """The filled database in trouble, and well again afterwards."""
    keep = "CREATE TABLE public.kept_{0} AS TABLE hdqm.{0}"
    with psycopg.connect(filled, autocommit=True) as owner:
        for table in ("point", "trend"):
            owner.execute(keep.format(table))
        owner.execute(TROUBLE)
        yield
        owner.execute("DELETE FROM hdqm.run WHERE run_number = 400001")
        owner.execute("UPDATE hdqm.trend SET name = k.name, owner = k.owner FROM kept_trend AS k WHERE k.id = trend.id")
        owner.execute(
            "UPDATE hdqm.point SET value = k.value, error = k.error, status = k.status FROM kept_point AS k "
            "WHERE k.series_id = point.series_id AND k.run_number = point.run_number"
        )
        owner.execute("DROP TABLE kept_point, kept_trend")


@pytest.fixture(scope="module")
def impatient(installation, reader_login, webhook):
    """A Grafana with our alarms that asks at once and tells at once: the rules are ours, the waiting is not."""
    home = Path(tempfile.mkdtemp(prefix="hdqm-test-grafana-"))
    address = f"http://127.0.0.1:{webhook.server_port}/"
    server = Grafana(Settings(home=home, grafana_port=free_port(), alarm_webhook=address), installation, reader_login)
    server.prepare()
    folder = home / "grafana" / "provisioning" / "alerting"
    rules = json.loads((folder / "rules.json").read_text())
    for group in rules["groups"]:
        group["interval"] = "10s"
        for rule in group["rules"]:
            rule["for"] = "0s"
    (folder / "rules.json").write_text(json.dumps(rules))
    contacts = json.loads((folder / "contact-points.json").read_text())
    contacts["policies"][0] |= {"group_wait": "1s", "group_interval": "1s"}
    (folder / "contact-points.json").write_text(json.dumps(contacts))
    component = server.component()
    try:
        component.start()
        component.await_health(180)
        yield server
    finally:
        component.stop()
        shutil.rmtree(home, ignore_errors=True)


def test_every_alarm_reaches_the_webhook_and_links_to_its_cause(troubled, impatient, webhook):
    titles = {alarm.title for alarm in ALARMS}
    deadline = time.monotonic() + 180
    while {alert["labels"]["alertname"] for alert in webhook.told} != titles:
        assert time.monotonic() < deadline, webhook.told
        time.sleep(0.5)

    told = {alert["labels"]["alertname"]: alert for alert in webhook.told if alert["status"] == "firing"}
    for alert in told.values():
        assert alert["labels"]["application"] == "hdqm"
        assert not re.search(r"\{\{|<no value>|%!", json.dumps(alert["annotations"])), alert
        assert alert["annotations"]["dashboard"].startswith(f"{impatient.address}/d/hdqm-")
        uid = urlsplit(alert["annotations"]["dashboard"]).path.removeprefix("/d/")
        assert requests.get(f"{impatient.address}/api/dashboards/uid/{uid}", timeout=120).ok
    assert "ended 72 hours ago" in told["Collision runs are not ingested"]["annotations"]["summary"]
    assert re.match(r"\d+ DQM files", told["DQM files failed"]["annotations"]["summary"])
    assert told["Gaps are growing"]["labels"]["subsystem"] == "HCAL"

    outside = [alert for alert in webhook.told if alert["labels"].get("trend") == "charge+layer 1"]
    labels = outside[0]["labels"]
    assert (labels["subsystem"], labels["owner"], labels["severity"]) == ("Pixel", "anna", "warning")
    chosen = parse_qs(urlsplit(outside[0]["annotations"]["dashboard"]).query)
    assert chosen["var-panel"] == ["trend:charge+layer 1"]
    assert chosen["var-pd"] == [labels["primary_dataset"]]
    assert chosen["var-runs"] == [f"run_number <= {labels['run']}"]


def test_a_broken_question_is_an_alarm_of_its_own(troubled, filled, impatient, webhook):
    """``execErrState: Error``: silence would look like peace."""
    with psycopg.connect(filled, autocommit=True) as owner:
        owner.execute("ALTER FUNCTION hdqm.alarm_gaps() RENAME TO alarm_gaps_away")
        try:
            deadline = time.monotonic() + 120
            while not any(one["labels"]["alertname"] == "DatasourceError" for one in webhook.told):
                assert time.monotonic() < deadline, webhook.told
                time.sleep(0.5)
        finally:
            owner.execute("ALTER FUNCTION hdqm.alarm_gaps_away() RENAME TO alarm_gaps")
    (said,) = {one["labels"]["rulename"] for one in webhook.told if one["labels"]["alertname"] == "DatasourceError"}
    assert said == "Gaps are growing"
