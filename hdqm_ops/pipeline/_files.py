"""Questions about single files, and the wish to try some again."""

from collections.abc import Sequence
from typing import Any

from hdqm_ops import discover, load
from hdqm_ops.errors import ConfigError
from hdqm_ops.pipeline._database import connect
from hdqm_ops.settings import Settings

__all__ = ["STATES", "file_events", "list_files", "retry_files"]

STATES = ("discovered", "waiting", "ingested", "superseded", "failed", "ignored", "vanished")


def list_files(
    settings: Settings,
    *,
    states: Sequence[str] = (),
    runs: str = "",
    datasets: Sequence[str] = (),
    most: int | None = None,
) -> list[dict[str, Any]]:
    """Files of the ledger by run and path.

    Raises:
        ConfigError: a state or a run cannot be understood.
        DatabaseUnavailable: no database answers.
    """
    chosen = _chosen(states, runs, datasets)
    with connect(settings) as connection:
        return load.list_files(connection, chosen, most=most)


def retry_files(
    settings: Settings, *, states: Sequence[str] = ("failed",), runs: str = "", datasets: Sequence[str] = ()
) -> int:
    """Re-queue failed (or waiting) files: the next ingest takes them as if for the first time. How many."""
    chosen = _chosen(states, runs, datasets)
    if odd := set(states) - {"failed", "waiting"}:
        raise ConfigError(f"files that are {' or '.join(sorted(odd))} need no retry; only failed and waiting ones do")
    with connect(settings) as connection:
        return load.requeue_files(connection, chosen)


def file_events(settings: Settings, path: str) -> list[dict[str, Any]]:
    """Every change of the state of a file, oldest first."""
    with connect(settings) as connection:
        return load.file_events(connection, path)


def _chosen(states: Sequence[str], runs: str, datasets: Sequence[str]) -> load.FileFilter:
    if odd := [state for state in states if state not in STATES]:
        raise ConfigError(f"no file is ever {odd[0]!r}; states are {', '.join(STATES)}")
    ranges = discover.parse_runs(runs)
    return load.FileFilter(tuple(states), () if ranges.everything else ranges.ranges, tuple(datasets))
