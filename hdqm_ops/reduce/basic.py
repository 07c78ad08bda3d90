"""Means, widths, counts and fractions of one histogram: the predecessor's ``basic`` family, with its quirks.

Where a class does something that its name does not say, a line "Quirk" tells, and names the class that does it right.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Histogram, Measurement, Reason
from hdqm_ops.reduce import _statistics as root
from hdqm_ops.reduce._comparison import chi2_test, kolmogorov_probability
from hdqm_ops.reduce._efficiency import shortest_efficiency_interval
from hdqm_ops.reduce._quantile import quantile
from hdqm_ops.reduce._registry import metric

Doubles: TypeAlias = NDArray[np.float64]


# -- moments -----------------------------------------------------------------------------------------------------------


@metric
@dataclass(frozen=True, slots=True)
class Mean:
    """Mean along x.

    Value: GetMean(). Of a profile it is the mean of x, not of what is profiled (`basic.MeanYAxis` is that one).
    Error: GetMeanError(), the standard deviation over the root of the effective entries.
    Gaps: histogram_empty.
    Example: basic.Mean()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        return Measurement(root.mean(hist), root.mean_error(hist))


@metric
@dataclass(frozen=True, slots=True)
class StdDev:
    """Standard deviation along x.

    Value: GetStdDev().
    Error: GetStdDevError(), exact for a Gaussian.
    Gaps: histogram_empty.
    Example: basic.StdDev()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        return Measurement(root.std_dev(hist), root.std_dev_error(hist))


@metric
@dataclass(frozen=True, slots=True)
class RMSXAxis(StdDev):
    """Standard deviation along x, which ROOT also calls RMS; the same as `basic.StdDev`.

    Value: GetRMS(1).
    Error: GetRMSError(1).
    Gaps: histogram_empty.
    Example: basic.RMSXAxis()
    """


@metric
@dataclass(frozen=True, slots=True)
class MeanYAxis:
    """Mean along y; of a TProfile, the mean of what is profiled.

    Value: GetMean(2).
    Error: GetMeanError(2).
    Gaps: histogram_empty; wrong_class where there is no y.
    Example: basic.MeanYAxis()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        root.has_axis(hist, 2)
        return Measurement(root.mean(hist, 2), root.mean_error(hist, 2))


@metric
@dataclass(frozen=True, slots=True)
class RMSYAxis:
    """Standard deviation along y; of a TProfile, of what is profiled.

    Value: GetRMS(2).
    Error: GetRMSError(2).
    Gaps: histogram_empty; wrong_class where there is no y.
    Example: basic.RMSYAxis()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        root.has_axis(hist, 2)
        return Measurement(root.std_dev(hist, 2), root.std_dev_error(hist, 2))


@metric
@dataclass(frozen=True, slots=True)
class MeanZAxis:
    """Mean along z; of a TProfile2D, the mean of what is profiled.

    Value: GetMean(3).
    Error: GetMeanError(3).
    Gaps: histogram_empty; wrong_class where there is no z (ROOT says 0).
    Example: basic.MeanZAxis()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        root.has_axis(hist, 3)
        return Measurement(root.mean(hist, 3), root.mean_error(hist, 3))


@metric
@dataclass(frozen=True, slots=True)
class MeanRMS:
    """Mean along x with the standard deviation in place of its error.

    Value: GetMean().
    Error: GetRMS().
    Gaps: histogram_empty.
    Example: basic.MeanRMS()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        return Measurement(root.mean(hist), root.std_dev(hist))


@metric
@dataclass(frozen=True, slots=True)
class MeanEntries:
    """Mean along x times the entries, as for the sum of what was filled.

    Value: GetMean() · GetEntries().
    Error: GetMeanError() · GetEntries().
    Gaps: histogram_empty.
    Example: basic.MeanEntries()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        return Measurement(root.mean(hist) * hist.entries, root.mean_error(hist) * hist.entries)


@metric
@dataclass(frozen=True, slots=True)
class MeanDiff:
    """Mean along x minus that of the reference element.

    Value: GetMean() - GetMean() of the reference.
    Error: both errors in quadrature.
    Gaps: none.
    Quirk: an empty histogram counts as one with mean 0; `reference.MeanShift` gives a gap for it.
    Example: basic.MeanDiff()
    """

    def __call__(self, hist: Histogram, reference: Histogram) -> Measurement:
        difference = _mean_or_zero(hist) - _mean_or_zero(reference)
        return Measurement(difference, math.hypot(_mean_error_or_zero(hist), _mean_error_or_zero(reference)))


