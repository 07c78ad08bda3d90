"""What physics promises of every metric, and what we promise of all of them."""

import dataclasses
import math
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hdqm_ops.config import parse_metric
from hdqm_ops.model import Alternative, Axis, Histogram, Reason, Trend
from hdqm_ops.reduce import METRICS, build, evaluate
from hdqm_ops.reduce._registry import documentation
from hdqm_ops.testing import draw_hist, draw_map, draw_profile, draw_profile_map

settings.register_profile("metrics", deadline=None, max_examples=50, derandomize=True, database=None)
settings.load_profile("metrics")

EXAMPLES = {name: documentation(cls).rpartition("Example: ")[2] for name, cls in METRICS.items()}
SLOW = {"fits.LanGau": 3, "fits.GauLand": 8}  # how many histograms they are shown

counts = st.lists(st.integers(0, 60), min_size=1, max_size=12)
odd_numbers = st.one_of(
    st.integers(-20, 60).map(float),
    st.floats(-1e3, 1e3),
    st.sampled_from([0.0, -0.0, 1e-300, 1e300, -1e300, 1e-12, math.inf, -math.inf, math.nan]),
)


def hist_of(contents, low=0.0, high=None, **more):
    """A curve of bins of width 1, or between two ends."""
    n = len(contents)
    edges = np.linspace(low, float(n) if high is None else high, n + 1).tolist()
    return draw_hist(f"{' '.join(map(repr, edges))} | {' '.join(map(repr, contents))}", **more)


@st.composite
def curves(draw):
    """Curves that are sane or not at all, with and without errors, ranges, labels, flow, variable bins."""
    n = draw(st.integers(1, 10))
    cells = np.array(draw(st.lists(odd_numbers, min_size=n + 2, max_size=n + 2)))
    low, width = draw(st.sampled_from([0.0, -5.0, 250.0])), draw(st.sampled_from([0.1, 1.0, 30.0]))
    first = draw(st.integers(1, n))
    axis = Axis(
        n,
        low,
        low + n * width,
        np.cumsum([low, *np.arange(1, n + 1) * width]) if draw(st.booleans()) else None,
        {1: "passed", n: "all"} if draw(st.booleans()) else {},
        first,
        draw(st.integers(first, n)),
        draw(st.booleans()),
        draw(st.booleans()),
    )
    sumw2 = np.abs(draw(st.lists(odd_numbers, min_size=n + 2, max_size=n + 2))) if draw(st.booleans()) else None
    sums = tuple(draw(st.lists(odd_numbers, min_size=4, max_size=4)))
    with np.errstate(all="ignore"):
        kind = draw(st.sampled_from([np.float64, np.float32]))
        return Histogram("TH1D", "curve", (axis,), cells.astype(kind), draw(st.integers(0, 500)) * 1.0, sums, sumw2)


@st.composite
def maps(draw):
    nx, ny = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    size = (nx + 2) * (ny + 2)
    cells = np.array(draw(st.lists(odd_numbers, min_size=size, max_size=size)))
    axes = (Axis(nx, 0.0, 1.0 * nx), Axis(ny, 0.0, 1.0 * ny))
    sums = tuple(draw(st.lists(odd_numbers, min_size=7, max_size=7)))
    return Histogram("TH2D", "map", axes, cells, draw(st.integers(0, 500)) * 1.0, sums)


@st.composite
def profiles(draw):
    groups = draw(st.lists(st.lists(st.floats(-1e3, 1e3), max_size=4), min_size=1, max_size=8))
    edges = " ".join(str(edge) for edge in range(len(groups) + 1))
    filled = ";".join(" ".join(map(repr, group)) for group in groups)
    return draw_profile(f"{edges} | {filled}", error_mode=draw(st.sampled_from(["", "s", "i", "g"])))


DRAWN = st.sampled_from([draw_map("1 2 / 3 4"), draw_profile_map("1,3 . / 5 ."), draw_hist("0 1 2 | [1] 5 6 [2]")])
histograms = st.one_of(curves(), maps(), profiles(), DRAWN)


