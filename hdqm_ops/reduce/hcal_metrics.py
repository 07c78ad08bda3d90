"""Metrics of the hadron calorimeter, box by box (RBX): the predecessor's ``hcal_metrics`` family.

Three maps of ieta and iphi, one for each depth asked for: the main one, histo1 and histo2, in the order of ``depths``.
A cell of the box is active where the map of its depth is not 0.
"""

from dataclasses import dataclass

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Measurement, Reason
from hdqm_ops.reduce._rbx import OfBox
from hdqm_ops.reduce._registry import metric


@metric
@dataclass(frozen=True, slots=True)
class RBXCountNonZeroChan(OfBox):
    """Number of active cells of a read-out box. A dead box counts 0, and that is a measurement.

    Attributes:
        name: the box, as HBM01.
        depths: depths of the main map, histo1 and histo2; 0 where there is none.

    Value: number of cells of the box at these depths whose map is not 0.
    Error: 0.
    Gaps: not_applicable for a box without these depths, or an unknown one; input_missing; wrong_class.
    Example: hcal_metrics.RBXCountNonZeroChan('HBM01', (1, 2, 0))
    """

    def answer(self, count: float, total: float, own_total: float) -> Measurement:
        del total, own_total
        return Measurement(count, 0.0)


@metric
@dataclass(frozen=True, slots=True)
class RBXMean(OfBox):
    """Mean of the main map over the active cells of a read-out box.

    Attributes:
        name: the box, as HBM01.
        depths: depths of the main map, histo1 and histo2; 0 where there is none.

    Value: Σ of the main map over active cells, over their number.
    Error: 0.
    Gaps: not_applicable for a box without these depths, or an unknown one; histogram_empty where no cell is active;
        input_missing; wrong_class.
    Quirk: the main map is summed also for cells that another map activates;
        `hcal.RBXMeanOfDepths` sums each cell's own.
    Example: hcal_metrics.RBXMean('HO001', (3, 4, 0))
    """

    def answer(self, count: float, total: float, own_total: float) -> Measurement | NotReducible:
        del own_total
        if not count:
            return NotReducible(Reason.HISTOGRAM_EMPTY, f"{self.name} has no active cell")
        return Measurement(total / count, 0.0)
