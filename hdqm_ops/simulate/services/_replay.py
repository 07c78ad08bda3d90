"""Files of real OMS values that the simulator may answer with in place of its own runs and fills."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hdqm_ops.errors import ConfigError
from hdqm_ops.simulate.services._conditions import Attributes, stamp
from hdqm_ops.simulate.services._periods import PERIODS, Period
from hdqm_ops.simulate.services._world import LUMISECTION_S, Fill, Run, RunKind

_UNIT = "_unit"
_WHOLE = re.compile(r"-?\d+")


@dataclass(frozen=True)
class Replay:
    """Runs and fills as files have them.

    Attributes:
        runs: run number → attributes; those that no file tells are null.
        fills: fill number → attributes.
        units: fill number → attribute → unit, as the file gives them.
    """

    runs: Mapping[int, Attributes]
    fills: Mapping[int, Attributes]
    units: Mapping[int, Mapping[str, str]]

    def as_runs(self, seed: int) -> Iterator[Run]:
        """The runs as the simulator needs them for what the files do not tell, as their lumisections."""
        for number, told in sorted(self.runs.items()):
            start = _moment(told["start_time"])
            of_fill: int = told.get("fill_number") or 0
            fill = self._fill(of_fill, start) if of_fill in self.fills else None
            lit = bool(told.get("delivered_lumi")) and fill is not None
            kind: RunKind = "collisions" if lit else "commissioning" if fill else "cosmics"
            if told.get("last_lumisection_number") is None:
                kind = "local"
            end = start + (told.get("last_lumisection_number") or 0) * LUMISECTION_S + 54
            live = (told.get("recorded_lumi") or 0.0) / told["delivered_lumi"] if lit else 1.0
            yield Run(number, kind, _period(number), start, max(end, start + 60), fill, live, seed)

    def as_fills(self) -> dict[int, Fill]:
        """The fills, those without a run too."""
        return {number: self._fill(number, 0.0) for number in sorted(self.fills)}

    def _fill(self, number: int, start: float) -> Fill:
        facts = self.fills[number]
        start = _moment(facts["start_time"]) if facts.get("start_time") else start
        begun, ended = facts.get("start_stable_beam"), facts.get("end_stable_beam") or facts.get("end_time")
        stable = (_moment(begun), _moment(ended)) if begun and ended else None
        end = _moment(facts["end_time"]) if facts.get("end_time") else start
        return Fill(
            number, _period_of_fill(start), start, end, stable, facts.get("peak_lumi") or 0.0, 54_000.0, "", 2_556
        )


def read_replay(folder: Path) -> Replay:
    """Read all ``*fills*.json`` and other ``*.csv`` of runs below a folder; what several files tell is merged."""
    runs: dict[int, Attributes] = {}
    fills: dict[int, Attributes] = {}
    units: dict[int, dict[str, str]] = {}
    for path in sorted(folder.glob("*fills*.json")):
        for row in json.loads(path.read_text()):
            number = int(row["fill_number"])
            units[number] = {key.removesuffix(_UNIT): unit for key, unit in row.items() if key.endswith(_UNIT)}
            fills[number] = {key: value for key, value in row.items() if not key.endswith(_UNIT)}
    for path in sorted(folder.glob("*.csv")):
        for number, told in _rows(path):
            runs.setdefault(number, {}).update(told)
    if not runs and not fills:
        raise ConfigError(f"{folder} has neither *.csv of runs nor *fills*.json")
    _tell_times(runs, fills)
    return Replay(runs, fills, units)


def _rows(path: Path) -> Iterator[tuple[int, Attributes]]:
    with path.open(newline="") as lines:
        table = csv.DictReader(lines)
        if "run_number" not in (table.fieldnames or ()):
            raise ConfigError(f"{path}:1: a file of runs has a column run_number, this one has {table.fieldnames}")
        for row in table:
            told = {key: _value(text) for key, text in row.items()}
            yield int(told["run_number"]), {key: value for key, value in told.items() if value is not None}


def _value(text: str) -> Any:
    if text == "":
        return None
    if text in ("True", "False"):
        return text == "True"
    if text.startswith("["):
        return re.findall(r"'([^']*)'", text)
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text


def _tell_times(runs: dict[int, Attributes], fills: Mapping[int, Attributes]) -> None:
    """A file without times gets some that are possible: run after run from the start of the fill."""
    clock = datetime(2018, 3, 28, tzinfo=UTC).timestamp()
    for _, told in sorted(runs.items()):
        fill = fills.get(told.get("fill_number") or 0, {})
        if "start_time" not in told:
            clock = max(clock, _moment(fill["start_time"]) if fill.get("start_time") else clock) + 60
            told["start_time"] = stamp(clock)
            told["end_time"] = stamp(clock + told.get("duration", 60))
        clock = _moment(told.get("end_time") or told["start_time"])
        told.setdefault("duration", int(clock - _moment(told["start_time"])))
        told.setdefault("sequence", "GLOBAL-RUN")
        told.setdefault("stable_beam", bool(told.get("delivered_lumi")))
        told.setdefault("era", fill.get("era"))
        told["last_update"] = told["start_time"]


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _period(number: int) -> Period:
    return _nearest(PERIODS, number)


def _nearest(periods: Iterable[Period], number: int) -> Period:
    return min(periods, key=lambda period: max(period.runs[0] - number, number - period.runs[1], 0))


def _period_of_fill(start: float) -> Period:
    lit = [period for period in PERIODS if period.beams != "none"]
    return min(lit, key=lambda period: abs(period.start.timestamp() - start))