@metric
@dataclass(frozen=True, slots=True)
class Quantile:
    """Place along x below which a share ``frac`` of the content lies, with the error of its sampling.

    The predecessor's class could not run; this is what its name says.

    Attributes:
        frac: the share, between 0 and 1.

    Value: GetQuantiles for one probability: linear within the bin.
    Error: √(frac · (1 - frac) / n_eff) over the density at that place.
    Gaps: histogram_empty; wrong_class for maps; out_of_range where a bin is negative.
    Example: basic.Quantile(0.95)
    """

    frac: float = 0.95

    def __post_init__(self) -> None:
        if not 0 < self.frac < 1:
            raise ValueError(f"frac must lie between 0 and 1, not {self.frac!r}")

    def __call__(self, hist: Histogram) -> Measurement:
        return quantile(hist, self.frac)


# -- contents ----------------------------------------------------------------------------------------------------------


@metric
@dataclass(frozen=True, slots=True)
class Count:
    """Number of entries, flow included. Zero is a measurement.

    Value: GetEntries().
    Error: 0.
    Gaps: none.
    Example: basic.Count()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        return Measurement(hist.entries, 0.0)


@metric
@dataclass(frozen=True, slots=True)
class MeanY:
    """Sum of all bins per entry: what one entry adds on average.

    Value: GetSumOfWeights() / GetEntries(); of a profile, the sum of the bin means per entry.
    Error: 0.
    Gaps: histogram_empty.
    Quirk: the name says mean of y; that is `basic.MeanYAxis`.
    Example: basic.MeanY()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        return Measurement(root.sum_of_weights(hist) / _entries(hist), 0.0)


def _entries(hist: Histogram) -> float:
    if hist.entries == 0:
        raise NotReducible(Reason.HISTOGRAM_EMPTY, f"{hist.name} has no entries")
    return hist.entries


@metric
@dataclass(frozen=True, slots=True)
class MaxBin:
    """Centre of the highest bin along x.

    Value: centre of the first of the highest bins in the active range.
    Error: 0.
    Gaps: wrong_class for maps.
    Quirk: an empty histogram gives the centre of its first bin; `shape.HighestBinPosition` gives a gap for it.
    Example: basic.MaxBin()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        centers = root.one_dimensional(hist).axes[0].centers()
        return Measurement(float(centers[root.maximum_bin(hist)]), 0.0)


@metric
@dataclass(frozen=True, slots=True)
class MaxExcursion:
    """Highest minus lowest bin, empty bins included.

    Value: content of the highest bin - content of the lowest.
    Error: both bin errors in quadrature.
    Gaps: none.
    Example: basic.MaxExcursion()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        high, low = root.maximum_bin(hist), root.minimum_bin(hist)
        difference = root.content(hist, high) - root.content(hist, low)
        return Measurement(difference, math.hypot(root.error(hist, high), root.error(hist, low)))


@metric
@dataclass(frozen=True, slots=True)
class BinCount:
    """Content of one bin along x.

    Attributes:
        bin: its number (1 is the first), or its label.
        noError: give the error 0 in place of √content.

    Value: c.
    Error: √c, or 0.
    Gaps: out_of_range where the content is negative and an error is asked for.
    Example: basic.BinCount('PXLayer_1', False)
    """

    bin: int | str
    noError: bool = False

    def __call__(self, hist: Histogram) -> Measurement:
        c = root.content_at(hist, self.bin)
        return Measurement(c, 0.0 if self.noError else root.square_root(c))


@metric
@dataclass(frozen=True, slots=True)
class ROCfraction:
    """Content of one bin along x, in percent of a given number of read-out chips.

    Attributes:
        bin: its number or its label.
        tot: number of chips that are 100 %.
        noError: give the error 0.

    Value: 100 · c / tot.
    Error: 100 · √c / tot, or 0.
    Gaps: out_of_range where the content is negative and an error is asked for.
    Example: basic.ROCfraction(1, 1536, True)
    """

    bin: int | str
    tot: float
    noError: bool = False

    def __post_init__(self) -> None:
        _not_zero(self.tot, "tot")

    def __call__(self, hist: Histogram) -> Measurement:
        c = root.content_at(hist, self.bin)
        return Measurement(100 * c / self.tot, 0.0 if self.noError else 100 * root.square_root(c) / self.tot)


def _not_zero(number: float, name: str) -> None:
    if number == 0:
        raise ValueError(f"{name} must not be 0")


