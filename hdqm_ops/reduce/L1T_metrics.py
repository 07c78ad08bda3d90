"""Efficiencies of the Level-1 trigger and their turn-on curves: the predecessor's ``L1T_metrics`` family.

The histogram is an efficiency: contents between 0 and 1, errors as of a binomial.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Histogram, Measurement, Reason
from hdqm_ops.reduce import _statistics as root
from hdqm_ops.reduce._registry import metric
from hdqm_ops.reduce._turn_on import bin_below, no_turn_on, turn_on_place, turn_on_point

Doubles: TypeAlias = NDArray[np.float64]


# -- means -------------------------------------------------------------------------------------------------------------


def _bins_as_counts(hist: Histogram, first: int) -> tuple[Doubles, Doubles]:
    """Efficiencies of the non-zero bins from ``first`` on, and the counts that their errors stand for."""
    cells, errors = root.contents(root.one_dimensional(hist))[first:-1], root.errors(hist)[first:-1]
    filled = cells != 0
    if not filled.any():
        raise NotReducible(Reason.HISTOGRAM_EMPTY, f"{hist.name}: all bins are 0")
    if not errors[filled].all():
        raise NotReducible(Reason.NO_DENOMINATOR, f"{hist.name}: a bin has no error")
    return cells[filled], (cells[filled] / errors[filled]) ** 2


def _weighted_mean(hist: Histogram, first: int = 1) -> Measurement:
    cells, counts = _bins_as_counts(hist, first)
    total = float(counts.sum())
    value = root.ratio(float((counts * cells).sum()), total, "the sum of the counts")
    return Measurement(value, value / math.sqrt(total))


@metric
@dataclass(frozen=True, slots=True)
class EffMean:
    """Mean efficiency over all bins.

    Value: Σ n c / Σ n over bins with c ≠ 0, n = (c / e)².
    Error: value / √Σn.
    Gaps: histogram_empty; no_denominator where a bin has no error; wrong_class for maps.
    Example: L1T_metrics.EffMean()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        return _weighted_mean(hist)


@metric
@dataclass(frozen=True, slots=True)
class EffVariance:
    """Spread of the efficiency over all bins.

    Value: s = √(Σ n c² / Σ n - mean²) over bins with c ≠ 0, n = (c / e)².
    Error: mean · error of the mean / (√N · s), N being the number of all bins.
    Gaps: histogram_empty; no_denominator where all bins are alike or one has no error; wrong_class for maps.
    Quirk: the name says variance; it is the standard deviation.
    Example: L1T_metrics.EffVariance()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        cells, counts = _bins_as_counts(hist, 1)
        mean = _weighted_mean(hist)
        spread = root.square_root(float((counts * cells**2).sum()) / float(counts.sum()) - mean.value**2)
        error = root.ratio(mean.value * mean.error, math.sqrt(hist.axes[0].n) * spread, "the spread of the bins")
        return Measurement(spread, error)


# -- turn-on curves ----------------------------------------------------------------------------------------------------


def _rounded(place: Measurement) -> Measurement:
    """To two decimals, as the predecessor gave it."""
    return Measurement(round(place.value, 2), round(place.error, 2))


def _turn_on_width(hist: Histogram) -> Measurement:
    cells = root.contents(root.one_dimensional(hist))
    at_20, at_80 = bin_below(cells, 0.2), bin_below(cells, 0.8)
    if at_20 == 0 or at_20 >= at_80:
        raise no_turn_on("the efficiency does not rise from 20 % to 80 %")
    low, high = _rounded(turn_on_place(hist, 0.2, at_20)), _rounded(turn_on_place(hist, 0.8, at_80))
    if low.value == 0 or high.value == 0:
        raise no_turn_on("the turn-on point is at 0")
    return Measurement(high.value - low.value, math.hypot(low.error, high.error))


@metric
@dataclass(frozen=True, slots=True)
class TurnOnCurveEffPoint:
    """Place along x at which the efficiency rises through a given value.

    Attributes:
        EffPoint: the efficiency, between 0 and 1.

    Value: linear between the centres of the two bins around it, rounded to 2 decimals.
    Error: from both bins' errors and widths / √12, rounded to 2 decimals.
    Gaps: no_turn_on where it never rises through it, or a bin beside it has an error above 20 %; wrong_class for maps.
    Quirk: rounded; `turn_on.TurnOnPoint` is not.
    Example: L1T_metrics.TurnOnCurveEffPoint(0.5)
    """

    EffPoint: float

    def __post_init__(self) -> None:
        if not 0 <= self.EffPoint <= 1:
            raise ValueError(f"an efficiency lies between 0 and 1, not {self.EffPoint!r}")

    def __call__(self, hist: Histogram) -> Measurement:
        return _rounded(turn_on_point(hist, self.EffPoint))


@metric
@dataclass(frozen=True, slots=True)
class TurnOnCurveHalfWidth:
    """Width of the turn-on, from 20 % to 80 %.

    Value: place of 80 % - place of 20 %, each rounded to 2 decimals.
    Error: both errors in quadrature.
    Gaps: no_turn_on; wrong_class for maps.
    Quirk: the name says half width; it is the whole width from 20 % to 80 %, of rounded places; `turn_on.TurnOnWidth`
        takes them with all digits.
    Example: L1T_metrics.TurnOnCurveHalfWidth()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        return _turn_on_width(hist)


