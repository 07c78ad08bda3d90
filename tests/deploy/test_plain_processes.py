"""docker-compose.yml brought up without an engine: init, each service, each health check, to the first trend."""

import shutil
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
import requests
from fix_compose import parsed_environment, resolved
from fix_containers import Containers
from ports import free_port

from hdqm_ops.deploy import environment_file
from hdqm_ops.local import AirflowClient, Postgres
from hdqm_ops.local._grafana import find_grafana
from hdqm_ops.settings import Settings

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

NEIGHBOURS = (
    *("timescaledb:5432", "airflow-api-server:8080", "api:8050", "grafana:3000"),
    *("simulate-oms:9600", "simulate-rr:9500", "redis:6379"),
)
AIRFLOW = ("airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")


@pytest.fixture(scope="module")
def ports():
    return {name: free_port() for name in NEIGHBOURS}


@pytest.fixture(scope="module")
def secrets():
    return parsed_environment(environment_file(demo=True))


@pytest.fixture(scope="module")
def database(ports, secrets):
    """A server as the image of TimescaleDB makes it: the superuser with its password, and nothing of ours."""
    home = Path(tempfile.mkdtemp(prefix="hdqm-test-compose-"))
    home.chmod(0o755)  # as root, PostgreSQL runs as somebody else, who must get in
    server = Postgres(Settings(home=home, db_port=ports["timescaledb:5432"]), durable=False)
    try:
        server.start()
        with psycopg.connect(server.superuser_url, dbname="postgres", autocommit=True) as connection:
            for name in ("hdqm", "airflow"):
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute("DROP ROLE hdqm_owner, hdqm_writer, hdqm_reader, airflow")
            connection.execute(f"ALTER ROLE postgres PASSWORD '{secrets['HDQM_SUPERUSER_PASSWORD']}'")
        yield ports["timescaledb:5432"]
    finally:
        server.destroy()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def containers(ports, secrets, database, tmp_path_factory):
    services = resolved({**secrets, "HDQM_TASKS": "2", "HDQM_FILES": '["/dqm/demo"]'})["services"]
    running = Containers(services, tmp_path_factory.mktemp("compose"), ports)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def up(containers):
    """All that `docker compose --profile demo up` starts, in the order of depends_on, healthy."""
    containers.first_init = containers.run("init")
    for name in (*AIRFLOW, "api", "simulate-oms", "simulate-rr"):
        containers.start(name)
    waiting = [*AIRFLOW, "api", "simulate-oms", "simulate-rr"]
    deadline = time.monotonic() + 300
    while waiting and time.monotonic() < deadline:
        waiting = [name for name in waiting if not containers.healthy(name)]
    assert not waiting, {name: containers.log(name)[-2000:] for name in waiting}
    return containers


def test_init_says_what_it_did(up):
    told = up.first_init
    for line in (
        "migrations applied",
        "configuration: applied",
        "tables are up to date",
        "pool hdqm_load",
        "user admin",
    ):
        assert line in told


def test_no_role_has_a_password_that_is_not_ours(up, secrets, database):
    for role, variable in (("hdqm_reader", "HDQM_READER_PASSWORD"), ("hdqm_owner", "HDQM_OWNER_PASSWORD")):
        psycopg.connect(f"postgresql://{role}:{secrets[variable]}@127.0.0.1:{database}/hdqm").close()
        for guess in ("", "postgres", role, "hdqm", "airflow"):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(f"postgresql://{role}:{guess}@127.0.0.1:{database}/hdqm")


def test_the_api_answers_whoever_has_the_token(up, secrets, ports):
    address = f"http://127.0.0.1:{ports['api:8050']}/health"
    assert requests.get(f"{address}/live", timeout=120).status_code == 200
    page = f"http://127.0.0.1:{ports['api:8050']}/openapi.json"
    assert requests.get(page, timeout=120).status_code == 401
    token = {"Authorization": f"Bearer {secrets['HDQM_API_TOKEN']}"}
    assert requests.get(page, headers=token, timeout=120).status_code == 200


