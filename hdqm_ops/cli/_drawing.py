"""A monitor element drawn as text, for ``hdqm reduce --show``."""

import numpy as np

from hdqm_ops.model import Axis, Doubles, ElementContent, ElementProblem, Histogram, Scalar

__all__ = ["draw"]

_BARS = " ▏▎▍▌▋▊▉█"
_SHADES = " ·░▒▓█"
_ROWS = 24
_COLUMNS = 60


def draw(path: str, element: ElementContent | None) -> str:
    """Several lines: a head, then bars for one dimension, shades for two."""
    match element:
        case None:
            return f"{path}: not in the file"
        case Scalar(value=value):
            return f"{path}: {value!r}"
        case ElementProblem(reason=reason, detail=detail):
            return f"{path}: {reason}: {detail}"
        case Histogram():
            return "\n".join([_head(path, element), *_body(element)])


def _head(path: str, histogram: Histogram) -> str:
    bins = " × ".join(str(axis.n) for axis in histogram.axes)
    return f"{path}: {histogram.class_name}, {bins} bins, {histogram.entries:g} entries"


def _body(histogram: Histogram) -> list[str]:
    contents = histogram.contents()
    if histogram.dimension == 1:
        return _bars(histogram.axes[0], contents[1:-1])
    if histogram.dimension == 2:
        return _shades(contents[1:-1, 1:-1])
    return ["  (three-dimensional: not drawn)"]


def _bars(axis: Axis, inside: Doubles) -> list[str]:
    """One line for each group of bins; groups sum their contents where there are more bins than lines."""
    step = -(-axis.n // _ROWS)
    edges = axis.bin_edges()
    sums = np.add.reduceat(inside, np.arange(0, axis.n, step))
    top = np.abs(sums).max(initial=0) or 1
    lines = []
    for row, total in enumerate(sums):
        label = axis.labels.get(row + 1) if step == 1 else None
        where = label or f"{edges[row * step]:.4g}"
        eighths = round(abs(total) / top * _COLUMNS * 8)
        bar = "█" * (eighths // 8) + _BARS[eighths % 8].strip()
        lines.append(f"  {where[:24]:>24} │{'-' if total < 0 else ''}{bar} {total:.6g}")
    return lines


def _shades(inside: Doubles) -> list[str]:
    """The map with y upwards; cells are summed into at most 24 lines of 60 columns."""
    x_step, y_step = -(-inside.shape[0] // _COLUMNS), -(-inside.shape[1] // _ROWS)
    sums = np.add.reduceat(np.add.reduceat(inside, np.arange(0, inside.shape[0], x_step), axis=0),
                           np.arange(0, inside.shape[1], y_step), axis=1)  # fmt: skip
    top = np.abs(sums).max(initial=0) or 1
    level = np.ceil(np.abs(sums) / top * (len(_SHADES) - 1)).astype(int)
    return ["  │" + "".join(_SHADES[k] for k in level[:, row]) for row in reversed(range(level.shape[1]))]