@metric
@dataclass(frozen=True, slots=True)
class BinsCount:
    """Content from one bin to the last, overflow excluded.

    Attributes:
        start: number of the first bin that counts.

    Value: S = Σ c over bins start…N.
    Error: √S.
    Gaps: wrong_class for maps; out_of_range where S is negative.
    Example: basic.BinsCount(1)
    """

    start: int

    def __call__(self, hist: Histogram) -> Measurement:
        return _poisson(_from_bin(hist, self.start))


@metric
@dataclass(frozen=True, slots=True)
class EntriesCount:
    """Content from a place along x to the last bin, overflow excluded.

    Attributes:
        start: the bin that contains this place is the first that counts.

    Value: S = Σ c over bins FindBin(start)…N.
    Error: √S.
    Gaps: wrong_class for maps; out_of_range where S is negative.
    Example: basic.EntriesCount(0)
    """

    start: float

    def __call__(self, hist: Histogram) -> Measurement:
        return _poisson(_from_place(hist, self.start))


@metric
@dataclass(frozen=True, slots=True)
class EntriesRate:
    """Content from a place along x to the last bin, per second of the lumisections that were processed.

    Attributes:
        start: the bin that contains this place is the first that counts.

    Value: S / (23 · number of filled bins of histo1), histo1 being Info/EventInfo/ProcessedLS.
    Error: √S / (23 · number of filled bins of histo1).
    Gaps: no_denominator where no lumisection was processed; wrong_class for maps; out_of_range where S is negative.
    Quirk: a lumisection is taken as 23 s; `rate.EntriesPerLumisection` does not need its length (23.31 s).
    Example: basic.EntriesRate(0)
    """

    start: float

    def __call__(self, hist: Histogram, histo1: Histogram) -> Measurement:
        counted = _poisson(_from_place(hist, self.start))
        seconds = 23.0 * int((root.per_bin(histo1, root.contents(histo1)) > 0).sum())
        return Measurement(root.ratio(counted.value, seconds, "the number of lumisections"), counted.error / seconds)


def _from_bin(hist: Histogram, start: int) -> float:
    cells = root.contents(root.one_dimensional(hist))
    below_zero = max(-start, 0) * float(cells[0])  # GetBinContent moves each negative number to the underflow
    return float(cells[max(start, 0) : -1].sum()) + below_zero


def _from_place(hist: Histogram, start: float) -> float:
    return _from_bin(hist, root.one_dimensional(hist).axes[0].find_bin(start))


def _poisson(content: float) -> Measurement:
    return Measurement(content, root.square_root(content))


@metric
@dataclass(frozen=True, slots=True)
class RecoFraction:
    """Content of one bin along x per entry of a second element, as errors of a module per all errors.

    Attributes:
        label: label of the bin, or its number.
        noError: give the error 0.

    Value: c / entries of histo1.
    Error: √c / entries of histo1, or 0.
    Gaps: no_denominator where histo1 has no entries; out_of_range where the content is negative.
    Example: basic.RecoFraction('initialStepSeeds')
    """

    label: str | int
    noError: bool = False

    def __call__(self, hist: Histogram, histo1: Histogram) -> Measurement:
        c = root.content_at(hist, self.label)
        value = root.ratio(c, histo1.entries, f"the number of entries of {histo1.name}")
        return Measurement(value, 0.0 if self.noError else root.square_root(c) / histo1.entries)


@metric
@dataclass(frozen=True, slots=True)
class NormBinCount:
    """Content of one labelled bin as an efficiency of another, or of all, with a Bayesian interval.

    Attributes:
        name: label of the bin that passed.
        norm: label of the bin that counts all; without it, the sum of all bins.

    Value: mode of Beta(k + 1, N - k + 1), which is k / N.
    Error: the shortest interval of 68.3 %, to both sides; ``error`` is their mean.
    Gaps: no_denominator where N is 0; out_of_range where k is negative or above N; not_applicable without labels.
    Example: basic.NormBinCount('passed', 'all')
    """

    name: str
    norm: str | None = None

    def __call__(self, hist: Histogram) -> Measurement:
        if not hist.axes[0].labels:
            raise NotReducible(Reason.NOT_APPLICABLE, f"{hist.name} has no labels along x")
        passed = root.content_at(hist, self.name)
        if self.norm is None:
            total = float(root.per_bin(hist, root.contents(hist)).sum())
        else:
            total = root.content_at(hist, self.norm)
        return shortest_efficiency_interval(passed, total)


