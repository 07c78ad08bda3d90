"""What is asked of the ledger, what it answers, and what comes back when a file was done."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from hdqm_ops.model import DQMFile, ElementContent, Outcome

__all__ = ["FileResult", "LoadCounts", "Mode", "Scope", "Stage", "Work"]

Stage: TypeAlias = Literal["ingest", "extract", "calculate"]
Mode: TypeAlias = Literal["missing", "failed", "all"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which work is asked for. Empty tuples mean all.

    Attributes:
        stage: ``extract`` reads histograms, ``calculate`` makes points of stored ones, ``ingest`` does both.
        mode: ``missing`` what was never done, ``failed`` also files that failed, ``all`` everything anew.
        runs: first and last run of each range, both included.
        datasets: primary datasets.
        subsystems: subsystems.
        trends: ``Subsystem/name`` of the trends; None means all, an empty tuple none.
        paths: files.
        file_ids: files, by their ids in the ledger.
        refused: files that could not be done for this very request: in their place the next best are asked for,
            whatever ``mode`` says.
    """

    stage: Stage = "ingest"
    mode: Mode = "missing"
    runs: tuple[tuple[int, int], ...] = ()
    datasets: tuple[str, ...] = ()
    subsystems: tuple[str, ...] = ()
    trends: tuple[str, ...] | None = None
    paths: tuple[str, ...] = ()
    file_ids: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """A file and what is to do with it.

    Attributes:
        file_id: its id in the ledger.
        file: the file, as the ledger knows it.
        definitions: ``Subsystem/name`` → id of the definition to compute (for ``extract``: whose elements to read).
            Files with the same work share one mapping.
        stored: the histograms that this takes are in the database: the file need not be opened.
        seen: set of definitions, set of elements and state that the ledger had when this was planned; None: unknown.
        claim: number of the claim under which this is done; None: nobody else does it.
    """

    file_id: int
    file: DQMFile
    definitions: Mapping[str, int]
    stored: bool
    seen: tuple[int | None, int | None, str] | None = None
    claim: int | None = None


@dataclass(frozen=True, slots=True)
class FileResult:
    """What came of the work on one file.

    Attributes:
        work: what was to do.
        outcomes: definition id → outcome; empty where histograms were read and nothing was computed yet.
        elements: monitor element → content, those that the file has; None where the file was not opened.
        looked_for: monitor elements that were looked for in it; those without content are missing.
        run_number: run number of the folder in the file; None where it was not opened.
    """

    work: Work
    outcomes: Mapping[int, Outcome] = field(default_factory=dict)
    elements: Mapping[str, ElementContent] | None = None
    looked_for: Collection[str] = ()
    run_number: int | None = None


@dataclass(frozen=True, slots=True)
class LoadCounts:
    """What loading one file did.

    Attributes:
        state: ``ingested``, ``extracted``; or nothing was stored: ``superseded`` (a better file counts), ``stale`` (the
            file was replaced while it was worked on), ``lost`` (the claim was taken over by another), ``waiting``,
            ``vanished``.
        values: points with a value that the file has now, of the definitions that were computed.
        gaps: code of the reason → points without a value.
        histograms: monitor elements that were kept.
        changed: rows of points and histograms that are not as they were.
    """

    state: Literal["ingested", "extracted", "superseded", "stale", "lost", "waiting", "vanished"]
    values: int = 0
    gaps: Mapping[str, int] = field(default_factory=dict)
    histograms: int = 0
    changed: int = 0
