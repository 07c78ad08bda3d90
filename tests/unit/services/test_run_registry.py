"""The client of Run Registry against the simulated one."""

import pickle
import time
from dataclasses import replace

import pytest

from hdqm_ops.errors import (
    AuthenticationFailed,
    BadAnswer,
    ConfigError,
    IncompleteAnswer,
    RequestRefused,
    ServiceUnavailable,
)
from hdqm_ops.services import Credentials, RunRegistry, StatusRange

PROMPT = "/PromptReco/Collisions2018A/DQM"
GOOD = {"and": [{"==": [{"var": "lumisection.rr.dt-dt"}, "GOOD"]}, {">": [{"var": "run.oms.energy"}, 6000]}]}


@pytest.fixture(scope="session")
def some(world):
    """First and last of sixty runs."""
    return world.all_runs[200].number, world.all_runs[259].number


def of(some):
    return {"run_number": {"and": [{">=": some[0]}, {"<=": some[1]}]}}


# -- runs and datasets -------------------------------------------------------------------------------------------------


def test_one_run(rr, lit_run):
    run = rr.get_run(lit_run.number)

    assert run["run_number"] == lit_run.number
    assert run["class"] == "Collisions18"
    assert run["oms_attributes"]["ls_duration"] == lit_run.lumisections
    assert run["oms_attributes"]["pixel_included"] is True
    assert sum(run["lumisections"]["dt-dt"][status] for status in ("GOOD", "EMPTY")) <= lit_run.lumisections
    assert rr.get_run(1) is None


def test_runs_come_by_number_and_whole(rr, some, world, journal):
    runs = rr.get_runs(of(some), page_size=25)

    assert [run["run_number"] for run in runs] == [run.number for run in world.all_runs[200:260]]
    assert journal.asked["rr"] == 3


def test_not_compressed(rr, some):
    (run,) = rr.get_runs(of(some), compress=False, limit=1)

    assert {"rr_attributes", "oms_attributes", "DatasetTripletCache"} <= set(run)


def test_limit_counts_on_the_first_page_too(rr, some):
    assert len(rr.get_runs(of(some), limit=2)) == 2


def test_typed_runs(rr, lit_run):
    (run,) = rr.runs({"run_number": lit_run.number})

    assert (run.run_class, run.state, run.significant) == ("Collisions18", "SIGNOFF", True)
    assert run.needs_manual_update is False
    assert run.oms["fill_number"] == lit_run.fill.number


def test_runs_by_class_and_status(rr):
    runs = list(rr.runs({"class": "Collisions18", "tracker-strip": {"STANDBY": {">": 0}}}))

    assert runs
    assert all(run.run_class == "Collisions18" for run in runs)
    assert all(run.lumisections["tracker-strip"]["STANDBY"] > 0 for run in runs)


def test_filters_as_they_are(rr):
    runs = rr.get_runs({"rr_attributes.class": {"notlike": "Coll%"}, "version": {">": 0}}, raw=True, limit=5)

    assert len(runs) == 5


def test_sortings(rr, some):
    runs = rr.get_runs(of(some), sortings=[("run_number", "DESC")])

    assert [run["run_number"] for run in runs] == sorted((run["run_number"] for run in runs), reverse=True)


def test_rows_since_a_version(services, rr, world, lit_run):
    newest = max(run.version for run in rr.runs({}))
    services.simulation.changes.note(lit_run.number, "online", services.simulation.clock + 60)

    assert [run.run_number for run in rr.runs({"version": {">": newest}})] == [lit_run.number]


def test_one_dataset(rr, lit_run):
    dataset = rr.get_dataset(lit_run.number, PROMPT)

    assert (dataset["name"], dataset["class"]) == (PROMPT, "Collisions18")
    assert dataset["oms_attributes"]["fill_number"] == lit_run.fill.number
    assert dataset["dcs_summary"]["ls_duration"] == {"TRUE": lit_run.lumisections}
    assert rr.get_dataset(lit_run.number, "/nix") is None


def test_datasets_and_their_states(rr, lit_run):
    datasets = {dataset.name: dataset for dataset in rr.datasets({"run_number": lit_run.number})}

    assert datasets[PROMPT].states["global"] == "COMPLETED"
    assert "tracker" in datasets[PROMPT].states
    assert datasets["online"].states == {}


