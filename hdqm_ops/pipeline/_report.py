"""What became of one file, and of all files of a request."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hdqm_ops import load
from hdqm_ops.printable import printable

__all__ = ["FileReport", "Report"]

_STATES = ("ingested", "extracted", "superseded", "stale", "waiting", "vanished")


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file.

    Attributes:
        file_id: its id in the ledger.
        path: the file.
        counts: what was loaded; None where nothing was, not even tried.
        failure: why it failed.
        passing: the failure may pass: the file stays to be done.
        seconds: time for reading, reducing and loading.
        held: who else works on it.
    """

    file_id: int
    path: str
    counts: load.LoadCounts | None = None
    failure: str = ""
    passing: bool = False
    seconds: tuple[float, float, float] = (0.0, 0.0, 0.0)
    held: load.Held | None = None

    @property
    def state(self) -> str:
        """A state of ``LoadCounts``, ``failed``, ``held``, or ``elsewhere``: another one did it since the plan."""
        if self.counts is not None:
            return "elsewhere" if self.counts.state == "lost" else self.counts.state
        if self.failure:
            return "failed"
        return "held" if self.held else "elsewhere"

    def __str__(self) -> str:
        return printable(f"{self.path}: {self._told()}")

    def _told(self) -> str:
        match self.state:
            case "failed":
                return f"failed: {self.failure}"
            case "held":
                return f"held by another: {self.held.by if self.held else ''}"
            case "elsewhere":
                return "done by another"
        if self.counts is None or self.state in {"waiting", "vanished"}:
            return self.state
        read, reduced, loaded = (f"{second * 1000:.0f}" for second in self.seconds)
        gaps = ", ".join(f"{number} {code}" for code, number in sorted(self.counts.gaps.items()))
        return (
            f"{self.state}: {self.counts.values} values, gaps: {gaps or 'none'}; "
            f"read {read} ms, reduced {reduced} ms, loaded {loaded} ms"
        )


@dataclass(slots=True)
class Report:
    """What became of all files of a request."""

    stage: str
    files: Counter[str] = field(default_factory=Counter)
    values: int = 0
    gaps: Counter[str] = field(default_factory=Counter)
    histograms: int = 0
    changed: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    passing: dict[str, str] = field(default_factory=dict)

    def add(self, one: FileReport) -> None:
        """Count one more file."""
        if one.state == "failed":
            (self.passing if one.passing else self.failures)[one.path] = one.failure
            return
        self.files[one.state] += 1
        if one.counts is not None:
            self.values += one.counts.values
            self.gaps.update(one.counts.gaps)
            self.histograms += one.counts.histograms
            self.changed += one.counts.changed

    @property
    def failed(self) -> bool:
        """Whether any file was not done, except for those that others have in hand."""
        return bool(self.failures or self.passing)

    def as_json(self) -> dict[str, Any]:
        """Numbers for people and machines."""
        return {
            "stage": self.stage,
            **{state: self.files[state] for state in _STATES},
            "done_by_another": self.files["elsewhere"],
            "held_by_another": self.files["held"],
            "failed": len(self.failures),
            "to_be_repeated": len(self.passing),
            "values": self.values,
            "histograms": self.histograms,
            "changed_rows": self.changed,
            "gaps": dict(sorted(self.gaps.items())),
            "failures": {**self.failures, **self.passing},
        }
