"""Rows of the services as columns of the database; runs that somebody wrote by hand."""

from datetime import UTC, datetime

import pytest

from hdqm_ops.errors import BadAnswer, ConfigError
from hdqm_ops.services import (
    Row,
    dcs_facts,
    dcs_facts_of_summary,
    fill_facts,
    lumisection_facts,
    read_runs_file,
    registry_facts,
    run_facts,
)


def test_a_run(oms, lit_run):
    facts = run_facts(oms.runs(lit_run.number)[0])

    assert facts["start_time"] == datetime.fromtimestamp(lit_run.start, UTC)
    assert facts["delivered_lumi_pb"] == pytest.approx(lit_run.delivered(1, lit_run.lumisections))
    assert facts["init_lumi_1e34"] == pytest.approx(lit_run.fill.luminosity(lit_run.lumisection_start(1)))
    assert (facts["energy_gev"], facts["fill_number"], facts["stable_beam"]) == (6500.0, lit_run.fill.number, True)
    assert "DAQ" in facts["components"]
    assert all(value is not None for value in facts.values())


def test_what_is_not_known_is_none(oms, world):
    facts = run_facts(oms.runs(next(run.number for run in world.all_runs if run.kind == "local"))[0])

    assert facts["delivered_lumi_pb"] is facts["hlt_key"] is facts["fill_number"] is None
    assert facts["sequence"] == "PRIVATE-GLOBAL-CALO"


def test_a_fill(oms, lit_run):
    facts = fill_facts(oms.fills(lit_run.fill.number)[0])

    assert facts["peak_lumi_1e34"] == pytest.approx(lit_run.fill.lumi)
    assert facts["bunches_colliding"] == 2544
    assert facts["start_stable_beam"] == datetime.fromtimestamp(int(lit_run.fill.stable[0]), UTC)


def test_a_negative_number_of_bunches_is_not_known():
    assert fill_facts(Row("fills", "1", {"fill_number": 1, "bunches_colliding": -1}))["bunches_colliding"] is None


def test_lumisections_and_detectors(oms, rr, lit_run):
    rows = oms.lumisections(lit_run.number)
    facts = [lumisection_facts(row) for row in rows]

    assert facts[40]["lumisection"] == 41
    assert "castor" in facts[40]["dcs_off"]
    assert not {"gem"} & {*facts[40]["dcs_on"], *facts[40]["dcs_off"]}
    assert sum(row["recorded_lumi_pb"] for row in facts) == pytest.approx(
        run_facts(oms.runs(lit_run.number)[0])["recorded_lumi_pb"]
    )
    summary = rr.get_dataset(lit_run.number)["dcs_summary"]
    assert dcs_facts(rows) == dcs_facts_of_summary(summary)
    assert "dt0" in dcs_facts(rows)["dcs_on"]


def test_registry(rr, lit_run):
    (run,) = rr.runs({"run_number": lit_run.number})

    assert registry_facts(run) == {
        "run_number": lit_run.number,
        "run_class": "Collisions18",
        "significant": True,
        "rr_state": "SIGNOFF",
        "stop_reason": "Beam dump",
        "rr_needs_update": False,
        "rr_version": run.version,
    }


@pytest.mark.parametrize(
    ("attributes", "units", "found"),
    [
        ({"delivered_lumi": "12"}, {}, "delivered_lumi is '12', which is not in pb"),
        ({"run_number": "x"}, {}, "run_number is 'x', no int"),
        ({"fill_number": 3.5}, {}, "fill_number is 3.5, no int"),
        ({"start_time": "yesterday"}, {}, "start_time is 'yesterday', no datetime"),
        ({"stable_beam": 7}, {}, "stable_beam is 7, no bool"),
        ({"b_field": 3.8}, {"b_field": "cm"}, "b_field is 3.8, which is not in T"),
    ],
)
def test_values_that_cannot_be(attributes, units, found):
    with pytest.raises(BadAnswer, match=found):
        run_facts(Row("runs", "1", attributes, units))


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_csv_by_hand(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(
        "run_number,start_time,recorded_lumi_pb,significant,run_class,components\n"
        '324997,2018-10-21T12:00:00Z,42.2,true,Collisions18,"DT,CSC"\n'
        "324998,,,,,\n"
    )

    first, second = read_runs_file(path)

    assert first == {
        "run_number": 324997,
        "start_time": datetime(2018, 10, 21, 12, tzinfo=UTC),
        "recorded_lumi_pb": 42.2,
        "significant": True,
        "run_class": "Collisions18",
        "components": ["DT", "CSC"],
    }
    assert second["run_number"] == 324998
    assert second["significant"] is second["run_class"] is None


def test_json_by_hand(tmp_path):
    path = tmp_path / "runs.json"
    path.write_text('[{"run_number": 324997, "duration_s": 3374, "start_time": "2018-10-21T12:00:00"}]')

    assert read_runs_file(path) == [
        {"run_number": 324997, "duration_s": 3374.0, "start_time": datetime(2018, 10, 21, 12, tzinfo=UTC)}
    ]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.csv", "run_number,b_feld_t\n1,3.8\n", r"line 2: no column 'b_feld_t'; did you mean b_field_t\?"),
        ("a.csv", "run_number,b_field_t\n1,strong\n", "line 2: b_field_t is 'strong', no float"),
        ("a.csv", "run_number,b_field_t\n1,nan\n", "line 2: b_field_t is 'nan', no float"),
        ("a.csv", "b_field_t\n3.8\n", "line 2: there is no run_number"),
        ("a.csv", "run_number\n1\n1\n", "run 1 is there twice"),
        ("a.csv", "run_number\n1,2\n", "no column 'a column too many'"),
        ("a.json", "{", "cannot be read"),
        ("a.json", "[1]", "a list of objects is wanted"),
        ("a.json", '{"run_number": 1.5}', "row 1: run_number is 1.5, no int"),
    ],
)
def test_mistakes_by_hand(tmp_path, name, text, found):
    path = tmp_path / name
    path.write_text(text)

    with pytest.raises(ConfigError, match=found):
        read_runs_file(path)


def test_no_such_file(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_runs_file(tmp_path / "nothing.csv")
