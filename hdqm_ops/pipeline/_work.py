"""Doing the work: each file is read, reduced and loaded by itself, here or in processes beside one another."""

import logging
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Any

from hdqm_ops import extract, load, reduce
from hdqm_ops.errors import AbsentFile, DatabaseUnavailable, TruncatedFile, TryAgain, UnreadableFile
from hdqm_ops.model import ElementContent, ExtractedFile, Trend
from hdqm_ops.pipeline._database import connect
from hdqm_ops.pipeline._plan import Plan, plan_batch
from hdqm_ops.pipeline._request import Mode, Request
from hdqm_ops.settings import Settings

__all__ = ["FileReport", "Report", "add_up", "ingest_batch", "work"]

log = logging.getLogger(__name__)

_STATES = ("ingested", "extracted", "superseded", "stale", "waiting", "vanished")


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file.

    Attributes:
        path: the file.
        counts: what was loaded; None where the file failed.
        failure: why it failed.
        passing: the failure may pass: the file stays to be done.
        seconds: time for reading, reducing and loading.
    """

    path: str
    counts: load.LoadCounts | None
    failure: str = ""
    passing: bool = False
    seconds: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __str__(self) -> str:
        if self.counts is None:
            return f"{self.path}: failed: {self.failure}"
        if self.counts.state in {"waiting", "vanished"}:
            return f"{self.path}: {self.counts.state}"
        read, reduced, loaded = (f"{second * 1000:.0f}" for second in self.seconds)
        gaps = ", ".join(f"{number} {code}" for code, number in sorted(self.counts.gaps.items()))
        return (
            f"{self.path}: {self.counts.state}: {self.counts.values} values, gaps: {gaps or 'none'}; "
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
        if one.counts is None:
            (self.passing if one.passing else self.failures)[one.path] = one.failure
            return
        self.files[one.counts.state] += 1
        self.values += one.counts.values
        self.gaps.update(one.counts.gaps)
        self.histograms += one.counts.histograms
        self.changed += one.counts.changed

    @property
    def failed(self) -> bool:
        """Whether any file was not done."""
        return bool(self.failures or self.passing)

    def as_json(self) -> dict[str, Any]:
        """Numbers for people and machines."""
        return {
            "stage": self.stage,
            **{
                state: self.files[state]
                for state in ("ingested", "extracted", "superseded", "stale", "waiting", "vanished")
            },
            "failed": len(self.failures),
            "to_be_repeated": len(self.passing),
            "values": self.values,
            "histograms": self.histograms,
            "changed_rows": self.changed,
            "gaps": dict(sorted(self.gaps.items())),
            "failures": {**self.failures, **self.passing},
        }


def work(settings: Settings, plan: Plan, *, jobs: int, advance: Callable[[str], object]) -> Report:
    """Do what is planned; a file that fails never stops the others.

    Args:
        settings: the database.
        plan: what to do.
        jobs: processes that read, reduce and load beside one another.
        advance: is called with a line for each file that is done.

    Raises:
        DatabaseUnavailable: the database went away; what was loaded is kept, and the rest stays to be done.
    """
    report = Report(plan.request.stage)
    done = _in_processes(settings, plan, jobs) if jobs > 1 and len(plan.work) > 1 else _one_by_one(settings, plan)
    for one in done:
        report.add(one)
        log.log(logging.INFO if one.counts else logging.WARNING, "%s", one)
        advance(str(one))
    return report


def ingest_batch(
    settings: Settings, file_ids: Sequence[int], *, mode: Mode = "missing", subsystems: Sequence[str] = ()
) -> dict[str, int]:
    """Do what is still missing of the files of a batch; counts, small enough to travel between tasks.

    Raises:
        TryAgain: files could not be done for a passing fault; the others are done.
    """
    # What a first try has done is no longer missing; "all" would do it again, and again after each retry.
    plan = plan_batch(settings, Request(mode=mode, subsystems=tuple(subsystems)), file_ids)
    report = work(settings, plan, jobs=1, advance=_silent)
    if report.passing:
        path, reason = next(iter(report.passing.items()))
        raise TryAgain(
            f"{len(report.passing)} of {len(plan.work)} files could not be done; the first: {path}: {reason}"
        )
    numbers = {name: number for name, number in report.as_json().items() if isinstance(number, int)}
    return {**numbers, **{f"gap:{code}": number for code, number in report.gaps.items()}}


def add_up(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Sum of the counts of several batches."""
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))


def _silent(_line: str) -> None:
    """Stand in for a progress bar."""


# -- one file ----------------------------------------------------------------------------------------------------------


