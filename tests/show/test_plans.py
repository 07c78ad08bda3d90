"""How the database answers what panels ask most: the plans that keep it fast beside a long history.

The history is small; what the planner is told of it is not: a few chunks, statistics, all pages known to be visible.
Plans are asked for as functions make them, by ``auto_explain``.
"""

import json
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from hdqm_ops import load

DATASET = "'HCAL', 'A', 'PromptReco'"
RANGE = f"{DATASET}, 'range', '301000-308000', 'all', 'default'"
NEWEST = f"{DATASET}, 'latest', '20', 'all', 'default'"


@pytest.fixture(scope="module")
def history(make_database):
    """Address of a database with three chunks of points."""
    with make_database() as url:
        load.migrate(url)
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute(Path(__file__).with_name("plans.sql").read_bytes())
            # twice: the second finds all pages visible, whatever else still looked at them during the first
            owner.execute("VACUUM ANALYZE")
            owner.execute("VACUUM hdqm.point")
        yield url


@pytest.fixture
def plans(history):
    """Every plan of a statement, those within functions included: text → list of nodes."""
    with psycopg.connect(history, autocommit=True) as session:
        session.execute("LOAD 'auto_explain'")
        for name, value in (
            ("log_min_duration", "0"),
            ("log_nested_statements", "on"),
            ("log_analyze", "on"),
            ("log_timing", "off"),
            ("log_format", "json"),
            ("log_level", "notice"),
        ):
            session.execute(f"SET auto_explain.{name} = '{value}'")

        def nodes(sql):
            told = []
            session.add_notice_handler(lambda notice: told.append(notice.message_primary))
            assert session.execute(sql).fetchall(), "a plan that finds nothing says nothing"
            found = [json.loads(text[text.index("{") :])["Plan"] for text in told if "plan:" in text]
            assert found, "auto_explain told nothing"
            return [node for plan in found for node in walk(plan)]

        yield nodes


def walk(plan):
    yield plan
    for child in plan.get("Plans", ()):
        yield from walk(child)


def of_points(nodes):
    """Nodes that read points, whichever chunk."""
    found = [node for node in nodes if node.get("Relation Name", "").startswith("_hyper_")]
    assert found, "no points were read"
    return found


READS = {
    "plot": "SELECT x, unnest(series) AS series, unnest(value) AS value "
    f"FROM hdqm.trend_marks('group:g', {NEWEST}, 'even', '{{fills,errors}}', '', '{{}}') ORDER BY x, rank",
    "plot without outliers": f"SELECT x FROM hdqm.trend_plot('group:g', {NEWEST}, 'date', '{{outliers,mean}}')",
    "plot of an old range": f"SELECT x FROM hdqm.trend_plot('group:g', {RANGE}, 'even', '{{fills}}')",
    "values alone": f"SELECT * FROM hdqm.plot_values('group:g', {NEWEST})",
    "statistics": f"SELECT * FROM hdqm.trend_statistics('group:g', {NEWEST})",
    "table": f"SELECT * FROM hdqm.trend_values('group:g', {NEWEST})",
    "points of a run": f"SELECT * FROM hdqm.run_points('329970', {DATASET})",
}


@pytest.mark.parametrize("what", READS)
def test_points_are_found_by_an_index(plans, what):
    kinds = {node["Node Type"] for node in of_points(plans(READS[what]))}
    assert kinds <= {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}, kinds


@pytest.mark.parametrize(
    "what", ["plot", "plot without outliers", "plot of an old range", "values alone", "statistics"]
)
def test_what_the_key_carries_is_read_from_the_key_alone(plans, what):
    nodes = of_points(plans(READS[what]))
    assert {node["Node Type"] for node in nodes} == {"Index Only Scan"}
    assert sum(node["Heap Fetches"] for node in nodes) == 0


def test_a_plot_reads_no_more_points_than_it_draws(plans):
    """Each once, of the newest chunk alone, in one walk: not once a series, not once a run."""
    (scan,) = of_points(plans(READS["plot"]))
    assert (scan["Actual Rows"], scan["Actual Loops"]) == (9 * 20, 1)
    assert scan.get("Rows Removed by Filter", 0) == 0


