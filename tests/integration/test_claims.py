"""Claims: nothing is done twice at once, the dead do not keep what they had, and who comes late overwrites nothing."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from loading import do, make_file, make_histogram, make_trend
from tables import facts, orphans, versions

from hdqm_ops import extract, load, pipeline
from hdqm_ops.cli import main
from hdqm_ops.discover import file_name
from hdqm_ops.errors import AuthenticationFailed, DatabaseUnavailable
from hdqm_ops.load import Held, Scope, _pending, _store
from hdqm_ops.pipeline import _claims, _work
from hdqm_ops.settings import Settings

[SAMPLE] = (Path(__file__).parents[1] / "data" / "dqm").glob("*.root")
HDQM = [sys.executable, "-m", "hdqm_ops.cli"]
A = make_trend("a")
ONE, TWO = {"Tracker/a": make_histogram(1)}, {"Tracker/a": make_histogram(2)}

# -- in the ledger -----------------------------------------------------------------------------------------------------


@pytest.fixture
def work(connection):
    """What is to do for one file."""
    load.apply_configuration(connection, [A], whole=True)
    load.register_files(connection, [make_file()])
    (planned,) = load.pending(connection, Scope())
    return planned


def expire(connection):
    connection.execute("UPDATE hdqm.dqm_file SET claim_expires = now() - interval '1 s' WHERE claimed_by IS NOT NULL")


def claimed(connection):
    return connection.execute("SELECT claimed_by, claims FROM hdqm.dqm_file WHERE claimed_by IS NOT NULL").fetchall()


def test_a_file_belongs_to_who_claims_it_first(connection, work):
    first = load.claim_work(connection, work, "me", 60)
    second = load.claim_work(connection, work, "you", 60)

    assert first.claim == 1
    assert (second.by, second.claim, round(second.left_s)) == ("me", 1, 60)
    assert load.claim_work(connection, work, "me", 60).claim == 2  # it lost the thread, and begins anew
    assert claimed(connection) == [("me", 2)]


def test_a_claim_ends_by_time_by_giving_it_back_and_with_the_load(connection, work):
    first = load.claim_work(connection, work, "me", 60)
    expire(connection)
    second = load.claim_work(connection, work, "you", 60)

    assert not load.release_claim(connection, work.file_id, first.claim)
    assert not load.renew_claim(connection, work.file_id, first.claim, 60)
    assert load.release_claim(connection, work.file_id, second.claim)
    third = load.claim_work(connection, work, "me", 60)
    assert do(connection, third, [A], ONE).state == "ingested"
    assert claimed(connection) == []


def test_a_renewed_claim_lasts(connection, work):
    mine = load.claim_work(connection, work, "me", 0.3)
    assert load.renew_claim(connection, work.file_id, mine.claim, 60)
    time.sleep(0.4)

    assert isinstance(load.claim_work(connection, work, "you", 60), Held)


def test_work_that_another_has_done_is_not_claimed(connection, work):
    do(connection, load.claim_work(connection, work, "me", 60), [A], ONE)

    assert load.claim_work(connection, work, "you", 60) is None
    assert claimed(connection) == []


def test_of_ten_at_once_one_gets_it(db, work):
    answers = []

    def ask(number):
        with load.connect(db) as connection:
            answers.append(load.claim_work(connection, work, f"worker {number}", 60))

    threads = [threading.Thread(target=ask, args=[number]) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(type(answer).__name__ for answer in answers) == ["Held"] * 9 + ["Work"]


def test_a_late_zombie_overwrites_nothing(db, connection, work):
    late = load.claim_work(connection, work, "zombie", 60)
    expire(connection)
    do(connection, load.claim_work(connection, work, "me", 60), [A], TWO)
    before, rows = facts(db), versions(db)

    assert do(connection, late, [A], ONE).state == "lost"
    assert not load.record_failure(connection, work.file_id, "torn", file=work.file, claim=late.claim)
    assert not load.record_waiting(connection, work.file_id, work.file, "short", wait_s=1, claim=late.claim)
    assert not load.record_vanished(connection, [work.file_id], claim=late.claim)
    assert (facts(db), versions(db)) == (before, rows)


def test_who_was_thought_dead_and_was_not_replaced_may_go_on(connection, work):
    late = load.claim_work(connection, work, "slow", 60)
    expire(connection)

    assert do(connection, late, [A], ONE).state == "ingested"


def test_a_failure_that_is_told_twice_counts_once(connection, work):
    mine = load.claim_work(connection, work, "me", 60)
    for _ in range(2):  # as after a connection that broke while it was committed
        load.record_failure(connection, work.file_id, "torn", file=work.file, claim=mine.claim)

    assert connection.execute("SELECT tries FROM hdqm.dqm_file").fetchone() == (1,)


def test_a_worker_that_hangs_in_the_middle_of_a_load_keeps_no_locks(db, connection, work, monkeypatch):
    stopped, go_on, original = threading.Event(), threading.Event(), _store.query
    ended = []

    def hang(file, name):
        if name == "upsert_points" and threading.current_thread().name == "zombie":
            stopped.set()
            go_on.wait(60)
        return original(file, name)

    def load_and_hang():
        with load.connect(db, idle_s=0.5) as other:
            try:
                ended.append(do(other, late, [A], ONE))
            except DatabaseUnavailable as error:
                ended.append(error)

    monkeypatch.setattr(_store, "query", hang)
    late = load.claim_work(connection, work, "zombie", 60)
    expire(connection)
    zombie = threading.Thread(target=load_and_hang, name="zombie")
    zombie.start()
    stopped.wait(60)  # it holds the lock of the dataset, and that of the file's line
    mine = load.claim_work(connection, work, "me", 60)
    counts = do(connection, mine, [A], TWO)
    before = facts(db)
    go_on.set()
    zombie.join()

    assert counts.state == "ingested"
    assert [type(one) for one in ended] == [DatabaseUnavailable]
    assert facts(db) == before


def test_a_plan_sees_one_moment(db, connection, work, monkeypatch):
    """Sets of definitions that a load makes between two questions of a plan are no surprise to it."""
    original = _pending.query

    def load_in_between(file, name):
        if name == "candidates":
            with load.connect(db) as other:
                do(other, work, [A], ONE)
        return original(file, name)

    monkeypatch.setattr(_pending, "query", load_in_between)

    assert [item.file_id for item in load.pending(connection, Scope())] == [work.file_id]  # as it was when it began


# -- who is dead -------------------------------------------------------------------------------------------------------


def test_a_process_is_known_by_number_beginning_and_place():
    me = _claims.new_holder()
    host, pid, began, space, _ = me.rsplit(" ", 4)

    assert not _claims.is_dead(me)
    assert _claims.is_dead(f"{host} {pid} {int(began) - 1} {space} 1")  # the number was given anew
    assert not _claims.is_dead(f"{host} 4194305 {began} elsewhere 1")  # of other machines nothing is known
    assert not _claims.is_dead("somebody")


def test_a_killed_process_is_dead():
    script = "from hdqm_ops.pipeline._claims import new_holder; print(new_holder(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as one:
        holder = one.stdout.readline().strip()
        assert not _claims.is_dead(holder)
        one.kill()
        while Path(f"/proc/{one.pid}/stat").read_text().split()[2] != "Z":
            time.sleep(0.01)
        assert _claims.is_dead(holder)  # though nobody has buried it yet


# -- whole ingests -----------------------------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path, db, monkeypatch):
    """Six files of six datasets, a configuration of twenty trends, and settings that name them."""
    elements = [path for path, kind in extract.list_elements(SAMPLE).items() if kind == "TH1F"][:20]
    sections = [
        f"[plot:T{number}]\nmetric = basic.Mean()\nrelativePath = {path}\nyTitle = y\n"
        for number, path in enumerate(elements)
    ]
    config = tmp_path / "cfg" / "Tracker" / "some.ini"
    config.parent.mkdir(parents=True)
    config.write_text("\n".join(sections))
    (tmp_path / "files").mkdir()
    for number in range(6):
        put(tmp_path / "files", number)
    monkeypatch.setenv("HDQM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HDQM_DATABASE_URL", db)
    monkeypatch.setenv("HDQM_CONFIGS", json.dumps([str(tmp_path / "cfg")]))
    monkeypatch.setenv("HDQM_FILES", json.dumps([str(tmp_path / "files")]))
    return tmp_path / "files"


def put(folder, number, version=1, size=None):
    path = folder / file_name(324997, f"/PD{number}/Run2018D-PromptReco-v1/DQMIO", version)
    path.write_bytes(SAMPLE.read_bytes()[:size])
    os.utime(path, (1.6e9, 1.6e9))
    return path


def ingest(**request):
    settings = Settings()
    plan = pipeline.plan(settings, pipeline.Request(**request))
    return pipeline.work(settings, plan, jobs=1, advance=lambda line: None).as_json()


def ask(url, question):
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(question)
        return cursor.fetchall() if cursor.description else []


def test_two_ingests_do_each_file_once(world, db):
    commands = [[*HDQM, "ingest", "--json"], [*HDQM, "ingest", "-j", "2", "--json"]]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for command in commands
    ]
    told = [process.communicate(timeout=300) for process in running]

    assert [process.returncode for process in running] == [0, 0], told
    reports = [json.loads(out) for out, _ in told]
    assert sum(report["ingested"] for report in reports) == 6
    assert [report["held_by_another"] for report in reports] == [0, 0]
    assert ask(db, "SELECT min(claims), max(claims), count(claimed_by) FROM hdqm.dqm_file") == [(1, 1, 0)]
    assert ask(db, "SELECT count(*) FROM hdqm.file_event WHERE new_state = 'ingested'") == [(6,)]


def test_what_another_holds_is_left_to_it_and_counted(world, db, monkeypatch):
    monkeypatch.setenv("HDQM_CLAIM_S", "8")
    pipeline.plan(Settings(), pipeline.Request())  # a plan claims nothing
    assert ask(db, "SELECT sum(claims) FROM hdqm.dqm_file") == [(0,)]
    hold = "UPDATE hdqm.dqm_file SET claimed_by = 'other', claim_expires = now() + interval '8 s' WHERE id = 1"
    ended = threading.Event()

    def live():
        with psycopg.connect(db, autocommit=True) as other:
            while not ended.wait(0.1):
                other.execute(hold)

    ask(db, hold)
    living = threading.Thread(target=live)
    living.start()
    try:
        report = ingest()
    finally:
        ended.set()
        living.join()

    assert (report["ingested"], report["held_by_another"], report["failed"]) == (5, 1, 0)
    ask(db, hold.replace("8 s", "1 s"))
    again = ingest()  # it has died: after its time the file is taken over
    assert (again["ingested"], again["held_by_another"]) == (1, 0)
    assert claims_left(db) == 0


def claims_left(url):
    return ask(url, "SELECT count(*) FROM hdqm.claims")[0][0]


def test_a_long_file_is_kept_by_its_heartbeat(world, db, monkeypatch):
    monkeypatch.setenv("HDQM_CLAIM_S", "4")
    read, tried = extract.read_file, []

    def slowly(path, wanted):
        with load.connect(db) as other:
            for _ in range(10):
                time.sleep(0.5)
                (work,) = (one for one in load.pending(other, Scope()) if one.file.path == path)
                tried.append(load.claim_work(other, work, "other", 60))
        return read(path, wanted)

    monkeypatch.setattr(_work.extract, "read_file", slowly)
    report = ingest(files=(str(next(world.iterdir())),))

    assert report["ingested"] == 1
    assert {type(one).__name__ for one in tried} == {"Held"}
    assert claims_left(db) == 0


def test_an_error_gives_the_file_back(world, db, monkeypatch):
    def interrupted(path, wanted):
        raise KeyboardInterrupt

    monkeypatch.setattr(_work.extract, "read_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ingest()

    assert ask(db, "SELECT sum(claims), count(claimed_by) FROM hdqm.dqm_file") == [(1, 0)]


def stopped_in_the_middle(command, db, patience_s=300):
    """A process that is stopped, with its children, while it holds a claim; the ids of the files it holds."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    end = time.monotonic() + patience_s
    with psycopg.connect(db, autocommit=True) as watcher:
        while time.monotonic() < end and process.poll() is None:
            held = "SELECT dqm_file_id FROM hdqm.claims"
            if watcher.execute(held).fetchone():
                stop(process.pid)
                await_rest(watcher)
                if found := watcher.execute(held).fetchall():
                    return process, found
                os.killpg(process.pid, signal.SIGCONT)
    raise AssertionError(f"it held nothing: {process.communicate()}")


