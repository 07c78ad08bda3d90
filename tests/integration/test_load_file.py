"""One file, one transaction: what is in the tables after it, and after it was done again."""

import pytest
from loading import do, ingest, make_file, make_histogram, make_trend
from tables import facts, orphans, versions

from hdqm_ops import load
from hdqm_ops.load import FileResult, Scope
from hdqm_ops.model import Outcome, Reason

A, B = make_trend("a"), make_trend("b")


def points(connection, where="true"):
    rows = connection.execute(
        f"SELECT trend, run_number, coalesce(value::text, status) FROM hdqm.trend_points WHERE {where} ORDER BY 1, 2"
    )
    return [(trend, run - 325000, shown) for trend, run, shown in rows]


def states(connection):
    rows = connection.execute("SELECT run_number, dqm_version, state, loaded FROM hdqm.dqm_files ORDER BY 1, 2")
    return [(run - 325000, version, state, loaded) for run, version, state, loaded in rows]


def content(**values):
    return {f"Tracker/{name}": make_histogram(value) for name, value in values.items()}


@pytest.fixture
def world(connection):
    """Registers files with their contents, and ingests them."""

    def live(trends, contents, **options):
        load.register_files(connection, contents)
        return ingest(connection, trends, {file.path: found for file, found in contents.items()}, **options)

    return live


def test_values_gaps_histograms_and_ledger_come_together(connection, world):
    file = make_file()
    empty = make_histogram(0, entries=0.0)

    (counts,) = world([A, B], {file: {"Tracker/a": make_histogram(3), "Tracker/b": empty}})[file.path]

    assert counts == load.LoadCounts("ingested", 1, {"histogram_empty": 1}, histograms=2, changed=4)
    assert points(connection) == [("a", 0, "3"), ("b", 0, "histogram_empty")]
    assert states(connection) == [(0, 1, "ingested", True)]
    assert load.summary(connection) == load.Summary(
        {"ingested": 1}, trends=2, series=1, runs=1, points=1, gaps={"histogram_empty": 1}, histograms=2
    )


def test_a_zero_stays_a_zero(connection, world):
    world([A], {make_file(): content(a=0)})

    assert points(connection) == [("a", 0, "0")]


def test_the_same_again_changes_no_row_version(db, connection, world):
    files = {make_file(run): content(a=1, b=run - 325000) for run in (325000, 325001)}
    world([A, B], files)
    before = versions(db)

    done = world([A, B], files, mode="all")

    assert {count.changed for counts in done.values() for count in counts} == {0}
    assert versions(db) == before


def test_nothing_is_pending_once_it_is_done(connection, world):
    world([A], {make_file(): content(a=1)})

    assert load.pending(connection, Scope()) == []


# -- gaps --------------------------------------------------------------------------------------------------------------


def test_a_series_without_any_value_keeps_no_missing_rows(connection, world):
    world([A, B], {make_file(): content(a=1)})

    assert points(connection) == [("a", 0, "1")]


def test_a_series_born_later_gets_its_earlier_gaps(connection, world):
    first, second = make_file(325000), make_file(325001)
    world([A, B], {first: content(a=1)})

    world([A, B], {first: content(a=1), second: content(a=2, b=2)})

    assert points(connection, "trend = 'b'") == [("b", 0, "element_missing"), ("b", 1, "2")]


def test_a_gap_with_another_reason_is_no_birth(connection, world):
    first, second = make_file(325000), make_file(325001)

    world([B], {first: {}, second: {"Tracker/b": make_histogram(0, entries=0.0)}})

    assert points(connection) == [("b", 1, "histogram_empty")]


def test_the_order_of_files_does_not_show(make_database, migrated_template):
    contents = {
        make_file(325000): content(a=1),
        make_file(325001): content(b=2),
        make_file(325002): content(a=3, b=3),
        make_file(325003): {},
    }
    seen = []
    for files in (list(contents), list(reversed(contents))):
        with make_database(migrated_template) as url, load.connect(url) as connection:
            load.register_files(connection, files)
            load.apply_configuration(connection, [A, B], whole=True)
            works = {work.file.path: work for work in load.pending(connection, Scope())}
            for file in files:
                do(connection, works[file.path], [A, B], contents[file])
            assert orphans(url) == {}
            seen.append(facts(url))

    assert seen[0] == seen[1]
    assert len(seen[0]["points"]) == 8


