"""Which bins a fit takes, when it refuses, and that many at once are the same as one by one."""

import math
from dataclasses import replace

import numpy as np
import pytest

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import MetricCall, Reason
from hdqm_ops.reduce import METRICS, build
from hdqm_ops.reduce._landau import c_exp, density
from hdqm_ops.reduce._landau_fit import _fit_from, fit_clear_ones
from hdqm_ops.reduce._langau import joined_in_pairs
from hdqm_ops.reduce._minuit import Problem, minimise, points_in_range
from hdqm_ops.reduce._shapes import landau
from hdqm_ops.reduce.fits import _fit_all
from hdqm_ops.testing import draw_hist, draw_map


def drawn(contents, low, high):
    edges = np.linspace(low, high, len(contents) + 1)
    return draw_hist(f"{' '.join(map(repr, edges.tolist()))} | {' '.join(map(str, contents))}")


def landau_hist(seed, place, width, n=60, high=100.0):
    x = (np.arange(n) + 0.5) * high / n
    return drawn(np.random.default_rng(seed).poisson(900 * density((x - place) / width)), 0.0, high)


@pytest.mark.parametrize(
    ("low", "high", "places"),
    [
        (0, 10, [0.5, 1.5, 3.5]),  # the third bin is empty: no error
        (0.4, 3.6, [0.5, 1.5, 3.5]),
        (0.6, 3.4, [1.5]),  # a bin counts by its centre
        (3.6, 3.7, [3.5]),  # unless it is the only one
        (3.4, 0.6, [1.5]),  # ends may be turned round
        (2, 2, [0.5, 1.5, 3.5]),  # a range without width is none
        (9, 10, []),
    ],
)
def test_bins_of_a_range(low, high, places):
    x, y, weight = points_in_range(draw_hist("0 1 2 3 4 | [5] 4 9 0 16 [7]"), low, high)

    assert x.tolist() == places
    assert weight.tolist() == pytest.approx([1 / content**0.5 for content in y])


def test_an_active_range_cuts_a_fit():
    hist = draw_hist("0 1 2 3 4 | 4 9 1 16")
    (axis,) = hist.axes
    hist = replace(hist, axes=(replace(axis, first=2, last=3, ranged=True),))

    assert points_in_range(hist, 0, 10)[0].tolist() == [1.5, 2.5]


def test_maps_are_not_fitted():
    with pytest.raises(NotReducible) as refusal:
        points_in_range(draw_map("1 2"), 0, 1)
    assert refusal.value.reason is Reason.WRONG_CLASS


def test_a_fit_needs_more_bins_than_parameters():
    hist = draw_hist("0 1 2 3 | 4 9 16")
    problem = Problem(*points_in_range(hist, 0, 3), (1.0, 1.0, 1.0))

    with pytest.raises(NotReducible, match="3 bins for 3 parameters"):
        minimise(landau, problem)


CALLS = [("Landau", (desired, 10.0, 90.0, (30.0, 4.0))) for desired in (0, 1, 2)] + [
    ("LandauAroundMax", (0, 0.8, 1.4, 60000)),
    ("LandauAroundMax", (1, 0.7, 1.5, 60000)),
]


@pytest.mark.parametrize("name", ["Landau", "LandauAroundMax"])
def test_many_fits_at_once_are_what_they_are_alone(name):
    hists = [landau_hist(seed, 20 + seed, 2 + seed / 9) for seed in range(12)]
    hists += [draw_hist("0 1 2 | 0 0"), drawn([5] * 40, 0, 100), drawn([0] * 39 + [7], 0, 100)]
    pairs = [(build(MetricCall(f"fits.{called}", a)), hist) for called, a in CALLS if called == name for hist in hists]
    cls = METRICS[f"fits.{name}"]

    together = cls.reduce_many([metric for metric, _ in pairs], [(hist,) for _, hist in pairs])
    shuffled = cls.reduce_many([metric for metric, _ in pairs[::-1]], [(hist,) for _, hist in pairs[::-1]])[::-1]

    for (metric, hist), one, other in zip(pairs, together, shuffled, strict=True):
        (alone,) = cls.reduce_many([metric], [(hist,)])
        assert str(one) == str(other) == str(alone)
    assert sum(not isinstance(one, NotReducible) for one in together) >= 12


