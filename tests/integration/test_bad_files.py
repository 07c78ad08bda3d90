"""Everything bad at once, through ``hdqm ingest``: each file gets its state and its reason, and stops no other."""

import ctypes
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import bad_files
import psycopg
import pytest

from hdqm_ops import pipeline
from hdqm_ops.cli import main
from hdqm_ops.extract import list_elements
from hdqm_ops.settings import Settings

LIBC = ctypes.CDLL(None)


@pytest.fixture(scope="module")
def odds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    (folder / "files").mkdir()
    return folder, bad_files.make(folder / "files")


@pytest.fixture
def settings(odds, db, monkeypatch):
    folder, _ = odds
    element = next(path for path, kind in list_elements(bad_files.SAMPLE).items() if kind == "TH1F")
    config = folder / "cfg" / "Tracker" / "one.ini"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(f"[plot:First]\nmetric = basic.Mean()\nrelativePath = {element}\nyTitle = y\n")
    monkeypatch.setenv("HDQM_HOME", str(folder / "home"))
    monkeypatch.setenv("HDQM_DATABASE_URL", db)
    monkeypatch.setenv("HDQM_CONFIGS", json.dumps([str(folder / "cfg")]))
    monkeypatch.setenv("HDQM_FILES", json.dumps([str(folder / "files")]))
    return Settings()


@contextmanager
def without_rights():
    """Root reads what nobody may: its capabilities to do so are laid down meanwhile (capabilities(7))."""
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert LIBC.capget(header, sets) == 0
    effective = sets[0]
    sets[0] &= ~(1 << 1 | 1 << 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert LIBC.capset(header, sets) == 0
    try:
        yield
    finally:
        sets[0] = effective
        assert LIBC.capset(header, sets) == 0


def ingest(*arguments):
    with pytest.raises(SystemExit) as ended, without_rights():
        main(["ingest", *arguments])
    return ended.value.code


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_each_gets_its_state_and_stops_no_other(odds, settings, db, jobs, capsys):
    assert ingest("-j", jobs, "--json") == 1
    told = capsys.readouterr()
    assert all(line.isprintable() for line in told.err.splitlines())
    assert "DQM\\nnew line.root: not a DQM file name" in told.err

    ledger = {row["path"]: row for row in pipeline.list_files(settings)}
    for odd in odds[1]:
        row = ledger.pop(in_ledger(odd.path))
        assert row["state"] in odd.states, (row, odd)
        assert odd.why in (row["reason"] or ""), row
        assert row["reason"] or row["state"] in ("ingested", "superseded"), row
    assert ledger == {}
    summary = json.loads(told.out)
    assert summary["failed"] == len(summary["failures"]) >= 10
    assert summary["to_be_repeated"] == 0
    with psycopg.connect(db) as connection:
        [(good,)] = connection.execute(
            "SELECT count(*) FROM hdqm.trend_points WHERE primary_dataset = 'Good' AND status = 'ok'"
        ).fetchall()
    assert good == 1


def test_the_list_of_them_breaks_no_terminal(odds, settings, capsys):
    ingest("--json")
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["files"])
    shown = capsys.readouterr().out

    assert len([line for line in shown.splitlines() if not line.startswith(" ")]) == len(odds[1])
    assert all(line.isprintable() for line in shown.splitlines())
    assert "DQM\\nnew line.root" in shown


def test_nothing_changes_when_nothing_changed(odds, settings, capsys):
    ingest("--json")
    before = pipeline.list_files(settings)

    assert ingest("--json") == 0
    assert pipeline.list_files(settings) == before


def test_a_log_has_one_line_for_each(odds, settings, caplog):
    planned = pipeline.plan(settings, pipeline.Request(mode="all"))
    with caplog.at_level("INFO", "hdqm_ops.pipeline._work"):
        report = pipeline.work(settings, planned, jobs=1, advance=lambda line: None)

    lines = [record.getMessage() for record in caplog.records if record.name == "hdqm_ops.pipeline._work"]
    assert len(lines) == sum(report.files.values()) + len(report.failures) > 20
    assert all(line.isprintable() for line in lines)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_log_or_an_output_on_a_full_disk(odds, settings):
    def run(**ends):
        command = [sys.executable, "-m", "hdqm_ops.cli", "ingest", "--json"]
        return subprocess.run(
            command, text=True, check=False, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **ends}
        )

    with Path("/dev/full").open("w", encoding="utf-8") as full:
        without_log = run(stderr=full)
        assert json.loads(without_log.stdout)["ingested"] > 5
        assert without_log.returncode == 1
        without_result = run(stdout=full)
    assert without_result.returncode == 3
    assert (
        "hdqm: No space left on device: the output, or HDQM_HOME; make room, and say it again" in without_result.stderr
    )
    assert "Traceback" not in without_result.stderr


def in_ledger(path):
    """As it stands there: odd bytes written out, the middle of a very long one left out."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return text if len(text.encode()) <= 2000 else f"{text[:998]}…{text[-998:]}"