def test_datasets_by_name_and_state(rr):
    found = rr.get_datasets({"dataset_name": {"like": "%/PromptReco/Cosmics18%"}, "global_state": "COMPLETED"})

    assert found
    assert all(dataset["name"].startswith("/PromptReco/Cosmics18") for dataset in found)


def test_counting(rr, some):
    assert rr.count("runs", of(some)) == 60
    assert rr.count("datasets", of(some)) >= 60


def test_names_cycles_and_accepted(rr, lit_run):
    assert PROMPT in rr.get_dataset_names_of_run(lit_run.number)
    assert "id_cycle" in rr.get_cycles()[0]
    assert "regexp" in rr.get_datasets_accepted()[0]


# -- whole answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["server_error", "bad_gateway", "cut_chunk", "too_many_requests", "broken_connection"])
def test_passing_faults(rr, some, faults, kind):
    faults.add(kind, times=2)

    assert len(rr.get_runs(of(some), page_size=20)) == 60


def test_an_error_on_a_later_page_is_an_error(rr, some, faults):
    faults.add("server_error", skip=1)

    with pytest.raises(ServiceUnavailable, match="HTTP 500: boom"):
        rr.get_runs(of(some), page_size=20)


@pytest.mark.parametrize("skip", [0, 1, 2])
def test_a_short_page_is_asked_for_again(rr, some, faults, skip):
    faults.add("short_page", times=1, skip=skip)

    assert len(rr.get_runs(of(some), page_size=20)) == 60


def test_a_page_that_stays_short_is_an_error(rr, some, faults):
    faults.add("short_page")

    with pytest.raises(IncompleteAnswer, match="page 0 has 10 rows in place of 20"):
        rr.get_runs(of(some), page_size=20)


def test_rows_that_come_in_between(rr, some, faults):
    faults.add("rows_inserted", times=1)
    assert len(rr.get_runs(of(some), page_size=20)) == 60

    faults.set(["rows_inserted"])
    with pytest.raises(IncompleteAnswer, match="60 rows were counted, and 61 a page later"):
        rr.get_runs(of(some), page_size=20)


def test_rows_that_nobody_asked_for(rr, some, faults):
    faults.add("wrong_rows")

    with pytest.raises(BadAnswer, match="does not satisfy the condition on run_number"):
        rr.get_runs(of(some))


@pytest.mark.parametrize("name", ["get_lumisections", "get_oms_lumisections", "get_lumisection_ranges"])
def test_errors_are_never_data(rr, lit_run, faults, name):
    faults.add("server_error")

    with pytest.raises(ServiceUnavailable, match="boom"):
        getattr(rr, name)(lit_run.number)


def test_garbage(rr, lit_run, faults):
    faults.add("not_json")

    with pytest.raises(BadAnswer):
        rr.get_run(lit_run.number)


def test_an_old_copy_says_so(rr, lit_run, faults):
    faults.add("manual_update", runs=(lit_run.number,))

    (run,) = rr.runs({"run_number": lit_run.number})

    assert run.needs_manual_update is True
    assert run.oms["recorded_lumi"] is None


def test_what_omss_corrections_do(services, rr, oms, lit_run):
    services.simulation.correct("runs", lit_run.number, hlt_key="/cdaq/corrected")

    (run,) = rr.runs({"run_number": lit_run.number})

    assert run.needs_manual_update is True
    assert run.oms["hlt_key"] != oms.runs(lit_run.number)[0]["hlt_key"]


def test_null_class(rr, lit_run, faults):
    faults.add("null_fields")

    (run,) = rr.runs({"run_number": lit_run.number})

    assert run.run_class is None


# -- lumisections ------------------------------------------------------------------------------------------------------


def test_lumisections(rr, lit_run):
    lumisections = rr.get_lumisections(lit_run.number, PROMPT)

    assert len(lumisections) == lit_run.lumisections
    assert lumisections[-1]["dt-dt"]["status"] in ("GOOD", "BAD", "STANDBY", "EXCLUDED")
    assert rr.get_lumisections(1) == []


