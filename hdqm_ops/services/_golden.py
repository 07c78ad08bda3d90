"""Golden JSONs: which lumisections of which runs count. Read strictly, written as CMS writes them, combined."""

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self, TypeAlias

from hdqm_ops.errors import ConfigError

Range: TypeAlias = tuple[int, int]
Ranges: TypeAlias = tuple[Range, ...]

_HIGHEST_RUN = 10_000_000
_HIGHEST_LUMISECTION = 2**31 - 2  # what a multirange of PostgreSQL's int4 holds
_DIGITS = 20  # longer numbers are no runs, and take long to read
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class GoldenJson(Mapping[int, Ranges]):
    """Run number → lumisection ranges (first, last): inclusive, sorted, apart. Runs without any are absent.

    ``a & b`` are the lumisections in both, ``a - b`` those of a without b's, ``a | b`` those in either.
    """

    runs: Mapping[int, Ranges]

    @classmethod
    def of(cls, ranges: Mapping[int, Iterable[Iterable[int]]]) -> Self:
        """From any ranges: sorted and merged here."""
        merged = {run: _merged((int(first), int(last)) for first, last in found) for run, found in ranges.items()}
        return cls({run: merged[run] for run in sorted(merged) if merged[run]})

    @classmethod
    def of_lumisections(cls, rows: Iterable[Mapping[str, Any]], good: Callable[[Mapping[str, Any]], object]) -> Self:
        """From rows with ``run_number`` and ``lumisection_number``, as OMS has them: those that are good."""
        found: dict[int, list[tuple[int, int]]] = {}
        for row in rows:
            if good(row):
                found.setdefault(row["run_number"], []).append((row["lumisection_number"],) * 2)
        return cls.of(found)

    @classmethod
    def parse(cls, text: str, name: str = "golden JSON") -> Self:
        """From text.

        Raises:
            ConfigError: with the errors that `check_golden_json` finds. What is only untidy is put in order.
        """
        errors = check_golden_json(text).errors
        if errors:
            more = f" (and {len(errors) - _SHOWN} more)" if len(errors) > _SHOWN else ""
            raise ConfigError(f"{name}: " + "; ".join(errors[:_SHOWN]) + more)
        return cls.of({int(run): ranges for run, ranges in json.loads(text).items()})

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a file."""
        try:
            return cls.parse(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read: {error}") from None

    # -- mapping ---------------------------------------------------------------------------------------------------

    def __getitem__(self, run: int) -> Ranges:
        return self.runs[run]

    def __iter__(self) -> Iterator[int]:
        return iter(self.runs)

    def __len__(self) -> int:
        return len(self.runs)

    def has(self, run: int, lumisection: int) -> bool:
        """Whether a lumisection counts."""
        ranges = self.runs.get(run, ())
        index = bisect_right(ranges, (lumisection, _HIGHEST_RUN)) - 1
        return index >= 0 and ranges[index][0] <= lumisection <= ranges[index][1]

    @property
    def lumisections(self) -> int:
        """Number of lumisections in all."""
        return sum(last - first + 1 for ranges in self.runs.values() for first, last in ranges)

    # -- algebra ---------------------------------------------------------------------------------------------------

    def __and__(self, other: "GoldenJson") -> "GoldenJson":
        return self._joined(other, lambda here, there: here and there)

    def __or__(self, other: "GoldenJson") -> "GoldenJson":
        return self._joined(other, lambda here, there: here or there)

    def __sub__(self, other: "GoldenJson") -> "GoldenJson":
        return self._joined(other, lambda here, there: here and not there)

    def only(self, runs: Iterable[int]) -> "GoldenJson":
        """The same for these runs only."""
        wanted = set(runs)
        return GoldenJson({run: ranges for run, ranges in self.runs.items() if run in wanted})

    def _joined(self, other: "GoldenJson", keep: Callable[[bool, bool], bool]) -> "GoldenJson":
        runs = sorted({*self.runs, *other.runs})
        joined = {run: _joined(self.runs.get(run, ()), other.runs.get(run, ()), keep) for run in runs}
        return GoldenJson({run: ranges for run, ranges in joined.items() if ranges})

    # -- writing ---------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """As CMS writes them: a line a run."""
        lines = (f'  "{run}": {json.dumps([list(one) for one in ranges])}' for run, ranges in self.runs.items())
        return "{\n" + ",\n".join(lines) + "\n}\n" if self.runs else "{}\n"

    def write(self, path: Path) -> None:
        """Into a file."""
        path.write_text(self.text(), encoding="utf-8")

    def multiranges(self) -> dict[int, str]:
        """Run → ranges as PostgreSQL's int4multirange writes them: ``{[1,88],[91,92]}``."""
        return {
            run: "{" + ",".join(f"[{first},{last}]" for first, last in ranges) + "}"
            for run, ranges in self.runs.items()
        }


