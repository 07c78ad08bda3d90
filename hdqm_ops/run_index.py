"""The run index: when each run began, in a file, for those who must not ask a database.

Airflow asks its timetables in the api-server while somebody looks at the Backfill dialog. So the synchronisation with
OMS leaves behind what such a question needs; only the standard library is imported here.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdqm_ops.errors import ConfigError

if TYPE_CHECKING:
    from hdqm_ops.settings import Settings

__all__ = ["RunIndex", "read_run_index", "run_index_file", "write_run_index"]

_FORMAT = 1
_CURE = "the Dag hdqm_sync_oms writes it, and so does `hdqm sync oms`"


@dataclass(frozen=True, slots=True)
class RunIndex:
    """When runs began.

    Attributes:
        written_at: when the file was written; runs that began later are not in it.
        runs: run number and start (UTC), in the order of the starts.
    """

    written_at: datetime
    runs: tuple[tuple[int, datetime], ...]

    def between(self, earliest: datetime, latest: datetime) -> list[tuple[int, datetime]]:
        """Runs that began from ``earliest`` to ``latest``, both included."""
        return [(run, start) for run, start in self.runs if earliest <= start <= latest]


def run_index_file(settings: "Settings") -> Path:
    """Where the file is: ``HDQM_RUN_INDEX``, else in ``HDQM_HOME``."""
    return settings.run_index or settings.home / "run_index.json"


def write_run_index(file: Path, runs: Iterable[tuple[int, datetime]]) -> None:
    """Write the index anew: who reads meanwhile sees the old one or the new one, whole.

    Raises:
        ConfigError: it cannot be written there.
    """
    rows = [[run, start.astimezone(UTC).isoformat()] for run, start in sorted(runs, key=lambda one: (one[1], one[0]))]
    text = json.dumps({"format": _FORMAT, "written_at": datetime.now(UTC).isoformat(), "runs": rows})
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _replace(file, text)
    except OSError as error:
        raise ConfigError(
            f"the run index {file} cannot be written ({error.strerror}); all else is done. "
            "HDQM_RUN_INDEX names another place"
        ) from error


def _replace(file: Path, text: str) -> None:
    descriptor, partial = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        Path(partial).chmod(0o644)  # other users' Airflow components read it
        Path(partial).replace(file)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(partial).unlink()
        raise


def read_run_index(file: Path) -> RunIndex:
    """Read the index.

    Raises:
        ConfigError: there is none, or it is damaged; with the cure.
    """
    try:
        told = json.loads(file.read_bytes())
        return _understood(told)
    except FileNotFoundError as error:
        raise ConfigError(f"there is no run index {file}: {_CURE}") from error
    except OSError as error:
        raise ConfigError(f"the run index {file} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        said = f"{type(error).__name__}: {error}"
        raise ConfigError(f"the run index {file} is damaged ({said}): remove it; {_CURE}") from error


def _understood(told: Any) -> RunIndex:
    if told["format"] != _FORMAT:
        raise ValueError(f"format {told['format']!r} in place of {_FORMAT}")
    return RunIndex(_time(told["written_at"]), tuple((_run(run), _time(start)) for run, start in told["runs"]))


def _run(number: Any) -> int:
    if type(number) is not int or number <= 0:
        raise ValueError(f"{number!r} is no run number")
    return number


def _time(text: Any) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return time
