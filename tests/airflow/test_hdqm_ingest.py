"""The Dag that ingests, under the true scheduler, while things go wrong: what is retried, and what the log says."""

import os
import re
import shutil
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import bad_files
import psycopg
import pytest

from hdqm_ops import local, pipeline
from hdqm_ops.discover import file_name

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

DAG = "hdqm_ingest"
RUN = 324791


@pytest.fixture
def airflow(stack):
    stack.up()
    return stack.airflow()


@pytest.fixture
def settings(airflow, stack_settings):
    return local.with_database(stack_settings)


@pytest.fixture
def incoming(stack_settings):
    """Where the watcher looks."""
    return Path(stack_settings.files[0])


@pytest.fixture
def database(airflow, stack_settings):
    """A session of the superuser."""
    with psycopg.connect(local.Postgres(stack_settings).superuser_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def put(files):
    """Copies of a good file, under names of their own."""
    [source] = files.rglob(f"DQM_V0001_R{RUN:09}__SingleMuon__*PromptReco*.root")

    def put(folder, *datasets):
        paths = [folder / file_name(RUN, f"/{name}/Run2018D-PromptReco-v1/DQMIO") for name in datasets]
        for path in paths:
            shutil.copy2(source, path)
        return paths

    return put


def wait_until(true, patience_s=300):
    end = time.monotonic() + patience_s
    while not (answer := true()):
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.2)
    return answer


def ledger(settings, folder):
    """State of each file below a folder."""
    return {row["path"]: row["state"] for row in pipeline.list_files(settings) if row["path"].startswith(str(folder))}


def tasks(airflow, run, task_id="ingest"):
    return [one for one in airflow.task_instances(DAG, run) if one["task_id"] == task_id]


def said(airflow, run):
    return [line for task in tasks(airflow, run) for line in airflow.task_log(DAG, run, task)]


def test_bad_files_fail_alone_the_log_tells_of_each_and_a_cleared_task_has_nothing_left(
    airflow, settings, put, tmp_path
):
    odds = bad_files.make(tmp_path)
    good = put(tmp_path, "LogOne", "LogTwo")

    run = airflow.trigger(DAG, {"files": [str(tmp_path)], "subsystems": ["Tracking"], "batch_size": 4})
    assert airflow.wait(DAG, run, timeout_s=300) == "success"

    states = ledger(settings, tmp_path)
    for odd in odds:
        if str(odd.path) in states:  # not those that the ledger writes otherwise
            assert states[str(odd.path)] in odd.states or "Forbidden" in odd.path.name, odd
    log = "\n".join(said(airflow, run))
    for path in good:
        told = r"ingested: \d+ values, gaps: .+; read \d+ ms, reduced \d+ ms, loaded \d+ ms"
        assert re.search(f"{re.escape(str(path))}: {told}", log), log
    assert re.search(r"Truncated\S+: failed: truncated: 700000 of", log)
    assert {task["try_number"] for task in tasks(airflow, run)} == {1}

    before = pipeline.list_files(settings)
    airflow.clear(DAG, run, "ingest")
    assert airflow.wait(DAG, run, timeout_s=300) == "success"

    assert {task["try_number"] for task in tasks(airflow, run)} == {2}
    assert not [line for line in said(airflow, run) if "ms, reduced" in line or ": failed:" in line]
    assert pipeline.list_files(settings) == before


def test_a_killed_task_is_tried_again_and_does_the_rest(airflow, settings, database, put, tmp_path):
    paths = put(tmp_path, "KilledA", "KilledB", "KilledC")
    with held(settings, database, paths[-1:]):
        run = airflow.trigger(DAG, {"files": [str(tmp_path)], "subsystems": ["Tracking"]})
        wait_until(lambda: list(ledger(settings, tmp_path).values()).count("ingested") == 2)
        [task] = tasks(airflow, run)
        os.kill(process_of(task), signal.SIGKILL)
        wait_until(lambda: tasks(airflow, run)[0]["state"] != "running")

    assert airflow.wait(DAG, run, timeout_s=300) == "success"
    assert ledger(settings, tmp_path) == {str(path): "ingested" for path in paths}
    assert [task["try_number"] for task in tasks(airflow, run)] == [2]
    assert len([line for line in said(airflow, run) if "ms, reduced" in line]) == 1


def test_a_database_that_is_away_is_waited_for(airflow, settings, database, put, tmp_path):
    paths = put(tmp_path, "Away")
    database.execute("ALTER DATABASE hdqm CONNECTION LIMIT 0")
    try:
        run = airflow.trigger(DAG, {"files": [str(tmp_path)], "subsystems": ["Tracking"]})
        [plan] = wait_until(lambda: [one for one in tasks(airflow, run, "plan") if one["state"] == "up_for_retry"])
        log = "\n".join(airflow.task_log(DAG, run, plan))
        assert "no database answers at" in log
        assert "too many connections" in log
        assert plan["max_tries"] == 9
    finally:
        database.execute("ALTER DATABASE hdqm CONNECTION LIMIT -1")

    assert airflow.wait(DAG, run, timeout_s=300) == "success"
    assert ledger(settings, tmp_path) == {str(path): "ingested" for path in paths}


def test_a_fresh_file_overtakes_a_backfill(airflow, settings, database, put, incoming):
    elsewhere = incoming.with_name("bulk")
    elsewhere.mkdir()
    bulk = put(elsewhere, *(f"Bulk{number}" for number in range(4)))
    with held(settings, database, bulk):
        run = airflow.trigger(DAG, {"files": [str(elsewhere)], "subsystems": ["Tracking"], "batch_size": 1})
        wait_until(lambda: [task["state"] for task in tasks(airflow, run)].count("running") == 2)
        [fresh] = put(incoming, "Fresh")
        os.utime(fresh)
        wait_until(lambda: ledger(settings, fresh) == {str(fresh): "ingested"})

        assert set(ledger(settings, elsewhere).values()) == {"discovered"}
        assert sorted(task["state"] for task in tasks(airflow, run)) == ["running"] * 2 + ["scheduled"] * 2

    assert airflow.wait(DAG, run, timeout_s=300) == "success"
    assert set(ledger(settings, elsewhere).values()) == {"ingested"}


@contextmanager
def held(settings, database, paths):
    """Files whose load waits until the end of the block."""
    pipeline.plan(settings, pipeline.Request(files=tuple(map(str, paths)), subsystems=("Tracking",)))
    with database.transaction():
        found = database.execute(
            "SELECT FROM hdqm.dqm_file WHERE path = ANY (%s) FOR UPDATE", [[str(path) for path in paths]]
        )
        assert found.rowcount == len(paths)
        yield


def process_of(task):
    """Number of the process that does a task: of the two that carry its id, the child."""
    pids = [pid for pid, text in commands().items() if task["id"] in text]
    [child] = [pid for pid in pids if parent(pid) in pids]
    return child


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def commands():
    found = {}
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found[int(place.parent.name)] = place.read_bytes().decode(errors="replace")
        except OSError:
            continue  # gone meanwhile
    return found
