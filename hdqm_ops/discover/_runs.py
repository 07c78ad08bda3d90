"""Runs as people give them: ``324997 324998 325000-325170``."""

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from hdqm_ops.errors import ConfigError

__all__ = ["RunRanges", "parse_runs"]

LARGEST_RUN = 2**31 - 1
_TOKEN = re.compile(r"(?P<first>[0-9]+)(?:-(?P<last>[0-9]+))?")


@dataclass(frozen=True, slots=True)
class RunRanges:
    """A set of runs.

    Attributes:
        ranges: first and last run of each range, both included; sorted, apart from one another.
    """

    ranges: tuple[tuple[int, int], ...] = ((1, LARGEST_RUN),)

    @property
    def everything(self) -> bool:
        """True where no run was asked for in particular."""
        return self.ranges == ((1, LARGEST_RUN),)

    def contains(self, run_number: int) -> bool:
        """True where the run is one of these."""
        at = bisect_right(self.ranges, run_number, key=lambda pair: pair[0])
        return at > 0 and run_number <= self.ranges[at - 1][1]

    def __contains__(self, run_number: int) -> bool:
        return self.contains(run_number)

    def __str__(self) -> str:
        if self.everything:
            return "all runs"
        return " ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in self.ranges)


def parse_runs(*texts: str) -> RunRanges:
    """Read runs and ranges of runs, apart by blanks or commas. Nothing but blanks means all runs.

    Raises ``ConfigError`` that names every part that is neither.
    """
    # people write "325000 - 325170" too
    words = re.sub(r"\s+-\s+", "-", " ".join(texts)).replace(",", " ").split()
    if not words:
        return RunRanges()
    read = [_range(word) for word in words]
    if problems := [pair for pair in read if isinstance(pair, str)]:
        shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
        raise ConfigError(f"runs: {shown}. Write them as in: 324997 324998 325000-325170")
    return RunRanges(_merged(pair for pair in read if not isinstance(pair, str)))


def _range(word: str) -> tuple[int, int] | str:
    """First and last run, or what is wrong with the word."""
    match = _TOKEN.fullmatch(word)
    if not match:
        return f"{word[:40]!r} is neither a run nor a range"
    digits = (match["first"].lstrip("0"), (match["last"] or match["first"]).lstrip("0"))
    if not all(digits):
        return f"{word!r}: there is no run 0"
    if any(len(number) > 10 or int(number) > LARGEST_RUN for number in digits):
        return f"{word[:40]!r} is larger than any run"
    first, last = map(int, digits)
    return (first, last) if first <= last else f"{word!r} ends before it begins"


def _merged(pairs: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)
