"""Connections to OMS and Run Registry, and the Dags that use them."""

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from hdqm_ops.simulate.services import SimulatedServices, Simulation, World

pytestmark = pytest.mark.airflow

DAGS = Path(__file__).parents[2] / "dags"

TEST = """
import json, sys
from airflow.utils import db
db.initdb()
from airflow.dag_processing.dagbag import DagBag
run = DagBag(sys.argv[1]).dags[sys.argv[2]].test(run_conf=json.loads(sys.argv[3]))
print("STATE", run.state.value, *[str(one.state) for one in run.get_task_instances()])
"""


@pytest.fixture(scope="module")
def services():
    with SimulatedServices(Simulation(World(seed=1, runs=300))) as running:
        running.simulation.tokens_required = True
        running.simulation.sign_on.clients = {"me": "s3cret"}
        yield running


@pytest.fixture
def connections(services, monkeypatch, tmp_path):
    """Tell Airflow of both services, with this secret."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    monkeypatch.setenv("HDQM_HOME", str(tmp_path))

    def tell(secret="s3cret", **more):
        for kind, url, audience in (("oms", services.oms_url, "cmsoms-prod"), ("rr", services.rr_url, "rr-proxy")):
            told = {"conn_type": f"cms_{kind}", "host": url, "login": "me", "password": secret}
            extra = {"audience": audience, "sso_url": services.sso_url, **more}
            monkeypatch.setenv(f"AIRFLOW_CONN_CMS_{kind.upper()}", json.dumps({**told, "extra": extra}))

    return tell


def test_the_test_button_asks(connections):
    from hdqm_airflow.services import OmsHook, RunRegistryHook

    connections()

    good, said = OmsHook().test_connection()
    assert good, said
    assert "newest run is" in said
    good, said = RunRegistryHook().test_connection()
    assert good, said
    assert said.endswith(" runs")


def test_the_test_button_says_what_is_wrong(connections):
    from hdqm_airflow.services import OmsHook

    connections("wrong")
    good, said = OmsHook().test_connection()
    assert not good
    assert "s3cret" not in said
    assert "wrong" not in said
    connections(grant="by-post")
    good, said = OmsHook().test_connection()
    assert not good
    assert "sso_grant" in said


def test_both_types_are_in_the_provider():
    from hdqm_airflow.provider import get_provider_info

    kinds = {one["connection-type"]: one for one in get_provider_info()["connection-types"]}
    for kind in ("cms_oms", "cms_rr"):
        assert "audience" in kinds[kind]["conn-fields"]
        module, _, name = kinds[kind]["hook-class-name"].rpartition(".")
        assert getattr(__import__(module, fromlist=[name]), name).conn_type == kind


@pytest.fixture
def airflow(db, monkeypatch, tmp_path):
    """Run a Dag in-process beside an Airflow of its own; the line about its end."""
    from psycopg.conninfo import conninfo_to_dict

    facts = conninfo_to_dict(db)
    address = f"postgresql://{facts['user']}:{facts['password']}@{facts['host']}:{facts['port']}/{facts['dbname']}"

    def run(dag, form):
        monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
        monkeypatch.setenv("HDQM_HOME", str(tmp_path))
        monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(DAGS))
        monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{tmp_path}/airflow.db")
        monkeypatch.setenv("AIRFLOW_CONN_HDQM_DB", address)
        command = [sys.executable, "-c", TEST, str(DAGS), dag, json.dumps(form)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout.splitlines()[-1], done.stdout + done.stderr

    return run


@pytest.mark.parametrize("dag", ["hdqm_sync_oms", "hdqm_sync_rr"])
def test_a_dag_without_services_is_skipped_and_says_so(airflow, monkeypatch, dag):
    for name in ("SSO_CLIENT_ID", "SSO_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)

    ended, log = airflow(dag, {})

    assert ended == "STATE success skipped"
    assert "is not configured" in log


@pytest.mark.parametrize("dag", ["hdqm_sync_oms", "hdqm_sync_rr"])
def test_a_dag_brings_the_runs_of_the_form(airflow, connections, db, services, dag):
    connections()
    run = services.simulation.world.all_runs[100].number

    ended, _ = airflow(dag, {"runs": f"{run}"})

    assert ended == "STATE success success"
    with psycopg.connect(db) as connection:
        assert connection.execute("SELECT run_number FROM hdqm.run").fetchall() == [(run,)]
