"""Metrics of the muon chambers: the predecessor's ``muon_metrics`` family."""

from dataclasses import dataclass

import numpy as np

from hdqm_ops.model import Histogram, Measurement
from hdqm_ops.reduce import _statistics as root
from hdqm_ops.reduce._registry import metric


@metric
@dataclass(frozen=True, slots=True)
class NOutsideRange:
    """Content outside of two places along x, flow not counted.

    Attributes:
        low: lower place; its whole bin is inside.
        high: upper place; its whole bin is inside.

    Value: T - s, T = Integral(), s = Integral(FindBin(low), FindBin(high)).
    Error: 0.
    Gaps: wrong_class for maps.
    Example: muon_metrics.NOutsideRange(-0.01, 0.01)
    """

    low: float
    high: float

    def __call__(self, hist: Histogram) -> Measurement:
        axis = root.one_dimensional(hist).axes[0]
        inside = root.integral(hist, axis.find_bin(self.low), axis.find_bin(self.high))
        return Measurement(root.integral(hist) - inside, 0.0)


@metric
@dataclass(frozen=True, slots=True)
class MeanCh:
    """Mean of one row of a map, underflow included.

    Attributes:
        ch: the row, counted from 1.

    Value: Σ c(ix, ch) over ix 0…nx, over nx + 1.
    Error: 0.
    Gaps: none.
    Quirk: the underflow column is one of the bins, so that the value is too small by nx / (nx + 1);
        `shape.MeanOfRow` takes the bins in range.
    Example: muon_metrics.MeanCh(1)
    """

    ch: int

    def __call__(self, hist: Histogram) -> Measurement:
        cells = root.plane(hist)
        row = cells[:-1, int(np.clip(self.ch, 0, cells.shape[1] - 1))]
        return Measurement(float(row.sum()) / len(row), 0.0)
