"""The simulated services themselves: a world that hangs together, and switches that work while they run."""

from itertools import pairwise

import pytest
import requests

from hdqm_ops.errors import ConfigError
from hdqm_ops.simulate.services import (
    KINDS,
    Fault,
    Faults,
    SignOn,
    SimulatedServices,
    Simulation,
    World,
    read_replay,
)


@pytest.fixture(scope="session")
def full():
    return World(seed=1, runs=1_000_000)


def ask(services, path, **arguments):
    return requests.get(services.base_url + path, timeout=120, allow_redirects=False, **arguments)


# -- the world ---------------------------------------------------------------------------------------------------------


def test_two_years_of_many_runs(full):
    years = {run.period.year for run in full.all_runs}
    kinds = {run.kind for run in full.all_runs}

    assert len(full.all_runs) > 20_000
    assert years == {2018, 2022}
    assert kinds == {"collisions", "commissioning", "cosmics", "local"}
    assert {fill.special for fill in full.fills} == {"", "vdM", "highBeta"}
    assert {fill.period.beams for fill in full.fills} == {"protons", "ions"}


def test_runs_follow_one_another(full):
    for before, after in pairwise(full.all_runs):
        assert before.number < after.number
        assert before.start < before.end <= after.start


def test_runs_lie_in_their_fills(full):
    for fill in full.fills:
        runs = full.of_fill(fill.number)
        assert all(fill.start <= run.start and run.end <= fill.end + 400 for run in runs)


def test_a_small_world_is_part_of_the_full_one(full):
    small = World(seed=1, runs=700)
    known = {run.number: run for run in full.all_runs}

    assert 500 < len(small.all_runs) < 900
    assert all(known[run.number] == run for run in small.all_runs)


def test_same_seed_same_world(full):
    assert World(seed=1, runs=700).all_runs == World(seed=1, runs=700).all_runs
    assert World(seed=2, runs=700).all_runs != World(seed=1, runs=700).all_runs


def test_counts_add_up_over_any_partition(full):
    run = next(run for run in full.all_runs if run.kind == "collisions" and run.lumisections > 300)
    whole = run.counted(90, 4.5e4, 1, run.lumisections)

    assert sum(run.counted(90, 4.5e4, number, number) for number in range(1, run.lumisections + 1)) == whole
    assert run.counted(90, 4.5e4, 1, 100) + run.counted(90, 4.5e4, 101, run.lumisections) == whole


def test_the_last_run_is_open_and_there_are_gaps(full):
    last = full.all_runs[-1]

    assert last.start < full.default_clock < last.end
    assert max(after.start - before.end for before, after in pairwise(full.all_runs)) > 30 * 86_400


def test_no_world():
    with pytest.raises(ConfigError, match="at least one run"):
        World(runs=0)


# -- the switches ------------------------------------------------------------------------------------------------------


def test_faults_are_switched_while_it_runs(services):
    address = services.base_url + "/faults"

    told = requests.put(address, json=[{"kind": "server_error", "times": 1}, "no_count"], timeout=120).json()
    assert [fault["kind"] for fault in told["on"]] == ["server_error", "no_count"]
    assert set(told["known"]) == set(KINDS)
    assert [ask(services, "/agg/api/v1/eras").status_code for _ in range(2)] == [500, 200]
    assert requests.get(address, timeout=120).json()["on"][0]["met"] == 2
    assert requests.delete(address, timeout=120).json()["on"] == []
    assert len(requests.post(address, json={"kind": "hang", "path": "nowhere"}, timeout=120).json()["on"]) == 1


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"kind": "sever_error"}, "there is no fault 'sever_error'; did you mean server_error?"),
        ({"service": "oms"}, "a fault is an object with"),
        ({"kind": "hang", "second": 3}, "a fault is an object with"),
        (5, "a fault is an object with"),
    ],
)
def test_mistakes_are_told(services, document, found):
    response = requests.post(services.base_url + "/faults", json=document, timeout=120)

    assert response.status_code == 400
    assert found in response.json()["err"]


def test_faults_are_counted_by_service_and_path():
    faults = Faults([Fault("hang", service="oms", path="runs", skip=1, times=1)])

    met = [faults.met_by(*request) for request in [("rr", "/runs"), ("oms", "/fills"), *[("oms", "/runs")] * 3]]

    assert [len(one) for one in met] == [0, 0, 0, 1, 0]


def test_the_clock_can_be_set(services, lit_run):
    address = services.base_url + "/clock"

    assert requests.put(address, json={"run": lit_run.number}, timeout=120).status_code == 200
    run = ask(services, f"/agg/api/v1/runs/{lit_run.number}").json()["data"]["attributes"]
    assert run["end_time"] is None
    assert requests.put(address, json={"time": "2022-01-01T00:00:00Z"}, timeout=120).json() == {
        "time": "2022-01-01T00:00:00Z"
    }
    assert requests.get(address, timeout=120).json()["time"] == "2022-01-01T00:00:00Z"
    assert "a moment is a time" in requests.put(address, json={"run": 1}, timeout=120).json()["err"]
    assert "no JSON" in requests.put(address, data="{", timeout=120).json()["err"]


