"""What OMS and Run Registry tell arrives in the database: once, again, corrected, and after every outage."""

import csv
import json

import psycopg
import pytest
from pydantic import SecretStr

from hdqm_ops import load, pipeline
from hdqm_ops.errors import ConfigError, HdqmError
from hdqm_ops.run_index import read_run_index
from hdqm_ops.services import FILL_COLUMNS, OMS, REGISTRY_COLUMNS, RUN_COLUMNS
from hdqm_ops.settings import Settings
from hdqm_ops.simulate.services import KINDS, Fault, SimulatedServices, Simulation, World

CONTENT = {  # tables without times of asking
    "run": "to_jsonb(t) - ARRAY['oms_asked_at', 'oms_synced_at', 'rr_asked_at', 'rr_synced_at']",
    "fill": "to_jsonb(t) - 'synced_at'",
    "certified_dataset": "to_jsonb(t) - 'synced_at'",
    "lumisection": "to_jsonb(t)",
}


@pytest.fixture(scope="module")
def running():
    with SimulatedServices(Simulation(World(seed=1, runs=400))) as services:
        yield services


@pytest.fixture
def simulation(running):
    simulation = running.simulation
    simulation.faults.clear()
    simulation.corrections.clear()
    simulation.journal.clear()
    simulation.clock = simulation.world.default_clock
    return simulation


