"""Every fault of OMS, Run Registry and sign-on × the Dag that meets it: nothing lost, nothing frozen, told clearly."""

import json
import math

import psycopg
import pytest
from dag_process import dag_process, database_address
from pydantic import SecretStr

from hdqm_ops import pipeline
from hdqm_ops.pipeline import Wanted
from hdqm_ops.settings import Settings
from hdqm_ops.simulate.services import KINDS, Fault, SimulatedServices, Simulation, World

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

SECRET = "s3cret-of-the-campaign"
TABLES = {  # tables without times of asking and of writing
    "run": "to_jsonb(t) - ARRAY['oms_asked_at', 'oms_synced_at', 'rr_asked_at', 'rr_synced_at']",
    "fill": "to_jsonb(t) - 'synced_at'",
    "certified_dataset": "to_jsonb(t) - 'synced_at'",
    "lumisection": "to_jsonb(t)",
}
KEYS = {
    "run": ("run_number",),
    "fill": ("fill_number",),
    "certified_dataset": ("run_number", "dataset"),
    "lumisection": ("run_number", "lumisection"),
}

# A Dag that meets one of these all the time fails.
FAILS = (
    *("expired_token", "redirect_to_login", "login_page", "too_many_requests", "server_error", "bad_gateway"),
    *("gateway_timeout", "cut_chunk", "broken_connection", "hang", "not_json"),
)
# What ends otherwise: the Dag of OMS, the Dag of Run Registry; None: that service has no such fault.
OTHERS = {
    "slow_body": ("success", "success"),
    "short_page": ("failed", "failed"),
    "rows_inserted": ("success", "success"),
    "wrong_rows": ("failed", "failed"),
    "no_fields": ("success", None),
    "no_count": ("success", None),
    "null_fields": ("success", None),
    "unit_change": ("success", None),
    "run_open": ("success", None),
    "lumisection_gap": ("success", None),
    "manual_update": (None, "success"),
}
SECONDS = {"hang": 6, "slow_body": 0.2}
CASES = [
    *((service, kind, "failed") for kind in FAILS for service in ("oms", "rr")),
    *(
        (service, kind, end)
        for kind, ends in OTHERS.items()
        for service, end in zip(("oms", "rr"), ends, strict=True)
        if end
    ),
    ("sso", "server_error", "failed"),
    ("sso", "hang", "failed"),
    ("sso", "not_json", "failed"),
]


def test_every_switch_is_in_the_campaign():
    assert {kind for _, kind, _ in CASES} == set(KINDS)


@pytest.fixture(scope="module")
def running():
    with SimulatedServices(Simulation(World(seed=1, runs=150))) as services:
        simulation = services.simulation
        simulation.tokens_required = True
        simulation.sign_on.clients = {"me": SECRET}
        yield services


@pytest.fixture
def simulation(running):
    running.simulation.faults.clear()
    running.simulation.journal.clear()
    return running.simulation


@pytest.fixture(scope="module")
def lit(running):
    return next(run for run in running.simulation.world.all_runs if run.kind == "collisions" and run.lumisections > 20)


@pytest.fixture(scope="module")
def airflow(running, tmp_path_factory):
    told = {"conn_type": "cms_oms", "host": running.oms_url, "login": "me", "password": SECRET}
    extra = {"sso_url": running.sso_url}
    quick = {"HDQM_SERVICE_TRIES": "1"}
    with dag_process(
        tmp_path_factory.mktemp("campaign"),
        AIRFLOW_CONN_CMS_OMS=json.dumps({**told, "extra": {**extra, "audience": "cmsoms-prod"}}),
        AIRFLOW_CONN_CMS_RR=json.dumps(
            {**told, "conn_type": "cms_rr", "host": running.rr_url, "extra": {**extra, "audience": "rr-proxy"}}
        ),
        **quick,
    ) as process:
        yield process


@pytest.fixture(scope="module")
def undisturbed(running, make_database, migrated_template, lit, tmp_path_factory):
    """What both synchronisations write where nothing goes wrong: of all runs, with lumisections of one."""
    running.simulation.faults.clear()
    with make_database(migrated_template) as url:
        settings = settings_of(running, url, tmp_path_factory.mktemp("undisturbed"))
        pipeline.sync_oms(settings)
        pipeline.sync_oms(settings, Wanted(str(lit.number)), lumisections=True)
        pipeline.sync_rr(settings)
        yield content(url)


def settings_of(running, url, home):
    return Settings(
        home=home,
        database_url=SecretStr(url),
        oms_url=running.oms_url,
        rr_url=running.rr_url,
        rr_audience="rr-proxy",
        sso_url=running.sso_url,
        sso_client_id="me",
        sso_client_secret=SecretStr(SECRET),
    )


