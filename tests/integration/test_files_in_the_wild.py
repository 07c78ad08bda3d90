"""Files that grow, change, vanish, come back and fail: what the ledger says after ``hdqm ingest`` has looked."""

import json
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from hdqm_ops import pipeline
from hdqm_ops.cli import main
from hdqm_ops.discover import file_name
from hdqm_ops.extract import list_elements
from hdqm_ops.settings import Settings

[SAMPLE] = (Path(__file__).parents[1] / "data" / "dqm").glob("*.root")
ELEMENT = next(path for path, kind in list_elements(SAMPLE).items() if kind == "TH1F")
CONFIG = f"[plot:First]\nmetric = basic.Mean()\nrelativePath = {ELEMENT}\nyTitle = y\n"
ONE = "/SingleMuon/Run2018D-PromptReco-v1/DQMIO"
TWO = "/ZeroBias/Run2018D-PromptReco-v1/DQMIO"
OLD = time.time() - 1e6


class World:
    """A folder of DQM files, a database, and the command line between them."""

    def __init__(self, folder, url, patch, capsys):
        self.folder, self.url, self.patch, self.capsys = folder, url, patch, capsys
        self.patch.setenv("HDQM_DATABASE_URL", url)
        self.patch.setenv("HDQM_FILES", json.dumps([str(folder)]))
        (folder.parent / "cfg" / "Tracker").mkdir(parents=True)
        (folder.parent / "cfg" / "Tracker" / "one.ini").write_text(CONFIG)
        self.patch.setenv("HDQM_CONFIGS", json.dumps([str(folder.parent / "cfg")]))
        folder.mkdir()

    def put(self, run=324997, *, dataset=ONE, version=1, size=None, mtime=OLD, name=None, data=None):
        path = self.folder / (name or file_name(run, dataset, version))
        data = SAMPLE.read_bytes() if data is None else data
        path.write_bytes(data[:size])
        os.utime(path, (mtime, mtime))
        return path

    def ingest(self, *arguments):
        """Exit code and summary of ``hdqm ingest``."""
        return self.command("ingest", *arguments, "--json")

    def command(self, *arguments):
        self.capsys.readouterr()
        try:
            main([str(argument) for argument in arguments])
            code = 0
        except SystemExit as exit_:
            code = exit_.code or 0
        said = self.capsys.readouterr()
        self.said = said.err
        return code, json.loads(said.out) if "--json" in arguments and said.out else said.out

    def state(self, path):
        [state] = self.ask("SELECT state, reason FROM hdqm.dqm_files WHERE path = %s", str(path))
        return state[0]

    def reason(self, path):
        return self.ask("SELECT reason FROM hdqm.dqm_files WHERE path = %s", str(path))[0][0]

    def ask(self, question, *facts):
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(question, facts or None)
            return cursor.fetchall() if cursor.description else []

    def points(self):
        return self.ask("SELECT run_number, value, dqm_file_id FROM hdqm.trend_points ORDER BY 1")

    def history(self, path):
        return [event["new_state"] for event in pipeline.file_events(Settings(), str(path))]


@pytest.fixture
def world(tmp_path, db, monkeypatch, capsys):
    monkeypatch.setenv("HDQM_HOME", str(tmp_path / "home"))
    return World(tmp_path / "files", db, monkeypatch, capsys)


def test_a_file_is_read_once_and_again_when_it_changes(world):
    path = world.put()
    assert world.ingest()[1]["ingested"] == 1
    assert world.ingest()[1]["ingested"] == 0

    os.utime(path, (OLD + 1, OLD + 1))

    assert world.ingest()[1]["ingested"] == 1
    assert world.history(path) == ["discovered", "ingested", "discovered", "ingested"]


def test_a_changed_file_is_taken_at_the_second_look(world):
    path = world.put()
    world.ingest()
    world.put(mtime=time.time() - 5)
    code, first = world.ingest()
    waiting = world.state(path), world.reason(path)
    _, second = world.ingest()

    assert (code, first["ingested"], first["failed"]) == (0, 0, 0)
    assert waiting == ("waiting", "it is being written: size or time changed since the last look")
    assert second["ingested"] == 1
    assert world.state(path) == "ingested"
    assert len(world.points()) == 1


def test_a_truncated_young_file_waits_then_is_read_when_it_is_whole(world):
    path = world.put(size=500_000, mtime=time.time() - 30)
    code, summary = world.ingest()
    assert (code, summary["waiting"], summary["failed"], world.state(path)) == (0, 1, 0, "waiting")
    assert "truncated" in world.reason(path)
    assert world.ingest()[1]["waiting"] == 0  # nothing changed: it is not even opened

    world.put(mtime=time.time() - 5)
    world.ingest()  # it moves
    assert world.ingest()[1]["ingested"] == 1
    assert world.history(path) == ["discovered", "waiting", "waiting", "discovered", "ingested"]


