"""Our own metrics, and the shared arithmetic, against SciPy or a closed form."""

import math

import numpy as np
import pytest
from scipy import special, stats

from hdqm_ops.config import parse_metric
from hdqm_ops.reduce import build
from hdqm_ops.reduce._efficiency import clopper_pearson, shortest_efficiency_interval
from hdqm_ops.reduce._landau import density, density_and_slopes
from hdqm_ops.testing import draw_hist

RNG = np.random.default_rng(4)
COUNTS = [RNG.integers(0, 40, RNG.integers(3, 30)) for _ in range(20)]
PAIRS = [(RNG.integers(1, 40, n), RNG.integers(1, 90, n)) for n in RNG.integers(2, 25, 20)]


def hist_of(counts):
    edges = " ".join(map(str, range(len(counts) + 1)))
    return draw_hist(f"{edges} | {' '.join(map(str, counts))}")


def sample_of(counts):
    """The entries of a histogram, at the centres of their bins."""
    return np.repeat(np.arange(len(counts)) + 0.5, counts)


def measure(expression, *hists):
    return build(parse_metric(expression))(*hists)


@pytest.mark.parametrize("counts", COUNTS)
def test_trimmed_mean(counts):
    sample = sample_of(np.concatenate((counts, [1])) * 20)  # so that 5 % is a whole number of entries
    counts = np.concatenate((counts, [1])) * 20

    assert measure("robust.TrimmedMean(0.05)", hist_of(counts)).value == pytest.approx(stats.trim_mean(sample, 0.05))


def test_trimmed_mean_without_trimming_is_the_mean():
    for counts in COUNTS:
        mean, trimmed = measure("basic.Mean()", hist_of(counts)), measure("robust.TrimmedMean(0)", hist_of(counts))
        assert (trimmed.value, trimmed.error) == pytest.approx((mean.value, mean.error))


def test_quantiles_of_an_even_distribution_are_their_shares():
    flat = hist_of([1000] * 50)
    for share in (0.05, 0.25, 0.5, 0.9):
        answer = measure(f"basic.Quantile({share})", flat)
        assert answer.value == pytest.approx(50 * share)
        assert answer.error == pytest.approx(50 * math.sqrt(share * (1 - share) / 50000))
    assert measure("robust.Median()", flat) == measure("basic.Quantile(0.5)", flat)
    assert measure("robust.InterquartileRange()", flat).error == pytest.approx(50 * math.sqrt(0.25 / 50000))


def test_quantiles_of_a_gaussian_and_their_errors():
    centers = np.linspace(-5, 5, 1001)
    edges = np.append(centers - 0.005, 5.005)
    contents = np.diff(stats.norm.cdf(edges)) * 10000
    gauss = draw_hist(f"{' '.join(map(repr, edges.tolist()))} | {' '.join(map(repr, contents.tolist()))}")

    assert measure("basic.Quantile(0.9)", gauss).value == pytest.approx(stats.norm.ppf(0.9), abs=1e-4)
    assert measure("robust.Median()", gauss).error == pytest.approx(math.sqrt(math.pi / 2) / 100, rel=1e-3)
    assert measure("robust.InterquartileRange()", gauss).value == pytest.approx(2 * stats.norm.ppf(0.75), abs=1e-4)
    assert measure("robust.GaussianCoreWidth(2.)", gauss).value == pytest.approx(1, rel=1e-3)


def test_the_core_of_a_gaussian_does_not_see_its_tails():
    rng = np.random.default_rng(1)
    sample = np.concatenate((rng.normal(0, 1, 20000), rng.normal(0, 8, 2000)))
    contents, edges = np.histogram(sample, bins=200, range=(-10, 10))
    hist = draw_hist(f"{' '.join(map(repr, edges.tolist()))} | {' '.join(map(str, contents))}")
    core = measure("robust.GaussianCoreWidth(1.5)", hist)

    assert core.value == pytest.approx(1, abs=4 * core.error + 0.03)
    assert measure("basic.StdDev()", hist).value > 1.5


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_distances_to_a_reference(a, b):
    hist, reference = hist_of(a), hist_of(b)
    centers = np.arange(len(a)) + 0.5
    apart = np.abs(np.cumsum(a) / a.sum() - np.cumsum(b) / b.sum()).max()

    distance = measure("reference.WassersteinDistance()", hist, reference).value
    assert distance == pytest.approx(stats.wasserstein_distance(centers, centers, a, b))
    assert measure("reference.KolmogorovDistance()", hist, reference).value == pytest.approx(apart)
    assert apart == pytest.approx(stats.ks_2samp(sample_of(a), sample_of(b)).statistic)
    z = apart * math.sqrt(a.sum() * b.sum() / (a.sum() + b.sum()))
    assert measure("basic.Kolmogorov()", hist, reference).value == pytest.approx(special.kolmogorov(z), rel=2e-9)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_chi2_is_that_of_a_contingency_table(a, b):
    table = stats.chi2_contingency([a, b], correction=False)

    assert measure("basic.Chi2()", hist_of(a), hist_of(b)).value == pytest.approx(table.statistic)
    assert measure("basic.NormChi2()", hist_of(a), hist_of(b)).value == pytest.approx(table.statistic / table.dof)