def evaluated(expression, hist, *others):
    """The outcome of an expression for elements in the order main, histo1, histo2, reference."""
    others = others or (hist, hist, hist)
    elements = dict(zip(("main", "histo1", "histo2", "reference"), (hist, *others), strict=False))
    alternative = Alternative(parse_metric(expression), {role: (role,) for role in elements})
    return evaluate(Trend("Property", "case", (alternative,), "y"), elements)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_no_metric_ever_gives_nan_inf_or_a_warning_or_anything_but_a_reason(name):
    @settings(max_examples=SLOW.get(name, 25), suppress_health_check=list(HealthCheck))
    @given(histograms, histograms)
    def promise(hist, other):
        before = pickle.dumps((hist, other))

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            outcome = evaluated(EXAMPLES[name], hist, other, hist, other)

        assert outcome.reason not in (Reason.METRIC_RAISED, Reason.METRIC_NOT_AVAILABLE), outcome.detail
        if outcome.measurement is not None:
            assert math.isfinite(outcome.measurement.value)
            assert math.isfinite(outcome.measurement.error)
        assert pickle.dumps((hist, other)) == before, "an input was changed"

    promise()


# -- how long a run was ------------------------------------------------------------------------------------------------

SHAPES = (
    "basic.Mean()",
    "basic.StdDev()",
    "basic.RMSXAxis()",
    "basic.MaxBin()",
    "basic.FractionInBinArray([1], [2])",
    "basic.Fraction(0, 1)",
    "basic.Fraction1(0, 1)",
    "basic.Ratio(0, 1)",
    "basic.Ratio1(0, 1)",
    "basic.Quantile(0.5)",
    "robust.Median()",
    "robust.TrimmedMean(0.1)",
    "robust.InterquartileRange()",
    "shape.HighestBinPosition()",
    "fractions.FractionInRange(0, 2)",
)
NUMBERS = (
    "basic.Count()",
    "basic.BinCount(1)",
    "basic.BinsCount(1)",
    "basic.EntriesCount(0)",
    "basic.MaxExcursion()",
    "basic.MeanPosOnly()",
    "muon_metrics.NOutsideRange(0, 1)",
    "shape.MeanOfBins()",
    "shape.HighestBinHeight()",
    "basic.ProfileMean()",
    "basic.ROCfraction(1, 7)",
)


@pytest.mark.parametrize("expression", SHAPES)
@given(counts, st.integers(2, 9))
def test_a_shape_does_not_depend_on_how_long_the_run_was(expression, n, k):
    short, longer = (evaluated(expression, hist_of([f * c for c in n])) for f in (1, k))

    assert short.reason is longer.reason
    assert short.measurement is None or short.measurement.value == pytest.approx(longer.measurement.value, abs=1e-12)


@pytest.mark.parametrize("expression", NUMBERS)
@given(counts, st.integers(2, 9))
def test_a_number_grows_with_the_run(expression, n, k):
    short, longer = (evaluated(expression, hist_of([f * c for c in n])) for f in (1, k))

    assert short.reason is longer.reason
    assert short.measurement is None or k * short.measurement.value == pytest.approx(longer.measurement.value)


@pytest.mark.parametrize("expression", ["basic.Mean()", "robust.Median()", "robust.TrimmedMean(0.2)", "basic.MaxBin()"])
@given(counts, st.integers(-50, 50))
def test_a_place_moves_with_the_axis(expression, n, shift):
    here, there = (evaluated(expression, hist_of(n, low, low + len(n))) for low in (0.0, float(shift)))

    assert here.reason is there.reason
    if here.measurement is not None:
        assert here.measurement.value + shift == pytest.approx(there.measurement.value, abs=1e-9)
        assert here.measurement.error == pytest.approx(there.measurement.error, abs=1e-6)


