"""Centre and width of a curve that tails and outliers do not move."""

import math
from dataclasses import dataclass

import numpy as np

from hdqm_ops.model import Histogram, Measurement
from hdqm_ops.reduce import _statistics as root
from hdqm_ops.reduce._minuit import Problem, minimise, points_in_range
from hdqm_ops.reduce._quantile import place_of_quantile, quantile
from hdqm_ops.reduce._registry import metric
from hdqm_ops.reduce._shapes import gauss


@metric
@dataclass(frozen=True, slots=True)
class Median:
    """Place along x with half of the content in range on either side.

    Value: quantile of 0.5, linear within the bin.
    Error: 0.5 / √n_eff over the density at that place.
    Gaps: histogram_empty; wrong_class for maps; out_of_range where a bin is negative.
    Example: robust.Median()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        return quantile(hist, 0.5)


@metric
@dataclass(frozen=True, slots=True)
class InterquartileRange:
    """Distance of the quartiles along x.

    Value: quantile of 0.75 - quantile of 0.25.
    Error: of the sampling, with the correlation of the two.
    Gaps: histogram_empty; wrong_class for maps; out_of_range where a bin is negative.
    Example: robust.InterquartileRange()
    """

    def __call__(self, hist: Histogram) -> Measurement:
        low, density_low, entries = place_of_quantile(hist, 0.25)
        high, density_high, _ = place_of_quantile(hist, 0.75)
        variance = 0.1875 / density_low**2 + 0.1875 / density_high**2 - 2 * 0.0625 / (density_low * density_high)
        return Measurement(high - low, math.sqrt(variance / entries))


@metric
@dataclass(frozen=True, slots=True)
class TrimmedMean:
    """Mean along x without the outermost content on either side.

    Attributes:
        share: how much is cut from each side, from 0 (the plain mean of the bins) to below 0.5 (the median).

    Value: mean of the bin centres, weighted with what is left of each bin.
    Error: √(winsorised variance / n_eff) / (1 - 2 · share).
    Gaps: histogram_empty; wrong_class for maps; out_of_range where a bin is negative.
    Example: robust.TrimmedMean(0.1)
    """

    share: float

    def __post_init__(self) -> None:
        if not 0 <= self.share < 0.5:
            raise ValueError(f"share must lie from 0 to below 0.5, not {self.share!r}")

    def __call__(self, hist: Histogram) -> Measurement:
        _, _, entries = place_of_quantile(hist, 0.5)
        cells = root.per_bin(hist, root.contents(hist)) / root.sum_of_weights(hist)
        centers = hist.axes[0].centers()[1:-1]
        running = np.concatenate(([0.0], np.cumsum(cells)))
        left = np.diff(np.clip(running, self.share, 1 - self.share))
        value = float(left @ centers) / (1 - 2 * self.share)
        kept = np.flatnonzero(left > 0)
        squeezed = np.clip(centers, centers[kept[0]], centers[kept[-1]])
        variance = max(float(cells @ squeezed**2) - float(cells @ squeezed) ** 2, 0.0)
        return Measurement(value, math.sqrt(variance / entries) / (1 - 2 * self.share))


@metric
@dataclass(frozen=True, slots=True)
class GaussianCoreWidth:
    """Width of the Gaussian core, whatever the tails.

    Attributes:
        n: the fit reaches this many widths to either side of the core's centre.

    Value: σ of the last of three Gaussian fits, each in the range centre ± n · σ of the one before; the first begins
        with median and half the width that holds 68.3 %.
    Error: parabolic error of the fit.
    Gaps: fit_failed; histogram_empty; wrong_class for maps; out_of_range where a bin is negative.
    Example: robust.GaussianCoreWidth(2.)
    """

    n: float = 2.0

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError(f"n must be 1 or more, not {self.n!r}")

    def __call__(self, hist: Histogram) -> Measurement:
        center, _, _ = place_of_quantile(hist, 0.5)
        width = (place_of_quantile(hist, 0.8413)[0] - place_of_quantile(hist, 0.1587)[0]) / 2
        for _ in range(3):
            points = points_in_range(hist, center - self.n * width, center + self.n * width)
            fitted = minimise(gauss, Problem(*points, (center, width, float(root.contents(hist).max()))))
            center, width = fitted.values[0], abs(fitted.values[1])
        return Measurement(width, fitted.errors[1])
