"""Runs as OMS and Run Registry tell of them, into the database: what is new, open or failed, and slow sweeps."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from hdqm_ops import discover, load, services
from hdqm_ops.errors import ConfigError, IncompleteAnswer, ServiceError
from hdqm_ops.pipeline._database import connect
from hdqm_ops.run_index import run_index_file, write_run_index
from hdqm_ops.settings import Settings

__all__ = [
    "DUE",
    "SyncReport",
    "Wanted",
    "create_golden_json",
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
_BEFORE_CMS, _AFTER_US = date(2008, 1, 1), date(2100, 1, 1)


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


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a synchronisation asks for; without any of it, what is due.

    Attributes:
        runs: runs and ranges, ``324997 325000-325170``.
        since: runs that began on this day (UTC) or later.
        until: runs that began on this day or earlier.
        days: how many days before the newest run a sweep goes back; None: as the settings say.
        everything: all runs that the service has.
    """

    runs: str = ""
    since: date | None = None
    until: date | None = None
    days: int | None = None
    everything: bool = False

    def __post_init__(self) -> None:
        if self.runs and self.dated:
            raise ConfigError("name runs or days, not both")
        if self.since and self.until and self.until < self.since:
            raise ConfigError(f"the last day, {self.until}, is before the first, {self.since}")

    @property
    def dated(self) -> bool:
        """Days are named."""
        return self.since is not None or self.until is not None

    @property
    def named(self) -> bool:
        """Runs or days are named."""
        return bool(self.runs) or self.dated

    @property
    def begin(self) -> str:
        """First moment, as both services write it."""
        return f"{self.since or _BEFORE_CMS}T00:00:00Z"

    @property
    def end(self) -> str:
        """First moment after it."""
        return f"{self.until + timedelta(days=1) if self.until else _AFTER_US}T00:00:00Z"


DUE = Wanted()


def sync_oms(settings: Settings, wanted: Wanted = DUE, *, lumisections: bool = False) -> SyncReport:
    """Bring what OMS tells of runs and fills into the database.

    What is due is: what is new since the last time with some overlap, what has no end or was not answered, and now and
    then the last days and a slice of everything. Again with the same answers it changes no value. When all is answered,
    the run index is written, which Airflow's Backfill dialog reads.

    Args:
        settings: where OMS and the database are.
        wanted: what is asked for.
        lumisections: lumisections too; only for runs or days that are named.

    Raises:
        ConfigError: OMS is not configured, or refuses; the run index cannot be written.
        TryAgain: OMS or the database does not answer; what was answered before is kept, the rest is asked next time.
        BadAnswer: OMS answered what cannot be; nothing of that answer is kept.
    """
    _need(oms_is_configured(settings), "OMS", "HDQM_OMS_URL, HDQM_OMS_AUDIENCE")
    if lumisections and not wanted.named:
        raise ConfigError("lumisections of all runs are too many: name runs or days")
    with services.OMS.from_settings(settings) as oms, connect(settings) as connection:
        report = _OmsSync(oms, connection, settings, lumisections=lumisections).run(wanted)
        write_run_index(run_index_file(settings), load.run_starts(connection))
    return report


def sync_rr(settings: Settings, wanted: Wanted = DUE) -> SyncReport:
    """Bring what Run Registry decides of runs and datasets into the database; arguments as for `sync_oms`."""
    _need(rr_is_configured(settings), "Run Registry", "HDQM_RR_URL, HDQM_RR_AUDIENCE")
    with services.RunRegistry.from_settings(settings) as rr, connect(settings) as connection:
        return _RegistrySync(rr, connection, settings).run(wanted)


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
    _check_name(name)
    golden = services.GoldenJson.read(file)
    with connect(settings) as connection:
        load.store_golden_json(connection, name, golden.multiranges())
    return {"runs": len(golden), "lumisections": golden.lumisections}


def create_golden_json(
    settings: Settings, name: str, rule: str, datasets: str, *, deadline_s: float = 3600, poll_s: float = 15
) -> dict[str, int]:
    """Have Run Registry make a golden JSON, and keep it under a name.

    Args:
        settings: where Run Registry and the database are.
        name: what people choose it by; another one of that name is replaced.
        rule: json-logic, as text.
        datasets: names of datasets, as SQL's SIMILAR TO.
        deadline_s: give up after so many seconds.
        poll_s: seconds between two questions whether it is made.

    Raises:
        ConfigError: Run Registry is not configured, or the rule or the name cannot be used.
        ServiceError: Run Registry did not make it; what stood under the name stays.
    """
    _check_name(name)
    _need(rr_is_configured(settings), "Run Registry", "HDQM_RR_URL, HDQM_RR_AUDIENCE")
    with connect(settings) as connection:
        with services.RunRegistry.from_settings(settings) as rr:
            made = rr.create_json(rule, datasets, deadline_s=deadline_s, poll_s=poll_s)
        origin = load.GoldenOrigin(made.id, json.loads(rule), datasets)
        load.store_golden_json(connection, name, made.golden.multiranges(), origin=origin)
    return {"id": made.id, "runs": len(made.golden), "lumisections": made.golden.lumisections}


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > 200:
        raise ConfigError(f"{name!r} is no name that people could choose a golden JSON by")


