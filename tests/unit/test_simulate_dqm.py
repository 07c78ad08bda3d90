"""Simulated DQM files: read back by uproot, they are what the trends ask for and what the report says."""

import hashlib
import itertools
import json
import os
import struct
import subprocess
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import uproot

from hdqm_ops.discover import parse_name
from hdqm_ops.errors import ConfigError
from hdqm_ops.model import Alternative, Axis, Histogram, MetricCall, Scalar, Trend
from hdqm_ops.simulate import Damage, FilePlan, plan_files, scenario, simulate_dqm, write_dqm_file

RUN = 324997


def trend(path, metric, *arguments, subsystem="Tracker", **more):
    paths = {"main": (path,)} | {role: (other,) for role, other in more.items()}
    return Trend(subsystem, path.rpartition("/")[2], (Alternative(MetricCall(metric, arguments), paths),), "y")


SHAPES = [  # metric, arguments → classes that it may read
    (("basic.Mean",), {"TH1F", "TH1D", "TH1I", "TH1S", "TH2F", "TProfile"}),
    (("basic.Count",), {"TH1F", "TH1D", "TH1I", "TH1S"}),
    (("basic.RMSXAxis",), {"TH1F"}),
    (("basic.StdDev",), {"TH1F"}),
    (("basic.MeanZAxis",), {"TH3F"}),
    (("basic.MeanY",), {"TProfile"}),
    (("basic.MaxExcursion",), {"TProfile"}),
    (("basic.ProfileMean",), {"TProfile2D"}),
    (("basic.ProfileMeanBPixModules", 3), {"TProfile2D"}),
    (("basic.ROCfraction", 2, 3584, True), {"TH1D"}),
    (("basic.BinCount", 16, False), {"TH1D"}),
    (("basic.BinCount", "PIX.TOB", False), {"TH1D"}),
    (("basic.FractionInBinArray", [4], [3]), {"TH1D"}),
    (("basic.FED25ErrorFraction", 0.5, 1536, True), {"TH2F"}),
    (("basic.StripBadComponent", [1, 2, 3], 10, 15104), {"TH2F"}),
    (("basic.MeanXRange", 1, 2), {"TH2F"}),
    (("basic.MeanPosOnly",), {"TH2F"}),
    (("muon_metrics.MeanCh", 4), {"TH2F"}),
    (("basic.MeanYAxis",), {"TH2F"}),
    (("basic.RecoFraction", "initialStepSeeds"), {"TH1F"}),
    (("basic.EntriesCount", 0), {"TH1F"}),
    (("basic.Fraction", 0, 3), {"TH1F"}),
    (("muon_metrics.NOutsideRange", -5.0, 5.0), {"TH1F"}),
    (("hcal_metrics.RBXCountNonZeroChan", "HBM01", (1, 2, 0)), {"TH2F"}),
    (("hcal_metrics.RBXMean", "HBM01", (1, 2, 0)), {"TProfile2D"}),
    (("L1T_metrics.EffMean",), {"TH1F"}),
    (("L1T_metrics.TurnOnCurveEffPoint", 0.5), {"TH1F"}),
    (("fits.Landau", 0, 250.0, 360.0, (310.0, 30.0)), {"TH1F"}),
    (("fits.LandauAroundMax", 0, 0.8, 1.4, 60000), {"TH1F"}),
    (("fits.Gaussian", 0, -1.0, 1.0, (0.0, 0.5)), {"TH1F"}),
    (("fits.FlatLine", 0, -2.5, 2.5, 0), {"TProfile"}),
    (("basic.SomethingNew", {"a": [1]}, [[2], {3}]), {"TH1F", "TH1D", "TH1I", "TH1S"}),
]

EVERYTHING = [trend(f"Sub{i % 3}/Folder {i}/{call[0]} {i}", *call) for i, (call, _) in enumerate(SHAPES)]
EFFICIENCY = trend("Pixel/hits", "basic.PixelEfficiency", histo1="Pixel/missing")
RATE = trend("Tracker/tracks", "basic.EntriesRate", 0, histo1="Info/EventInfo/ProcessedLS")