class _Worker:
    """Does files one after the other over one connection; reducers are compiled once for each set of definitions."""

    def __init__(self, settings: Settings, trends: Sequence[Trend], request: Request) -> None:
        self._settings = settings
        self._trends = {trend.key: trend for trend in trends}
        self._stage = request.stage
        self._at_once = request.judged_at_once
        self._connection: load.Connection | None = None
        self._reducers: dict[tuple[str, ...], reduce.Reducer] = {}

    def connection(self) -> load.Connection:
        """The connection; a new one where the last broke."""
        if self._connection is None or self._connection.broken:
            self._connection = connect(self._settings)
        return self._connection

    def do(self, item: load.Work) -> FileReport:
        """Read, reduce, load. Only the loss of the database is not answered with a report."""
        try:
            return self._do(item)
        except UnreadableFile as error:
            return self._refused(item, error)
        except DatabaseUnavailable:
            raise
        except TryAgain as error:
            return FileReport(item.file.path, None, str(error), passing=True)

    def _refused(self, item: load.Work, error: UnreadableFile) -> FileReport:
        """A file that cannot be read is gone, or still being written, or has failed."""
        file, settings = item.file, self._settings
        if isinstance(error, AbsentFile):
            load.record_vanished(self.connection(), [item.file_id])
            return FileReport(file.path, load.LoadCounts("vanished"))
        if isinstance(error, TruncatedFile) and not self._at_once and file.mtime > time.time() - settings.wait_s:
            load.record_waiting(self.connection(), item.file_id, file, error.reason, wait_s=settings.wait_s)
            return FileReport(file.path, load.LoadCounts("waiting"))
        retry = load.Retry(settings.file_tries, settings.file_pause_s)
        load.record_failure(self.connection(), item.file_id, error.reason, file=file, retry=retry)
        return FileReport(file.path, None, error.reason)

    def _do(self, item: load.Work) -> FileReport:
        start = time.perf_counter()
        trends = [self._trends[key] for key in item.definitions]
        looked_for = frozenset[str]().union(*(trend.monitor_elements for trend in trends))
        read = self._read(item, looked_for)
        elements = self._stored(item, looked_for) if read is None else read.elements
        was_read = time.perf_counter()
        outcomes = {}
        if self._stage != "extract":
            reduced = self._reducer(tuple(item.definitions)).reduce(elements)
            outcomes = dict(zip(item.definitions.values(), reduced, strict=True))
        was_reduced = time.perf_counter()
        result = load.FileResult(
            item,
            outcomes,
            elements if read else None,
            looked_for,
            read.run_number if read else None,
        )
        counts = load.load_file(self.connection(), result)
        was_loaded = time.perf_counter()
        seconds = (was_read - start, was_reduced - was_read, was_loaded - was_reduced)
        return FileReport(item.file.path, counts, seconds=seconds)

    def _read(self, item: load.Work, looked_for: frozenset[str]) -> ExtractedFile | None:
        """The file's elements; None where they are in the database already."""
        return None if item.stored else extract.read_file(item.file.path, looked_for)

    def _stored(self, item: load.Work, looked_for: frozenset[str]) -> Mapping[str, ElementContent]:
        return load.stored_elements(self.connection(), item.file_id, sorted(looked_for))

    def _reducer(self, keys: tuple[str, ...]) -> reduce.Reducer:
        if keys not in self._reducers:
            self._reducers[keys] = reduce.Reducer([self._trends[key] for key in keys])
        return self._reducers[keys]

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()


# -- many files --------------------------------------------------------------------------------------------------------


def _one_by_one(settings: Settings, plan: Plan) -> Iterator[FileReport]:
    worker = _Worker(settings, plan.tree.trends, plan.request)
    try:
        for item in plan.work:
            yield worker.do(item)
    finally:
        worker.close()


_worker: _Worker  # of a process that `_in_processes` started


def _begin(settings: Settings, trends: Sequence[Trend], request: Request) -> None:
    global _worker  # noqa: PLW0603 - the pool's way to give each process something of its own
    _worker = _Worker(settings, trends, request)


def _do(item: load.Work) -> FileReport:
    return _worker.do(item)


def _in_processes(settings: Settings, plan: Plan, jobs: int) -> Iterator[FileReport]:
    """Forked processes: they share what is imported already, and they also work below Airflow, where others do not."""
    pool = ProcessPoolExecutor(
        min(jobs, len(plan.work)),
        mp_context=multiprocessing.get_context("fork"),
        initializer=_begin,
        initargs=(settings, plan.tree.trends, plan.request),
    )
    with pool:
        futures = {pool.submit(_do, item): item for item in plan.work}
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise TryAgain("a worker process was killed; what was loaded is kept, the rest stays to be done") from error
        finally:
            pool.shutdown(cancel_futures=True)
