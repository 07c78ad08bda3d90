"""Which runs count: rules of the configuration, in the database, for every selection."""

from pathlib import Path

import pytest
from loading import ingest, make_file, make_histogram, make_trend
from psycopg import errors

from hdqm_ops import load, pipeline, reduce
from hdqm_ops.config import read_tree
from hdqm_ops.errors import ConfigError
from hdqm_ops.pipeline import read_configuration

GENERAL = """
[runs:collisions]
classes = *collision*, Commissioning??
significant = yes
min_recorded_lumi_pb = 0.1
not_hlt_key = *special*, /cdaq/100%_odd*

[runs:cosmics]
datasets = *cosmic*
classes = *cosmic*
min_duration_s = 3600
"""
OF_TRACKER = "[runs:collisions]\ndcs = bpix, fpix | tob\n"
TREND = "\n[plot:a]\nmetric = basic.Mean()\nrelativePath = A/b\nyTitle = y\n"

GOOD = {
    "run_class": "Collisions18",
    "significant": True,
    "recorded_lumi_pb": 5.0,
    "duration_s": 4000.0,
    "hlt_key": "/cdaq/physics/Run2018/2e34/v3.6.1/HLT/V2",
    "end_time": "2018-10-01T00:00:00Z",
    "dcs_on": ["bpix", "fpix", "tob"],
    "dcs_off": ["zdc"],
}
SPOILED = {  # run: what is different in it
    325000: {},
    325001: {"significant": False},
    325002: {"run_class": "Cosmics18"},
    325003: {"run_class": "collisions18_special"},
    325004: {"recorded_lumi_pb": 0.05},
    325005: {"hlt_key": "/cdaq/Special/x"},
    325006: {"hlt_key": "/cdaq/100%_odd/x"},
    325007: {"hlt_key": "/cdaq/100_xodd/x"},  # % and _ are no wildcards of ours
    325008: {"recorded_lumi_pb": 0.05, "end_time": None},  # goes on
    325009: {"dcs_off": ["fpix"]},
    325010: {"dcs_off": ["fpix", "tob"]},
    325011: {"run_class": "Commissioning18"},
    325012: {"run_class": "Cosmics18", "duration_s": 600.0},
    325013: {"run_class": ""},  # Run Registry has not found one yet
}


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    top = tmp_path_factory.mktemp("tree")
    (top / "Tracker").mkdir()
    (top / "Tracker" / "a.ini").write_text(TREND)
    (top / "Tracker" / "runs.ini").write_text(OF_TRACKER)
    (top / "runs.ini").write_text(GENERAL)
    tree = read_tree([top], reduce.catalogue())
    assert not tree.problems
    return tree.rules


@pytest.fixture(scope="module")
def filled(make_database, migrated_template, rules):
    trends = [make_trend("a"), make_trend("b", subsystem="HCAL")]
    both = {"Tracker/a": make_histogram(1), "HCAL/b": make_histogram(2)}
    with make_database(migrated_template) as url, load.connect(url) as connection:
        files = [make_file(run) for run in (*SPOILED, 325014)] + [
            make_file(run, dataset="Cosmics") for run in (325002, 325012)
        ]
        load.register_files(connection, files)
        ingest(connection, trends, {file.path: both for file in files}, paths=tuple(file.path for file in files))
        facts = [{"run_number": run, **GOOD, **odd} for run, odd in SPOILED.items()]
        load.record_runs(connection, "oms", facts)
        load.apply_configuration(connection, trends, (), rules, whole=True)
        yield connection


def select(connection, quality="default", *, subsystem="HCAL", dataset="SingleMuon", mode="latest", value="99"):
    asked = load.Selection(mode, value, subsystem, dataset, "PromptReco", quality)
    return sorted(row["run_number"] - 325000 for row in load.selected_runs(connection, asked))


def test_each_condition_leaves_out_what_it_says_and_nothing_unknown(filled):
    assert select(filled) == select(filled, "collisions") == [0, 3, 7, 8, 9, 10, 11, 13, 14]


def test_a_subsystem_adds_its_detectors_to_the_rule_for_all(filled):
    assert select(filled, subsystem="Tracker") == [0, 3, 7, 8, 9, 11, 13, 14]


def lumisections(run, *off):
    """A lumisection for each set of detectors that were off, of all that the rule for Tracker names."""
    detectors = {"bpix", "fpix", "tob", "zdc"}
    return [
        {"run_number": run, "lumisection": number, "dcs_on": sorted(detectors - set(some)), "dcs_off": some}
        for number, some in enumerate(off, 1)
    ]


