"""What the database keeps of runs, fills and lumisections: columns with their units in the name, from any source."""

import csv
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from hdqm_ops.errors import BadAnswer, ConfigError
from hdqm_ops.services._oms_row import Row
from hdqm_ops.services._run_registry import RegistryRun
from hdqm_ops.services._units import INTEGRATED, LUMINOSITY, SPECIFIC

Facts: TypeAlias = dict[str, Any]

# Column → (type, OMS's name of it, unit that its numbers must have).
_Column: TypeAlias = tuple[type, str, str]

RUN_COLUMNS: Mapping[str, _Column] = MappingProxyType(
    {
        "run_number": (int, "run_number", ""),
        "start_time": (datetime, "start_time", ""),
        "end_time": (datetime, "end_time", ""),
        "last_update": (datetime, "last_update", ""),
        "duration_s": (float, "duration", "s"),
        "last_lumisection": (int, "last_lumisection_number", ""),
        "fill_number": (int, "fill_number", ""),
        "fill_type": (str, "fill_type_runtime", ""),
        "era": (str, "era", ""),
        "sequence": (str, "sequence", ""),
        "stable_beam": (bool, "stable_beam", ""),
        "clock_type": (str, "clock_type", ""),
        "energy_gev": (float, "energy", "GeV"),
        "b_field_t": (float, "b_field", "T"),
        "init_lumi_1e34": (float, "init_lumi", LUMINOSITY),
        "end_lumi_1e34": (float, "end_lumi", LUMINOSITY),
        "delivered_lumi_pb": (float, "delivered_lumi", INTEGRATED),
        "recorded_lumi_pb": (float, "recorded_lumi", INTEGRATED),
        "crossing_angle_urad": (float, "crossing_angle_start", "urad"),
        "beta_star_cm": (float, "beta_star_start", "cm"),
        "deadtime_percent": (float, "beamactive_total_deadtime", "%"),
        "l1_rate_hz": (float, "l1_rate", "Hz"),
        "l1_key": (str, "l1_key", ""),
        "l1_menu": (str, "l1_menu", ""),
        "l1_hlt_mode": (str, "l1_hlt_mode", ""),
        "trigger_mode": (str, "trigger_mode", ""),
        "initial_prescale_index": (int, "initial_prescale_index", ""),
        "hlt_key": (str, "hlt_key", ""),
        "hlt_physics_rate_hz": (float, "hlt_physics_rate", "Hz"),
        "hlt_physics_size_gb": (float, "hlt_physics_size", "GB"),
        "hlt_physics_throughput_gb_s": (float, "hlt_physics_throughput", "GB/s"),
        "cmssw_version": (str, "cmssw_version", ""),
        "tier0_transfer": (bool, "tier0_transfer", ""),
        "components": (list, "components", ""),
        "components_out": (list, "components_out", ""),
    }
)
FILL_COLUMNS: Mapping[str, _Column] = MappingProxyType(
    {
        "fill_number": (int, "fill_number", ""),
        "era": (str, "era", ""),
        "fill_type": (str, "fill_type_runtime", ""),
        "start_time": (datetime, "start_time", ""),
        "end_time": (datetime, "end_time", ""),
        "start_stable_beam": (datetime, "start_stable_beam", ""),
        "end_stable_beam": (datetime, "end_stable_beam", ""),
        "stable_beams": (bool, "stable_beams", ""),
        "stable_duration_s": (float, "duration", "s"),
        "energy_gev": (float, "energy", "GeV"),
        "b_field_t": (float, "b_field", "T"),
        "injection_scheme": (str, "injection_scheme", ""),
        "bunches_beam1": (int, "bunches_beam1", ""),
        "bunches_beam2": (int, "bunches_beam2", ""),
        "bunches_colliding": (int, "bunches_colliding", ""),
        "bunches_target": (int, "bunches_target", ""),
        "beta_star_cm": (float, "beta_star", "cm"),
        "crossing_angle_urad": (float, "crossing_angle", "urad"),
        "init_lumi_1e34": (float, "init_lumi", LUMINOSITY),
        "peak_lumi_1e34": (float, "peak_lumi", LUMINOSITY),
        "peak_specific_lumi_1e30": (float, "peak_specific_lumi", SPECIFIC),
        "peak_pileup": (float, "peak_pileup", ""),
        "delivered_lumi_pb": (float, "delivered_lumi", INTEGRATED),
        "recorded_lumi_pb": (float, "recorded_lumi", INTEGRATED),
        "efficiency_lumi_percent": (float, "efficiency_lumi", "%"),
        "intensity_beam1_1e11": (float, "intensity_beam1", "10^11"),
        "intensity_beam2_1e11": (float, "intensity_beam2", "10^11"),
        "first_run_number": (int, "first_run_number", ""),
        "last_run_number": (int, "last_run_number", ""),
    }
)
LUMISECTION_COLUMNS: Mapping[str, _Column] = MappingProxyType(
    {
        "run_number": (int, "run_number", ""),
        "lumisection": (int, "lumisection_number", ""),
        "start_time": (datetime, "start_time", ""),
        "init_lumi_1e34": (float, "init_lumi", LUMINOSITY),
        # Of the sums over the fill nothing is kept: what belongs to the lumisection is.
        "delivered_lumi_pb": (float, "delivered_lumi_per_lumisection", INTEGRATED),
        "recorded_lumi_pb": (float, "recorded_lumi_per_lumisection", INTEGRATED),
        "pileup": (float, "pileup", ""),
        "prescale_index": (int, "prescale_index", ""),
        "physics": (bool, "physics_flag", ""),
        "cms_active": (bool, "cms_active", ""),
        "stable_beams": (bool, "beams_stable", ""),
    }
)
REGISTRY_COLUMNS: Mapping[str, type] = MappingProxyType(
    {
        "run_number": int,
        "run_class": str,
        "significant": bool,
        "rr_state": str,
        "stop_reason": str,
        "rr_needs_update": bool,
        "rr_version": int,
    }
)
_READY = "_ready"


