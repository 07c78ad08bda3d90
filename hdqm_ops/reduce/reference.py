"""How far an element is from a reference element of the same file."""

import math
from dataclasses import dataclass

import numpy as np

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Histogram, Measurement, Reason
from hdqm_ops.reduce import _statistics as root
from hdqm_ops.reduce._comparison import kolmogorov_distance, same_binning
from hdqm_ops.reduce._registry import metric


@metric
@dataclass(frozen=True, slots=True)
class MeanShift:
    """Mean along x minus that of the reference, where both have one.

    Value: GetMean() - GetMean() of the reference.
    Error: both errors in quadrature.
    Gaps: histogram_empty where either is.
    Example: reference.MeanShift()
    """

    def __call__(self, hist: Histogram, reference: Histogram) -> Measurement:
        shift = root.mean(hist) - root.mean(reference)
        return Measurement(shift, math.hypot(root.mean_error(hist), root.mean_error(reference)))


@metric
@dataclass(frozen=True, slots=True)
class Chi2PerFreedom:
    """χ² per degree of freedom between the shapes of the histogram and the reference, weighted or not.

    Value: Σ (a - s b)² / (σa² + s² σb²) / (bins - 1), s the ratio of the sums, over bins where either has an error.
    Error: √(2 / (bins - 1)), the spread of χ²/ndf where both are alike.
    Gaps: histogram_empty where either is; not_applicable where the binnings differ; no_denominator with one bin.
    Example: reference.Chi2PerFreedom()
    """

    def __call__(self, hist: Histogram, reference: Histogram) -> Measurement:
        same_binning(hist, reference)
        (a, variance_a), (b, variance_b) = _bins(hist), _bins(reference)
        scale = float(a.sum() / b.sum())
        variance = variance_a + scale**2 * variance_b
        used = variance > 0
        freedom = max(int(used.sum()) - 1, 0)
        chi2 = float(((a - scale * b)[used] ** 2 / variance[used]).sum())
        return Measurement(root.ratio(chi2, freedom, "the number of degrees of freedom"), math.sqrt(2 / freedom))


def _bins(hist: Histogram) -> tuple[root.Doubles, root.Doubles]:
    cells = root.per_bin(hist, root.contents(hist))
    if cells.sum() == 0:
        raise NotReducible(Reason.HISTOGRAM_EMPTY, f"{hist.name}: the bins sum to 0")
    return cells, root.per_bin(hist, root.errors(hist)) ** 2


@metric
@dataclass(frozen=True, slots=True)
class KolmogorovDistance:
    """Largest distance of the two cumulative distributions, between 0 (alike) and 1.

    Value: sup |F(x) - F_ref(x)| over the bin edges.
    Error: 0.
    Gaps: histogram_empty where either is; not_applicable where the binnings differ; wrong_class for maps.
    Example: reference.KolmogorovDistance()
    """

    def __call__(self, hist: Histogram, reference: Histogram) -> Measurement:
        return Measurement(kolmogorov_distance(hist, reference)[0], 0.0)


@metric
@dataclass(frozen=True, slots=True)
class WassersteinDistance:
    """How far, on average, the content must be moved along x to become the reference; in units of x.

    Value: ∫ |F(x) - F_ref(x)| dx, contents at their bin centres.
    Error: 0.
    Gaps: histogram_empty where either is; not_applicable where the binnings differ; wrong_class for maps;
        out_of_range where a bin is negative.
    Example: reference.WassersteinDistance()
    """

    def __call__(self, hist: Histogram, reference: Histogram) -> Measurement:
        root.one_dimensional(hist)
        same_binning(hist, reference)
        (a, _), (b, _) = _bins(hist), _bins(reference)
        if min(a.min(), b.min()) < 0:
            raise NotReducible(Reason.OUT_OF_RANGE, "a bin is negative")
        apart = np.abs(np.cumsum(a / a.sum() - b / b.sum()))[:-1]
        return Measurement(float(apart @ np.diff(hist.axes[0].centers()[1:-1])), 0.0)