@pytest.mark.parametrize(
    ("off", "counts"),
    [
        ([["bpix", "tob"], ["fpix", "tob"]], False),  # each was on, and never one set together
        ([["bpix", "tob"], ["fpix", "zdc"]], True),  # those of the other set: tob
        ([["bpix", "tob"], ["tob"], ["bpix", "fpix", "tob"]], True),
        ([], True),  # nobody has told
    ],
)
def test_detectors_have_to_be_on_together_where_lumisections_are_known(filled, off, counts):
    with filled.transaction(force_rollback=True):
        load.record_lumisections(filled, 325000, lumisections(325000, *off))
        assert (0 in select(filled, subsystem="Tracker")) is counts
        assert 0 in select(filled)  # the rule for all names no detector
        row = "SELECT dcs_off_sets FROM hdqm.run WHERE run_number = 325000"
        (sets,) = filled.execute(row).fetchone()
        assert (sets is None) is (off == [])
        load.record_lumisections(filled, 325000, [])
        assert filled.execute(row).fetchone() == (None,)


def test_the_dataset_chooses_the_rule(filled):
    assert select(filled, dataset="Cosmics") == select(filled, "cosmics", dataset="Cosmics") == [2]
    assert select(filled, "cosmics") == [2, 13, 14]
    assert select(filled, dataset=None) == [0, 2, 3, 7, 8, 9, 10, 11, 13, 14]  # any rule is enough


def test_a_list_is_taken_as_it_is_and_all_leaves_out_none(filled):
    assert select(filled, mode="list", value="325001 325004") == [1, 4]
    assert select(filled, "all") == list(range(15))
    assert select(filled, mode="where", value="b_field_t is null and run_number < 325003") == [0]


def test_latest_counts_runs_that_count(filled):
    assert select(filled, value="3") == [11, 13, 14]


def test_what_is_left_out_is_told_with_its_facts(filled):
    rows = load.left_out_runs(filled, load.Selection("range", "", "Tracker", "SingleMuon", "PromptReco"))

    assert [row["run_number"] - 325000 for row in rows] == [12, 10, 6, 5, 4, 2, 1]
    assert rows[1]["dcs_off"] == ["fpix", "tob"]


def test_an_unknown_quality_is_refused_also_for_a_list(filled):
    message = "no quality 'best'; there are default and all, collisions, cosmics"
    for mode, value in (("latest", "3"), ("list", "325001")):
        with pytest.raises(ConfigError, match=message):
            select(filled, "best", mode=mode, value=value)
        with pytest.raises(errors.InvalidParameterValue, match=message):
            filled.execute("SELECT hdqm.run_selection(%s, %s, NULL, NULL, NULL, 'best')", [mode, value])


def test_the_reader_may_choose(filled):
    asked = "SELECT array_agg(quality) FROM hdqm.choose_quality('Tracker')"
    assert filled.execute(asked).fetchone() == (["default", "all", "collisions", "cosmics"],)


def test_rules_are_replaced_as_a_whole_and_left_by_a_part(connection, rules):
    trends = [make_trend("a")]
    assert load.apply_configuration(connection, trends, (), rules, whole=True).rules == 3
    assert load.apply_configuration(connection, trends, (), rules, whole=True).rules == 0
    assert load.apply_configuration(connection, trends, (), (), whole=False).rules == 0
    assert load.apply_configuration(connection, trends, (), rules[:1], whole=True).rules == 2
    assert connection.execute("SELECT subsystem, name FROM hdqm.quality_rules").fetchall() == [("", "collisions")]


def test_the_rules_that_are_shipped_are_those_of_the_predecessor(connection, db):
    shipped = Path(pipeline.__file__).parents[1] / "trends"
    tree = read_configuration([shipped])
    load.apply_configuration(connection, tree.trends, tree.groups, tree.rules, whole=True)

    conditions = dict(
        connection.execute("SELECT name, hdqm.quality_condition(q) FROM hdqm.quality_rules('Nobody') AS q").fetchall()
    )
    for part in ("significant", "%collision%", "recorded_lumi_pb >= 0.1", "%special%"):
        assert part in conditions["collisions"]
    for part in ("%cosmic%", "duration_s >= 3600"):
        assert part in conditions["cosmics"]
    (pixel,) = connection.execute("SELECT dcs FROM hdqm.quality_rules('Pixel') WHERE name = 'collisions'").fetchone()
    assert pixel == [["bpix", "fpix"]]


def test_several_trees_and_what_lies_beside(tmp_path):
    for name, text in (("one", GENERAL), ("two", "[runs:collisions]\nmin_recorded_lumi_pb = 7\n")):
        (tmp_path / name / "Tracker").mkdir(parents=True)
        (tmp_path / name / "Tracker" / "a.ini").write_text(TREND)
        (tmp_path / name / "runs.ini").write_text(text + (TREND if name == "two" else ""))

    tree = read_tree([tmp_path / "one", tmp_path / "two"], reduce.catalogue())

    (rule,) = (rule for rule in tree.rules if rule.name == "collisions")
    assert (rule.min_recorded_lumi_pb, rule.significant) == (7.0, True)
    codes = {problem.code for problem in tree.warnings}
    assert {"unknown-section", "duplicate-alternative"} <= codes
