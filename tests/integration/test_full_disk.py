"""A disk that is full below the database: no file is blamed, nothing is half stored; it goes on when there is room."""

import json
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from ports import free_port

from hdqm_ops import pipeline
from hdqm_ops.discover import file_name
from hdqm_ops.extract import list_elements
from hdqm_ops.local import Postgres
from hdqm_ops.local._process import wait_until
from hdqm_ops.settings import Settings

pytestmark = pytest.mark.slow

[SAMPLE] = (Path(__file__).parents[1] / "data" / "dqm").glob("*.root")
FILES = 3


@pytest.fixture
def disk(tmp_path_factory):
    """A small file system of its own, which everybody may enter."""
    place = Path("/tmp") / f"hdqm-full-{os.getpid()}"  # as root, PostgreSQL runs as somebody else, who must get in
    place.mkdir()
    mounted = shutil.which("mount") and os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300m,mode=755", "tmpfs", place], check=False, capture_output=True
    ).returncode == 0  # fmt: skip
    if not mounted:
        place.rmdir()
        pytest.skip("no file system can be mounted here")
    yield place
    assert wait_until(lambda: subprocess.run(["umount", place]).returncode == 0, 60)  # it is busy as long as one ends
    place.rmdir()


@pytest.fixture
def settings(disk, tmp_path, monkeypatch):
    """A database on that disk, and files beside it."""
    elements = [path for path, kind in list_elements(SAMPLE).items() if kind == "TH1F"][:50]
    section = "[plot:T{}]\nmetric = basic.Mean()\nrelativePath = {}\nyTitle = y\n"
    (tmp_path / "cfg" / "Tracker").mkdir(parents=True)
    (tmp_path / "cfg" / "Tracker" / "some.ini").write_text("".join(map(section.format, range(50), elements)))
    (tmp_path / "files").mkdir()
    for number in range(FILES):
        path = tmp_path / "files" / file_name(324997, f"/PD{number}/Run2018D-PromptReco-v1/DQMIO")
        shutil.copy(SAMPLE, path)
        os.utime(path, (1.6e9, 1.6e9))
    server = Postgres(Settings(home=disk / "home", db_port=free_port()))
    monkeypatch.setenv("HDQM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HDQM_CONFIGS", json.dumps([str(tmp_path / "cfg")]))
    monkeypatch.setenv("HDQM_FILES", json.dumps([str(tmp_path / "files")]))
    monkeypatch.setenv("HDQM_DATABASE_WAIT_S", "30")
    try:
        server.start()
        server.migrate(30)
        monkeypatch.setenv("HDQM_DATABASE_URL", server.url)
        yield Settings()
    finally:
        server.destroy()


def test_a_disk_that_is_full(disk, settings):
    def work():
        return pipeline.work(settings, pipeline.plan(settings, pipeline.Request()), jobs=1, advance=lambda line: None)

    plan = pipeline.plan(settings, pipeline.Request())
    fill(disk / "filler")
    report = pipeline.work(settings, plan, jobs=1, advance=lambda line: None)

    assert report.failures == {}
    assert len(report.passing) == FILES
    assert all("No space left on device" in why for why in report.passing.values())
    assert points(settings) == 0

    (disk / "filler").unlink()
    assert work().files["ingested"] == FILES
    assert points(settings) == FILES * 50


def fill(path):
    """To the last byte."""
    for size in (1 << 20, 4096, 1):
        with suppress(OSError), path.open("ab", buffering=0) as file:
            while True:
                file.write(b"\0" * size)


def points(settings):
    with psycopg.connect(settings.database_url.get_secret_value()) as connection:
        return connection.execute("SELECT count(*) FROM hdqm.trend_points WHERE status = 'ok'").fetchone()[0]
