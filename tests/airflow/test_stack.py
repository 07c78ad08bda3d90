"""The local stack, really started: up, asked, used, hurt, mended, down."""

import os
import re
import signal
import socket
from pathlib import Path

import pytest
import requests

from hdqm_ops import load
from hdqm_ops.errors import ConfigError, HdqmError
from hdqm_ops.local import Postgres, Stack, _airflow
from hdqm_ops.local._grafana import find_grafana
from hdqm_ops.local._process import Process
from hdqm_ops.settings import Settings

pytestmark = pytest.mark.airflow

GRAFANA = find_grafana(Settings().grafana_home)
PARTS = ["TimescaleDB", "guard", "api", "api-server", "dag-processor", "triggerer", "scheduler"]
PARTS += ["grafana"] if GRAFANA else []


@pytest.fixture
def up(stack):
    stack.up()
    return stack


def parts(stack):
    status = stack.status()
    return {part.name: part for part in (status.database, *status.others)}


def processes_of(settings):
    """Numbers of all processes that have to do with a state folder, found in every way in which they show it."""
    places = (str(settings.home), str((settings.home / "postgres").resolve()))
    pids = {int(folder.name) for folder in Path("/proc").glob("[0-9]*")} - {os.getpid()}
    return {pid for pid in pids if any(place in traces(pid) for place in places)}


def traces(pid):
    """Working folder, command and environment of a process; nothing of one that has gone or is another user's."""
    folder = Path(f"/proc/{pid}")
    try:
        texts = ((folder / name).read_bytes().decode(errors="replace") for name in ("cmdline", "environ"))
        return " ".join((str((folder / "cwd").readlink()), *texts))
    except OSError:
        return ""


def listening(pids):
    """Addresses (as the kernel writes them) on which any of these processes listens."""
    files = (entry for pid in pids for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink())
    sockets = {str(file.readlink()) for file in files}
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}


def test_every_part_is_healthy(up):
    status = up.status()

    assert [name for name, _state, _where in status.rows()] == PARTS
    assert status.healthy, status.rows()
    assert status.as_json()["healthy"]


def test_the_api_answers_as_the_reader_and_knows_no_other_password(up, stack_settings):
    import requests

    answer = requests.get(f"http://127.0.0.1:{stack_settings.api_port}/api/v1/reasons", timeout=120)

    assert len(answer.json()["items"]) > 5
    environment = Path(f"/proc/{parts(up)['api'].pid}/environ").read_text()
    assert "hdqm_reader:" in environment
    assert not any(f"{role}:" in environment for role in ("hdqm_owner", "hdqm_writer", "postgres"))


def test_it_says_how_to_log_in(up, stack_settings):
    text = up.welcome()

    user, password = re.search(r"user (\w+), password (\S+)\)", text).groups()
    assert f"http://127.0.0.1:{stack_settings.airflow_port}" in text
    client = up.airflow()
    assert (client._login["username"], client._login["password"]) == (user, password)


@pytest.mark.skipif(GRAFANA is None, reason="no Grafana: set HDQM_GRAFANA_HOME")
def test_grafana_is_up_where_it_is_installed(up, stack_settings):
    address = f"http://127.0.0.1:{stack_settings.grafana_port}"

    assert f"{address}/d/hdqm-home" in up.welcome()
    for uid in ("hdqm-home", "hdqm-pipeline"):
        assert requests.get(f"{address}/api/dashboards/uid/{uid}", timeout=120).ok
    query = {"refId": "A", "datasource": {"uid": "hdqm-timescaledb"}, "rawSql": "SELECT * FROM hdqm.site_pages()"}
    told = requests.post(f"{address}/api/ds/query", json={"queries": [{**query, "format": "table"}]}, timeout=120)
    assert f"http://127.0.0.1:{stack_settings.airflow_port}/dags" in told.text
    for guess in ("admin", ""):  # whom it does not know it takes for somebody who only looks
        assert requests.get(f"{address}/api/users", auth=("admin", guess), timeout=120).status_code in (401, 403)


def test_the_guard_watches_the_database_of_the_stack(up, stack_settings):
    """What it does there is tested beside the database."""
    with load.connect(Postgres(stack_settings).url, role=None) as connection:
        question = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hdqm guard'"
        assert load.ask(connection, question)[1] == [(1,)]


