"""Read-out boxes (RBX) of the hadron calorimeter: which cells of the 84 x 72 maps of ieta and iphi belong to each.

The tables that the detector's own maps hold follow from a few rules, which stand here in their place.
Bins of x: ieta + 43 on the minus side and ieta + 42 on the plus side; HF stands one bin further out.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["boxes", "cells_of_boxes"]

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