def test_datasets_are_born_apart(connection, world):
    world([B], {make_file(325000): {}, make_file(325001, dataset="ZeroBias"): content(b=1)})

    assert points(connection) == [("b", 1, "1")]


def test_a_series_that_loses_its_only_value_loses_its_gaps(db, connection, world):
    gap, value = make_file(325000), make_file(325001)
    world([B], {gap: {}, value: content(b=1)})
    assert len(points(connection)) == 2

    world([B], {gap: {}, make_file(325001, version=2): {}})

    assert points(connection) == []
    assert orphans(db) == {}


# -- versions ----------------------------------------------------------------------------------------------------------


def test_a_newer_version_takes_the_place_of_the_older(db, connection, world):
    old, new = make_file(version=1), make_file(version=2)
    world([A, B], {old: content(a=1, b=1)})

    world([A, B], {old: content(a=1, b=1), new: content(a=2)})

    assert points(connection) == [("a", 0, "2")]  # b had its only value in the old file
    assert states(connection) == [(0, 1, "superseded", False), (0, 2, "ingested", True)]
    assert connection.execute("SELECT count(DISTINCT dqm_file_id), count(*) FROM hdqm.histogram").fetchone() == (1, 1)
    assert orphans(db) == {}


def test_an_older_version_that_comes_late_changes_no_point(db, connection, world):
    new, old = make_file(version=2), make_file(version=1)
    world([A], {new: content(a=2)})

    world([A], {new: content(a=2), old: content(a=1)})

    assert points(connection) == [("a", 0, "2")]
    assert states(connection) == [(0, 1, "superseded", False), (0, 2, "ingested", True)]


def test_a_loser_that_was_under_way_stores_nothing(db, connection, world):
    new, old = make_file(version=2), make_file(version=1)
    load.apply_configuration(connection, [A], whole=True)
    load.register_files(connection, [old])
    (late,) = load.pending(connection, Scope())
    world([A], {new: content(a=2)})
    before = facts(db)

    counts = do(connection, late, [A], content(a=1))

    assert counts.state == "superseded"
    assert facts(db) == before


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (make_file(reprocessing=2, version=1), make_file(reprocessing=1, version=3)),
        (make_file(version=2), make_file(version=1, mtime=2e9)),
        (make_file(path="/b.root", mtime=5.0), make_file(path="/a.root", mtime=5.0)),
        (make_file(path="/a.root", mtime=5.5), make_file(path="/b.root", mtime=5.25)),
        (make_file(path="/a/ü.root", mtime=5.0), make_file(path="/a/z.root", mtime=5.0)),
    ],
)
def test_rank_in_the_database_is_rank_in_python(connection, better, worse):
    assert better.rank() > worse.rank()
    load.apply_configuration(connection, [A], whole=True)
    load.register_files(connection, [better, worse])

    (work,) = load.pending(connection, Scope())

    assert work.file == better


def test_a_broken_newer_version_does_not_displace_a_good_one(connection, world):
    old, new = make_file(version=1), make_file(version=2)
    world([A], {old: content(a=1)})

    world([A], {old: content(a=1), new: None})

    assert points(connection) == [("a", 0, "1")]
    assert states(connection) == [(0, 1, "ingested", True), (0, 2, "failed", False)]


def test_where_the_newer_is_broken_the_older_is_taken(connection, world):
    old, new = make_file(version=1), make_file(version=2)

    world([A], {old: content(a=1), new: None})

    assert points(connection) == [("a", 0, "1")]
    assert states(connection) == [(0, 1, "ingested", True), (0, 2, "failed", False)]


def test_a_winner_that_breaks_gives_way_to_the_next(db, connection, world):
    old, new = make_file(version=1), make_file(version=2)
    world([A], {old: content(a=1), new: content(a=2)})

    world([A], {old: content(a=1), make_file(version=2, size_bytes=1): None})

    assert points(connection) == [("a", 0, "1")]
    assert states(connection) == [(0, 1, "ingested", True), (0, 2, "failed", False)]
    assert orphans(db) == {}


