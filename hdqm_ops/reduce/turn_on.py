"""Turn-on curves of efficiencies, with all digits."""

import math
from dataclasses import dataclass

from hdqm_ops.model import Histogram, Measurement
from hdqm_ops.reduce._registry import metric
from hdqm_ops.reduce._turn_on import no_turn_on, turn_on_point


@metric
@dataclass(frozen=True, slots=True)
class TurnOnPoint:
    """Place along x at which the efficiency rises through a given value.

    Attributes:
        efficiency: the value, between 0 and 1.

    Value: linear between the centres of the two bins around it.
    Error: from both bins' errors and widths / √12.
    Gaps: no_turn_on where it never rises through it, or a bin beside it has an error above 20 %; wrong_class for maps.
    Example: turn_on.TurnOnPoint(0.5)
    """

    efficiency: float

    def __post_init__(self) -> None:
        if not 0 <= self.efficiency <= 1:
            raise ValueError(f"an efficiency lies between 0 and 1, not {self.efficiency!r}")

    def __call__(self, hist: Histogram) -> Measurement:
        return turn_on_point(hist, self.efficiency)


@metric
@dataclass(frozen=True, slots=True)
class TurnOnWidth:
    """Width of the turn-on between two efficiencies.

    Attributes:
        low: the efficiency where it begins.
        high: the efficiency where it ends, above ``low`` and at most 1.

    Value: place where the curve rises through ``high`` - place where it rises through ``low``.
    Error: both errors in quadrature.
    Gaps: no_turn_on where it does not rise through both, in this order, or a bin beside has an error above 20 %;
        wrong_class for maps.
    Example: turn_on.TurnOnWidth(0.2, 0.8)
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 1:
            raise ValueError(f"0 ≤ low < high ≤ 1 is not so for {self.low!r} and {self.high!r}")

    def __call__(self, hist: Histogram) -> Measurement:
        begin, end = turn_on_point(hist, self.low), turn_on_point(hist, self.high)
        if end.value <= begin.value:
            raise no_turn_on(f"the curve rises through {self.high:g} before {self.low:g}")
        return Measurement(end.value - begin.value, math.hypot(begin.error, end.error))