@pytest.fixture
def one_file(tmp_path):
    """Write one file of the main dataset with the trends; give what uproot sees in it and the report."""
    numbers = itertools.count()

    def write(trends, *, seed=1, plan=None):
        small = scenario("demo", runs=[RUN], seed=seed)
        plan = plan or FilePlan(RUN, "/StreamExpress/Run2018D-Express-v1/DQMIO")
        from hdqm_ops.simulate import _dqm

        # a folder each: uproot opens a path anew whenever it reads
        report = _dqm._simulate_file(_dqm._elements(trends), tmp_path / str(next(numbers)), small, plan)
        return uproot.open(report.path), report

    return write


def element(file, path):
    top, _, rest = path.partition("/")
    return file[f"DQMData/Run {RUN}/{top}/Run summary/{rest}"]


def without_gaps(one_file, trends):
    """The first seed by which every element of the trends is there and filled."""
    for seed in range(1, 60):
        file, report = one_file(trends, seed=seed)
        if not report.missing and not report.empty:
            return seed, file, report
    raise AssertionError


def seed_without_gaps(one_file, trends):
    return without_gaps(one_file, trends)[1:]


@pytest.mark.parametrize(("call", "classes"), SHAPES, ids=[call[0] for call, _ in SHAPES])
def test_class_suits_the_metric(one_file, call, classes):
    one = trend("Tracking/x", *call)

    file, _ = seed_without_gaps(one_file, [one])

    assert element(file, "Tracking/x").classname in classes


def test_means_by_kind_of_class(one_file):
    """Read by their mean only, elements are of many classes."""
    trends = [trend(f"A/b{i}", "basic.Mean") for i in range(200)]

    file, report = one_file(trends)

    kinds = Counter(element(file, path).classname for path in report.elements)
    assert set(kinds) == {"TH1F", "TH1D", "TH1I", "TH1S", "TH2F", "TProfile"}


def test_stored_moments_agree_with_the_bins(one_file):
    file, report = seed_without_gaps(one_file, EVERYTHING)

    filled = 0
    for path in report.elements:
        histogram = element(file, path)
        if histogram.member("fTsumw") == 0:
            continue
        weights = histogram.counts(flow=False) if "Profile" in histogram.classname else histogram.values()
        for number, letter in enumerate("xy"[: weights.ndim]):
            along = weights.sum(axis=tuple(axis for axis in range(weights.ndim) if axis != number))
            axis = histogram.axis(number)
            binned = float((along * axis.centers()).sum() / along.sum())
            stored = histogram.member(f"fTsumw{letter}") / histogram.member("fTsumw")
            assert abs(binned - stored) < axis.width, path
            assert stored**2 <= histogram.member(f"fTsumw{letter}2") / histogram.member("fTsumw")
        assert histogram.member("fEntries") >= weights.sum() * 0.5
        filled += 1
    assert filled > 10


def test_profile_keeps_what_root_keeps(one_file):
    file, _ = seed_without_gaps(one_file, [trend("A/p", "basic.ProfileMean"), trend("A/q", "basic.MeanY")])

    for name, letter in [("A/p", "z"), ("A/q", "y")]:
        profile = element(file, name)
        entries = np.asarray(profile.member("fBinEntries"))
        sums, squares = np.asarray(profile.bases[-1].bases[-1]), np.asarray(profile.member("fSumw2"))
        assert entries.sum() == profile.member("fEntries")
        assert sums.sum() == pytest.approx(profile.member(f"fTsumw{letter}"))
        assert squares.sum() == pytest.approx(profile.member(f"fTsumw{letter}2"))
        assert (squares * entries >= sums**2 * (1 - 1e-12)).all()


def test_histograms_set_by_bin_have_no_moments(one_file):
    file, _ = seed_without_gaps(one_file, [trend("A/x", "basic.BinCount", 16), trend("A/e", "L1T_metrics.EffMean")])

    for name in ("A/x", "A/e"):
        histogram = element(file, name)
        assert [histogram.member(f"fTsumw{tail}") for tail in ("", "2", "x", "x2")] == [0, 0, 0, 0]
        assert histogram.member("fEntries") > 0
    values, errors = element(file, "A/e").values(), element(file, "A/e").errors()
    assert ((values > 0.7) == (errors > 0)).all()
    assert values.max() <= 1