def test_a_changed_file_is_read_again(connection, world):
    world([A, B], {make_file(): content(a=1, b=1)})

    world([A, B], {make_file(size_bytes=7): content(a=2)})

    assert points(connection) == [("a", 0, "2")]
    assert connection.execute("SELECT count(*) FROM hdqm.histogram").fetchone() == (1,)


def test_what_was_read_before_a_file_changed_is_not_stored(db, connection, world):
    load.apply_configuration(connection, [A], whole=True)
    load.register_files(connection, [make_file()])
    (work,) = load.pending(connection, Scope())
    load.register_files(connection, [make_file(size_bytes=7)])
    before = versions(db)

    assert do(connection, work, [A], content(a=1)).state == "stale"
    assert versions(db) == before


# -- definitions -------------------------------------------------------------------------------------------------------


def test_a_subset_does_its_own_and_retires_nothing(connection, world):
    file = make_file()
    world([A, B], {file: content(a=1, b=1, c=1)})

    done = world([make_trend("c")], {file: content(a=9, b=9, c=3)}, whole=False)

    assert done[file.path][0].values == 1
    assert points(connection) == [("a", 0, "1"), ("b", 0, "1"), ("c", 0, "3")]
    assert connection.execute("SELECT bool_and(active) FROM hdqm.trends").fetchone() == (True,)
    assert load.pending(connection, Scope()) == []


def test_a_new_trend_needs_only_itself(connection, world):
    file = make_file()
    world([A], {file: content(a=1, b=1)})
    load.apply_configuration(connection, [A, B], whole=True)

    (work,) = load.pending(connection, Scope())

    assert list(work.definitions) == ["Tracker/b"]
    assert not work.stored


def test_a_changed_definition_is_computed_from_stored_histograms(db, connection, world):
    world([A, B], {make_file(): content(a=1, b=1)})
    changed = make_trend("a", arguments=(10,))

    done = ingest(connection, [changed, B], {})  # no file can be opened

    assert [counts.changed for (counts,) in done.values()] == [2]  # the new point, and the old one in the history
    assert points(connection) == [("a", 0, "11"), ("b", 0, "1")]
    rows = connection.execute("SELECT trend, value, current FROM hdqm.trend_points_all ORDER BY 1, 2").fetchall()
    assert rows == [("a", 1, False), ("a", 11, True), ("b", 1, True)]


def test_a_definition_that_counts_again_leaves_the_history(db, connection, world):
    world([A], {make_file(): content(a=1)})
    before = facts(db)
    ingest(connection, [make_trend("a", arguments=(10,))], {})

    ingest(connection, [A], {})

    rows = connection.execute("SELECT value, current FROM hdqm.trend_points_all ORDER BY 1").fetchall()
    assert rows == [(1, True), (11, False)]
    assert facts(db, without=["history"]) == {kind: rows for kind, rows in before.items() if kind != "history"}


def test_a_definition_that_no_longer_counts_is_not_stored(connection, world):
    load.register_files(connection, [make_file()])
    load.apply_configuration(connection, [A], whole=True)
    (work,) = load.pending(connection, Scope())
    load.apply_configuration(connection, [make_trend("a", arguments=(10,))], whole=True)

    counts = do(connection, work, [A], content(a=1))

    assert counts.values == 0
    assert points(connection) == []
    assert [list(work.definitions) for work in load.pending(connection, Scope())] == [["Tracker/a"]]


def test_a_superseded_file_leaves_no_history(connection, world):
    old, new = make_file(version=1), make_file(version=2)
    world([A], {old: content(a=1)})
    ingest(connection, [make_trend("a", arguments=(10,))], {})

    world([make_trend("a", arguments=(10,))], {old: content(a=1), new: content(a=2)})

    assert connection.execute("SELECT value FROM hdqm.trend_points_all").fetchall() == [(12,)]


def test_a_retired_trend_keeps_its_points_and_gets_no_new_ones(connection, world):
    world([A, B], {make_file(325000): content(a=1, b=1)})

    world([A], {make_file(325001): content(a=2, b=2)})

    assert points(connection) == [("a", 0, "1"), ("a", 1, "2"), ("b", 0, "1")]


# -- stages ------------------------------------------------------------------------------------------------------------