def test_airflow_knows_only_the_admin(up, secrets, ports):
    address = f"http://127.0.0.1:{ports['airflow-api-server:8080']}"
    for password, status in (("admin", 401), (secrets["AIRFLOW_ADMIN_PASSWORD"], 201)):
        login = {"username": "admin", "password": password}
        assert requests.post(f"{address}/auth/token", json=login, timeout=120).status_code == status
    assert requests.get(f"{address}/api/v2/dags", timeout=120).status_code == 401


def test_simulated_files_become_trends(up, secrets, ports, database):
    up.run("simulate-dqm")
    airflow = AirflowClient(
        f"http://127.0.0.1:{ports['airflow-api-server:8080']}", "admin", secrets["AIRFLOW_ADMIN_PASSWORD"]
    )
    run_id = airflow.trigger("hdqm_ingest", {"runs": "324747-324770"})
    state = airflow.wait("hdqm_ingest", run_id, timeout_s=300)
    assert state == "success", airflow.failed_tasks("hdqm_ingest", run_id)
    url = f"postgresql://hdqm_reader:{secrets['HDQM_READER_PASSWORD']}@127.0.0.1:{database}/hdqm"
    with psycopg.connect(url) as connection:
        (points,) = connection.execute("SELECT count(*) FROM hdqm.trend_points WHERE status = 'ok'").fetchone()
    assert points > 100


def test_init_again_is_harmless(up):
    told = up.run("init")
    assert "database: up to date" in told
    assert up.healthy("api")


@pytest.fixture(scope="module")
def grafana(up, ports, tmp_path_factory):
    """Grafana with the environment of its service; its program and its own port are this machine's."""
    found = find_grafana(Settings().grafana_home)
    if found is None:
        pytest.skip("no Grafana: set HDQM_GRAFANA_HOME to a folder with bin/grafana, public/ and conf/")
    state = tmp_path_factory.mktemp("grafana")
    image = {
        "GF_PATHS_DATA": str(state / "data"),
        "GF_PATHS_LOGS": str(state / "log"),
        "GF_PATHS_PLUGINS": str(state / "plugins"),
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": str(ports["grafana:3000"]),
    }
    up.start_program("grafana", [str(found.program), "server", "--homepath", str(found.home)], **image)
    deadline = time.monotonic() + 300
    while not up.healthy("grafana"):
        assert time.monotonic() < deadline, up.log("grafana")[-3000:]
        time.sleep(1)
    return up


@pytest.mark.grafana
def test_grafana_is_provisioned_and_airflow_gets_a_token(grafana, secrets, ports):
    told = grafana.run("init-grafana")
    assert "service account hdqm-publish; its token is Airflow's connection hdqm_grafana" in told
    grafana.run("init-grafana")  # again is harmless

    address = f"http://127.0.0.1:{ports['grafana:3000']}/api"
    admin = ("admin", secrets["GRAFANA_ADMIN_PASSWORD"])
    guess = requests.get(f"{address}/admin/settings", auth=("admin", "admin"), timeout=120)
    assert guess.status_code in (401, 403)  # a wrong password makes an anonymous viewer
    assert requests.get(f"{address}/admin/settings", auth=admin, timeout=120).status_code == 200
    pages = requests.get(f"{address}/search", params={"type": "dash-db"}, auth=admin, timeout=120).json()
    assert {"hdqm-home", "hdqm-trends", "hdqm-trend", "hdqm-run"} <= {page["uid"] for page in pages}
    source = requests.get(f"{address}/datasources/uid/hdqm-timescaledb/health", auth=admin, timeout=120).json()
    assert source["status"] == "OK", source
    rules = requests.get(f"{address}/v1/provisioning/alert-rules", auth=admin, timeout=120).json()
    assert len(rules) >= 4


def test_a_celery_worker_answers_over_redis(up):
    """The profile celery: the queue with its password, and a worker that its health check reaches."""
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server on PATH")
    for name in ("redis", "airflow-worker"):
        command = up.here(name)
        up.start_program(name, command) if name == "redis" else up.start(name)
        deadline = time.monotonic() + 300
        while not up.healthy(name):
            assert time.monotonic() < deadline, up.log(name)[-3000:]
            time.sleep(1)