@metric
@dataclass(frozen=True, slots=True)
class FractionInBin:
    """Content of one bin along x per entry.

    Attributes:
        bin: its number.

    Value: c / T, T being the entries.
    Error: √(1/T + 1/c) · c / T.
    Gaps: histogram_empty; no_denominator where the bin is empty (its error has no meaning then).
    Example: basic.FractionInBin(4)
    """

    bin: int

    def __call__(self, hist: Histogram) -> Measurement:
        c, total = root.content(hist, self.bin), _entries(hist)
        spread = root.square_root(1 / total + root.ratio(1, c, f"bin {self.bin}"))
        return Measurement(c / total, spread * c / total)


@metric
@dataclass(frozen=True, slots=True)
class FractionInBinArray:
    """Content of some bins along x over that of others.

    Attributes:
        num: numbers of the bins above the line.
        den: numbers of the bins below it.

    Value: Σ c(num) / Σ c(den).
    Error: √(1/num + 1/den) · num / den; 0 where nothing is above.
    Gaps: no_denominator where nothing is below; out_of_range where a sum is negative.
    Example: basic.FractionInBinArray([4], [3])
    """

    num: tuple[int, ...]
    den: tuple[int, ...]

    def __call__(self, hist: Histogram) -> Measurement:
        num = math.fsum(root.content(hist, number) for number in self.num)
        den = math.fsum(root.content(hist, number) for number in self.den)
        value = root.ratio(num, den)
        return Measurement(value, root.square_root(1 / num + 1 / den) * value if num else 0.0)


# -- inside and outside of a window ------------------------------------------------------------------------------------


def _window(hist: Histogram, low: float, high: float) -> float:
    axis = root.one_dimensional(hist).axes[0]
    return root.integral(hist, axis.find_bin(low), axis.find_bin(high))


@metric
@dataclass(frozen=True, slots=True)
class Fraction:
    """Share of the entries that lies between two places along x.

    Attributes:
        low: lower place; its whole bin counts.
        high: upper place; its whole bin counts.

    Value: s / T, s = Integral(FindBin(low), FindBin(high)), T = GetEntries().
    Error: √(1/s + 1/T) · s / T; 1/√T where s is 0.
    Gaps: histogram_empty; wrong_class for maps; out_of_range where s is negative.
    Example: basic.Fraction(0, 3)
    """

    low: float
    high: float

    def __call__(self, hist: Histogram) -> Measurement:
        inside, total = _window(hist, self.low, self.high), _entries(hist)
        if inside == 0:
            return Measurement(0.0, 1 / root.square_root(total))
        return Measurement(inside / total, root.square_root(1 / inside + 1 / total) * inside / total)


@metric
@dataclass(frozen=True, slots=True)
class Fraction1:
    """Share of the content that lies outside of two places along x, flow included.

    Attributes:
        low: lower place; its whole bin is inside.
        high: upper place; its whole bin is inside.

    Value: B / T, T = all cells with flow, s = Integral(FindBin(low), FindBin(high)), B = T - s.
    Error: √(s²B + B²s) / T²; 1/T where s or B is 0.
    Gaps: no_denominator where T is 0; wrong_class for maps; out_of_range where an error has no meaning.
    Example: basic.Fraction1(0, 20)
    """

    low: float
    high: float

    def __call__(self, hist: Histogram) -> Measurement:
        inside, total = _window(hist, self.low, self.high), root.sum_of_contents(hist)
        outside = total - inside
        value = root.ratio(outside, total, "the sum of all cells")
        if not (inside and outside):
            return Measurement(value, 1 / total)
        return Measurement(value, root.square_root(inside**2 * outside + outside**2 * inside) / total**2)


@metric
@dataclass(frozen=True, slots=True)
class Ratio1:
    """Content outside of two places along x over the content between them, flow included.

    Attributes:
        low: lower place; its whole bin is inside.
        high: upper place; its whole bin is inside.

    Value: B / s, T = all cells with flow, s = Integral(FindBin(low), FindBin(high)), B = T - s.
    Error: √(B + B²/s) / s; 1/s where B is 0.
    Gaps: no_denominator where s is 0; wrong_class for maps; out_of_range where an error has no meaning.
    Example: basic.Ratio1(0, 20)
    """

    low: float
    high: float

    def __call__(self, hist: Histogram) -> Measurement:
        inside = _window(hist, self.low, self.high)
        return _ratio_of_counts(root.sum_of_contents(hist) - inside, inside, "the content inside")


