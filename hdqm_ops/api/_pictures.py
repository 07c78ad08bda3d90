"""Histograms as pictures, by matplotlib: its parts that keep no state, one picture at a time."""

import io
import threading
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.errors import MissingTool
from hdqm_ops.model import Axis, Histogram

__all__ = ["draw"]

Drawn: TypeAlias = tuple[Histogram, NDArray[np.float64]]

_ONE_AT_A_TIME = threading.Lock()  # matplotlib's caches of fonts and texts are not made for threads
_DPI = 100
_COLOUR, _OTHER = "#1f77b4", "#d62728"
_MANY_LABELS = 60


def draw(
    hist: Drawn,
    reference: Drawn | None,
    *,
    form: Literal["svg", "png"],
    title: str,
    labels: tuple[str, str],
    normalise: bool,
    log: frozenset[str],
    size: tuple[int, int],
) -> bytes:
    """A picture of a histogram or profile of one or two dimensions; the same for the same arguments.

    Args:
        hist: the histogram and its errors, flow included.
        reference: another one of as many dimensions; in two dimensions it is drawn beside.
        form: of the picture.
        title: what stands above.
        labels: what the legend calls both.
        normalise: whether the reference is scaled to the integral of the histogram.
        log: axes that are logarithmic: ``x``, ``y``, ``z``. What is not positive is left out there.
        size: width and height in pixels.

    Raises:
        MissingTool: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context  # noqa: PLC0415 - optional, and half a second to import
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        raise MissingTool(
            "pictures need matplotlib on the server (pip install 'hdqm-ops[plot]'); JSON is there"
        ) from None
    # ROOT's titles are no TeX; ids of an SVG are to be the same each time
    settings: Any = {"text.parse_math": False, "svg.hashsalt": "hdqm", "svg.fonttype": "path", "font.size": 9}
    with _ONE_AT_A_TIME, rc_context(settings):
        figure = Figure(figsize=(size[0] / _DPI, size[1] / _DPI), dpi=_DPI, layout="constrained")
        if hist[0].dimension == 1:
            _lines(figure.subplots(), hist, _scaled(reference, hist, normalise=normalise), labels, log)
        else:
            _maps(figure, hist, reference, labels, log)
        figure.suptitle(_plain(title), fontsize=10)
        told = io.BytesIO()
        figure.savefig(told, format=form, dpi=_DPI, metadata={"Date": None} if form == "svg" else {"Software": None})
    return told.getvalue()


def _plain(text: str) -> str:
    """A text without what cannot be drawn or stand in XML."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:200]


def _scaled(reference: Drawn | None, hist: Drawn, *, normalise: bool) -> Drawn | None:
    if reference is None or not normalise or reference[0].is_profile:
        return reference
    ours, theirs = (one[0].contents()[1:-1].sum() for one in (hist, reference))
    factor = ours / theirs if theirs else 1.0
    other = reference[0]
    cells = np.asarray(other.cells * factor, np.float64)
    return Histogram(other.class_name, other.name, other.axes, cells, other.entries, ()), reference[1] * factor


# -- one dimension -----------------------------------------------------------------------------------------------------


def _lines(axes: Any, hist: Drawn, reference: Drawn | None, labels: tuple[str, str], log: frozenset[str]) -> None:
    _line(axes, hist, labels[0], _COLOUR, fill=True)
    if reference is not None:
        _line(axes, reference, labels[1], _OTHER, fill=False)
        axes.legend(loc="best")
    one = hist[0]
    axes.set_title(_plain(one.title), fontsize=9)
    _name_axis(axes, "x", one.axes[0])
    axes.set_xlim(*_ends(one.axes[0], logarithmic="x" in log))
    if "x" in log:
        axes.set_xscale("log", nonpositive="clip")
    if "y" in log and np.any(one.contents()[1:-1] > 0):
        axes.set_yscale("log", nonpositive="clip")
    axes.grid(visible=True, alpha=0.3)
    axes.text(0.995, 1.01, f"entries {one.entries:g}", transform=axes.transAxes, ha="right", va="bottom", fontsize=8)


