"""`hdqm db`: the embedded database, or the one that HDQM_DATABASE_URL names, asked alike."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest
from ports import free_port
from pydantic import SecretStr

from hdqm_ops import local
from hdqm_ops.errors import ConfigError, DatabaseUnavailable
from hdqm_ops.local._database import NamedDatabase
from hdqm_ops.settings import Settings


@pytest.fixture(scope="module")
def embedded():
    """Settings of a state folder whose database runs, with its schema."""
    home = Path(tempfile.mkdtemp(prefix="hdqm-test-"))
    home.chmod(0o755)
    settings = Settings(home=home, db_port=free_port())
    try:
        local.start_database(settings)
        yield settings
    finally:
        local.Postgres(settings).destroy()
        shutil.rmtree(home)


@pytest.fixture
def named(embedded, tmp_path):
    """Settings of another state folder that name that database."""
    return Settings(home=tmp_path / "home", database_url=SecretStr(local.Postgres(embedded).url))


def query(url, text):
    with psycopg.connect(url) as connection:
        return connection.execute(text).fetchall()


def test_start_brings_the_schema_and_says_where_it_is(embedded):
    facts = local.start_database(embedded)

    assert facts["address"] == f"127.0.0.1:{embedded.db_port}/hdqm"
    assert (Path(facts["data"]) / "PG_VERSION").exists()
    assert query(local.Postgres(embedded).url, "SELECT count(*) > 5 FROM hdqm.reasons") == [(True,)]


def test_the_reader_cannot_use_what_only_a_superuser_can_take_away(embedded):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        query(local.Postgres(embedded).reader_url, "SELECT pg_sleep(0)")


def test_settings_get_the_address_of_the_embedded_database(embedded):
    assert local.with_database(embedded).database_url.get_secret_value() == local.Postgres(embedded).url


def test_where_none_runs_it_is_said_how_to_start_one(tmp_path):
    with pytest.raises(DatabaseUnavailable, match=r"hdqm db start.*HDQM_DATABASE_URL"):
        local.with_database(Settings(home=tmp_path))


def test_psql_finds_the_database_without_a_password_on_its_command_line(embedded):
    program, environment = local.psql(embedded)

    command = [program, "--no-psqlrc", "-Atc", "SELECT current_user, current_database()"]
    assert (
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        == "hdqm_owner|hdqm\n"
    )


def test_psql_does_not_look_at_tickets(embedded, tmp_path, monkeypatch):
    (tmp_path / "tickets").write_text("none\n")
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'tickets'}")
    program, environment = local.psql(embedded)

    for _ in range(8):  # psql 15 died of such a cache every other time
        subprocess.run([program, "--no-psqlrc", "-Atc", "SELECT 1"], env=environment, check=True, capture_output=True)


def test_a_named_database_is_used_and_no_other_is_started(named, embedded):
    facts = local.start_database(named)

    assert facts["address"] == f"127.0.0.1:{embedded.db_port}/hdqm"
    assert "HDQM_DATABASE_URL" in facts["data"]
    assert not (named.home / "postgres").exists()
    local.stop_database(named)
    assert local.Postgres(embedded).running


def test_a_named_database_that_does_not_answer_is_named_without_its_password(tmp_path):
    url = SecretStr(f"postgresql://me:horse-battery@127.0.0.1:{free_port()}/trends")

    with pytest.raises(DatabaseUnavailable, match=r"HDQM_DATABASE_URL \(127\.0\.0\.1:\d+/trends\)") as caught:
        local.start_database(Settings(home=tmp_path, database_url=url))

    assert "horse-battery" not in str(caught.value)


def test_a_named_database_that_may_not_have_airflow_beside_it_says_what_to_run(named):
    with pytest.raises(ConfigError, match="CREATE DATABASE hdqm_airflow OWNER hdqm_owner"):
        NamedDatabase(named.database_url.get_secret_value()).prepare_airflow()


def test_a_named_database_gets_airflow_beside_it(embedded):
    database = NamedDatabase(local.Postgres(embedded).superuser_url)

    database.prepare_airflow()
    database.prepare_airflow()

    assert query(database.airflow_url, "SELECT current_database()") == [("hdqm_airflow",)]


def test_another_port_moves_the_server_there(embedded):
    moved = embedded.model_copy(update={"db_port": free_port()})

    local.start_database(moved)

    assert query(local.Postgres(moved).url, "SHOW port") == [(str(moved.db_port),)]
    local.start_database(embedded)
    assert query(local.Postgres(embedded).url, "SHOW port") == [(str(embedded.db_port),)]
