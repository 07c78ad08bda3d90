"""Dag runs on the Pipeline page: what Airflow's scheduler tells HDQM's database."""

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import psycopg
import pytest

from hdqm_ops import load
from hdqm_ops.errors import DatabaseUnavailable
from hdqm_ops.local import Postgres

pytestmark = pytest.mark.airflow

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def told(url):
    with load.connect(url, role=None) as connection:
        return load.ask(connection, "SELECT dag_id, run_id, state, end_time, url FROM hdqm.dag_runs ORDER BY 1, 2")[1]


def test_the_later_state_of_a_run_counts_and_old_runs_are_forgotten(db):
    began = load.DagRun("hdqm_ingest", "manual__1", "running", "manual", NOON, NOON, url="http://airflow/dags")
    ended = load.DagRun("hdqm_ingest", "manual__1", "success", "manual", NOON, NOON, NOON + timedelta(minutes=1))

    load.record_dag_runs(db, [began, ended])
    assert [row[2:4] for row in told(db)] == [("success", NOON + timedelta(minutes=1))]
    load.record_dag_runs(db, [began], airflow_url="http://airflow")  # cleared, so it runs again
    assert [row[2:] for row in told(db)] == [("running", None, "http://airflow/dags")]

    with psycopg.connect(db, autocommit=True) as owner:
        owner.execute("UPDATE hdqm.dag_run SET told_at = now() - interval '31 days'")
        assert owner.execute("SELECT value FROM hdqm.site WHERE name = 'airflow_url'").fetchone() == ("http://airflow",)
    load.record_dag_runs(db, [load.DagRun("hdqm_sync_rr", "scheduled__1", "failed", "scheduled", NOON, NOON, NOON)])
    assert [row[:3] for row in told(db)] == [("hdqm_sync_rr", "scheduled__1", "failed")]


def test_airflows_own_address_does_not_replace_the_one_of_the_site(db):
    with psycopg.connect(db, autocommit=True) as owner:
        owner.execute("INSERT INTO hdqm.site VALUES ('airflow_url', 'https://airflow.example.org')")
        load.record_dag_runs(db, [], airflow_url="http://127.0.0.1:8080")
        value = owner.execute("SELECT value FROM hdqm.site WHERE name = 'airflow_url'").fetchone()
    assert value == ("https://airflow.example.org",)


def test_who_only_reads_cannot_tell(db):
    with psycopg.connect(db, autocommit=True) as owner:
        owner.execute("SET ROLE hdqm_reader")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute("DELETE FROM hdqm.dag_run")


def a_run(state, dag="hdqm_ingest"):
    facts = {"dag_id": dag, "run_id": "r+1", "state": state, "run_type": "manual"}
    return SimpleNamespace(**facts, queued_at=NOON, start_date=NOON, end_date=None)


def test_a_database_that_is_away_keeps_no_scheduler_waiting_and_nothing_is_lost(monkeypatch):
    from hdqm_airflow import dag_runs

    calls, said, away, clock = [], [], [True], [100.0]

    def record(runs):
        calls.append([run.state for run in runs])
        if away[0]:
            raise DatabaseUnavailable("no database answers")

    earlier = load.DagRun("hdqm_ingest", "r0", "success", "manual")
    monkeypatch.setattr(dag_runs, "_record", record)
    monkeypatch.setattr(dag_runs, "_before", lambda: [earlier])
    monkeypatch.setattr(dag_runs, "monotonic", lambda: clock[0])
    monkeypatch.setattr(dag_runs.log, "warning", lambda *words: said.append(words[0] % words[1:]))
    teller = dag_runs.DagRunTeller()

    teller.on_dag_run_running(a_run("running"), "")
    teller.on_dag_run_running(a_run("running"), "")  # not asked again so soon
    teller.on_dag_run_running(a_run("running", "somebody_elses"), "")
    assert calls == [["success", "running"]]
    assert said == ["Dag runs are not told to HDQM's database for 60 s: no database answers"]

    away[0], clock[0] = False, clock[0] + 61
    teller.on_dag_run_failed(a_run("failed"), "")
    teller.on_dag_run_success(a_run("success"), "")
    assert calls[1:] == [["success", "failed"], ["success"]]


def test_the_scheduler_tells_of_each_run_with_its_page(stack, stack_settings):
    stack.up()
    airflow = stack.airflow()
    home = str(stack_settings.home)
    good = airflow.trigger("hdqm_probe", {"home": home})
    bad = airflow.trigger("hdqm_probe", {"home": home, "fail": True})
    assert airflow.wait("hdqm_probe", good, timeout_s=300) == "success"
    assert airflow.wait("hdqm_probe", bad, timeout_s=300) == "failed"

    expected = {good: "success", bad: "failed"}
    for _ in range(100):  # told after Airflow has noted it
        rows = {row[1]: row for row in told(Postgres(stack_settings).reader_url)}
        if {run: rows[run][2] for run in expected if run in rows} == expected:
            break
        time.sleep(0.2)
    assert {run: rows[run][2] for run in expected} == expected
    assert all(rows[run][3] is not None for run in expected)
    assert rows[good][4].startswith(f"http://127.0.0.1:{stack_settings.airflow_port}/dags/hdqm_probe/runs/")
    assert "+" not in rows[good][4]
    with load.connect(Postgres(stack_settings).reader_url, role=None) as connection:
        overview = load.ask(connection, "SELECT dag_id, succeeded, failed FROM hdqm.dag_overview()")[1]
    (counted,) = [row[1:] for row in overview if row[0] == "hdqm_probe"]
    assert min(counted) >= 1