@pytest.mark.parametrize(
    "sql", [READS["plot"], f"SELECT x, series, value FROM hdqm.trend_plot('group:g', {NEWEST}, 'even', '{{errors}}')"]
)
def test_the_rows_of_a_plot_are_sent_as_they_are_made(plans, sql):
    """The function became part of the statement: its rows are not laid aside, and sorted are runs, not points."""
    nodes = plans(sql)
    assert "trend_plot" not in {node.get("Function Name") for node in nodes}
    (unfolded,) = [node for node in nodes if node["Node Type"] == "ProjectSet"]
    (sorting,) = [node for node in walk(unfolded) if node["Node Type"] == "Sort"]
    assert unfolded["Actual Rows"] > 4 * sorting["Actual Rows"]


def test_the_newest_runs_are_found_without_walking_along_all(plans):
    nodes = plans(f"SELECT hdqm.run_selection('latest', '20', {DATASET})")
    files = [node for node in nodes if node.get("Relation Name") == "dqm_file"]
    assert files
    assert {node["Node Type"] for node in files} == {"Index Only Scan"}
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in files) < 100


SUMS = {
    "home": ("SELECT * FROM hdqm.home_subsystems()", {"point"}),  # whether each trend has a series at all is looked up
    "outside": ("SELECT count(*) FROM hdqm.outside_range(3)", {"point"}),
    "coverage": ("SELECT * FROM hdqm.coverage('HCAL', 'latest', '50', 'all', 'default')", {"point", "series"}),
    "coverage of all": ("SELECT * FROM hdqm.coverage('all', 'latest', '50', 'all', 'default')", {"point", "series"}),
    "subsystems": ("SELECT * FROM hdqm.choose_subsystem()", {"point", "series"}),
    "datasets": ("SELECT * FROM hdqm.choose_primary_dataset('HCAL')", {"point", "series"}),
    "covered datasets": ("SELECT * FROM hdqm.choose_covered_dataset('all')", {"point", "series"}),
    "files by state": ("SELECT * FROM hdqm.files_by_state()", {"dqm_file"}),
    "points a day": ("SELECT * FROM hdqm.points_per_hour('2018-01-01', '2100-01-01')", {"dqm_file", "definition_set"}),
}


@pytest.mark.parametrize("what", SUMS)
def test_what_is_counted_when_it_is_written_is_not_counted_again(plans, what):
    """Such pages read counts; what they take from the tables that were counted is a handful of rows."""
    sql, spared = SUMS[what]
    rows = Counter()
    for node in plans(sql):
        table = node.get("Relation Name")
        if table:
            removed = node.get("Rows Removed by Filter", 0)
            name = "point" if table.startswith("_hyper_") else table
            rows[name] += (node["Actual Rows"] + removed) * node["Actual Loops"]
    assert rows.total() > 0
    assert {table: rows[table] for table in spared if rows[table] > 30} == {}


def test_points_of_a_run_are_ranked_in_one_walk_along_its_series(plans):
    nodes = of_points(plans(READS["points of a run"]))
    assert {node["Node Type"] for node in nodes} == {"Index Only Scan"}
    assert [node["Actual Loops"] for node in nodes if node["Actual Loops"]] == [1]


def test_a_plot_without_outliers_reads_its_points_twice_at_most(plans):
    walks = [node for node in of_points(plans(READS["plot without outliers"])) if node["Actual Loops"]]
    assert len(walks) == 2


@pytest.mark.parametrize("table", ["run", "dqm_file"])
def test_a_table_of_points_looks_for_runs_and_files_once_not_for_each_point(plans, table):
    found = [node for node in plans(READS["table"]) if node.get("Relation Name") == table]
    assert found
    assert max(node["Actual Loops"] for node in found) <= 20


def test_a_whole_history_adds_up_its_own_points_alone(plans):
    nodes = of_points(plans("SELECT * FROM hdqm.panel_history('group:g', 'HCAL', 'A', 'PromptReco')"))
    assert {node["Node Type"] for node in nodes} <= {"Index Only Scan", "Index Scan", "Bitmap Heap Scan"}
