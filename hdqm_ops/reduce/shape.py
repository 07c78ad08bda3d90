"""Places and heights of bins, without the quirks of ``basic``."""

from dataclasses import dataclass

import numpy as np

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Histogram, Measurement, Reason
from hdqm_ops.reduce import _statistics as root
from hdqm_ops.reduce._registry import metric


def _mean_and_error(hist: Histogram, inside: tuple[slice, ...]) -> Measurement:
    """Mean of some bins, and its error from theirs."""
    cells, errors = root.contents(hist)[inside], root.errors(hist)[inside]
    if not cells.size:
        raise NotReducible(Reason.NOT_APPLICABLE, f"{hist.name} has no such bins")
    return Measurement(float(cells.mean()), float(np.sqrt((errors**2).sum())) / cells.size)


def _not_empty(hist: Histogram) -> None:
    if not root.per_bin(hist, root.contents(hist)).any():
        raise NotReducible(Reason.HISTOGRAM_EMPTY, f"{hist.name}: all bins are 0")


@metric
@dataclass(frozen=True, slots=True)
class HighestBinPosition:
    """Centre of the highest bin along x, with the resolution of the binning as its error.

    Value: centre of the first of the highest bins.
    Error: bin width / √12.
    Gaps: histogram_empty; wrong_class for maps.
    Example: shape.HighestBinPosition()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        axis = root.one_dimensional(hist).axes[0]
        _not_empty(hist)
        number = root.maximum_bin(hist)
        width = float(np.diff(axis.bin_edges())[number - 1])
        return Measurement(float(axis.centers()[number]), width / 12**0.5)


@metric
@dataclass(frozen=True, slots=True)
class HighestBinHeight:
    """Content of the highest bin.

    Value: largest content.
    Error: error of that bin.
    Gaps: histogram_empty.
    Example: shape.HighestBinHeight()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        _not_empty(hist)
        number = root.maximum_bin(hist)
        return Measurement(root.content(hist, number), root.error(hist, number))


@metric
@dataclass(frozen=True, slots=True)
class MeanOfBins:
    """Mean content of all bins in range.

    Value: Σ c / number of bins.
    Error: bin errors in quadrature / number of bins.
    Gaps: none.
    Example: shape.MeanOfBins()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        return _mean_and_error(hist, (slice(1, -1),) * hist.dimension)


@metric
@dataclass(frozen=True, slots=True)
class MeanOfNonNegativeBins:
    """Mean content of the bins that are not negative, the negative ones standing for "no value".

    Value: Σ c / number, over bins with c ≥ 0.
    Error: bin errors in quadrature / number.
    Gaps: histogram_empty where all bins are negative.
    Example: shape.MeanOfNonNegativeBins()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        cells, errors = (root.per_bin(hist, grid) for grid in (root.contents(hist), root.errors(hist)))
        good = cells >= 0
        if not good.any():
            raise NotReducible(Reason.HISTOGRAM_EMPTY, f"{hist.name}: all bins are negative")
        number = int(good.sum())
        return Measurement(float(cells[good].sum()) / number, float(np.sqrt((errors[good] ** 2).sum())) / number)


@metric
@dataclass(frozen=True, slots=True)
class MeanOfRow:
    """Mean content of one row of a map.

    Attributes:
        row: its number, from 1.

    Value: Σ c / nx.
    Error: bin errors in quadrature / nx.
    Gaps: not_applicable where there is no such row; wrong_class for curves.
    Example: shape.MeanOfRow(1)
    """

    row: int

    def __call__(self, hist: Histogram) -> Measurement:
        axis = root.two_dimensional(hist).axes[1]
        inside = slice(self.row, self.row + 1) if 1 <= self.row <= axis.n else slice(0)
        return _mean_and_error(hist, (slice(1, -1), inside))


@metric
@dataclass(frozen=True, slots=True)
class MeanOfColumns:
    """Mean content of some columns of a map.

    Attributes:
        first: number of the first, from 1.
        last: number of the last, which is included.

    Value: Σ c / number of cells.
    Error: bin errors in quadrature / number of cells.
    Gaps: not_applicable where there are no such columns; wrong_class for curves.
    Example: shape.MeanOfColumns(1, 2)
    """

    first: int
    last: int

    def __call__(self, hist: Histogram) -> Measurement:
        axis = root.two_dimensional(hist).axes[0]
        exist = 1 <= self.first <= self.last <= axis.n
        return _mean_and_error(hist, (slice(self.first, self.last + 1) if exist else slice(0), slice(1, -1)))


@metric
@dataclass(frozen=True, slots=True)
class BinsBeyondSigma:
    """Number of bins that stand out: hot or dead channels of a map that should be even. Zero is a measurement.

    Attributes:
        n: how many standard deviations.

    Value: number of bins with |c - median| > n · s, s = 1.4826 · median of |c - median|, as for a Gaussian.
    Error: 0.
    Gaps: none.
    Example: shape.BinsBeyondSigma(5.)
    """

    n: float

    def __post_init__(self) -> None:
        if self.n <= 0:
            raise ValueError(f"n must be above 0, not {self.n!r}")

    def __call__(self, hist: Histogram) -> Measurement:
        cells = root.per_bin(hist, root.contents(hist))
        distance = np.abs(cells - np.median(cells))
        return Measurement(float((distance > self.n * 1.4826 * np.median(distance)).sum()), 0.0)
