"""The ledger: which files there are, what is to do with which."""

import pytest
from loading import do, ingest, make_file, make_histogram, make_trend
from tables import versions

from hdqm_ops import load
from hdqm_ops.load import Scope

A, B = make_trend("a"), make_trend("b", subsystem="HCAL")
BOTH = {"Tracker/a": make_histogram(1), "HCAL/b": make_histogram(2)}


def ledger(connection, columns="path, state, reason"):
    return connection.execute(f"SELECT {columns} FROM hdqm.dqm_files ORDER BY path").fetchall()


def events(connection):
    return connection.execute("SELECT old_state, new_state, reason FROM hdqm.file_events ORDER BY at").fetchall()


@pytest.fixture
def configured(connection):
    load.apply_configuration(connection, [A, B], whole=True)
    return connection


def asked(connection, **scope):
    """Runs (from 325000) and trends of the pending work."""
    return [
        (work.file.run_number - 325000, sorted(work.definitions)) for work in load.pending(connection, Scope(**scope))
    ]


# -- listing -----------------------------------------------------------------------------------------------------------


def test_a_listing_is_known_afterwards(connection):
    file = make_file(version=2, reprocessing=3)

    assert load.register_files(connection, [file, make_file(325001)]) == load.Registered(2, 0, 0, 0, 0)
    columns = (
        "run_number, dataset, primary_dataset, processing, era, processing_version, tier, dqm_version, size_bytes, "
        "extract(epoch FROM modified_at)::float8, state, tries"
    )
    assert ledger(connection, columns)[1] == (
        325000,
        "/SingleMuon/Run2018D-PromptReco-v3/DQMIO",
        "SingleMuon",
        "PromptReco",
        "Run2018D",
        3,
        "DQMIO",
        2,
        1002,
        1.6e9 + 2.25,
        "discovered",
        0,
    )
    assert connection.execute("SELECT run_number FROM hdqm.runs ORDER BY 1").fetchall() == [(325000,), (325001,)]


def test_the_same_listing_changes_no_row_version(db, connection):
    files = [make_file(run, ignored="a RelVal" if run % 2 else None) for run in range(325000, 325020)]
    load.register_files(connection, files)
    before = versions(db)

    assert load.register_files(connection, files) == load.Registered(0, 0, 20, 0, 10)
    assert versions(db) == before


def test_a_file_listed_twice_is_one_file(connection):
    assert load.register_files(connection, [make_file(), make_file()]).new == 1


def test_an_ignored_file_says_why_and_is_no_work(configured):
    load.register_files(configured, [make_file(ignored="a RelVal")])

    assert [row[1:] for row in ledger(configured)] == [("ignored", "a RelVal")]
    assert asked(configured) == []
    assert configured.execute("SELECT count(*) FROM hdqm.runs").fetchone() == (0,)


def test_a_file_that_is_no_longer_ignored_is_work(configured):
    load.register_files(configured, [make_file(ignored="a RelVal")])

    assert load.register_files(configured, [make_file()]).changed == 1
    assert asked(configured) == [(0, ["HCAL/b", "Tracker/a"])]


def test_a_path_that_is_no_text_is_ignored(connection):
    load.register_files(connection, [make_file(path="/dqm/\udcff.root")])

    assert ledger(connection) == [("/dqm/\\xff.root", "ignored", "its path is no UTF-8 text")]


def test_odd_paths_are_paths(connection):
    paths = ["/a b/'c'.root", "/new\nline", "/%s %(x)s", "/ü/日本/" + "x" * 300, "\\N", "/tab\t", '/{"x"}']

    load.register_files(connection, [make_file(325000 + at, path=path) for at, path in enumerate(paths)])

    assert {path for path, *_ in ledger(connection)} == set(paths)


def test_every_change_of_state_is_kept(configured):
    file = make_file()
    load.register_files(configured, [file])
    (work,) = load.pending(configured, Scope())
    load.record_failure(configured, work.file_id, "found 0 bytes")
    load.register_files(configured, [make_file(size_bytes=2000)])
    ingest(configured, [A, B], {file.path: BOTH})

    assert events(configured) == [
        (None, "discovered", None),
        ("discovered", "failed", "found 0 bytes"),
        ("failed", "discovered", None),
        ("discovered", "ingested", None),
    ]


# -- what is to do -----------------------------------------------------------------------------------------------------


def test_work_carries_the_file_as_it_was_listed(configured):
    file = make_file(mtime=1.7e9 + 0.123456789)
    load.register_files(configured, [file])

    (work,) = load.pending(configured, Scope())

    assert work.file == file
    assert not work.stored


