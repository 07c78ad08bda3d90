"""DQM files to trend points as a user would: the program, a real TimescaleDB, simulated files."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tables import facts, orphans, versions

from hdqm_ops import config, reduce, simulate
from hdqm_ops.pipeline import config_roots
from hdqm_ops.settings import Settings

HDQM = [sys.executable, "-m", "hdqm_ops.cli"]
RUNS = (324791, 324835, 324841, 324980)


def hdqm(*arguments, url=None, code=0, **variables):
    """Run the program; what it printed on stdout."""
    environment = {**os.environ, "PYTHONWARNINGS": "default", **variables}
    environment.pop("HDQM_DATABASE_URL", None)
    if url:
        environment["HDQM_DATABASE_URL"] = url
    done = subprocess.run([*HDQM, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stderr[-3000:]
    assert "Traceback" not in done.stderr
    return done.stdout


def ingest(url, *arguments, code=0):
    return json.loads(hdqm("ingest", *arguments, "--json", url=url, code=code))


@pytest.fixture(scope="session")
def trends():
    return config.read_tree(config_roots(Settings()), reduce.catalogue()).trends


@pytest.fixture(scope="session")
def simulated(trends, tmp_path_factory):
    """The files of four runs, as a detector leaves them behind, broken ones included."""
    folder = tmp_path_factory.mktemp("simulated")
    made = simulate.simulate_dqm(trends, folder, simulate.Scenario("test", RUNS, sparse=3, broken=2, distractors=20))
    hours_ago = time.time() - 7200
    for file in made:
        os.utime(file.path, (hours_ago, hours_ago))  # a truncated file that is young would still be waited for
    return made


@pytest.fixture(scope="session")
def good(simulated):
    return [file for file in simulated if file.damage is None and "SingleMuon/Run2018D-Prompt" in file.dataset]


@pytest.fixture(scope="session")
def undisturbed(simulated, migrated_template, make_database):
    """What the tables are after one ingest of all files that nothing disturbed."""
    with make_database(migrated_template) as url:
        ingest(url, "-f", _folder(simulated), code=1)
        yield facts(url)


def _folder(simulated):
    return os.path.commonpath([file.path for file in simulated])


def test_every_file_is_ingested_superseded_or_refused_with_its_reason(db, simulated):
    report = ingest(db, "-f", _folder(simulated), code=1)

    damaged = {file.path for file in simulated if file.damage is not None}
    assert set(report["failures"]) <= damaged
    assert report["failed"] == len(report["failures"]) >= 1
    assert report["ingested"] + report["superseded"] + report["failed"] <= len(simulated)
    assert all(re.search(r"at byte \d+", reason) for reason in report["failures"].values())
    assert report["values"] > 500
    assert orphans(db) == dict.fromkeys(orphans(db), 0)


def test_ingesting_twice_changes_not_even_a_version_of_a_row(db, good):
    paths = [file.path for file in good]
    ingest(db, "-f", *paths)
    before = versions(db)

    again = ingest(db, "-f", *paths)

    assert versions(db) == before
    assert again["ingested"] == 0


def test_everything_anew_gives_the_same_rows(db, good):
    paths = [file.path for file in good]
    first = ingest(db, "-f", *paths)
    before = facts(db)

    again = ingest(db, "-f", *paths, "--mode", "all")

    assert facts(db) == before
    assert (again["ingested"], again["changed_rows"]) == (first["ingested"], 0)


def test_a_newer_version_supersedes_whole_and_an_older_one_never_comes_back(db, good, tmp_path):
    file = next(file for file in good if file.dqm_version == 1)
    shutil.copy(file.path, tmp_path)
    newer = tmp_path / Path(file.path).name.replace("V0001", "V0002")
    ingest(db, "-f", tmp_path)
    shutil.copy(file.path, newer)

    second = ingest(db, "-f", tmp_path)
    third = ingest(db, "-f", tmp_path)

    files = {Path(path).name: (state, points) for path, state, points in _files_and_points(db)}
    assert second["ingested"] == 1
    assert third["ingested"] == 0
    assert files[newer.name][0] == "ingested"
    assert files[Path(file.path).name] == ("superseded", 0)


def test_one_damaged_file_does_not_stop_the_others(db, good, tmp_path):
    for file in good:
        shutil.copy(file.path, tmp_path)
    bad = tmp_path / "DQM_V0001_R000324999__SingleMuon__Run2018D-PromptReco-v2__DQMIO.root"
    bad.write_bytes(Path(good[0].path).read_bytes()[:5000])

    report = ingest(db, "-f", tmp_path, bad, code=1)

    assert list(report["failures"]) == [str(bad)]
    assert report["ingested"] == len({file.run_number for file in good})
    assert dict.fromkeys([str(bad)], "failed").items() <= {p: s for p, s, _ in _files_and_points(db)}.items()


def test_in_halves_it_is_the_same_as_in_one(db, simulated, undisturbed):
    hdqm("extract", "-f", _folder(simulated), "--json", url=db, code=1)
    hdqm("calculate", "--json", url=db)

    assert facts(db) == undisturbed


def test_two_processes_do_the_same_as_one(db, simulated, undisturbed):
    ingest(db, "-f", _folder(simulated), "-j", "2", code=1)

    assert facts(db) == undisturbed


@pytest.mark.parametrize("files", [1, 4, 9])
def test_killed_in_the_middle_and_run_again_the_tables_are_the_same(db, simulated, undisturbed, files):
    environment = {**os.environ, "HDQM_DATABASE_URL": db}
    process = subprocess.Popen(
        [*HDQM, "ingest", "-f", _folder(simulated), "-j", "2"],
        env=environment,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        lines = (line for line in process.stderr if line.startswith("ingest "))
        assert len(list(itertools.islice(lines, files))) == files
        os.killpg(process.pid, signal.SIGKILL)
    assert 0 < _loaded(db) < len(simulated) - 10

    hdqm("ingest", "-f", _folder(simulated), "--mode", "failed", url=db, code=1)

    assert facts(db) == undisturbed


def test_a_subset_does_its_own_work_and_retires_nothing(db, good, trends):
    paths = [file.path for file in good]
    told = hdqm("config", "apply", url=db)

    assert len(told.splitlines()) == 1
    assert f"{len(trends)} new, " in told
    part = ingest(db, "-f", *paths, "-c", "Tracking/*")
    with_the_rest = ingest(db, "-f", *paths)

    assert _active_trends(db) == len(trends)
    assert 0 < part["values"] < with_the_rest["values"]
    assert _subsystems_with_points(db) > {"Tracking"}


def test_a_new_trend_needs_no_file(db, good, trends, tmp_path):
    ingest(db, "-f", *(file.path for file in good))
    (vertices,) = (trend for trend in trends if trend.key == "Tracking/vertices")
    mine = tmp_path / "Tracking" / "mine.ini"
    mine.parent.mkdir()
    mine.write_text(
        "[plot:spread_of_vertices]\nmetric = basic.StdDev()\n"
        f"relativePath = {vertices.alternatives[0].paths['main'][0]}\nyTitle = spread\n"
    )

    report = json.loads(hdqm("calculate", "-c", mine, "--json", url=db))

    assert report["ingested"] == len({file.run_number for file in good})
    assert report["values"] + sum(report["gaps"].values()) == report["ingested"]
    assert report["values"] > 0
    assert _active_trends(db) > 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["ingest", "-r", "3249x7"], 2, "3249x7"),
        (["ingest", "-f", "/no/such/folder"], 2, "/no/such/folder"),
        (["ingest", "-c", "Tracker/vertexes"], 2, "Tracker/vertexes"),
        (["ingest", "--mode", "sometimes"], 2, "sometimes"),
    ],
)
def test_what_cannot_be_understood_is_said_in_one_line(db, arguments, code, said):
    done = subprocess.run(
        [*HDQM, *arguments], env={**os.environ, "HDQM_DATABASE_URL": db}, capture_output=True, text=True, timeout=300
    )

    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_database_it_says_how_to_get_one(tmp_path):
    environment = {**os.environ, "HDQM_HOME": str(tmp_path)}
    environment.pop("HDQM_DATABASE_URL", None)

    done = subprocess.run([*HDQM, "ingest"], env=environment, capture_output=True, text=True, timeout=300)

    assert done.returncode == 3
    assert "hdqm db start" in done.stderr
    assert "HDQM_DATABASE_URL" in done.stderr


# -- the predecessor's data, where they are ----------------------------------------------------------------------------

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not there")


@needs_shared
def test_the_predecessors_trends_of_fifteen_files(db):
    arguments = ("-c", SHARED / "centralhdqm" / "cfg", "-f", SHARED / "dqm")

    first = ingest(db, *arguments)
    before = versions(db)
    second = ingest(db, *arguments)

    assert first["ingested"] == 15
    assert first["values"] > 30_000
    assert (second["ingested"], versions(db)) == (0, before)


@needs_shared
def test_real_files_are_ingested_or_refused_with_a_reason(db):
    files = sorted((SHARED / "real" / "dqm").glob("*.root"))

    hdqm("ingest", "-c", SHARED / "centralhdqm" / "cfg", "-f", *files, "--json", url=db)

    states = {Path(path).name: (state, reason) for path, state, reason in _ledger(db)}
    assert set(states) == {file.name for file in files}
    assert {state for state, _ in states.values()} <= {"ingested", "superseded", "ignored"}
    assert states["DQM_V0002_R000357538__Global__CMSSW_X_Y_Z__RECO.root"][0] == "ingested"
    assert states["DQM_V0001_R000357538__Global__CMSSW_X_Y_Z__RECO.root"][0] == "superseded"
    assert "not a DQM file name" in states["examples_ref.root"][1]


# -- questions to the database -----------------------------------------------------------------------------------------


def _ask(url, question):
    from hdqm_ops import load

    with load.connect(url, role="hdqm_reader") as connection:
        return load.ask(connection, question)[1]


def _ledger(url):
    return _ask(url, "SELECT path, state::text, reason FROM hdqm.dqm_files")


def _files_and_points(url):
    return _ask(
        url,
        "SELECT f.path, f.state::text, (SELECT count(*) FROM hdqm.trend_points p WHERE p.dqm_file_id = f.dqm_file_id) "
        "FROM hdqm.dqm_files f",
    )


def _loaded(url):
    return _ask(url, "SELECT count(*) FROM hdqm.dqm_files WHERE ingested_at IS NOT NULL")[0][0]


def _active_trends(url):
    return _ask(url, "SELECT count(*) FROM hdqm.trends WHERE active")[0][0]


def _subsystems_with_points(url):
    return {name for (name,) in _ask(url, "SELECT DISTINCT subsystem FROM hdqm.trend_points")}
