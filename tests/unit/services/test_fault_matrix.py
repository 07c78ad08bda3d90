"""Every question under every fault: the undisturbed answer, or an error that says so; never something between."""

from dataclasses import replace

import pytest

from hdqm_ops.errors import BadAnswer, ServiceError, TryAgain
from hdqm_ops.services import OMS, RunRegistry, get_oms_data

PROMPT = "/PromptReco/Collisions2018A/DQM"
RULE = {"==": [{"var": "lumisection.rr.dt-dt"}, "GOOD"]}

OMS_QUESTIONS = {
    "runs": lambda oms, run: oms.runs(run.number - 30, run.number + 30).dicts(),
    "fields": lambda oms, run: oms.runs(run.number, fields=["run_number", "hlt_key"]).dicts(),
    "fills": lambda oms, run: oms.fills(run.fill.number - 20, run.fill.number + 20).dicts(),
    "lumisections": lambda oms, run: oms.lumisections(run.number).dicts(),
    "l1_trigger_rates": lambda oms, run: oms.l1_trigger_rates(run.number, "lumisection", (1, 40)).dicts(),
    "l1_algorithms": lambda oms, run: oms.l1_algorithms(run.number).dicts(),
    "hlt_path_info": lambda oms, run: oms.hlt_path_info(run.number).dicts(),
    "hlt_path_rates": lambda oms, run: oms.hlt_path_rates(run.number, "HLT_ZeroBias_v6").dicts(),
    "dataset_rates": lambda oms, run: oms.dataset_rates(run.number).dicts(),
    "streams": lambda oms, run: oms.streams(run.number).dicts(),
    "deadtimes": lambda oms, run: oms.deadtimes(run.number).dicts(),
    "eras": lambda oms, run: oms.eras().dicts(),
    "downtimes": lambda oms, run: oms.downtimes(run.fill.number - 99, run.fill.number).dicts(),
    "one": lambda oms, run: oms.one("runs", run.number).normalised(),
    "first": lambda oms, run: oms.query("runs").first(25).dicts(),
    "count": lambda oms, run: oms.query("runs").count(),
    "notebook": lambda oms, run: get_oms_data(oms, "runs", (run.number, run.number + 40), attributes=["era"])["data"],
}
RR_QUESTIONS = {
    "get_run": lambda rr, run: rr.get_run(run.number),
    "get_runs": lambda rr, run: rr.get_runs(_near(run), page_size=9),
    "runs": lambda rr, run: list(rr.runs({"run_number": run.number})),
    "get_dataset": lambda rr, run: rr.get_dataset(run.number, PROMPT),
    "get_datasets": lambda rr, run: rr.get_datasets({"run_number": run.number}),
    "names": lambda rr, run: rr.get_dataset_names_of_run(run.number),
    "lumisections": lambda rr, run: rr.get_lumisections(run.number, PROMPT),
    "oms_lumisections": lambda rr, run: rr.get_oms_lumisections(run.number),
    "ranges": lambda rr, run: rr.get_lumisection_ranges(run.number, PROMPT),
    "oms_ranges": lambda rr, run: rr.get_oms_lumisection_ranges(run.number),
    "joint_ranges": lambda rr, run: rr.get_joint_lumisection_ranges(run.number, PROMPT),
    "by_component": lambda rr, run: rr.get_lumisection_ranges_by_component(run.number, PROMPT),
    "cycles": lambda rr, run: rr.get_cycles(),
    "accepted": lambda rr, run: rr.get_datasets_accepted(),
    "create_json": lambda rr, run: rr.create_json(RULE, PROMPT, poll_s=0.01).golden,
}
PASSING = {
    "too_many_requests": {},
    "server_error": {},
    "bad_gateway": {},
    "gateway_timeout": {},
    "cut_chunk": {},
    "broken_connection": {},
    "slow_body": {"seconds": 0.1},
    "hang": {"seconds": 0.02},
}
LASTING = [
    *(kind for kind in PASSING if kind not in ("slow_body", "hang")),
    "redirect_to_login",
    "login_page",
    "not_json",
]


def _near(run):
    return {"run_number": {"and": [{">=": run.number - 30}, {"<=": run.number + 30}]}}


@pytest.fixture
def patient_oms(oms_service):
    with OMS(replace(oms_service, tries=4)) as client:
        yield client