def run_facts(row: Row) -> Facts:
    """Columns of a run, from OMS's row. What OMS does not tell is None."""
    return _facts(row, RUN_COLUMNS)


def fill_facts(row: Row) -> Facts:
    """Columns of a fill. OMS has had negative numbers of colliding bunches: that is not known, then."""
    told = _facts(row, FILL_COLUMNS)
    if told["bunches_colliding"] is not None and told["bunches_colliding"] < 0:
        told["bunches_colliding"] = None
    return told


def lumisection_facts(row: Row) -> Facts:
    """Columns of a lumisection; ``dcs_on`` and ``dcs_off`` name the detectors, those in neither are not known."""
    ready = {name.removesuffix(_READY): value for name, value in row.items() if name.endswith(_READY)}
    return {
        **_facts(row, LUMISECTION_COLUMNS),
        "dcs_on": sorted(name for name, value in ready.items() if value is True),
        "dcs_off": sorted(name for name, value in ready.items() if value is False),
    }


def dcs_facts(lumisections: Iterable[Mapping[str, Any]]) -> Facts:
    """``dcs_on``: detectors that were on in any lumisection of a run; ``dcs_off``: known, and on in none."""
    on: set[str] = set()
    told: set[str] = set()
    for row in lumisections:
        for name, value in row.items():
            if name.endswith(_READY) and value is not None:
                told.add(name.removesuffix(_READY))
                if value:
                    on.add(name.removesuffix(_READY))
    return {"dcs_on": sorted(on), "dcs_off": sorted(told - on)}


def dcs_facts_of_summary(summary: Mapping[str, Any]) -> Facts:
    """The same from Run Registry's ``dcs_summary`` of a run's dataset ``online``: one answer for many runs."""
    counts = {name.removesuffix(_READY): told for name, told in summary.items() if name.endswith(_READY)}
    on = {name for name, told in counts.items() if told.get("TRUE", 0) > 0}
    off = {name for name, told in counts.items() if told.get("FALSE", 0) > 0} - on
    return {"dcs_on": sorted(on), "dcs_off": sorted(off)}


def registry_facts(run: RegistryRun) -> Facts:
    """Columns of a run that Run Registry decides."""
    return {
        "run_number": run.run_number,
        "run_class": run.run_class,
        "significant": run.significant,
        "rr_state": run.state,
        "stop_reason": run.stop_reason,
        "rr_needs_update": run.needs_manual_update,
        "rr_version": run.version,
    }


