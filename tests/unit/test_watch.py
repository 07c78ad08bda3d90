"""What the watcher takes for news."""

import time

import pytest

from hdqm_ops.discover import Watch, file_name, parse_name
from hdqm_ops.errors import ConfigError
from hdqm_ops.pipeline import Watcher
from hdqm_ops.settings import Settings

DATASET = "/SingleMuon/Run2018D-PromptReco-v1/DQMIO"


def listed(*files):
    """Listing of (run, size, mtime)."""
    from dataclasses import replace

    return [replace(parse_name(file_name(run, DATASET)), size_bytes=size, mtime=mtime) for run, size, mtime in files]


def told(watch, *files):
    return [file.run_number for file in watch.news(listed(*files))]


def test_what_was_there_is_no_news():
    watch = Watch()
    assert told(watch, (1, 10, 5.0)) == []
    assert told(watch, (1, 10, 5.0)) == []


def test_a_file_is_told_once_when_it_stays():
    watch = Watch()
    told(watch)
    assert told(watch, (1, 10, 5.0)) == []
    assert told(watch, (1, 20, 6.0)) == []  # it grows
    assert told(watch, (1, 20, 6.0)) == [1]
    assert told(watch, (1, 20, 6.0)) == []


@pytest.mark.parametrize("changed", [(1, 10, 6.0), (1, 11, 5.0)])
def test_a_change_is_news_again(changed):
    watch = Watch()
    told(watch, (1, 10, 5.0))
    assert told(watch, changed) == []
    assert told(watch, changed) == [1]


def test_a_file_that_vanishes_and_returns_is_news():
    watch = Watch()
    told(watch, (1, 10, 5.0))
    told(watch)
    told(watch, (1, 10, 5.0))
    assert told(watch, (1, 10, 5.0)) == [1]


def test_what_came_while_nobody_looked_is_news():
    watch = Watch(since=100.0)
    assert told(watch, (1, 10, 99.0), (2, 10, 101.0)) == []
    assert told(watch, (1, 10, 99.0), (2, 10, 101.0)) == [2]


def test_files_that_are_not_taken_are_never_news():
    watch = Watch()
    told(watch)
    for _ in range(3):
        assert watch.news([parse_name("DQM_notes.root")]) == []


def test_a_folder_is_watched(tmp_path):
    watcher = Watcher(Settings(files=(str(tmp_path),)))
    assert watcher.look() == []
    (tmp_path / file_name(1, DATASET)).write_bytes(b"x")
    assert watcher.look() == []
    assert watcher.look() == [str(tmp_path / file_name(1, DATASET))]


def test_the_watcher_looks_where_it_is_told(tmp_path):
    (tmp_path / "all").mkdir()
    (tmp_path / "fresh").mkdir()
    settings = Settings(files=(str(tmp_path),), watch=(str(tmp_path / "fresh"),))
    watcher = Watcher(settings, since=time.time() - 60)
    for folder in ("all", "fresh"):
        (tmp_path / folder / file_name(1, DATASET)).write_bytes(b"x")
    watcher.look()
    assert watcher.look() == [str(tmp_path / "fresh" / file_name(1, DATASET))]


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ConfigError, match="nothere"):
        Watcher(Settings(files=(str(tmp_path / "nothere"),))).look()
