"""Histograms as ROOT would have filled them: cells, flow, and the moments that ROOT sums at each fill."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.model import Axis, Histogram

__all__ = ["axis", "counted", "empty", "filled", "labelled", "profiled"]

Doubles = NDArray[np.float64]

_TYPES: dict[str, tuple[type[Any], float | None]] = {
    "C": (np.int8, 127),
    "S": (np.int16, 32767),
    "I": (np.int32, 2**31 - 1),
    "F": (np.float32, None),
    "D": (np.float64, None),
}
"""Last letter of a class → type of its cells, and the value at which ROOT lets them saturate."""

_MOMENTS = {
    1: ("", "x", "xx"),
    2: ("", "x", "xx", "y", "yy", "xy"),
    3: ("", "x", "xx", "y", "yy", "xy", "z", "zz", "xz", "yz"),
}
"""Dimension → the sums of ROOT's GetStats beside Σw², each a product of coordinates."""


def axis(n: int, low: float, high: float, title: str = "") -> Axis:
    """An axis of equal bins."""
    return Axis(n, float(low), float(high), title=title)


def labelled(labels: Sequence[str]) -> Axis:
    """An axis whose bins are all labelled."""
    return Axis(len(labels), 0.0, float(len(labels)), labels=dict(enumerate(labels, 1)), extendable=True)


def filled(
    class_name: str, axes: Sequence[Axis], *coordinates: Doubles, weights: Doubles | None = None, sumw2: bool = False
) -> Histogram:
    """A histogram after ``Fill`` of each point; weights imply that Σw² is kept per cell."""
    cells, inside = _cells(axes, coordinates)
    weight = np.ones(len(cells)) if weights is None else weights
    size = _size(axes)
    return Histogram(
        class_name=class_name,
        name="",
        axes=tuple(axes),
        cells=_stored(class_name, _summed(cells, weight, size)),
        entries=float(len(cells)),
        sums=_sums(len(axes), [values[inside] for values in coordinates], weight[inside]),
        sumw2=_summed(cells, weight**2, size) if sumw2 or weights is not None else None,
    )


def profiled(axes: Sequence[Axis], *coordinates: Doubles) -> Histogram:
    """A TProfile or TProfile2D after ``Fill``; the last coordinates are the profiled quantity."""
    *places, values = coordinates
    cells, inside = _cells(axes, places)
    size = _size(axes)
    sums = _sums(len(axes), [place[inside] for place in places], np.ones(int(inside.sum())))
    return Histogram(
        class_name="TProfile" if len(axes) == 1 else f"TProfile{len(axes)}D",
        name="",
        axes=tuple(axes),
        cells=_summed(cells, values, size),
        entries=float(len(cells)),
        sums=(*sums, float(values[inside].sum()), float((values[inside] ** 2).sum())),
        sumw2=_summed(cells, values**2, size),
        bin_entries=_summed(cells, np.ones(len(cells)), size),
    )


def counted(class_name: str, axes: Sequence[Axis], content: Doubles, errors: Doubles | None = None) -> Histogram:
    """A histogram made by ``SetBinContent`` (and ``SetBinError``) of each bin in range, indexed [ix, iy].

    ROOT forgets the moments then: they are 0, and are computed from the bins when they are asked for.
    """
    return Histogram(
        class_name=class_name,
        name="",
        axes=tuple(axes),
        cells=_stored(class_name, _with_flow(content)),
        entries=float(content.size),
        sums=(0.0,) * (len(_MOMENTS[len(axes)]) + 1),
        sumw2=None if errors is None else _with_flow(errors) ** 2,
    )


def empty(histogram: Histogram) -> Histogram:
    """The same histogram before the first fill."""
    none = np.zeros(len(histogram.cells))
    return Histogram(
        class_name=histogram.class_name,
        name=histogram.name,
        axes=histogram.axes,
        cells=none.astype(histogram.cells.dtype),
        entries=0.0,
        sums=(0.0,) * len(histogram.sums),
        sumw2=None if histogram.sumw2 is None else none,
        bin_entries=None if histogram.bin_entries is None else none,
        title=histogram.title,
    )


def _size(axes: Sequence[Axis]) -> int:
    return int(np.prod([axis.n + 2 for axis in axes]))


def _summed(cells: NDArray[np.int64], weights: Doubles, size: int) -> Doubles:
    return np.bincount(cells, weights, size).astype(np.float64)


def _cells(axes: Sequence[Axis], coordinates: Sequence[Doubles]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Global bin of each point, and whether it lies in range on every axis."""
    cells = np.zeros(len(coordinates[0]), dtype=np.int64)
    inside = np.ones(len(cells), dtype=bool)
    stride = 1
    for one, values in zip(axes, coordinates, strict=True):
        within = (values >= one.low) & (values < one.high)
        bins = np.where(values < one.low, 0, one.n + 1)
        bins[within] = 1 + (one.n * (values[within] - one.low) / (one.high - one.low)).astype(np.int64)
        cells += stride * bins
        inside &= within
        stride *= one.n + 2
    return cells, inside


def _sums(dimension: int, coordinates: Sequence[Doubles], weight: Doubles) -> tuple[float, ...]:
    """Σw, Σw², Σwx, … in the order of GetStats."""
    by_letter = dict(zip("xyz", coordinates, strict=False))
    moments = []
    for letters in _MOMENTS[dimension]:
        product = weight
        for letter in letters:
            product = product * by_letter[letter]
        moments.append(float(product.sum()))
    return (moments[0], float((weight**2).sum()), *moments[1:])


def _stored(class_name: str, content: Doubles) -> NDArray[Any]:
    kind, limit = _TYPES[class_name[-1]]
    return (content if limit is None else np.clip(content, -limit, limit)).astype(kind)


def _with_flow(content: Doubles) -> Doubles:
    """Cells of all bins, flat in ROOT's order, flow cells 0."""
    return np.pad(content, 1).T.ravel()
