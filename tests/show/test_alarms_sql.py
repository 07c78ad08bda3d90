"""What each alarm asks: silent in peace, and loud for its own reason alone. In transactions that are not committed."""

import re

import psycopg
import pytest

from hdqm_ops.show import ALARMS

QUESTIONS = {alarm.uid: alarm.sql for alarm in ALARMS}


@pytest.fixture
def owner(filled):
    """Changes what nobody else sees."""
    with psycopg.connect(filled, row_factory=psycopg.rows.dict_row) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def told(owner):
    """Rows of an alarm's question."""
    return lambda uid: owner.execute(QUESTIONS[uid]).fetchall()


@pytest.fixture
def run_ends(owner):
    """A run of which OMS and Run Registry told, ingested or not."""

    def end(number, hours_ago, *, ingested=False, run_class="Collisions26", significant=True):
        owner.execute(
            "INSERT INTO hdqm.run (run_number, start_time, end_time, run_class, significant) "
            "VALUES (%s, now() - %s * interval '1 hour', now() - %s * interval '1 hour', %s, %s)",
            [number, hours_ago + 3, hours_ago, run_class, significant],
        )
        if ingested:
            same = "dataset, primary_dataset_id, processing_id, era, tier, processing_version, dqm_version, size_bytes"
            same += ", mtime, state, loaded, ingested_at, definition_set_id"
            owner.execute(
                f"INSERT INTO hdqm.dqm_file (path, name_run_number, folder_run_number, {same}) "
                f"SELECT path || %s, %s, %s, {same} FROM hdqm.dqm_file WHERE loaded ORDER BY id LIMIT 1",
                [str(number), number, number],
            )

    return end


def test_in_peace_nothing_is_late(told):
    assert told("hdqm-fresh") == [{"value": 0, "run": ""}]


def test_late_is_since_the_first_collision_run_that_did_not_come(told, run_ends):
    run_ends(400001, 80, ingested=True)
    run_ends(400002, 72)
    run_ends(400003, 30)
    assert [(row["run"], round(row["value"])) for row in told("hdqm-fresh")] == [("400002", 72)]

    run_ends(400004, 9, ingested=True)  # it comes again; of the two that are lost the page Pipeline tells
    assert told("hdqm-fresh") == [{"value": 0, "run": ""}]


@pytest.mark.parametrize(
    "what",
    [
        {"run_class": "Cosmics26"},
        {"run_class": None},
        {"significant": False},
        {"hours_ago": 15 * 24},
        {"hours_ago": -1},
    ],
)
def test_what_need_not_come_is_not_late(told, run_ends, what):
    run_ends(400001, **{"hours_ago": 72, **what})
    assert told("hdqm-fresh") == [{"value": 0, "run": ""}]


def test_cosmic_runs_that_come_do_not_hide_collisions_that_do_not(told, run_ends):
    run_ends(400001, 48)
    run_ends(400002, 24, ingested=True, run_class="Cosmics26")
    assert [row["run"] for row in told("hdqm-fresh")] == ["400001"]


def test_files_that_failed_long_ago_are_history(told, owner):
    assert told("hdqm-failed")[0]["value"] > 0
    owner.execute("UPDATE hdqm.dqm_file SET discovered_at = now() - interval '4 days'")
    assert told("hdqm-failed") == [{"value": 0}]


def test_a_point_outside_of_its_range_names_subsystem_trend_owner_and_a_page_of_runs(told, owner):
    owner.execute("UPDATE hdqm.trend SET low = NULL, high = NULL")
    assert told("hdqm-outside") == []

    owner.execute("UPDATE hdqm.trend SET high = -1e9, owner = 'anna' WHERE name = 'charge_layer1'")
    rows = told("hdqm-outside")
    assert rows
    for row in rows:
        assert (row["subsystem"], row["trend"], row["owner"], row["value"] >= 1) == (
            "Pixel",
            "charge_layer1",
            "anna",
            True,
        )
        assert re.fullmatch(r"\d+-\d+", row["runs"])
        shown = owner.execute(
            "SELECT array_agg(n) AS runs FROM hdqm.run_selection('range', %(runs)s, %(subsystem)s, "
            "%(primary_dataset)s, %(processing)s) AS n",
            row,
        ).fetchone()["runs"]
        assert max(shown) == int(row["run"])
        assert len(shown) <= 50


def test_gaps_that_grow_are_those_of_the_newest_runs(told, owner):
    quiet = {row["subsystem"]: row["value"] for row in told("hdqm-gaps")}
    assert set(quiet) >= {"HCAL", "Pixel"}
    assert max(quiet.values()) < 20
    owner.execute(
        "UPDATE hdqm.point SET value = NULL, error = NULL, status = 1 "
        "FROM hdqm.series AS s, hdqm.trend AS t, hdqm.subsystem AS u "
        "WHERE s.id = series_id AND t.id = s.trend_id AND u.id = t.subsystem_id AND u.name = 'HCAL' "
        "AND run_number IN (SELECT DISTINCT run_number FROM hdqm.dqm_file WHERE loaded ORDER BY 1 DESC LIMIT 10)"
    )
    loud = {row["subsystem"]: row["value"] for row in told("hdqm-gaps")}
    assert loud.pop("HCAL") > 90
    assert loud == {name: value for name, value in quiet.items() if name != "HCAL"}