@metric
@dataclass(frozen=True, slots=True)
class Ratio:
    """Content between two places along x over the content outside of them, flow not counted in the whole.

    Attributes:
        low: lower place; its whole bin is inside.
        high: upper place; its whole bin is inside.

    Value: s / B, T = Integral(), s = Integral(FindBin(low), FindBin(high)), B = T - s.
    Error: √(s + s²/B) / B; 1/B where s is 0.
    Gaps: no_denominator where B is 0; wrong_class for maps; out_of_range where an error has no meaning.
    Example: basic.Ratio(1, 3)
    """

    low: float
    high: float

    def __call__(self, hist: Histogram) -> Measurement:
        inside = _window(hist, self.low, self.high)
        return _ratio_of_counts(inside, root.integral(hist) - inside, "the content outside")


def _ratio_of_counts(above: float, below: float, what: str) -> Measurement:
    value = root.ratio(above, below, what)
    error = root.square_root(above + above**2 / below) / below if above else 1 / below
    return Measurement(value, error)


# -- maps --------------------------------------------------------------------------------------------------------------


@metric
@dataclass(frozen=True, slots=True)
class ProfileMean:
    """Mean content of the bins that are not zero.

    Value: mean of c over bins with c ≠ 0, all x and y.
    Error: their spread over the root of their number.
    Gaps: histogram_empty where all are zero.
    Example: basic.ProfileMean()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        return _mean_of_filled(hist, root.plane(hist)[1:-1, 1:-1])


@metric
@dataclass(frozen=True, slots=True)
class ProfileMeanBPixModules:
    """Mean content of the non-zero bins of one module number of BPix, on both sides of a map.

    Attributes:
        modNum: module number, 4 being the outermost: columns 5 - modNum from either side.

    Value: mean of c over bins with c ≠ 0 in the two columns.
    Error: their spread over the root of their number.
    Gaps: histogram_empty where all are zero; wrong_class for a map with too few columns.
    Example: basic.ProfileMeanBPixModules(1)
    """

    modNum: int

    def __call__(self, hist: Histogram) -> Measurement:
        cells, left = root.plane(hist), 5 - self.modNum
        right = cells.shape[0] - 1 - left
        columns = [min(max(column, 0), cells.shape[0] - 1) for column in (left, right)]
        return _mean_of_filled(hist, cells[columns, 1:-1])


def _mean_of_filled(hist: Histogram, cells: Doubles) -> Measurement:
    filled = cells[cells != 0]
    if not len(filled):
        raise NotReducible(Reason.HISTOGRAM_EMPTY, f"{hist.name}: all bins are 0")
    mean = float(filled.sum()) / len(filled)
    variance = float((filled**2).sum()) / len(filled) - mean**2
    return Measurement(mean, math.sqrt(max(variance, 0.0) / len(filled)))


@metric
@dataclass(frozen=True, slots=True)
class PixelEfficiency:
    """Efficiency of hits: sum of what was found over found and lost.

    Value: num / den, num = mean · entries, den = num + mean · entries of histo1.
    Error: √(v (1 - v) / den).
    Gaps: no_denominator where den is 0; out_of_range where the efficiency is above 1 or den negative.
    Example: basic.PixelEfficiency()
    """

    def __call__(self, hist: Histogram, histo1: Histogram) -> Measurement:
        found = _mean_or_zero(hist) * hist.entries
        total = found + _mean_or_zero(histo1) * histo1.entries
        value = root.ratio(found, total, "the number of expected hits")
        return Measurement(value, root.square_root(value * (1 - value) / total))


def _mean_or_zero(hist: Histogram, axis: int = 1) -> float:
    """``GetMean`` where an empty histogram is an honest 0, as a number of lost hits."""
    stats = root.sums(hist)
    return stats[(2, 4, 7)[axis - 1]] / stats[0] if stats[0] else 0.0


def _mean_error_or_zero(hist: Histogram) -> float:
    return root.mean_error(hist) if root.sums(hist)[0] else 0.0


@metric
@dataclass(frozen=True, slots=True)
class PixelDigiPerClusterPix:
    """Digis per pixel of the clusters: mean digis over mean clusters times mean cluster size.

    Value: mean / (mean of histo1 · mean of histo2), means along z for maps (class names with a 2), else along x.
    Error: value · √(en²/num² + ed²/den²), en = mean error, ed = those of histo1 and histo2 in quadrature.
    Gaps: no_denominator; out_of_range where the mean is below 1.
    Quirk: the errors are those along x also for maps, and ed is taken as the absolute error of the product;
        `rate.DigiPerClusterPixel` propagates the right ones.
    Example: basic.PixelDigiPerClusterPix()
    """

    def __call__(self, hist: Histogram, histo1: Histogram, histo2: Histogram) -> Measurement:
        axis = 3 if "2" in hist.class_name else 1
        num = _mean_or_zero(hist, axis)
        den = _mean_or_zero(histo1, axis) * _mean_or_zero(histo2, axis)
        value = root.ratio(num, den, "the product of the means")
        if num < 1:
            raise NotReducible(Reason.OUT_OF_RANGE, f"the mean {num:g} is below 1")
        below = math.hypot(_mean_error_or_zero(histo1), _mean_error_or_zero(histo2))
        return Measurement(value, value * math.hypot(_mean_error_or_zero(hist) / num, below / den))


@metric
@dataclass(frozen=True, slots=True)
class FED25ErrorFraction:
    """Percentage of bins of a map above a share of its maximum.

    Attributes:
        thr: share of the maximum that a bin must exceed.
        norm: number of bins that is 100 %.
        normErr: give a binomial error in place of 0.

    Value: 100 · r, r = number of bins with c > thr · GetMaximum() / norm.
    Error: 100 · √(r (1 - r) / (nx · ny)), or 0.
    Gaps: out_of_range where r is above 1 and an error is asked for.
    Example: basic.FED25ErrorFraction(0.5, 1536, True)
    """

    thr: float
    norm: float
    normErr: bool = True

    def __post_init__(self) -> None:
        _not_zero(self.norm, "norm")

    def __call__(self, hist: Histogram) -> Measurement:
        cells = root.plane(hist)[1:-1, 1:-1]
        r = int((cells > self.thr * root.maximum(hist)).sum()) / self.norm
        error = 100 * root.square_root(r * (1 - r) / cells.size) if self.normErr else 0.0
        return Measurement(100 * r, error)


@metric
@dataclass(frozen=True, slots=True)
class StripBadComponent:
    """Content of some bins of one row of a map, in percent of a given number of components.

    Attributes:
        binsx: columns that count.
        biny: the row.
        norm: number of components that is 100 %.

    Value: 100 · Σ c(binsx, biny) / norm.
    Error: 0.
    Gaps: none.
    Example: basic.StripBadComponent([1, 2], 10, 15104)
    """

    binsx: tuple[int, ...]
    biny: int
    norm: float

    def __post_init__(self) -> None:
        _not_zero(self.norm, "norm")

    def __call__(self, hist: Histogram) -> Measurement:
        bad = math.fsum(root.content(hist, column, self.biny) for column in self.binsx)
        return Measurement(100 * bad / self.norm, 0.0)


@metric
@dataclass(frozen=True, slots=True)
class StripFEDErrorFraction:
    """Errors of one type of one FED of the strips, in percent of the maximum of a second element.

    Attributes:
        fedId: FED number; 50 is the first column.
        type: row of the error type.

    Value: 100 · r, r = c(fedId - 49, type) / GetMaximum() of histo1.
    Error: 100 · √(r (1 - r) / GetMaximum() of histo1).
    Gaps: no_denominator where that maximum is 0; out_of_range where r is not between 0 and 1.
    Example: basic.StripFEDErrorFraction(52, 1)
    """

    fedId: int
    type: int

    def __call__(self, hist: Histogram, histo1: Histogram) -> Measurement:
        den = root.maximum(histo1)
        r = root.ratio(root.content(hist, self.fedId - 49, self.type), den, f"the maximum of {histo1.name}")
        return Measurement(100 * r, 100 * root.square_root(r * (1 - r) / den))


@metric
@dataclass(frozen=True, slots=True)
class MeanPosOnly:
    """Sum of the non-negative bins of the first row over the number of all its bins.

    Value: Σ c(i, 1) over bins with c ≥ 0, over nx.
    Error: 0.
    Gaps: none.
    Quirk: negative bins are left out of the sum and counted; `shape.MeanOfNonNegativeBins` leaves them out of both.
    Example: basic.MeanPosOnly()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        row = root.plane(hist)[1:-1, 1]
        return Measurement(float(row[row >= 0].sum()) / len(row), 0.0)