def _line(axes: Any, drawn: Drawn, label: str, colour: str, *, fill: bool) -> None:
    hist, errors = drawn
    edges, contents, errors = hist.axes[0].bin_edges(), hist.contents()[1:-1], errors[1:-1]
    centers = 0.5 * (edges[:-1] + edges[1:])
    if hist.is_profile:
        filled = np.asarray(hist.bin_entries)[1:-1] != 0
        widths = 0.5 * np.diff(edges)
        axes.errorbar(
            centers[filled],
            contents[filled],
            np.nan_to_num(errors[filled]),
            widths[filled],
            fmt=".",
            color=colour,
            label=label,
            markersize=3,
            linewidth=0.8,
        )
        return
    axes.stairs(contents, edges, color=colour, label=label, fill=fill, alpha=0.35 if fill else 1.0)
    if fill:
        axes.stairs(contents, edges, color=colour)
    if hist.sumw2 is not None:
        axes.errorbar(centers, contents, errors, fmt="none", ecolor=colour, elinewidth=0.6)


# -- two dimensions ----------------------------------------------------------------------------------------------------


def _maps(figure: Any, hist: Drawn, reference: Drawn | None, labels: tuple[str, str], log: frozenset[str]) -> None:
    shown = [hist] if reference is None else [hist, reference]
    panels = np.atleast_1d(figure.subplots(1, len(shown)))
    for axes, (one, _), label in zip(panels, shown, labels, strict=False):
        _map(figure, axes, one, log)
        axes.set_title(_plain(one.title if reference is None else label), fontsize=9)


def _map(figure: Any, axes: Any, hist: Histogram, log: frozenset[str]) -> None:
    from matplotlib.colors import LogNorm  # noqa: PLC0415 - see draw

    contents = hist.contents()[1:-1, 1:-1]
    empty = hist.grid(np.asarray(hist.bin_entries))[1:-1, 1:-1] == 0 if hist.is_profile else contents == 0
    positive = "z" in log and bool(np.any(contents > 0))
    masked = np.ma.masked_array(contents, empty | ~np.isfinite(contents) | (positive & (contents <= 0)))
    x, y = hist.axes[0].bin_edges(), hist.axes[1].bin_edges()
    mesh = axes.pcolormesh(x, y, masked.T, cmap="viridis", norm=LogNorm() if positive else None, rasterized=True)
    figure.colorbar(mesh, ax=axes)
    for name, axis in zip("xy", hist.axes, strict=True):
        _name_axis(axes, name, axis)
        getattr(axes, f"set_{name}lim")(*_ends(axis, logarithmic=name in log))
        if name in log:
            getattr(axes, f"set_{name}scale")("log", nonpositive="clip")


def _ends(axis: Axis, *, logarithmic: bool) -> tuple[float, float]:
    """Ends of a drawn axis; a logarithmic one begins at the first positive edge."""
    low, high = axis.low, axis.high
    if logarithmic and low <= 0:
        positive = axis.bin_edges()[axis.bin_edges() > 0]
        low, high = (float(positive[0]), max(high, float(positive[0]) * 10)) if positive.size else (0.1, 1.0)
    return low, high


def _name_axis(axes: Any, letter: str, axis: Axis) -> None:
    getattr(axes, f"set_{letter}label")(_plain(axis.title))
    if axis.labels:
        every = -(-axis.n // _MANY_LABELS)
        named = {number: label for number, label in sorted(axis.labels.items()) if 1 <= number <= axis.n}
        edges = axis.bin_edges()
        places = [number for number in named if (number - 1) % every == 0]
        turned = {"rotation": 90} if letter == "x" and len(places) > 6 else {}
        getattr(axes, f"set_{letter}ticks")(
            [0.5 * (edges[number - 1] + edges[number]) for number in places],
            [_plain(named[number])[:30] for number in places],
            fontsize=7,
            **turned,
        )
