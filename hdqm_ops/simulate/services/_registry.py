"""Rows of the simulated Run Registry: runs, datasets, their lumisections, and what its users changed by hand."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeAlias

from hdqm_ops.simulate.services import _conditions as conditions
from hdqm_ops.simulate.services import _statuses as statuses
from hdqm_ops.simulate.services._faults import Fault
from hdqm_ops.simulate.services._oms import attributes_of_run, scheme_of_run
from hdqm_ops.simulate.services._oms_tables import View
from hdqm_ops.simulate.services._statuses import Span
from hdqm_ops.simulate.services._world import Run

Key: TypeAlias = tuple[int, str]

ONLINE = "online"
WAITING = "waiting dqm gui"
WORKSPACES = (
    *("global", "btag", "castor", "cms", "csc", "ctpps", "dt", "ecal", "egamma", "hcal", "hlt", "jetmet", "l1t"),
    *("lumi", "muon", "rpc", "tau", "tracker"),
)
_DAY = 86_400.0
_SIGNED_OFF_AFTER = 0.5 * _DAY
_EPOCH = 1_500_000_000


@dataclass(slots=True)
class Changes:
    """What was changed by hand; the moment of a change makes a row's version."""

    runs: dict[int, dict[str, Any]] = field(default_factory=dict)
    datasets: dict[Key, dict[str, Any]] = field(default_factory=dict)
    spans: dict[tuple[int, str, str], tuple[Span, ...]] = field(default_factory=dict)
    versions: dict[Key, int] = field(default_factory=dict)
    count: int = 0

    def note(self, run: int, dataset: str, clock: float) -> None:
        """A row was changed now."""
        self.count += 1
        self.versions[run, dataset] = int(clock - _EPOCH) + self.count


@lru_cache(maxsize=60_000)
def run_class(run: Run) -> str:
    """The class; none where there is no HLT key to tell it by."""
    short = run.period.year % 100
    if run.kind == "local":
        return ""
    if run.kind == "cosmics":
        return run.period.run_class if run.period.beams == "none" else f"Cosmics{short}"
    special = run.kind == "commissioning" or (run.fill is not None and run.fill.special)
    return f"Commissioning{short}" if special else run.period.run_class


@lru_cache(maxsize=60_000)
def significant(run: Run) -> bool:
    """Whether a rule, or a shifter, found the run worth certifying."""
    if run.kind == "collisions":
        return run.lumisections > 10 and run_class(run) == run.period.run_class
    return run.kind == "cosmics" and (run.lumisections > 40 or run.number in (327_743, 362_874))


@lru_cache(maxsize=60_000)
def offline_datasets(run: Run) -> tuple[str, ...]:
    """Datasets that a run gets when it is signed off."""
    if not significant(run):
        return ()
    period = run.period
    again = (f"/ReReco/Run{period.era}_{version}/DQM" for version in ("v1", "v2", "UL", "Legacy"))
    names = [f"/Express/{period.express}/DQM", f"/PromptReco/{period.prompt}/DQM", *again]
    return tuple(names)


class RegistryRow:
    """One run or dataset: a dictionary that is only made as far as it is asked for."""

    def __init__(self, registry: "Registry", run: Run, dataset: str, parts: Mapping[str, Callable[[], Any]]) -> None:
        self.run = run
        self.dataset = dataset
        self._registry = registry
        self._parts = parts
        self.made: dict[str, Any] = {}

    def part(self, name: str) -> Any:
        """One part, made once."""
        if name not in self.made:
            self.made[name] = self._parts[name]()
        return self.made[name]

    def lookup(self, path: str) -> Any:
        """The value at a path as filters have it; null where there is nothing.

        Raises:
            KeyError: the table has no such column.
        """
        first, _, rest = path.partition(".")
        if first == "triplet_summary":
            column, _, status = rest.rpartition(".")
            return self._registry.summary(self, column).get(status) if column in statuses.COLUMNS else None
        value = self.part(first)
        return value.get(rest) if rest else value

    def document(self, *, datasets: bool) -> dict[str, Any]:
        """The row as the server gives it."""
        told = {name: self.part(name) for name in self._parts if name not in ("rr_attributes", "oms_attributes")}
        attributes = {name: self.part(name) for name in ("rr_attributes", "oms_attributes")}
        cache: dict[str, Any] = {"triplet_summary": self._registry.triplet_summary(self)}
        if datasets:
            cache["dcs_summary"] = self._registry.dcs_summary(self)
            return {**told, "Run": attributes, "DatasetTripletCache": cache}
        return {**told, **attributes, "DatasetTripletCache": cache}


