"""What OMS and Run Registry tell arrives in the database: once, again, corrected, by day, after a cut.

Every fault through the Dags: `tests/airflow/test_sync_faults.py`.
"""

import csv
import json
from datetime import UTC, date, datetime

import psycopg
import pytest
from pydantic import SecretStr

from hdqm_ops import load, pipeline
from hdqm_ops.errors import ConfigError, HdqmError
from hdqm_ops.pipeline import Wanted
from hdqm_ops.run_index import read_run_index
from hdqm_ops.services import FILL_COLUMNS, OMS, REGISTRY_COLUMNS, RUN_COLUMNS, RunRegistry
from hdqm_ops.settings import Settings
from hdqm_ops.simulate.services import Fault, SimulatedServices, Simulation, World

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
    return Settings(database_url=SecretStr(url), read_timeout_s=30, **{**facts, **more})


def ask(url, sql, *parameters):
    with psycopg.connect(url) as connection:
        return connection.execute(sql, parameters or None).fetchall()


def content(url):
    return {
        table: sorted(json.dumps(row, sort_keys=True) for (row,) in ask(url, f"SELECT {told} FROM hdqm.{table} AS t"))
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

    report = pipeline.sync_oms(settings, Wanted(str(lit.number)))

    changes = ask(db, 'SELECT field, old, new FROM hdqm.run_changes WHERE "when" IS NOT NULL ORDER BY field')
    assert [field for field, _, _ in changes] == ["b_field_t", "hlt_key"]
    assert changes[0][1:] == (pytest.approx(3.8, abs=0.01), 2.5)
    assert changes[1][1] is None
    assert (report.runs, report.written, report.changes) == (1, 1, 2)


def test_a_corrected_fill_corrects_its_runs(settings, simulation, db, lit):
    pipeline.sync_oms(settings)
    simulation.correct("fills", lit.fill.number, injection_scheme="another")

    pipeline.sync_oms(settings, Wanted(str(lit.number)))

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


def test_a_failed_question_leaves_a_stale_run(settings, simulation, db, lit):
    pipeline.sync_oms(settings)
    simulation.faults.arm(Fault("bad_gateway", service="oms", skip=3))

    with pytest.raises(HdqmError, match="502"):
        pipeline.sync_oms(settings, Wanted(str(lit.number)))

    assert ask(db, "SELECT state FROM hdqm.runs WHERE run_number = %s", lit.number) == [("stale",)]
    simulation.faults.clear()
    pipeline.sync_oms(settings)
    assert ask(db, "SELECT state FROM hdqm.runs WHERE run_number = %s", lit.number) == [("known",)]


def test_lumisections_come_where_they_are_wanted(settings, db, lit):
    pipeline.sync_oms(settings, Wanted(str(lit.number)), lumisections=True)
    again = pipeline.sync_oms(settings, Wanted(str(lit.number)), lumisections=True)

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


def days_of(run):
    return datetime.fromtimestamp(run.start, UTC).date()


@pytest.mark.parametrize("service", ["oms", "rr"])
def test_by_day(service, settings, simulation, db, lit):
    sync = pipeline.sync_oms if service == "oms" else pipeline.sync_rr
    day = days_of(lit)

    report = sync(settings, Wanted(since=day, until=day))

    expected = [(run.number,) for run in simulation.world.all_runs if days_of(run) == day]
    assert lit.number in [run for (run,) in expected]
    assert ask(db, "SELECT run_number FROM hdqm.run ORDER BY 1") == expected
    assert report.runs == len(expected)
    assert sync(settings, Wanted(until=date(2010, 1, 1))).runs == 0
    assert sync(settings, Wanted(since=date(2040, 1, 1))).runs == 0


def test_wrong_days_are_refused():
    with pytest.raises(ConfigError, match="2018-10-01, is before the first, 2018-10-02"):
        Wanted(since=date(2018, 10, 2), until=date(2018, 10, 1))
    with pytest.raises(ConfigError, match="name runs or days, not both"):
        Wanted("324997", since=date(2018, 10, 2))


@pytest.mark.parametrize("service", ["oms", "rr"])
def test_a_first_time_that_was_cut_goes_on_where_it_was(service, settings, simulation, db, monkeypatch):
    sync = pipeline.sync_oms if service == "oms" else pipeline.sync_rr
    first, last = (simulation.world.all_runs[at].number for at in (0, -1))
    cut = (first + last) // 2 // 10_000 * 10_000
    with monkeypatch.context() as patch:
        patch.setattr(pipeline._sync, "_SLICE", 10_000)
        simulation.faults.arm(Fault("bad_gateway", service=service, skip=simulation_requests(service, first, cut)))
        with pytest.raises(HdqmError, match="502"):
            sync(settings)
    reached = ask(db, "SELECT max(run_number), count(*) FROM hdqm.run")
    assert first < reached[0][0] < last
    simulation.faults.clear()
    simulation.journal.clear()

    report = sync(settings)

    assert report.new == len(simulation.world.all_runs) - reached[0][1] - not_yet(simulation, db)
    assert report.runs < len(simulation.world.all_runs)
    asked = " ".join(address for _, address in simulation.journal.requests)
    assert service == "rr" or str(first) not in asked  # nothing from the beginning


def simulation_requests(service, first, cut):
    """Requests that pass before the cut: about one slice in three asks for runs that exist."""
    return 9 if service == "oms" else 12


def not_yet(simulation, db):
    """Runs of the world that no service tells of at the simulated moment."""
    return len(simulation.world.all_runs) - ask(db, "SELECT count(*) FROM hdqm.run")[0][0]


RULE = {"and": [{"==": [{"var": "lumisection.rr.dt-dt"}, "GOOD"]}, {">": [{"var": "run.oms.energy"}, 6000]}]}


def test_a_golden_json_that_run_registry_makes(settings, db, lit, tmp_path):
    name = f"/PromptReco/{lit.period.prompt}/DQM"

    told = pipeline.create_golden_json(settings, "made", json.dumps(RULE), name, poll_s=0.05)

    with RunRegistry.from_settings(settings) as rr:
        golden = rr.create_json(json.dumps(RULE), name, poll_s=0.05).golden
    assert told["runs"] == len(golden) > 0
    ends = "array_agg(ARRAY[lower(r), upper(r) - 1] ORDER BY r)"
    asked = (
        f"SELECT run_number, {ends} FROM hdqm.golden_jsons, unnest(lumisections) AS r WHERE name = 'made' GROUP BY 1"
    )
    assert dict(ask(db, asked)) == {run: [list(one) for one in ranges] for run, ranges in golden.runs.items()}
    about = "SELECT source, rr_id, json_logic, dataset_name_filter FROM hdqm.golden_json"
    assert ask(db, about) == [("run_registry", told["id"], RULE, name)]
    file = tmp_path / "golden.json"
    file.write_text('{"315257": [[1, 88]]}')
    pipeline.import_golden_json(settings, "made", file)
    assert ask(db, about) == [("file", None, None, None)]


def test_a_golden_json_that_is_not_made_leaves_the_one_of_its_name(settings, db, tmp_path):
    file = tmp_path / "golden.json"
    file.write_text('{"315257": [[1, 88]]}')
    pipeline.import_golden_json(settings, "made", file)

    with pytest.raises(HdqmError, match="No datasets matched"):
        pipeline.create_golden_json(settings, "made", json.dumps(RULE), "/PromptReco/Nothing/DQM", poll_s=0.05)
    with pytest.raises(ConfigError, match="no name that people could choose"):
        pipeline.create_golden_json(settings, " ", json.dumps(RULE), "x", poll_s=0.05)

    assert ask(db, "SELECT run_number FROM hdqm.golden_jsons WHERE name = 'made'") == [(315257,)]
