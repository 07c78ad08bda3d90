"""Our numbers against those of the predecessor's own classes under ROOT 6.40, all of them.

Value and error are equal to 1e-9; of fits to 1e-3 or 0.05 of the error.
What differs on purpose is listed below by class and reason, with its number: nothing else may differ.
"""

import json
import math
from collections import Counter
from pathlib import Path

import pytest

from hdqm_ops import config, extract, reduce
from hdqm_ops.model import Reason

TESTS = Path(__file__).parents[1]
CASES = TESTS / "data" / "cases"
SHARED = TESTS.parents[1] / "shared" / "data"

# The predecessor's classes shared one object among all trends of a file. A label that an axis lacks is put on it when
# it is asked for: the next label gets the next bin, and a histogram with an active range loses its mean.
LABELS_LEFT_BEHIND = {
    "basic.RecoFraction('label2')": 13,  # 'label4' had been asked for before and had taken the first bin
    "basic.MeanDiff()": 1,
    "basic.PixelEfficiency()": 1,
    "basic.PixelDigiPerClusterPix()": 1,
}

# (0, 0) that stood for a failure, and the reason that stands there now.
FALSE_ZEROS = Counter(
    {
        ("L1T_metrics.EffMean", "histogram_empty"): 1,
        ("L1T_metrics.EffVariance", "histogram_empty"): 1,
        ("L1T_metrics.TauSavePlots", "not_applicable"): 7,
        ("L1T_metrics.TurnOnCurveEffPoint", "no_turn_on"): 8,
        ("L1T_metrics.TurnOnCurveHalfWidth", "no_turn_on"): 4,
        ("L1T_metrics.TurnOnCurveRange", "no_turn_on"): 1,
        ("L1T_metrics.TurnOnPlateauEff", "no_turn_on"): 4,
        ("basic.Bin2DRatio", "no_denominator"): 35,
        ("basic.BinRatio2D", "no_denominator"): 1,
        ("basic.Chi2", "not_applicable"): 1,
        ("basic.EntriesRate", "no_denominator"): 1,
        ("basic.Fraction", "histogram_empty"): 2,
        ("basic.Fraction1", "no_denominator"): 2,
        ("basic.FractionInBin", "histogram_empty"): 2,
        ("basic.FractionInBinArray", "no_denominator"): 19,
        ("basic.Kolmogorov", "not_applicable"): 3,
        ("basic.Mean", "histogram_empty"): 3,
        ("basic.MeanEntries", "histogram_empty"): 3,
        ("basic.MeanRMS", "histogram_empty"): 3,
        ("basic.MeanY", "histogram_empty"): 3,
        ("basic.MeanYAxis", "histogram_empty"): 1,
        ("basic.MeanZAxis", "wrong_class"): 8,  # no z axis
        ("basic.NormChi2", "not_applicable"): 1,
        ("basic.PixelDigiPerClusterPix", "no_denominator"): 2,
        ("basic.PixelEfficiency", "no_denominator"): 1,
        ("basic.ProfileMean", "histogram_empty"): 3,
        ("basic.ProfileMeanBPixModules", "histogram_empty"): 2,
        ("basic.RMSXAxis", "histogram_empty"): 3,
        ("basic.RMSYAxis", "histogram_empty"): 1,
        ("basic.Ratio", "no_denominator"): 2,
        ("basic.Ratio1", "no_denominator"): 6,
        ("basic.StdDev", "histogram_empty"): 3,
        ("fits.FlatLine", "fit_failed"): 6,
        ("fits.FlatLine", "histogram_empty"): 2,
        ("fits.LandauAroundMax", "fit_failed"): 1,
        ("fits.LandauAroundMax", "out_of_range"): 8,
        ("hcal_metrics.RBXCountNonZeroChan", "not_applicable"): 1,
        ("hcal_metrics.RBXMean", "not_applicable"): 1,
    }
)

# Fits of fewer bins than parameters: the predecessor gives the start value, mostly with error 0.
NOTHING_FITTED = Counter(
    {
        ("fits.FlatLine", "fit_failed"): 4,
        ("fits.FlatLine", "histogram_empty"): 2,
        ("fits.FlatLineXcut", "fit_failed"): 2,
        ("fits.FlatLineXcut", "histogram_empty"): 2,
        ("fits.GauLand", "fit_failed"): 20,
        ("fits.GauLand", "histogram_empty"): 2,
        ("fits.Gaussian", "fit_failed"): 26,
        ("fits.Gaussian", "histogram_empty"): 4,
        ("fits.Landau", "fit_failed"): 54,
        ("fits.Landau", "histogram_empty"): 6,
        ("fits.LandauAroundMax", "fit_failed"): 23,
        ("fits.LandauAroundMax", "histogram_empty"): 6,
        ("fits.LandauAroundMaxBin", "fit_failed"): 1,
        ("fits.LandauTest", "fit_failed"): 20,
        ("fits.LandauTest", "histogram_empty"): 2,
    }
)

# Fits that do not converge, neither here nor in ROOT, whose status the predecessor never looked at.
NOT_CONVERGED = Counter(
    {
        ("fits.Gaussian", "fit_failed"): 4,
        ("fits.Landau", "fit_failed"): 2,
        ("fits.LandauTest", "fit_failed"): 1,
    }
)

