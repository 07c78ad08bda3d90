"""One simulated world: fills, the runs in and between them, and the laws that make all further numbers hang together.

Luminosity decays exponentially in a fill, so what was delivered until a moment is a formula.
Lumisections, runs and fills are differences of it, and every trigger count is a rate in time plus a cross-section times
luminosity: sums over lumisections equal the run's number, sums over runs the fill's.
"""

import bisect
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

from hdqm_ops.errors import ConfigError
from hdqm_ops.simulate.services._periods import PERIODS, Period

if TYPE_CHECKING:
    from hdqm_ops.simulate.services._replay import Replay

RunKind: TypeAlias = Literal["collisions", "commissioning", "cosmics", "local"]

LUMISECTION_S = 2**18 / 11_245.5  # orbits of a lumisection by the frequency of the LHC
_PB_PER_S = 0.01  # 10^34 cm^-2 s^-1 for a second
_HOUR = 3600.0

# Runs that the acceptance tests of Run Registry's public client ask for by number.
_PINNED = (309_500, 327_743, 362_874)


@dataclass(frozen=True, slots=True)
class Fill:
    """An LHC fill; times in seconds since the epoch, luminosity in 10^34 cm^-2 s^-1."""

    number: int
    period: Period
    start: float
    end: float
    stable: tuple[float, float] | None
    lumi: float
    lifetime_s: float
    special: str
    bunches: int

    def luminosity(self, moment: float) -> float:
        """Instantaneous luminosity, zero outside of stable beams."""
        if self.stable is None or not self.stable[0] <= moment <= self.stable[1]:
            return 0.0
        return self.lumi * math.exp(-(moment - self.stable[0]) / self.lifetime_s)

    def delivered(self, moment: float) -> float:
        """Luminosity that was delivered until a moment, in pb^-1."""
        if self.stable is None:
            return 0.0
        since = min(max(moment, self.stable[0]), self.stable[1]) - self.stable[0]
        return _PB_PER_S * self.lumi * self.lifetime_s * -math.expm1(-since / self.lifetime_s)


@dataclass(frozen=True, slots=True)
class Run:
    """A run; times in seconds since the epoch. ``live`` is the share of luminosity that was recorded."""

    number: int
    kind: RunKind
    period: Period
    start: float
    end: float
    fill: Fill | None
    live: float
    seed: int

    @property
    def first_lumisection_start(self) -> float:
        """When lumisection 1 begins: about a minute after the run."""
        return self.start + min(54.0, (self.end - self.start) / 4)

    def lumisections_until(self, moment: float) -> int:
        """Number of lumisections that have begun; none in a local run."""
        if self.kind == "local":
            return 0
        spent = min(moment, self.end) - self.first_lumisection_start
        return max(0, math.ceil(spent / LUMISECTION_S))

    @property
    def lumisections(self) -> int:
        """Number of lumisections of the whole run."""
        return self.lumisections_until(self.end)

    def lumisection_start(self, number: int) -> float:
        """When a lumisection begins (they count from 1)."""
        return self.first_lumisection_start + (number - 1) * LUMISECTION_S

    def delivered(self, first: int, last: int) -> float:
        """Luminosity delivered in lumisections first to last, in pb^-1."""
        if self.fill is None:
            return 0.0
        return self.fill.delivered(self.lumisection_start(last + 1)) - self.fill.delivered(
            self.lumisection_start(first)
        )

    def counted(self, per_second: float, per_pb: float, first: int, last: int) -> int:
        """Events of a process in lumisections first to last: whole numbers that add up over any partition."""
        return math.floor(self._events(per_second, per_pb, last)) - math.floor(
            self._events(per_second, per_pb, first - 1)
        )

    def _events(self, per_second: float, per_pb: float, lumisection: int) -> float:
        return per_second * lumisection * LUMISECTION_S + per_pb * self.delivered(1, lumisection)

    def random(self, what: str) -> random.Random:
        """A source of chance of its own for each thing one may ask of a run: answers do not depend on their order."""
        return random.Random(f"{self.seed}/{self.number}/{what}")  # noqa: S311 - a simulation


@dataclass(frozen=True, eq=False)
class World:
    """Fills and runs of two years, the same for the same seed.

    Args:
        seed: all chance comes from it.
        runs: about how many runs; they are a subset of the full world's, so a run is the same in a small world.
        replay: runs from files, which stand in place of the simulated ones from their first to their last.
    """

    seed: int = 1
    runs: int = 5_000
    replay: "Replay | None" = None

    def __post_init__(self) -> None:
        if self.runs < 1:
            raise ConfigError(f"a world has at least one run, not {self.runs}")

    @cached_property
    def all_runs(self) -> Sequence[Run]:
        """All runs, by number (and time)."""
        runs = _thinned(_everything(self.seed), self.runs, self.seed)
        if self.replay is None or not self.replay.runs:
            return runs
        first, last = min(self.replay.runs), max(self.replay.runs)
        others = [run for run in runs if not first <= run.number <= last]
        return sorted([*others, *self.replay.as_runs(self.seed)], key=lambda run: run.number)

    @cached_property
    def fills(self) -> Sequence[Fill]:
        """All fills that have runs, and all that files tell of, by number."""
        found = {run.fill.number: run.fill for run in self.all_runs if run.fill}
        if self.replay and self.replay.fills:
            first, last = min(self.replay.fills), max(self.replay.fills)
            found = {number: fill for number, fill in found.items() if not first <= number <= last}
            found |= self.replay.as_fills()
        return [found[number] for number in sorted(found)]

    @cached_property
    def _numbers(self) -> Sequence[int]:
        return [run.number for run in self.all_runs]

    @cached_property
    def _by_fill(self) -> dict[int, list[Run]]:
        found: dict[int, list[Run]] = {}
        for run in self.all_runs:
            if run.fill:
                found.setdefault(run.fill.number, []).append(run)
        return found

    def between(self, first: float, last: float) -> Sequence[Run]:
        """Runs with numbers from first to last."""
        return self.all_runs[bisect.bisect_left(self._numbers, first) : bisect.bisect_right(self._numbers, last)]

    def of_fill(self, number: int) -> Sequence[Run]:
        """Runs of a fill."""
        return self._by_fill.get(number, ())

    @cached_property
    def default_clock(self) -> float:
        """A moment at which the last run is still going on."""
        last = self.all_runs[-1]
        return last.start + 0.6 * (last.end - last.start)


