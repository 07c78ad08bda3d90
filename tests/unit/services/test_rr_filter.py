"""Filters for Run Registry: what people write, and what is sent."""

import copy
from datetime import UTC, datetime

import pytest

from hdqm_ops.errors import RequestRefused
from hdqm_ops.services import server_filter

RUNS = [  # what people write, what the server gets
    ({}, {}),
    ({"run_number": 323434}, {"run_number": {"=": 323434}}),
    (
        {"run_number": {"or": [323555, {"=": 333333}]}},
        {"run_number": {"or": [{"=": 323555}, {"=": 333333}]}},
    ),
    ({"run_number": [1, 2]}, {"run_number": {"or": [{"=": 1}, {"=": 2}]}}),
    (
        {"run_number": {"and": [{">": 309000}, {"<": 310000}]}},
        {"run_number": {"and": [{">": 309000}, {"<": 310000}]}},
    ),
    ({"tracker-strip": "GOOD"}, {"triplet_summary.tracker-strip.GOOD": {">": 0}}),
    ({"tracker-strip": "good"}, {"triplet_summary.tracker-strip.GOOD": {">": 0}}),
    ({"dt-dt": {"=": "BAD"}}, {"triplet_summary.dt-dt.BAD": {">": 0}}),
    ({"gem-gem": "GOOD"}, {"triplet_summary.gem-gem.GOOD": {">": 0}}),
    ({"dt-dt": {"GOOD": {">": 100}}}, {"triplet_summary.dt-dt.GOOD": {">": 100}}),
    (
        {"dt-dt": {"GOOD": {">": 100}, "bad": 0}},
        {"triplet_summary.dt-dt.GOOD": {">": 100}, "triplet_summary.dt-dt.BAD": {"=": 0}},
    ),
    (
        {"dt-dt": ["GOOD", "STANDBY"], "class": "Cosmics18"},
        {
            "rr_attributes.class": {"=": "Cosmics18"},
            "or": [{"triplet_summary.dt-dt.GOOD": {">": 0}}, {"triplet_summary.dt-dt.STANDBY": {">": 0}}],
        },
    ),
    (
        {"dt-dt": ["GOOD"], "csc-csc": {"or": ["BAD", {"=": "STANDBY"}]}},
        {
            "and": [
                {"or": [{"triplet_summary.dt-dt.GOOD": {">": 0}}]},
                {"or": [{"triplet_summary.csc-csc.BAD": {">": 0}}, {"triplet_summary.csc-csc.STANDBY": {">": 0}}]},
            ]
        },
    ),
    ({"class": "Collisions18"}, {"rr_attributes.class": {"=": "Collisions18"}}),
    (
        {"class": {"or": ["Collisions18", "Cosmics18"]}},
        {"rr_attributes.class": {"or": [{"=": "Collisions18"}, {"=": "Cosmics18"}]}},
    ),
    ({"significant": True}, {"rr_attributes.significant": {"=": True}}),
    ({"hlt_key": {"like": "%commissioning2018%"}}, {"oms_attributes.hlt_key": {"like": "%commissioning2018%"}}),
    ({"end_time": None}, {"oms_attributes.end_time": {"=": None}}),
    (
        {"start_time": {">=": datetime(2018, 10, 21, tzinfo=UTC)}},
        {"oms_attributes.start_time": {">=": "2018-10-21T00:00:00Z"}},
    ),
    ({"oms_attributes.nobody_knows": 1}, {"oms_attributes.nobody_knows": {"=": 1}}),
    ({"era": "2018D"}, {"oms_attributes.era": {"=": "2018D"}}),
    ({"last_lumisection_number": {">": 9}}, {"oms_attributes.last_lumisection_number": {">": 9}}),
    ({"version": {">": 10}}, {"version": {">": 10}}),
    (
        {"or": [{"class": "Cosmics18"}, {"energy": {">": 6000}}]},
        {"or": [{"rr_attributes.class": {"=": "Cosmics18"}}, {"oms_attributes.energy": {">": 6000}}]},
    ),
]
DATASETS = [
    (
        {"dataset_name": "online", "run_number": 327604},
        {"name": {"=": "online"}, "run_number": {"=": 327604}},
    ),
    ({"name": {"like": "%Prompt%"}}, {"name": {"like": "%Prompt%"}}),
    ({"global_state": "COMPLETED"}, {"dataset_attributes.global_state": {"=": "COMPLETED"}}),
    ({"gem_state": "OPEN"}, {"dataset_attributes.gem_state": {"=": "OPEN"}}),
    ({"dataset_attributes.x_state": "OPEN"}, {"dataset_attributes.x_state": {"=": "OPEN"}}),
    ({"tracker-pixel": "EXCLUDED"}, {"triplet_summary.tracker-pixel.EXCLUDED": {">": 0}}),
    ({"class": "Collisions18"}, {"rr_attributes.class": {"=": "Collisions18"}}),
]


@pytest.mark.parametrize(("wanted", "sent"), RUNS, ids=str)
def test_filter_on_runs(wanted, sent):
    before = copy.deepcopy(wanted)

    assert server_filter("runs", wanted) == sent
    assert wanted == before


@pytest.mark.parametrize(("wanted", "sent"), DATASETS, ids=str)
def test_filter_on_datasets(wanted, sent):
    assert server_filter("datasets", wanted) == sent


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"clas": "Collisions18"}, r"no attribute 'clas'; did you mean class\?"),
        ({"run": 1}, r"no attribute 'run'"),
        ({"number": 1}, r"no attribute 'number'"),
        ({"": 1}, "no attribute ''"),
        ({"hlt_kee": "x"}, r"did you mean hlt_key\?"),
        ({"tracker-strip": "FINE"}, "not by 'FINE'; say one of GOOD, BAD"),
        ({"tracker-strip": {"like": "%x%"}}, "asked for by its lumisections with a status"),
        ({"ecal-ecal": {"<>": "GOOD"}}, "asked for by its lumisections with a status"),
        ({"tracker-strip": []}, "asked for by its lumisections with a status"),
        ({"tracker-strp": "GOOD"}, r"did you mean tracker-strip\?"),
        ({"run_number": {"~": 3}}, "run_number cannot be compared by '~'; known are ="),
        ({"and": {}}, "'and' joins a list of filters"),
        ([], r"a filter is an object, not \[\]"),
        (None, "a filter is an object, not None; an empty one, {}, means all"),
        ("x", "a filter is an object"),
        ({"or": [{"class": "A"}, {"dt-dt": "GOOD"}]}, "an 'or' over attributes of different tables"),
        ({"dataset_name": "online"}, "no attribute 'dataset_name'"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_refused(wanted, found):
    with pytest.raises(RequestRefused, match=found):
        server_filter("runs", wanted)


def test_an_or_over_run_and_dataset_is_refused():
    with pytest.raises(RequestRefused, match="ask twice, and join the answers"):
        server_filter("datasets", {"or": [{"class": "A"}, {"global_state": "OPEN"}]})
