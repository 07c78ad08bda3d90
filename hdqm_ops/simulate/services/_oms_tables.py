"""The resources of the simulated OMS: which fields each has, and its rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TypeAlias

from hdqm_ops.simulate.services import _conditions as conditions
from hdqm_ops.simulate.services import _rates as rates
from hdqm_ops.simulate.services._conditions import OTHER_SCALE, Attributes, Scale, stamp
from hdqm_ops.simulate.services._faults import Fault
from hdqm_ops.simulate.services._periods import PERIODS
from hdqm_ops.simulate.services._world import Fill, Run, World

_LUMI = ("init_lumi", "end_lumi", "peak_lumi")
_INTEGRATED = tuple(
    f"{what}_lumi{of}" for what in ("delivered", "recorded") for of in ("", "_per_lumisection", "_stablebeams")
)
_NULLED = ("hlt_key", "l1_rate", "fill_number", "delivered_lumi", "recorded_lumi", "init_lumi")
_GAP = range(3, 6)
_SPECIFIC = "10^{27}cm^{-2}s^{-1}(10^{11}p)^{-2}"
_ENOUGH = 2_000


class TooMuch(Exception):
    """A question that would take for ever."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row before it becomes JSON: units are those of this row."""

    id: str
    attributes: Attributes
    units: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class View:
    """The world as one request may see it: until the clock, with corrections, narrowed to what the filter asks.

    Attributes:
        world: the world.
        clock: what begins later does not exist yet.
        corrections: (resource, id) → attributes that are otherwise than first told.
        faults: data faults that this request meets.
        runs: first and last run number that can satisfy the filter.
        fills: the same for fills.
        lumisections: the same for lumisections.
        granularity: what rates are summed over.
        size: lumisections in a group.
    """

    world: World
    clock: float
    corrections: Mapping[tuple[str, str], Attributes]
    faults: tuple[Fault, ...] = ()
    runs: tuple[float, float] = (float("-inf"), float("inf"))
    fills: tuple[float, float] = (float("-inf"), float("inf"))
    lumisections: tuple[float, float] = (1, float("inf"))
    granularity: str = "run"
    size: int = 1

    def selected(self) -> Iterator[Run]:
        """Runs that have begun and can satisfy the filter."""
        for run in self.world.between(*self.runs):
            number = run.fill.number if run.fill else None
            narrowed = self.fills[0] > 0 or self.fills[1] < float("inf")
            fits = not narrowed or (number is not None and self.fills[0] <= number <= self.fills[1])
            if run.start <= self.clock and fits:
                yield run

    def few(self) -> Iterator[Run]:
        """The selected runs, for resources with many rows a run."""
        for count, run in enumerate(self.selected()):
            if count == _ENOUGH:
                raise TooMuch(f"more than {_ENOUGH} runs: narrow the filter on run_number or fill_number")
            yield run

    def clock_of(self, run: Run) -> float:
        """The clock for one run: a run that shall not have ended is half over."""
        if any(fault.kind == "run_open" and fault.concerns(run.number) for fault in self.faults):
            return min(self.clock, run.start + 0.5 * (run.end - run.start))
        return self.clock

    def last(self, run: Run) -> int:
        """Last lumisection of a run so far."""
        return run.lumisections_until(self.clock_of(run))

    def groups(self, run: Run) -> Iterator[tuple[int, int]]:
        """First and last lumisections of the rows that rates are given in."""
        first, last = int(max(1, self.lumisections[0])), int(min(self.last(run), self.lumisections[1]))
        if first > last:
            return
        step = self.size if self.granularity == "lumisection" else last - first + 1
        for start in range(first, last + 1, step):
            yield start, min(last, start + step - 1)

    def row(self, resource: str, key: str, told: Attributes, scale: Scale | None = None) -> Row:
        """A row with corrections and faults in it, and the units of its luminosities."""
        told = {**told, **self.corrections.get((resource, key), {})}
        units = _units(told, scale) if scale else {}
        for fault in self.faults:
            if fault.kind == "unit_change" and scale and fault.concerns(told.get("run_number") or 0):
                told, units = _in_other_units(told, scale, units, fault.unit)
            if fault.kind == "null_fields" and fault.concerns(told.get("run_number") or 0):
                told = {**told, **{name: None for name in fault.fields or _NULLED if name in told}}
        return Row(key, told, units)