def test_a_truncated_file_fails_once_it_is_old(world):
    path = world.put(size=500_000, mtime=time.time() - 30)
    world.ingest()
    world.patch.setenv("HDQM_WAIT_S", "10")  # an hour later
    world.ask("UPDATE hdqm.dqm_file SET try_again_at = now() - interval '1 s'")

    code, summary = world.ingest()

    assert (code, summary["failed"], world.state(path)) == (1, 1, "failed")


@pytest.mark.parametrize(("ahead_s", "state"), [(600, "waiting"), (2e9, "failed")])
def test_a_truncated_file_of_the_future_does_not_wait_until_then(world, ahead_s, state):
    path = world.put(size=500_000, mtime=time.time() + ahead_s)
    world.ingest()

    assert world.state(path) == state


def test_a_file_that_is_named_is_judged_at_once(world):
    path = world.put(size=500_000, mtime=time.time() - 30)
    code, summary = world.ingest("-f", path)

    assert (code, summary["failed"], world.state(path)) == (1, 1, "failed")


def test_a_file_that_waits_is_judged_when_it_is_named(world):
    path = world.put(size=500_000, mtime=time.time() - 30)
    world.ingest()
    code, _ = world.ingest("-f", path)

    assert (code, world.state(path)) == (1, "failed")


def test_a_vanished_file_keeps_its_points_and_is_recognised_when_it_returns(world):
    path, other = world.put(), world.put(dataset=TWO)
    world.ingest()
    before = world.points()
    path.rename(path.with_suffix(".away"))

    world.ingest()
    assert world.state(path) == "vanished"
    assert world.points() == before
    assert world.state(other) == "ingested"

    path.with_suffix(".away").rename(path)
    assert world.ingest()[1]["ingested"] == 0
    assert world.state(path) == "ingested"
    assert world.points() == before


def test_a_listing_of_elsewhere_makes_nothing_vanish(world):
    path = world.put()
    world.ingest()
    elsewhere = world.folder.parent / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(SAMPLE, elsewhere / file_name(324997, TWO))
    path.unlink()

    world.ingest("-f", elsewhere)

    assert world.state(path) == "ingested"


def test_a_file_that_goes_between_listing_and_reading_has_vanished(world):
    path = world.put()
    plan = pipeline.plan(Settings(), pipeline.Request())
    path.unlink()
    report = pipeline.work(Settings(), plan, jobs=1, advance=lambda line: None)

    assert not report.failed
    assert world.state(path) == "vanished"


def test_failed_files_are_tried_with_growing_pauses_then_shown(world):
    world.patch.setenv("HDQM_FILE_TRIES", "3")
    path = world.put(size=1000)
    pauses = []
    for _ in range(3):
        assert world.ingest()[1]["failed"] == 1
        assert world.ingest()[1]["failed"] == 0  # not before its time
        pauses += world.ask("SELECT extract(epoch FROM try_again_at - now()) FROM hdqm.dqm_file")
        world.ask("UPDATE hdqm.dqm_file SET try_again_at = try_again_at - interval '1 day'")

    assert [pause and round(pause / 600) * 600 for (pause,) in pauses] == [3600, 7200, None]
    assert world.ingest()[1]["failed"] == 0
    [row] = world.command("files", "--state", "failed", "--json")[1]
    assert (row["path"], row["tries"], row["try_again_at"]) == (str(path), 3, None)


def test_retry_queues_failed_files_again(world):
    bad, other = world.put(size=1000), world.put(324998, size=1000)
    world.ingest()
    whole = SAMPLE.read_bytes()
    bad.write_bytes(whole)
    os.utime(bad, (OLD, OLD))

    assert world.command("files", "--run", 324997, "--retry", "--json") == (0, {"requeued": 1})
    assert (world.state(bad), world.state(other)) == ("discovered", "failed")
    world.ingest()

    assert (world.state(bad), world.state(other)) == ("ingested", "failed")
    assert world.history(other) == ["discovered", "failed"]
    assert world.command("files", "--state", "gone")[0] == 2
    assert world.command("files", "--state", "ingested", "--retry")[0] == 2


def test_a_newer_version_and_a_v2_and_a_better_tier_take_over_whole(world):
    def counting():
        [(path,)] = world.ask(
            "SELECT f.path FROM hdqm.trend_points p JOIN hdqm.dqm_files f ON f.dqm_file_id = p.dqm_file_id"
        )
        return path

    for dataset, version in [
        (ONE.replace("DQMIO", "RECO"), 1),
        (ONE, 1),
        (ONE, 2),
        (ONE.replace("v1", "v2"), 1),
    ]:
        newer = world.put(dataset=dataset, version=version)
        world.ingest()
        assert counting() == str(newer)
    assert world.ask("SELECT state, count(*) FROM hdqm.dqm_files GROUP BY 1 ORDER BY 1") == [
        ("ingested", 1),
        ("superseded", 3),
    ]