def test_chi2_per_freedom_of_alike_shapes_is_one_within_its_error():
    rng = np.random.default_rng(8)
    values = [
        measure("reference.Chi2PerFreedom()", hist_of(rng.poisson(400, 50)), hist_of(rng.poisson(900, 50)))
        for _ in range(100)
    ]
    pulls = [(answer.value - 1) / answer.error for answer in values]

    assert abs(np.mean(pulls)) < 0.4
    assert np.std(pulls) == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize(("passed", "total"), [(0, 7), (1, 7), (3, 7), (7, 7), (999, 1000), (450, 1000)])
def test_binomial_intervals(passed, total):
    answer = clopper_pearson(passed, total)
    exact = stats.binomtest(passed, total).proportion_ci(stats.norm.cdf(1) - stats.norm.cdf(-1), "exact")

    assert answer.value - answer.error_low == pytest.approx(exact.low, abs=1e-12)
    assert answer.value + answer.error_high == pytest.approx(exact.high)
    assert answer.error == pytest.approx((answer.error_low + answer.error_high) / 2)


@pytest.mark.parametrize(  # what TGraphAsymmErrors::BayesDivide of ROOT 6.40 gives
    ("passed", "total", "value", "low", "high"),
    [
        (48, 56, 0.8571428571428571, 0.05052722087142225, 0.04218246712386209),
        (3, 10, 0.3, 0.12189640083457198, 0.14476186721472933),
        (0, 10, 0.0, 0.0, 0.09917226046389527),
        (10, 10, 1.0, 0.09917226046389516, 0.0),
        (1, 1000, 0.001, 0.0007315282134212253, 0.0014981901878106116),
        (45.5, 60.25, 0.7666666666666667, 0.056797248122535726, 0.051012997989378195),
    ],
)
def test_shortest_intervals_are_roots(passed, total, value, low, high):
    answer = shortest_efficiency_interval(passed, total)

    assert answer.value == pytest.approx(value)
    assert (answer.error_low, answer.error_high) == pytest.approx((low, high), abs=1e-8)


def test_the_landau_density_is_scipys():
    x = np.concatenate((np.linspace(-6, 20, 500), np.geomspace(20, 1e5, 100)))
    theirs = stats.landau.pdf(x, loc=math.log(math.pi / 2), scale=math.pi / 2)

    assert density(x) == pytest.approx(theirs, rel=1e-6, abs=1e-12)
    assert density(np.array([-1e9, -40.0, math.nan, math.inf])).tolist() == [0, 0, 0, 0]
    assert density(np.array([-0.22278298]))[0] == pytest.approx(0.180656, abs=1e-6)


def test_the_table_of_the_landau_density_has_its_slopes():
    x = np.linspace(-5, 30, 2000)
    h = 1e-3
    value, slope, curve = density_and_slopes(x)

    assert value == pytest.approx(density(x), abs=1e-8)
    assert slope == pytest.approx((density(x + h) - density(x - h)) / (2 * h), abs=1e-6)
    assert curve == pytest.approx((density(x + 10 * h) - 2 * density(x) + density(x - 10 * h)) / 1e-4, abs=1e-4)


def test_asymmetry_error_is_that_of_a_binomial():
    answer = measure("fractions.Asymmetry()", hist_of([30]), hist_of([70]))

    assert answer.value == pytest.approx(-0.4)
    assert answer.error == pytest.approx(math.sqrt((1 - 0.4**2) / 100))


def test_a_gaussian_has_no_bins_beyond_five_sigma_and_a_hot_one_is_found():
    rng = np.random.default_rng(2)
    contents = rng.normal(1000, 30, 400)
    contents[7] = 1300

    found = measure("shape.BinsBeyondSigma(5.)", hist_of(contents.tolist()))

    assert found.value == 1