def stop(group):
    """Stop all processes of a group, and wait until they are: threads that have not heard of it go on."""
    os.killpg(group, signal.SIGSTOP)
    while any(state not in "TZ" for state in states(group)):
        time.sleep(0.01)


def states(group):
    for place in Path("/proc").glob("[0-9]*/task/*/stat"):
        with suppress(OSError):  # gone meanwhile
            state, _, its_group, *_ = place.read_text().rpartition(")")[2].split()
            if int(its_group) == group:
                yield state


def await_rest(watcher):
    """Wait until the server has done all that it was asked; it looks for more as soon as it may run."""
    busy = """
        SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
          AND state = 'active' AND wait_event_type IS DISTINCT FROM 'Lock'
    """
    quiet = 0
    while quiet < 5:
        time.sleep(0.05)
        quiet = 0 if watcher.execute(busy).fetchone() else quiet + 1


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_killed_worker_loses_its_claims_at_once(world, db, jobs):
    process, held = stopped_in_the_middle([*HDQM, "ingest", "-j", jobs], db)
    with process:
        os.kill(process.pid, signal.SIGKILL)  # of several processes the first: it takes the others along
        os.killpg(process.pid, signal.SIGCONT)
    began = time.monotonic()

    report = ingest()

    assert report["ingested"] >= (len(held) if jobs == "1" else 0)
    assert time.monotonic() - began < Settings().claim_s / 2
    assert ask(db, "SELECT count(*) FROM hdqm.dqm_file WHERE state = 'ingested'") == [(6,)]
    assert claims_left(db) == 0