@pytest.mark.parametrize("expression", ["basic.StdDev()", "robust.InterquartileRange()"])
@given(counts, st.integers(-50, 50))
def test_a_width_does_not(expression, n, shift):
    here, there = (evaluated(expression, hist_of(n, low, low + len(n))) for low in (0.0, float(shift)))

    assert here.reason is there.reason
    assert here.measurement is None or here.measurement.value == pytest.approx(there.measurement.value, abs=1e-6)


@given(counts, st.data())
def test_counts_of_two_histograms_add(n, data):
    m = data.draw(st.lists(st.integers(0, 60), min_size=len(n), max_size=len(n)))
    both = [a + b for a, b in zip(n, m, strict=True)]

    for expression in ("basic.Count()", "basic.BinsCount(1)", "muon_metrics.NOutsideRange(0,1)", "basic.MeanPosOnly()"):
        values = [evaluated(expression, hist_of(one)).measurement.value for one in (n, m, both)]
        assert values[0] + values[1] == pytest.approx(values[2])


@given(counts, st.data())
def test_the_mean_of_two_histograms_lies_between_theirs(n, data):
    m = data.draw(st.lists(st.integers(0, 60), min_size=len(n), max_size=len(n)))
    assume(sum(n) and sum(m))
    both = [a + b for a, b in zip(n, m, strict=True)]
    means = [evaluated("basic.Mean()", hist_of(one)).measurement.value for one in (n, m, both)]

    assert min(means[:2]) - 1e-9 <= means[2] <= max(means[:2]) + 1e-9


@given(counts, st.randoms())
def test_the_order_of_bins_does_not_matter_where_no_place_is_asked_for(n, random):
    shuffled = random.sample(n, len(n))

    for name in ("basic.ProfileMean()", "shape.MeanOfBins()", "shape.HighestBinHeight()", "shape.BinsBeyondSigma(3.)"):
        here, there = (evaluated(name, hist_of(one)) for one in (n, shuffled))
        assert here.reason is there.reason
        assert here.measurement is None or here.measurement.value == pytest.approx(there.measurement.value)


@given(counts)
def test_a_histogram_is_no_distance_from_itself(n):
    hist = hist_of(n)
    assume(sum(n))

    for name in ("reference.KolmogorovDistance()", "reference.WassersteinDistance()", "reference.MeanShift()"):
        assert evaluated(name, hist).measurement.value == 0
    assert evaluated("basic.Kolmogorov()", hist).measurement.value == 1


@given(counts, st.data())
def test_distances_and_asymmetries_know_no_first_or_second(n, data):
    m = data.draw(st.lists(st.integers(0, 60), min_size=len(n), max_size=len(n)))
    assume(sum(n) and sum(m))
    a, b = hist_of(n), hist_of(m)

    for name in ("reference.KolmogorovDistance()", "reference.WassersteinDistance()", "basic.Kolmogorov()"):
        assert evaluated(name, a, a, a, b).measurement.value == pytest.approx(
            evaluated(name, b, b, b, a).measurement.value
        )
    there, back = (evaluated("fractions.Asymmetry()", *pair).measurement for pair in ((a, b), (b, a)))
    assert (there.value, there.error) == pytest.approx((-back.value, back.error))


@given(st.integers(2, 40), st.floats(30, 50), st.floats(4, 6), st.floats(0.5, 200))
def test_a_fit_does_not_depend_on_the_norm(seed, place, width, factor):
    rng = np.random.default_rng(seed)
    contents = np.histogram(rng.normal(place, width, 3000), bins=50, range=(0, 80))[0]
    fit = build(parse_metric("robust.GaussianCoreWidth(2.)"))
    one = hist_of(contents.tolist(), 0.0, 80.0)
    scaled = dataclasses.replace(one, cells=one.cells * factor, sumw2=one.cells * factor**2)

    assert fit(one).value == pytest.approx(fit(scaled).value, abs=0.05 * fit(one).error)
