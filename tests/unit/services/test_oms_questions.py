"""The questions that everybody asks, and numbers that hang together."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from hdqm_ops.errors import BadAnswer, ConfigError, RequestRefused
from hdqm_ops.services import Filter, get_oms_data, get_oms_response_attribute
from hdqm_ops.simulate.services import SimulatedServices, Simulation, World, read_replay


def test_runs_of_a_range(oms, world):
    first, last = world.all_runs[10].number, world.all_runs[20].number

    table = oms.runs(first, last, fields=["run_number", "fill_number"])

    assert [row["run_number"] for row in table] == [run.number for run in world.all_runs[10:21]]


def test_one_run_has_all_fields(oms, lit_run):
    (row,) = oms.runs(lit_run.number)

    assert len(row) == 43
    assert row.quantity("delivered_lumi").unit == "pb^-1"
    assert row.quantity("init_lumi").number < 3
    assert row.quantity("hlt_physics_throughput").unit == "GB/s"


def test_runs_with_a_condition(oms):
    table = oms.runs(314_101, 317_079, fields=["run_number"], where=[Filter("stable_beam", value=True)])

    assert 5 < len(table) < 100


def test_lumisections_add_up_to_their_run(oms, lit_run):
    (run,) = oms.runs(lit_run.number)
    table = oms.lumisections(lit_run.number)

    assert len(table) == run["last_lumisection_number"] == lit_run.lumisections
    told = table.dicts()
    for name in ("delivered_lumi", "recorded_lumi"):
        total = sum(row[f"{name}_per_lumisection"] for row in told)
        assert total == pytest.approx(run.quantity(name).number, rel=1e-9)
    rises = [after["delivered_lumi"] - before["delivered_lumi"] for before, after in pairwise(told)]
    assert rises == pytest.approx([row["delivered_lumi_per_lumisection"] for row in told[:-1]], abs=1e-9)


def test_runs_add_up_to_their_fill(oms, lit_run):
    (fill,) = oms.fills(lit_run.fill.number)
    runs = oms.query("runs").filter("fill_number", lit_run.fill.number).rows()

    recorded = sum(row.quantity("recorded_lumi").number for row in runs)
    assert fill.quantity("recorded_lumi").number == pytest.approx(recorded, rel=1e-9)
    assert fill["first_run_number"] == runs[0]["run_number"]


def test_one_lumisection(oms, lit_run):
    (row,) = oms.lumisections(lit_run.number, (7, 7), fields=["lumisection_number", "pileup", "end_lumi"])

    assert row["lumisection_number"] == 7
    assert row["end_lumi"] == 0.0  # of a selection's last row OMS does not tell it


def test_l1_rates_before_and_after_dead_time(oms, lit_run):
    (row,) = oms.l1_trigger_rates(lit_run.number)
    by_lumisection = oms.l1_trigger_rates(lit_run.number, "lumisection")

    assert row["pre_deadtime"]["rate"] > row["post_deadtime"]["rate"] > 1000
    assert len(by_lumisection) == lit_run.lumisections
    for name in ("pre_deadtime", "post_deadtime"):
        assert sum(one[name]["counter"] for one in by_lumisection) == row[name]["counter"]
    assert by_lumisection.dicts()[0]["post_deadtime_rate"] == by_lumisection[0]["l1a_total"]["rate"]


def test_l1_rates_of_a_range(oms, lit_run):
    table = oms.l1_trigger_rates(lit_run.number, "lumisection", (10, 19))

    assert [row["first_lumisection_number"] for row in table] == list(range(10, 20))


def test_hlt_paths(oms, lit_run):
    (info,) = oms.hlt_path_info(lit_run.number, "HLT_ZeroBias_v6")
    rates = oms.hlt_path_rates(lit_run.number, "HLT_ZeroBias_v6", "lumisection")

    assert sum(row["counter"] for row in rates) == info["accepted"]
    assert len(oms.hlt_path_info(lit_run.number)) == 16


@pytest.mark.parametrize("question", ["l1_algorithms", "dataset_rates", "streams", "deadtimes", "hlt_path_rates"])
def test_rates_of_a_run(oms, lit_run, question):
    assert len(getattr(oms, question)(lit_run.number, "lumisection", lumisections=(1, 2))) % 2 == 0
    assert len(getattr(oms, question)(lit_run.number)) > 0


def test_eras_downtimes_bunches(oms, lit_run, world):
    assert "2018D" in {row["name"] for row in oms.eras()}
    assert len(oms.downtimes(0, 99_999)) > 3
    assert len(oms.bunches(lit_run.fill.number)) > 2_000


def test_resources(oms):
    assert {"runs", "fills", "lumisections", "l1triggerrates"} <= set(oms.resources())


def test_the_nearest_resource_is_named(oms):
    with pytest.raises(RequestRefused, match=r"no resource 'l1trigerrates'; did you mean l1triggerrates\?"):
        oms.query("l1trigerrates").filter("run_number", 1).rows()
    with pytest.raises(RequestRefused, match="does not exist"):
        oms.query("weather").rows()


def test_rates_and_shares_have_their_units(oms, lit_run):
    run = lit_run.number
    level1 = oms.l1_trigger_rates(run).units()
    assert level1["post_deadtime_rate"] == level1["l1a_physics_rate"] == "Hz"
    assert level1["percentage_physics_triggers_lost"] == "%"
    assert "l1a_physics_counter" not in level1
    assert oms.l1_algorithms(run).units()["post_dt_rate"] == "Hz"
    assert oms.deadtimes(run).units()["overall_tts_percent"] == "%"


# -- as OMS is ---------------------------------------------------------------------------------------------------------


def test_units_change_from_year_to_year_and_we_do_not(oms, world):
    runs = [run.number for run in world.all_runs if run.kind == "collisions" and run.delivered(1, run.lumisections) > 1]

    rows = [oms.runs(number)[0] for number in (runs[0], runs[-1])]

    assert [row.units["init_lumi"] for row in rows] == ["10^{30}cm^{-2}s^{-1}", "10^{34}cm^{-2}s^{-1}"]
    assert {row.quantity("init_lumi").unit for row in rows} == {"10^34 cm^-2 s^-1"}
    assert all(0.5 < row.quantity("init_lumi").number < 2.5 for row in rows)


def test_a_change_of_units_changes_nothing(oms, lit_run, faults):
    before = oms.runs(lit_run.number).dicts()
    faults.add("unit_change")

    after = oms.runs(lit_run.number)

    assert after[0].units["delivered_lumi"] == "nb^{-1}"
    assert after.dicts()[0] == pytest.approx(before[0])


def test_an_unknown_unit_is_an_error(oms, lit_run, faults):
    faults.add("unit_change", unit="furlong")

    with pytest.raises(BadAnswer, match="in 'furlong', which is no unit that we know"):
        oms.runs(lit_run.number).dicts()


def test_null_fields_stay_null(oms, lit_run, faults):
    faults.add("null_fields")

    told = oms.runs(lit_run.number).dicts()[0]

    assert told["hlt_key"] is told["delivered_lumi"] is told["l1_rate"] is None


def test_an_open_run_has_no_end(oms, lit_run, faults, world):
    assert oms.runs(world.all_runs[-1].number)[0]["end_time"] is None
    faults.add("run_open", runs=(lit_run.number,))

    (row,) = oms.runs(lit_run.number)

    assert row["end_time"] is row["l1_rate"] is None
    assert 0 < row["last_lumisection_number"] < lit_run.lumisections


def test_a_gap_of_lumisections_is_seen_by_number(oms, lit_run, faults):
    faults.add("lumisection_gap")

    numbers = [row["lumisection_number"] for row in oms.lumisections(lit_run.number, fields=["lumisection_number"])]

    assert numbers[:4] == [1, 2, 6, 7]


def test_what_does_not_exist_yet(services, oms, lit_run):
    services.simulation.clock = lit_run.start - 1

    assert len(oms.runs(lit_run.number)) == 0


def test_corrections_are_told(services, oms, lit_run):
    services.simulation.correct("runs", lit_run.number, hlt_key="/cdaq/corrected")

    assert oms.runs(lit_run.number)[0]["hlt_key"] == "/cdaq/corrected"


def test_flags_have_three_values(oms, lit_run):
    (row,) = oms.lumisections(lit_run.number, (50, 50))

    assert row["cms_active"] is True
    assert row["castor_ready"] is False
    assert row["gem_ready"] is None


# -- as notebooks ask --------------------------------------------------------------------------------------------------


def test_notebook_one_run(oms, lit_run):
    info = get_oms_data(oms, "runs", lit_run.number)

    assert info["data"][0]["attributes"]["run_number"] == lit_run.number
    assert info["data"][0]["meta"]["row"]["delivered_lumi"]["units"] == "pb^{-1}"


def test_notebook_range_and_attributes(oms, world):
    first, last = world.all_runs[0].number, world.all_runs[1200].number

    info = get_oms_data(oms, "runs", (first, last), attributes=["run_number", "cmssw_version"])

    assert get_oms_response_attribute(info, "run_number") == [run.number for run in world.all_runs[:1201]]


def test_notebook_filters_and_arguments(oms, lit_run):
    info = get_oms_data(
        oms,
        "hltpathrates",
        lit_run.number,
        attributes=["first_lumisection_number", "rate"],
        extrafilters=[{"attribute_name": "path_name", "value": "HLT_ZeroBias_v6", "operator": "EQ"}],
        extraargs={"group[granularity]": "lumisection"},
    )

    assert len(get_oms_response_attribute(info, "rate")) == lit_run.lumisections


def test_notebook_limit(oms, lit_run):
    info = get_oms_data(oms, "lumisections", lit_run.number, limit_entries=5)

    assert get_oms_response_attribute(info, "lumisection_number") == [1, 2, 3, 4, 5]


def test_notebook_mistakes(oms, lit_run):
    info = get_oms_data(oms, "runs", lit_run.number)

    with pytest.raises(ConfigError, match=r"no attribute 'run_numer'; did you mean run_number\?"):
        get_oms_response_attribute(info, "run_numer")
    with pytest.raises(ConfigError, match="'value' is missing"):
        get_oms_data(oms, "runs", 1, extrafilters=[{"attribute_name": "era"}])
    with pytest.raises(ConfigError, match="one number or"):
        get_oms_data(oms, "runs", (1, 2, 3))
    with pytest.raises(RequestRefused, match="did you mean fill_number"):
        get_oms_data(oms, "runs", 1, attributes=["fill_numer"])


# -- real values -------------------------------------------------------------------------------------------------------

REAL = Path(__file__).parents[3] / "../shared/data/real/oms"


@pytest.mark.skipif(not REAL.is_dir(), reason="the files of real OMS values are not beside this checkout")
def test_replayed_values_come_out_as_they_went_in(oms_service):
    import csv
    from dataclasses import replace

    from hdqm_ops.services import OMS

    with (REAL / "omsrundata_2018.csv").open() as lines:
        told = {int(row["run_number"]): row for row in csv.DictReader(lines)}
    wanted = [number for number in told if 324_997 <= number <= 325_170]
    fills = {row["fill_number"]: row for row in json.loads((REAL / "oms_fills_2018.json").read_text())}

    with SimulatedServices(Simulation(World(runs=500, replay=read_replay(REAL)))) as services:
        oms = OMS(replace(oms_service, url=services.oms_url))
        runs = oms.runs(324_997, 325_170)
        (ions,) = oms.fills(7492)

    assert [row["run_number"] for row in runs] == wanted
    for row in runs:
        for name, text in told[row["run_number"]].items():
            value = row[name]
            assert value is None if text == "" else str(value) == text or float(text) == pytest.approx(value)
    assert runs[0].quantity("init_lumi").number == pytest.approx(1.766364648438)
    assert ions.quantity("delivered_lumi").number == pytest.approx(8.107441e-6)
    assert ions["delivered_lumi"] == fills[7492]["delivered_lumi"]
