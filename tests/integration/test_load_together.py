"""Several writers at once, writers that die, orders that nobody planned: the tables are what they would have been."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from loading import do, ingest, make_file, make_histogram, make_trend
from psycopg import errors
from psycopg.pq import TransactionStatus
from tables import facts, orphans

from hdqm_ops import load
from hdqm_ops.errors import TryAgain
from hdqm_ops.load import Scope, _store
from hdqm_ops.load._sql import query
from hdqm_ops.local._process import wait_until

NAMES = "abcdefgh"
TRENDS = [make_trend(name) for name in NAMES]


def some_files(seed=1, runs=12, datasets=("SingleMuon", "ZeroBias")):
    """Files of several runs, datasets and versions, each with some of the elements."""
    chance = random.Random(seed)
    contents = {}
    for run in range(325000, 325000 + runs):
        for dataset in datasets:
            for version in range(1, chance.randint(1, 3) + 1):
                names = [name for name in NAMES if chance.random() < 0.7]
                file = make_file(run, version, dataset=dataset)
                contents[file] = {f"Tracker/{name}": make_histogram(chance.randint(0, 99)) for name in names}
    return contents


@pytest.fixture
def undisturbed(make_database, migrated_template):
    """Facts after a quiet load of the contents."""

    def quietly(contents, trends=TRENDS):
        with make_database(migrated_template) as url, load.connect(url) as connection:
            load.register_files(connection, contents)
            ingest(connection, trends, {file.path: found for file, found in contents.items()})
            assert orphans(url) == {}
            return facts(url, without=["history"])

    return quietly


def deadlocks(url):
    with load.connect(url, role=None) as connection:
        connection.execute("SELECT pg_stat_clear_snapshot()")
        return connection.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()


# -- at once -----------------------------------------------------------------------------------------------------------


def test_writers_at_once_are_writers_in_turn(db, undisturbed):
    contents = some_files()
    paths = {file.path: found for file, found in contents.items()}
    with load.connect(db) as connection:
        load.apply_configuration(connection, TRENDS, whole=True)
        load.register_files(connection, contents)
        works = [load.pending(connection, Scope(paths=(path,))) for path in paths]  # every version, not only the best

    def work(share):
        with load.connect(db) as connection:
            for (one,) in share:
                do(connection, one, TRENDS, paths[one.file.path])

    random.Random(2).shuffle(works)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, [works[at::6] for at in range(6)]))

    assert facts(db, without=["history"]) == undisturbed(contents)
    assert deadlocks(db) == (0,)


def test_listing_configuring_and_loading_at_once(db, undisturbed):
    contents = some_files(seed=3, runs=6)
    paths = {file.path: found for file, found in contents.items()}

    def everything(seed):
        order = list(contents)
        random.Random(seed).shuffle(order)
        with load.connect(db) as connection:
            for at in range(0, len(order), 5):
                load.register_files(connection, order[at : at + 5])
                ingest(connection, TRENDS, paths)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(everything, range(4)))

    assert facts(db, without=["history"]) == undisturbed(contents)
    assert deadlocks(db) == (0,)


def test_the_reader_never_waits(db, monkeypatch):
    old, new = make_file(version=1), make_file(version=2)
    content = {f"Tracker/{name}": make_histogram(1) for name in NAMES}
    versions = (
        "SELECT dqm_version, count(*) FROM hdqm.trend_points JOIN hdqm.dqm_files f USING (dqm_file_id) GROUP BY 1"
    )
    seen = []
    original = _store.query
    with load.connect(db) as writer, load.connect(db, role="hdqm_reader") as reader:
        load.register_files(writer, [old])
        ingest(writer, TRENDS, {old.path: content})
        load.register_files(writer, [new])
        reader.execute("SET lock_timeout = '5s'")

        def read_in_between(file, name):
            seen.append(reader.execute(versions).fetchall())
            return original(file, name)

        monkeypatch.setattr(_store, "query", read_in_between)
        ingest(writer, TRENDS, {new.path: content})

    assert len(seen) > 15
    assert seen == [[(1, len(NAMES))]] * len(seen)  # never a half of it


WRITERS = [module for name, module in vars(load).items() if name.startswith("_") and hasattr(module, "query")]


def test_nothing_that_a_writer_says_makes_a_reader_wait(db, monkeypatch):
    """Whatever has just been said and is not committed yet, each view and function still answers at once."""
    old, new, torn = make_file(version=1), make_file(version=2), make_file(325001)
    content = {f"Tracker/{name}": make_histogram(1) for name in NAMES}
    contents, said, waited = {old.path: content, new.path: content, torn.path: None}, set(), []
    with load.connect(db) as writer, load.connect(db, role="hdqm_reader") as reader:
        views = reader.execute("SELECT format('hdqm.%I', viewname) FROM pg_views WHERE schemaname = 'hdqm'").fetchall()
        questions = [f"SELECT * FROM {view}" for (view,) in views]
        questions.append("SELECT hdqm.run_selection('latest', '5', 'Tracker', 'SingleMuon', 'PromptReco')")
        reader.execute("SET lock_timeout = '5s'")

        def read_in_between(file, name):
            if writer.info.transaction_status == TransactionStatus.INTRANS:  # of a copy, before it begins
                said.add((file, name))
                for question in questions:
                    try:
                        reader.execute(question).fetchall()
                    except errors.LockNotAvailable:
                        waited.append((file, name, question))
            return query(file, name)

        for module in WRITERS:
            monkeypatch.setattr(module, "query", read_in_between)
        load.register_files(writer, [old])
        ingest(writer, TRENDS[:4], contents, holder="me")
        load.register_files(writer, [new, torn])
        ingest(writer, TRENDS, contents, holder="me")
        ingest(writer, [make_trend("a", arguments=(10,)), *TRENDS[1:]], contents, holder="me")  # recomputed
        load.record_vanished(writer, [1])
        load.requeue_files(writer, load.FileFilter())

    assert {file for file, _ in said} >= {"store", "files", "claims", "configuration", "recompute"}
    assert len(said) > 50
    assert waited == []


def test_a_deadlock_with_somebody_else_is_tried_again(db):
    contents = some_files(runs=1, datasets=("SingleMuon",))
    with load.connect(db) as connection, load.connect(db) as other:
        load.apply_configuration(connection, TRENDS, whole=True)
        load.register_files(connection, contents)
        (work,) = load.pending(connection, Scope())
        other.execute("SET deadlock_timeout = '10s'") if superuser(other) else None
        with other.transaction():
            # holds the dataset's row of the ledger, and asks for the lock that the load holds by then
            other.execute("SELECT FROM hdqm.dqm_file WHERE id = %s FOR UPDATE", [work.file_id])
            loader = threading.Thread(target=do, args=(connection, work, TRENDS, contents[work.file]))
            loader.start()
            wait_for_lock(db, loader)
            other.execute("SELECT pg_advisory_xact_lock(primary_dataset_id, processing_id) FROM hdqm.dqm_file")
        loader.join()

        assert load.summary(connection).files["ingested"] == 1
    assert wait_until(lambda: deadlocks(db) >= (1,), 30)  # the server counts them a little later


def superuser(connection):
    return connection.execute("SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper").fetchone() is not None


def wait_for_lock(url, thread):
    with load.connect(url, role=None) as watcher:
        waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        while watcher.execute(waiting).fetchone() is None:
            assert thread.is_alive()
            time.sleep(0.02)


# -- death -------------------------------------------------------------------------------------------------------------


class Crash(BaseException):
    """The process is gone."""


@pytest.fixture
def crash_at(monkeypatch):
    """Cuts the connection when the n-th statement of a load is about to be sent."""

    def arm(connection, number):
        left = iter(range(number))

        def counted(file, name):
            if next(left, None) is None:
                connection.close()
                raise Crash
            return original(file, name)

        monkeypatch.setattr(_store, "query", counted)

    original = _store.query
    yield arm
    monkeypatch.undo()


def test_a_crash_at_any_statement_leaves_nothing_behind(db, crash_at):
    old, new = make_file(version=1), make_file(version=2)
    before_content = {f"Tracker/{name}": make_histogram(1) for name in "abc"}
    after_content = {f"Tracker/{name}": make_histogram(2) for name in "bcd"}
    with load.connect(db) as connection:
        load.register_files(connection, [old, make_file(325001)])
        ingest(connection, TRENDS, {old.path: before_content, make_file(325001).path: {}})
        load.register_files(connection, [new])
        (work,) = load.pending(connection, Scope())
    before = facts(db)

    crashes = 0
    for number in range(100):
        with load.connect(db) as connection:
            crash_at(connection, number)
            try:
                do(connection, work, TRENDS, after_content)
            except Crash:
                crashes += 1
                assert facts(db) == before
            else:
                break

    assert crashes > 15
    assert facts(db) != before
    assert orphans(db) == {}


LOADER = """
import sys, time
from test_load_together import TRENDS, some_files
from loading import do
from hdqm_ops import load
contents = some_files()
with load.connect(sys.argv[1]) as connection:
    load.apply_configuration(connection, TRENDS, whole=True)
    load.register_files(connection, contents)
    paths = {file.path: found for file, found in contents.items()}
    for work in load.pending(connection, load.Scope()):
        print("loading", flush=True)
        do(connection, work, TRENDS, paths[work.file.path])
    print("done", flush=True)
"""


def test_kill_minus_nine_and_again(db, undisturbed):
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(here), str(here.parent), *sys.path])}
    chance = random.Random(5)
    command = [sys.executable, "-c", LOADER, db]
    for _ in range(4):
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            for _ in range(chance.randint(1, 5)):
                if process.stdout.readline() == "done\n":
                    break
            time.sleep(chance.random() * 0.03)
            process.send_signal(signal.SIGKILL)

    done = subprocess.run(
        [sys.executable, "-c", LOADER, db], env=environment, check=True, capture_output=True, text=True
    )

    assert done.stdout.endswith("done\n")
    assert facts(db, without=["history"]) == undisturbed(some_files())
    assert orphans(db) == {}


def test_a_lost_connection_is_a_passing_fault(db):
    contents = some_files(runs=1, datasets=("SingleMuon",))
    with load.connect(db) as connection, load.connect(db, role=None) as other:
        load.apply_configuration(connection, TRENDS, whole=True)
        load.register_files(connection, contents)
        (work,) = load.pending(connection, Scope())
        other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])

        with pytest.raises(TryAgain, match="no database answers"):
            do(connection, work, TRENDS, contents[work.file])