def test_labels_of_reco_errors(one_file):
    trends = [trend("ML/errors", "basic.RecoFraction", label, histo1="ML/total") for label in ("b step", "a step")]

    file, _ = seed_without_gaps(one_file, trends)

    assert element(file, "ML/errors").axis().labels() == ["a step", "b step", "otherModule", "unknown"]
    assert element(file, "ML/total").member("fEntries") > element(file, "ML/errors").values().sum()


def test_efficiency_and_rate_are_possible(one_file):
    file, _ = seed_without_gaps(one_file, [EFFICIENCY, RATE])

    hits, missing = element(file, "Pixel/hits"), element(file, "Pixel/missing")
    assert 0.9 < hits.member("fEntries") / (hits.member("fEntries") + missing.member("fEntries")) < 1
    assert 40 <= element(file, "Info/EventInfo/ProcessedLS").values().sum() < 1000


def test_fits_find_their_peak(one_file):
    trends = [
        trend("A/charge", "fits.Landau", 0, 250.0, 360.0, (310.0, 30.0)),
        trend("A/adc", "fits.LandauAroundMax", 0, 0.8, 1.4, 60000),
    ]

    file, _ = seed_without_gaps(one_file, trends)

    for name, low, high in [("A/charge", 250, 360), ("A/adc", 5000, 60000)]:
        values, edges = element(file, name).to_numpy()
        assert low < edges[values.argmax()] < high


def test_bad_components_are_some_percent(one_file):
    file, _ = seed_without_gaps(one_file, [trend("A/bad", "basic.StripBadComponent", [1, 2], 10, 15104)])

    assert 0.01 < element(file, "A/bad").values()[:2, 9].sum() / 15104 < 0.08


def test_scalars_and_flags(one_file):
    file, _ = one_file([trend("A/x", "basic.Mean")])

    folder = file[f"DQMData/Run {RUN}/A/Run summary/EventInfo"]
    assert {f"<iRun>i={RUN}</iRun>", "<processName>s=HARVESTING</processName>"} <= set(folder.keys(cycle=False))
    assert any(key.startswith("<reportSummary>f=0.9") for key in folder.keys(cycle=False))
    hlt = file[f"DQMData/Run {RUN}/HLT/Run summary/EventInfo"]
    assert {"reportSummaryMap", "<reportSummaryMap>e=1</reportSummaryMap>"} <= set(hlt.keys(cycle=False))
    assert set(file.file.root_directory.classnames(recursive=False).values()) == {"TDirectory"}


# -- the scenario ------------------------------------------------------------------------------------------------------


def test_plan_of_the_demo():
    plans = plan_files(scenario("demo"))
    files = [parse_name(plan.path) for plan in plans]
    taken = [file for file in files if file.ignored is None]

    assert 60 <= len(plans) <= 100
    assert len({plan.path for plan in plans}) == len(plans)
    assert [(file.run_number, file.dataset, file.dqm_version) for file in files] == [
        (plan.run_number, plan.dataset, plan.dqm_version) for plan in plans
    ]
    assert len({file.primary_dataset for file in taken if file.processing != "Online"}) == 10
    assert {file.processing for file in taken} == {
        *("Express", "PromptReco", "12Nov2019_UL2018", "12Nov2019_UL2018_rsb", "Online"),
    }
    assert sorted(file.ignored for file in files if file.ignored) == [
        *("harvest over many runs (run 999999)", "release validation (RelVal)"),
    ]
    assert {plan.damage for plan in plans} == {None, *Damage}


def test_every_run_has_express_and_prompt():
    demo = scenario("demo")
    files = [parse_name(plan.path) for plan in plan_files(demo)]

    for processing in ("Express", "PromptReco"):
        assert {f.run_number for f in files if f.processing == processing and not f.ignored} == set(demo.runs)
    steps = np.diff(demo.runs)
    assert steps.min() == 1
    assert steps.max() > 3