def _units(told: Attributes, scale: Scale) -> dict[str, str]:
    named = {name: scale.rate_unit for name in _LUMI if name in told}
    return named | {name: scale.integrated_unit for name in _INTEGRATED if name in told}


def _in_other_units(
    told: Attributes, scale: Scale, units: dict[str, str], unit: str | None
) -> tuple[Attributes, dict[str, str]]:
    if unit is not None:
        return told, dict.fromkeys(units, unit)
    factors = dict.fromkeys(_LUMI, OTHER_SCALE.rate / scale.rate)
    factors |= dict.fromkeys(_INTEGRATED, OTHER_SCALE.integrated / scale.integrated)
    changed = {name: told[name] * factors[name] for name in units if told[name] is not None}
    return {**told, **changed}, _units(told, OTHER_SCALE)


# -- runs, fills, lumisections -----------------------------------------------------------------------------------------


def run_row(view: View, run: Run) -> Row:
    """One run."""
    replay = view.world.replay
    told = conditions.run_row(run, view.clock_of(run))
    scale = conditions.scale_of_run(run)
    if replay and run.number in replay.runs:
        told = {**dict.fromkeys(told), **replay.runs[run.number]}
        scale = _scale_of_file(replay.units.get(told.get("fill_number") or 0, {}))
    return view.row("runs", str(run.number), told, scale)


def _scale_of_file(units: Mapping[str, str]) -> Scale:
    """Files of runs do not name their units: they are those of the run's fill."""
    rate, integrated = units.get("init_lumi", "10^{34}cm^{-2}s^{-1}"), units.get("delivered_lumi", "pb^{-1}")
    return Scale(1.0 if "34" in rate else 1e7, rate, 1.0 if integrated == "pb^{-1}" else 1e6, integrated)


def _runs(view: View) -> Iterator[Row]:
    return (run_row(view, run) for run in view.selected())


def fill_row(view: View, fill: Fill) -> Row:
    """One fill."""
    replay = view.world.replay
    told = conditions.fill_row(fill, view.world.of_fill(fill.number), view.clock)
    row = view.row("fills", str(fill.number), told, conditions.scale_of_fill(fill))
    if replay and fill.number in replay.fills:
        told = {**dict.fromkeys(told), **replay.fills[fill.number]}
        return Row(row.id, told, replay.units[fill.number])
    specific = {} if told["peak_specific_lumi"] is None else {"peak_specific_lumi": _SPECIFIC}
    return Row(row.id, row.attributes, {**row.units, **specific})


def _fills(view: View) -> Iterator[Row]:
    low, high = view.fills
    narrowed = view.runs[0] > 0 or view.runs[1] < float("inf")
    for fill in reversed(view.world.fills):  # the last first, without being asked
        if low <= fill.number <= high and fill.start <= view.clock and not (narrowed and not _has_run(view, fill)):
            yield fill_row(view, fill)


def _has_run(view: View, fill: Fill) -> bool:
    low, high = view.runs
    return any(low <= run.number <= high for run in view.world.of_fill(fill.number))


def _lumisections(view: View) -> Iterator[Row]:
    for run in view.few():
        gap = any(fault.kind == "lumisection_gap" and fault.concerns(run.number) for fault in view.faults)
        earlier = [other for other in _fill_mates(view, run) if other.number < run.number]
        recorded = sum(other.live * other.delivered(1, other.lumisections) for other in earlier)
        scale = conditions.scale_of_run(run)
        for number in range(1, view.last(run) + 1):
            if not (gap and number in _GAP):
                told = conditions.lumisection_row(run, number, recorded)
                yield view.row("lumisections", f"{run.number}_{number}", told, scale)


