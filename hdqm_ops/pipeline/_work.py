"""Doing the work: each file is read, reduced and loaded by itself, here or in processes beside one another."""

import logging
import multiprocessing
import os
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial

from hdqm_ops import extract, load, reduce
from hdqm_ops.errors import (
    AbsentFile,
    AuthenticationFailed,
    DatabaseUnavailable,
    TruncatedFile,
    TryAgain,
    UnreadableFile,
)
from hdqm_ops.model import DQMFile, ElementContent, ExtractedFile, Trend
from hdqm_ops.pipeline._claims import Heartbeat, claim, new_holder
from hdqm_ops.pipeline._database import Database
from hdqm_ops.pipeline._plan import Plan, plan_batch
from hdqm_ops.pipeline._report import FileReport, Report
from hdqm_ops.pipeline._request import Mode, Request
from hdqm_ops.pipeline._rounds import Rounds
from hdqm_ops.printable import printable
from hdqm_ops.settings import Settings

__all__ = ["FileReport", "Report", "add_up", "ingest_batch", "work"]

log = logging.getLogger(__name__)

_GIVEN_BACK = {"ingested", "extracted", "superseded", "waiting", "vanished"}
"""Outcomes with which the claim is given back."""
_TOGETHER, _MOST_TOGETHER = 1000, 500
"""Stored histograms, and files, that are recomputed together: 50 MB of the largest maps, and a lock for a tenth of a
second, as the load of one file with all trends takes it."""


def work(settings: Settings, plan: Plan, *, jobs: int, advance: Callable[[str], object]) -> Report:
    """Do what is planned; a file that fails never stops the others, and the next best is taken in its place.

    Each file is claimed before it is read. Files that others work on are left to them, and taken over where they died.

    Args:
        settings: the database.
        plan: what to do.
        jobs: processes that read, reduce and load beside one another.
        advance: is called with a line for each file that is done.

    Raises:
        DatabaseUnavailable: the database went away for longer than the settings allow; what was loaded is kept, and the
            rest stays to be done.
    """
    report = Report(plan.request.stage)

    def count(one: FileReport) -> None:
        report.add(one)
        log.log(logging.WARNING if one.state == "failed" else logging.INFO, "%s", one)
        advance(str(one))

    rounds = Rounds(settings, plan)
    for items in rounds:
        for one in _done(settings, plan, items, jobs):
            if rounds.settles(one):
                count(one)
    for one in rounds.left:
        count(one)
    return report


def _done(settings: Settings, plan: Plan, items: Sequence[load.Work], jobs: int) -> Iterator[FileReport]:
    if jobs > 1 and len(items) > 1:
        return _in_processes(settings, plan, items, jobs)
    return _one_by_one(settings, plan, items)