def _facts(row: Row, columns: Mapping[str, _Column]) -> Facts:
    return {name: _fact(row, *column) for name, column in columns.items()}


def _fact(row: Row, kind: type, name: str, unit: str) -> Any:
    value = row.get(name)
    if value is None:
        return None
    if unit:
        quantity = row.quantity(name)
        if quantity is None or quantity.unit != unit:
            raise BadAnswer("OMS", f"{row.resource}/{row.id}", f"{name} is {value!r}, which is not in {unit}")
        return float(quantity.number)
    try:
        return _READ[kind](value)
    except (TypeError, ValueError):
        raise BadAnswer("OMS", f"{row.resource}/{row.id}", f"{name} is {value!r}, no {kind.__name__}") from None


def _time(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _truth(value: Any) -> bool:
    words = {"true": True, "false": False, "t": True, "f": False, "1": True, "0": False, "yes": True, "no": False}
    if str(value).lower() not in words:
        raise ValueError(value)
    return words[str(value).lower()]


def _whole(value: Any) -> int:
    number = float(value)
    if number != int(number):
        raise ValueError(value)
    return int(number)


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _words(value: Any) -> list[str]:
    return [str(word) for word in value] if isinstance(value, list) else [w for w in str(value).split(",") if w]


_READ: Mapping[type, Callable[[Any], Any]] = {
    int: _whole,
    float: _finite,
    str: str,
    bool: _truth,
    datetime: _time,
    list: _words,
}


# -- by hand -----------------------------------------------------------------------------------------------------------


def read_runs_file(path: Path) -> list[Facts]:
    """Runs from a file that somebody wrote, where there are no services: ``.csv`` with a header, or ``.json``.

    Columns are those of `RUN_COLUMNS` and `REGISTRY_COLUMNS`; ``run_number`` must be there. Empty means not known.

    Raises:
        ConfigError: with every mistake, its line (or row) and the nearest column.
    """
    rows = _read_json(path) if path.suffix.lower() == ".json" else _read_csv(path)
    kinds = {name: kind for name, (kind, _, _) in RUN_COLUMNS.items()} | dict(REGISTRY_COLUMNS)
    problems: list[str] = []
    found = [_by_hand(place, told, kinds, problems) for place, told in rows]
    numbers = [facts["run_number"] for facts in found if facts.get("run_number") is not None]
    problems += [f"run {number} is there twice" for number in dict.fromkeys(numbers) if numbers.count(number) > 1]
    if problems:
        raise ConfigError(f"{path}: " + "; ".join(problems[:20]))
    return found


def _by_hand(place: str, told: Mapping[str, Any], kinds: Mapping[str, type], problems: list[str]) -> Facts:
    facts: Facts = {}
    for name, value in told.items():
        if name not in kinds:
            near = "".join(f"; did you mean {one}?" for one in get_close_matches(str(name), kinds, n=1))
            problems.append(f"{place}: no column {name!r}{near}")
        elif value in (None, ""):
            facts[name] = None
        else:
            try:
                facts[name] = _READ[kinds[name]](value)
            except (TypeError, ValueError):
                problems.append(f"{place}: {name} is {value!r}, no {kinds[name].__name__}")
    number = facts.get("run_number")
    if number is None or not 0 < number < 2**31:
        problems.append(f"{place}: " + ("there is no run_number" if number is None else f"{number} is no run number"))
    return facts


def _read_csv(path: Path) -> Sequence[tuple[str, Mapping[str, Any]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            table = csv.DictReader(lines, restkey="a column too many", strict=True)
            if not table.fieldnames:
                raise ConfigError(f"{path}: is empty; its first line names columns of hdqm.runs, run_number among them")
            return [(f"line {table.line_num}", row) for row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None


def _read_json(path: Path) -> Sequence[tuple[str, Mapping[str, Any]]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    rows = document if isinstance(document, list) else [document]
    if not all(isinstance(row, dict) for row in rows):
        raise ConfigError(f"{path}: a list of objects is wanted, one for each run")
    return [(f"row {number}", row) for number, row in enumerate(rows, start=1)]