@dataclass(slots=True)
class Registry:
    """Run Registry at a moment."""

    view: View
    changes: Changes
    faults: tuple[Fault, ...] = ()

    # -- rows ------------------------------------------------------------------------------------------------------

    def runs(self, first: float = float("-inf"), last: float = float("inf")) -> Iterator[RegistryRow]:
        """Runs, the last first."""
        for run in reversed(self.view.world.between(first, last)):
            if run.start <= self.view.clock:
                yield self._row(run, ONLINE, datasets=False)

    def datasets(self, first: float = float("-inf"), last: float = float("inf")) -> Iterator[RegistryRow]:
        """Datasets, those of the last run first, by name within a run."""
        for run in reversed(self.view.world.between(first, last)):
            if run.start <= self.view.clock:
                for name in sorted(self.names(run)):
                    yield self._row(run, name, datasets=True)

    def run(self, number: int) -> RegistryRow | None:
        """One run."""
        return next(self.runs(number, number), None)

    def dataset(self, number: int, name: str) -> RegistryRow | None:
        """One dataset."""
        return next((row for row in self.datasets(number, number) if row.dataset == name), None)

    def names(self, run: Run) -> tuple[str, ...]:
        """Names of a run's datasets at this moment."""
        signed_off = self.view.clock - run.end > _SIGNED_OFF_AFTER
        return (ONLINE, *(offline_datasets(run) if signed_off else ()))

    def _row(self, run: Run, name: str, *, datasets: bool) -> RegistryRow:
        parts: dict[str, Callable[[], Any]] = {
            "run_number": lambda: run.number,
            "version": lambda: self._version(run, name),
            "deleted": lambda: False,
            "rr_attributes": lambda: self._rr_attributes(run),
            "oms_attributes": lambda: self._oms_attributes(run),
        }
        if datasets:
            parts["name"] = lambda: name
            parts["dataset_attributes"] = lambda: self._dataset_attributes(run, name)
            parts["datasets_in_gui"] = lambda: self._in_gui(run, name)
        return RegistryRow(self, run, name, parts)

    def _version(self, run: Run, name: str) -> int:
        """A counter of events of the whole registry: what changed later has a higher one."""
        steps = (run.start, run.end, run.end + _SIGNED_OFF_AFTER, *(run.end + days * _DAY for days in (1, 7, 21)))
        last = max(step for step in steps if step <= self.view.clock)
        return max(int(last - _EPOCH), self.changes.versions.get((run.number, name), 0))

    def _rr_attributes(self, run: Run) -> dict[str, Any]:
        told: dict[str, Any] = {
            "class": run_class(run),
            "state": "SIGNOFF" if self.view.clock - run.end > _SIGNED_OFF_AFTER else "OPEN",
            "significant": significant(run),
            "stop_reason": "Beam dump" if run.kind == "collisions" else "",
        }
        if 0 < run.lumisections < 4:
            told["short_run"] = True
        if self._is_stale(run):
            told["run_needs_to_be_updated_manually"] = True
        return {**told, **self.changes.runs.get(run.number, {})}

    def _is_stale(self, run: Run) -> bool:
        """OMS has changed its mind after the run was signed off: nothing is copied any more."""
        corrected = ("runs", str(run.number)) in self.view.corrections
        return corrected or any(fault.kind == "manual_update" and fault.concerns(run.number) for fault in self.faults)

    def _oms_attributes(self, run: Run) -> dict[str, Any]:
        copied = replace(self.view, corrections={}, faults=self.faults)
        told = dict(attributes_of_run(copied, run.number) or {})
        if any(fault.kind == "manual_update" and fault.concerns(run.number) for fault in self.faults):
            told["hlt_key"] = told["recorded_lumi"] = None
        included = {f"{name.lower()}_included": True for name in conditions.components(run)}
        return {
            **told,
            **included,
            "injection_scheme": scheme_of_run(copied, run.number),
            "ls_duration": copied.last(run),
            "beams_present_and_stable": False if run.fill else None,  # wrong at its source, for years
        }

    def _dataset_attributes(self, run: Run, name: str) -> dict[str, Any]:
        told: dict[str, Any] = {"appeared_in": []}
        if name != ONLINE:
            age = (self.view.clock - run.end) / _DAY
            chance = run.random(f"states of {name}")
            for workspace in WORKSPACES:
                days = age * (1.0 if workspace == "global" else chance.uniform(0.7, 1.3))
                told[f"{workspace}_state"] = _state(days)
            told["appeared_in"] = [] if age < 1 else self._in_gui(run, name)
        return {**told, **self.changes.datasets.get((run.number, name), {})}

    def _in_gui(self, run: Run, name: str) -> list[str]:
        if name == ONLINE:
            return []
        kind = name.split("/")[1]
        return [f"/{primary}/Run{run.period.era}-{kind}-v1/DQMIO" for primary in ("ZeroBias", "SingleMuon")]

    # -- lumisections ----------------------------------------------------------------------------------------------

    def last(self, row: RegistryRow) -> int:
        """Number of lumisections with triplets: only significant runs have any."""
        if "last" not in row.made:
            row.made["last"] = self.view.last(row.run) if row.part("rr_attributes")["significant"] else 0
        return int(row.made["last"])

    def spans(self, row: RegistryRow, column: str) -> tuple[Span, ...]:
        """Statuses of one column."""
        changed = self.changes.spans.get((row.run.number, row.dataset, column))
        spans = changed or statuses.statuses(row.run, row.dataset, column)
        last = self.last(row)
        if not spans or spans[-1].last <= last:
            return spans
        return tuple(replace(span, last=min(span.last, last)) for span in spans if span.first <= last)

    def summary(self, row: RegistryRow, column: str) -> dict[str, Any]:
        """Lumisections by status of one column."""
        return statuses.summary(self.spans(row, column)) if self.last(row) else {}

    def triplet_summary(self, row: RegistryRow) -> dict[str, Any]:
        """All columns; empty for runs that are not significant."""
        return {column: self.summary(row, column) for column in statuses.COLUMNS} if self.last(row) else {}

    def triplets(self, row: RegistryRow) -> list[dict[str, dict[str, str]]]:
        """Statuses lumisection by lumisection."""
        columns = {column: self.spans(row, column) for column in statuses.COLUMNS}
        return statuses.by_lumisection(columns, self.last(row))

    def dcs_summary(self, row: RegistryRow) -> dict[str, Any]:
        """Lumisections by value of each detector flag."""
        return _dcs_summary(row.run, self.view.last(row.run))

    def oms_lumisections(self, row: RegistryRow, *, luminosities: bool = True) -> list[dict[str, Any]]:
        """Flags (and luminosities) lumisection by lumisection; holes say that there are no data."""
        gap = any(fault.kind == "lumisection_gap" and fault.concerns(row.run.number) for fault in self.faults)
        rows: list[dict[str, Any]] = []
        for number in range(1, self.view.last(row.run) + 1):
            if gap and number in range(3, 6):
                rows.append({"err": "No data available for this lumisection"})
                continue
            told = conditions.lumisection_row(row.run, number, 0.0)
            names = ("delivered_lumi", "recorded_lumi", "init_lumi") if luminosities else ()
            rows.append({name: told[name] for name in (*conditions.FLAGS, *names)})
        return rows


@lru_cache(maxsize=20_000)
def _dcs_summary(run: Run, last: int) -> dict[str, Any]:
    counts: dict[str, Any] = {flag: {"TRUE": 0, "FALSE": 0, "NULL": 0, "EMPTY": 0} for flag in conditions.FLAGS}
    for first, end, told in conditions.flag_ranges(run, last):
        for flag, value in told.items():
            counts[flag][str(value).upper() if value is not None else "NULL"] += end - first + 1
    return {**counts, "ls_duration": {"TRUE": last}}


def _state(days: float) -> str:
    for state, limit in ((WAITING, 1), ("OPEN", 7), ("SIGNOFF", 21)):
        if days < limit:
            return state
    return "COMPLETED"
