"""Real values of OMS and a real golden JSON: replayed, synchronised, equal to the files, units and all."""

import csv
import json
import math
from pathlib import Path

import psycopg
import pytest
from loading import ingest, make_file, make_histogram, make_trend
from pydantic import SecretStr

from hdqm_ops import load, pipeline
from hdqm_ops.pipeline import Wanted
from hdqm_ops.settings import Settings
from hdqm_ops.simulate.services import SimulatedServices, Simulation, World, read_replay

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "real"
GOLDEN = REAL / "cert" / "json_GOLDEN_2018.txt"
FIRST, LAST = 324_997, 325_170

pytestmark = pytest.mark.skipif(not GOLDEN.is_file(), reason="../shared/data/real is not there")

# Column of hdqm.run: field of the files, which have luminosities in 10^34 / (cm² s) and 1/pb, energies in GeV.
COLUMNS = {
    "fill_number": "fill_number",
    "init_lumi_1e34": "init_lumi",
    "end_lumi_1e34": "end_lumi",
    "delivered_lumi_pb": "delivered_lumi",
    "recorded_lumi_pb": "recorded_lumi",
    "energy_gev": "energy",
    "hlt_physics_rate_hz": "hlt_physics_rate",
    "l1_rate_hz": "l1_rate",
    "initial_prescale_index": "initial_prescale_index",
    "last_lumisection": "last_lumisection_number",
    "duration_s": "duration",
    "l1_hlt_mode": "l1_hlt_mode",
}


@pytest.fixture(scope="module")
def synced(make_database, migrated_template, tmp_path_factory):
    """What ``hdqm sync oms -r 324997-325170`` leaves, and the same of some runs of 2018A that another file has."""
    world = World(seed=1, runs=100, replay=read_replay(REAL / "oms"))
    with SimulatedServices(Simulation(world)) as services, make_database(migrated_template) as url:
        settings = Settings(
            home=tmp_path_factory.mktemp("replay"),
            database_url=SecretStr(url),
            oms_url=services.oms_url,
            oms_audience="",
            rr_url=services.rr_url,
        )
        pipeline.sync_oms(settings, Wanted(f"{FIRST}-{LAST} 315257-315322"))
        pipeline.sync_rr(settings, Wanted(f"{FIRST}-{LAST} 315257-315322"))
        yield settings


def ask(settings, sql, *parameters):
    with psycopg.connect(settings.database_url.get_secret_value()) as connection:
        return connection.execute(sql, parameters or None).fetchall()


def in_file(name, first, last):
    with (REAL / "oms" / name).open(newline="") as lines:
        return {int(row["run_number"]): row for row in csv.DictReader(lines) if first <= int(row["run_number"]) <= last}


def assert_equal(found, written):
    if written == "":
        assert found is None
    elif isinstance(found, str):
        assert found == written
    else:
        assert math.isclose(found, float(written), rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize(
    ("name", "first", "last"), [("omsrundata_2018.csv", FIRST, LAST), ("oms_runs_2018A.csv", 315_257, 315_322)]
)
def test_runs_are_as_the_files_say(synced, name, first, last):
    written = in_file(name, first, last)
    fields = next(iter(written.values())).keys()
    columns = {column: field for column, field in COLUMNS.items() if field in fields}

    rows = ask(
        synced,
        f"SELECT run_number, {', '.join(columns)} FROM hdqm.run WHERE run_number BETWEEN %s AND %s",
        *(first, last),
    )

    assert {row[0] for row in rows} >= written.keys()
    assert len(written) > 10
    for number, *values in rows:
        for value, field in zip(values, columns.values(), strict=True):
            if number in written:
                assert_equal(value, written[number][field])


def test_fills_are_as_the_file_says_with_their_units(synced):
    written = {row["fill_number"]: row for row in json.loads((REAL / "oms" / "oms_fills_2018.json").read_text())}
    rows = ask(
        synced,
        "SELECT fill_number, peak_lumi_1e34, delivered_lumi_pb, recorded_lumi_pb, energy_gev, b_field_t, "
        "bunches_colliding, crossing_angle_urad, injection_scheme FROM hdqm.fill",
    )
    fields = ("delivered_lumi", "recorded_lumi", "energy", "b_field", "bunches_colliding", "crossing_angle")
    assert len(rows) > 5
    for number, peak, *values, scheme in rows:
        fill = written[number]
        assert fill["peak_lumi_unit"].startswith("10^{34}")
        assert fill["delivered_lumi_unit"] == "pb^{-1}"
        for value, told in ((peak, fill["peak_lumi"]), *zip(values, map(fill.get, fields), strict=True)):
            assert value == (None if told is None else pytest.approx(told, rel=1e-9)), (number, told)
        assert scheme == fill["injection_scheme"]


# By hand, from the golden JSON of 2018: its runs from 324997 to 325170.
GOLDEN_RUNS = (
    *(324_997, 324_998, 324_999, 325_000, 325_001, 325_022, 325_057, 325_097, 325_098, 325_099, 325_100, 325_101),
    *(325_110, 325_117, 325_159, 325_168, 325_169, 325_170),
)
# By hand, from the file of OMS: what else has 0.1 / pb; not 325065, 325166, 325167, nor 325115 and 325116 without any.
ALSO_LIT = (325_111, 325_113, 325_114)
SHORT = (325_098, 325_114)  # less than ten lumisections: the simulated Run Registry calls them not significant


@pytest.fixture(scope="module")
def selected(synced):
    """Runs of a selection, out of all that the files have, with the rules that are shipped."""
    runs = in_file("omsrundata_2018.csv", FIRST, LAST)
    tree = pipeline.read_configuration(pipeline.config_roots(Settings(configs=None)))
    with load.connect(synced.database_url.get_secret_value()) as connection:
        files = [make_file(run) for run in runs]
        load.register_files(connection, files)
        content = {file.path: {"Tracker/a": make_histogram(1)} for file in files}
        ingest(connection, [make_trend("a")], content, paths=tuple(content))
        load.apply_configuration(connection, [make_trend("a")], (), tree.rules, whole=True)

    def select(mode, value, quality="default"):
        asked = load.Selection(mode, value, "Tracker", "SingleMuon", "PromptReco", quality)
        return sorted(row["run_number"] for row in pipeline.select_runs(synced, asked))

    return select


def test_significance_and_the_golden_json_select_lists_made_by_hand(synced, selected):
    told = pipeline.import_golden_json(synced, "2018", GOLDEN)
    assert told["runs"] == len(json.loads(GOLDEN.read_text()))

    assert selected("golden", "2018", "all") == list(GOLDEN_RUNS)
    assert selected("golden", "2018") == [run for run in GOLDEN_RUNS if run not in SHORT]
    assert selected("range", f"{FIRST}-{LAST}") == sorted({*GOLDEN_RUNS, *ALSO_LIT}.difference(SHORT))
    assert selected("latest", "3") == [325_168, 325_169, 325_170]

    ranges = "SELECT lumisections @> 88, lumisections @> 90, lumisections @> 92 FROM hdqm.golden_jsons"
    assert ask(synced, f"{ranges} WHERE name = '2018' AND run_number = 315257") == [(True, False, True)]