def test_hints_are_believed_only_while_the_files_are_there(world):
    world.put()
    pipeline.plan(Settings(), pipeline.Request())  # in the ledger, and not done
    hint, gone = world.put(324999, mtime=time.time() - 5), str(world.folder / file_name(325000, ONE))

    def planned(*paths):
        plan = pipeline.plan(Settings(), pipeline.Request(files=paths, hints=True))
        return [item.file.path for item in plan.work]

    assert planned(str(hint), gone) == [str(hint)]
    assert planned(gone) == []
    world.put(324999, mtime=time.time() - 1)
    assert planned(str(hint)) == [str(hint)]  # the watcher has seen that it stays


def test_a_hundred_thousand_files_make_no_more_batches_than_airflow_maps(world):
    [item] = pipeline.plan(Settings(), pipeline.Request(files=(str(world.put()),))).work
    many = [
        replace(item, file=replace(item.file, run_number=run, primary_dataset=f"PD{run % 7}"), file_id=run)
        for run in range(100_000)
    ]
    plan = replace(pipeline.plan(Settings(), pipeline.Request()), work=tuple(many))

    assert len(plan.batches) <= 1000
    assert sum(len(batch.file_ids) for batch in plan.batches) == 100_000


@pytest.mark.parametrize(
    ("files", "size", "at_once", "sizes"),
    [
        (0, 200, 2, []),
        (7, 200, 2, [7]),  # a task of its own costs more
        (40, 200, 2, [20, 20]),
        (300, 200, 2, [150, 150]),
        (300, 50, 4, [37, 38, 37, 38, 37, 38, 37, 38]),
        (5, 2, 2, [1, 2, 2]),  # as somebody asked
    ],
)
def test_who_works_at_once_has_the_same_to_do(world, files, size, at_once, sizes):
    [item] = pipeline.plan(Settings(), pipeline.Request(files=(str(world.put()),))).work
    many = tuple(
        replace(item, file=replace(item.file, run_number=325000 + number % 100), file_id=number)
        for number in range(files)
    )
    plan = replace(pipeline.plan(Settings(), pipeline.Request()), work=many, batch_size=size, at_once=at_once)

    assert [len(batch.file_ids) for batch in plan.batches] == sizes
    assert sorted(file_id for batch in plan.batches for file_id in batch.file_ids) == [*range(files)]


# -- bad input ---------------------------------------------------------------------------------------------------------


def test_everything_bad_at_once_fails_alone(world):
    whole = SAMPLE.read_bytes()
    good = world.put(324997)
    bad = {
        world.put(325001, data=b""): "empty",
        world.put(325002, data=b"no ROOT file at all, only text " * 10): "no ROOT file",
        world.put(325003, size=40): "header",
        world.put(325004, size=700_000): "truncated",
        world.put(325005, data=whole[:300] + bytes(len(whole) - 300)): "",
        world.put(325006, data=bytes(len(whole))): "no ROOT file",
    }
    folder = world.folder / file_name(325007, ONE)
    folder.mkdir()
    odd = [
        world.put(name=name) for name in ("DQM a b.root", "DQM\nx.root", "DQM_ü_✓.root", "DQM" + "x" * 240 + ".root")
    ]
    (world.folder / "circle").symlink_to(world.folder)
    dangling = world.folder / file_name(325008, ONE)
    dangling.symlink_to("nowhere")
    other = world.put(325010)  # its folder says run 324997, as the good one

    code, summary = world.ingest()

    assert code == 1
    assert summary["failed"] == len(bad)
    for path, why in bad.items():
        assert world.state(path) == "failed"
        assert why in world.reason(path)
    assert {world.state(path) for path in [*odd, folder, dangling]} == {"ignored"}
    assert "a folder" in world.reason(folder)
    assert "link to nothing" in world.reason(dangling)
    assert sorted([world.state(good), world.state(other)]) == ["ingested", "superseded"]
    assert world.ingest()[1]["failed"] == 0
    listed = world.command("files")[1]
    assert "DQM\\nx.root" in listed
    assert "truncated: 700000 of" in listed
    assert len(world.command("files", "--json")[1]) == len(bad) + len(odd) + 4


def test_a_name_of_three_hundred_characters_in_folders(world):
    deep = world.folder / ("d" * 200) / ("e" * 100)
    deep.mkdir(parents=True)
    shutil.copy(SAMPLE, deep / file_name(324997, ONE))

    assert world.ingest()[1]["ingested"] == 1


def test_two_files_that_claim_one_run_dataset_and_version(world):
    (world.folder / "a").mkdir()
    first = world.put()
    second = world.folder / "a" / first.name
    second.write_bytes(SAMPLE.read_bytes())
    os.utime(second, (OLD + 5, OLD + 5))

    world.ingest()

    assert (world.state(first), world.state(second)) == ("superseded", "ingested")
    assert len(world.points()) == 1


def test_a_folder_that_says_another_run_is_trusted_and_told(world):
    path = world.put(325010)
    world.ingest()

    assert [run for run, _, _ in world.points()] == [324997]
    assert world.reason(path) == "its folder says run 324997, its name run 325010: the folder is trusted"