@dataclass(slots=True)
class _Timeline:
    """Fills the calendar with runs, from left to right."""

    seed: int
    chance: random.Random
    sketches: list[tuple[RunKind, Period, float, float, Fill | None]] = field(default_factory=list)
    now: float = 0.0

    def write(self, period: Period) -> None:
        """One period, from its first second to its last."""
        now, end, number = max(self.now, period.start.timestamp()), period.end.timestamp(), period.first_fill
        while now < end:
            now = self._between_fills(period, now, self.chance.expovariate(1 / (4 * _HOUR)) + _HOUR)
            if period.beams != "none" and now < end:
                number += self.chance.choice((1, 1, 1, 2, 3))
                now = self._fill(period, number, now)
        self.now = now

    def _between_fills(self, period: Period, now: float, length: float) -> float:
        """Cosmics and tests of parts of the detector."""
        end = now + length
        while now < end:
            if self.chance.random() < 0.12:
                now = self._run("cosmics", period, now, self.chance.uniform(0.2, 5) * _HOUR, None)
            else:
                now = self._run("local", period, now, self.chance.uniform(30, 650), None)
        return now

    def _fill(self, period: Period, number: int, now: float) -> float:
        ready = now + self.chance.uniform(0.5, 2.5) * _HOUR
        length = min(self.chance.expovariate(1 / (9 * _HOUR)) + 0.3 * _HOUR, 22 * _HOUR)
        good = self.chance.random() < 0.6
        special = self.chance.choices(("", "vdM", "highBeta"), (94, 4, 2))[0] if good else ""
        lumi = period.lumi * self.chance.uniform(0.7, 1.1) * (0.002 if special else 1.0)
        bunches = 2_556 if period.beams == "protons" else 733
        stop = ready + length if good else ready
        fill = Fill(
            number,
            period,
            now,
            stop + 300,
            (ready, stop) if good else None,
            lumi,
            self.chance.uniform(12, 20) * _HOUR,
            special,
            140 if special else bunches,
        )
        return self._runs_of(fill)

    def _runs_of(self, fill: Fill) -> float:
        """One run before stable beams in some fills, then as many as the detector's moods make of it."""
        period, now, end = fill.period, fill.start + 60, fill.end
        if fill.stable is None or self.chance.random() < 0.3:
            begins = fill.stable[0] if fill.stable else end
            now = self._run("commissioning", period, now, max(120, begins - now - 90), fill)
        while fill.stable and now < end - 120:
            length = min(self.chance.expovariate(1 / (5 * _HOUR)) + 90, end - now)
            now = self._run("collisions", period, now, length, fill)
        return max(now, end)

    def _run(self, kind: RunKind, period: Period, now: float, length: float, fill: Fill | None) -> float:
        start, end = round(now), round(now + length)
        self.sketches.append((kind, period, start, end, fill))
        return end + self.chance.uniform(20, 240)


def _everything(seed: int) -> list[Run]:
    """All runs of the full world."""
    timeline = _Timeline(seed, random.Random(f"{seed}/timeline"))  # noqa: S311 - a simulation
    runs: list[Run] = []
    for period in PERIODS:
        timeline.sketches.clear()
        timeline.write(period)
        runs.extend(_numbered(timeline, period))
    while runs[-1].kind == "local":  # the last run is the one that is still open
        runs.pop()
    return runs


def _numbered(timeline: _Timeline, period: Period) -> Iterator[Run]:
    """Give out run numbers with gaps, as tests that never started leave them."""
    first, last = period.runs
    sketches = timeline.sketches[: last - first + 1]
    numbers = sorted(timeline.chance.sample(range(first, last + 1), len(sketches)))
    for pinned in _PINNED:
        if first <= pinned <= last and pinned not in numbers:
            numbers[min(range(len(numbers)), key=lambda index: abs(numbers[index] - pinned))] = pinned
    for number, (kind, _, start, end, fill) in zip(sorted(numbers), sketches, strict=True):
        wanted: RunKind = "cosmics" if number in _PINNED else kind
        live = timeline.chance.uniform(0.93, 0.995)
        yield Run(number, wanted, period, start, end, None if number in _PINNED else fill, live, timeline.seed)


def _thinned(runs: list[Run], wanted: int, seed: int) -> list[Run]:
    """About so many runs: whole fills and single other runs are kept or dropped; the last and the pinned stay."""
    share = wanted / len(runs)
    if share >= 1:
        return runs
    kept = {}

    def stays(run: Run) -> bool:
        block = f"fill {run.fill.number}" if run.fill else f"run {run.number}"
        if block not in kept:
            kept[block] = random.Random(f"{seed}/{block}").random() < share  # noqa: S311 - a simulation
        return kept[block] or run.number in _PINNED or run is runs[-1]

    return [run for run in runs if stays(run)]