def test_a_stopped_worker_is_replaced_and_wakes_up_in_vain(world, db, monkeypatch):
    monkeypatch.setenv("HDQM_CLAIM_S", "2")
    zombie, held = stopped_in_the_middle([*HDQM, "ingest", "--json"], db)
    report = ingest()
    before = facts(db)
    assert report["ingested"] > 0
    assert ask(db, "SELECT count(*) FROM hdqm.dqm_file WHERE state = 'ingested'") == [(6,)]

    os.killpg(zombie.pid, signal.SIGCONT)
    out, err = zombie.communicate(timeout=300)

    assert zombie.returncode == 0, err
    assert json.loads(out)["done_by_another"] >= len(held)
    assert facts(db) == before
    assert orphans(db) == {}


def test_children_of_a_killed_ingest_end(world, db):
    process, _ = stopped_in_the_middle([*HDQM, "ingest", "-j", "2"], db)
    with process:
        os.kill(process.pid, signal.SIGKILL)
        os.killpg(process.pid, signal.SIGCONT)
        process.wait()
        end = time.monotonic() + 120
        while time.monotonic() < end and group_lives(process.pid):
            time.sleep(0.1)
        assert not group_lives(process.pid)


def group_lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


# -- what else one ingest does -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["missing", "failed", "all"])
def test_the_next_best_is_taken_in_the_same_ingest(world, db, mode):
    put(world, 0, version=2, size=5000)
    put(world, 0, version=3, size=6000)

    report = ingest(mode=mode)

    assert (report["ingested"], report["failed"]) == (6, 2)
    assert ask(db, "SELECT dqm_version FROM hdqm.dqm_files WHERE dataset LIKE '/PD0/%' AND loaded") == [(1,)]


