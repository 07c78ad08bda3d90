"""Quantiles of a histogram, linear within its bins."""

import math

import numpy as np

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Histogram, Measurement, Reason
from hdqm_ops.reduce import _statistics as root

__all__ = ["place_of_quantile", "quantile"]


def quantile(hist: Histogram, share: float) -> Measurement:
    """Place below which ``share`` of the content in range lies (``TH1::GetQuantiles``), and its sampling error."""
    x, density, entries = place_of_quantile(hist, share)
    return Measurement(x, math.sqrt(share * (1 - share) / entries) / density)


def place_of_quantile(hist: Histogram, share: float) -> tuple[float, float, float]:
    """The place, the normalised density there, and the effective entries."""
    cells = root.per_bin(root.one_dimensional(hist), root.contents(hist))
    total = float(cells.sum())
    root.finite(total)
    if (cells < 0).any():
        raise NotReducible(Reason.OUT_OF_RANGE, f"{hist.name}: a bin is negative")
    if total == 0:
        raise NotReducible(Reason.HISTOGRAM_EMPTY, f"{hist.name}: the bins sum to 0")
    edges = hist.axes[0].bin_edges()
    running = np.concatenate(([0.0], np.cumsum(cells) / total))
    number = int(np.flatnonzero((cells > 0) & (running[1:] >= share * (1 - 1e-15)))[0])
    inside = (share - running[number]) / (running[number + 1] - running[number])
    width = float(edges[number + 1] - edges[number])
    density = float(cells[number]) / total / width
    variance = float((root.per_bin(hist, root.errors(hist)) ** 2).sum())
    entries = total**2 / variance if variance > 0 else total
    if not (density and entries):
        raise NotReducible(Reason.NOT_FINITE, f"{hist.name}: the contents are too different to be added")
    return float(edges[number] + width * inside), density, entries
