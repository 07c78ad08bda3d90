"""Many files recomputed at once end in the same tables as one after the other, history included."""

from contextlib import suppress
from dataclasses import replace

import pytest
from loading import ingest, make_file, make_histogram, make_trend, recompute, recomputed
from tables import facts, orphans, versions

from hdqm_ops import load
from hdqm_ops.load import Scope, _files, _recompute, _store

TRENDS = [make_trend(name) for name in "abcd"]
CHANGED = [
    make_trend("a", arguments=(10,)),
    make_trend("b", "Tracker/c"),
    make_trend("c"),
    make_trend("d", "Tracker/a"),
]
FILES = [make_file(325000 + run, dataset=name) for run in range(6) for name in ("SingleMuon", "ZeroBias")]


def contents():
    """Some have all elements, some lack one, one has them empty, one nothing at all."""
    found = {}
    for number, file in enumerate(FILES):
        names = "abcd"[: 4 - number % 4] if number < 10 else ""
        entries = 0.0 if number == 5 else 10.0
        found[file.path] = {f"Tracker/{name}": make_histogram(number, entries=entries) for name in names}
    return found


def live(url, *, together):
    """Loaded, changed to other definitions, changed back, and done anew."""
    with load.connect(url) as connection:
        load.register_files(connection, FILES)
        ingest(connection, TRENDS[:2], contents())
        for trends in (TRENDS, CHANGED, TRENDS, CHANGED):
            ingest(connection, trends, contents(), together=together)
        ingest(connection, CHANGED, contents(), together=together, stage="calculate", mode="all")


def values_of_history(found):
    """All facts, of the history those that do not depend on the order of the files.

    A series that gets its first value leaves "element missing" of earlier definitions behind for files yet to come.
    """
    values = [row for row in found["history"] if "element_missing" not in row]
    assert len(values) > 20
    return {**found, "history": values}


def test_together_is_the_same_as_one_by_one(make_database, migrated_template):
    with make_database(migrated_template) as one, make_database(migrated_template) as other:
        live(one, together=False)
        live(other, together=True)

        assert values_of_history(facts(one)) == values_of_history(facts(other))
        assert orphans(other) == {}


@pytest.fixture
def changed(connection):
    """Files that are loaded, and whose definitions are other ones now."""
    load.register_files(connection, FILES)
    ingest(connection, TRENDS, contents())
    load.apply_configuration(connection, CHANGED, whole=True)
    return connection


def test_the_second_time_writes_nothing(changed, db):
    works = load.pending(changed, Scope(stage="calculate"))
    first = recompute(changed, works, CHANGED)
    before = versions(db)
    again = recompute(changed, load.pending(changed, Scope(stage="calculate", mode="all")), CHANGED)

    assert len(first) == len(FILES)
    assert sum(counts.changed for counts in first.values()) > 0
    assert {counts.changed for counts in again.values()} == {0}
    assert versions(db) == before


def test_files_that_changed_or_have_a_rival_are_left_aside(changed):
    works = load.pending(changed, Scope(stage="calculate", datasets=("SingleMuon",)))
    load.register_files(changed, [replace(FILES[0], size_bytes=5), make_file(325001, 2)])

    done = recompute(changed, works, CHANGED)

    runs = {work.file.run_number for work in works if work.file_id not in done}
    assert runs == {325000, 325001}
    assert len(done) == 4


def test_files_that_others_work_on_or_have_done_are_left_aside(changed):
    works = load.pending(changed, Scope(stage="calculate", datasets=("ZeroBias",)))
    load.claim_work(changed, works[0], "another", 60)
    ingest(changed, CHANGED, contents(), together=False, runs=((325003, 325003),))

    done = recompute(changed, works, CHANGED)

    assert {work.file.run_number for work in works if work.file_id not in done} == {325000, 325003}


def test_a_fault_leaves_everything_as_it_was(changed, db, monkeypatch):
    before = facts(db)
    works = load.pending(changed, Scope(stage="calculate"))
    monkeypatch.setattr("hdqm_ops.load._recompute.intern", lambda *_: 1 / 0)

    with suppress(ZeroDivisionError):
        recompute(changed, works, CHANGED)

    assert facts(db) == before


class Crash(BaseException):
    """The process is gone."""


def test_a_crash_at_any_statement_leaves_nothing_behind(changed, db, monkeypatch):
    works = load.pending(changed, Scope(stage="calculate", datasets=("SingleMuon",)))
    before, original, crashes = facts(db), _store.query, 0
    while True:
        left = iter(range(crashes))
        with load.connect(db) as connection:

            def counted(file, name, connection=connection, left=left):
                if next(left, None) is None:
                    connection.close()
                    raise Crash
                return original(file, name)

            for module in (_store, _files, _recompute):
                monkeypatch.setattr(module, "query", counted)
            results = recomputed(changed, works, CHANGED)[0]
            try:
                done = load.load_recomputed(connection, results)
                break
            except Crash:
                crashes += 1
        assert facts(db) == before

    assert crashes > 10
    assert len(done) == len(works)
    assert facts(db) != before
    assert orphans(db) == {}
