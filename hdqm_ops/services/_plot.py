"""Answers of OMS as pictures: one line a column, one panel a unit."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hdqm_ops.errors import ConfigError, MissingTool
from hdqm_ops.services._oms_row import Table

_AXES = ("first_lumisection_number", "lumisection_number", "run_number", "fill_number")


def plot(table: Table, columns: Sequence[str], path: Path, *, x: str | None = None, title: str = "") -> None:
    """Draw columns of an answer into a file; its suffix says the format (png, pdf, svg).

    Args:
        table: the answer.
        columns: names as in `Table.dicts`, as ``post_deadtime_rate``. Those of one unit share a panel.
        path: the file.
        x: column of the horizontal axis; without it lumisection, run or fill, whichever there is.
        title: what stands above.
    """
    told = table.dicts()
    if not told:
        raise ConfigError("there is nothing to draw: the answer has no rows")
    across = x or next((name for name in _AXES if name in told[0]), None)
    if across is None:
        raise ConfigError(f"say which column goes across: {', '.join(told[0])}")
    _known((across, *columns), told[0])
    panels = _panels(columns, table.units())
    figure = _figure(len(panels), title)
    for axes, (unit, names) in zip(figure.axes, panels.items(), strict=True):
        for name in names:
            axes.plot(
                [row[across] for row in told], [_number(row[name]) for row in told], ".-", label=name, linewidth=1
            )
        axes.set_ylabel(f"[{unit}]" if unit else "")
        axes.legend(loc="best", fontsize="small")
        axes.grid(visible=True, alpha=0.3)
    figure.axes[-1].set_xlabel(across.replace("_", " "))
    figure.savefig(path)


def _figure(panels: int, title: str) -> Any:
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - optional, and slow to import
    except ImportError:
        raise MissingTool("pictures need matplotlib: pip install 'hdqm-ops[plot]'") from None
    figure = Figure(figsize=(9, 2 + 2.5 * panels), layout="constrained")
    figure.subplots(panels, 1, sharex=True)
    if title:
        figure.suptitle(title)
    return figure


def _known(names: Iterable[str], row: dict[str, Any]) -> None:
    for name in names:
        if name not in row:
            near = "".join(f"; did you mean {one}?" for one in get_close_matches(name, row, n=1))
            raise ConfigError(f"the answer has no column {name!r}{near}")


def _panels(columns: Sequence[str], units: dict[str, str]) -> dict[str, list[str]]:
    panels: dict[str, list[str]] = {}
    for name in columns:
        panels.setdefault(units.get(name, ""), []).append(name)
    return panels


def _number(value: Any) -> float:
    """What is not known is a gap in the line."""
    return float("nan") if value is None else float(value)