def _fill_mates(view: View, run: Run) -> Sequence[Run]:
    return view.world.of_fill(run.fill.number) if run.fill else ()


def _eras(view: View) -> Iterator[Row]:
    seen: dict[str, Attributes] = {}
    for period in PERIODS:
        if period.start.timestamp() <= view.clock:
            era = seen.setdefault(
                period.era,
                {"name": period.era, "start_run": period.runs[0], "start_time": stamp(period.start.timestamp())},
            )
            era |= {"end_run": period.runs[1], "end_time": stamp(period.end.timestamp())}
    return (view.row("eras", name, told) for name, told in seen.items())


def _downtimes(view: View) -> Iterator[Row]:
    for fill in view.world.fills:
        if fill.stable and fill.start <= view.clock and fill.number % 3 == 0:
            start, length = fill.stable[0] + 1_800, 60 * (5 + fill.number % 11)
            told = {
                "id": fill.number,
                "fill_number": fill.number,
                "category": ("DAQ", "TRK", "ECAL", "Power")[fill.number % 4],
                "group": "Central Operations",
                "details": "Stuck trigger, full recycle",
                "start_time": stamp(start),
                "end_time": stamp(start + length),
                "downtime": length,
                "stable_beams": True,
                "lost_delivered_lumi": fill.delivered(start + length) - fill.delivered(start),
            }
            yield view.row("downtimes", str(fill.number), told)