def ingest_batch(
    settings: Settings,
    file_ids: Sequence[int],
    *,
    mode: Mode = "missing",
    subsystems: Sequence[str] = (),
    files: Sequence[str] = (),
) -> dict[str, int]:
    """Do what is still missing of the files of a batch; counts, small enough to travel between tasks.

    Args:
        settings: the database.
        file_ids: the batch.
        mode: of the request that the batch is of, as ``subsystems`` and ``files``: files that were named are judged at
            once, also where they end too early and are young.
        subsystems: only their trends.
        files: what was named.

    Raises:
        TryAgain: files could not be done for a passing fault; the others are done.
    """
    # What a first try has done is no longer missing; "all" would do it again, and again after each retry.
    plan = plan_batch(settings, Request(mode=mode, subsystems=tuple(subsystems), files=tuple(files)), file_ids)
    report = work(settings, plan, jobs=1, advance=_silent)
    if report.passing:
        path, reason = next(iter(report.passing.items()))
        said = f"{len(report.passing)} of {len(plan.work)} files could not be done; the first: {path}: {reason}"
        raise TryAgain(printable(said))
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
        self._database = Database(settings)
        self._heartbeat = Heartbeat(settings)
        self._holder = new_holder()
        self._reducers: dict[tuple[str, ...], reduce.Reducer] = {}

    def do(self, item: load.Work) -> FileReport:
        """Claim, read, reduce, load. Only the loss of the database is not answered with a report."""
        lease_s = self._settings.claim_s
        claimed = self._database.ask(lambda connection: claim(connection, item, self._holder, lease_s))
        if not isinstance(claimed, load.Work):
            return FileReport(item.file_id, item.file.path, held=claimed)
        report = None
        try:
            with self._heartbeat.holding(claimed):
                report = self._outcome(claimed)
        finally:
            if report is None or report.state not in _GIVEN_BACK:
                self._give_back(claimed)
        return report

    def _outcome(self, item: load.Work) -> FileReport:
        try:
            return self._do(item)
        except UnreadableFile as error:
            return self._refused(item, error)
        except DatabaseUnavailable:
            raise
        except (TryAgain, AuthenticationFailed) as error:  # another file may be on a server that takes our ticket
            return FileReport(item.file_id, item.file.path, failure=str(error), passing=True)

    def _give_back(self, item: load.Work) -> None:
        """Let others have the file, if the database can be told: else the claim expires."""
        assert item.claim is not None
        file_id, number = item.file_id, item.claim
        try:
            self._database.ask(lambda connection: load.release_claim(connection, file_id, number), patient=False)
        except TryAgain as error:
            log.info("%s is not given back: %s", item.file.path, error)

    def _refused(self, item: load.Work, error: UnreadableFile) -> FileReport:
        """A file that cannot be read is gone, or still being written, or has failed; or it is another one's by now."""
        file_id, file, number = item.file_id, item.file, item.claim
        ask, settings, why = self._database.ask, self._settings, error.reason
        if isinstance(error, AbsentFile):
            found = FileReport(file_id, file.path, load.LoadCounts("vanished"))
            ours = ask(lambda to: load.record_vanished(to, [file_id], claim=number)) > 0
        elif isinstance(error, TruncatedFile) and not self._at_once and self._is_young(file):
            found = FileReport(file_id, file.path, load.LoadCounts("waiting"))
            wait_s = settings.wait_s
            ours = ask(lambda to: load.record_waiting(to, file_id, file, why, wait_s=wait_s, claim=number))
        else:
            found = FileReport(file_id, file.path, failure=why)
            retry = load.Retry(settings.file_tries, settings.file_pause_s)
            ours = ask(lambda to: load.record_failure(to, file_id, why, file=file, retry=retry, claim=number))
        return found if ours else FileReport(file_id, file.path)

    def _is_young(self, file: DQMFile) -> bool:
        """A clock that is ahead by less than the wait is excused; a time beyond says nothing of a file's age."""
        return abs(time.time() - file.mtime) < self._settings.wait_s

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
        counts = self._database.ask(partial(load.load_file, result=result))
        was_loaded = time.perf_counter()
        seconds = (was_read - start, was_reduced - was_read, was_loaded - was_reduced)
        return FileReport(item.file_id, item.file.path, counts, seconds=seconds)

    def do_together(self, items: Sequence[load.Work]) -> Iterator[FileReport]:
        """Recompute from stored histograms, without claims: nothing is stored of a file that anybody else touched.

        What that leaves aside is done one by one.
        """
        start = time.perf_counter()
        counts: Mapping[int, load.LoadCounts] = {}
        try:
            counts = self._recompute(items) if len(items) > 1 else {}
        except DatabaseUnavailable:
            raise
        except TryAgain as error:
            log.info("%s; the files are done one by one", error)
        each = (time.perf_counter() - start) / max(len(counts), 1)
        for item in items:
            if item.file_id in counts:
                yield FileReport(item.file_id, item.file.path, counts[item.file_id], seconds=(0.0, 0.0, each))
            else:
                yield self.do(item)

    def _recompute(self, items: Sequence[load.Work]) -> Mapping[int, load.LoadCounts]:
        definitions = items[0].definitions
        looked_for = frozenset[str]().union(*(self._trends[key].monitor_elements for key in definitions))
        file_ids, paths = [item.file_id for item in items], sorted(looked_for)
        stored = self._database.ask(partial(load.stored_elements_of_files, file_ids=file_ids, paths=paths))
        reducer = self._reducer(tuple(definitions))
        outcomes = [reducer.reduce(stored[file_id]) for file_id in file_ids]
        results = [
            load.FileResult(item, dict(zip(definitions.values(), found, strict=True)), None, looked_for)
            for item, found in zip(items, outcomes, strict=True)
        ]
        return self._database.ask(partial(load.load_recomputed, results=results))

    def _read(self, item: load.Work, looked_for: frozenset[str]) -> ExtractedFile | None:
        """The file's elements; None where they are in the database already."""
        return None if item.stored else extract.read_file(item.file.path, looked_for)

    def _stored(self, item: load.Work, looked_for: frozenset[str]) -> Mapping[str, ElementContent]:
        return self._database.ask(partial(load.stored_elements, file_id=item.file_id, paths=sorted(looked_for)))

    def _reducer(self, keys: tuple[str, ...]) -> reduce.Reducer:
        if keys not in self._reducers:
            self._reducers[keys] = reduce.Reducer([self._trends[key] for key in keys])
        return self._reducers[keys]

    def close(self) -> None:
        """Give the connections back."""
        self._heartbeat.close()
        self._database.close()