def test_a_second_up_is_harmless(up):
    before = parts(up)

    up.up()

    assert parts(up) == before


def test_everything_listens_on_loopback_only(up, stack_settings):
    ports = [stack_settings.db_port, stack_settings.airflow_port, stack_settings.api_port]
    ports += [stack_settings.grafana_port] if GRAFANA else []

    assert listening(processes_of(stack_settings)) == {f"0100007F:{port:04X}" for port in ports}


def test_files_with_secrets_are_for_their_owner_alone(up, stack_settings):
    texts = (stack_settings.home / "secrets.json", stack_settings.home / "airflow/passwords.json")

    assert [oct(file.stat().st_mode & 0o777) for file in texts] == ["0o600", "0o600"]


def test_tasks_see_the_settings_and_the_database_of_the_stack(up, stack_settings):
    airflow = up.airflow()

    run = airflow.trigger("hdqm_probe", {"home": str(stack_settings.home)})

    assert airflow.wait("hdqm_probe", run, timeout_s=300) == "success"
    assert airflow.failed_tasks("hdqm_probe", run) == []


def test_tasks_that_failed_are_named(up, stack_settings):
    airflow, told = up.airflow(), []

    run = airflow.trigger("hdqm_probe", {"home": str(stack_settings.home), "fail": True})

    assert airflow.wait("hdqm_probe", run, timeout_s=300, say=told.append) == "failed"
    assert airflow.failed_tasks("hdqm_probe", run) == ["each[second]"]
    assert told


def test_a_wrong_parameter_is_refused_with_what_airflow_says(up):
    with pytest.raises(HdqmError, match=r"400 .*fail"):
        up.airflow().trigger("hdqm_probe", {"fail": "perhaps"})


def test_a_broken_dag_file_is_shown_with_what_python_says(up):
    with pytest.raises(HdqmError, match=r"(?s)hdqm_broken\.py cannot be imported.*broken on purpose"):
        up.airflow().trigger("hdqm_broken", {})


def test_an_unknown_dag_is_not_waited_for_for_ever(up):
    with pytest.raises(HdqmError, match="no Dag hdqm_nonsense"):
        up.airflow().await_dag("hdqm_nonsense", timeout_s=0)


def test_a_killed_part_is_seen_and_started_again(up):
    before = parts(up)
    Process.of(before["scheduler"].pid).end(signal.SIGKILL, 10)

    assert "dead" in parts(up)["scheduler"].state
    assert not up.status().healthy
    up.up()

    after = parts(up)
    assert up.status().healthy
    assert after["scheduler"].pid != before["scheduler"].pid
    assert after["api-server"] == before["api-server"]


def test_a_killed_database_is_seen_and_started_again(up):
    Process.of(parts(up)["TimescaleDB"].pid).end(signal.SIGKILL, 10)

    assert not up.status().database_up
    up.up()

    assert up.status().healthy


def test_down_leaves_no_process(up, stack_settings):
    told = []

    up.down(say=told.append)

    assert processes_of(stack_settings) == set()
    assert {part.state for part in parts(up).values()} == {"stopped"}
    assert [line.split()[1] for line in told] == [*PARTS[:0:-1], PARTS[0]]
    up.down()  # a second time is harmless


def test_a_taken_port_is_named_with_the_variable_that_changes_it(stack, stack_settings):
    stack.down()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # past what closed connections still hold
        taken.bind(("127.0.0.1", stack_settings.airflow_port))
        taken.listen()

        with pytest.raises(ConfigError, match=rf"port {stack_settings.airflow_port} .*HDQM_AIRFLOW_PORT"):
            stack.up()


def test_a_part_that_dies_shows_the_end_of_its_log(stack, monkeypatch):
    stack.down()
    monkeypatch.setattr(_airflow, "_LOCAL_SETTINGS", "raise RuntimeError('broken on purpose')\n")

    with pytest.raises(HdqmError, match=r"(?s)api-server is not healthy: dead.*broken on purpose"):
        stack.up()

    stack.down()


def test_a_state_folder_that_never_was_up_has_nothing_to_stop(tmp_path, stack_settings):
    stack = Stack(stack_settings.model_copy(update={"home": tmp_path / "none"}))

    stack.down()

    assert {state for _name, state, _where in stack.status().rows()} == {"stopped"}
    assert not (tmp_path / "none").exists()
