"""Turn-on curves of efficiencies, with all digits."""

from dataclasses import dataclass

from hdqm_ops.model import Histogram, Measurement
from hdqm_ops.reduce._registry import metric
from hdqm_ops.reduce._turn_on import turn_on_point


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