@metric
@dataclass(frozen=True, slots=True)
class MeanXRange:
    """Sum of the non-negative bins of some columns over the number of all their bins.

    Attributes:
        xmin: first column.
        xmax: the column after the last one.

    Value: Σ c over columns xmin…xmax - 1 and all rows where c ≥ 0, over the number of those cells, negative ones too.
    Error: 0.
    Gaps: no_denominator where xmax is not above xmin.
    Quirk: the upper column is not included; `shape.MeanOfColumns` includes it.
    Example: basic.MeanXRange(1, 2)
    """

    xmin: int
    xmax: int

    def __call__(self, hist: Histogram) -> Measurement:
        columns = _columns(root.plane(hist), self.xmin, self.xmax)[:, 1:-1]
        total = float(columns[columns >= 0].sum())
        return Measurement(root.ratio(total, columns.size, "the number of bins"), 0.0)


@metric
@dataclass(frozen=True, slots=True)
class MeanYRange:
    """Mean of the bins of some rows, underflow column included.

    The predecessor's class could not run; this is what it meant to do.

    Attributes:
        ymin: first row.
        ymax: the row after the last one.

    Value: Σ c over rows ymin…ymax - 1 and columns 0…nx, over the number of those cells.
    Error: 0.
    Gaps: no_denominator where ymax is not above ymin.
    Example: basic.MeanYRange(1, 3)
    """

    ymin: int
    ymax: int

    def __call__(self, hist: Histogram) -> Measurement:
        rows = _columns(root.plane(hist).T, self.ymin, self.ymax)[:, :-1]
        return Measurement(root.ratio(float(rows.sum()), rows.size, "the number of bins"), 0.0)


