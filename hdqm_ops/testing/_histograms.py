"""Histograms drawn in a line of text.

::

    draw_hist("0 1 2 3 | 1 0 4")               three bins from 0 to 3 with their contents
    draw_hist("0 1 2 | [7] 1 4 [9]")           with underflow and overflow
    draw_hist("0 1 2 | 1 4 | 0.5 1")           with bin errors
    draw_map("1 2 / 3 4")                      rows of a map from the bottom up, each bin of width 1
    draw_profile("0 1 2 | 3 4; 5")             what was filled into each bin of a TProfile

Moments are those of entries at the bin centres, so that ``GetMean`` is what one reads off the drawing.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.model import Axis, Histogram

__all__ = ["draw_hist", "draw_map", "draw_profile", "draw_profile_map"]

Doubles: TypeAlias = NDArray[np.float64]

_TYPES: dict[str, type] = {"C": np.int8, "S": np.int16, "I": np.int32, "F": np.float32, "D": np.float64}


def draw_hist(
    drawing: str,
    *,
    name: str = "drawn",
    class_name: str = "TH1D",
    labels: Sequence[str] | None = None,
    entries: float | None = None,
    **more: Any,
) -> Histogram:
    """A curve from edges, contents and, where given, errors, separated by bars.

    Args:
        drawing: ``edges | contents`` or ``edges | contents | errors``; flow in brackets before and after the contents.
        name: name of the histogram.
        class_name: ROOT class, whose last letter says the type of the cells.
        labels: labels of the bins.
        entries: ``fEntries`` where it is not the sum of the contents.
        more: further fields of `hdqm_ops.model.Histogram`, as ``maximum=5.``.
    """
    edges, contents, *errors = (part.split() for part in drawing.split("|"))
    axis = _axis([float(edge) for edge in edges], labels or ())
    cells = _with_flow(contents, axis.n)
    sumw2 = _with_flow(errors[0], axis.n) ** 2 if errors else None
    inside = slice(1, -1)
    weights = cells[inside]
    squares = weights if sumw2 is None else sumw2[inside]
    centers = axis.centers()[inside]
    sums = (weights.sum(), squares.sum(), weights @ centers, weights @ centers**2)
    return Histogram(
        class_name,
        name,
        (axis,),
        cells.astype(_TYPES[class_name[-1]]),
        float(cells.sum()) if entries is None else entries,
        tuple(map(float, sums)),
        sumw2,
        **more,
    )


def _axis(edges: Sequence[float], labels: Sequence[str] = ()) -> Axis:
    n, low, high = len(edges) - 1, edges[0], edges[-1]
    even = all(math.isclose(edge, low + number * (high - low) / n) for number, edge in enumerate(edges))
    named: Mapping[int, str] = {number: label for number, label in enumerate(labels, start=1) if label}
    return Axis(n, low, high, None if even else np.array(edges, dtype=np.float64), named)


def _with_flow(texts: Sequence[str], n: int) -> Doubles:
    """Contents of all cells; ``[x]`` before the first is the underflow, after the last the overflow."""
    below = texts[0].strip("[]") if texts[0].startswith("[") else "0"
    above = texts[-1].strip("[]") if texts[-1].startswith("[") and len(texts) > 1 else "0"
    inside = [text for text in texts if not text.startswith("[")]
    if len(inside) != n:
        raise ValueError(f"{len(inside)} numbers are drawn for {n} bins: {' '.join(texts)}")
    return np.array([below, *inside, above], dtype=np.float64)


def draw_map(drawing: str, *, name: str = "drawn", class_name: str = "TH2D", **more: Any) -> Histogram:
    """A map from its rows, from the lowest y up, separated by slashes; bins have width 1 and begin at 0."""
    rows = [[float(number) for number in row.split()] for row in drawing.split("/")]
    inside = np.array(rows).T
    grid = np.zeros((inside.shape[0] + 2, inside.shape[1] + 2))
    grid[1:-1, 1:-1] = inside
    axes = tuple(Axis(n, 0.0, float(n)) for n in inside.shape)
    cells: NDArray[Any] = grid.T.reshape(-1).astype(_TYPES[class_name[-1]])
    return Histogram(class_name, name, axes, cells, float(inside.sum()), _sums_of_map(inside), **more)


def _sums_of_map(inside: Doubles) -> tuple[float, ...]:
    x, y = (np.arange(n) + 0.5 for n in inside.shape)
    along_x, along_y = inside.sum(axis=1), inside.sum(axis=0)
    total = inside.sum()
    sums = (total, total, along_x @ x, along_x @ x**2, along_y @ y, along_y @ y**2, x @ inside @ y)
    return tuple(map(float, sums))


def draw_profile(drawing: str, *, name: str = "drawn", error_mode: str = "", **more: Any) -> Histogram:
    """A profile from its edges and what was filled into each bin: ``0 1 2 | 3 4; 5`` puts 3 and 4 into the first."""
    edges, filled = drawing.split("|")
    axis = _axis([float(edge) for edge in edges.split()])
    groups = [[float(number) for number in group.split()] for group in filled.split(";")]
    if len(groups) != axis.n:
        raise ValueError(f"{len(groups)} groups are drawn for {axis.n} bins: {filled}")
    number, total, squares = _of_groups(groups)
    centers = axis.centers()
    sums = (number.sum(), number.sum(), number @ centers, number @ centers**2, total.sum(), squares.sum())
    entries = float(number.sum())
    moments = tuple(map(float, sums))
    return Histogram("TProfile", name, (axis,), total, entries, moments, squares, number, None, error_mode, **more)


def _of_groups(groups: Sequence[Sequence[float]]) -> tuple[Doubles, Doubles, Doubles]:
    """Number, sum and sum of squares of each bin, flow included."""
    number, total, squares = np.zeros((3, len(groups) + 2))
    for place, values in enumerate(groups, start=1):
        number[place], total[place], squares[place] = len(values), sum(values), sum(value**2 for value in values)
    return number, total, squares


def draw_profile_map(drawing: str, *, name: str = "drawn", error_mode: str = "", **more: Any) -> Histogram:
    """A profile of a map: rows as of `draw_map`, what was filled into each bin joined by commas, ``.`` for nothing."""
    rows = [[_numbers(cell) for cell in row.split()] for row in drawing.split("/")]
    ny, nx = len(rows), len(rows[0])
    number, total, squares = np.zeros((3, nx + 2, ny + 2))
    for iy, row in enumerate(rows, start=1):
        for ix, values in enumerate(row, start=1):
            number[ix, iy], total[ix, iy] = len(values), sum(values)
            squares[ix, iy] = sum(value**2 for value in values)
    sums = (*_sums_of_map(number[1:-1, 1:-1]), float(total.sum()), float(squares.sum()))
    flat = [np.ascontiguousarray(grid.T.reshape(-1)) for grid in (total, squares, number)]
    axes = (Axis(nx, 0.0, float(nx)), Axis(ny, 0.0, float(ny)))
    entries = float(number.sum())
    return Histogram("TProfile2D", name, axes, flat[0], entries, sums, flat[1], flat[2], None, error_mode, **more)


def _numbers(cell: str) -> list[float]:
    return [] if cell == "." else [float(number) for number in cell.split(",")]
