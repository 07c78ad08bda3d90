"""The road to the schema: each migration once, whole or not at all; what stands in its way is said."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from hdqm_ops import load
from hdqm_ops.errors import ConfigError, DatabaseUnavailable
from hdqm_ops.load._sql import sql_folder
from hdqm_ops.model import Reason

CONTRACT = {
    "trend_points": "subsystem trend primary_dataset processing run_number value error status entries definition "
    "dqm_file_id",
    "runs": "run_number start_time end_time duration_s fill_number era run_class significant delivered_lumi_pb "
    "recorded_lumi_pb peak_lumi_1e34 b_field_t energy_gev l1_rate_hz hlt_key l1_key",
    "dqm_files": "path run_number dataset dqm_version size_bytes state reason tries ingested_at",
    "trends": "subsystem trend title y_title unit description owner metric definition active",
    "reasons": "code meaning",
    "trend_points_all": "subsystem trend primary_dataset processing run_number value error status entries definition "
    "dqm_file_id",
    "display_groups": "subsystem group",
    "display_group_series": "group position subsystem trend colour",
}


@pytest.fixture
def empty(make_database):
    with make_database() as url:
        yield url


@pytest.fixture
def folder(tmp_path):
    """Two small migrations."""
    (tmp_path / "0001_first.sql").write_text(
        "CREATE TABLE hdqm.reason (number int PRIMARY KEY, code text, meaning text);"
    )
    (tmp_path / "0002_second.sql").write_text("CREATE TABLE hdqm.second (n int);")
    return tmp_path


def ask(url, text):
    with load.connect(url, role=None) as connection:
        return connection.execute(text).fetchall()


def states(url, folder):
    return [fact.state for fact in load.migration_status(url, folder=folder)]


# -- ours --------------------------------------------------------------------------------------------------------------


def test_all_are_applied_once(empty):
    names = [path.stem for path in sorted((sql_folder() / "migrations").glob("*.sql"))]

    assert [fact.state for fact in load.migration_status(empty)] == ["pending"] * len(names)
    assert load.migrate(empty) == names
    assert load.migrate(empty) == []
    assert [str(fact) for fact in load.migration_status(empty)] == names
    assert {fact.state for fact in load.migration_status(empty)} == {"applied"}


def test_a_second_migrate_writes_nothing(db):
    load.migrate(db)  # `db` is a copy: it has no limits of the reader, which belong to a database's name
    with load.connect(db, role=None) as connection:
        (newest,) = connection.execute("SELECT txid_snapshot_xmax(txid_current_snapshot())").fetchone()
        load.migrate(db)
        rows = connection.execute(
            "SELECT xmin::text FROM hdqm.migration UNION ALL SELECT xmin::text FROM hdqm.reason "
            "UNION ALL SELECT xmin::text FROM pg_class"
        ).fetchall()

    assert max(int(xmin) for (xmin,) in rows) < newest


def test_views_have_the_columns_of_the_contract(db):
    for view, columns in CONTRACT.items():
        rows = ask(
            db,
            f"SELECT column_name FROM information_schema.columns WHERE table_schema = 'hdqm' AND table_name = '{view}'",
        )
        assert set(columns.split()) <= {name for (name,) in rows}, view


def test_everything_has_a_comment(db):
    unsaid = ask(
        db,
        """
        SELECT c.oid::regclass::text FROM pg_class c
        WHERE relnamespace = 'hdqm'::regnamespace AND relkind IN ('r', 'v') AND obj_description(oid, 'pg_class') IS NULL
        UNION ALL
        SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
        WHERE relnamespace = 'hdqm'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0 AND NOT attisdropped
            AND col_description(attrelid, attnum) IS NULL
        UNION ALL
        SELECT oid::regprocedure::text FROM pg_proc
        WHERE pronamespace = 'hdqm'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL
        UNION ALL
        SELECT oid::regtype::text FROM pg_type
        WHERE typnamespace = 'hdqm'::regnamespace AND typtype = 'e' AND obj_description(oid, 'pg_type') IS NULL
        """,
    )

    assert unsaid == []


def test_a_copy_of_a_database_gets_the_limits_of_the_reader_again(db):
    limits = "SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'hdqm_reader'::regrole AND setdatabase = ("
    limits += "SELECT oid FROM pg_database WHERE datname = current_database())"
    assert ask(db, limits) == []
    assert load.migrate(db) == []
    ((told,),) = ask(db, limits)
    assert {"default_transaction_read_only=on", "statement_timeout=30s"} <= set(told)


def test_reasons_are_those_of_the_program(db):
    assert ask(db, "SELECT number, code, meaning FROM hdqm.reason ORDER BY 1") == [
        (reason.number, reason.code, reason.meaning) for reason in Reason
    ]


def test_a_reason_that_was_reworded_comes_with_the_next_migrate(db):
    ask(db, "UPDATE hdqm.reason SET meaning = 'as it once was' WHERE number = 1 RETURNING 1")

    load.migrate(db)

    assert ask(db, "SELECT meaning FROM hdqm.reason WHERE number = 1") == [(Reason.ELEMENT_MISSING.meaning,)]


def test_points_and_histograms_are_partitioned_by_run(db):
    rows = ask(
        db,
        "SELECT hypertable_name::text, column_name::text, integer_interval "
        "FROM timescaledb_information.dimensions WHERE hypertable_schema = 'hdqm' ORDER BY 1",
    )

    assert rows == [
        ("histogram", "run_number", 1000),
        ("lumisection", "run_number", 10000),
        ("point", "run_number", 10000),
        ("point_history", "run_number", 10000),
    ]


def test_an_owner_needs_not_be_a_superuser(make_database, database_server):
    role = "hdqm_test_plain_owner"
    with psycopg.connect(database_server, autocommit=True) as server:
        server.execute(f"DROP ROLE IF EXISTS {role}")
        server.execute(f"CREATE ROLE {role} LOGIN CREATEROLE PASSWORD 'INSECURE@%PASSWORD/'")
        for group in ("hdqm_reader", "hdqm_writer"):
            if server.execute("SELECT FROM pg_roles WHERE rolname = %s", [group]).fetchone() is not None:
                server.execute(f"GRANT {group} TO {role} WITH ADMIN OPTION")
        try:
            with make_database(owner=role) as url:
                with psycopg.connect(url, autocommit=True) as connection:
                    connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
                own = make_conninfo(url, user=role, password="INSECURE@%PASSWORD/")

                assert load.migrate(own)
                load.restrict_reader(url)
                assert ask(url, "SELECT has_function_privilege('hdqm_reader', 'pg_sleep(float8)', 'EXECUTE')") == [
                    (False,)
                ]
                assert ask(url, f"SELECT has_function_privilege('{role}', 'pg_sleep(float8)', 'EXECUTE')") == [(True,)]
                with load.connect(own) as connection:
                    assert connection.execute("SELECT current_user").fetchone() == ("hdqm_writer",)
        finally:
            server.execute(f"DROP ROLE {role}")


# -- what stands in the way --------------------------------------------------------------------------------------------


def test_an_altered_migration_is_refused(empty, folder):
    load.migrate(empty, folder=folder)
    (folder / "0001_first.sql").write_text("-- changed")

    with pytest.raises(ConfigError, match=r"0001_first was changed after .*restore the file"):
        load.migrate(empty, folder=folder)
    assert states(empty, folder) == ["altered", "applied"]


def test_a_renamed_migration_is_refused(empty, folder):
    load.migrate(empty, folder=folder)
    (folder / "0002_second.sql").rename(folder / "0002_other.sql")

    with pytest.raises(ConfigError, match="0002_other was changed"):
        load.migrate(empty, folder=folder)


def test_a_migration_of_a_newer_program_is_refused(empty, folder):
    load.migrate(empty, folder=folder)
    (folder / "0002_second.sql").unlink()

    with pytest.raises(ConfigError, match=r"0002_second is applied here, .* newer HDQM, update"):
        load.migrate(empty, folder=folder)
    assert states(empty, folder) == ["applied", "unknown"]


def test_a_migration_that_came_too_late_is_refused(empty, folder):
    load.migrate(empty, folder=folder)
    ask(empty, "DELETE FROM hdqm.migration WHERE number = 1 RETURNING 1")

    with pytest.raises(ConfigError, match="0001_first is not applied, but a later one is"):
        load.migrate(empty, folder=folder)


def test_gaps_in_the_numbers_are_refused(empty, folder):
    (folder / "0004_fourth.sql").write_text("SELECT 1")

    with pytest.raises(ConfigError, match="without gap"):
        load.migrate(empty, folder=folder)


def test_odd_names_and_empty_folders_are_refused(empty, folder, tmp_path):
    (folder / "third.sql").write_text("SELECT 1")

    with pytest.raises(ConfigError, match="named like 0001_what_it_does"):
        load.migrate(empty, folder=folder)
    with pytest.raises(ConfigError, match="no migrations in"):
        load.migrate(empty, folder=tmp_path / "nowhere")


def test_a_migration_that_fails_leaves_nothing(empty, folder):
    (folder / "0003_third.sql").write_text("CREATE TABLE hdqm.third (n int); SELECT 1 / 0;")

    with pytest.raises(psycopg.errors.DivisionByZero):
        load.migrate(empty, folder=folder)
    assert states(empty, folder) == ["applied", "applied", "pending"]
    assert ask(empty, "SELECT to_regclass('hdqm.third')") == [(None,)]
    (folder / "0003_third.sql").write_text("CREATE TABLE hdqm.third (n int);")
    assert load.migrate(empty, folder=folder) == ["0003_third"]


def test_a_schema_without_record_is_refused(empty, folder):
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA hdqm; CREATE TABLE hdqm.something (n int)")

    with pytest.raises(ConfigError, match=r"schema hdqm holds something, but no migration is recorded.*DROP SCHEMA"):
        load.migrate(empty, folder=folder)


def test_a_table_that_is_there_already_is_named(empty, folder):
    load.migrate(empty, folder=folder)
    ask(empty, "DELETE FROM hdqm.migration WHERE number = 2 RETURNING 1")

    with pytest.raises(
        ConfigError, match=r'0002_second finds something already there \(relation "second" already exists\)'
    ):
        load.migrate(empty, folder=folder)


# -- outside of a transaction ------------------------------------------------------------------------------------------


def test_statements_outside_of_a_transaction(empty, folder):
    (folder / "0003_third.sql").write_text(
        "-- hdqm: no-transaction\n"
        "VACUUM hdqm.second\n"
        "-- hdqm: next\n"
        "CREATE INDEX CONCURRENTLY some_index ON hdqm.second (n)\n"
    )

    assert load.migrate(empty, folder=folder)[-1] == "0003_third"
    assert ask(empty, "SELECT to_regclass('hdqm.some_index') IS NOT NULL") == [(True,)]


def test_one_that_broke_off_is_seen(empty, folder):
    (folder / "0003_third.sql").write_text(
        "-- hdqm: no-transaction\nCREATE TABLE hdqm.third ()\n-- hdqm: next\nSELECT 1 / 0\n"
    )
    with pytest.raises(psycopg.errors.DivisionByZero):
        load.migrate(empty, folder=folder)

    assert states(empty, folder) == ["applied", "applied", "half-applied"]
    with pytest.raises(ConfigError, match=r"0003_third was begun and broke off.*delete its row of hdqm.migration"):
        load.migrate(empty, folder=folder)


# -- several at once, or none ------------------------------------------------------------------------------------------


def test_of_several_at_once_one_migrates_and_the_others_wait(empty):
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(load.migrate, [empty] * 4))

    everything = [str(fact) for fact in load.migration_status(empty)]
    assert sorted(applied, key=len) == [[], [], [], everything]


def test_no_database_says_how_to_start_one(empty):
    facts = conninfo_to_dict(empty)
    nobody = make_conninfo(**{**facts, "port": 1, "password": "secret"})

    with pytest.raises(DatabaseUnavailable, match=r"no database answers at .*:1/hdqm_test.*hdqm db start") as caught:
        load.migrate(nobody)
    assert "secret" not in str(caught.value)


def test_an_address_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="postgresql://user:password@host:port/database"):
        load.connect("postgres at home")


def test_loading_before_migrating_says_so(empty):
    with load.connect(empty) as connection, pytest.raises(ConfigError, match="hdqm db migrate"):
        load.pending(connection, load.Scope())
