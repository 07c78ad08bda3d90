"""Read-out boxes of the hadron calorimeter, without the quirks of ``hcal_metrics``."""

from dataclasses import dataclass

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Measurement, Reason
from hdqm_ops.reduce._rbx import OfBox
from hdqm_ops.reduce._registry import metric


@metric
@dataclass(frozen=True, slots=True)
class RBXMeanOfDepths(OfBox):
    """Mean over the active cells of a read-out box, each in the map of its own depth.

    Attributes:
        name: the box, as HBM01.
        depths: depths of the main map, histo1 and histo2; 0 where there is none.

    Value: Σ of active cells, over their number.
    Error: 0.
    Gaps: not_applicable for a box without these depths, or an unknown one; histogram_empty where no cell is active;
        input_missing; wrong_class.
    Example: hcal.RBXMeanOfDepths('HBM01', (1, 2, 0))
    """

    def answer(self, count: float, total: float, own_total: float) -> Measurement | NotReducible:
        del total
        if not count:
            return NotReducible(Reason.HISTOGRAM_EMPTY, f"{self.name} has no active cell")
        return Measurement(own_total / count, 0.0)