def _need(configured: bool, service: str, more: str) -> None:
    if not configured:
        raise ConfigError(
            f"{service} is not configured: set SSO_CLIENT_ID and SSO_CLIENT_SECRET (and {more} where it is elsewhere); "
            "until then runs stay unknown, and `hdqm runs import FILE` tells of them by hand"
        )


class _Sync:
    """What both synchronisations have in common: which runs to ask for, and what failure leaves behind."""

    service: Literal["oms", "rr"]

    def __init__(self, connection: load.Connection, settings: Settings) -> None:
        self.connection = connection
        self.settings = settings
        self.report = SyncReport()

    def run(self, wanted: Wanted) -> SyncReport:
        """Ask for what is named, or for what is due."""
        try:
            if wanted.runs:
                self.ranges(discover.parse_runs(wanted.runs).ranges)
            elif wanted.dated:
                began = self.began(wanted)
                self.ranges([began] if began else [])
            else:
                self.due(wanted.days or self.settings.sync_days, everything=wanted.everything)
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

    def began(self, wanted: Wanted) -> Stretch | None:
        """First and last run that began in the wanted days; None where none did."""
        raise NotImplementedError

    def state(self) -> load.SyncState:
        """How far this synchronisation is."""
        return load.sync_state(self.connection, self.service, self.settings.sync_sweep_h)

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

    def __init__(
        self, oms: services.OMS, connection: load.Connection, settings: Settings, *, lumisections: bool
    ) -> None:
        super().__init__(connection, settings)
        self.oms = oms
        self.lumisections = lumisections
        self._span: Stretch | None = None

    def due(self, days: int, *, everything: bool) -> None:
        state, span = self.state(), self.span()
        if span is None:
            return
        fresh = (max(span[0], (state.watermark or 0) - _OVERLAP), span[1])
        wanted, swept, swept_to = [span if everything else fresh], everything or not state.complete, None
        if not swept:
            wanted += _near(load.runs_to_ask(self.connection, "oms"))
            if state.sweep_due:
                more, swept_to = self.swept(days, state, span)
                wanted, swept = wanted + more, True

        def progress(last: int) -> None:
            if not state.complete:  # the first time takes long: what broke off goes on where it was
                load.record_sync_progress(self.connection, "oms", watermark=last)

        self.ranges(_joined(wanted), after=progress)
        load.record_sync(self.connection, "oms", watermark=span[1], swept=swept, swept_to=swept_to)

    def span(self) -> Stretch | None:
        if self._span is None:
            self._span = self._ends(self.oms.query("runs"))
        return self._span

    def began(self, wanted: Wanted) -> Stretch | None:
        query = self.oms.query("runs").filter("start_time", wanted.begin, "GE")
        return self._ends(query.filter("start_time", wanted.end, "LT"))

    def _ends(self, runs: services.Query) -> Stretch | None:
        query = runs.fields("run_number")
        ends = [query.sort("run_number", descending=descending).first(1).dicts() for descending in (False, True)]
        return (ends[0][0]["run_number"], ends[1][0]["run_number"]) if all(ends) else None

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

    def __init__(self, rr: services.RunRegistry, connection: load.Connection, settings: Settings) -> None:
        super().__init__(connection, settings)
        self.rr = rr

    def due(self, days: int, *, everything: bool) -> None:
        state = self.state()
        version = self._newest_version()  # before anything is read: what changes meanwhile comes next time
        swept, swept_to = True, None
        if everything:
            span = self.span()
            self.ranges([span] if span else [])
        elif not state.complete:
            self._first_time(state, version)
            version = None  # that of its beginning counts
        else:
            self._changed_since((state.watermark or 0) - _VERSIONS)
            wanted = _near(load.runs_to_ask(self.connection, "rr"))
            span = self.span() if state.sweep_due else None
            swept = span is not None
            if span:
                more, swept_to = self.swept(days, state, span)
                wanted += more
            self.ranges(_joined(wanted))
        load.record_sync(self.connection, "rr", watermark=version, swept=swept, swept_to=swept_to)

    def _first_time(self, state: load.SyncState, version: int | None) -> None:
        """All there is; what broke off goes on where it was, and what changed since its beginning comes next time."""
        if state.watermark is None:
            load.record_sync_progress(self.connection, "rr", watermark=version)
        span = self.span()
        begin = max(span[0], (state.swept_to or 0) + 1) if span else 0

        def progress(last: int) -> None:
            load.record_sync_progress(self.connection, "rr", swept_to=last)

        self.ranges([(begin, span[1])] if span and begin <= span[1] else [], after=progress)

    def span(self) -> Stretch | None:
        return self._ends({})

    def began(self, wanted: Wanted) -> Stretch | None:
        return self._ends({"start_time": {"and": [{">=": wanted.begin}, {"<": wanted.end}]}})

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
        return self._end({}, "version", "DESC")

    def _ends(self, wanted: Mapping[str, Any]) -> Stretch | None:
        first, last = (self._end(wanted, "run_number", order) for order in ("ASC", "DESC"))
        return None if first is None or last is None else (first, last)

    def _end(self, wanted: Mapping[str, Any], name: str, order: str) -> int | None:
        rows = self.rr.get_runs(wanted, limit=1, page_size=1, sortings=[(name, order)])
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