def _columns(cells: Doubles, first: int, beyond: int) -> Doubles:
    """Columns first…beyond - 1, numbers out of range moved to the flow as ``GetBinContent`` does."""
    numbers = np.clip(np.arange(first, beyond), 0, len(cells) - 1)
    return cells[numbers]


@metric
@dataclass(frozen=True, slots=True)
class MeanYForXBin:
    """Sum of the non-negative bins of one column over the number of its bins.

    Attributes:
        xbin: the column.

    Value: Σ c(xbin, iy) where c ≥ 0, over ny.
    Error: 0.
    Gaps: none.
    Quirk: negative bins are left out of the sum and counted; `shape.MeanOfColumns` takes all bins of a column.
    Example: basic.MeanYForXBin(4)
    """

    xbin: int

    def __call__(self, hist: Histogram) -> Measurement:
        column = _columns(root.plane(hist), self.xbin, self.xbin + 1)[0, 1:-1]
        return Measurement(float(column[column >= 0].sum()) / len(column), 0.0)


@metric
@dataclass(frozen=True, slots=True)
class SummaryMapPartition:
    """Mean of the lowest rows of one column.

    Attributes:
        binx: the column.
        nbinsy: how many rows, from the first.

    Value: Σ c(binx, 1…nbinsy) / nbinsy.
    Error: 0.
    Gaps: none.
    Example: basic.SummaryMapPartition(3, 5)
    """

    binx: int
    nbinsy: int

    def __post_init__(self) -> None:
        if self.nbinsy < 1:
            raise ValueError(f"nbinsy must be 1 or more, not {self.nbinsy}")

    def __call__(self, hist: Histogram) -> Measurement:
        total = math.fsum(root.content(hist, self.binx, row) for row in range(1, self.nbinsy + 1))
        return Measurement(total / self.nbinsy, 0.0)


