"""What is configured becomes what is in the database."""

from dataclasses import replace

import pytest
from loading import make_trend
from tables import facts, versions

from hdqm_ops import load
from hdqm_ops.errors import ConfigError
from hdqm_ops.model import Alternative, DisplayGroup, MetricCall, Trend

A, B, C = make_trend("a"), make_trend("b"), make_trend("c", subsystem="HCAL")


def numbers(changes):
    return (
        changes.new,
        changes.changed,
        changes.relabelled,
        changes.returned,
        changes.retired,
        changes.unchanged,
    )


def trends(connection, columns="subsystem, trend, active"):
    return connection.execute(f"SELECT {columns} FROM hdqm.trends ORDER BY subsystem, trend").fetchall()


def test_trends_come_with_texts_and_definition(connection):
    trend = Trend(
        "Tracker",
        "a",
        (
            Alternative(MetricCall("basic.Mean", (1.5,)), {"main": ("X/y", "X/ z"), "histo1": ("X/w",)}, threshold=10),
            Alternative(MetricCall("basic.RMS"), {"main": ("X/v",)}),
        ),
        y_title="mean of y",
        plot_title="Mean (µm)",
        unit="µm",
        description="what it shows",
        owner="somebody@cern.ch",
        low=0.0,
        high=2.5,
    )

    changes = load.apply_configuration(connection, [trend], whole=True)

    columns = "subsystem, trend, title, y_title, unit, description, owner, metric, definition, active, low, high"
    assert trends(connection, columns) == [
        (
            "Tracker",
            "a",
            "Mean (µm)",
            "mean of y",
            "µm",
            "what it shows",
            "somebody@cern.ch",
            "basic.Mean(1.5) | basic.RMS()",
            trend.definition_hash().hex(),
            True,
            0.0,
            2.5,
        )
    ]
    elements = connection.execute(
        "SELECT array_agg(e.path ORDER BY e.path), "
        "array_agg(e.path ORDER BY e.path) FILTER (WHERE e.id = ANY (d.main_elements)) "
        "FROM hdqm.definition d JOIN hdqm.element e ON e.id = ANY (d.elements) WHERE d.id = %s",
        [changes.definitions["Tracker/a"]],
    ).fetchone()
    assert elements == (["X/ z", "X/v", "X/w", "X/y"], ["X/ z", "X/v", "X/y"])


def test_twice_changes_no_row_version(db, connection):
    group = DisplayGroup("Tracker", "g", "Group", "y", ("a", "b"), ("red", None))
    load.apply_configuration(connection, [A, B, C], [group], whole=True)
    before = versions(db)

    assert numbers(load.apply_configuration(connection, [A, B, C], [group], whole=True)) == (0, 0, 0, 0, 0, 3)
    assert versions(db) == before


def test_only_a_whole_configuration_retires(connection):
    assert numbers(load.apply_configuration(connection, [A, B, C], whole=True)) == (3, 0, 0, 0, 0, 0)
    assert numbers(load.apply_configuration(connection, [A], whole=False)) == (0, 0, 0, 0, 0, 1)
    assert {active for *_, active in trends(connection)} == {True}

    assert numbers(load.apply_configuration(connection, [A], whole=True)) == (0, 0, 0, 0, 2, 1)
    assert trends(connection) == [("HCAL", "c", False), ("Tracker", "a", True), ("Tracker", "b", False)]


def test_a_retired_trend_returns(connection):
    first = load.apply_configuration(connection, [A, B], whole=True)
    load.apply_configuration(connection, [A], whole=True)

    again = load.apply_configuration(connection, [A, B], whole=True)

    assert numbers(again) == (0, 0, 0, 1, 0, 1)
    assert again.definitions == first.definitions


def test_nothing_at_all_is_no_whole_configuration(connection):
    load.apply_configuration(connection, [A], whole=True)

    with pytest.raises(ConfigError, match="would retire all trends"):
        load.apply_configuration(connection, [], whole=True)
    assert trends(connection) == [("Tracker", "a", True)]


def test_a_changed_metric_makes_a_new_definition_and_the_old_one_stays(connection):
    first = load.apply_configuration(connection, [A], whole=True)

    second = load.apply_configuration(connection, [make_trend("a", arguments=(1,))], whole=True)

    assert numbers(second) == (0, 1, 0, 0, 0, 0)
    assert first.definitions != second.definitions
    assert connection.execute("SELECT is_current FROM hdqm.definition ORDER BY id").fetchall() == [(False,), (True,)]
    back = load.apply_configuration(connection, [A], whole=True)
    assert back.definitions == first.definitions
    assert connection.execute("SELECT count(*) FROM hdqm.definition").fetchone() == (2,)


def test_a_changed_text_makes_no_new_definition(connection):
    load.apply_configuration(connection, [A], whole=True)

    changes = load.apply_configuration(connection, [replace(A, plot_title="New", low=1.0)], whole=True)

    assert numbers(changes) == (0, 0, 1, 0, 0, 0)
    assert trends(connection, "title, low") == [("New", 1.0)]


def test_groups_are_replaced(connection):
    def groups():
        return connection.execute(
            'SELECT subsystem, "group", trend, colour FROM hdqm.display_group_series ORDER BY 2, position'
        ).fetchall()

    one = DisplayGroup("Tracker", "one", "One", "y", ("a", "b", "unknown"), ("red", None, "blue"))
    two = DisplayGroup("HCAL", "two", "Two", "y", ("c",), correlation=True)
    load.apply_configuration(connection, [A, B, C], [one, two], whole=True)
    assert groups() == [
        ("Tracker", "one", "a", "red"),
        ("Tracker", "one", "b", None),
        ("Tracker", "one", "unknown", "blue"),
        ("HCAL", "two", "c", None),
    ]

    load.apply_configuration(connection, [A], [replace(one, trends=("b",), colours=())], whole=False)
    assert groups() == [("Tracker", "one", "b", None), ("HCAL", "two", "c", None)]

    load.apply_configuration(connection, [A, B, C], [two], whole=True)
    assert groups() == [("HCAL", "two", "c", None)]
    assert connection.execute("SELECT * FROM hdqm.display_groups").fetchall() == [("HCAL", "two", "Two", "y", True, 1)]


def test_hostile_names_are_only_names(db, connection):
    names = ["'; DROP TABLE hdqm.trend; --", "%(x)s %s", 'a"b', "{}", "\\N", "zero\0byte", "ü\ud800"]
    hostile = [make_trend(f"t{at}", "X/y", description=name, owner=name) for at, name in enumerate(names)]

    assert numbers(load.apply_configuration(connection, hostile, whole=True)) == (len(names), 0, 0, 0, 0, 0)
    before = facts(db)
    assert numbers(load.apply_configuration(connection, hostile, whole=True)) == (0, 0, 0, 0, 0, len(names))
    assert facts(db) == before
    assert trends(connection, "description")[0] == (names[0],)
