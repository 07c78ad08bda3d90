"""A database that goes away while files are loaded, and comes back: nothing is lost, nothing is done twice."""

import json
import os
import shutil
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from hdqm_ops import pipeline
from hdqm_ops.cli import main
from hdqm_ops.discover import file_name
from hdqm_ops.errors import DatabaseUnavailable
from hdqm_ops.extract import list_elements
from hdqm_ops.settings import Settings

[SAMPLE] = (Path(__file__).parents[1] / "data" / "dqm").glob("*.root")


class Line:
    """The line to a server: it can be cut, also by itself as soon as ``word`` is said on it."""

    def __init__(self, target):
        self.target = target
        self.word = b""
        self.is_up = True
        self.said = 0
        self.ends, self.every_end = [], []
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        self.threads = []
        self._start(self._serve)

    def _start(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _serve(self):
        with suppress(OSError):
            while True:
                near, _ = self.door.accept()
                if not self.is_up:
                    near.close()
                    continue
                far = socket.create_connection(self.target)
                self.ends += [near, far]
                self.every_end += [near, far]
                for pair in ((near, far, True), (far, near, False)):
                    self._start(self._pump, *pair)

    def _pump(self, source, sink, outward):
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if outward and self.word and self.word in data:
                    self.said += 1
                    self.cut()
                    return
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        self.is_up = False
        for end in self.ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.ends = []

    def mend(self):
        self.word, self.is_up = b"", True

    def close(self):
        self.cut()
        with suppress(OSError):
            self.door.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(10)
        for end in (self.door, *self.every_end):
            end.close()


@pytest.fixture
def line(db, monkeypatch, tmp_path):
    """The line that ``hdqm`` uses, with ten files to ingest at its near end."""
    facts = conninfo_to_dict(db)
    made = Line((facts.get("host", "127.0.0.1"), int(facts.get("port", 5432))))
    monkeypatch.setenv("HDQM_DATABASE_URL", make_conninfo(db, host="127.0.0.1", port=made.port))
    element = next(path for path, kind in list_elements(SAMPLE).items() if kind == "TH1F")
    config = tmp_path / "cfg" / "Tracker" / "one.ini"
    config.parent.mkdir(parents=True)
    config.write_text(f"[plot:First]\nmetric = basic.Mean()\nrelativePath = {element}\nyTitle = y\n")
    (tmp_path / "files").mkdir()
    for number in range(10):
        path = tmp_path / "files" / file_name(324997, f"/PD{number}/Run2018D-PromptReco-v1/DQMIO")
        shutil.copy(SAMPLE, path)
        os.utime(path, (1.6e9, 1.6e9))
    monkeypatch.setenv("HDQM_DATABASE_WAIT_S", "0")
    monkeypatch.setenv("HDQM_CLAIM_S", "5")  # how long an ingest waits for one before it that lives: this process
    monkeypatch.setenv("HDQM_CONFIGS", json.dumps([str(tmp_path / "cfg")]))
    monkeypatch.setenv("HDQM_FILES", json.dumps([str(tmp_path / "files")]))
    yield made
    made.close()


def ingest(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["ingest", *arguments])
    return ended.value.code


def numbers(db):
    with psycopg.connect(db) as connection:
        states = dict(connection.execute("SELECT state, count(*) FROM hdqm.dqm_files GROUP BY 1").fetchall())
        points = connection.execute("SELECT count(*) FROM hdqm.trend_points WHERE status = 'ok'").fetchone()[0]
    return states, points


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("word", [b"COPY pg_temp.stage_point", b"calculated_at = CASE", b"COMMIT"])
def test_a_line_that_is_cut(line, db, word, jobs, capsys):
    line.word = word
    code = ingest("-j", jobs)
    told = capsys.readouterr().err
    assert line.said

    assert code == 3
    assert "no database answers" in told
    states, points = numbers(db)
    assert states.get("failed", 0) == 0
    assert points == states.get("ingested", 0)

    line.mend()
    assert ingest("-j", jobs) == 0
    assert numbers(db) == ({"ingested": 10}, 10)


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(
    "word",
    [
        b"hdqm.definition ",  # of the plan: the configuration,
        b"COPY pg_temp.stage_file",  # the listing,
        b"WITH best AS",  # the question what there is to do
        b"claim_expires = clock",
        b"COPY pg_temp.stage_point",
        b"calculated_at = CASE",
    ],
)
def test_a_database_that_comes_back_in_time_is_waited_for(line, db, word, jobs, monkeypatch):
    monkeypatch.setenv("HDQM_DATABASE_WAIT_S", "60")
    line.word = word

    def mend_later():
        while line.is_up:
            time.sleep(0.05)
        time.sleep(0.5)
        line.mend()

    mending = threading.Thread(target=mend_later)
    mending.start()
    try:
        assert ingest("-j", jobs) == 0
    finally:
        line.is_up = False
        mending.join()

    assert line.said
    assert numbers(db) == ({"ingested": 10}, 10)


def test_a_task_says_so_and_the_next_try_goes_on(line, db):
    (*batches,) = pipeline.plan(Settings(), pipeline.Request()).batches
    line.word = b"calculated_at = CASE"
    with pytest.raises(DatabaseUnavailable, match="no database answers"):
        pipeline.ingest_batch(Settings(), batches[0].file_ids)
    assert numbers(db) == ({"discovered": 10}, 0)

    line.mend()
    counts = [pipeline.ingest_batch(Settings(), batch.file_ids) for batch in batches]

    assert sum(one["ingested"] for one in counts) == 10
    assert numbers(db) == ({"ingested": 10}, 10)


def test_a_database_that_is_away_is_said_at_once(line, db, capsys):
    line.cut()
    began = time.monotonic()

    assert ingest() == 3
    assert time.monotonic() - began < 30
    assert "hdqm db start" in capsys.readouterr().err
