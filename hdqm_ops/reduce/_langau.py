"""A Landau distribution convoluted with a Gaussian, and the predecessor's way to fit it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.model import Axis, Histogram
from hdqm_ops.reduce import _statistics as root
from hdqm_ops.reduce._landau import c_exp, density
from hdqm_ops.reduce._minuit import Fitted, Problem, checked, enough_points, points_in_range, repeated

__all__ = ["fit_langau", "joined_in_pairs", "langau"]

Doubles: TypeAlias = NDArray[np.float64]

FEW_ENTRIES = 150
MOST_TRIES = 5
_STEPS = 100  # of the convolution, over five standard deviations to either side
_POINTS = 100  # of the search for the maximum
_GOLDEN = (3 - math.sqrt(5)) / 2
_SHIFT = 0.22278298  # distance of the Landau maximum from its parameter


def langau(x: Doubles, parameters: Sequence[float]) -> Doubles:
    """Area of a Landau (width, place) smeared with a Gaussian: parameters (width, place, area, Gaussian width).

    The convolution is a sum from both ends to the middle, in this order, as in ROOT's example that everybody copied.
    """
    width, place, area, sigma = parameters
    if width <= 0 or sigma == 0:
        return np.zeros(len(x))
    shifted = place - 2.931 * _SHIFT * width
    low, high = x[:, None] - 5.0 * sigma, x[:, None] + 5.0 * sigma
    step = (high - low) / _STEPS
    number = np.arange(1, _STEPS // 2 + 1) - 0.5
    points = np.stack((low + number * step, high - number * step), axis=2).reshape(len(x), _STEPS)
    pulls = (x[:, None] - points) / sigma
    smearing = c_exp((-0.5 * pulls * pulls).reshape(-1)).reshape(pulls.shape)
    total = (density((points - shifted) / width) / width * smearing).cumsum(axis=1)[:, -1]
    return np.asarray(area * step[:, 0] * total * 0.3989422804014 / sigma)


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
    area = float(root.active_bins(hist, root.contents(hist)).cumsum()[-1])  # summed in ROOT's order: few fits forgive
    problem = _problem(hist, low, high, (width, place, area, sigma))
    fit = repeated(langau, problem)
    for number in range(1, MOST_TRIES + 1):
        if fit.values[0] >= control and fit.values[1] >= low:
            break
        start = (width, place, area * (5 + number) / 5, sigma)
        problem = replace(_problem(hist, low - 2, high, start), steps=tuple(fit.errors))
        fit = repeated(langau, problem)
    enough_points(problem)
    fitted = checked(fit)
    return _place_of_maximum(fitted.values, low, high), fitted


def _problem(hist: Histogram, low: float, high: float, start: tuple[float, ...]) -> Problem:
    problem = Problem(*points_in_range(hist, low, high), start, times=3)
    if not len(problem.x):
        enough_points(problem)
    return problem


def _place_of_maximum(parameters: Sequence[float], low: float, high: float) -> float:
    """``TF1::GetMaximumX``: the best of 100 points, then Brent's method between its neighbours.

    The summed convolution ripples where the Landau width is small, so that only the same search finds the same ripple.
    """
    grid: Doubles = low + np.arange(_POINTS, dtype=np.float64) * ((high - low) / (_POINTS - 1))
    best = float(grid[np.argmax(langau(grid, parameters))])
    spacing = (high - low) / (_POINTS - 1)

    def depth(x: float) -> float:
        return -float(langau(np.array([x]), parameters)[0])

    return _brent(depth, max(low, best - spacing), min(high, best + spacing), best)


def _brent(depth: Callable[[float], float], a: float, b: float, start: float) -> float:
    """Brent's minimum between ``a`` and ``b``: parabolas through the three best points, golden sections in between."""
    x = w = v = start
    fx = fw = fv = depth(x)
    step = before = 0.0
    for _ in range(100):
        middle, tolerance = 0.5 * (a + b), 1e-10 * abs(x) + 1e-10
        if abs(x - middle) <= 2 * tolerance - 0.5 * (b - a):
            break
        parabola = _parabola((x, w, v), (fx, fw, fv)) if abs(before) > tolerance else None
        if parabola is not None and abs(parabola) < abs(0.5 * before) and a < x + parabola < b:
            before, step = step, parabola
            if x + step - a < 2 * tolerance or b - x - step < 2 * tolerance:
                step = math.copysign(tolerance, middle - x)
        else:
            before = (b if x < middle else a) - x
            step = _GOLDEN * before
        u = x + (step if abs(step) >= tolerance else math.copysign(tolerance, step))
        fu = depth(u)
        if fu <= fx:
            a, b = (a, x) if u < x else (x, b)
            v, fv, w, fw, x, fx = w, fw, x, fx, u, fu
            continue
        a, b = (u, b) if u < x else (a, u)
        if fu <= fw or w == x:
            v, fv, w, fw = w, fw, u, fu
        elif fu <= fv or v in (x, w):
            v, fv = u, fu
    return x


def _parabola(places: tuple[float, float, float], depths: tuple[float, float, float]) -> float | None:
    """Step from the first place to the lowest point of the parabola through all three."""
    (x, w, v), (fx, fw, fv) = places, depths
    r, q = (x - w) * (fx - fv), (x - v) * (fx - fw)
    below = 2 * (q - r)
    return -((x - v) * q - (x - w) * r) / below if below else None