def test_scopes_narrow_the_work(configured):
    files = [make_file(325000 + at) for at in range(4)]
    other = make_file(325000, dataset="ZeroBias")
    load.register_files(configured, [*files, other])
    all_trends = ["HCAL/b", "Tracker/a"]

    assert asked(configured) == [(0, all_trends), (0, all_trends), (1, all_trends), (2, all_trends), (3, all_trends)]
    assert asked(configured, runs=((325001, 325002),)) == [(1, all_trends), (2, all_trends)]
    assert asked(configured, runs=((325000, 325000), (325003, 400000)), datasets=("SingleMuon",)) == [
        (0, all_trends),
        (3, all_trends),
    ]
    assert asked(configured, subsystems=("HCAL",), runs=((325003, 325003),)) == [(3, ["HCAL/b"])]
    assert asked(configured, trends=("Tracker/a",), runs=((325003, 325003),)) == [(3, ["Tracker/a"])]
    assert asked(configured, trends=()) == []
    assert asked(configured, paths=(files[2].path,)) == [(2, all_trends)]
    assert asked(configured, datasets=("Nobody",)) == []
    (work,) = load.pending(configured, Scope(paths=(other.path,)))
    assert [found.file for found in load.pending(configured, Scope(file_ids=(work.file_id,)))] == [other]


def test_of_several_versions_the_best_is_the_work(configured):
    load.register_files(configured, [make_file(version=1), make_file(version=3), make_file(version=2)])

    (work,) = load.pending(configured, Scope())

    assert work.file.dqm_version == 3


def test_a_version_asked_for_by_name_is_taken_while_the_better_is_not(configured):
    old, new = make_file(version=1), make_file(version=2)
    load.register_files(configured, [old, new])

    assert [work.file for work in load.pending(configured, Scope(paths=(old.path,)))] == [old]
    ingest(configured, [A, B], {new.path: BOTH, old.path: BOTH}, paths=(new.path,))
    assert load.pending(configured, Scope(paths=(old.path,))) == []


def test_failed_files_are_work_only_when_asked_for(configured):
    load.register_files(configured, [make_file()])
    (work,) = load.pending(configured, Scope())
    load.record_failure(configured, work.file_id, "found 0 bytes")

    assert asked(configured) == []
    assert asked(configured, mode="failed") == asked(configured, mode="all") == [(0, ["HCAL/b", "Tracker/a"])]
    assert ledger(configured, "state, reason, tries") == [("failed", "found 0 bytes", 1)]

    do(configured, work, [A, B], BOTH)
    assert ledger(configured, "state, reason, tries") == [("ingested", None, 0)]


def test_all_means_also_what_is_done(configured):
    file = make_file()
    load.register_files(configured, [file])
    ingest(configured, [A, B], {file.path: BOTH})

    (work,) = load.pending(configured, Scope(mode="all"))
    assert (sorted(work.definitions), work.stored) == (["HCAL/b", "Tracker/a"], False)
    (work,) = load.pending(configured, Scope(mode="all", stage="calculate"))
    assert (sorted(work.definitions), work.stored) == (["HCAL/b", "Tracker/a"], True)


def test_a_new_trend_of_a_known_element_needs_no_file(configured):
    file = make_file()
    load.register_files(configured, [file])
    ingest(configured, [A, B], {file.path: BOTH})
    load.apply_configuration(configured, [A, B, make_trend("c", "Tracker/a"), make_trend("d")], whole=True)

    (work,) = load.pending(configured, Scope(stage="calculate"))
    assert (list(work.definitions), work.stored) == (["Tracker/c"], True)
    (work,) = load.pending(configured, Scope(stage="extract"))
    assert (list(work.definitions), work.stored) == (["Tracker/d"], False)
    (work,) = load.pending(configured, Scope())
    assert (sorted(work.definitions), work.stored) == (["Tracker/c", "Tracker/d"], False)


def test_an_element_that_was_looked_for_in_vain_is_known_too(configured):
    file = make_file()
    load.register_files(configured, [file])
    ingest(configured, [A, B], {file.path: {}})

    done = ingest(configured, [A, B, make_trend("c", "Tracker/a")], {})  # no file can be opened

    assert [counts.state for (counts,) in done.values()] == ["ingested"]
    assert asked(configured) == []


def test_work_can_be_carried_to_another_process(configured):
    import pickle

    load.register_files(configured, [make_file()])
    (work,) = load.pending(configured, Scope())

    again = pickle.loads(pickle.dumps(work))

    assert again == work