@pytest.mark.parametrize("kind", PASSING)
@pytest.mark.parametrize("question", OMS_QUESTIONS)
def test_oms_waits_out_what_passes(patient_oms, lit_run, faults, question, kind):
    expected = OMS_QUESTIONS[question](patient_oms, lit_run)
    faults.add(kind, times=2, **PASSING[kind])

    assert OMS_QUESTIONS[question](patient_oms, lit_run) == expected


@pytest.mark.parametrize("kind", LASTING)
@pytest.mark.parametrize("question", OMS_QUESTIONS)
def test_oms_tells_what_lasts(oms_service, lit_run, faults, question, kind):
    faults.add(kind)

    with OMS(replace(oms_service, tries=2)) as oms, pytest.raises(ServiceError):
        OMS_QUESTIONS[question](oms, lit_run)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "short_page", "times": 1},
        {"kind": "rows_inserted", "times": 1},
        {"kind": "no_count"},
        {"kind": "no_fields"},
    ],
)
@pytest.mark.parametrize("question", [name for name in OMS_QUESTIONS if name != "first"])
def test_oms_loses_nothing(patient_oms, lit_run, faults, question, fault):
    expected = OMS_QUESTIONS[question](patient_oms, lit_run)
    faults.add(**fault)

    assert OMS_QUESTIONS[question](patient_oms, lit_run) == expected


@pytest.mark.parametrize("question", [name for name in OMS_QUESTIONS if name not in ("eras", "one", "first", "count")])
def test_oms_does_not_take_other_rows(patient_oms, lit_run, faults, question):
    faults.add("wrong_rows")

    with pytest.raises(BadAnswer):
        OMS_QUESTIONS[question](patient_oms, lit_run)


@pytest.mark.parametrize("question", [name for name in OMS_QUESTIONS if name != "notebook"])
def test_a_change_of_units_changes_no_number(patient_oms, lit_run, faults, question):
    expected = OMS_QUESTIONS[question](patient_oms, lit_run)
    faults.add("unit_change")

    found = OMS_QUESTIONS[question](patient_oms, lit_run)

    assert repr(_rounded(found)) == repr(_rounded(expected))


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


@pytest.mark.parametrize("question", OMS_QUESTIONS)
def test_nulls_are_no_errors(patient_oms, lit_run, faults, question):
    expected = OMS_QUESTIONS[question](patient_oms, lit_run)
    faults.add("null_fields")

    found = OMS_QUESTIONS[question](patient_oms, lit_run)

    assert isinstance(found, type(expected))


@pytest.mark.parametrize("kind", PASSING)
@pytest.mark.parametrize("question", RR_QUESTIONS)
def test_rr_waits_out_what_passes(rr, lit_run, faults, question, kind):
    expected = RR_QUESTIONS[question](rr, lit_run)
    path = "json_portal/json" if question == "create_json" else ""  # what queues a job is not sent twice
    faults.add(kind, times=2, path=path, **PASSING[kind])

    assert RR_QUESTIONS[question](rr, lit_run) == expected


@pytest.mark.parametrize("kind", LASTING)
@pytest.mark.parametrize("question", RR_QUESTIONS)
def test_rr_tells_what_lasts(rr_service, lit_run, faults, question, kind):
    faults.add(kind)

    with RunRegistry(replace(rr_service, tries=2)) as rr, pytest.raises(ServiceError):
        RR_QUESTIONS[question](rr, lit_run)


@pytest.mark.parametrize("kind", ["short_page", "rows_inserted"])
@pytest.mark.parametrize("question", RR_QUESTIONS)
def test_rr_loses_nothing(rr, lit_run, faults, question, kind):
    expected = RR_QUESTIONS[question](rr, lit_run)
    faults.add(kind, times=1)

    assert RR_QUESTIONS[question](rr, lit_run) == expected


def test_what_lasts_is_sorted_by_who_acts(oms_service, lit_run, faults):
    acts = {}
    with OMS(replace(oms_service, tries=2)) as oms:
        for kind in LASTING:
            faults.set([kind])
            with pytest.raises(ServiceError) as caught:
                oms.runs(lit_run.number)
            acts[kind] = "later" if isinstance(caught.value, TryAgain) else type(caught.value).__name__

    assert {kind for kind, who in acts.items() if who == "later"} == set(LASTING[:6])
    assert acts["redirect_to_login"] == acts["login_page"] == "AuthenticationFailed"
    assert acts["not_json"] == "BadAnswer"
