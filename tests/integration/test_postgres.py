"""The embedded TimescaleDB, really started. Run as root, it also drops to another user; run as a user, it does not."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from ports import free_port

from hdqm_ops.errors import ConfigError, MissingTool
from hdqm_ops.local import Postgres, _installation
from hdqm_ops.local._account import service_account
from hdqm_ops.local._installation import installation
from hdqm_ops.local._process import Process, processes_in
from hdqm_ops.settings import Settings


@pytest.fixture(scope="module")
def make_server(reachable):
    """Makes servers in state folders of their own; removes them with their data, wherever these are."""
    made = []

    def make(home, port=None):
        made.append(Postgres(Settings(home=home, db_port=port or free_port()), durable=False))
        return made[-1]

    yield make
    for server in made:
        server.destroy()


@pytest.fixture(scope="module")
def reachable():
    """A folder that every user can enter, as a checkout often is."""
    folder = Path(tempfile.mkdtemp(prefix="hdqm-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server(make_server, reachable):
    return make_server(reachable / "home")


@pytest.fixture
def running(server):
    server.start()
    return server


def ask(url, query, *arguments):
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query, arguments)
        return cursor.fetchall() if cursor.description else None


def port_of(server):
    return urlsplit(server.url).port


def remember(server, text):
    ask(server.url, "CREATE TABLE IF NOT EXISTS public.notes (note text)")
    ask(server.url, "INSERT INTO public.notes VALUES (%s)", text)


def kill(server):
    process = Process.of(server.where()["pid"])
    assert process.end(signal.SIGKILL, 10)


def notes(server):
    return {note for (note,) in ask(server.url, "SELECT note FROM public.notes")}


def test_it_has_timescaledb_and_the_owner_is_no_superuser(running):
    assert ask(running.url, "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'") == [(1,)]
    assert ask(running.url, "SELECT current_user, current_setting('is_superuser')") == [("hdqm_owner", "off")]


def test_every_role_of_the_stack_can_log_in(running):
    running.prepare_airflow()
    urls = (running.writer_url, running.reader_url, running.airflow_url)

    logins = [ask(url, "SELECT current_user, current_database()") for url in urls]

    assert logins == [[("hdqm_writer", "hdqm")], [("hdqm_reader", "hdqm")], [("airflow", "airflow")]]


def test_the_owner_may_set_up_the_roles_of_the_migrations(running):
    ask(running.url, "ALTER ROLE hdqm_reader SET statement_timeout = '30s'")

    assert ask(running.reader_url, "SHOW statement_timeout") == [("30s",)]


def test_pages_in_its_log_are_compressed_as_fast_as_it_was_built_for(running):
    ((kinds, chosen),) = ask(running.url, "SELECT enumvals, setting FROM pg_settings WHERE name = 'wal_compression'")

    assert chosen == "lz4" if "lz4" in kinds else chosen in {"on", "pglz"}


def test_a_second_start_is_harmless(running):
    before = running.where()

    running.start()

    assert running.where() == before


def test_data_survive_stop_and_start(running):
    remember(running, "before the stop")

    running.stop()
    assert not running.running
    assert running.where()["pid"] is None
    running.start()

    assert "before the stop" in notes(running)


def test_data_survive_kill_9(running):
    remember(running, "before the kill")
    kill(running)

    assert not running.running
    running.start()

    assert "before the kill" in notes(running)


def test_a_process_that_got_the_number_of_the_server_is_not_taken_for_it(running):
    data = Path(running.where()["data"])
    running.stop()
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n")

    assert not running.running
    running.start()

    assert running.running
    assert running.where()["pid"] != os.getpid()


def test_what_a_killed_server_left_behind_is_ended(running):
    data = Path(running.where()["data"])
    kill(running)
    stubborn = subprocess.Popen(["sleep", "600"], cwd=data, start_new_session=True)  # a child that does not notice

    running.start()

    assert stubborn.wait(10) == -signal.SIGKILL
    assert running.running


def test_a_taken_port_is_named_with_the_variable_that_changes_it(make_server, reachable):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(ConfigError, match=rf"port {port} .*HDQM_DB_PORT"):
            make_server(reachable / "other", port).start()


def test_it_listens_on_loopback_only(running):
    port = port_of(running)
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]

    assert {row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")} == {f"0100007F:{port:04X}"}


def test_a_wrong_password_is_refused(running):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(running.url.replace("hdqm_owner:", "hdqm_owner:x"))


def test_secrets_are_for_their_owner_alone_and_made_once(running):
    home = Path(running.where()["log"]).parent.parent
    file = home / "secrets.json"

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_text()
    running.start()
    assert file.read_text() == before


def test_lost_secrets_are_made_anew(running):
    remember(running, "before the loss")
    running.stop()
    (Path(running.where()["log"]).parent.parent / "secrets.json").unlink()

    running.start()

    assert "before the loss" in notes(running)


def test_two_starts_at_once_give_one_server(make_server, reachable):
    server = make_server(reachable / "twice")
    port = port_of(server)
    code = "from hdqm_ops.local import Postgres; from hdqm_ops.settings import Settings; Postgres(Settings()).start()"
    environment = {**os.environ, "HDQM_HOME": str(reachable / "twice"), "HDQM_DB_PORT": str(port)}

    starts = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(2)]

    assert [start.wait(300) for start in starts] == [0, 0]
    assert server.running
    assert ask(server.url, "SELECT 1") == [(1,)]


def test_a_database_more_has_timescaledb_and_can_be_a_template(running):
    url = running.create_database("hdqm_more")

    assert ask(url, "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'") == [(1,)]
    ask(running.superuser_url, "CREATE DATABASE hdqm_copy TEMPLATE hdqm_more OWNER hdqm_owner")


# -- a state folder that PostgreSQL's user cannot enter ----------------------------------------------------------------


@pytest.fixture
def closed(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o700)
    return tmp_path / "closed"


def test_it_starts_in_a_checkout_that_only_its_owner_can_enter(make_server, closed):
    server = make_server(closed / "home")

    server.start()

    data = Path(server.where()["data"])
    assert data.stat().st_uid == service_account().uid
    assert (closed in data.parents) == (os.geteuid() != 0)  # root runs it as somebody else, who cannot get in there
    assert (closed / "home/postgres/data").resolve() == data


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_data_elsewhere_go_with_the_state_folder_they_belong_to(make_server, closed):
    server = make_server(closed / "home")
    server.start()
    elsewhere = Path(server.where()["data"]).parent

    shutil.copytree(closed / "home", closed / "copy", symlinks=True)
    assert Postgres(Settings(home=closed / "copy")).where()["data"] is None  # still the first one's
    (closed / "home").rename(closed / "moved")
    assert Postgres(Settings(home=closed / "moved")).where()["data"] == str(elsewhere / "data")
    (closed / "moved").rename(closed / "home")
    assert server.running

    shutil.rmtree(closed / "home")
    server.start()
    assert not elsewhere.exists()
    assert not processes_in(elsewhere / "data")


# -- getting one -------------------------------------------------------------------------------------------------------


def test_a_system_postgresql_with_timescaledb_is_taken_before_all_others(running, monkeypatch, tmp_path):
    programs = Path(running.program("postgres")).parent
    monkeypatch.setattr(_installation, "_SYSTEM", (str(programs),))

    found = installation(Settings(cache=tmp_path), service_account(), None, lambda _line: None)

    assert (found.programs, found.origin) == (programs.resolve(), "the machine's PostgreSQL 17")


def test_data_of_a_version_that_is_gone_say_so(tmp_path):
    with pytest.raises(MissingTool, match=r"written by PostgreSQL 9, .* pg_dump"):
        installation(Settings(cache=tmp_path), service_account(), 9, lambda _line: None)


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="no apt-get here")
def test_a_mirror_that_does_not_answer_leaves_nothing_half_and_names_three_ways(monkeypatch, reachable):
    monkeypatch.setattr(_installation, "_SYSTEM", ())
    monkeypatch.setattr(_installation, "_SHARED_CACHE", reachable / "none")
    cache = reachable / "cache"
    (cache / ".unpacking-killed").mkdir(parents=True)
    settings = Settings(cache=cache, debian_mirror="http://127.0.0.1:9/debian")

    with pytest.raises(MissingTool, match=r"(?s)127\.0\.0\.1:9.*1\. .*HDQM_DATABASE_URL.*HDQM_DEBIAN_MIRROR"):
        installation(settings, service_account(), None, lambda _line: None)

    assert {path.name for path in cache.iterdir()} == {"unpacking.lock"}


def test_a_process_is_told_from_a_later_one_with_its_number():
    me = Process.of(os.getpid())

    assert me.alive
    assert not Process(me.pid, me.began - 1).alive
