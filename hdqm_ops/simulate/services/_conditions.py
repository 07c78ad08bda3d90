"""What OMS tells of a fill, a run, a lumisection: field by field, as it was at a moment (the clock)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeAlias

from hdqm_ops.simulate.services._rates import EVENT_GB, HLT_PHYSICS, L1_PHYSICS, rate
from hdqm_ops.simulate.services._world import LUMISECTION_S, Fill, Run

Attributes: TypeAlias = dict[str, Any]

# Run 355678 (17 July 2022) is where users of OMS saw the unit of luminosities change.
_NEW_UNITS_FROM = 355_678


@dataclass(frozen=True, slots=True)
class Scale:
    """In which units a row gives its luminosities: factors from 10^34 cm^-2 s^-1 and pb^-1, and the names."""

    rate: float
    rate_unit: str
    integrated: float
    integrated_unit: str


_PROTONS = Scale(1e4, "10^{30}cm^{-2}s^{-1}", 1.0, "pb^{-1}")
_IONS = Scale(1e7, "10^{27}cm^{-2}s^{-1}", 1e6, "{\\mu}b^{-1}")
_NEW = Scale(1.0, "10^{34}cm^{-2}s^{-1}", 1.0, "pb^{-1}")
OTHER_SCALE = Scale(10.0, "10^{33}cm^{-2}s^{-1}", 1e3, "nb^{-1}")


def scale_of_run(run: Run) -> Scale:
    """Units of a run's row."""
    if run.period.beams == "ions":
        return _IONS
    return _NEW if run.number >= _NEW_UNITS_FROM else _PROTONS


def scale_of_fill(fill: Fill) -> Scale:
    """Units of a fill's row."""
    return _IONS if fill.period.beams == "ions" else _NEW


