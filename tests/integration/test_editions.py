"""Both editions of TimescaleDB show the same; what only the Community edition can do changes no value.

The embedded server is the Apache edition. ``HDQM_TEST_DATABASE_URL`` may name one of the other kind.
"""

import statistics

import psycopg
import pytest
from loading import ingest, make_file, make_histogram, make_trend
from tables import facts

from hdqm_ops import load
from hdqm_ops.errors import ConfigError

TREND = make_trend("a")
VALUES = {run + more: 10 + (run + more) % 7 for run in range(320_000, 345_000, 1000) for more in (0, 40, 90)}


@pytest.fixture
def history(connection):
    """Three files in every tenth bucket."""
    contents = {make_file(run): {"Tracker/a": make_histogram(value)} for run, value in VALUES.items()}
    load.register_files(connection, contents)
    ingest(connection, [TREND], {file.path: found for file, found in contents.items()})
    return contents


@pytest.fixture
def edition(db):
    with psycopg.connect(db) as connection:
        return connection.execute("SHOW timescaledb.license").fetchone()[0]


@pytest.fixture
def community(edition):
    if edition != "timescale":
        pytest.skip("the server is TimescaleDB's Apache edition: name one of the Community in HDQM_TEST_DATABASE_URL")


def whole(connection):
    question = "SELECT * FROM hdqm.trend_history('Tracker', 'a', 'SingleMuon', 'PromptReco')"
    return connection.execute(question).fetchall()


def expected(values):
    buckets = {}
    for run, value in values.items():
        buckets.setdefault(run // 100 * 100, []).append(float(value))
    return [
        (
            *(first, first + 99, len(found), 0, pytest.approx(statistics.mean(found))),
            pytest.approx(statistics.stdev(found)) if len(found) > 1 else None,
            *(min(found), max(found)),
        )
        for first, found in sorted(buckets.items())
    ]


def converted(connection):
    question = (
        "SELECT range_start_integer FROM timescaledb_information.chunks "
        "WHERE hypertable_name = 'point' AND is_compressed ORDER BY 1"
    )
    return [first for (first,) in connection.execute(question)]


def test_a_history_is_counted_in_buckets_of_a_hundred_runs(connection, history):
    assert whole(connection) == expected(VALUES)


def test_the_apache_edition_has_nothing_to_maintain(db, edition, history):
    if edition != "apache":
        pytest.skip("the server is the Community edition")
    assert list(load.maintain(db, keep=0)) == [
        "this TimescaleDB is the Apache edition: nothing to convert, views are always fresh"
    ]


def test_only_the_owner_maintains(db, community, history):
    with psycopg.connect(db, autocommit=True) as connection:
        connection.execute("ALTER ROLE hdqm_writer LOGIN PASSWORD 'for this test'")
    url = psycopg.conninfo.make_conninfo(db, user="hdqm_writer", password="for this test")
    with pytest.raises(ConfigError, match="log in as its owner"):
        list(load.maintain(url, keep=0))


def test_conversion_and_refresh_change_no_value(db, community, connection, history):
    before, tables = whole(connection), facts(db)
    lines = list(load.maintain(db, keep=10_000))
    assert lines == ["runs 320000–329999: in the columnstore", "long views: up to date"]
    assert converted(connection) == [320_000]
    assert whole(connection) == before == expected(VALUES)
    assert facts(db) == tables
    assert list(load.maintain(db, keep=10_000)) == ["long views: up to date"]


def test_a_converted_run_is_written_again_and_seen_after_the_next_refresh(db, community, connection, history):
    list(load.maintain(db, keep=10_000))
    newer = make_file(320_000, version=2)
    load.register_files(connection, [newer])
    ingest(connection, [TREND], {newer.path: {"Tracker/a": make_histogram(99)}})
    changed = expected({**VALUES, 320_000: 99})

    assert list(load.maintain(db, keep=10_000)) == ["runs 320000–329999: in the columnstore", "long views: up to date"]

    assert whole(connection) == changed


def test_chunks_are_opened_before_a_backfill(db, community, connection, history):
    list(load.maintain(db, keep=10_000))
    assert list(load.open_runs(db, 321_000, 322_000)) == ["runs 320000–329999: in the row store"]
    assert converted(connection) == []
    assert list(load.open_runs(db, 321_000, 322_000)) == []
    assert whole(connection) == expected(VALUES)


def test_migrating_again_switches_nothing(db, community, connection, history):
    list(load.maintain(db, keep=10_000))
    assert load.migrate(db) == []
    assert converted(connection) == [320_000]
    assert whole(connection) == expected(VALUES)


def test_the_reader_may_look_at_long_views(db, connection, history):
    with psycopg.connect(db) as reading:
        reading.execute("SET ROLE hdqm_reader")
        assert whole(reading) == expected(VALUES)