def test_versions_arrive_out_of_order():
    arrived: dict[tuple[int, str], list[int]] = {}
    for plan in plan_files(scenario("demo")):
        arrived.setdefault((plan.run_number, plan.dataset), []).append(plan.dqm_version)

    assert {tuple(versions) for versions in arrived.values()} == {(1,), (2, 1), (1, 2), (1, 17)}


def test_reprocessing_has_two_versions_of_a_dataset():
    files = [parse_name(plan.path) for plan in plan_files(scenario("demo"))]

    versions: dict[int, set[int]] = {}
    for file in files:
        if (file.primary_dataset, file.processing) == ("SingleMuon", "12Nov2019_UL2018"):
            versions.setdefault(file.run_number, set()).add(file.processing_version)
    assert {1, 2} in versions.values()
    assert {2} in versions.values()


def test_full_scenario_spans_the_eras():
    full = scenario("full")
    eras = {parse_name(plan.path).era for plan in plan_files(full)} - {"", "CMSSW_10_2_5"}

    assert eras == {"Run2018A", "Run2018B", "Run2018C", "Run2018D"}
    assert len(full.runs) == 300
    assert len(plan_files(full)) > 1000


def test_layout_is_that_of_eos():
    plan = FilePlan(324997, "/SingleMuon/Run2018D-PromptReco-v2/DQMIO", 3)
    online = FilePlan(335670, "/GEM/Online/DQM")

    assert (
        plan.path == "Run2018/SingleMuon/0003249xx/DQM_V0003_R000324997__SingleMuon__Run2018D-PromptReco-v2__DQMIO.root"
    )
    assert online.path == "Online/GEM/0003356xx/DQM_V0001_GEM_R000335670.root"


def test_runs_can_be_given():
    assert scenario("demo", runs=[7, 5, 7]).runs == (5, 7)
    assert plan_files(scenario("demo", runs=[])) == ()


def test_unknown_scenario_is_an_error():
    with pytest.raises(ConfigError, match="choose one of demo, full"):
        scenario("huge")


# -- all files ---------------------------------------------------------------------------------------------------------

TREE = [
    *(trend(f"Tracking/t{i}", "basic.Mean", subsystem="Tracker") for i in range(12)),
    *(trend(f"Muons/m{i}", "basic.Mean", subsystem="Muons") for i in range(6)),
    *(trend(f"Hcal/h{i}", "basic.Count", subsystem="HCAL") for i in range(6)),
    trend("Own/o", "basic.Mean", subsystem="SomeoneElses"),
]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    out = tmp_path_factory.mktemp("dqm")
    told = []
    files = simulate_dqm(TREE, out, scenario("demo"), progress=told.append)
    assert told == list(files)
    return out, files


def test_every_planned_file_is_there_and_no_other(simulated):
    out, files = simulated

    assert sorted(str(path) for path in out.rglob("*") if path.is_file()) == sorted(file.path for file in files)
    assert [Path(file.path).stat().st_size for file in files] == [file.size_bytes for file in files]


def test_report_says_what_a_file_contains(simulated):
    _, files = simulated
    wanted = {path for one in TREE for path in one.monitor_elements}

    for file in files[::4]:
        if file.damage:
            continue
        keys = uproot.open(file.path).keys(cycle=False, filter_classname="T[HP]*")
        inside = {key.removeprefix(f"DQMData/Run {file.run_number}/").replace("Run summary/", "") for key in keys}
        assert set(file.elements) == inside & wanted
        assert not inside & set(file.missing)


def test_datasets_carry_other_subsystems(simulated):
    _, files = simulated

    tops = {}
    for file in files:
        tops.setdefault(file.dataset.split("/")[1], set()).update(path.split("/")[0] for path in file.elements)
    assert tops["StreamExpress"] == {"Tracking", "Muons", "Hcal", "Own"}
    assert tops["SingleMuon"] == {"Tracking", "Muons", "Own"}
    assert tops["HcalNZS"] == {"Hcal"}
    assert tops["MET"] == {"Hcal"}