def test_corrections_can_be_made(services, lit_run):
    document = {"resource": "runs", "id": lit_run.number, "attributes": {"b_field": 0.5}}

    assert requests.post(services.base_url + "/corrections", json=document, timeout=120).json() == {"told": 1}
    assert ask(services, f"/agg/api/v1/runs/{lit_run.number}").json()["data"]["attributes"]["b_field"] == 0.5
    assert requests.post(services.base_url + "/corrections", json={"id": 1}, timeout=120).status_code == 400


# -- addresses of OMS --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "runs?filter[run_number]={0}",
        "runs/?filter[run_number][eq]={0}",
        "runs?filter[runs][run_number][EQ]={0}",
        "runs?filter%5Brun_number%5D%5BEQ%5D={0}",
        "runs?filter[runs][run_number]={0}&fields[runs]=run_number",
        "fills/{1}/runs?filter[run_number]={0}",
    ],
)
def test_forms_of_filters(services, lit_run, path):
    address = "/agg/api/v1/" + path.format(lit_run.number, lit_run.fill.number)

    (row,) = ask(services, address).json()["data"]

    assert row["attributes"]["run_number"] == lit_run.number


def test_relationships(services, lit_run):
    run = f"/agg/api/v1/runs/{lit_run.number}"

    assert ask(services, f"{run}/fill").json()["data"]["id"] == str(lit_run.fill.number)
    assert ask(services, f"{run}/relationships/fill").json()["data"]["type"] == "fills"
    assert len(ask(services, f"{run}/lumisections?page[limit]=7").json()["data"]) == 7
    assert ask(services, f"{run}/deadtime").json()["data"][0]["attributes"]["run_number"] == lit_run.number
    assert ask(services, f"{run}/nix").status_code == 404
    assert ask(services, "/agg/api/v1/runs/1/fill").status_code == 404
    assert "relationships" in ask(services, run).json()["data"]


def test_links_are_as_wrong_as_theirs(services):
    links = ask(services, "/agg/api/v1/runs?page[limit]=5").json()["links"]

    assert links["next"].startswith("https://https://")
    assert links["prev"] is None


def test_csv(services, lit_run):
    text = ask(services, f"/agg/api/v1/fills/csv?fields=fill_number,era&filter[fill_number]={lit_run.fill.number}").text

    assert text.splitlines() == ["fill_number,era", f"{lit_run.fill.number},2018A"]


def test_the_last_value_of_a_lumisection_is_that_of_the_next_row(services, lit_run):
    base = f"/agg/api/v1/lumisections?filter[run_number]={lit_run.number}&filter[lumisection_number][GE]=50"

    rows = ask(services, base + "&page[limit]=9999").json()["data"]
    one = ask(services, base + "&filter[lumisection_number][LE]=50").json()["data"]

    assert rows[0]["attributes"]["end_lumi"] == rows[1]["attributes"]["init_lumi"] > 0
    assert rows[-1]["attributes"]["end_lumi"] == one[0]["attributes"]["end_lumi"] == 0.0


def test_too_wide_questions(services):
    response = ask(services, "/agg/api/v1/lumisections?page[offset]=x")

    assert response.status_code == 400
    assert "must be a whole number" in response.json()["errors"][0]["detail"]


def test_values_of_another_type(services):
    response = ask(services, "/agg/api/v1/runs?filter[run_number][EQ]=abc")

    assert "'abc' is no value of run_number" in response.json()["errors"][0]["detail"]


# -- sign-on -----------------------------------------------------------------------------------------------------------


def token(services, endpoint, **form):
    return requests.post(f"{services.sso_url}/{endpoint}", data=form, timeout=120)


def test_sign_on_says_no():
    sign_on = SignOn(clients={"me": "s3cret"}, audiences=frozenset({"cmsoms-prod"}))
    with SimulatedServices(Simulation(World(runs=100), sign_on=sign_on)) as services:
        me = {"grant_type": "client_credentials", "client_id": "me", "client_secret": "s3cret"}
        endpoint = "api-access/token"
        assert token(services, endpoint, **me, audience="cmsoms-prod").json()["token_type"] == "Bearer"
        assert token(services, endpoint, **me, audience="other").status_code == 400
        assert token(services, endpoint, **me).status_code == 400
        assert token(services, endpoint, **{**me, "client_secret": "x"}).status_code == 401
        assert token(services, endpoint, **{**me, "grant_type": "password"}).status_code == 400
        exchange = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "audience": "cmsoms-prod"}
        wrong = token(services, "protocol/openid-connect/token", **{**me, **exchange}, subject_token="x")
        assert wrong.json()["error"] == "invalid_token"