def around_the_peak(seed):
    rng = np.random.default_rng(seed)
    hist = landau_hist(seed, rng.uniform(20, 60), rng.uniform(2, 8))
    middle = float(hist.axes[0].centers()[int(np.argmax(hist.cells))])
    return Problem(*points_in_range(hist, 0.7 * middle, 1.6 * middle), (middle, middle / 10, 150.0), times=3)


def test_the_fast_minimum_is_that_of_migrad():
    problems = [around_the_peak(seed) for seed in range(40)]
    fast = fit_clear_ones(problems)

    assert sum(one is not None for one in fast) >= 36
    for problem, one in zip(problems, fast, strict=True):
        if one is not None:
            slow = minimise(landau, problem)
            assert one.chi2 == pytest.approx(slow.chi2, abs=1e-4)
            assert np.abs(np.subtract(one.values, slow.values)) == pytest.approx(0, abs=0.01 * max(slow.errors))
            assert one.errors == pytest.approx(slow.errors, rel=0.02)


def test_a_fit_that_is_nearly_undetermined_is_left_to_migrad():
    rising = drawn([10 + number for number in range(40)], 0, 100)
    problem = Problem(*points_in_range(rising, 0, 100), (30.0, 4.0, 0.0), times=3)

    assert fit_clear_ones([problem]) == [None]


def peak_of_few_points(first, step, contents, start):
    y = np.array(contents, dtype=float)
    return Problem(first + step * np.arange(len(y)), y, 1 / np.sqrt(y), start, times=3)


GAUSSIAN_PEAK = peak_of_few_points(250 / 7, 20 / 7, [13, 50, 65, 23, 1], (44.2600637289841, 5.277212149148444, 0.0))
FEW_ENTRIES = peak_of_few_points(920 / 27, 80 / 27, [1, 5, 3, 8, 15, 6, 5, 4, 2, 2], (44.4, 4.4, 15.0))


@pytest.mark.parametrize("problem", [GAUSSIAN_PEAK, FEW_ENTRIES])
def test_where_there_are_several_minima_migrad_is_asked(problem):
    assert _fit_from([problem], [problem.start]) != [None]
    assert fit_clear_ones([problem]) == [None]


def test_of_several_minima_the_fit_ends_in_roots():
    (nearest,) = _fit_from([GAUSSIAN_PEAK], [GAUSSIAN_PEAK.start])
    fitted = _fit_all({"one": GAUSSIAN_PEAK})["one"]

    assert nearest.chi2 == pytest.approx(52.467, abs=1e-3)
    assert fitted.chi2 == pytest.approx(31.964834, abs=1e-3)  # PyROOT 6.40: 31.964834097564918


def test_the_exponential_is_that_of_the_c_library():
    x = np.random.default_rng(3).uniform(-745, 709, 100_000)

    assert (c_exp(x) == [math.exp(one) for one in x]).all()
    assert c_exp(np.array([-np.inf, 0.0, 710.0, np.inf])).tolist() == [0, 1, np.inf, np.inf]


def test_one_lost_fit_does_not_stop_the_others():
    lost = Problem(np.arange(5.0), np.ones(5), np.ones(5), (0.0, 0.0, 0.0), times=3)
    hist = landau_hist(1, 30, 4)
    good = Problem(*points_in_range(hist, 10, 90), (30.0, 4.0, 0.0), times=3)

    first, second = fit_clear_ones([lost, good])

    assert first is None
    assert second.values[0] == pytest.approx(30, abs=1)
    assert fit_clear_ones([]) == []


def test_bins_are_joined_in_pairs_and_the_odd_one_overflows():
    joined = joined_in_pairs(draw_hist("0 1 2 3 | [7] 1 2 3 [9] | 1 2 3"))

    assert joined.cells.tolist() == [7, 3, 12]
    assert joined.sumw2.tolist() == [0, 5, 9]
    assert (joined.axes[0].n, joined.axes[0].high) == (1, 2.0)