def test_gaps_occur(simulated):
    _, files = simulated
    written = sum(len(file.elements) for file in files)

    assert 0 < sum(len(file.missing) for file in files) < 0.1 * written
    assert 0 < sum(len(file.empty) for file in files) < 0.03 * written


def test_same_seed_same_bytes(simulated, tmp_path):
    _, files = simulated

    demo = scenario("demo")

    again = simulate_dqm(TREE, tmp_path, scenario("demo", runs=demo.runs[:4]), jobs=2)

    before = {Path(file.path).name: file for file in files}
    again = [file for file in again if Path(file.path).name in before]
    assert len(again) > 12
    for file in again:
        twin = before[Path(file.path).name]
        assert (digest(file.path), file.elements) == (digest(twin.path), twin.elements)


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_files_that_are_there_are_left_alone(tmp_path):
    few = scenario("demo", runs=[RUN])
    files = simulate_dqm(TREE, tmp_path, few)
    before = [Path(file.path).stat() for file in files]

    simulate_dqm(TREE, tmp_path, few)

    after = [Path(file.path).stat() for file in files]
    assert [(s.st_ino, s.st_mtime_ns) for s in after] == [(s.st_ino, s.st_mtime_ns) for s in before]


def test_another_seed_or_trend_changes_only_what_it_should(one_file):
    mean = trend("A/x", "basic.Mean")
    seed, file, _ = without_gaps(one_file, [mean])
    values = element(file, "A/x").values()

    both, _ = one_file([mean, trend("A/y", "basic.Mean"), trend("B/z", "fits.FlatLine", 0, 0.0, 1.0, 30.0)], seed=seed)
    other, _ = one_file([mean], seed=seed + 1)

    assert (element(both, "A/x").values() == values).all()
    assert not np.array_equal(element(other, "A/x").values(), values)


def test_express_and_prompt_see_the_same_detector(one_file):
    """The same run differs less between datasets than a step does."""
    trends = [trend(f"Tracking/t{i}", "basic.Count") for i in range(40)]
    means = []
    for dataset in ("/StreamExpress/Run2018D-Express-v1/DQMIO", "/SingleMuon/Run2018D-PromptReco-v2/DQMIO"):
        file, report = one_file(trends, plan=FilePlan(RUN, dataset))
        means.append(
            {
                p: element(file, p).member("fTsumwx") / element(file, p).member("fTsumw")
                for p in set(report.elements) - set(report.empty)
            }
        )

    both = set(means[0]) & set(means[1])
    ratio = [means[0][path] / means[1][path] for path in both]
    assert len(both) > 30
    assert np.std(ratio) < 0.06


def test_damaged_files_are_damaged(simulated):
    _, files = simulated
    by_kind = {file.damage: Path(file.path).read_bytes() for file in files if file.damage}

    assert by_kind[Damage.EMPTY] == b""
    assert by_kind[Damage.HTML].startswith(b"<!DOCTYPE html>")
    truncated = by_kind[Damage.TRUNCATED]
    assert truncated[:4] == b"root"
    assert struct.unpack_from(">i", truncated, 12)[0] > len(truncated)
    garbage = by_kind[Damage.GARBAGE]
    assert struct.unpack_from(">i", garbage, 12)[0] == len(garbage)
    with pytest.raises(Exception, match=r".+"):  # whatever uproot meets first
        read_all(next(file.path for file in files if file.damage is Damage.GARBAGE))


def read_all(path):
    with uproot.open(path) as file:
        for key in file.keys(cycle=False):
            file[key]


# -- the writer --------------------------------------------------------------------------------------------------------


def some_histogram(class_name="TH1F", axes=1, kind="f4", **more):
    rng = np.random.default_rng(1)
    bins = tuple(Axis(n, -1.0, 2.0) for n in (5, 4, 3)[:axes])
    size = int(np.prod([axis.n + 2 for axis in bins]))
    sums = tuple(range(1, {1: 5, 2: 8, 3: 12}[axes]))
    return Histogram(class_name, "h", bins, rng.integers(0, 90, size).astype(kind), 17.0, sums, **more)


