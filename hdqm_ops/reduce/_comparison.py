"""Two histograms compared as ROOT compares them: Kolmogorov's test and the χ² of unweighted histograms."""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Histogram, Reason
from hdqm_ops.reduce import _statistics as root

__all__ = ["chi2_test", "kolmogorov_distance", "kolmogorov_probability", "same_binning"]

Doubles: TypeAlias = NDArray[np.float64]


def same_binning(hist: Histogram, other: Histogram) -> None:
    """Refuse two histograms whose bins cannot be paired."""
    same_numbers(hist, other)
    for mine, theirs in zip(hist.axes, other.axes, strict=True):
        if not np.allclose(mine.bin_edges(), theirs.bin_edges(), rtol=1e-15, atol=1e-15 * (mine.high - mine.low)):
            raise NotReducible(Reason.NOT_APPLICABLE, f"{hist.name} and {other.name} have bins at different places")


def same_numbers(hist: Histogram, other: Histogram) -> None:
    """Refuse two histograms with different numbers of bins."""
    if hist.shape != other.shape:
        raise NotReducible(Reason.NOT_APPLICABLE, f"{hist.name} and {other.name} have different numbers of bins")


def _cumulative(hist: Histogram) -> tuple[Doubles, float]:
    """Normalised running sum over the bins in range, and the effective entries (0 for a curve without errors)."""
    cells = root.per_bin(hist, root.contents(hist))
    total = float(cells.sum())
    if total == 0:
        raise NotReducible(Reason.HISTOGRAM_EMPTY, f"{hist.name}: the bins sum to 0")
    variance = float((root.per_bin(hist, root.errors(hist)) ** 2).sum())
    return np.cumsum(cells) / total, total**2 / variance if variance > 0 else 0.0


def kolmogorov_distance(hist: Histogram, other: Histogram) -> tuple[float, float]:
    """Largest distance of the two cumulative distributions, and the effective number of entries behind it."""
    root.one_dimensional(hist)
    same_binning(hist, other)
    mine, n_mine = _cumulative(hist)
    theirs, n_theirs = _cumulative(other)
    distance = float(np.abs(mine - theirs).max())
    if n_mine and n_theirs:
        return distance, n_mine * n_theirs / (n_mine + n_theirs)
    if not (n_mine or n_theirs):
        raise NotReducible(Reason.HISTOGRAM_EMPTY, "neither histogram has errors")
    return distance, n_mine or n_theirs  # the one without errors is taken as exact


def kolmogorov_probability(hist: Histogram, other: Histogram) -> float:
    """``TH1::KolmogorovTest``."""
    distance, entries = kolmogorov_distance(hist, other)
    return _kolmogorov_tail(distance * math.sqrt(entries))


def _kolmogorov_tail(z: float) -> float:
    """Probability to exceed ``z``: the series for small or for large z, cut where ROOT cuts them."""
    if z < 0.2:
        return 1.0
    if z < 0.755:
        steps = (math.exp(-((2 * k - 1) ** 2) * math.pi**2 / (8 * z * z)) for k in (1, 2, 3))
        return 1 - 2.50662827 * sum(steps) / z  # ROOT keeps nine digits of √(2π)
    if z < 6.8116:
        return 2 * sum((1 if k % 2 else -1) * math.exp(-2 * k * k * z * z) for k in range(1, max(1, round(3 / z)) + 1))
    return 0.0


def chi2_test(hist: Histogram, other: Histogram) -> tuple[float, int]:
    """χ² and degrees of freedom of ``TH1::Chi2Test`` with "UU NORM": counts as the errors say, sums taken out."""
    same_numbers(hist, other)
    ranges = [root.active(axis) for axis in hist.axes]  # that of the first counts for both
    mine, theirs = _equivalent_counts(hist, ranges), _equivalent_counts(other, ranges)
    sum_mine, sum_theirs = float(mine.sum()), float(theirs.sum())
    if sum_mine <= 0 or sum_theirs <= 0:
        raise NotReducible(Reason.HISTOGRAM_EMPTY, "a histogram has no counts in range")
    both = mine + theirs
    filled = ~((mine.astype(np.int64) == 0) & (theirs.astype(np.int64) == 0))
    delta = sum_theirs * mine[filled] - sum_mine * theirs[filled]
    chi2 = float((delta**2 / both[filled]).sum()) / (sum_mine * sum_theirs)
    return chi2, int(filled.sum()) - 1


def _equivalent_counts(hist: Histogram, ranges: list[tuple[int, int]]) -> Doubles:
    """Unweighted counts with the same relative errors, rounded as ROOT rounds them."""
    inside = tuple(slice(first, last + 1) for first, last in ranges)
    cells, errors = root.contents(hist)[inside], root.errors(hist)[inside]
    counts = np.divide(cells**2, errors**2, out=np.zeros(cells.shape), where=errors > 0)
    return np.asarray(np.floor(counts + 0.5))
