"""``hdqm oms``, ``hdqm rr``, ``hdqm json`` and ``hdqm simulate oms`` as programs, against simulated services."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from urllib.parse import unquote

import pytest
import requests

GOLDEN = {"a": {"1": [[1, 10]], "2": [[5, 6]]}, "b": {"1": [[8, 12]], "3": [[1, 1]]}}


def environment(oms_url, rr_url, home):
    told = {name: value for name, value in os.environ.items() if not name.startswith(("HDQM_", "SSO_"))}
    return {**told, "HDQM_HOME": str(home), "HDQM_OMS_URL": oms_url, "HDQM_OMS_AUDIENCE": "", "HDQM_RR_URL": rr_url}


@pytest.fixture
def hdqm(services, tmp_path):
    """Run the program; its stdout. Another exit code than the expected one fails the test."""

    def run(*arguments, code=0, **more):
        done = subprocess.run(
            [sys.executable, "-m", "hdqm_ops.cli", *map(str, arguments)],
            env={**environment(services.oms_url, services.rr_url, tmp_path / "home"), **more},
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    return run


@pytest.fixture
def golden_files(tmp_path):
    for name, told in GOLDEN.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(told))


def test_runs_as_csv_json_and_for_people(hdqm, oms, lit_run):
    stretch = f"{lit_run.number - 100}-{lit_run.number}"
    fields = ["run_number", "fill_number", "recorded_lumi"]
    expected = oms.runs(lit_run.number - 100, lit_run.number, fields=fields).dicts()

    rows = list(csv.DictReader(io.StringIO(hdqm("oms", "runs", stretch, "--fields", ",".join(fields), "--csv"))))
    assert [int(row["run_number"]) for row in rows] == [row["run_number"] for row in expected]
    assert json.loads(hdqm("oms", "runs", stretch, "--fields", ",".join(fields), "--json")) == expected
    shown = hdqm("oms", "runs", lit_run.number, "--fields", ",".join(fields))
    assert "recorded_lumi [pb^-1]" in shown
    assert str(lit_run.fill.number) in shown
    assert "hlt_key" in hdqm("oms", "runs", lit_run.number)  # too many fields for a table


def test_questions_about_one_run(hdqm, oms, lit_run):
    number = lit_run.number
    assert json.loads(hdqm("oms", "fills", lit_run.fill.number, "--json"))[0]["fill_number"] == lit_run.fill.number
    some = json.loads(hdqm("oms", "lumisections", number, "--ls", "3-5", "--fields", "lumisection_number", "--json"))
    assert [row["lumisection_number"] for row in some] == [3, 4, 5]
    rates = json.loads(hdqm("oms", "l1-rates", number, "--by", "lumisection", "--ls", "2-", "--json"))
    assert rates == oms.l1_trigger_rates(number, "lumisection", (2, None)).dicts()
    path = oms.hlt_path_info(number)[0]["path_name"]
    assert [row["path_name"] for row in json.loads(hdqm("oms", "hlt-info", number, path, "--json"))] == [path]
    assert json.loads(hdqm("oms", "hlt-rates", number, path, "--json")) == oms.hlt_path_rates(number, path).dicts()


def test_any_question_can_be_looked_at_before_it_is_sent(hdqm, journal, lit_run):
    asked = ("oms", "query", "l1triggerrates", "--filter", f"run_number={lit_run.number}", "--group", "lumisection")

    address = unquote(hdqm(*asked, "--custom", "x=1", "--show-url")).strip()

    assert f"/l1triggerrates?filter[run_number][EQ]={lit_run.number}" in address
    assert address.endswith("group[granularity]=lumisection&x=1")
    assert not journal.asked
    assert len(json.loads(hdqm(*asked, "--json"))) == lit_run.lumisections


def test_sorted_and_only_the_first(hdqm):
    asked = ("--fields", "run_number", "--sort", "-run_number", "--first", 2, "--csv")
    first, second = hdqm("oms", "query", "runs", *asked).splitlines()[1:]
    assert int(first) > int(second)


def test_a_picture(hdqm, lit_run, tmp_path):
    asked = ("oms", "plot", "l1_trigger_rates", lit_run.number, "-o", "l1.png")
    assert hdqm(*asked, "--columns", "pre_deadtime_rate,post_deadtime_rate") == ""
    assert (tmp_path / "l1.png").read_bytes().startswith(b"\x89PNG")
    assert "did you mean post_deadtime_rate?" in hdqm(*asked, "--columns", "post_deadtime_rat", code=2)


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ("oms runs 321755 --fields run_numbr", "did you mean run_number?"),
        ("oms runs 321755x", "is neither a run nor a range"),
        ("oms query runs --filter run_number", "is no filter"),
        ("oms query runs --custom x", "write key=value"),
        ("oms l1-rates 321755 --by fill", "by run or by lumisection"),
        ("oms l1-rates 321755 --ls a-b", "are no lumisections"),
        ("oms plot l1_trigger_rate 321755 --columns x -o x.png", "did you mean l1_trigger_rates?"),
        ("oms plot streams 1-2 --columns x -o x.png", "only runs and fills take a range"),
        ("rr runs", "name runs, or a filter"),
        ("rr runs --filter [1]", "an object is wanted"),
        ("rr runs --filter {", "no JSON"),
        ("json count absent.json", "cannot be read"),
    ],
)
def test_what_is_not_understood(hdqm, typed, complaint):
    assert complaint in " ".join(hdqm(*typed.split(), code=2).split())


def test_without_credentials_it_says_what_to_set(hdqm):
    assert "SSO_CLIENT_ID" in hdqm("oms", "runs", 1, code=2, HDQM_OMS_AUDIENCE="cmsoms-prod")


def test_an_outage_has_an_exit_code_of_its_own(hdqm):
    told = hdqm("oms", "runs", 1, code=3, HDQM_OMS_URL="http://127.0.0.1:1/agg/api/v1", HDQM_SERVICE_TRIES="1")
    assert "OMS" in told


def test_run_registry(hdqm, rr, lit_run):
    number = lit_run.number
    (run,) = json.loads(hdqm("rr", "runs", number, "--json"))
    assert run["class"] == rr.get_run(number)["class"]
    assert json.loads(hdqm("rr", "runs", number, "--filter", '{"class": "Nothing"}', "--json")) == []
    rows = list(csv.DictReader(io.StringIO(hdqm("rr", "datasets", number, "--csv"))))
    assert {row["name"] for row in rows} == set(rr.get_dataset_names_of_run(number))
    assert any("global" in row["states"] for row in rows)
    ranges = json.loads(hdqm("rr", "ranges", number, "--component", "dt-dt", "--json"))
    assert ranges[0]["component"] == "dt-dt"
    assert ranges[0]["start"] == 1
    assert "did you mean dt-dt?" in hdqm("rr", "ranges", number, "--component", "dt-d", code=2)


def test_run_registry_makes_a_golden_json(hdqm, lit_run, tmp_path):
    (tmp_path / "rule.json").write_text(
        json.dumps({"and": [{"==": [{"var": "run.oms.run_number"}, lit_run.number]}, {">": [1, 0]}]})
    )
    hdqm("rr", "json", "@rule.json", "/PromptReco/Collisions2018A/DQM", "--poll", "0.1", "-o", "made.json")
    assert list(json.loads((tmp_path / "made.json").read_text())) == [str(lit_run.number)]


def test_golden_jsons(hdqm, golden_files, tmp_path):
    assert json.loads(hdqm("json", "and", "a.json", "b.json")) == {"1": [[8, 10]]}
    assert json.loads(hdqm("json", "or", "a.json", "b.json")) == {"1": [[1, 12]], "2": [[5, 6]], "3": [[1, 1]]}
    hdqm("json", "minus", "a.json", "b.json", "-o", "left.json")
    assert json.loads((tmp_path / "left.json").read_text()) == {"1": [[1, 7]], "2": [[5, 6]]}
    assert hdqm("json", "count", "left.json") == "left.json: 2 runs, 9 lumisections\n"
    assert json.loads(hdqm("json", "count", "a.json", "--json")) == {"a.json": {"runs": 2, "lumisections": 12}}
    assert hdqm("json", "check", "a.json") == "a.json: 0 errors, 0 warnings\n"
    (tmp_path / "bad.json").write_text('{"1": [[5, 3]]}')
    assert "bad.json: run 1: the range [5, 3] is not" in hdqm("json", "check", "a.json", "bad.json", code=1)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_simulator_says_where_it_is_answers_and_stops(how):
    command = [sys.executable, "-m", "hdqm_ops.cli", "simulate", "oms", "--port", "0", "--runs", "200", "--seed", "7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        try:
            lines = [program.stdout.readline(), program.stdout.readline()]
            told = dict(part.split("=", 1) for line in lines for part in line.split()[1:])
            assert told["HDQM_OMS_AUDIENCE"] == ""
            rows = requests.get(f"{told['HDQM_OMS_URL']}/runs", timeout=120).json()["data"]
            assert rows
            body = {"page": 0, "page_size": 1, "filter": {}, "sortings": []}
            answer = requests.post(f"{told['HDQM_RR_URL']}/runs_filtered_ordered", json=body, timeout=120)
            assert answer.json()["count"] > 100
        finally:
            program.send_signal(how)
            program.communicate(timeout=300)
    assert program.returncode == 0