@pytest.fixture
def settings(simulation, running, db):
    return settings_of(running, db)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Where the run index is left behind."""
    monkeypatch.setenv("HDQM_HOME", str(tmp_path))
    return tmp_path


def settings_of(running, url, **more):
    facts = {"oms_url": running.oms_url, "oms_audience": "", "rr_url": running.rr_url, "service_tries": 1}
    return Settings(database_url=SecretStr(url), read_timeout_s=2, **{**facts, **more})


def ask(url, sql, *parameters):
    with psycopg.connect(url) as connection:
        return connection.execute(sql, parameters or None).fetchall()


def rounded(row):
    """What differs by less than a millionth is the same to us: other units leave other last digits."""
    return {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in row.items()}


def content(url):
    return {
        table: sorted(
            json.dumps(rounded(row), sort_keys=True) for (row,) in ask(url, f"SELECT {told} FROM hdqm.{table} AS t")
        )
        for table, told in CONTENT.items()
    }


def written_rows(url):
    return ask(url, "SELECT xmin::text, count(*) FROM hdqm.fill GROUP BY 1 UNION ALL "
               "SELECT xmin::text, count(*) FROM hdqm.certified_dataset GROUP BY 1 ORDER BY 1, 2")  # fmt: skip


@pytest.fixture
def lit(simulation):
    return next(run for run in simulation.world.all_runs if run.kind == "collisions" and 100 < run.lumisections < 400)


def test_the_columns_that_answers_have_are_columns_of_the_tables(db):
    for table, columns in (("run", {*RUN_COLUMNS, *REGISTRY_COLUMNS, "dcs_on", "dcs_off"}), ("fill", {*FILL_COLUMNS})):
        names = ask(db, "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s)", f"hdqm.{table}")
        assert columns <= {name for (name,) in names}


def test_from_scratch_everything_arrives(settings, simulation, db, running, lit):
    report = pipeline.sync_oms(settings)
    pipeline.sync_rr(settings)

    with OMS.from_settings(settings) as oms:
        told = {row["run_number"]: row for row in oms.runs(1, 999_999)}
        fill = oms.fills(lit.fill.number)[0]
    assert report.runs == report.new == len(told) > 300
    assert ask(db, "SELECT count(*) FROM hdqm.run") == [(len(told),)]
    (row,) = ask(
        db,
        "SELECT hlt_key, recorded_lumi_pb, injection_scheme, run_class, significant, bunches_colliding, state, "
        "peak_lumi_1e34 = greatest(init_lumi_1e34, end_lumi_1e34), 'bpix' = ANY (dcs_on || dcs_off) "
        "FROM hdqm.runs WHERE run_number = %s",
        lit.number,
    )
    run = told[lit.number]
    expected = (run["hlt_key"], pytest.approx(run.quantity("recorded_lumi").number), fill["injection_scheme"])
    assert row[:3] == expected
    assert row[3:] == (lit.period.run_class, True, fill["bunches_colliding"], "known", True, True)
    assert ask(db, "SELECT count(*) FROM hdqm.run_change") == [(0,)]
    assert ask(db, "SELECT state, count(*) FROM hdqm.runs WHERE state NOT IN ('known', 'stale') GROUP BY 1") == [
        ("open", 1)
    ]
    workspaces = ask(db, "SELECT DISTINCT workspace FROM hdqm.dataset_certification WHERE run_number = %s", lit.number)
    assert ("tracker",) in workspaces


def test_a_second_time_changes_nothing_and_asks_little(settings, simulation, db):
    pipeline.sync_oms(settings)
    pipeline.sync_rr(settings)
    before, rows = content(db), written_rows(db)
    simulation.journal.clear()

    oms, rr = pipeline.sync_oms(settings), pipeline.sync_rr(settings)

    assert (oms.new, oms.written, oms.changes, oms.fills) == (0, 0, 0, 0)
    assert (rr.new, rr.written, rr.changes, rr.datasets) == (0, 0, 0, 0)
    assert content(db) == before
    assert written_rows(db) == rows
    assert simulation.journal.asked["oms"] <= 8
    assert simulation.journal.asked["rr"] <= 8


def test_a_correction_and_a_late_answer_are_noted(settings, simulation, db, lit):
    simulation.faults.arm(Fault("null_fields", runs=(lit.number,), fields=("hlt_key",)))
    pipeline.sync_oms(settings)
    assert ask(db, "SELECT hlt_key FROM hdqm.run WHERE run_number = %s", lit.number) == [(None,)]
    simulation.faults.clear()
    simulation.correct("runs", lit.number, b_field=2.5)

    report = pipeline.sync_oms(settings, str(lit.number))

    changes = ask(db, 'SELECT field, old, new FROM hdqm.run_changes WHERE "when" IS NOT NULL ORDER BY field')
    assert [field for field, _, _ in changes] == ["b_field_t", "hlt_key"]
    assert changes[0][1:] == (pytest.approx(3.8, abs=0.01), 2.5)
    assert changes[1][1] is None
    assert (report.runs, report.written, report.changes) == (1, 1, 2)


def test_a_corrected_fill_corrects_its_runs(settings, simulation, db, lit):
    pipeline.sync_oms(settings)
    simulation.correct("fills", lit.fill.number, injection_scheme="another")

    pipeline.sync_oms(settings, str(lit.number))

    schemes = ask(db, "SELECT DISTINCT injection_scheme FROM hdqm.runs WHERE fill_number = %s", lit.fill.number)
    assert schemes == [("another",)]
    assert ("injection_scheme",) in ask(db, "SELECT DISTINCT field FROM hdqm.run_changes")


def test_a_run_that_was_open_is_asked_for_until_it_ends(settings, simulation, db, lit):
    simulation.faults.arm(Fault("run_open", runs=(lit.number,)))
    simulation.clock = lit.end + 3600
    pipeline.sync_oms(settings)
    assert ask(db, "SELECT state FROM hdqm.runs WHERE run_number = %s", lit.number) == [("open",)]
    simulation.faults.clear()

    pipeline.sync_oms(settings)

    assert ask(db, "SELECT state FROM hdqm.runs WHERE run_number = %s", lit.number) == [("known",)]
    assert ask(db, "SELECT count(*) FROM hdqm.run_change") == [(0,)]


def test_a_run_that_no_service_knows_is_unknown(settings, db, connection):
    load.record_runs(connection, "hand", [{"run_number": 1}, {"run_number": 314_000}])

    pipeline.sync_oms(settings)
    pipeline.sync_rr(settings)

    assert ask(db, "SELECT state, known_to_oms, known_to_rr FROM hdqm.runs WHERE run_number = 1") == [
        ("unknown", False, False)
    ]


DATA_ONLY = {"lumisection_gap", "manual_update", "null_fields", "run_open", "unit_change", "no_fields", "no_count"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"slow_body"}))
def test_after_an_outage_the_tables_are_those_of_an_undisturbed_sync(kind, settings, simulation, db, undisturbed):
    seconds = 3 if kind == "hang" else None
    for service in ("oms", "rr"):
        simulation.faults.arm(Fault(kind, service=service, skip=4, seconds=seconds))
    failures = set()
    for sync in (pipeline.sync_oms, pipeline.sync_rr):
        try:
            sync(settings)
        except HdqmError as error:
            failures.add(str(error))
    noted = ask(db, "SELECT failure FROM hdqm.sync_state WHERE failed_at IS NOT NULL")
    simulation.faults.clear()

    pipeline.sync_oms(settings, everything=kind in DATA_ONLY)
    pipeline.sync_rr(settings, everything=kind in DATA_ONLY)

    assert {failure for (failure,) in noted} == failures
    assert failures or kind in DATA_ONLY | {"rows_inserted", "short_page", "wrong_rows", "too_many_requests"}
    assert content(db) == undisturbed
    assert ask(db, "SELECT count(*) FROM hdqm.sync_state WHERE failure IS NOT NULL") == [(0,)]


@pytest.fixture(scope="module")
def undisturbed(running, make_database, migrated_template):
    running.simulation.faults.clear()
    running.simulation.corrections.clear()
    with make_database(migrated_template) as url:
        settings = settings_of(running, url)
        pipeline.sync_oms(settings)
        pipeline.sync_rr(settings)
        yield content(url)


def test_a_failed_question_leaves_a_stale_run(settings, simulation, db, lit):
    pipeline.sync_oms(settings)
    simulation.faults.arm(Fault("bad_gateway", service="oms", skip=3))

    with pytest.raises(HdqmError, match="502"):
        pipeline.sync_oms(settings, str(lit.number))

    assert ask(db, "SELECT state FROM hdqm.runs WHERE run_number = %s", lit.number) == [("stale",)]
    simulation.faults.clear()
    pipeline.sync_oms(settings)
    assert ask(db, "SELECT state FROM hdqm.runs WHERE run_number = %s", lit.number) == [("known",)]


def test_lumisections_come_where_they_are_wanted(settings, db, lit):
    pipeline.sync_oms(settings, str(lit.number), lumisections=True)
    again = pipeline.sync_oms(settings, str(lit.number), lumisections=True)

    assert again.lumisections == 0
    assert ask(db, "SELECT count(*), max(lumisection) FROM hdqm.lumisection") == [(lit.lumisections, lit.lumisections)]
    known = ask(db, "SELECT bool_and(dcs_on & dcs_off = 0), bool_or(dcs_on <> 0) FROM hdqm.lumisection")
    assert known == [(True, True)]
    with pytest.raises(ConfigError, match="name runs"):
        pipeline.sync_oms(settings, lumisections=True)


def test_by_hand_and_a_service_wins(settings, db, lit, tmp_path):
    file = tmp_path / "runs.csv"
    rows = [{"run_number": 7, "run_class": "Mine"}, {"run_number": lit.number, "run_class": "Mine"}]
    with file.open("w", newline="") as lines:
        table = csv.DictWriter(lines, ["run_number", "run_class"])
        table.writeheader()
        table.writerows(rows)
    assert pipeline.import_runs(settings, file).new == 2
    pipeline.sync_rr(settings)

    assert pipeline.import_runs(settings, file).written == 0

    classes = dict(ask(db, "SELECT run_number, run_class FROM hdqm.runs WHERE run_number = ANY (%s)", [7, lit.number]))
    assert classes == {7: "Mine", lit.number: lit.period.run_class}


def test_a_golden_json_by_name(settings, db, tmp_path):
    file = tmp_path / "golden.json"
    file.write_text('{"315257": [[1, 88], [91, 92]], "315259": [[1, 172]]}')
    assert pipeline.import_golden_json(settings, "2018", file) == {"runs": 2, "lumisections": 262}
    file.write_text('{"315257": [[1, 88], [91, 92]]}')
    pipeline.import_golden_json(settings, "2018", file)

    asked = "SELECT run_number FROM hdqm.golden_jsons WHERE name = '2018' AND lumisections @> %s::int"
    assert [ask(db, asked, number) for number in (88, 90, 92)] == [[(315257,)], [], [(315257,)]]
    assert ask(db, "SELECT runs::text FROM hdqm.golden_json") == [("{[315257,315258)}",)]


def test_without_services_it_says_so_and_changes_nothing(running, db):
    settings = settings_of(running, db, oms_audience="cmsoms-prod", rr_url="production")
    for sync, name in ((pipeline.sync_oms, "OMS"), (pipeline.sync_rr, "Run Registry")):
        with pytest.raises(ConfigError, match=f"{name} is not configured.*hdqm runs import"):
            sync(settings)
    assert ask(db, "SELECT count(*) FROM hdqm.sync_state") == [(0,)]


def test_the_run_index_has_all_starts_afterwards_without_runs_that_do_not_count(settings, db, home):
    pipeline.sync_oms(settings)
    pipeline.sync_rr(settings)
    pipeline.sync_oms(settings)

    index = read_run_index(home / "run_index.json")
    asked = "SELECT run_number, start_time FROM hdqm.runs WHERE start_time IS NOT NULL AND significant IS NOT FALSE"
    assert sorted(index.runs) == sorted(ask(db, asked))
    assert 0 < len(index.runs) < len(ask(db, "SELECT FROM hdqm.runs WHERE start_time IS NOT NULL"))
