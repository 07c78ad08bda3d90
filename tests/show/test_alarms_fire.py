"""Every alarm fires in a real Grafana, reaches a webhook and a mailbox, and links to a page that explains it."""

import json
import re
import time
from dataclasses import replace
from email import message_from_bytes, policy
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import requests
from browser import Page
from serving import grafana_of, running, serving

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
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Listener)) as server:
        server.told = []
        yield server


class Mailbox(StreamRequestHandler):
    """As much of a mail server as one letter needs."""

    def handle(self):
        self.say("220 here")
        for line in self.rfile:
            match line.split()[0].upper():
                case b"EHLO" | b"HELO" | b"MAIL" | b"RCPT" | b"RSET" | b"NOOP":
                    self.say("250 well")
                case b"DATA":
                    self.say("354 go on")
                    self.server.letters.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                    self.say("250 kept")
                case b"QUIT":
                    self.say("221 bye")
                    return
                case _:
                    self.say("502 what?")

    def say(self, words):
        self.wfile.write(words.encode() + b"\r\n")


@pytest.fixture(scope="module")
def mailbox():
    with serving(ThreadingTCPServer(("127.0.0.1", 0), Mailbox)) as server:
        server.letters = []
        yield server


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
def impatient(installation, reader_login, webhook, mailbox):
    """A Grafana with our alarms that asks at once and tells at once: the rules are ours, the waiting is not."""
    address = f"http://127.0.0.1:{webhook.server_port}/"
    told = {"alarm_webhook": address, "alarm_email": "shift@example.org;expert@example.org"}
    with pytest.MonkeyPatch.context() as users, grafana_of(installation, reader_login, **told) as (server, home):
        server.prepare()
        hurry(home / "grafana" / "provisioning" / "alerting")
        at_once = {f"GF_UNIFIED_ALERTING_{whose}_CONFIG_POLL_INTERVAL": "5s" for whose in ("ADMIN", "ALERTMANAGER")}
        users.setenv("GF_SMTP_HOST", f"127.0.0.1:{mailbox.server_address[1]}")
        users.setenv("GF_AUTH_ANONYMOUS_ENABLED", "false")  # of another Grafana
        with running(replace(server.component(), environment=lambda: {**server.environment(), **at_once})):
            yield server


def hurry(folder):
    """Leave out the waiting of rules and of who is told."""
    rules = json.loads((folder / "rules.json").read_text())
    for group in rules["groups"]:
        group["interval"] = "10s"
        for rule in group["rules"]:
            rule["for"] = "0s"
    (folder / "rules.json").write_text(json.dumps(rules))
    contacts = json.loads((folder / "contact-points.json").read_text())
    contacts["policies"][0] |= {"group_wait": "1s", "group_interval": "1s"}
    (folder / "contact-points.json").write_text(json.dumps(contacts))


def await_told(webhook, found):
    """Wait until what the webhook was told holds it."""
    deadline = time.monotonic() + 240
    while not (wanted := found(webhook.told)):
        assert time.monotonic() < deadline, webhook.told
        time.sleep(0.5)
    return wanted


def test_every_alarm_reaches_the_webhook_and_links_to_its_cause(troubled, impatient, webhook):
    titles = {alarm.title for alarm in ALARMS}
    await_told(webhook, lambda told: {alert["labels"]["alertname"] for alert in told} == titles)

    told = {alert["labels"]["alertname"]: alert for alert in webhook.told if alert["status"] == "firing"}
    for alert in told.values():
        assert alert["labels"]["application"] == "hdqm"
        assert not re.search(r"\{\{|<no value>|%!", json.dumps(alert["annotations"])), alert
        assert alert["annotations"]["dashboard"].startswith(f"{impatient.address}/d/hdqm-")
        uid = urlsplit(alert["annotations"]["dashboard"]).path.removeprefix("/d/")
        assert requests.get(f"{impatient.address}/api/dashboards/uid/{uid}", timeout=120).ok
    assert told["Collision runs are not ingested"]["annotations"]["summary"] == (
        "No collision run is ingested any more since run 400001, which ended 72 hours ago."
    )
    assert re.match(r"\d+ DQM files", told["DQM files failed"]["annotations"]["summary"])
    assert told["Gaps are growing"]["labels"]["subsystem"] == "HCAL"

    (outside,) = charge(webhook.told)
    labels = outside["labels"]
    assert (labels["subsystem"], labels["owner"], labels["severity"]) == ("Pixel", "anna", "warning")
    chosen = parse_qs(urlsplit(outside["annotations"]["dashboard"]).query)
    assert chosen["var-panel"] == ["trend:charge+layer 1"]
    assert chosen["var-pd"] == [labels["primary_dataset"]]
    assert chosen["var-runs"] == [labels["runs"]]
    assert labels["runs"].endswith(f"-{labels['run']}")


def charge(told):
    """The last that was told of the trend that left its range in the newest run."""
    return [alert for alert in told if alert["labels"].get("trend") == "charge+layer 1"][-1:]


def test_the_link_of_an_alarm_opens_its_trend_at_its_run(troubled, impatient, webhook, chromium):
    (alert,) = await_told(webhook, charge)
    labels = alert["labels"]
    page = Page(chromium.new_page(viewport={"width": 1600, "height": 1000}), impatient.address)
    page.open(alert["annotations"]["dashboard"].removeprefix(impatient.address))
    assert page.faults() == []
    where = f"of {labels['subsystem']} in {labels['primary_dataset']} / {labels['processing']}"
    assert page.page.get_by_text(re.compile(rf"^\d+ runs, \d+ to {labels['run']}, {where}")).count() == 1
    assert page.page.get_by_text("charge+layer 1").count() > 0
    assert page.page.get_by_text("1000000", exact=True).count() > 0  # its value there, in the table of values
    assert page.marks()[0] > 50
    page.page.close()


def test_every_alarm_is_sent_by_mail_through_the_server_that_the_user_names(troubled, impatient, mailbox):
    def letters():
        return [message_from_bytes(letter, policy=policy.SMTP) for letter in mailbox.letters]

    deadline = time.monotonic() + 240
    while not all(any(alarm.title in str(letter["Subject"]) for letter in letters()) for alarm in ALARMS):
        assert time.monotonic() < deadline, [letter["Subject"] for letter in letters()]
        time.sleep(0.5)
    assert {str(letter["To"]) for letter in letters()} == {"shift@example.org", "expert@example.org"}
    words = [unescape(letter.get_body().get_content()) for letter in letters() if "outside" in str(letter["Subject"])]
    assert any("is outside of its expected range in run" in word and "/d/hdqm-trend?" in word for word in words)


def test_a_broken_question_is_an_alarm_of_its_own(troubled, filled, impatient, webhook):
    """``execErrState: Error``: silence would look like peace."""
    with psycopg.connect(filled, autocommit=True) as owner:
        owner.execute("ALTER FUNCTION hdqm.alarm_gaps() RENAME TO alarm_gaps_away")
        try:
            await_told(webhook, lambda told: "DatasourceError" in {one["labels"]["alertname"] for one in told})
        finally:
            owner.execute("ALTER FUNCTION hdqm.alarm_gaps_away() RENAME TO alarm_gaps")
    (said,) = {one["labels"]["rulename"] for one in webhook.told if one["labels"]["alertname"] == "DatasourceError"}
    assert said == "Gaps are growing"