def test_a_batch_takes_the_next_best_too(world, db):
    put(world, 0, version=2, size=5000)
    (batch,) = pipeline.plan(Settings(), pipeline.Request()).batches

    counts = pipeline.ingest_batch(Settings(), batch.file_ids)

    assert (counts["ingested"], counts["failed"], counts["held_by_another"]) == (6, 1, 0)


def test_a_refused_login_fails_its_own_file_alone(world, db, monkeypatch, capsys):
    read, first = extract.read_file, str(min(world.iterdir()))

    def refused(path, wanted):
        if path == first:
            raise AuthenticationFailed("xrootd", "root://eos", "no ticket", "kinit")
        return read(path, wanted)

    monkeypatch.setattr(_work.extract, "read_file", refused)
    with pytest.raises(SystemExit) as ended:
        main(["ingest", "--json"])

    report = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1
    assert (report["ingested"], report["to_be_repeated"]) == (5, 1)
    assert list(report["failures"]) == [first]
    assert ask(db, "SELECT state::text, tries FROM hdqm.dqm_file WHERE state <> 'ingested'") == [("discovered", 0)]


def test_remarks_keep_to_their_line(world, capsys):
    shutil.copy(SAMPLE, world / "DQM\nx\x1b[31m.root")
    with pytest.raises(SystemExit):
        main(["ingest"])

    told = capsys.readouterr().err
    assert "DQM\\nx\\x1b[31m.root" in told
    assert "\x1b[31m.root" not in told


def test_migrating_sets_the_time_limit_of_the_settings(make_database, monkeypatch):
    with make_database() as url:
        monkeypatch.setenv("HDQM_DATABASE_URL", url)
        monkeypatch.setenv("HDQM_READER_TIMEOUT_S", "7")
        pipeline.migrate(Settings())
        limits = (
            "SELECT setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = %s"
        )
        with psycopg.connect(url) as connection:
            ((found,),) = connection.execute(limits, [connection.info.dbname]).fetchall()

    assert "statement_timeout=7s" in found