def test_ranges_say_the_same_as_lumisections(rr, lit_run):
    lumisections = rr.get_lumisections(lit_run.number, PROMPT)
    by_component = rr.get_lumisection_ranges_by_component(lit_run.number, PROMPT)
    ranges = rr.get_lumisection_ranges(lit_run.number, PROMPT)

    assert isinstance(by_component["tracker-strip"][0], StatusRange)
    for column, stretches in by_component.items():
        spread = [one.status for one in stretches for _ in range(one.start, one.end + 1)]
        assert spread == [told[column]["status"] for told in lumisections]
    assert ranges[0]["start"] == 1
    assert ranges[-1]["end"] == lit_run.lumisections


def test_oms_lumisections(rr, lit_run, faults):
    assert len(rr.get_oms_lumisections(lit_run.number)) == lit_run.lumisections
    assert rr.get_oms_lumisection_ranges(lit_run.number)[0]["cms_active"] is True
    joint = rr.get_joint_lumisection_ranges(lit_run.number, PROMPT)
    assert {"cms_active", "dt-dt", "start", "end"} <= set(joint[0])

    faults.add("lumisection_gap")
    assert rr.get_oms_lumisections(lit_run.number)[2] == {"err": "No data available for this lumisection"}


# -- golden JSONs ------------------------------------------------------------------------------------------------------


def test_create_json(rr, lit_run):
    made = rr.create_json(GOOD, PROMPT, poll_s=0.01)

    assert lit_run.number in made.golden
    by_component = rr.get_lumisection_ranges_by_component(lit_run.number, PROMPT)
    good = [one for one in by_component["dt-dt"] if one.status == "GOOD"]
    assert made.golden[lit_run.number] == tuple((one.start, one.end) for one in good)
    assert made.row["dataset_name_filter"] == PROMPT


def test_create_json_has_a_deadline(services, rr):
    services.simulation.portal.polls = 1_000_000
    started = time.monotonic()
    try:
        with pytest.raises(ServiceUnavailable, match=r"is not done in time \(.*\); it goes on there"):
            rr.create_json(GOOD, PROMPT, poll_s=0.02, deadline_s=0.3)
    finally:
        services.simulation.portal.polls = 2
    assert time.monotonic() - started < 60  # and not after a million questions


@pytest.mark.parametrize(
    ("rule", "name", "found"),
    [
        (GOOD, "/nix", "No datasets matched that dataset name"),
        ("no rule", PROMPT, "Unexpected token"),
        ({}, PROMPT, "json_logic cannot be empty"),
    ],
)
def test_create_json_refused(rr, rule, name, found, journal):
    with pytest.raises(RequestRefused, match=found):
        rr.create_json(rule, name, poll_s=0.01)

    assert journal.asked["rr"] == 1


def test_a_job_that_fails(rr, faults):
    faults.add("server_error", path="json_portal/json")

    with pytest.raises(RequestRefused, match=r"job \d+ failed: HTTP 500: boom"):
        rr.create_json(GOOD, PROMPT, poll_s=0.01)


def test_two_datasets_of_a_run_make_no_golden_json(rr):
    with pytest.raises(BadAnswer, match="several datasets of a run"):
        rr.create_json(GOOD, "/(PromptReco|Express)/Collisions2018%/DQM", poll_s=0.01)


# -- changes -----------------------------------------------------------------------------------------------------------