def stamp(moment: float) -> str:
    """A time as OMS writes it."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# -- what takes part in a run ------------------------------------------------------------------------------------------

_ALWAYS = ("DAQ", "DCS", "DQM", "TCDS", "TRG")
_DETECTORS = ("CSC", "CTPPS", "CTPPS_TOT", "DT", "ECAL", "ES", "HCAL", "HF", "PIXEL", "RPC", "SCAL", "TRACKER")

FLAG_COMPONENTS: Mapping[str, str] = {
    "bpix_ready": "PIXEL",
    "fpix_ready": "PIXEL",
    "tibtid_ready": "TRACKER",
    "tob_ready": "TRACKER",
    "tecm_ready": "TRACKER",
    "tecp_ready": "TRACKER",
    "ebm_ready": "ECAL",
    "ebp_ready": "ECAL",
    "eem_ready": "ECAL",
    "eep_ready": "ECAL",
    "esm_ready": "ES",
    "esp_ready": "ES",
    "hbhea_ready": "HCAL",
    "hbheb_ready": "HCAL",
    "hbhec_ready": "HCAL",
    "hf_ready": "HF",
    "ho_ready": "HCAL",
    "dtm_ready": "DT",
    "dtp_ready": "DT",
    "dt0_ready": "DT",
    "cscm_ready": "CSC",
    "cscp_ready": "CSC",
    "rpc_ready": "RPC",
    "castor_ready": "CASTOR",
    "zdc_ready": "ZDC",
    "gem_ready": "GEM",
    "gemp_ready": "GEM",
    "gemm_ready": "GEM",
    "rp_time_ready": "CTPPS",
    "rp_sect_45_ready": "CTPPS",
    "rp_sect_56_ready": "CTPPS",
}
_NEW_FLAGS = ("gem_ready", "gemp_ready", "gemm_ready", "rp_time_ready", "rp_sect_45_ready", "rp_sect_56_ready")
_BEAM_FLAGS = ("beam_present", "beam1_present", "beam2_present", "beams_stable", "beam1_stable", "beam2_stable")
_RAMPED = ("bpix_ready", "fpix_ready", "tibtid_ready", "tob_ready", "tecm_ready", "tecp_ready")
_RAMP_S = 400  # high voltage goes up when beams are stable

FLAGS: tuple[str, ...] = ("physics_flag", "cms_active", *_BEAM_FLAGS, *FLAG_COMPONENTS)

Window: TypeAlias = tuple[int, int]


@lru_cache(maxsize=20_000)
def components(run: Run) -> tuple[str, ...]:
    """The components that take part, sorted."""
    chance = run.random("components")
    if run.kind == "local":
        return tuple(sorted({"DAQ", "TCDS", chance.choice(_DETECTORS)}))
    gone = 0.02 if run.kind == "collisions" else 0.15
    detectors = (*_DETECTORS, "GEM") if run.period.gem else _DETECTORS
    return tuple(sorted([*_ALWAYS, *(name for name in detectors if chance.random() > gone)]))


@lru_cache(maxsize=4_000)
def off_windows(run: Run) -> Mapping[str, tuple[Window, ...]]:
    """Ready flag → lumisections (first, last) in which a detector that takes part is off."""
    chance, last = run.random("windows"), run.lumisections
    found: dict[str, list[Window]] = {}
    if run.fill and run.fill.stable and run.kind == "collisions":
        ramp = run.fill.stable[0] + _RAMP_S - run.first_lumisection_start
        if ramp > 0:
            window = (1, min(last, int(ramp / LUMISECTION_S) + 1))
            found.update({flag: [window] for flag in _RAMPED})
    if chance.random() < 0.15 and last > 20:
        first = chance.randrange(5, last - 5)
        flag = chance.choice(sorted(FLAG_COMPONENTS))
        found.setdefault(flag, []).append((first, min(last, first + chance.randrange(1, 60))))
    return {flag: tuple(windows) for flag, windows in found.items()}


def flags(run: Run, lumisection: int) -> Attributes:
    """The three-valued flags of a lumisection: a detector that the era does not know has null."""
    start = run.lumisection_start(lumisection)
    beams = run.fill is not None
    stable = run.fill is not None and run.fill.luminosity(start) > 0
    taking_part, off = components(run), off_windows(run)
    told: Attributes = {"physics_flag": stable, "cms_active": True}
    told.update({flag: beams if flag.endswith("present") else stable for flag in _BEAM_FLAGS})
    for flag, component in FLAG_COMPONENTS.items():
        if flag in _NEW_FLAGS and not run.period.gem:
            told[flag] = None
        else:
            closed = any(first <= lumisection <= last for first, last in off.get(flag, ()))
            told[flag] = component in taking_part and flag != "hbhec_ready" and not closed
    return told


@lru_cache(maxsize=20_000)
def flag_ranges(run: Run, last: int) -> tuple[tuple[int, int, Attributes], ...]:
    """Stretches of lumisections with equal flags: first, last, flags."""
    edges = {1, last + 1}
    for windows in off_windows(run).values():
        edges |= {edge for first, end in windows for edge in (first, end + 1)}
    if run.fill and run.fill.stable:
        for moment in run.fill.stable:
            number = int((moment - run.lumisection_start(1)) / LUMISECTION_S)
            edges |= {number, number + 1, number + 2}
    steps = sorted(edge for edge in edges if 1 <= edge <= last + 1)
    return tuple((first, after - 1, flags(run, first)) for first, after in pairwise(steps))


# -- rows --------------------------------------------------------------------------------------------------------------


def _version(run: Run) -> int:
    """Keys and menus change every two weeks or so."""
    return 1 + int((run.start - run.period.start.timestamp()) / (14 * 86_400))


def _special(run: Run) -> str:
    return run.fill.special if run.fill else ""


def _l1_name(run: Run) -> str:
    if _special(run):
        return f"{_special(run).lower()}{run.period.year}"
    return f"collisions{run.period.year}" if run.fill else f"cosmics{run.period.year}"


def hlt_key(run: Run) -> str:
    """The HLT key; special fills have special ones."""
    if _special(run):
        return f"/cdaq/special/{run.period.year}/{_special(run)}/v1.0/HLT/V1"
    return f"{run.period.hlt}/v1.{_version(run)}.0/HLT/V{1 + run.number % 3}"


def lumisection_row(run: Run, number: int, recorded_before: float) -> Attributes:
    """A lumisection; luminosities are sums over the fill at its start, as OMS gives them, and its own."""
    start, scale = run.lumisection_start(number), scale_of_run(run)
    delivered = run.delivered(number, number)
    before = run.fill.delivered(start) if run.fill else 0.0
    pileup = run.fill.luminosity(start) * 26 if run.fill and run.period.beams == "protons" else 0.0
    return {
        "run_number": run.number,
        "fill_number": run.fill.number if run.fill else None,
        "lumisection_number": number,
        "start_time": stamp(start),
        "end_time": stamp(start + LUMISECTION_S),
        "init_lumi": scale.rate * (run.fill.luminosity(start) if run.fill else 0.0),
        "end_lumi": 0.0,  # the table fills it in: it is the init_lumi of the next row that was selected
        "delivered_lumi": scale.integrated * before,
        "recorded_lumi": scale.integrated * (recorded_before + run.live * run.delivered(1, number - 1)),
        "delivered_lumi_per_lumisection": scale.integrated * delivered,
        "recorded_lumi_per_lumisection": scale.integrated * run.live * delivered,
        "pileup": pileup,
        "prescale_index": 1 + min(7, number // 300),
        "prescale_name": f"{2.0 - 0.2 * min(7, number // 300):.1f}e34",
        **flags(run, number),
    }


def run_row(run: Run, clock: float) -> Attributes:
    """A run at a moment: what is only known afterwards is null while it goes on."""
    return _finished(run) if run.end <= clock else _told(run, clock)


@lru_cache(maxsize=50_000)
def _finished(run: Run) -> Attributes:
    return _told(run, run.end)


def _told(run: Run, clock: float) -> Attributes:
    told = _identity(run, clock)
    if run.kind == "local":
        return told
    last = run.lumisections_until(clock)
    return {**told, **_machine(run), **_luminosity(run, last), **_trigger(run, last, over=run.end <= clock)}


_UNTOLD_LOCALLY = (
    *("fill_number", "era", "last_lumisection_number", "stable_beam", "fill_type_runtime", "fill_type_party1"),
    *("fill_type_party2", "energy", "b_field", "clock_type", "init_lumi", "end_lumi", "delivered_lumi"),
    *("recorded_lumi", "crossing_angle_start", "crossing_angle_stop", "beta_star_start", "beta_star_stop"),
    *("beamactive_total_deadtime", "l1_key", "l1_key_stripped", "l1_hlt_mode", "l1_hlt_mode_stripped", "l1_menu"),
    *("l1_rate", "l1_triggers_counter", "initial_prescale_index", "hlt_key", "hlt_physics_counter"),
    *("hlt_physics_rate", "hlt_physics_size", "hlt_physics_throughput", "cmssw_version"),
)


def _identity(run: Run, clock: float) -> Attributes:
    over = run.end <= clock
    taking_part = components(run)
    out = sorted({*_DETECTORS, "CASTOR"} - {*taking_part})
    l1_hlt = f"l1_hlt_{_l1_name(run)}/v{100 + _version(run)}"
    return {
        **dict.fromkeys(_UNTOLD_LOCALLY),
        "run_number": run.number,
        "sequence": "PRIVATE-GLOBAL-CALO" if run.kind == "local" else "GLOBAL-RUN",
        "start_time": stamp(run.start),
        "end_time": stamp(run.end) if over else None,
        # It was written when the run began to be known, not when it ended: a watermark on it misses ends.
        "last_update": stamp(min(clock, run.start + 1_400)),
        "duration": int(min(clock, run.end) - run.start),
        "trigger_mode": "MANUAL" if run.kind == "local" else l1_hlt,
        "tier0_transfer": run.kind != "local",
        "components": list(taking_part),
        "components_out": out,
    }


def _machine(run: Run) -> Attributes:
    fill, period = run.fill, run.period
    runtime = {"protons": "PROTONS", "ions": "IONS", "none": None}[period.beams] if fill else "COSMICS"
    party = {"PROTONS": "PROTON", "IONS": "PB82"}.get(str(runtime))
    crossing = (160.0 if period.beams == "ions" else 150.0) if fill else None
    return {
        "fill_number": fill.number if fill else None,
        "era": period.era,
        "stable_beam": bool(fill and fill.stable and run.delivered(1, max(1, run.lumisections)) > 0),
        "fill_type_runtime": runtime,
        "fill_type_party1": party,
        "fill_type_party2": party,
        "energy": period.energy if fill else 0.0,
        "b_field": round(period.field * 0.9997, 3),
        "clock_type": "LHC" if fill else "LOCAL",
        "crossing_angle_start": crossing,
        "crossing_angle_stop": crossing,
        "beta_star_start": 30.0 if fill else None,
        "beta_star_stop": 30.0 if fill else None,
        "cmssw_version": period.cmssw,
    }


def _luminosity(run: Run, last: int) -> Attributes:
    scale = scale_of_run(run)
    delivered = run.delivered(1, last) if last else 0.0
    return {
        "last_lumisection_number": last,
        "init_lumi": scale.rate * _first_light(run),
        "end_lumi": scale.rate * (run.fill.luminosity(run.lumisection_start(max(last, 1))) if run.fill else 0.0),
        "delivered_lumi": scale.integrated * delivered,
        "recorded_lumi": scale.integrated * run.live * delivered,
        "beamactive_total_deadtime": round(100 * (1 - run.live), 3),
    }


def _first_light(run: Run) -> float:
    """Luminosity at the run's start, or where beams become stable in it."""
    if run.fill is None or run.fill.stable is None:
        return 0.0
    return run.fill.luminosity(max(run.lumisection_start(1), run.fill.stable[0]))


