"""Read-out boxes (RBX) of the hadron calorimeter: which cells of the 84 x 72 maps of ieta and iphi belong to each.

The tables that the detector's own maps hold follow from a few rules, which stand here in their place.
Bins of x: ieta + 43 on the minus side and ieta + 42 on the plus side; HF stands one bin further out.
"""

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Histogram, Measurement, Reason, Role
from hdqm_ops.reduce import _statistics as root

__all__ = ["OfBox", "boxes", "cells_of_boxes"]

Cell: TypeAlias = tuple[int, int, int]  # bin along x, bin along y, depth

_HE_DEPTHS = {
    16: (4,),
    17: (2, 3),
    18: (1, 2, 3, 4, 5),
    **dict.fromkeys(range(19, 26), (1, 2, 3, 4, 5, 6)),
    **dict.fromkeys(range(26, 29), (1, 2, 3, 4, 5, 6, 7)),
    29: (1, 2, 3),
}

# iphi of the two outermost rings of HF, |ieta| 40 and 41, which are split by hand among the boxes
_HF_OUTER = {
    "P": {
        1: ((3, 71), (3, 7)),
        2: ((7, 11, 15), (11, 15)),
        3: ((19, 23), (19, 23)),
        4: ((27, 31), (27, 31, 35)),
        5: ((35, 39), (39, 43)),
        6: ((43, 47, 51), (47, 51)),
        7: ((55, 59), (55, 59)),
        8: ((63, 67), (63, 67, 71)),
    },
    "M": {
        1: ((3, 7), (3, 7, 71)),
        2: ((11, 15), (11, 15)),
        3: ((19, 23, 27), (19, 23)),
        4: ((31, 35), (27, 31)),
        5: ((39, 43), (35, 39, 43)),
        6: ((47, 51), (47, 51)),
        7: ((55, 59, 63), (55, 59)),
        8: ((67, 71), (63, 67)),
    },
}


def _wrap(iphi: int) -> int:
    return (iphi - 1) % 72 + 1


def _column(side: str, eta: int, outward: int = 0) -> int:
    """Bin along x of |ieta| on a side; ``outward`` moves it away from the centre."""
    return 43 - eta - outward if side == "M" else 42 + eta + outward


def _barrel(side: str, n: int) -> Iterator[Cell]:
    for eta in range(1, 17):
        for depth in range(1, 5 if eta < 16 else 4):
            yield from ((_column(side, eta), _wrap(iphi), depth) for iphi in range(4 * n - 5, 4 * n - 1))


def _endcap(side: str, n: int) -> Iterator[Cell]:
    wedge = [_wrap(iphi) for iphi in range(4 * n - 5, 4 * n - 1)]
    for eta, depths in _HE_DEPTHS.items():
        rows = wedge if eta < 21 else [iphi for iphi in wedge if iphi % 2]
        yield from ((_column(side, eta), iphi, depth) for iphi in rows for depth in depths)


def _forward(side: str, n: int) -> Iterator[Cell]:
    for eta in range(29, 42):
        for iphi in _forward_rows(side, n, eta):
            yield from ((_column(side, eta, outward=1), iphi, depth) for depth in (1, 2, 3, 4))


def _forward_rows(side: str, n: int, eta: int) -> Iterable[int]:
    if eta >= 40:
        return _HF_OUTER[side][n][eta - 40]
    base = 18 * ((n + 1) // 2 - 1)
    five, four = ((1, 3, 5, 7, 9), (1, 3, 5, 7)) if n % 2 else ((9, 11, 13, 15, 17), (11, 13, 15, 17))
    inner_has_five = (n % 2 == 1) == (side == "P")
    return [base + step for step in (five if (eta <= 34) == inner_has_five else four)]


def _outer_central(n: int) -> Iterator[Cell]:
    for side in "MP":
        for eta in range(1, 5):
            yield from ((_column(side, eta), _wrap(iphi), 4) for iphi in range(6 * n - 7, 6 * n - 1))


def _outer(ring: int, side: str, n: int) -> Iterator[Cell]:
    sector = n // 2
    for eta in range(5, 11) if ring == 1 else range(11, 16):
        yield from ((_column(side, eta), _wrap(iphi), 4) for iphi in range(12 * sector - 13, 12 * sector - 1))


@functools.cache
def boxes() -> Mapping[str, NDArray[np.intp]]:
    """All 124 boxes: name → its cells, one (bin along x, bin along y, depth) a row."""
    cells: dict[str, Iterable[Cell]] = {}
    for side in "MP":
        cells |= {f"HB{side}{n:02}": _barrel(side, n) for n in range(1, 19)}
        cells |= {f"HE{side}{n:02}": _endcap(side, n) for n in range(1, 19)}
        cells |= {f"HF{side}{n:02}": _forward(side, n) for n in range(1, 9)}
        cells |= {f"HO{ring}{side}{n:02}": _outer(ring, side, n) for ring in (1, 2) for n in range(2, 13, 2)}
    cells |= {f"HO0{n:02}": _outer_central(n) for n in range(1, 13)}
    return MappingProxyType({name: np.array(list(rows), dtype=np.intp) for name, rows in cells.items()})


@functools.lru_cache(maxsize=1024)
def cells_of_boxes(names: tuple[str, ...], depths: tuple[int, int, int]) -> tuple[NDArray[np.intp], ...]:
    """Cells of some boxes at the wanted depths, ready to index a stack of maps.

    Returns:
        For each cell: its place in ``depths``, its bin along x, its bin along y, and its box as index into ``names``.
    """
    wanted = [depth for depth in depths if depth]
    found = [boxes().get(name, np.empty((0, 3), dtype=np.intp)) for name in names]
    owner = np.repeat(np.arange(len(names)), [len(rows) for rows in found])
    x, y, depth = np.concatenate(found).T if found else np.empty((3, 0), dtype=np.intp)
    keep = np.isin(depth, wanted)
    place_of = np.zeros(8, dtype=np.intp)
    for place in (2, 1, 0):  # where two places name one depth, the first counts
        place_of[depths[place]] = place
    return place_of[depth[keep]], x[keep], y[keep], owner[keep]


# -- metrics of boxes -------------------------------------------------------------------------------------------------

Depths: TypeAlias = tuple[int, int, int]
Maps: TypeAlias = tuple[Histogram, Histogram | None, Histogram | None]
Counts: TypeAlias = NDArray[np.float64]

MAP_SHAPE = (86, 74)  # 84 x 72 with flow


@dataclass(frozen=True, slots=True)
class OfBox:
    """A number of one box: what both metrics share.

    Attributes:
        name: the box, as ``HBM01``.
        depths: depths of the main map, histo1 and histo2; 0 where there is none.
    """

    name: str
    depths: Depths

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
        cells = (x[active], y[active])
        totals = np.bincount(owner[active], weights=stack[0][cells], minlength=len(names))
        own_totals = np.bincount(owner[active], weights=stack[(place[active], *cells)], minlength=len(names))
        return [
            one.answer(*numbers) if exist else one.no_such_depth()
            for one, exist, *numbers in zip(
                metrics, known.tolist(), counts.tolist(), totals.tolist(), own_totals.tolist(), strict=True
            )
        ]

    def answer(self, count: float, total: float, own_total: float) -> Measurement | NotReducible:
        """What a box with cells at these depths gives.

        Args:
            count: number of active cells.
            total: sum of the main map over them.
            own_total: sum of each one's own map.
        """
        raise NotImplementedError

    @functools.cache  # noqa: B019 - there are as many as there are trends
    def no_such_depth(self) -> NotReducible:
        """Why a box without cells at these depths gives nothing."""
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