def ask(url, sql):
    with psycopg.connect(url) as connection:
        return connection.execute(sql).fetchall()


def content(url):
    return {
        table: {
            tuple(row[key] for key in KEYS[table]): row for (row,) in ask(url, f"SELECT {told} FROM hdqm.{table} AS t")
        }
        for table, told in TABLES.items()
    }


def differences(found, expected):
    """Where two contents differ; numbers are the same to us to a millionth, as other units leave other last digits."""
    for table, rows in expected.items():
        yield from ((table, key) for key in rows.keys() ^ found[table].keys())
        for key in rows.keys() & found[table].keys():
            for column, value in rows[key].items():
                other = found[table][key][column]
                if not same(value, other):
                    yield table, key, column, value, other


def same(one, other):
    if isinstance(one, float) or isinstance(other, float):
        return one is not None and other is not None and math.isclose(one, other, rel_tol=1e-6)
    return one == other


def form_of(kind, lit):
    return {"runs": str(lit.number), "lumisections": True} if kind == "lumisection_gap" else {}


def faults_of(service, kind, lit):
    some = {"runs": (lit.number,)} if kind in ("null_fields", "run_open", "lumisection_gap", "manual_update") else {}
    skip = 0 if service == "sso" or some else 3  # some questions pass first, so that it breaks off in the middle
    return Fault(kind, service=service, skip=skip, seconds=SECONDS.get(kind), **some)


class Heal:
    """Synchronises without faults, as the next Dags would."""

    def __init__(self, settings, lit, undisturbed):
        self.settings, self.lit, self.undisturbed = settings, lit, undisturbed

    def __call__(self, *, everything):
        """Everything: what was believed, and false, is asked again by sweeps."""
        pipeline.sync_oms(self.settings, Wanted(everything=everything))
        pipeline.sync_oms(self.settings, Wanted(str(self.lit.number)), lumisections=True)
        pipeline.sync_rr(self.settings, Wanted(everything=everything))


@pytest.fixture
def heal(running, db, lit, undisturbed, tmp_path):
    return Heal(settings_of(running, db, tmp_path), lit, undisturbed)


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case[:2]))
def test_a_dag_meets_a_fault(case, simulation, airflow, db, heal):
    service, kind, end = case
    lit = heal.lit
    fault = faults_of(service, kind, lit)
    simulation.faults.arm(fault)
    dag = "hdqm_sync_rr" if service == "rr" else "hdqm_sync_oms"

    patience = {"HDQM_READ_TIMEOUT_S": "4" if kind == "hang" else "60"}
    ended, log = airflow.run(dag, form_of(kind, lit), AIRFLOW_CONN_HDQM_DB=database_address(db), **patience)

    (met,) = simulation.faults.as_json()
    assert met["met"] > fault.skip, "the fault showed in no request"
    assert ended == f"{end} {end}", log[-2000:]
    assert SECRET not in log
    assert "token-" not in log  # as the simulated sign-on names its tokens
    told = ask(db, "SELECT failure FROM hdqm.sync_state WHERE failure IS NOT NULL")
    if end == "failed":
        ((failure,),) = told
        assert failure.splitlines()[0] in log
        assert {"oms": "OMS", "rr": "Run Registry", "sso": "sign-on"}[service].lower() in failure.lower()
    else:
        assert told == []
    assert_felt(kind, db, lit)

    simulation.faults.clear()
    heal(everything=end == "success")

    assert list(differences(content(db), heal.undisturbed)) == []
    assert ask(db, "SELECT count(*) FROM hdqm.sync_state WHERE failure IS NOT NULL") == [(0,)]
    assert ask(db, "SELECT DISTINCT state FROM hdqm.runs WHERE state NOT IN ('known', 'open')") in ([], [("stale",)])


def assert_felt(kind, db, lit):
    """What a fault of the data leaves in the database as long as it lasts: nothing false, only what was told."""
    about = f"FROM hdqm.runs WHERE run_number = {lit.number}"
    match kind:
        case "null_fields":
            assert ask(db, f"SELECT hlt_key, recorded_lumi_pb, state {about}") == [(None, None, "known")]
        case "run_open":
            assert ask(db, f"SELECT end_time, state {about}") == [(None, "open")]
        case "manual_update":
            assert ask(db, f"SELECT rr_needs_update FROM hdqm.run WHERE run_number = {lit.number}") == [(True,)]
        case "lumisection_gap":
            assert ask(db, "SELECT count(*) FROM hdqm.lumisection") == [(lit.lumisections - 3,)]
        case "unit_change":
            assert ask(db, f"SELECT recorded_lumi_pb > 0 {about}") == [(True,)]