def test_extract_and_calculate_apart_are_ingest(make_database, migrated_template):
    contents = {make_file(run): content(a=run - 325000, b=1) for run in (325000, 325001)}
    contents[make_file(325002)] = content(a=2)
    paths = {file.path: found for file, found in contents.items()}
    seen = []
    for stages in (["ingest"], ["extract", "calculate"], ["extract", "ingest"]):
        with make_database(migrated_template) as url, load.connect(url) as connection:
            load.register_files(connection, contents)
            for stage in stages:
                ingest(connection, [A, B], paths, stage=stage)
            seen.append(facts(url))

    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0]["points"]) == 6


def test_calculate_waits_for_extract(connection):
    load.apply_configuration(connection, [A], whole=True)
    load.register_files(connection, [make_file()])

    assert load.pending(connection, Scope(stage="calculate")) == []


def test_extracting_a_newer_version_leaves_the_older_points(db, connection, world):
    old, new = make_file(version=1), make_file(version=2)
    world([A], {old: content(a=1)})

    world([A], {new: content(a=2)}, stage="extract")

    assert points(connection) == [("a", 0, "1")]
    ingest(connection, [A], {}, stage="calculate")
    assert points(connection) == [("a", 0, "2")]
    assert connection.execute("SELECT count(*) FROM hdqm.histogram").fetchone() == (1,)


# -- the run in the folder ---------------------------------------------------------------------------------------------


def test_the_folder_is_trusted_where_the_name_says_another_run(db, connection):
    load.apply_configuration(connection, [A], whole=True)
    load.register_files(connection, [make_file(325000)])
    (work,) = load.pending(connection, Scope())

    do(connection, work, [A], content(a=1), run=325007)

    assert points(connection) == [("a", 7, "1")]
    assert connection.execute("SELECT run_number, name_run_number, reason FROM hdqm.dqm_files").fetchone() == (
        325007,
        325000,
        "its folder says run 325007, its name run 325000: the folder is trusted",
    )
    assert connection.execute("SELECT run_number FROM hdqm.runs ORDER BY 1").fetchall() == [(325000,), (325007,)]
    assert load.pending(connection, Scope()) == []
    assert orphans(db) == {}


def test_a_file_whose_folder_changes_moves(db, connection):
    load.apply_configuration(connection, [A], whole=True)
    load.register_files(connection, [make_file(325000)])
    (work,) = load.pending(connection, Scope())
    do(connection, work, [A], content(a=1), run=325007)
    load.register_files(connection, [make_file(325000, size_bytes=7)])
    (work,) = load.pending(connection, Scope())

    do(connection, work, [A], content(a=2), run=325008)

    assert points(connection) == [("a", 8, "2")]
    assert orphans(db) == {}


def test_a_dataset_that_gets_an_alias_moves(db, connection, world):
    world([A], {make_file(processing="UL_rsb"): content(a=1)})
    path = make_file(processing="UL_rsb").path

    world([A], {make_file(processing="UL", path=path): content(a=1)})

    assert connection.execute("SELECT processing, value FROM hdqm.trend_points").fetchall() == [("UL", 1)]
    assert orphans(db) == {}


# -- odd numbers -------------------------------------------------------------------------------------------------------


def test_an_error_too_large_for_four_bytes_is_left_out(connection, world):
    world([A], {make_file(): content(a=1)})
    huge = make_trend("a", arguments=(1e300,))

    ingest(connection, [huge], {})

    assert connection.execute("SELECT value, error FROM hdqm.trend_points").fetchone() == (1e300, None)


def test_what_is_not_finite_is_refused_by_the_database(connection):
    load.apply_configuration(connection, [A], whole=True)
    load.register_files(connection, [make_file()])
    (work,) = load.pending(connection, Scope())
    bad = reduce_to(float("nan"))

    with pytest.raises(Exception, match="point_numbers_are_finite"):
        load.load_file(connection, FileResult(work, {work.definitions["Tracker/a"]: bad}))
    assert states(connection) == [(0, 1, "discovered", False)]


def reduce_to(value):
    from hdqm_ops.model import Measurement

    return Outcome(Reason.OK, Measurement(value, 0.0), 1.0, 0)