@pytest.mark.parametrize("letter", "CSIFD")
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_written_is_what_was_given(tmp_path, letter, axes):
    kind = {"C": "i1", "S": "i2", "I": "i4", "F": "f4", "D": "f8"}[letter]
    given = some_histogram(f"TH{axes}{letter}", axes, kind, maximum=7.0, title="a title")

    write_dqm_file(tmp_path / "a.root", RUN, {"A/B/h": given})

    read = element(uproot.open(tmp_path / "a.root"), "A/B/h")
    assert read.classname == f"TH{axes}{letter}"
    assert read.values(flow=True).T.ravel().tolist() == given.cells.tolist()
    assert (read.member("fEntries"), read.member("fMaximum"), read.member("fTitle")) == (17, 7, "a title")
    names = ["", "2", "x", "x2", "y", "y2", "xy", "z", "z2", "xz", "yz"]
    assert [read.member(f"fTsumw{name}") for name in names[: len(given.sums)]] == list(given.sums)


def test_variable_bins_labels_and_sumw2(tmp_path):
    bins = Axis(3, 0.0, 10.0, edges=np.array([0.0, 1.0, 5.0, 10.0]), labels={2: "two ☃"}, title="x title")
    given = Histogram("TH1D", "h", (bins,), np.arange(5.0), 4.0, (1, 2, 3, 4), sumw2=np.arange(5.0) * 2)

    write_dqm_file(tmp_path / "a.root", RUN, {"A/h": given})

    read = element(uproot.open(tmp_path / "a.root"), "A/h")
    assert read.axis().edges().tolist() == [0, 1, 5, 10]
    assert {str(label): label.member("@fUniqueID") for label in read.member("fXaxis").member("fLabels")} == {"two ☃": 2}
    assert read.member("fXaxis").member("fTitle") == "x title"
    assert np.asarray(read.member("fSumw2")).tolist() == [0, 2, 4, 6, 8]


def test_scalars(tmp_path):
    scalars = {"i": 5, "f": 0.25, "s": "CMSSW_10_2_5"}

    size = write_dqm_file(
        tmp_path / "deep/er/a.root",
        RUN,
        {f"A/B/{name}": Scalar(name, value) for name, value in scalars.items()},
        texts=[("A/B/h", "e=1")],
    )

    assert (tmp_path / "deep/er/a.root").stat().st_size == size
    folder = uproot.open(tmp_path / "deep/er/a.root")[f"DQMData/Run {RUN}/A/Run summary/B"]
    assert folder.keys(cycle=False) == ["<i>i=5</i>", "<f>f=0.25</f>", "<s>s=CMSSW_10_2_5</s>", "<h>e=1</h>"]
    assert [str(key.get()) for key in folder._keys] == folder.keys(cycle=False)  # a name with a slash is no path


def test_same_bytes_later(tmp_path):
    given = {"A/B/h": some_histogram(), "A/C/g": some_histogram()}

    write_dqm_file(tmp_path / "a.root", RUN, given, texts=[("A/B/h", "e=1")])
    time.sleep(1.1)  # dates in ROOT files have seconds
    write_dqm_file(tmp_path / "b.root", RUN, given, texts=[("A/B/h", "e=1")])

    assert (tmp_path / "a.root").read_bytes() == (tmp_path / "b.root").read_bytes()


def test_different_files_have_different_identifiers(tmp_path):
    """Else uproot takes the objects of one for those of the other."""
    for name, content in [("a", np.zeros(5)), ("b", np.ones(5))]:
        histogram = Histogram("TH1D", "h", (Axis(3, 0, 1),), content, 4.0, (1, 2, 3, 4))
        write_dqm_file(tmp_path / name, RUN, {"A/h": histogram})

    assert element(uproot.open(tmp_path / "a"), "A/h").values(flow=True).tolist() == [0] * 5
    assert element(uproot.open(tmp_path / "b"), "A/h").values(flow=True).tolist() == [1] * 5