def _trigger(run: Run, last: int, *, over: bool) -> Attributes:
    told: Attributes = {
        "l1_key": f"l1_trg_{_l1_name(run)}/v{30 + _version(run)}",
        "l1_key_stripped": f"{_l1_name(run)}/v{30 + _version(run)}",
        "l1_hlt_mode": _l1_name(run),
        "l1_hlt_mode_stripped": f"{_l1_name(run)}/v{100 + _version(run)}",
        "l1_menu": f"L1Menu_Collisions{run.period.year}_v{_version(run)}_0_0",
        "initial_prescale_index": 1,
        "hlt_key": hlt_key(run),
        # Counters come when the last file is closed.
        **dict.fromkeys(_AFTERWARDS),
    }
    if not over or last == 0:
        return told
    l1, hlt = L1_PHYSICS.events(run, 1, last), HLT_PHYSICS.events(run, 1, last)
    size = hlt * EVENT_GB
    return {
        **told,
        "l1_rate": rate(l1, 1, last),
        "l1_triggers_counter": l1,
        "hlt_physics_counter": hlt,
        "hlt_physics_rate": rate(hlt, 1, last),
        "hlt_physics_size": size,
        "hlt_physics_throughput": size / (last * LUMISECTION_S),
    }


_AFTERWARDS = (
    *("l1_rate", "l1_triggers_counter", "hlt_physics_counter", "hlt_physics_rate"),
    *("hlt_physics_size", "hlt_physics_throughput"),
)


