"""Whoever sees a dashboard can send any SQL as hdqm_reader: what that role can do is all that guards the data."""

import psycopg
import pytest
from loading import ingest, make_file, make_histogram, make_trend
from psycopg import errors

from hdqm_ops import load

READS = ["trend_points", "trend_points_all", "runs", "dqm_files", "trends", "reasons", "display_groups", "file_events"]
FORBIDDEN = [
    "INSERT INTO hdqm.run (run_number) VALUES (1)",
    "UPDATE hdqm.trend SET title = ''",
    "DELETE FROM hdqm.point",
    "TRUNCATE hdqm.point",
    "CREATE TABLE hdqm.mine (n int)",
    "CREATE TABLE public.mine (n int)",
    "CREATE TEMP TABLE mine (n int)",
    "CREATE SCHEMA mine",
    "DROP TABLE hdqm.run",
    "SELECT pg_sleep(1)",
    "SELECT pg_sleep_for('1 s')",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_xact_lock(1, 2)",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT pg_notify('a', 'b')",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_cancel_backend(1)",
    "SELECT pg_export_snapshot()",
    "SELECT pg_logical_emit_message(true, 'a', 'b')",
    "SELECT txid_current()",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')",
    "SELECT rolpassword FROM pg_authid",
    "COPY hdqm.run TO PROGRAM 'true'",
    "COPY hdqm.run TO '/tmp/stolen'",
    "SELECT drop_chunks('hdqm.point', 1000000)",
    "LOCK TABLE hdqm.point IN ACCESS EXCLUSIVE MODE",
    "SET ROLE hdqm_writer",
    "ALTER ROLE hdqm_reader SUPERUSER",
    "SELECT nextval('hdqm.dqm_file_id_seq')",
]


@pytest.fixture(scope="module")
def fresh(make_database):
    """A database that was migrated itself: a copy does not take rights on the database and limits of roles along."""
    with make_database() as url:
        load.migrate(url)
        yield url


@pytest.fixture
def reader(fresh):
    """A session of hdqm_reader that has lifted all limits that it may lift."""
    with psycopg.connect(fresh, autocommit=True) as connection:
        connection.execute("SET SESSION AUTHORIZATION hdqm_reader")
        connection.execute("SET default_transaction_read_only = off; SET statement_timeout = 0")
        yield connection


def limits(url):
    with psycopg.connect(url) as connection:
        (found,) = connection.execute(
            "SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'hdqm_reader'::regrole "
            "AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchone()
    return set(found)


@pytest.mark.parametrize("view", READS)
def test_the_reader_reads(reader, view):
    assert reader.execute(f"SELECT count(*) FROM hdqm.{view}").fetchone()[0] >= 0


def test_the_reader_calls_the_functions_that_read(reader):
    selection = "SELECT * FROM hdqm.run_selection('latest', '5', 'Tracker', 'SingleMuon', 'PromptReco')"

    assert reader.execute(selection).fetchall() == []
    assert reader.execute("SELECT time_bucket(10, 25)").fetchone() == (20,)


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_reader_can_do_nothing_else(reader, statement):
    with pytest.raises(errors.InsufficientPrivilege), reader.transaction():
        reader.execute(statement)


def test_the_reader_has_limits_from_the_start(fresh):
    assert {"default_transaction_read_only=on", "statement_timeout=30s", "temp_file_limit=2GB"} <= limits(fresh)


def test_the_time_limit_is_a_setting(make_database):
    with make_database() as url:
        load.migrate(url, reader_timeout_s=30)
        load.migrate(url, reader_timeout_s=7)

        assert "statement_timeout=7s" in limits(url)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE hdqm.run",
        "ALTER TABLE hdqm.run ADD COLUMN n int",
        "DELETE FROM hdqm.migration",
        "DELETE FROM hdqm.reason",
    ],
)
def test_the_writer_does_not_change_the_schema(fresh, statement):
    with load.connect(fresh) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("hdqm_writer",)
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement)


def test_the_writer_loads_with_its_own_rights_alone(fresh):
    trend, file = make_trend("a"), make_file()
    with load.connect(fresh) as connection:
        load.register_files(connection, [file])
        done = ingest(connection, [trend], {file.path: {"Tracker/a": make_histogram(1)}})

        assert [counts.state for (counts,) in done.values()] == ["ingested"]


def test_others_do_not_even_get_in(fresh, database_server):
    with psycopg.connect(database_server, autocommit=True) as server:
        server.execute("DROP ROLE IF EXISTS hdqm_test_stranger")
        server.execute("CREATE ROLE hdqm_test_stranger")
        try:
            with psycopg.connect(fresh) as connection:
                allowed = connection.execute(
                    "SELECT has_database_privilege('hdqm_test_stranger', current_database(), 'CONNECT')"
                ).fetchone()
        finally:
            server.execute("DROP ROLE hdqm_test_stranger")
    assert allowed == (False,)
