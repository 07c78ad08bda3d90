"""The guard ends who reads for too long, whatever time-out they gave themselves, and nobody else."""

import os
import subprocess
import sys
import threading

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import make_conninfo

from hdqm_ops import load, pipeline
from hdqm_ops.errors import ConfigError
from hdqm_ops.pipeline import _guard
from hdqm_ops.settings import Settings

FOR_EVER = "SELECT count(*) FROM pg_class AS a, pg_class AS b, pg_class AS c, pg_class AS d, pg_class AS e"
LOOP = "DO $$ BEGIN LOOP PERFORM 1; {} END LOOP; END $$"
PASSWORD = "for-this-test"
ENDED = (errors.AdminShutdown, psycopg.OperationalError)


@pytest.fixture
def login(db):
    """Sessions of the role of Grafana and the API."""
    with psycopg.connect(db, autocommit=True) as owner:
        owner.execute(f"ALTER ROLE hdqm_reader LOGIN PASSWORD '{PASSWORD}'")
    opened = []

    def log_in():
        address = make_conninfo(db, user="hdqm_reader", password=PASSWORD)
        opened.append(psycopg.connect(address, autocommit=True))
        return opened[-1]

    yield log_in
    for session in opened:
        session.close()


@pytest.fixture
def reader(db, login):
    """Address of the database as the role of Grafana, which is as it is meant to be."""
    login()
    with load.connect(db, role=None) as owner:
        load.restore_reader(owner, 30)
    yield make_conninfo(db, user="hdqm_reader", password=PASSWORD)
    with psycopg.connect(db, autocommit=True) as owner:
        owner.execute("ALTER ROLE hdqm_reader RESET ALL")


@pytest.fixture
def ask_in_background():
    """Ask what lasts; the error that ended it is in the list that comes back."""
    threads = []

    def ask(session, *statements):
        ends = []

        def work():
            try:
                for statement in statements:
                    session.execute(statement)
            except psycopg.Error as error:
                ends.append(error)

        threads.append((threading.Thread(target=work), session))
        threads[-1][0].start()
        return threads[-1][0], ends

    yield ask
    for thread, session in threads:
        if thread.is_alive():
            session.cancel()
        thread.join(60)


def await_activity(db, session):
    """Wait until the server says that the session works."""
    with psycopg.connect(db, autocommit=True) as owner:
        for _ in range(200):
            found = owner.execute(
                "SELECT state, clock_timestamp() - query_start > '0.2 s' FROM pg_stat_activity WHERE pid = %s",
                [session.info.backend_pid],
            ).fetchone()
            if found == ("active", True):
                return
            owner.execute("SELECT pg_sleep(0.05)")
    raise AssertionError(found)


@pytest.mark.parametrize(
    "statements",
    [
        ["SET statement_timeout = 0", FOR_EVER],
        ["SET statement_timeout = 0", LOOP.format("")],
        ["SET default_transaction_read_only = off", "SET statement_timeout = 0", LOOP.format("COMMIT;")],
    ],
)
def test_a_question_that_lifts_its_time_out_is_ended(db, login, ask_in_background, statements):
    session = login()
    pid = session.info.backend_pid
    thread, ends = ask_in_background(session, *statements)
    await_activity(db, session)

    with load.connect(db, role=None) as owner:
        assert load.end_long_sessions(owner, 60) == []
        (ended,) = load.end_long_sessions(owner, 0.1)
    thread.join(60)

    assert (ended.pid, ended.role) == (pid, "hdqm_reader")
    assert ended.seconds > 0.1
    assert ended.text[:20] in " ".join(statements[-1].split())
    assert isinstance(ends[0], ENDED)


def test_a_transaction_that_is_left_open_is_ended(db, login):
    session = login()
    session.execute("SET idle_in_transaction_session_timeout = 0")
    session.execute("BEGIN")
    session.execute("SELECT 1")

    with load.connect(db, role=None) as owner:
        (ended,) = load.end_long_sessions(owner, 0)

    assert ended.pid == session.info.backend_pid
    with pytest.raises(ENDED):
        session.execute("SELECT 1")


def test_who_waits_who_writes_and_who_owns_are_left_alone(db, login, ask_in_background):
    waiting = login()
    waiting.execute("SELECT 1")
    with load.connect(db) as writer, psycopg.connect(db) as owner, load.connect(db, role=None) as guard:
        asked = []
        for busy in (writer, owner):
            asked.append(ask_in_background(busy, FOR_EVER))
            await_activity(db, busy)

        assert load.end_long_sessions(guard, 0) == []
        for busy, (thread, ends) in zip((writer, owner), asked, strict=True):
            busy.cancel()
            thread.join(60)
            assert isinstance(ends[0], errors.QueryCanceled)
    assert waiting.execute("SELECT 1").fetchone() == (1,)


def test_who_may_not_end_sessions_is_told_who_may(db, login, ask_in_background):
    session = login()
    ask_in_background(session, FOR_EVER)
    await_activity(db, session)

    with load.connect(make_conninfo(db, user="hdqm_reader", password=PASSWORD), role=None) as reader:  # noqa: SIM117
        with pytest.raises(ConfigError, match="as its owner"):
            load.end_long_sessions(reader, 0)