@metric
@dataclass(frozen=True, slots=True)
class Mean2D:
    """Mean of the cells of a map, one bin too low along both axes.

    Value: Σ c over ix 0…nx - 1 and iy 0…ny - 1, over nx · ny.
    Error: 0.
    Gaps: none.
    Quirk: underflow is included, the last column and row are not; `shape.MeanOfBins` takes the bins themselves.
    Example: basic.Mean2D()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        cells = root.plane(hist)[:-2, :-2]
        return Measurement(float(cells.sum()) / cells.size, 0.0)


@metric
@dataclass(frozen=True, slots=True)
class BinCount2D:
    """Content of one bin of a map with its error.

    Attributes:
        x: the column.
        y: the row.
        normErr: divide the error by the root of the entries.

    Value: c(x, y).
    Error: e(x, y), over √entries if asked.
    Gaps: no_denominator where the error is divided and there are no entries.
    Example: basic.BinCount2D(4, 5)
    """

    x: int
    y: int
    normErr: bool = True

    def __call__(self, hist: Histogram) -> Measurement:
        error = root.error(hist, self.x, self.y)
        if self.normErr:
            error = root.ratio(error, root.square_root(hist.entries), "the number of entries")
        return Measurement(root.content(hist, self.x, self.y), error)


@metric
@dataclass(frozen=True, slots=True)
class BinRatio2D:
    """Content of one bin of a map over that of another.

    Attributes:
        nx: column of the bin above the line.
        ny: its row.
        dx: column of the bin below the line.
        dy: its row.

    Value: v = c(nx, ny) / c(dx, dy).
    Error: v · √(1/c(dx, dy) + 1/c(nx, ny)).
    Gaps: no_denominator where either is 0; out_of_range where the error has no meaning.
    Example: basic.BinRatio2D(3, 4, 5, 6)
    """

    nx: int
    ny: int
    dx: int
    dy: int

    def __call__(self, hist: Histogram) -> Measurement:
        num, den = root.content(hist, self.nx, self.ny), root.content(hist, self.dx, self.dy)
        value = root.ratio(num, den)
        return Measurement(value, value * root.square_root(1 / den + root.ratio(1, num, "the numerator")))


@metric
@dataclass(frozen=True, slots=True)
class Bin2DRatio:
    """Content of one bin of a map over the same bin of a second map, each weighted with its entries.

    Attributes:
        x: the column.
        y: the row.
        normEntries: weight with the entries.

    Value: c·E / (c1·E1), or c / c1.
    Error: √(c·E) / (c1·E1), or e / √E / c1.
    Gaps: no_denominator; out_of_range where the content is negative.
    Example: basic.Bin2DRatio(3, 4)
    """

    x: int
    y: int
    normEntries: bool = True

    def __call__(self, hist: Histogram, histo1: Histogram) -> Measurement:
        num, den = root.content(hist, self.x, self.y), root.content(histo1, self.x, self.y)
        if self.normEntries:
            num, den = num * hist.entries, den * histo1.entries
            return Measurement(root.ratio(num, den), root.square_root(num) / den)
        value = root.ratio(num, den)
        error = root.ratio(root.error(hist, self.x, self.y), root.square_root(hist.entries), "the number of entries")
        return Measurement(value, error / den)


@metric
@dataclass(frozen=True, slots=True)
class AverageYwithXCut:
    """Mean content of the bins below the last filled one, the last four left out.

    Attributes:
        nbinx: not used; the number of bins is found from the histogram.

    Value: Σ c over bins 0…n - 1, over n, where n + 3 is the last bin of 0…N - 1 with c > 0.
    Error: 0.
    Gaps: histogram_empty where no bin is filled; no_denominator where n is 0 or below.
    Quirk: underflow is included and the last bin never looked at; `shape.MeanOfBins` takes the bins themselves.
    Example: basic.AverageYwithXCut(5)
    """

    nbinx: int

    def __call__(self, hist: Histogram) -> Measurement:
        cells = root.contents(root.one_dimensional(hist))
        filled = np.flatnonzero(cells[:-2] > 0)
        if not len(filled):
            raise NotReducible(Reason.HISTOGRAM_EMPTY, f"{hist.name}: no bin is filled")
        n = int(filled[-1]) - 3
        if n <= 0:
            raise NotReducible(Reason.NO_DENOMINATOR, "no bin is left below the cut")
        return Measurement(float(cells[:n].sum()) / n, 0.0)


# -- against a reference element ---------------------------------------------------------------------------------------


@metric
@dataclass(frozen=True, slots=True)
class Kolmogorov:
    """Probability that the histogram and the reference element come from one distribution.

    Value: TH1::KolmogorovTest(reference).
    Error: 0.
    Gaps: histogram_empty where either is; wrong_class where the binnings differ.
    Example: basic.Kolmogorov()
    """

    def __call__(self, hist: Histogram, reference: Histogram) -> Measurement:
        return Measurement(kolmogorov_probability(hist, reference), 0.0)


@metric
@dataclass(frozen=True, slots=True)
class Chi2:
    """χ² between the histogram and the reference element, both unweighted, their sums taken out.

    Value: TH1::Chi2Test(reference, "UU NORM CHI2").
    Error: 0.
    Gaps: histogram_empty where either is; wrong_class where the binnings differ.
    Example: basic.Chi2()
    """

    def __call__(self, hist: Histogram, reference: Histogram) -> Measurement:
        return Measurement(chi2_test(hist, reference)[0], 0.0)


@metric
@dataclass(frozen=True, slots=True)
class NormChi2:
    """χ² per degree of freedom between the histogram and the reference element, both unweighted.

    Value: TH1::Chi2Test(reference, "UU NORM CHI2/NDF").
    Error: 0.
    Gaps: histogram_empty where either is; wrong_class where the binnings differ; no_denominator without freedom.
    Example: basic.NormChi2()
    """

    def __call__(self, hist: Histogram, reference: Histogram) -> Measurement:
        chi2, freedom = chi2_test(hist, reference)
        return Measurement(root.ratio(chi2, freedom, "the number of degrees of freedom"), 0.0)