# Classes that could not run, or whose answer could not be stored: they give values now.
RUNS_NOW = Counter({"basic.NormBinCount": 1, "fits.LanGau": 3})

# The same for the four files of shared/data/dqm.
LEGACY_FALSE_ZEROS = Counter({
    ("L1T_metrics.TurnOnCurveHalfWidth", "no_turn_on"): 105,
    ("L1T_metrics.TurnOnPlateauEff", "no_turn_on"): 78,
    ("basic.PixelDigiPerClusterPix", "no_denominator"): 4,
    ("fits.LandauAroundMax", "out_of_range"): 2,
    ("hcal_metrics.RBXCountNonZeroChan", "not_applicable"): 1488,
    ("hcal_metrics.RBXMean", "histogram_empty"): 3,
    ("hcal_metrics.RBXMean", "not_applicable"): 992,
})  # fmt: skip
LEGACY_NOTHING_FITTED = Counter({("fits.Landau", "fit_failed"): 127})


def relation(call, outcome, golden):
    """How an outcome stands to what the predecessor gives: in one word, or with class and reason."""
    if outcome.measurement is None:
        return _relation_of_gap(call, outcome, golden)
    if golden is None or isinstance(golden, dict):
        return "value here only", call.name
    value, error = outcome.measurement.value, outcome.measurement.error
    return "equal" if close(call, value, error, *golden) else ("different", str(call))


def _relation_of_gap(call, outcome, golden):
    what = call.name, outcome.reason.code
    if golden is None:
        return "both missing" if outcome.reason in (Reason.ELEMENT_MISSING, Reason.INPUT_MISSING) else ("lost", *what)
    if isinstance(golden, dict) or not all(map(math.isfinite, golden)):
        return "both without value"
    if golden == [0, 0]:
        return "false zero", what
    if call.name.startswith("fits."):
        return "nothing fitted" if "no convergence" not in outcome.detail else "not converged", what
    return "lost", *what


def close(call, value, error, golden_value, golden_error):
    if not call.name.startswith("fits."):
        return all(math.isclose(a, b, rel_tol=1e-9) for a, b in ((value, golden_value), (error, golden_error)))
    near = math.isclose(value, golden_value, rel_tol=1e-3) or abs(value - golden_value) <= 0.05 * golden_error
    return near and abs(error - golden_error) <= 0.05 * golden_error


def relations(tree, path, golden):
    elements = extract.read_file(path, tree.monitor_elements).elements
    outcomes = reduce.Reducer(tree.trends).reduce(elements)
    assert {trend.key for trend in tree.trends} == set(golden)
    return Counter(
        relation(trend.alternatives[outcome.alternative or 0].metric, outcome, golden[trend.key])
        for trend, outcome in zip(tree.trends, outcomes, strict=True)
    )


def listed(found, kind):
    """What stands under one kind."""
    return Counter({one[1]: number for one, number in found.items() if one[0] == kind})


def leftover(found):
    """Whatever is neither equal nor of a kind that is listed."""
    known = ("false zero", "nothing fitted", "not converged", "value here only", "different")
    return {one for one in found if isinstance(one, tuple) and one[0] not in known}


@pytest.fixture(scope="module")
def cases():
    tree = config.read_tree([CASES / "cfg"], reduce.catalogue())
    (path,) = (CASES / "dqm").glob("*.root")
    return relations(tree, path, json.loads((CASES / "golden.json").read_text())[path.name])


def test_1817_applications_to_awkward_histograms(cases):
    assert cases.total() == 1817
    assert listed(cases, "different") == LABELS_LEFT_BEHIND
    assert leftover(cases) == set()
    assert cases["equal"] == 1354


def test_failures_that_looked_like_zeros_have_their_reasons(cases):
    assert listed(cases, "false zero") == FALSE_ZEROS


def test_fits_that_found_nothing_have_their_reasons(cases):
    assert listed(cases, "nothing fitted") == NOTHING_FITTED
    assert listed(cases, "not converged") == NOT_CONVERGED


def test_only_classes_that_could_not_run_give_values_where_the_predecessor_raised(cases):
    assert listed(cases, "value here only") == RUNS_NOW


@pytest.fixture(scope="module")
def legacy():
    if not SHARED.is_dir():
        pytest.skip(f"the predecessor's configurations ({SHARED}) are not here")
    tree = config.read_tree([SHARED / "centralhdqm" / "cfg"], reduce.catalogue())
    golden = json.loads((SHARED / "golden.json").read_text())
    return sum((relations(tree, SHARED / "dqm" / name, values) for name, values in golden.items()), Counter())


def test_four_files_of_2861_trends(legacy):
    assert legacy.total() == 4 * 2861
    assert listed(legacy, "different") == {}
    assert leftover(legacy) == set()
    assert listed(legacy, "value here only") == {}
    assert listed(legacy, "not converged") == {}


def test_failures_of_the_four_files_have_their_reasons(legacy):
    assert listed(legacy, "false zero") == LEGACY_FALSE_ZEROS
    assert listed(legacy, "nothing fitted") == LEGACY_NOTHING_FITTED