def test_what_needs_a_token(services):
    services.simulation.tokens_required = True

    assert ask(services, "/agg/api/v1/eras").status_code == 401
    response = ask(services, "/api/cycles/global")
    assert (response.status_code, response.headers["location"]) == (302, "/oauth2/start")
    assert "Sign in" in ask(services, "/oauth2/start").text


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_a_taken_port_is_named(running_services):
    with pytest.raises(ConfigError, match=rf"port {running_services.port} of 127.0.0.1 is taken"):
        SimulatedServices(Simulation(), running_services.port)


def test_run_registry_answers_with_and_without_its_proxys_prefix(services, lit_run):
    for prefix in ("", "/api"):
        assert ask(services, f"{prefix}/runs/{lit_run.number}").json()["run_number"] == lit_run.number
    assert ask(services, "/api/runs/1").json() is None
    assert len(ask(services, "/api/runs_lastupdated_50").json()) == 50
    assert ask(services, f"/run_with_history/{lit_run.number}").json()
    assert ask(services, "/workspaces/online").json()
    assert ask(services, "/classifiers/class").json()


def post(services, path, document):
    return requests.post(f"{services.rr_url}/{path}", json=document, timeout=120)


@pytest.mark.parametrize(
    ("filters", "complaint"),
    [
        ({"dataset_name": "online"}, "column Run.dataset_name does not exist"),
        ({"run_number": {"~": 1}}, "Invalid value"),
        ({"oms_attributes.hlt_key": {">": 5}}, "operator does not exist"),
        (None, "Cannot convert undefined or null to object"),
    ],
)
def test_run_registry_complains_with_500(services, filters, complaint):
    response = post(services, "runs_filtered_ordered", {"filter": filters, "sortings": [], "page": 0, "page_size": 5})

    assert response.status_code == 500
    assert complaint in response.json()["err"]


def test_an_or_over_two_tables_is_an_and(services):
    """Why our filters refuse it."""

    def count(filters):
        document = {"filter": filters, "sortings": [], "page": 0, "page_size": 1}
        return post(services, "runs_filtered_ordered", document).json()["count"]

    named, good = {"rr_attributes.class": "Collisions18"}, {"triplet_summary.dt-dt.GOOD": {">": 0}}

    assert 0 < count({"or": [named, good]}) == count({**named, **good}) < count(named) + 1


def test_replay_says_what_it_cannot_read(tmp_path):
    with pytest.raises(ConfigError, match=r"neither \*.csv of runs"):
        read_replay(tmp_path)
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match="has a column run_number"):
        read_replay(tmp_path)


def test_replayed_runs_stand_in_place_of_simulated_ones(tmp_path):
    (tmp_path / "runs.csv").write_text(
        "run_number,fill_number,delivered_lumi,recorded_lumi,last_lumisection_number,components,stable_beam,l1_rate\n"
        "316000,6700,12.5,12.0,100,['DT' 'CSC'],True,\n"
        "317000,,,,,['DT'],False,\n"
    )
    (tmp_path / "fills.json").write_text(
        '[{"fill_number": 6700, "start_time": "2018-05-01T00:00:00Z", "end_time": "2018-05-01T10:00:00Z",'
        ' "start_stable_beam": "2018-05-01T01:00:00Z", "end_stable_beam": null, "peak_lumi": 1.5,'
        ' "delivered_lumi": 13.0, "delivered_lumi_unit": "pb^{-1}"}]'
    )
    with SimulatedServices(Simulation(World(runs=2_000, replay=read_replay(tmp_path)))) as services:
        rows = ask(services, "/agg/api/v1/runs?filter[run_number][GE]=316000&filter[run_number][LE]=317000").json()[
            "data"
        ]
        fill = ask(services, "/agg/api/v1/fills/6700").json()["data"]
        lumisections = ask(services, "/agg/api/v1/lumisections?filter[run_number]=316000").json()["meta"]

    assert [row["id"] for row in rows] == ["316000", "317000"]
    assert rows[0]["attributes"]["components"] == ["DT", "CSC"]
    assert rows[0]["attributes"]["hlt_key"] is None
    assert fill["attributes"]["delivered_lumi"] == 13.0
    assert fill["meta"]["row"] == {"delivered_lumi": {"units": "pb^{-1}"}}
    assert lumisections["totalResourceCount"] == 100


def test_the_readme_lists_all_faults():
    from pathlib import Path

    page = Path(__file__).parents[3] / "hdqm_ops/simulate/services/README.md"
    listed = [line for line in page.read_text().splitlines() if line.startswith("| `")]

    assert listed == [f"| `{kind}` | {meaning} |" for kind, meaning in KINDS.items()]