def _bunches(view: View) -> Iterator[Row]:
    for fill in view.world.fills:
        if view.fills[0] <= fill.number <= view.fills[1] and fill.stable and fill.start <= view.clock:
            for bucket in range(1, 3_565, 3_564 // min(fill.bunches, 3_564) or 1):
                told = {
                    "fill_number": fill.number,
                    "bunch_number": bucket,
                    "beam_1_configured": True,
                    "beam_2_configured": True,
                    "init_lumi": fill.lumi / fill.bunches,
                    "init_pileup": fill.lumi * 26,
                }
                yield view.row("bunches", f"{fill.number}_{bucket}", told, conditions.scale_of_fill(fill))


# -- rates -------------------------------------------------------------------------------------------------------------

Measured: TypeAlias = "dict[str, float | int | None]"


def _grouped(view: View) -> Iterator[tuple[Run, int, int, Attributes]]:
    """Runs and groups of lumisections, with what all rate rows begin with."""
    for run in view.few():
        for first, last in view.groups(run):
            told: Attributes = {
                "first_lumisection_number": first,
                "last_lumisection_number": last,
                "start_time": stamp(run.lumisection_start(first)),
            }
            yield run, first, last, told


def _measured(events: int | None, first: int, last: int) -> Measured:
    return {"counter": events, "rate": None if events is None else rates.rate(events, first, last)}


def _l1_trigger_rates(view: View) -> Iterator[Row]:
    for run, first, last, told in _grouped(view):
        physics = rates.L1_PHYSICS.events(run, first, last)
        calibration = rates.L1_CALIBRATION.events(run, first, last)
        chance = rates.L1_RANDOM.events(run, first, last)
        generated = rates.L1_PHYSICS.scaled("generated", 1 / run.live).events(run, first, last)
        lost = generated - physics
        lit = run.delivered(first, last) > 0
        amounts = {
            "l1a_physics": physics,
            "l1a_calibration": calibration,
            "l1a_random": chance,
            "l1a_total": physics + calibration + chance,
            "total_before_deadtime": generated + calibration + chance,
            "trigger_physics_lost": lost,
            "trigger_physics_lost_beam_active": lost if lit else 0,
            "trigger_physics_lost_beam_inactive": 0 if lit else lost,
            "trigger_physics_beam_active": physics if lit else 0,
            "trigger_physics_beam_inactive": 0 if lit else physics,
            "physics_generated_fdl_tcds": generated,
            "physics_generated_fdl_gt": None,  # the record that we know has nulls here
        }
        percentage = 100 * lost / generated if generated else None
        row = {
            **told,
            **{name: _measured(events, first, last) for name, events in amounts.items()},
            "percentage_physics_triggers_lost": percentage,
        }
        yield view.row("l1triggerrates", _key(view, run, first), row)


def _key(view: View, run: Run, first: int) -> str:
    return f"{run.number}_{first}" if view.granularity == "lumisection" else str(run.number)


def _l1_algorithms(view: View) -> Iterator[Row]:
    for run, first, last, told in _grouped(view):
        for bit, process in rates.L1_ALGORITHMS:
            prescale = 1 if bit > 100 else 2
            post = process.events(run, first, last)
            pre = process.scaled(process.name, 1 / run.live).events(run, first, last)
            row = {
                **told,
                "run_number": run.number,
                "name": process.name,
                "bit": bit,
                "mask": bit != 473,
                **_both("pre_dt_before_prescale", pre * prescale, first, last),
                **_both("pre_dt", pre, first, last),
                **_both("post_dt", post, first, last),
                **_both("post_dt_hlt", None, first, last),
                "initial_prescale": {"prescale_index": 1, "prescale_name": "2.0e34", "prescale": prescale},
                "final_prescale": {"prescale_index": 2, "prescale_name": "1.8e34", "prescale": prescale},
            }
            yield view.row("l1algorithmtriggers", f"{_key(view, run, first)}_{bit}", row)


def _both(name: str, events: int | None, first: int, last: int) -> Attributes:
    return {f"{name}_{what}": value for what, value in _measured(events, first, last).items()}


def _hlt_path_info(view: View) -> Iterator[Row]:
    for run in view.few():
        last = view.last(run)
        for number, path in enumerate(rates.HLT_PATHS if last else ()):
            accepted = path.events(run, 1, last)
            told = {
                "run_number": run.number,
                "path_name": path.name,
                "path_id": 2_000_000 + number,
                "l1_pass": accepted * 21,
                "ps_pass": accepted * 7,
                "accepted": accepted,
                "excepted": 0,
                "rejected": accepted * 6,
                "rate": rates.rate(accepted, 1, last),
            }
            yield view.row("hltpathinfo", f"{run.number}_{path.name}", told)


def _hlt_path_rates(view: View) -> Iterator[Row]:
    for run, first, last, told in _grouped(view):
        for path in rates.HLT_PATHS:
            events = path.events(run, first, last)
            row = {**told, "run_number": run.number, "path_name": path.name, **_measured(events, first, last)}
            yield view.row("hltpathrates", f"{_key(view, run, first)}_{path.name}", row)


def _dataset_rates(view: View) -> Iterator[Row]:
    for run, first, last, told in _grouped(view):
        for dataset in rates.DATASETS:
            events = dataset.events(run, first, last)
            row = {
                **told,
                "run_number": run.number,
                "dataset_name": dataset.name,
                "events": events,
                "rate": rates.rate(events, first, last),
            }
            yield view.row("datasetrates", f"{_key(view, run, first)}_{dataset.name}", row)


def _streams(view: View) -> Iterator[Row]:
    for run, first, last, told in _grouped(view):
        for stream, size in rates.STREAMS:
            events = stream.events(run, first, last)
            per_second = rates.rate(events, first, last)
            row = {
                **told,
                "run_number": run.number,
                "stream_name": stream.name,
                "n_events": events,
                "rate": per_second,
                "file_size": events * size,
                "bandwidth": per_second * size * 1e3,
            }
            yield view.row("streams", f"{_key(view, run, first)}_{stream.name}", row)


_DEADTIMES = (
    ("overall_total_deadtime", 1.0),
    ("overall_tts", 0.4),
    ("overall_trigger_rules", 0.3),
    ("overall_bunch_mask", 0.1),
    ("overall_re_tri", 0.05),
    ("overall_apve", 0.05),
    ("overall_calibration", 0.04),
    ("overall_software_pause", 0.03),
    ("overall_firmware_pause", 0.03),
    ("beamactive_total_deadtime", 0.9),
)


def _deadtimes(view: View) -> Iterator[Row]:
    for run, first, last, told in _grouped(view):
        lost = 100 * (1 - run.live)
        orbits = (last - first + 1) * 2**18 * 3564
        parts = {
            name: {"percent": lost * share, "counter": round(orbits * lost * share / 100)} for name, share in _DEADTIMES
        }
        yield view.row("deadtimes", _key(view, run, first), {**told, "run_number": run.number, **parts})


# -- the list ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource.

    Attributes:
        name: as in the address.
        rows: its rows in their own order.
        sample: attributes of some row, from which the fields are known.
        units: field → unit that does not change from row to row.
        hidden: fields one can filter by and that rows do not carry.
        relationships: names below one row.
    """

    name: str
    rows: Callable[[View], Iterator[Row]]
    units: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    relationships: tuple[str, ...] = ()


_RUN_UNITS = {
    "energy": "GeV",
    "b_field": "T",
    "duration": "s",
    "l1_rate": "Hz",
    "hlt_physics_rate": "Hz",
    "hlt_physics_size": "GB",
    "hlt_physics_throughput": "GB/s",
    "crossing_angle_start": "{\\mu}rad",
    "crossing_angle_stop": "{\\mu}rad",
    "beta_star_start": "cm",
    "beta_star_stop": "cm",
    "beamactive_total_deadtime": "%",
}
_FILL_UNITS = {
    "energy": "GeV",
    "b_field": "T",
    "duration": "s",
    "downtime": "s",
    "crossing_angle": "{\\mu}rad",
    "beta_star": "cm",
    "intensity_beam1": "10^{11}",
    "intensity_beam2": "10^{11}",
}
_OF_RUN = ("fill", "lumisections", "l1triggerrate", "l1algorithmtriggers", "deadtime")
_BY_RUN = ("run_number",)

RESOURCES: Mapping[str, Resource] = {
    resource.name: resource
    for resource in (
        Resource("runs", _runs, _RUN_UNITS, relationships=_OF_RUN),
        Resource("fills", _fills, _FILL_UNITS, hidden=_BY_RUN, relationships=("runs",)),
        Resource("lumisections", _lumisections, relationships=("run",)),
        Resource("eras", _eras),
        Resource("downtimes", _downtimes),
        Resource("bunches", _bunches),
        # Their rows do not say of which run they are: what cannot be checked has to be believed.
        Resource("l1triggerrates", _l1_trigger_rates, hidden=_BY_RUN),
        Resource("l1algorithmtriggers", _l1_algorithms),
        Resource("hltpathinfo", _hlt_path_info, {"rate": "Hz"}),
        Resource("hltpathrates", _hlt_path_rates, {"rate": "Hz"}),
        Resource("datasetrates", _dataset_rates, {"rate": "Hz"}),
        Resource("streams", _streams, {"rate": "Hz", "file_size": "GB", "bandwidth": "MB/s"}),
        Resource("deadtimes", _deadtimes),
    )
}


@cache
def _sample() -> View:
    """A small world and a run in it that has everything."""
    world = World(seed=1, runs=400)
    return View(world, world.default_clock, {})


@cache
def _carried(name: str) -> tuple[str, ...]:
    view = _sample()
    if name not in ("fills", "bunches", "downtimes", "eras"):
        lit = next(run.number for run in view.world.all_runs if run.kind == "collisions" and run.lumisections > 3)
        view = replace(view, runs=(lit, lit))
    return tuple(next(iter(RESOURCES[name].rows(view))).attributes)


def fields_of(resource: Resource) -> tuple[str, ...]:
    """All fields of a resource, those to filter by included: read off a row of a small world."""
    carried = _carried(resource.name)
    return (*carried, *(name for name in resource.hidden if name not in carried))
