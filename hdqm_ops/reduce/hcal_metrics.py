"""Metrics of the hadron calorimeter, box by box (RBX): the predecessor's ``hcal_metrics`` family.

Three maps of ieta and iphi, one for each depth asked for: the main one, histo1 and histo2, in the order of ``depths``.
A cell of the box is active where the map of its depth is not 0.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Histogram, Measurement, Reason, Role
from hdqm_ops.reduce import _statistics as root
from hdqm_ops.reduce._rbx import boxes, cells_of_boxes
from hdqm_ops.reduce._registry import metric

Depths: TypeAlias = tuple[int, int, int]
Maps: TypeAlias = tuple[Histogram, Histogram | None, Histogram | None]
Counts: TypeAlias = NDArray[np.float64]

MAP_SHAPE = (86, 74)  # 84 x 72 with flow


@dataclass(frozen=True, slots=True)
class _OfBox:
    """A number of one box: what both metrics share.

    Attributes:
        name: the box, as ``HBM01``.
        depths: depths of the main map, histo1 and histo2; 0 where there is none.
    """

    name: str
    depths: Depths

    of_map: ClassVar[bool]  # which map is summed: the main one, or none (cells are counted)

    def __post_init__(self) -> None:
        if not all(0 <= depth <= 7 for depth in self.depths):
            raise ValueError(f"depths lie between 1 and 7 (0: none), not {self.depths}")

    @staticmethod
    def inputs_for(arguments: tuple[Any, ...]) -> tuple[Role, ...]:
        """A second and a third map are needed where a depth is asked of them."""
        roles: tuple[Role, ...] = ("histo1", "histo2")
        return tuple(role for role, depth in zip(roles, arguments[1][1:], strict=False) if depth)

    @staticmethod
    def always_zero(arguments: tuple[Any, ...]) -> str | None:
        """A box without cells at these depths can never see anything."""
        name, depths = arguments
        if name not in boxes():
            return f"there is no read-out box {name}"
        return None if len(cells_of_boxes((name,), tuple(depths))[0]) else f"{name} has no cells at depths {depths}"

    def __call__(
        self, hist: Histogram, histo1: Histogram | None = None, histo2: Histogram | None = None
    ) -> Measurement:
        (answer,) = self.reduce_many([self], [(hist, histo1, histo2)])
        if isinstance(answer, NotReducible):
            raise answer
        return answer

    @classmethod
    def reduce_many(cls, metrics: Sequence[Self], inputs: Sequence[Maps]) -> list[Measurement | NotReducible]:
        """All boxes of the same maps and depths in one array expression."""
        groups: defaultdict[Any, list[int]] = defaultdict(list)
        for index, (one, maps) in enumerate(zip(metrics, inputs, strict=True)):
            groups[one.depths, *map(id, maps)].append(index)
        answers: dict[int, Measurement | NotReducible] = {}
        for members in groups.values():
            boxes = [metrics[index] for index in members]
            answers |= zip(members, cls._of_one_stack(boxes, inputs[members[0]]), strict=True)
        return [answers[index] for index in range(len(metrics))]

    @classmethod
    def _of_one_stack(cls, metrics: Sequence[Self], maps: Maps) -> Sequence[Measurement | NotReducible]:
        names, depths = tuple(one.name for one in metrics), metrics[0].depths
        try:
            stack = _stack(maps, depths)
        except NotReducible as refusal:
            return [refusal] * len(names)
        place, x, y, owner = cells_of_boxes(names, depths)
        active = stack[place, x, y] != 0
        known = np.bincount(owner, minlength=len(names))
        counts = np.bincount(owner[active], minlength=len(names)).astype(np.float64)
        totals = np.bincount(owner[active], weights=stack[0][x[active], y[active]], minlength=len(names))
        return [
            one._answer(*numbers) if cells else one._no_such_depth()  # noqa: SLF001 - its own class
            for one, cells, *numbers in zip(metrics, known.tolist(), counts.tolist(), totals.tolist(), strict=True)
        ]

    def _answer(self, count: float, total: float) -> Measurement | NotReducible:
        raise NotImplementedError

    def _no_such_depth(self) -> NotReducible:
        wanted = [depth for depth in self.depths if depth]
        return NotReducible(Reason.NOT_APPLICABLE, f"{self.name} has no cells at depth {wanted}")


def _stack(maps: Maps, depths: Depths) -> Counts:
    """The three maps as one array; a depth of 0 leaves its map empty."""
    stack = np.zeros((3, *MAP_SHAPE))
    for place, (hist, depth) in enumerate(zip(maps, depths, strict=True)):
        if place and not depth:
            continue
        if hist is None:
            raise NotReducible(Reason.INPUT_MISSING, f"depth {depth} needs histo{place}")
        if hist.shape != MAP_SHAPE:
            raise NotReducible(Reason.WRONG_CLASS, f"{hist.name} is no map of 84 x 72 bins")
        stack[place] = root.contents(hist)
    return stack


@metric
@dataclass(frozen=True, slots=True)
class RBXCountNonZeroChan(_OfBox):
    """Number of active cells of a read-out box. A dead box counts 0, and that is a measurement.

    Attributes:
        name: the box, as HBM01.
        depths: depths of the main map, histo1 and histo2; 0 where there is none.

    Value: number of cells of the box at these depths whose map is not 0.
    Error: 0.
    Gaps: not_applicable for a box without these depths, or an unknown one; input_missing; wrong_class.
    Example: hcal_metrics.RBXCountNonZeroChan('HBM01', (1, 2, 0))
    """

    def _answer(self, count: float, total: float) -> Measurement:
        del total
        return Measurement(count, 0.0)


@metric
@dataclass(frozen=True, slots=True)
class RBXMean(_OfBox):
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

    def _answer(self, count: float, total: float) -> Measurement | NotReducible:
        if not count:
            return NotReducible(Reason.HISTOGRAM_EMPTY, f"{self.name} has no active cell")
        return Measurement(total / count, 0.0)
