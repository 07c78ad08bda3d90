"""The Dags: each one imports, explains itself, and does its work, in-process and under the true scheduler."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hdqm_ops import load

pytestmark = pytest.mark.airflow

DAGS = Path(__file__).parents[2] / "dags"

LOOK = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
bag = DagBag(sys.argv[1])
for dag in bag.dags.values():
    DagSerialization.to_dict(dag)
facts = {
    dag.dag_id: {
        "doc": dag.doc_md or "",
        "tags": sorted(dag.tags),
        "owner": dag.owner,
        "file": dag.fileloc,
        "tasks": {one.task_id: [one.pool, one.priority_weight] for one in dag.tasks},
    }
    for dag in bag.dags.values()
}
print(json.dumps({"errors": bag.import_errors, "dags": facts}))
"""

TEST = """
import json, sys
from airflow.utils import db
db.initdb()
from airflow.models import Pool
Pool.create_or_update_pool("hdqm_load", 2, "", False)
from airflow.dag_processing.dagbag import DagBag
run = DagBag(sys.argv[1]).dags["hdqm_ingest"].test(run_conf=json.loads(sys.argv[2]))
print("STATE", run.state.value)
"""


@pytest.fixture
def airflow(tmp_path):
    """Run a script beside an Airflow of its own, without a scheduler; ``connections`` by name."""

    def run(script, *arguments, **connections):
        environment = {
            **os.environ,
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
            **{f"AIRFLOW_CONN_{name.upper()}": url for name, url in connections.items()},
        }
        command = [sys.executable, "-c", script, *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, cwd=tmp_path)
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    return run


def test_every_dag_imports_and_says_what_it_reads_writes_and_what_to_do_when_it_fails(airflow):
    found = json.loads(airflow(LOOK, DAGS).splitlines()[-1])

    assert found["errors"] == {}
    assert {Path(dag["file"]).name for dag in found["dags"].values()} == {path.name for path in DAGS.glob("*.py")}
    for name, dag in found["dags"].items():
        for part in ("**Reads:**", "**Writes:**", "**Runs:**", "**When it fails:**"):
            assert part in dag["doc"], f"{name} does not say {part}"
        assert "hdqm" in dag["tags"], name
        assert dag["owner"] not in ("", "airflow"), name
    fresh, bulk = (found["dags"][name]["tasks"] for name in ("hdqm_watch", "hdqm_ingest"))
    assert (fresh["ingest"][0], bulk["ingest"][0]) == ("hdqm_fresh", "hdqm_load")
    assert min(weight for _, weight in fresh.values()) > len(bulk) + max(weight for _, weight in bulk.values())


def test_the_ingest_dag_runs_from_plan_to_summary(airflow, files, db_address):
    ended = airflow(TEST, DAGS, json.dumps({"files": [str(files)], "batch_size": 3}), hdqm_db=db_address)

    assert ended.splitlines()[-1] == "STATE success"
    assert _count(db_address, "SELECT count(*) FROM hdqm.dqm_files WHERE state = 'ingested'") > 3
    assert _count(db_address, "SELECT count(*) FROM hdqm.trend_points WHERE value IS NOT NULL") > 100


def test_a_dry_run_computes_nothing(airflow, files, db_address):
    told = airflow(TEST, DAGS, json.dumps({"files": [str(files)], "dry_run": True}), hdqm_db=db_address)

    assert re.search(r"would be done: 32\S+ .+: \d+ files", told), told
    assert re.search(r"dry run: \d+ files in \d+ batches would be done", told), told
    assert re.search(r"ignored: \S+\.root: .+", told), told
    assert _count(db_address, "SELECT count(*) FROM hdqm.trend_points") == 0
    assert _count(db_address, "SELECT count(*) FROM hdqm.dqm_files WHERE state = 'discovered'") > 3


def test_the_true_scheduler_ingests_what_the_form_says(stack, stack_settings, files):
    stack.up()
    airflow = stack.airflow()

    run_id = airflow.trigger("hdqm_ingest", {"files": [str(files)], "subsystems": ["Tracking"], "batch_size": 2})
    state = airflow.wait("hdqm_ingest", run_id, timeout_s=300)

    from hdqm_ops.local import with_database

    url = with_database(stack_settings).database_url.get_secret_value()
    assert (state, airflow.failed_tasks("hdqm_ingest", run_id)) == ("success", [])
    assert _count(url, "SELECT count(*) FROM hdqm.trend_points WHERE value IS NOT NULL") > 10
    assert _count(url, "SELECT count(DISTINCT subsystem) FROM hdqm.trend_points") == 1


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"mode": "sometimes"}, "sometimes"),
        ({"batch_size": 0}, "batch_size"),
        ({"runs": "all of them"}, "runs"),
        ({"datasets": "SingleMuon"}, "SingleMuon"),
    ],
)
def test_a_form_that_makes_no_sense_is_refused_before_it_runs(stack, form, said):
    stack.up()

    with pytest.raises(Exception, match=said):
        stack.airflow().trigger("hdqm_ingest", form)


def test_a_form_that_names_what_does_not_exist_fails_in_plan_with_the_reason(stack, files):
    stack.up()
    airflow = stack.airflow()

    run_id = airflow.trigger("hdqm_ingest", {"files": [str(files)], "subsystems": ["Trakking"]})

    assert airflow.wait("hdqm_ingest", run_id, timeout_s=300) == "failed"
    assert "plan" in airflow.failed_tasks("hdqm_ingest", run_id)
    [plan] = [one for one in airflow.task_instances("hdqm_ingest", run_id) if one["task_id"] == "plan"]
    assert plan["try_number"] == 1  # waiting would not mend it


@pytest.fixture
def db_address(db):
    """Address of a fresh database as Airflow wants it: a URL."""
    from psycopg.conninfo import conninfo_to_dict

    facts = conninfo_to_dict(db)
    return "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**facts)


def _count(url, question):
    with load.connect(url, role="hdqm_reader") as connection:
        return load.ask(connection, question)[1][0][0]
