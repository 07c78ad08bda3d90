"""What commands print: results and ``--json`` to stdout, everything else to stderr."""

import errno
import json
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from hdqm_ops.printable import printable

__all__ = ["NO_ROOM", "Advance", "OneLine", "err", "out", "print_json", "progress", "table", "tell"]

NO_ROOM = {errno.ENOSPC, errno.EDQUOT}

_WIDE = None if sys.stdout.isatty() else 140  # a log or a pipe has no width of its own

out = Console(highlight=False, soft_wrap=True, width=_WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Advance(Protocol):
    """Called once for each thing that is done, with a line about it."""

    def __call__(self, line: str) -> None: ...


def tell(line: str, style: str | None = None) -> None:
    """One line to stderr. Where that is a file on a full disk, the work goes on without it."""
    try:
        err.print(printable(line), markup=False, style=style)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise


class OneLine(logging.Formatter):
    """Log records whose messages stay in their line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line, but for a traceback below it."""
        return printable(super().formatMessage(record))


def print_json(document: Any) -> None:
    """One JSON document on stdout; never NaN, which is no JSON."""
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """A table whose numbers stand to the right."""
    drawn = Table(title=title, title_justify="left", header_style="bold")
    listed = [list(row) for row in rows]
    for index, column in enumerate(columns):
        numeric = bool(listed) and all(isinstance(row[index], (int, float)) for row in listed)
        drawn.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in listed:
        drawn.add_row(*(_cell(value) for value in row))
    return drawn


def _cell(value: Any) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case _:
            return str(value).replace("[", "\\[")


@contextmanager
def progress(title: str, total: int) -> Iterator[Advance]:
    """A progress bar on a terminal, one plain line a step in a log."""
    if not err.is_terminal:
        done = 0

        def plain(line: str) -> None:
            nonlocal done
            done += 1
            tell(f"{title} {done}/{max(done, total)}: {line}")

        yield plain
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(title, total=total)

        def step(line: str) -> None:
            bar.update(task, advance=1, description=f"{title} [dim]{escape(printable(line)[-60:])}[/dim]")

        yield step