@metric
@dataclass(frozen=True, slots=True)
class TurnOnPlateauEff:
    """Mean efficiency of the plateau, which begins two widths above the turn-on.

    Value: `L1T_metrics.EffMean` of the bins above place of 50 % + 2 · width.
    Error: as of EffMean.
    Gaps: no_turn_on; histogram_empty where the plateau is; no_denominator where a bin has no error.
    Example: L1T_metrics.TurnOnPlateauEff()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        middle, width = _rounded(turn_on_point(hist, 0.5)), _turn_on_width(hist)
        if middle.value == 0 or width.value == 0:
            raise no_turn_on("the turn-on has no place or no width")
        begin = middle.value + 2 * width.value
        centers = hist.axes[0].centers()
        above = np.flatnonzero((centers[1:-2] < begin) & (begin <= centers[2:-1]))
        if not len(above):
            raise no_turn_on("the plateau would begin outside of the histogram")
        return _weighted_mean(hist, first=int(above[0]) + 2)


@metric
@dataclass(frozen=True, slots=True)
class TurnOnCurveRange:
    """Middle and half width of the part of the curve that is neither 0 nor saturated.

    Value: (x_sat + x_start) / 2, x_start = first bin that is 0 before one that is not, x_sat = last bin not 0 or 1.
    Error: (x_sat - x_start) / 2.
    Gaps: no_turn_on where all bins are 0 or 1; wrong_class for maps.
    Quirk: without such a first bin, x_start is the centre of the underflow.
    Example: L1T_metrics.TurnOnCurveRange()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        cells = root.contents(root.one_dimensional(hist))
        rising = np.flatnonzero((cells[1:-3] == 0) & (cells[2:-2] > 0))
        unsaturated = np.flatnonzero((cells[1:-3] != 0) & (cells[1:-3] != 1))
        if not len(unsaturated):
            raise no_turn_on("all bins are 0 or 1")
        centers = hist.axes[0].centers()
        start = float(centers[int(rising[0]) + 1 if len(rising) else 0])
        saturated = float(centers[int(unsaturated[-1]) + 1])
        return Measurement((saturated + start) / 2, (saturated - start) / 2)


@metric
@dataclass(frozen=True, slots=True)
class TauSavePlots:
    """Never a value: it saved pictures for the predecessor's authors.

    Value: none.
    Error: none.
    Gaps: not_applicable, always.
    Example: L1T_metrics.TauSavePlots()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        raise NotReducible(Reason.NOT_APPLICABLE, f"{hist.name}: TauSavePlots gives no value")
