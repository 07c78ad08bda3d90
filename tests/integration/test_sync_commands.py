"""``hdqm sync``, ``runs``, ``json import`` as programs: what they print, what they refuse, which exit code."""

import json
import os
import subprocess
import sys

import pytest
from loading import ingest, make_file, make_histogram, make_trend
from psycopg.conninfo import conninfo_to_dict

from hdqm_ops import load
from hdqm_ops.simulate.services import SimulatedServices, Simulation, World

SECRET = "s3cret-of-commands"


@pytest.fixture(scope="module")
def running():
    with SimulatedServices(Simulation(World(seed=1, runs=200))) as services:
        services.simulation.tokens_required = True
        services.simulation.sign_on.clients = {"me": SECRET}
        yield services


@pytest.fixture(scope="module")
def url(make_database, migrated_template):
    """One database for all of these: each command leaves it in a state that the others can live with."""
    with make_database(migrated_template) as conninfo:
        facts = conninfo_to_dict(conninfo)
        login = f"{facts['user']}:{facts['password']}@" if "password" in facts else f"{facts['user']}@"
        yield f"postgresql://{login}{facts['host']}:{facts['port']}/{facts['dbname']}"


@pytest.fixture
def hdqm(running, url, tmp_path):
    """Run the program: its stdout, or its stderr where it fails as expected."""
    ours = {
        "HDQM_HOME": str(tmp_path / "home"),
        "HDQM_DATABASE_URL": url,
        "HDQM_OMS_URL": running.oms_url,
        "HDQM_RR_URL": running.rr_url,
        "HDQM_RR_AUDIENCE": "rr",
        "HDQM_SSO_URL": running.sso_url,
        "HDQM_SERVICE_TRIES": "1",
        "SSO_CLIENT_ID": "me",
        "SSO_CLIENT_SECRET": SECRET,
    }
    foreign = {name: value for name, value in os.environ.items() if not name.startswith(("HDQM_", "SSO_"))}

    def run(*arguments, code=0, **more):
        command = [sys.executable, "-m", "hdqm_ops.cli", *map(str, arguments)]
        environment = {**foreign, **ours, **more}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == code, done.stderr
        assert SECRET not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if code == 0 else done.stderr

    return run


@pytest.fixture(scope="module")
def lit(running):
    return next(run for run in running.simulation.world.all_runs if run.kind == "collisions" and run.lumisections > 50)


def test_named_runs_with_lumisections(hdqm, lit):
    told = json.loads(hdqm("sync", "oms", "-r", lit.number, "--lumisections", "--json"))

    assert (told["runs"], told["lumisections"]) == (1, lit.lumisections)
    assert "1 runs told of" in hdqm("-v", "sync", "oms", "-r", lit.number)
    assert json.loads(hdqm("sync", "rr", "-r", lit.number, lit.number + 1, "--json"))["runs"] >= 1


def test_days_and_what_contradicts(hdqm):
    assert json.loads(hdqm("sync", "oms", "--since", "2018-07-01", "--until", "2018-07-10", "--json"))["runs"] > 0
    assert "name runs or days, not both" in hdqm("sync", "oms", "-r", 1, "--since", "2018-07-01", code=2)
    assert "does not match" in hdqm("sync", "rr", "--since", "in July", code=2)
    assert "name runs or days" in hdqm("sync", "oms", "--lumisections", code=2)
    assert "neither a run nor a range" in hdqm("sync", "oms", "-r", "abc", code=2)


def test_a_service_that_is_away_and_a_wrong_secret(hdqm):
    away = hdqm("sync", "oms", "-r", 1, code=3, HDQM_OMS_URL="http://127.0.0.1:9/agg/api/v1")
    assert "OMS" in away
    wrong = hdqm("sync", "rr", "-r", 1, code=2, SSO_CLIENT_SECRET="wrong")
    assert "401" in wrong
    assert "wrong" not in wrong
    none = hdqm("sync", "oms", code=2, SSO_CLIENT_ID="", SSO_CLIENT_SECRET="")
    assert "hdqm runs import" in none


