"""Numbers per time and per other numbers."""

import math
from dataclasses import dataclass

from hdqm_ops.model import Histogram, Measurement
from hdqm_ops.reduce import _statistics as root
from hdqm_ops.reduce._registry import metric


@metric
@dataclass(frozen=True, slots=True)
class EntriesPerLumisection:
    """Entries per lumisection that was processed. Zero is a measurement.

    Value: GetEntries() / number of filled bins of histo1, histo1 being Info/EventInfo/ProcessedLS.
    Error: √entries / number of filled bins of histo1.
    Gaps: no_denominator where no lumisection was processed.
    Example: rate.EntriesPerLumisection()
    """

    def __call__(self, hist: Histogram, histo1: Histogram) -> Measurement:
        lumisections = float((root.per_bin(histo1, root.contents(histo1)) > 0).sum())
        value = root.ratio(hist.entries, lumisections, "the number of lumisections")
        return Measurement(value, root.square_root(hist.entries) / lumisections)


@metric
@dataclass(frozen=True, slots=True)
class DigiPerClusterPixel:
    """Digis per pixel of the clusters: mean digis over mean clusters times mean cluster size.

    Value: m / (m1 · m2), means of element, histo1 and histo2: along z for maps and profiles of maps, else along x.
    Error: value · root of the sum of the squared relative errors, each along the same axis as its mean.
    Gaps: histogram_empty where one is; no_denominator; wrong_class where a map has no z.
    Example: rate.DigiPerClusterPixel()
    """

    def __call__(self, hist: Histogram, histo1: Histogram, histo2: Histogram) -> Measurement:
        means = [_mean_of_quantity(one) for one in (hist, histo1, histo2)]
        value = root.ratio(means[0].value, means[1].value * means[2].value, "the product of the means")
        relative = math.hypot(*(root.ratio(one.error, one.value, "a mean") for one in means))
        return Measurement(value, abs(value) * relative)


def _mean_of_quantity(hist: Histogram) -> Measurement:
    axis = 1 if hist.dimension == 1 else 3
    root.has_axis(hist, axis)
    return Measurement(root.mean(hist, axis), root.mean_error(hist, axis))