@dataclass(frozen=True, slots=True)
class GoldenCheck:
    """What is wrong with a golden JSON, and what is only untidy (files in use are): each with its run."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def check_golden_json(text: str) -> GoldenCheck:
    """Everything that is wrong with a golden JSON at once."""
    errors: list[str] = []
    warnings: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        many = Counter(name for name, _ in pairs)
        errors.extend(f"run {name[:_DIGITS]} is there twice" for name, number in many.items() if number > 1)
        return dict(pairs)

    try:
        told = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        return GoldenCheck((f"no JSON: {error}",))
    if not isinstance(told, dict):
        return GoldenCheck((f"an object of runs is wanted, not {_short(told)}",))
    for run, ranges in told.items():
        wrong = _errors_of_run(run, ranges)
        errors += wrong
        warnings += [] if wrong else _warnings_of_run(run, ranges)
    return GoldenCheck(tuple(errors), tuple(warnings))


def _errors_of_run(run: str, ranges: Any) -> list[str]:
    if not (run.isascii() and run.isdecimal() and len(run) <= _DIGITS and 0 < int(run) < _HIGHEST_RUN):
        return [f"{_short(run)} is no run number"]
    if not isinstance(ranges, list):
        return [f"run {run} has no list of ranges but {_short(ranges)}"]
    errors, good = [], []
    for item in ranges:
        if not (isinstance(item, list) and len(item) == 2 and all(type(edge) is int for edge in item)):
            errors.append(f"run {run}: {_short(item)} is no range [first, last]")
        elif not 1 <= item[0] <= item[1] <= _HIGHEST_LUMISECTION:
            errors.append(f"run {run}: the range {_short(item)} is not 1 ≤ first ≤ last")
        else:
            good.append(item)
    overlaps = (pair for pair in pairwise(sorted(good)) if pair[1][0] <= pair[0][1])
    return errors + [f"run {run}: the ranges {here} and {there} overlap" for here, there in overlaps]


def _warnings_of_run(run: str, ranges: list[list[int]]) -> list[str]:
    if not ranges:
        return [f"run {run} has no range; it could be left out"]
    if ranges != sorted(ranges):
        return [f"run {run}: the ranges are not sorted"]
    touching = (pair for pair in pairwise(ranges) if pair[1][0] == pair[0][1] + 1)
    return [f"run {run}: {here} and {there} touch; they are one range" for here, there in touching]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _merged(ranges: Iterable[Range]) -> Ranges:
    found: list[Range] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def _joined(here: Ranges, there: Ranges, keep: Callable[[bool, bool], bool]) -> Ranges:
    """Walk over both, stretch by stretch in which neither changes."""
    edges = sorted({edge for first, last in (*here, *there) for edge in (first, last + 1)})
    kept = ((first, after - 1) for first, after in pairwise(edges) if keep(_within(here, first), _within(there, first)))
    return _merged(kept)


def _within(ranges: Ranges, lumisection: int) -> bool:
    return any(first <= lumisection <= last for first, last in ranges)
