"""Where an efficiency rises through a value: what both families of turn-on metrics share."""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Histogram, Measurement, Reason
from hdqm_ops.reduce import _statistics as root

__all__ = ["bin_below", "no_turn_on", "turn_on_place", "turn_on_point"]

Doubles: TypeAlias = NDArray[np.float64]

MOST_UNCERTAIN = 0.2  # relative error of a bin beside the turn-on point, above which the point means nothing


def no_turn_on(why: str) -> NotReducible:
    """The gap of a curve without turn-on."""
    return NotReducible(Reason.NO_TURN_ON, why)


def bin_below(cells: Doubles, eff: float) -> int:
    """First bin of 1…N - 2 that is at or below an efficiency while the next is above; 0 where there is none."""
    crossing = np.flatnonzero((cells[1:-3] <= eff) & (cells[2:-2] > eff))
    return int(crossing[0]) + 1 if len(crossing) else 0


def _error_of_bin(hist: Histogram, number: int) -> float:
    """Error of a bin, or a guess from the entries where the stored one is as large as the efficiency."""
    cell, error = root.content(hist, number), root.error(hist, number)
    if error < cell:
        return error
    expected = cell * hist.entries / (2 * hist.axes[0].n)
    if expected <= 0:
        raise no_turn_on(f"bin {number} beside the turn-on point is empty")
    return cell / math.sqrt(expected)


def turn_on_place(hist: Histogram, eff: float, number: int) -> Measurement:
    """Where the straight line from the centre of a bin to the next one crosses an efficiency."""
    low, high = root.content(hist, number), root.content(hist, number + 1)
    error_low, error_high = _error_of_bin(hist, number), _error_of_bin(hist, number + 1)
    if low == 0 or error_low / low > MOST_UNCERTAIN or error_high / high > MOST_UNCERTAIN:
        raise no_turn_on(f"the bins beside {eff:g} are too uncertain")
    weight_low, weight_high = (high - eff) / (high - low), (eff - low) / (high - low)
    centers, edges = hist.axes[0].centers(), hist.axes[0].bin_edges()
    inverse_slope = (centers[number + 1] - centers[number]) / (high - low)
    place = weight_low * centers[number] + weight_high * centers[number + 1]
    width_low, width_high = np.diff(edges)[number - 1 : number + 1] / math.sqrt(12)
    error = math.hypot(
        weight_low * width_low,
        weight_high * width_high,
        inverse_slope * weight_low * error_low,
        inverse_slope * weight_high * error_high,
    )
    return Measurement(float(place), error)


def turn_on_point(hist: Histogram, eff: float) -> Measurement:
    """Where the curve first rises through an efficiency."""
    number = bin_below(root.contents(root.one_dimensional(hist)), eff)
    if not number:
        raise no_turn_on(f"the efficiency never rises through {eff:g}")
    return turn_on_place(hist, eff, number)