CHANGES = {
    "move_runs": lambda rr, run: rr.move_runs("OPEN", "SIGNOFF", [run]),
    "make_significant_runs": lambda rr, run: rr.make_significant_runs([run]),
    "reset": lambda rr, run: rr.reset_rr_attributes_and_refresh_runs([run]),
    "refresh": lambda rr, run: rr.manually_refresh_components_statuses_for_runs([run]),
    "edit": lambda rr, run: rr.edit_rr_lumisections(run, (1, 2), "dt-dt", "BAD"),
    "move_datasets": lambda rr, run: rr.move_datasets("COMPLETED", "OPEN", PROMPT, [run]),
    "change_run_class": lambda rr, run: rr.change_run_class([run], "Cosmics18"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changes_are_off_and_name_the_egroup(rr, journal, change):
    with pytest.raises(RequestRefused, match=r"needs the e-group .*cms-dqm-runregistry.*may_change=True"):
        CHANGES[change](rr, 327_743)

    assert journal.asked["rr"] == 0


@pytest.mark.parametrize("change", ["move_runs", "make_significant_runs", "edit", "move_datasets", "change_run_class"])
def test_changes_without_the_right(rr_service, journal, change):
    with pytest.raises(RequestRefused, match="HTTP 401: User needs to be part of any of the following e-groups"):
        CHANGES[change](RunRegistry(rr_service, may_change=True), 327_743)

    assert journal.asked["rr"] == 1


@pytest.fixture
def shifter(services, rr_service):
    """A client with a token whose account may do everything."""
    simulation = services.simulation
    simulation.tokens_required = True
    simulation.egroups = {"shifter": ("cms-dqm-runregistry-experts",)}
    credentials = Credentials("shifter", "s3cret")
    client = RunRegistry(replace(rr_service, audience="rr", credentials=credentials, headers={}), may_change=True)
    yield client
    client.close()
    simulation.egroups = {}
    simulation.changes.runs.clear()
    simulation.changes.datasets.clear()
    simulation.changes.spans.clear()


def test_changes_with_the_right(shifter, lit_run, world):
    number, last = lit_run.number, world.all_runs[-1].number

    assert shifter.move_runs("SIGNOFF", "COMPLETED", [number])[0]["rr_attributes"]["state"] == "COMPLETED"
    moved = shifter.move_datasets("COMPLETED", "OPEN", PROMPT, [number], workspace="tracker")
    assert moved[0]["dataset_attributes"]["tracker_state"] == "OPEN"
    shifter.edit_rr_lumisections(number, (10, 20), "dt-dt", "BAD", comment="trip", dataset_name=PROMPT)
    assert (
        StatusRange(10, 20, "BAD", "trip", "") in shifter.get_lumisection_ranges_by_component(number, PROMPT)["dt-dt"]
    )
    assert shifter.change_run_class([last], "Special22")[0]["rr_attributes"]["class"] == "Special22"
    assert shifter.reset_rr_attributes_and_refresh_runs([last])[0]["rr_attributes"]["class"] == "Cosmics22"
    assert len(shifter.manually_refresh_components_statuses_for_runs([last])) == 1
    local = next(run.number for run in world.all_runs if run.kind == "local")
    assert shifter.make_significant_runs([local])[0]["rr_attributes"]["significant"] is True


def test_a_change_says_what_was_done_before_it_failed(shifter, lit_run, world):
    with pytest.raises(RequestRefused, match=rf"Run must be in state SIGNOFF \(done before: {lit_run.number}\)"):
        shifter.move_runs("SIGNOFF", "COMPLETED", [lit_run.number, world.all_runs[-1].number])


def test_a_proxys_bad_moment_is_no_reason_to_change_twice(shifter, lit_run, faults, journal):
    faults.add("bad_gateway", service="rr")

    with pytest.raises(ServiceUnavailable, match="tried once"):
        shifter.move_runs("SIGNOFF", "COMPLETED", [lit_run.number])


@pytest.mark.parametrize(
    ("mistake", "found"),
    [
        (lambda rr: rr.move_runs("OPNE", "SIGNOFF", [1]), r"did you mean OPEN\?"),
        (lambda rr: rr.move_runs("OPEN", "SIGNOFF", []), "run numbers are wanted"),
        (lambda rr: rr.change_run_class(["1"], "x"), "run numbers are wanted"),
        (lambda rr: rr.edit_rr_lumisections(1, (0, 1), "dt-dt", "GOOD"), "from 1 upwards"),
        (lambda rr: rr.edit_rr_lumisections(1, (1, 2), "dt-dt", "FINE"), "is none of GOOD, BAD"),
    ],
)
def test_mistakes_are_found_before_anything_is_sent(rr_service, journal, mistake, found):
    with pytest.raises(ConfigError, match=found):
        mistake(RunRegistry(rr_service, may_change=True))

    assert journal.asked["rr"] == 0


# -- tokens ------------------------------------------------------------------------------------------------------------


def test_the_proxys_redirect_is_an_authentication_failure(services, rr):
    services.simulation.tokens_required = True

    with pytest.raises(AuthenticationFailed, match="redirected") as caught:
        rr.get_run(1)

    assert "audience" in str(pickle.loads(pickle.dumps(caught.value)))


def test_an_expired_token_is_renewed(shifter, lit_run, faults):
    assert shifter.get_run(lit_run.number)
    faults.add("expired_token", service="rr", times=1)

    assert shifter.get_run(lit_run.number)
