"""Connections to OMS and Run Registry, and the Dags that use them."""

import json
import os
import runpy
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from dag_process import DAGS, dag_process, database_address

from hdqm_ops.simulate.services import SimulatedServices, Simulation, World

pytestmark = pytest.mark.airflow


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


@pytest.fixture(scope="module")
def airflow(tmp_path_factory):
    """Runs Dags; no service is configured in its environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SSO_CLIENT_ID", "SSO_CLIENT_SECRET"):
            patch.delenv(name, raising=False)
        with dag_process(tmp_path_factory.mktemp("dags")) as process:
            yield process


@pytest.fixture
def told(connections, db):
    """What a Dag's process is to know of both services and of the database."""
    connections()
    names = ("AIRFLOW_CONN_CMS_OMS", "AIRFLOW_CONN_CMS_RR")
    return {"AIRFLOW_CONN_HDQM_DB": database_address(db), **{name: os.environ[name] for name in names}}


@pytest.mark.parametrize("dag", ["hdqm_sync_oms", "hdqm_sync_rr"])
def test_a_dag_without_services_is_skipped_and_says_so(airflow, db, dag):
    ended, log = airflow.run(dag, {}, AIRFLOW_CONN_HDQM_DB=database_address(db))

    assert ended == "success skipped"
    assert "is not configured" in log


@pytest.mark.parametrize("dag", ["hdqm_sync_oms", "hdqm_sync_rr"])
def test_a_dag_brings_the_runs_or_the_days_of_the_form(airflow, told, db, services, dag):
    run = next(run for run in services.simulation.world.all_runs if run.number > 316_000)
    day = datetime.fromtimestamp(run.start, UTC).date()
    asked = "SELECT array_agg(run_number ORDER BY run_number) FROM hdqm.run"

    ended, log = airflow.run(dag, {"runs": f"{run.number}"}, **told)

    assert ended == "success success", log[-2000:]
    with psycopg.connect(db) as connection:
        assert connection.execute(asked).fetchone() == ([run.number],)

    ended, log = airflow.run(dag, {"since": f"{day}", "until": f"{day}"}, **told)

    assert ended == "success success", log[-2000:]
    of_day = [one.number for one in services.simulation.world.all_runs if _day(one) == day]
    with psycopg.connect(db) as connection:
        assert connection.execute(asked).fetchone() == (of_day,)


def _day(run):
    return datetime.fromtimestamp(run.start, UTC).date()


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"runs": "1", "since": "2018-09-01"}, "name runs or days, not both"),
        ({"since": "2018-09-02", "until": "2018-09-01"}, "is before the first"),
    ],
)
def test_a_form_that_contradicts_itself_fails_and_says_so(airflow, told, form, message):
    ended, log = airflow.run("hdqm_sync_oms", form, **told)

    assert ended == "failed failed"
    assert message in log


def test_the_schedules_are_settings(monkeypatch):
    monkeypatch.setenv("HDQM_SYNC_OMS_S", "300")
    monkeypatch.setenv("HDQM_SYNC_RR_S", "7200")
    monkeypatch.setenv("HDQM_SYNC_DAYS", "3")
    for name, seconds in (("oms", 300), ("rr", 7200)):
        dag = runpy.run_path(str(DAGS / f"hdqm_sync_{name}.py"))["dag_of_this_file"]
        assert dag.schedule == timedelta(seconds=seconds)
        assert dag.params["days"] == 3
