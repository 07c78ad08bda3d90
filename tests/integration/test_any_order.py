"""Any order of events, with workers that come late, die, or meet: the tables are those of the sorted, undisturbed one.

``HDQM_TEST_EXAMPLES=1000 pytest tests/integration/test_any_order.py --hypothesis-show-statistics`` looks longer.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from loading import do, ingest, make_file, make_histogram, make_trend, recomputed
from tables import facts, orphans

from hdqm_ops import load
from hdqm_ops.load import _claims, _files, _recompute, _store

WORLD = {
    make_file(325000, 1): {"Tracker/a": make_histogram(1), "Tracker/b": make_histogram(2)},
    make_file(325000, 2): {"Tracker/a": make_histogram(3)},
    make_file(325001, 1): {"Tracker/b": make_histogram(4), "Tracker/c": make_histogram(0, entries=0.0)},
    make_file(325001, 1, reprocessing=2): {"Tracker/c": make_histogram(5)},
    make_file(325001, 3): None,  # it cannot be read
    make_file(325002, 2): None,
    make_file(325002, 1): {"Tracker/d": make_histogram(6)},
    make_file(325002, 3, dataset="ZeroBias"): {"Tracker/b": make_histogram(8)},
    make_file(325003, 1): {},
}
FILES = list(WORLD)
SMALL = [make_trend(name, low=2.5, high=6.5) for name in "abcde"]  # in the end nobody has e, but some had it early
# a computes something else, what is expected of b changes, d and e are retired
OTHER = [make_trend("a", arguments=(10,), low=2.5), make_trend("b", high=1.5), SMALL[2]]
NOW = 10**9

WORKERS = st.sampled_from("xyz")
ONE_FILE = st.sampled_from(range(len(FILES)))
EVENT = st.one_of(
    st.tuples(st.just("list"), st.sets(ONE_FILE, min_size=1)),
    st.tuples(st.sampled_from(["grow", "vanish"]), ONE_FILE),
    st.tuples(st.sampled_from(["ingest", "extract", "calculate", "redo", "other", "subset", "expire"]), st.none()),
    st.tuples(st.sampled_from(["crash", "crash in a claim"]), st.integers(0, 60)),
    *[st.tuples(st.just("take"), st.tuples(WORKERS, st.integers(0, 5), st.booleans()))] * 3,
    *[st.tuples(st.just("look at stored"), st.tuples(WORKERS, st.booleans()))] * 2,
    *[st.tuples(st.just("finish"), WORKERS)] * 3,
    st.tuples(st.just("configure"), st.booleans()),
    st.tuples(st.just("expire"), st.none()),
    st.tuples(st.just("meet"), st.none()),
)
EVENTS = st.one_of(
    st.lists(EVENT, max_size=20), st.lists(EVENT, min_size=6, max_size=20)
)  # else a third has none or one


class Crash(BaseException):
    """The process is gone."""


@dataclass
class World:
    """A database, the files as they are at the moment, and workers with something in their hands."""

    url: str
    crash_at: object = None
    early: dict = field(default_factory=dict)  # files that show an earlier content
    trends: list = field(default_factory=lambda: SMALL)
    hands: dict = field(default_factory=dict)

    @property
    def contents(self):
        return {file.path: found for file, found in WORLD.items()} | self.early

    def live(self, kind, detail=None):
        with load.connect(self.url) as connection:
            match kind:
                case (
                    "list" | "grow" | "vanish" | "take" | "finish" | "expire" | "meet" | "configure" | "look at stored"
                ):
                    getattr(self, kind.replace(" ", "_"))(connection, detail)
                case "crash" | "crash in a claim":
                    self.crash(connection, detail, holder="crash" if kind != "crash" else None)
                case "redo":
                    self.ingest(connection, SMALL, mode="all")
                case "other":
                    self.ingest(connection, OTHER)
                case "subset":
                    ingest(connection, SMALL[:2], self.contents, whole=False)
                case stage:
                    self.ingest(connection, SMALL, stage=stage)

    def ingest(self, connection, trends, **how):
        self.trends = trends
        ingest(connection, trends, self.contents, holder="quick", **how)

    def list(self, connection, chosen):
        files = [FILES[at] for at in sorted(chosen)]
        for file in files:
            self.early.pop(file.path, None)
        load.register_files(connection, files)

    def grow(self, connection, at):
        file = FILES[at]
        if WORLD[file] is not None:  # a file that was good and is broken now keeps what was good of it
            self.early[file.path] = {f"Tracker/{name}": make_histogram(77) for name in "ade"}
            load.register_files(connection, [replace(file, size_bytes=5)])

    def vanish(self, connection, at):
        ids = connection.execute("SELECT id FROM hdqm.dqm_file WHERE path = %s", [FILES[at].path]).fetchall()
        load.record_vanished(connection, [file_id for (file_id,) in ids])

    def expire(self, connection, _detail):
        connection.execute("UPDATE hdqm.dqm_file SET claim_expires = '2000-01-01' WHERE claimed_by IS NOT NULL")

    def take(self, connection, detail):
        """A worker claims a file and reads it, perhaps badly; what it had in hand is forgotten, as after a crash."""
        worker, number, torn = detail
        works = load.pending(connection, load.Scope())
        if works:
            found = load.claim_work(connection, works[number % len(works)], worker, 60)
            event(f"take: {type(found).__name__}")
            if isinstance(found, load.Work):
                self.hands[worker] = found, self.trends, None if torn else self.contents[found.file.path]

    def configure(self, connection, other):
        """Trends change, and nothing is computed yet."""
        self.trends = OTHER if other else SMALL
        load.apply_configuration(connection, self.trends, whole=True)

    def look_at_stored(self, connection, detail):
        """A worker computes anew what it can of stored histograms, many files at once and without claims."""
        worker, anew = detail
        works = load.pending(connection, load.Scope(stage="calculate", mode="all" if anew else "missing"))
        if found := recomputed(connection, works, self.trends):
            self.hands[worker] = found

    def finish(self, connection, worker):
        """It computes and stores what it knew then, however late it is."""
        match self.hands.pop(worker, None):
            case None:
                return
            case list() as found:
                done = [load.load_recomputed(connection, results) for results in found]
                stored, number = sum(map(len, done)), sum(map(len, found))
                event(f"finish: of many {'all' if stored == number else 'some' if stored else 'none'}")
            case taken:
                counts = do(connection, *taken)
                event(f"finish: {counts.state if counts else 'failed'}")

    def meet(self, _connection, _detail):
        """Two whole ingests at once."""

        def one(holder):
            with load.connect(self.url) as connection:
                ingest(connection, SMALL, self.contents, holder=holder)

        self.trends = SMALL
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(one, ["left", "right"]))

    def crash(self, connection, number, holder):
        load.apply_configuration(connection, SMALL, whole=True)
        self.trends = SMALL
        self.crash_at(connection, number)
        try:
            ingest(connection, SMALL, self.contents, holder=holder)
        except Crash:
            event("crash: in the middle")
        finally:
            self.crash_at(None, NOW)


@pytest.fixture(scope="module")
def crash_at():
    """Cuts the connection when the n-th statement of loads, claims and failures is about to be sent."""
    modules = (_store, _claims, _files, _recompute)
    original = _store.query
    armed = [None, iter(())]

    def counted(file, name):
        connection, left = armed
        if connection is not None and next(left, None) is None:
            connection.close()
            raise Crash
        return original(file, name)

    def arm(connection, number):
        armed[:] = connection, iter(range(number))

    with pytest.MonkeyPatch.context() as patch:
        for module in modules:
            patch.setattr(module, "query", counted)
        yield arm


@pytest.fixture(scope="module")
def database(make_database, migrated_template):
    with make_database(migrated_template) as url:
        yield url


@pytest.fixture(scope="module")
def empty(database):
    """Empties all tables that a migration leaves empty: quicker than a new database for each example."""
    with load.connect(database, role=None) as connection:
        names = [
            name
            for (name,) in connection.execute(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'hdqm'"
            ).fetchall()
            if connection.execute(f"SELECT FROM {name} LIMIT 1").fetchone() is None
        ]
        assert {"hdqm.point", "hdqm.histogram", "hdqm.dqm_file", "hdqm.trend"} <= {*names}

        def make_empty():
            connection.execute(f"TRUNCATE {', '.join(names)} RESTART IDENTITY")

        yield make_empty


@pytest.fixture(scope="module")
def reference(database, empty):
    world = World(database)
    world.live("list", {*range(len(FILES))})
    world.live("ingest")
    return facts(database, without=["history"])


@pytest.mark.slow
@settings(
    max_examples=int(os.environ.get("HDQM_TEST_EXAMPLES", "30")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="HDQM_TEST_EXAMPLES" not in os.environ,
    print_blob=True,
)
@given(events=EVENTS)
@example(  # once found: a good file that could not be read once, below a better one that never can
    events=[
        ("list", {*range(len(FILES))}),
        ("vanish", 5),
        ("crash in a claim", 50),
        ("take", ("x", 5, True)),
        ("finish", "x"),
    ]
)
def test_any_order_ends_in_the_same_tables(events, database, empty, reference, crash_at):
    empty()
    world = World(database, crash_at)
    event(f"events: {len(events) // 5 * 5} and more")
    for kind, detail in events:
        event(kind)
        world.live(kind, detail)
    world.live("list", {*range(len(FILES))})
    world.live("expire")
    world.live("ingest")
    world.live("redo")  # what failed is tried with the others: a failure is counted each time
    world.live("expire")
    for worker in [*world.hands]:
        with suppress(KeyError):
            world.live("finish", worker)  # very late

    assert facts(database, without=["history"]) == reference
    assert orphans(database) == {}
