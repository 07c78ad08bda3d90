"""Which runs somebody means: understood once, in the database, for dashboards, API and command line."""

import pytest
from loading import ingest, make_file, make_histogram, make_trend
from psycopg import errors

from hdqm_ops import load

TRACKER, HCAL = make_trend("a"), make_trend("b", subsystem="HCAL")


@pytest.fixture(scope="module")
def filled(make_database, migrated_template):
    """Ten runs of SingleMuon with Tracker; every second one with HCAL too; three runs of ZeroBias."""
    both = {"Tracker/a": make_histogram(1), "HCAL/b": make_histogram(2)}
    with make_database(migrated_template) as url, load.connect(url) as connection:
        contents = {make_file(325000 + at): both if at % 2 else {"Tracker/a": make_histogram(1)} for at in range(10)}
        contents |= {make_file(325100 + at, dataset="ZeroBias"): both for at in range(3)}
        load.register_files(connection, [*contents, make_file(325200)])
        paths = {file.path: content for file, content in contents.items()}
        ingest(connection, [TRACKER, HCAL], paths, paths=tuple(paths))
        connection.execute("UPDATE hdqm.run SET significant = false WHERE run_number = 325008")
        connection.execute(
            "UPDATE hdqm.run SET significant = true, run_class = 'Collisions18', "
            "duration_s = 100 * (run_number - 325000), "
            "start_time = '2018-10-01'::timestamptz + (run_number - 325000) * interval '1 day' "
            "WHERE run_number < 325005"
        )
        connection.execute(
            "INSERT INTO hdqm.golden_json (name, runs) VALUES ('2018', '{[325001,325003],[325007,325300]}')"
        )
        yield connection


def select(connection, mode, value, *, subsystem="Tracker", dataset="SingleMuon", quality="default"):
    rows = connection.execute(
        "SELECT * FROM hdqm.run_selection(%s, %s, %s, %s, 'PromptReco', %s)", [mode, value, subsystem, dataset, quality]
    )
    return [run - 325000 for (run,) in rows.fetchall()]


def test_latest_counts_runs_that_have_points(filled):
    assert select(filled, "latest", "3") == [9, 7, 6]
    assert select(filled, "latest", " 3 ", quality="all") == [9, 8, 7]
    assert select(filled, "latest", "1000", dataset="ZeroBias") == [102, 101, 100]
    assert select(filled, "latest", "4", dataset=None) == [102, 101, 100, 9]
    assert select(filled, "latest", "2", subsystem=None) == [9, 7]


def test_gaps_are_points_too(filled):
    assert select(filled, "latest", "3", subsystem="HCAL") == [9, 7, 6]


def test_unknown_names_select_nothing(filled):
    assert select(filled, "latest", "3", subsystem="Nobody") == []
    assert select(filled, "latest", "3", dataset="Nobody") == []


def test_range(filled):
    assert select(filled, "range", "325002-325004") == [4, 3, 2]
    assert select(filled, "range", " 325007 - 999999999 ") == [9, 7]


def test_a_list_is_taken_whatever_its_quality(filled):
    assert select(filled, "list", "325008 325001,325003-325004 77") == [8, 4, 3, 1]


def test_golden(filled):
    assert select(filled, "golden", "2018", quality="all") == [9, 8, 7, 3, 2, 1]


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("run_class = Collisions18", [4, 3, 2, 1, 0]),
        ("run_class = 'Collisions18' and duration_s > 150", [4, 3, 2]),
        ("DURATION_S >= 3e2 AND run_number != 325003", [4]),
        ("start_time < 2018-10-03", [1, 0]),
        ("start_time >= '2018-10-03 00:00:00+00' and start_time < '2018-10-04'", [2]),
        ("run_class is null", [9, 7, 6, 5]),
        ("run_class is not null and significant = true", [4, 3, 2, 1, 0]),
        ("run_class = 'it''s; DROP TABLE hdqm.run; --'", []),
        ("run_class = %s", []),
        ("run_class <> $1", [4, 3, 2, 1, 0]),
    ],
)
def test_where(filled, condition, runs):
    assert select(filled, "where", condition) == runs


@pytest.mark.parametrize(
    ("mode", "value", "message"),
    [
        ("newest", "3", "there is no mode 'newest'; there are latest, range, list, golden, where"),
        (None, "3", "there is no mode ''"),
        ("latest", "many", "latest: 'many' is no number of runs"),
        ("latest", "0", "latest: '0' is no number of runs"),
        ("latest", "-3", "no number of runs"),
        ("latest", None, "no number of runs"),
        ("range", "325000", "range: cannot read '325000': write it as in: 325000-325170"),
        ("range", "325004-325000", "a range must not end before it begins"),
        ("list", "325000 and more", "cannot read the runs"),
        ("list", "", "cannot read the runs"),
        ("list", "99999999999", "cannot read the runs"),
        ("golden", "2017", "no list of certified runs named '2017'"),
        ("where", "", "cannot read ''"),
        ("where", "run_class", "cannot read 'run_class'"),
        ("where", "run_class = a or 1 = 1", "cannot read"),
        ("where", "run_class = a and", "cannot read"),
        ("where", "pg_sleep(1) = 1", "cannot read"),
        ("where", "passwd = 1", "hdqm.runs has no column 'passwd'"),
        ("where", "tableoid = 1", "hdqm.runs has no column 'tableoid'"),
        ("where", "duration_s > soon", "where: invalid input syntax for type double precision"),
        ("where", "duration_s > 1; DROP TABLE hdqm.run", "cannot read"),
        ("where", "run_number > 99999999999", "where: .*out of range"),
        ("where", "start_time > 2018-13-45", "where: date/time field value out of range"),
    ],
)
def test_what_cannot_be_read_says_why(filled, mode, value, message):
    with pytest.raises(errors.InvalidParameterValue, match=message):
        select(filled, mode, value)


def test_an_unknown_quality_says_which_there_are(filled):
    with pytest.raises(errors.InvalidParameterValue, match="no quality 'best'; there are default and all"):
        select(filled, "latest", "3", quality="best")
