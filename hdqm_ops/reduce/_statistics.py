"""ROOT's statistics of a histogram, number for number.

Bins are ROOT's: 1…n in range, 0 and n + 1 the flow. Axes count from 1 (x) to 3 (z or what a TProfile2D profiles).
Sums stand in the order of ``TH1::GetStats``: w, w², wx, wx², wy, wy², wxy, wz, wz², wxz, wyz.
"""

import functools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Axis, Histogram, Reason

__all__ = [
    "active",
    "active_bins",
    "content",
    "content_at",
    "contents",
    "effective_entries",
    "error",
    "errors",
    "finite",
    "has_axis",
    "integral",
    "maximum",
    "maximum_bin",
    "mean",
    "mean_error",
    "minimum_bin",
    "one_dimensional",
    "per_bin",
    "plane",
    "ratio",
    "remembering",
    "square_root",
    "std_dev",
    "std_dev_error",
    "sum_of_contents",
    "sum_of_weights",
    "sums",
    "two_dimensional",
]

Doubles: TypeAlias = NDArray[np.float64]
Sums: TypeAlias = tuple[float, ...]
T = TypeVar("T")

N_SUMS = 11
_AXIS_SUM = (2, 4, 7)  # where GetStats keeps Σwx, Σwy, Σwz; the squares follow


# -- once for each histogram -------------------------------------------------------------------------------------------