def injection_scheme(fill: Fill) -> str | None:
    """The filling scheme; known only of fills that had stable beams."""
    if fill.stable is None:
        return None
    if fill.period.beams == "ions":
        return "75_150ns_733Pb_733_702_468_42bpi_20inj"
    if fill.special:
        return f"Multi_{fill.bunches}b_124_35_22_4bpi_44inj"
    return f"25ns_{fill.bunches}b_2544_2215_2332_144bpi_20injV3"


def fill_row(fill: Fill, runs: Sequence[Run], clock: float) -> Attributes:
    """A fill at a moment. Its start is not the start of stable beams, and its duration is that of stable beams."""
    scale, period = scale_of_fill(fill), fill.period
    delivered = scale.integrated * fill.delivered(clock)
    recorded = scale.integrated * sum(run.live * run.delivered(1, run.lumisections_until(clock)) for run in runs)
    runtime, party = ("IONS", "PB82") if period.beams == "ions" else ("PROTONS", "PROTON")
    begun = [run.number for run in runs if run.start <= clock]
    over = fill.end <= clock
    return {
        "fill_number": fill.number,
        "era": period.era,
        "start_time": stamp(fill.start),
        "end_time": stamp(fill.end) if over else None,
        "fill_type_runtime": runtime,
        "fill_type_party1": party,
        "fill_type_party2": party,
        "energy": period.energy,
        "b_field": round(period.field * 0.9997, 3),
        "stable_beams": fill.stable is not None and fill.stable[0] <= clock,
        "delivered_lumi": delivered,
        "recorded_lumi": recorded,
        "efficiency_lumi": 100 * recorded / delivered if delivered else 0.0,
        "first_run_number": begun[0] if begun else None,
        "last_run_number": begun[-1] if begun else None,
        **_stable_beams(fill, clock, scale, delivered, recorded),
    }