def test_a_database_that_is_away(hdqm):
    nowhere = "postgresql://nobody@127.0.0.1:9/hdqm"
    said = hdqm("sync", "oms", code=3, HDQM_DATABASE_URL=nowhere, HDQM_DATABASE_WAIT_S="0")
    assert "no database answers" in said


def test_runs_by_hand_without_services(hdqm, tmp_path):
    (tmp_path / "runs.csv").write_text("run_number,run_class,b_field_t\n100,Mine,3.8\n101,Mine,\n")
    (tmp_path / "runs.json").write_text('[{"run_number": 102, "significant": true}]')

    assert json.loads(hdqm("runs", "import", "runs.csv", "--json"))["new"] == 2
    assert json.loads(hdqm("runs", "import", "runs.csv", "--json"))["written"] == 0
    assert "1 of them new" in hdqm("runs", "import", "runs.json")


def test_bad_files_of_runs_say_where_and_write_nothing(hdqm, tmp_path, url):
    (tmp_path / "wrong.csv").write_text("run_number,b_feild_t,b_field_t\n5,1,3.8\n-5,,3.8\n6,,strong\n7,,1\n7,,1\n")
    (tmp_path / "broken.csv").write_text('run_number,era\n1,"2018A\n')
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "broken.json").write_text('[{"run_number": 1')
    with load.connect(url) as connection:
        asked = "SELECT count(*), max(imported_at) FROM hdqm.run"
        before = connection.execute(asked).fetchone()

        said = hdqm("runs", "import", "wrong.csv", code=2)
        for part in ("line 2: no column 'b_feild_t'; did you mean b_field_t?", "line 3: -5 is no run number",
                     "line 4: b_field_t is 'strong', no float", "run 7 is there twice"):  # fmt: skip
            assert part in " ".join(said.split())
        assert "broken.csv: cannot be read" in hdqm("runs", "import", "broken.csv", code=2)
        assert "empty.csv: is empty" in hdqm("runs", "import", "empty.csv", code=2)
        assert "broken.json: cannot be read" in hdqm("runs", "import", "broken.json", code=2)
        assert "absent.csv: cannot be read" in hdqm("runs", "import", "absent.csv", code=2)

        assert connection.execute(asked).fetchone() == before


def test_golden_jsons_by_name(hdqm, tmp_path):
    (tmp_path / "golden.json").write_text('{"315257": [[1, 88], [91, 92]], "315259": [[1, 172]]}')
    (tmp_path / "bad.json").write_text('{"315257": [[88, 1]]}')
    (tmp_path / "rule.json").write_text('{"==": [{"var": "lumisection.rr.dt-dt"}, "GOOD"]}')

    assert "2 runs, 262 lumisections" in hdqm("json", "import", "Golden", "golden.json")
    assert "315257" in hdqm("json", "import", "Bad", "bad.json", code=2)
    assert "cannot be read" in hdqm("json", "import", "Bad", "absent.json", code=2)
    made = hdqm("json", "create", "Made", "@rule.json", "/PromptReco/Collisions2018%/DQM", "--poll", "0.1", "--json")
    assert json.loads(made)["runs"] > 0
    assert "No datasets matched" in hdqm("json", "create", "Made", "@rule.json", "/Nothing", "--poll", "0.1", code=2)


def test_runs_of_a_selection(hdqm, url):
    with load.connect(url) as connection:
        files = [make_file(run) for run in (330_001, 330_002)]
        load.register_files(connection, files)
        content = {file.path: {"Tracker/a": make_histogram(1)} for file in files}
        ingest(connection, [make_trend("a")], content, paths=tuple(content))
        load.record_runs(connection, "hand", [{"run_number": 330_001, "significant": False}])

    shown = json.loads(hdqm("runs", "select", "range", "330000-330009", "--subsystem", "Tracker", "--json"))
    assert [row["run_number"] for row in shown] == [330_002]
    assert json.loads(hdqm("runs", "left-out", "--subsystem", "Tracker", "--json"))[0]["run_number"] == 330_001
    assert "330001" in hdqm("runs", "select", "list", "330001")
    assert "there is no mode 'newest'" in hdqm("runs", "select", "newest", "3", code=2)
    assert "there are default and all" in hdqm("runs", "select", "--quality", "best", code=2)