_memory: ContextVar[dict[tuple[str, int], Any] | None] = ContextVar("memory", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Compute each statistic of a histogram once within this block; the caller keeps the histograms alive."""
    token = _memory.set({})
    try:
        yield
    finally:
        _memory.reset(token)


def per_histogram(function: Callable[[Histogram], T]) -> Callable[[Histogram], T]:
    """Remember what ``function`` says of a histogram while `remembering`."""

    @functools.wraps(function)
    def remembered(hist: Histogram) -> T:
        memory = _memory.get()
        if memory is None:
            return function(hist)
        key = (function.__name__, id(hist))
        if key not in memory:
            memory[key] = function(hist)
        return memory[key]  # type: ignore[no-any-return]  # the dictionary keeps answers of several functions

    return remembered


# -- cells -------------------------------------------------------------------------------------------------------------


@per_histogram
def contents(hist: Histogram) -> Doubles:
    """``GetBinContent`` of every cell, indexed by ROOT's bin numbers; read-only."""
    grid = hist.contents()
    grid.flags.writeable = False
    return grid


@per_histogram
def errors(hist: Histogram) -> Doubles:
    """``GetBinError`` of every cell, indexed by ROOT's bin numbers; read-only."""
    if hist.is_profile:
        flat = _profile_errors(hist)
    else:
        flat = np.sqrt(np.abs(hist.cells.astype(np.float64)) if hist.sumw2 is None else np.abs(hist.sumw2))
    flat.flags.writeable = False
    return hist.grid(flat)


def _profile_errors(hist: Histogram) -> Doubles:
    """Errors of bin means by the profile's option: standard error, ``s``, ``i`` or ``g``."""
    assert hist.bin_entries is not None
    assert hist.sumw2 is not None
    weight = hist.bin_entries
    filled = weight != 0
    safe = np.where(filled, weight, 1.0)
    if hist.error_mode == "g":
        return np.where(filled, 1 / np.sqrt(np.abs(safe)), 0.0)
    spread = np.sqrt(np.abs(hist.sumw2 / safe - (hist.cells / safe) ** 2))
    if hist.error_mode == "s":
        return np.where(filled, spread, 0.0)
    effective = _effective_entries_of_bins(hist)
    positive = np.where(effective > 0, effective, np.inf)  # ROOT would give inf here, which is no error at all
    standard = spread / np.sqrt(positive)
    if hist.error_mode == "i":
        standard = np.where(spread == 0, 1 / np.sqrt(12 * positive), standard)
    return np.where(filled, standard, 0.0)


def _effective_entries_of_bins(hist: Histogram) -> Doubles:
    assert hist.bin_entries is not None
    if hist.bin_sumw2 is None:
        return hist.bin_entries
    positive = hist.bin_sumw2 > 0
    return np.divide(hist.bin_entries**2, hist.bin_sumw2, out=np.zeros(len(positive)), where=positive)


def content(hist: Histogram, ix: int, iy: int | None = None) -> float:
    """``GetBinContent``: bins out of range are moved to the next that exists.

    With one index the bin is a global one, as ROOT has it, also for maps.
    """
    return _cell(hist, contents(hist), ix, iy)


def error(hist: Histogram, ix: int, iy: int | None = None) -> float:
    """``GetBinError`` of a bin given as for `content`."""
    return _cell(hist, errors(hist), ix, iy)


def _cell(hist: Histogram, grid: Doubles, ix: int, iy: int | None) -> float:
    if iy is None or hist.dimension == 1:
        flat = grid.T.reshape(-1)
        if hist.is_profile and not 0 <= ix < len(flat):
            return 0.0  # profiles do not move a bin number, they answer 0
        return float(flat[_clamped(ix, len(flat))])
    indices = (_clamped(ix, grid.shape[0]), _clamped(iy, grid.shape[1]), 0)
    return float(grid[indices[: hist.dimension]])


def _clamped(number: int, size: int) -> int:
    return min(max(number, 0), size - 1)


def plane(hist: Histogram) -> Doubles:
    """Contents indexed [ix, iy]: a curve is a map of one row (``GetBinContent(i, 1)`` is its bin i)."""
    grid = contents(hist)
    if hist.dimension == 1:
        return np.broadcast_to(grid[:, None], (len(grid), 3))
    return grid if hist.dimension == 2 else grid[:, :, 0]


def content_at(hist: Histogram, place: int | str) -> float:
    """Content of a bin given by its number, or by its label on the x axis.

    A label that no bin carries gives what ROOT gives: it would put the label on the next free bin and read that one.
    So it is 0 on an axis whose bins are all labelled, and the first bin on an axis without any label.
    """
    if isinstance(place, int):
        return content(hist, place)
    axis = hist.axes[0]
    found = axis.find_label(place)
    if found is not None:
        return content(hist, found)
    if len(axis.labels) == axis.n:
        return 0.0
    may_be_added = axis.extendable or not axis.labels
    return content(hist, len(axis.labels) + 1 if may_be_added else -1)


# -- ranges ------------------------------------------------------------------------------------------------------------


def active(axis: Axis) -> tuple[int, int]:
    """``GetFirst`` and ``GetLast``: the active range, the whole axis where none is set."""
    return (axis.first, axis.last) if axis.ranged else (1, axis.n)


def active_bins(hist: Histogram, grid: Doubles) -> Doubles:
    """The bins of the active range of each axis."""
    slices = []
    for axis in hist.axes:
        first, last = active(axis)
        slices.append(slice(first, last + 1))
    return grid[tuple(slices)]


def per_bin(hist: Histogram, grid: Doubles) -> Doubles:
    """The bins 1…n of each axis, without flow and whatever the active range."""
    return grid[(slice(1, -1),) * hist.dimension]


def integral(hist: Histogram, first: int | None = None, last: int | None = None) -> float:
    """``Integral()`` over the active range, or ``Integral(first, last)`` with its correction of odd limits."""
    if first is None or last is None:
        return float(active_bins(hist, contents(hist)).sum())
    cells = contents(hist)
    first = max(first, 0)
    if last >= len(cells) or last < first:
        last = len(cells) - 1
    return float(cells[first : last + 1].sum())


def sum_of_contents(hist: Histogram) -> float:
    """``Integral(0, GetSize())``: all cells, flow included."""
    return float(contents(hist).sum())


def sum_of_weights(hist: Histogram) -> float:
    """``GetSumOfWeights``: all bins without flow, whatever the active range."""
    return float(per_bin(hist, contents(hist)).sum())


def maximum(hist: Histogram) -> float:
    """``GetMaximum``: what a user set, else the largest content in the active range."""
    return hist.maximum if hist.maximum is not None else float(active_bins(hist, contents(hist)).max())


def maximum_bin(hist: Histogram) -> int:
    """``GetMaximumBin``: global number of the first bin with the largest content in the active range."""
    return _extreme_bin(hist, np.argmax)


def minimum_bin(hist: Histogram) -> int:
    """``GetMinimumBin``: global number of the first bin with the smallest content in the active range."""
    return _extreme_bin(hist, np.argmin)


def _extreme_bin(hist: Histogram, which: Callable[[Doubles], Any]) -> int:
    inside = active_bins(hist, contents(hist)).T  # x runs fastest, as in ROOT's loop
    place = np.unravel_index(int(which(inside)), inside.shape)[::-1]
    number = 0
    for position, axis in reversed(list(zip(place, hist.axes, strict=True))):
        number = number * (axis.n + 2) + int(position) + active(axis)[0]
    return number


# -- moments -----------------------------------------------------------------------------------------------------------


@per_histogram
def sums(hist: Histogram) -> Sums:
    """``GetStats``: the stored sums, or those of the bins where nothing was stored or a range is active."""
    if _must_recompute(hist):
        return _sums_of_bins(hist)
    stored = list(hist.sums) + [0.0] * (N_SUMS - len(hist.sums))
    if hist.class_name == "TProfile" and stored[4] == 0 and stored[5] == 0:
        stored[4:6] = _sums_of_bins(hist)[4:6]  # profiles of very old files did not store them
    return tuple(stored)


def _must_recompute(hist: Histogram) -> bool:
    never_filled = hist.sums[0] == 0 and (hist.is_profile or hist.entries > 0)
    return never_filled or any(axis.ranged for axis in hist.axes)


def _sums_of_bins(hist: Histogram) -> Sums:
    weight, squares = (_counted_bins(hist, grid) for grid in _weights(hist))
    result = [0.0] * N_SUMS
    result[0], result[1] = float(weight.sum()), float(squares.sum())
    centers = [_counted_centers(axis) for axis in hist.axes]
    along = [_projected(weight, index) for index in range(hist.dimension)]
    for place, x, w in zip(_AXIS_SUM, centers, along, strict=False):
        result[place], result[place + 1] = float(w @ x), float(w @ (x * x))
    for place, first, second in ((6, 0, 1), (9, 0, 2), (10, 1, 2)):
        if second < hist.dimension:
            result[place] = float(centers[first] @ _projected(weight, first, second) @ centers[second])
    if hist.is_profile:
        _add_profiled(hist, result)
    return tuple(result)


def _weights(hist: Histogram) -> tuple[Doubles, Doubles]:
    if hist.bin_entries is not None:
        squares = hist.bin_entries if hist.bin_sumw2 is None else hist.bin_sumw2
        return hist.grid(hist.bin_entries), hist.grid(squares)
    if hist.dimension == 2 and hist.sumw2 is None:
        return contents(hist), contents(hist)  # ROOT's TH2 sums the contents with their sign, TH1 and TH3 without
    return contents(hist), errors(hist) ** 2


def _counted(axis: Axis) -> slice:
    """Bins that statistics count: the active range, and flow where the histogram says so and no range is active."""
    first, last = (0, axis.n + 1) if axis.flow_counted and not axis.ranged else active(axis)
    return slice(first, last + 1)


def _counted_bins(hist: Histogram, grid: Doubles) -> Doubles:
    return grid[tuple(_counted(axis) for axis in hist.axes)]


def _counted_centers(axis: Axis) -> Doubles:
    """Centres of the bins that count; 0 on an axis of labels that may grow, where a position means nothing."""
    centers = axis.centers()[_counted(axis)]
    return np.zeros_like(centers) if axis.labels and axis.extendable else centers


def _projected(weight: Doubles, *keep: int) -> Doubles:
    return np.asarray(weight.sum(axis=tuple(set(range(weight.ndim)) - set(keep))))


def _add_profiled(hist: Histogram, result: list[float]) -> None:
    assert hist.sumw2 is not None
    place = {1: 4, 2: 7}.get(hist.dimension)
    if place is not None:
        result[place] = float(_counted_bins(hist, hist.grid(hist.cells)).sum())
        result[place + 1] = float(_counted_bins(hist, hist.grid(hist.sumw2)).sum())


def mean(hist: Histogram, axis: int = 1) -> float:
    """``GetMean(axis)``.

    Raises:
        NotReducible: Nothing was filled in range; ROOT says 0 then.
    """
    stats = _filled_sums(hist)
    return stats[_AXIS_SUM[axis - 1]] / stats[0]


def std_dev(hist: Histogram, axis: int = 1) -> float:
    """``GetStdDev(axis)``, which ROOT also calls ``GetRMS``."""
    stats = _filled_sums(hist)
    place = _AXIS_SUM[axis - 1]
    center = stats[place] / stats[0]
    return math.sqrt(max(stats[place + 1] / stats[0] - center * center, 0.0))


def effective_entries(hist: Histogram) -> float:
    """``GetEffectiveEntries``."""
    stats = sums(hist)
    return stats[0] ** 2 / stats[1] if stats[1] else abs(stats[0])


def mean_error(hist: Histogram, axis: int = 1) -> float:
    """``GetMeanError(axis)``."""
    effective = effective_entries(hist)
    return std_dev(hist, axis) / math.sqrt(effective) if effective > 0 else 0.0


def std_dev_error(hist: Histogram, axis: int = 1) -> float:
    """``GetStdDevError(axis)``, which ROOT also calls ``GetRMSError``."""
    effective = effective_entries(hist)
    return math.sqrt(std_dev(hist, axis) ** 2 / (2 * effective)) if effective > 0 else 0.0


def _filled_sums(hist: Histogram) -> Sums:
    stats = sums(hist)
    if stats[0] == 0:
        raise NotReducible(Reason.HISTOGRAM_EMPTY, f"{hist.name}: nothing was filled in range")
    return stats


# -- what a metric may refuse ------------------------------------------------------------------------------------------


def one_dimensional(hist: Histogram) -> Histogram:
    """``hist`` where it is a curve; else the gap says so."""
    if hist.dimension != 1:
        raise NotReducible(Reason.WRONG_CLASS, f"{hist.name} is a {hist.class_name}; the metric reads curves")
    return hist


def two_dimensional(hist: Histogram) -> Histogram:
    """``hist`` where it has two axes; else the gap says so."""
    if hist.dimension != 2:
        raise NotReducible(Reason.WRONG_CLASS, f"{hist.name} is a {hist.class_name}; the metric reads maps")
    return hist


def has_axis(hist: Histogram, axis: int) -> None:
    """Refuse what ROOT answers with 0: the mean along an axis that the histogram does not have."""
    if axis > hist.dimension + hist.is_profile:
        raise NotReducible(Reason.WRONG_CLASS, f"{hist.name} is a {hist.class_name} without axis {axis}")


def finite(number: float) -> float:
    """A number that is one; histograms of broken files may hold others."""
    if not math.isfinite(number):
        raise NotReducible(Reason.NOT_FINITE, f"a sum of bins is {number}")
    return number


def square_root(number: float) -> float:
    """The root of what should not be negative; where it is, the error has no meaning and so the point has none."""
    if number < 0:
        raise NotReducible(Reason.OUT_OF_RANGE, f"an error would be the square root of {number:g}")
    return math.sqrt(number)


def ratio(above: float, below: float, what: str = "the denominator") -> float:
    """A ratio that has a meaning."""
    if below == 0:
        raise NotReducible(Reason.NO_DENOMINATOR, f"{what} is 0")
    return above / below
