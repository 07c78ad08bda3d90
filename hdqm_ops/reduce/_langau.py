"""A Landau distribution convoluted with a Gaussian, and the predecessor's way to fit it."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.model import Axis, Histogram
from hdqm_ops.reduce import _statistics as root
from hdqm_ops.reduce._landau import density
from hdqm_ops.reduce._minuit import Fitted, Problem, minimise, points_in_range

__all__ = ["fit_langau", "joined_in_pairs", "langau"]

Doubles: TypeAlias = NDArray[np.float64]

FEW_ENTRIES = 150
MOST_TRIES = 5
_STEPS = 100  # of the convolution, over five standard deviations to either side
_SHIFT = 0.22278298  # distance of the Landau maximum from its parameter


def langau(x: Doubles, parameters: Sequence[float]) -> Doubles:
    """Area of a Landau (width, place) smeared with a Gaussian: parameters (width, place, area, Gaussian width)."""
    width, place, area, sigma = parameters
    shifted = place - 2.931 * _SHIFT * width
    step = 10 * sigma / _STEPS
    offsets = (np.arange(_STEPS // 2) + 0.5) * step - 5 * sigma
    around = np.concatenate((offsets, -offsets))
    points = x[:, None] + around
    smeared = density((points - shifted) / width) / width * np.exp(-(around**2) / (2 * sigma**2))
    return np.asarray(area * step * smeared.sum(axis=1) * 0.3989422804014 / sigma)


def joined_in_pairs(hist: Histogram) -> Histogram:
    """``Rebin(2)`` of a copy; a bin without partner joins the overflow."""
    axis = hist.axes[0]
    n = axis.n // 2
    edges = axis.bin_edges()[: 2 * n + 1 : 2]
    new_axis = Axis(n, float(edges[0]), float(edges[-1]), None if axis.edges is None else edges.copy())
    cells = _joined(hist.cells.astype(np.float64), n)
    errors = None if hist.sumw2 is None else _joined(hist.sumw2, n)
    return Histogram(hist.class_name, hist.name, (new_axis,), cells, hist.entries, hist.sums, errors)


def _joined(cells: Doubles, n: int) -> Doubles:
    pairs = cells[1 : 2 * n + 1].reshape(n, 2).sum(axis=1)
    return np.concatenate((cells[:1], pairs, [cells[2 * n + 1 :].sum()]))


def fit_langau(
    hist: Histogram, low: float, high: float, control: float, defaults: Sequence[float]
) -> tuple[float, Fitted]:
    """Place of the maximum of the fitted curve in [low, high], and the fit."""
    if hist.entries < FEW_ENTRIES and not hist.is_profile:
        hist = joined_in_pairs(hist)
    highest = float(hist.axes[0].centers()[root.maximum_bin(hist)])
    width, place, _, sigma = map(float, defaults)
    place = highest if highest > low else place
    area = root.integral(hist)
    fitted = _fit(hist, low, high, (width, place, area, sigma))
    for number in range(1, MOST_TRIES + 1):
        if fitted.values[0] >= control and fitted.values[1] >= low:
            break
        fitted = _fit(hist, low - 2, high, (width, place, area * (5 + number) / 5, sigma))
    return _place_of_maximum(fitted.values, low, high), fitted


def _fit(hist: Histogram, low: float, high: float, start: tuple[float, ...]) -> Fitted:
    return minimise(langau, Problem(*points_in_range(hist, low, high), start, times=3))


def _place_of_maximum(parameters: Sequence[float], low: float, high: float) -> float:
    """The maximum on a grid, then on finer and finer ones around it."""
    place, reach = (low + high) / 2, (high - low) / 2
    for _ in range(8):
        grid = np.linspace(max(low, place - reach), min(high, place + reach), 101)
        place = float(grid[np.argmax(langau(grid, parameters))])
        reach /= 25
    return place
