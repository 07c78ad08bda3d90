"""The trigger of the watcher, without a triggerer."""

import asyncio
import json

import pytest

from hdqm_ops.discover import file_name

pytestmark = pytest.mark.airflow

DATASET = "/SingleMuon/Run2018D-PromptReco-v1/DQMIO"


class Store:
    """What Airflow keeps for an asset."""

    def __init__(self, **kept):
        self.kept = kept

    async def aget(self, name, default=None):
        return self.kept.get(name, default)

    async def aset(self, name, value):
        self.kept[name] = value


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    monkeypatch.setenv("HDQM_FILES", json.dumps([str(tmp_path / "files")]))
    monkeypatch.setenv("HDQM_WATCH_S", "0.05")
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


@pytest.fixture(autouse=True)
def looks(monkeypatch):
    """Grows with each look that ended, in vain or not."""
    from hdqm_ops.pipeline import Watcher

    ended, look = [], Watcher.look

    def noted(self):
        try:
            return look(self)
        finally:
            ended.append(self)

    monkeypatch.setattr(Watcher, "look", noted)
    return ended


def trigger(store):
    from hdqm_airflow.watch import NewDqmFiles

    made = NewDqmFiles()
    made.asset_state_store = store
    return made


async def first_event(made, looks, *steps):
    """The first event; a look comes before each of the steps."""
    events = made.run()
    waiting = asyncio.ensure_future(anext(events))
    for step in steps:
        before = len(looks)
        while len(looks) == before:  # noqa: ASYNC110 - the looks end in another thread
            await asyncio.sleep(0.01)
        step()
    event = await asyncio.wait_for(waiting, 20)
    await events.aclose()
    return event.payload


def test_it_is_found_again_by_its_path(folder):
    from airflow.sdk.module_loading import import_string

    path, arguments = trigger(None).serialize()
    assert type(trigger(None)) is import_string(path)
    assert json.loads(json.dumps(arguments)) == {}


@pytest.mark.parametrize("store", [None, Store()])
def test_it_tells_of_a_file_that_comes(folder, store, looks):
    path = folder / file_name(1, DATASET)
    payload = asyncio.run(first_event(trigger(store), looks, lambda: path.write_bytes(b"x")))

    assert payload == {"files": [str(path)]}


def test_it_tells_of_files_that_came_while_it_was_down(folder, looks):
    path = folder / file_name(1, DATASET)
    path.write_bytes(b"x")
    store = Store(looked_at=path.stat().st_mtime - 1)

    assert asyncio.run(first_event(trigger(store), looks)) == {"files": [str(path)]}


def test_a_folder_that_goes_away_does_not_end_it(folder, looks):
    path = folder / file_name(1, DATASET)

    def come():
        folder.mkdir()
        path.write_bytes(b"x")

    steps = (folder.rmdir, lambda: None, come)
    assert asyncio.run(first_event(trigger(None), looks, *steps)) == {"files": [str(path)]}


def test_many_files_come_in_several_events(folder, looks):
    def meanwhile():
        for run in range(1, 251):
            (folder / file_name(run, DATASET)).write_bytes(b"x")

    assert len(asyncio.run(first_event(trigger(None), looks, meanwhile))["files"]) <= 200