def test_the_command_watches_until_it_is_ended(db, login, reader, tmp_path):
    environment = {**os.environ, "HDQM_DATABASE_URL": db, "HDQM_GUARD_AFTER_S": "1", "HDQM_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "hdqm_ops.cli", "db", "guard", "--interval", "0.2"]
    session = login()
    session.execute("SET statement_timeout = 0")
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as guard:
        try:
            with pytest.raises(ENDED):
                session.execute(FOR_EVER)
            assert "ended session" in guard.stderr.readline()
            assert guard.poll() is None
        finally:
            guard.terminate()


def test_a_database_that_is_away_is_waited_for(db, caplog, monkeypatch):
    """Told once, asked again and again, and taken up when it is there."""
    away = Settings(database_url="postgresql://nobody@127.0.0.1:9/none")
    answers = [away, away, Settings(database_url=db)]
    looks = []

    def look(connection, seconds):
        looks.append(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr(_guard.load, "end_long_sessions", look)
    with pytest.raises(KeyboardInterrupt):
        pipeline.guard(lambda: answers.pop(0), 0.01)

    assert looks == [Settings().guard_after_s]
    assert len(caplog.records) == 1
    assert "no database answers" in caplog.text


def test_a_login_that_cannot_be_read_is_an_error_at_once():
    with pytest.raises(ConfigError):
        pipeline.end_long_sessions(Settings(database_url="not an address"))


def test_what_a_reader_changes_of_its_role_is_put_back(db, login, reader):
    """PostgreSQL lets every role change its own password and settings: no right to do so can be taken away."""
    database = psycopg.sql.Identifier(psycopg.conninfo.conninfo_to_dict(db)["dbname"]).as_string()
    with load.connect(db, role=None) as owner:
        owner.execute(f"ALTER ROLE hdqm_reader IN DATABASE {database} SET temp_file_limit = '2GB'")
        assert load.restore_reader(owner, 30, reader) == []

        session = login()
        session.execute("SET default_transaction_read_only = off")
        session.execute("ALTER ROLE hdqm_reader PASSWORD 'mine'")
        session.execute("ALTER ROLE hdqm_reader SET timezone = 'Asia/Tokyo'")
        session.execute(f"ALTER ROLE hdqm_reader IN DATABASE {database} SET enable_indexscan = off")
        session.execute(f"ALTER ROLE hdqm_reader IN DATABASE {database} SET statement_timeout = 0")
        session.execute(f"ALTER ROLE hdqm_reader IN DATABASE {database} RESET lock_timeout")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            login()

        settings, password = load.restore_reader(owner, 30, reader)
        for name in ("TimeZone", "enable_indexscan", "statement_timeout", "lock_timeout"):
            assert name in settings
        assert password == "put the password of hdqm_reader back"
        assert load.restore_reader(owner, 30, reader) == []

    fresh = login()
    told = {name: fresh.execute(f"SHOW {name}").fetchone()[0] for name in ("statement_timeout", "lock_timeout")}
    assert told == {"statement_timeout": "30s", "lock_timeout": "5s"}
    assert fresh.execute("SHOW enable_indexscan").fetchone() == ("on",)
    assert fresh.execute("SHOW timezone").fetchone() != ("Asia/Tokyo",)
    assert fresh.execute("SHOW temp_file_limit").fetchone() == ("2GB",)


def test_a_database_that_the_reader_cannot_reach_gives_no_new_password(db, reader):
    with load.connect(db, role=None) as owner:
        assert load.restore_reader(owner, 30, "postgresql://hdqm_reader:x@127.0.0.1:9/none") == []


def test_who_may_not_alter_the_reader_is_told_so(db, reader):
    with psycopg.connect(db, autocommit=True) as owner:
        owner.execute("ALTER ROLE hdqm_reader SET timezone = 'Asia/Tokyo'")
        owner.execute(f"CREATE ROLE hdqm_stranger LOGIN PASSWORD '{PASSWORD}'")
        try:
            owner.execute("GRANT hdqm_reader TO hdqm_stranger")
            stranger = make_conninfo(db, user="hdqm_stranger", password=PASSWORD)
            with load.connect(stranger, role=None) as other, pytest.raises(ConfigError, match="permission denied"):
                load.restore_reader(other, 30)
        finally:
            owner.execute("DROP ROLE hdqm_stranger")


def test_the_guard_puts_the_reader_right(db, login, reader, tmp_path):
    environment = {**os.environ, "HDQM_DATABASE_URL": db, "HDQM_READER_URL": reader, "HDQM_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "hdqm_ops.cli", "db", "guard", "--interval", "0.2"]
    session = login()
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as guard:
        try:
            session.execute("SET default_transaction_read_only = off")
            session.execute("ALTER ROLE hdqm_reader PASSWORD 'mine'")
            assert "put the password of hdqm_reader back" in guard.stderr.readline()
            login()
        finally:
            guard.terminate()
