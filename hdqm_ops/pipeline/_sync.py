"""Runs as OMS and Run Registry tell of them, into the database: what is new, open or failed, and slow sweeps."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from hdqm_ops import discover, load, services
from hdqm_ops.errors import ConfigError, IncompleteAnswer, ServiceError
from hdqm_ops.pipeline._database import connect
from hdqm_ops.run_index import run_index_file, write_run_index
from hdqm_ops.settings import Settings

__all__ = [
    "SyncReport",
    "import_golden_json",
    "import_runs",
    "oms_is_configured",
    "rr_is_configured",
    "sync_oms",
    "sync_rr",
]

log = logging.getLogger(__name__)

T = TypeVar("T")
Stretch: TypeAlias = tuple[int, int]

_SLICE = 10_000  # run numbers asked for at once
_OVERLAP = 200  # run numbers below the newest that are asked for again
_VERSIONS = 10_000  # versions of Run Registry, dito
_NEAR = 1_000  # single runs that are nearer than this are asked for together
_WHOLE_TRIES = 3


@dataclass(slots=True)
class SyncReport:
    """What a synchronisation did.

    Attributes:
        runs: runs that the service told of.
        new: of these, runs that the database did not have.
        written: rows of runs in which a value changed.
        changes: values that were told otherwise than before.
        absent: runs of the database that the service does not know.
        fills: rows of fills that changed.
        lumisections: rows of lumisections that changed.
        datasets: rows of certification that changed.
    """

    runs: int = 0
    new: int = 0
    written: int = 0
    changes: int = 0
    absent: int = 0
    fills: int = 0
    lumisections: int = 0
    datasets: int = 0

    def add(self, counts: load.RunCounts) -> None:
        """Add what one answer did."""
        self.runs += counts.runs
        self.new += counts.new
        self.written += counts.written
        self.changes += counts.changes

    def as_json(self) -> dict[str, int]:
        """For people and for Airflow."""
        return asdict(self)


def oms_is_configured(settings: Settings) -> bool:
    """Whether OMS can be asked: there are credentials, or it wants none."""
    return services.oms_service(settings).configured


def rr_is_configured(settings: Settings) -> bool:
    """Whether Run Registry can be asked."""
    return services.run_registry_service(settings).configured


def sync_oms(
    settings: Settings, runs: str = "", *, days: int = 14, everything: bool = False, lumisections: bool = False
) -> SyncReport:
    """Bring what OMS tells of runs and fills into the database.

    Without runs: what is new since the last time with some overlap, what has no end or was not answered, and once a day
    the last days and a slice of everything. Again with the same answers it changes no value. When all is answered, the
    run index is written, which Airflow's Backfill dialog reads.

    Args:
        settings: where OMS and the database are.
        runs: only these runs and ranges.
        days: how many days before the newest run the daily sweep goes back.
        everything: all runs that OMS has.
        lumisections: lumisections too; only for runs that are named.

    Raises:
        ConfigError: OMS is not configured, or refuses; the run index cannot be written.
        TryAgain: OMS or the database does not answer; what was answered before is kept, the rest is asked next time.
        BadAnswer: OMS answered what cannot be; nothing of that answer is kept.
    """
    _need(oms_is_configured(settings), "OMS", "HDQM_OMS_URL, HDQM_OMS_AUDIENCE")
    if lumisections and not runs:
        raise ConfigError("lumisections of all runs are too many: name runs")
    with services.OMS.from_settings(settings) as oms, connect(settings) as connection:
        report = _OmsSync(oms, connection, lumisections=lumisections).run(runs, days, everything=everything)
        write_run_index(run_index_file(settings), load.run_starts(connection))
    return report


def sync_rr(settings: Settings, runs: str = "", *, days: int = 14, everything: bool = False) -> SyncReport:
    """Bring what Run Registry decides of runs and datasets into the database; arguments as for `sync_oms`."""
    _need(rr_is_configured(settings), "Run Registry", "HDQM_RR_URL, HDQM_RR_AUDIENCE")
    with services.RunRegistry.from_settings(settings) as rr, connect(settings) as connection:
        return _RegistrySync(rr, connection).run(runs, days, everything=everything)


def import_runs(settings: Settings, file: Path) -> SyncReport:
    """Fill ``hdqm.runs`` from a file that somebody wrote; what OMS or Run Registry told is not replaced.

    Raises:
        ConfigError: with every mistake in the file and its place.
    """
    rows = services.read_runs_file(file)
    report = SyncReport()
    with connect(settings) as connection:
        report.add(load.record_runs(connection, "hand", [_with_peak(row) for row in rows]))
        write_run_index(run_index_file(settings), load.run_starts(connection))
    return report


def import_golden_json(settings: Settings, name: str, file: Path) -> dict[str, int]:
    """Keep a golden JSON under a name, in place of another one of that name; its runs and lumisections."""
    if not name.strip() or len(name) > 200:
        raise ConfigError(f"{name!r} is no name that people could choose a golden JSON by")
    golden = services.GoldenJson.read(file)
    with connect(settings) as connection:
        load.store_golden_json(connection, name, golden.multiranges())
    return {"runs": len(golden), "lumisections": golden.lumisections}


def _need(configured: bool, service: str, more: str) -> None:
    if not configured:
        raise ConfigError(
            f"{service} is not configured: set SSO_CLIENT_ID and SSO_CLIENT_SECRET (and {more} where it is elsewhere); "
            "until then runs stay unknown, and `hdqm runs import FILE` tells of them by hand"
        )


class _Sync:
    """What both synchronisations have in common: which runs to ask for, and what failure leaves behind."""

    service: Literal["oms", "rr"]

    def __init__(self, connection: load.Connection) -> None:
        self.connection = connection
        self.report = SyncReport()

    def run(self, runs: str, days: int, *, everything: bool) -> SyncReport:
        """Ask for what is named, or for what is due."""
        try:
            if runs:
                self.ranges(discover.parse_runs(runs).ranges)
            else:
                self.due(days, everything=everything)
        except ServiceError as error:
            load.record_sync_failure(self.connection, self.service, str(error))
            raise
        log.info("%s: %s", self.service, self.report)
        return self.report

    def due(self, days: int, *, everything: bool) -> None:
        """What is new, what is to be asked again, and sweeps."""
        raise NotImplementedError

    def slice(self, first: int, last: int) -> None:
        """Ask for all runs from first to last."""
        raise NotImplementedError

    def span(self) -> Stretch | None:
        """First and last run that the service has; None where it has none."""
        raise NotImplementedError

    def ranges(self, ranges: Iterable[Stretch], *, after: Callable[[int], None] = lambda _: None) -> None:
        """Ask slice by slice; what fails is noted as asked."""
        listed = list(ranges)
        span = self.span() if listed else None
        for first, last in _slices(listed, span):
            try:
                self.slice(first, last)
            except ServiceError:
                load.record_asked_runs(self.connection, self.service, first, last)
                raise
            after(last)

    def swept(self, days: int, state: load.SyncState, span: Stretch) -> tuple[list[Stretch], int]:
        """The last days and the next slice of everything; where the slow sweep is then."""
        begin = max(span[0], (state.swept_to or 0) + 1)
        begin = span[0] if begin > span[1] else begin
        slow = (begin, min(span[1], begin + _SLICE - 1))
        first = load.first_run_of_days(self.connection, days)
        return [slow, *([(first, span[1])] if first else [])], slow[1]


class _OmsSync(_Sync):
    service = "oms"

    def __init__(self, oms: services.OMS, connection: load.Connection, *, lumisections: bool) -> None:
        super().__init__(connection)
        self.oms = oms
        self.lumisections = lumisections
        self._span: Stretch | None = None

    def due(self, days: int, *, everything: bool) -> None:
        state, span = load.sync_state(self.connection, "oms"), self.span()
        if span is None:
            return
        swept, swept_to = everything or state.watermark is None, None
        if swept:
            wanted: list[Stretch] = [span]
        else:
            wanted = [(max(span[0], (state.watermark or 0) - _OVERLAP), span[1])]
            wanted += _near(load.runs_to_ask(self.connection, "oms"))
            if state.sweep_due:
                more, swept_to = self.swept(days, state, span)
                wanted, swept = wanted + more, True

        def progress(last: int) -> None:
            if state.watermark is None:  # the first time takes long: what broke off goes on where it was
                load.record_sync_progress(self.connection, "oms", last)

        self.ranges(_joined(wanted), after=progress)
        load.record_sync(self.connection, "oms", watermark=span[1], swept=swept, swept_to=swept_to)

    def span(self) -> Stretch | None:
        if self._span is None:
            query = self.oms.query("runs").fields("run_number")
            ends = [query.sort("run_number", descending=descending).first(1).dicts() for descending in (False, True)]
            if all(ends):
                self._span = (ends[0][0]["run_number"], ends[1][0]["run_number"])
        return self._span

    def slice(self, first: int, last: int) -> None:
        told = [_with_peak(services.run_facts(row)) for row in self.oms.runs(first, last)]
        fills = sorted({row["fill_number"] for row in told if row["fill_number"]})
        of_fills = self._fills(fills)
        self.report.fills += load.record_fills(self.connection, of_fills) if of_fills else 0
        self.report.add(load.record_runs(self.connection, "oms", told))
        schemes = load.record_schemes(self.connection, fills)
        self.report.written += schemes.written
        self.report.changes += schemes.changes
        numbers = [row["run_number"] for row in told]
        self.report.absent += load.record_absent_runs(self.connection, "oms", first, last, numbers)
        for number in numbers if self.lumisections else ():
            rows = [services.lumisection_facts(row) for row in self.oms.lumisections(number)]
            self.report.lumisections += load.record_lumisections(self.connection, number, rows)

    def _fills(self, fills: Sequence[int]) -> list[dict[str, Any]]:
        return [services.fill_facts(row) for row in self.oms.fills(fills[0], fills[-1])] if fills else []


class _RegistrySync(_Sync):
    service = "rr"

    def __init__(self, rr: services.RunRegistry, connection: load.Connection) -> None:
        super().__init__(connection)
        self.rr = rr

    def due(self, days: int, *, everything: bool) -> None:
        state = load.sync_state(self.connection, "rr")
        version = self._newest_version()  # before anything is read: what changes meanwhile comes next time
        swept, swept_to = everything or state.watermark is None, None
        if swept:
            span = self.span()
            self.ranges([span] if span else [])
        else:
            self._changed_since((state.watermark or 0) - _VERSIONS)
            wanted = _near(load.runs_to_ask(self.connection, "rr"))
            span = self.span() if state.sweep_due else None
            if span:
                more, swept_to = self.swept(days, state, span)
                wanted, swept = wanted + more, True
            self.ranges(_joined(wanted))
        load.record_sync(self.connection, "rr", watermark=version, swept=swept, swept_to=swept_to)

    def span(self) -> Stretch | None:
        first, last = (self._end("run_number", order) for order in ("ASC", "DESC"))
        return None if first is None or last is None else (first, last)

    def slice(self, first: int, last: int) -> None:
        wanted = {"run_number": {"and": [{">=": first}, {"<=": last}]}}
        runs, datasets = self._runs(wanted), self._datasets(wanted)
        self._record(runs, datasets, whole=(first, last))
        numbers = [row["run_number"] for row in runs]
        self.report.absent += load.record_absent_runs(self.connection, "rr", first, last, numbers)

    def _changed_since(self, version: int) -> None:
        wanted = {"version": {">": version}}
        self._record(self._runs(wanted), self._datasets(wanted), whole=None)

    def _record(
        self, runs: Sequence[dict[str, Any]], datasets: Sequence[Mapping[str, Any]], whole: Stretch | None
    ) -> None:
        self.report.add(load.record_runs(self.connection, "rr", runs))
        dcs = [
            {"run_number": row["run_number"], **services.dcs_facts_of_summary(row["dcs_summary"])}
            for row in datasets
            if row["name"] == "online" and row.get("dcs_summary")
        ]
        told = load.record_runs(self.connection, "rr", dcs, answered=False)
        self.report.written += told.written
        self.report.changes += told.changes
        rows = [_certification(row) for row in datasets]
        self.report.datasets += load.record_certification(self.connection, rows, whole=whole)

    def _runs(self, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        return _whole(lambda: [services.registry_facts(run) for run in self.rr.runs(wanted)])

    def _datasets(self, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        return self.rr.get_datasets(wanted)

    def _newest_version(self) -> int | None:
        return self._end("version", "DESC")

    def _end(self, name: str, order: str) -> int | None:
        rows = self.rr.get_runs({}, limit=1, page_size=1, sortings=[(name, order)])
        return rows[0][name] if rows else None


def _certification(row: Mapping[str, Any]) -> dict[str, Any]:
    told, suffix = row.get("dataset_attributes") or {}, "_state"
    return {
        "run_number": row["run_number"],
        "dataset": row["name"],
        "states": {name.removesuffix(suffix): state for name, state in told.items() if name.endswith(suffix)},
        "lumisections": row["lumisections"],
        "rr_version": row.get("version"),
    }


def _with_peak(facts: dict[str, Any]) -> dict[str, Any]:
    """A run's peak is what is larger of start and end: OMS does not tell it."""
    known = [facts[name] for name in ("init_lumi_1e34", "end_lumi_1e34") if facts.get(name) is not None]
    return {**facts, "peak_lumi_1e34": max(known, default=None)}


def _whole(ask: Callable[[], T]) -> T:
    """What moved while it was read is asked for again."""
    for _ in range(_WHOLE_TRIES - 1):
        try:
            return ask()
        except IncompleteAnswer as error:
            log.info("%s; all once more", error)
    return ask()


def _near(runs: Sequence[int]) -> list[Stretch]:
    """Stretches that hold single runs, those near one another in one."""
    found: list[Stretch] = []
    for run in runs:
        if found and run - found[-1][1] <= _NEAR:
            found[-1] = (found[-1][0], run)
        else:
            found.append((run, run))
    return found


def _joined(ranges: Iterable[Stretch]) -> list[Stretch]:
    found: list[Stretch] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def _slices(ranges: Iterable[Stretch], span: Stretch | None) -> Iterator[Stretch]:
    """Slices of what is asked; beyond the runs that the service has there is nothing to cut."""
    for first, last in ranges:
        end = last if span is None else min(last, max(span[1], first))
        for start in range(first, end + 1, _SLICE):
            yield start, min(end, start + _SLICE - 1)