def test_long_names_and_big_folders(tmp_path):
    given = {f"A/{'folder ' * 50}/{'x' * 300} {i}": some_histogram() for i in range(300)}

    write_dqm_file(tmp_path / "a.root", RUN, given)

    with uproot.open(tmp_path / "a.root") as file:
        assert file.file.nfree == 1  # nothing was moved while writing
        assert element(file, next(iter(given))).member("fEntries") == 17


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("nofolder", Scalar("x", 1), "no path of a monitor element"),
        ("A//x", Scalar("x", 1), "no path of a monitor element"),
        ("", Scalar("x", 1), "no path of a monitor element"),
        ("A/x", some_histogram("TH2Poly"), "uproot does not write a TH2Poly"),
        ("A/x", "text", "neither a histogram nor a scalar"),
    ],
)
def test_what_cannot_be_written_is_an_error(tmp_path, path, content, said):
    with pytest.raises(ConfigError, match=said):
        write_dqm_file(tmp_path / "a.root", RUN, {path: content})
    assert not list(tmp_path.iterdir())


def test_active_range_is_refused(tmp_path):
    ranged = Histogram("TH1F", "h", (Axis(3, 0, 1, first=1, last=2, ranged=True),), np.zeros(5, "f4"), 0, (0, 0, 0, 0))

    with pytest.raises(ConfigError, match="active range"):
        write_dqm_file(tmp_path / "a.root", RUN, {"A/h": ranged})


# -- ROOT itself -------------------------------------------------------------------------------------------------------

ASK_ROOT = """
import json, sys, ROOT
file = ROOT.TFile(sys.argv[1])
assert not file.IsZombie() and not file.TestBit(ROOT.TFile.kRecovered)
answers = {}
for path in json.load(sys.stdin):
    h = file.Get(path)
    middle, x = h.GetNcells() // 2, h.GetXaxis()
    answers[path] = [h.ClassName(), h.GetEntries(), h.GetMean(), h.GetStdDev(), h.GetMean(2), h.GetMean(3),
                     h.GetNcells(), h.GetBinContent(middle), h.GetBinError(middle),
                     [str(x.GetBinLabel(1)), x.IsAlphanumeric()]]
json.dump(answers, open(sys.argv[2], "w"))
"""


@pytest.mark.root
def test_root_reads_the_same_numbers(one_file, tmp_path):
    python = os.environ.get("HDQM_ROOT_PYTHON")
    if not python:
        pytest.skip("HDQM_ROOT_PYTHON names no Python with PyROOT")
    file, report = seed_without_gaps(one_file, EVERYTHING)
    paths = {path: f"DQMData/Run {RUN}/{path.replace('/', '/Run summary/', 1)}" for path in report.elements}

    subprocess.run(
        [python, "-W", "ignore", "-c", ASK_ROOT, report.path, tmp_path / "answers.json"],
        input=json.dumps(list(paths.values())),
        text=True,
        check=True,
        timeout=300,
    )

    answers = json.loads((tmp_path / "answers.json").read_text())
    for path, inside in paths.items():
        name, entries, mean, deviation, mean_y, mean_z, cells, content, error, (label, alphanumeric) = answers[inside]
        read = file[inside]
        assert (name, entries, cells) == (read.classname, read.member("fEntries"), read.member("fNcells")), path
        middle = np.unravel_index(cells // 2, [axis.member("fNbins") + 2 for axis in read.axes][::-1])[::-1]
        assert content == pytest.approx(float(read.values(flow=True)[middle])), path
        assert error == pytest.approx(float(read.errors(flow=True)[middle]), abs=1e-12), path
        if total := read.member("fTsumw"):
            assert mean == pytest.approx(read.member("fTsumwx") / total), path
            assert deviation == pytest.approx((read.member("fTsumwx2") / total - mean**2) ** 0.5, rel=1e-6), path
        if "Profile" in name or name.startswith(("TH2", "TH3")):
            letter, answer = ("y", mean_y) if name != "TProfile2D" else ("z", mean_z)
            if total:
                assert answer == pytest.approx(read.member(f"fTsumw{letter}") / total), path
        assert alphanumeric == bool(label), path