def _stable_beams(fill: Fill, clock: float, scale: Scale, delivered: float, recorded: float) -> Attributes:
    if fill.stable is None or fill.stable[0] > clock:
        return dict.fromkeys(_STABLE_FIELDS)
    over = fill.end <= clock
    bunches, lumi = fill.bunches, scale.rate * fill.lumi
    return {
        "start_stable_beam": stamp(fill.stable[0]),
        "end_stable_beam": stamp(fill.stable[1]) if over else None,
        "duration": int(min(clock, fill.stable[1]) - fill.stable[0]),
        "injection_scheme": injection_scheme(fill),
        "bunches_beam1": bunches,
        "bunches_beam2": bunches,
        "bunches_colliding": bunches - 12,
        "bunches_target": bunches,
        "beta_star": 30.0,
        "beta_star_start": 30.0,
        "beta_star_stop": 30.0,
        "crossing_angle": 160.0 if fill.period.beams == "ions" else 150.0,
        "init_lumi": lumi,
        "peak_lumi": lumi,
        "peak_specific_lumi": 7.5,
        "peak_pileup": 26.0 * fill.lumi,
        "delivered_lumi_stablebeams": delivered,
        "recorded_lumi_stablebeams": recorded,
        "efficiency_time": 92.5 if over else None,
        "intensity_beam1": bunches * 0.0115,
        "intensity_beam2": bunches * 0.0114,
        "downtime": 620 if over else None,
        "to_ready_time": int(fill.stable[0] - fill.start),
        "to_dump_ready_time": 240 if over else None,
        "dump_ready_to_dump_time": 30 if over else None,
    }


_STABLE_FIELDS = (
    *("start_stable_beam", "end_stable_beam", "duration", "injection_scheme", "bunches_beam1", "bunches_beam2"),
    *("bunches_colliding", "bunches_target", "beta_star", "beta_star_start", "beta_star_stop", "crossing_angle"),
    *("init_lumi", "peak_lumi", "peak_specific_lumi", "peak_pileup", "delivered_lumi_stablebeams"),
    *("recorded_lumi_stablebeams", "efficiency_time", "intensity_beam1", "intensity_beam2", "downtime"),
    *("to_ready_time", "to_dump_ready_time", "dump_ready_to_dump_time"),
)