# -- many files --------------------------------------------------------------------------------------------------------


def _portions(plan: Plan, items: Sequence[load.Work]) -> Iterator[Sequence[load.Work]]:
    """Files to be done together: of stored histograms as many as are read at once, of others one."""
    together = defaultdict[tuple[str, str, int], list[load.Work]](list)
    for item in items:
        if item.stored and plan.request.stage != "extract":
            together[item.file.primary_dataset, item.file.processing, id(item.definitions)].append(item)
        else:
            yield (item,)
    elements = {trend.key: len(trend.monitor_elements) for trend in plan.tree.trends}
    for alike in together.values():
        size = max(_TOGETHER // max(sum(elements[key] for key in alike[0].definitions), 1), 1)
        size = min(size, _MOST_TOGETHER)
        yield from (alike[start : start + size] for start in range(0, len(alike), size))


def _one_by_one(settings: Settings, plan: Plan, items: Sequence[load.Work]) -> Iterator[FileReport]:
    worker = _Worker(settings, plan.tree.trends, plan.request)
    try:
        for some in _portions(plan, items):
            yield from worker.do_together(some)
    finally:
        worker.close()


_worker: _Worker  # of a process that `_in_processes` started


def _begin(settings: Settings, trends: Sequence[Trend], request: Request) -> None:
    global _worker  # noqa: PLW0603 - the pool's way to give each process something of its own
    _worker = _Worker(settings, trends, request)
    threading.Thread(target=_die_with_parent, name="hdqm-parent", daemon=True).start()


def _die_with_parent() -> None:
    """A killed parent takes its children along: nobody would ever give them anything to do, or end them."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _do(items: Sequence[load.Work]) -> list[FileReport]:
    return list(_worker.do_together(items))


def _in_processes(settings: Settings, plan: Plan, items: Sequence[load.Work], jobs: int) -> Iterator[FileReport]:
    """Forked processes: they share what is imported already, and they also work below Airflow, where others do not."""
    pool = ProcessPoolExecutor(
        min(jobs, len(items)),
        mp_context=multiprocessing.get_context("fork"),
        initializer=_begin,
        initargs=(settings, plan.tree.trends, plan.request),
    )
    with pool:
        futures = [pool.submit(_do, some) for some in _portions(plan, items)]
        try:
            for future in as_completed(futures):
                yield from future.result()
        except BrokenProcessPool as error:
            raise TryAgain("a worker process was killed; what was loaded is kept, the rest stays to be done") from error
        finally:
            pool.shutdown(cancel_futures=True)
