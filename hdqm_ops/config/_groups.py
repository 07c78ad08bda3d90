"""``[group:…]`` sections: trends of one subsystem that are drawn in one plot."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from hdqm_ops.config._problems import ProblemList, did_you_mean, quoted
from hdqm_ops.config._section import Values
from hdqm_ops.model import DisplayGroup, Place, Trend

__all__ = ["GROUP_KEYS", "WrittenGroup", "by_subsystem", "check_groups", "good_group_name", "nearest", "read_group"]

GROUP_KEYS: Final = ("plotTitle", "yTitle", "trends", "correlation")
_FLAGS = {"yes": True, "true": True, "no": False, "false": False}
_MAX_NAME = 200
_MAX_TRENDS = 1_000_000  # characters
_COLOUR = re.compile(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")
_BASIC_COLOURS = {"aqua", "black", "blue", "fuchsia", "gray", "green", "lime", "maroon", "navy", "olive", "orange"}
_BASIC_COLOURS |= {"purple", "red", "silver", "teal", "white", "yellow"}


@dataclass(frozen=True, slots=True)
class WrittenGroup:
    """A display group as a section says it.

    Attributes:
        group: the group; its trends are not checked yet.
        place: the section.
        lines: line of each trend.
        alone: the file was given by itself, so that its subsystem is perhaps not read whole.
    """

    group: DisplayGroup
    place: Place
    lines: tuple[int, ...]
    alone: bool = False


def is_colour(text: str) -> bool:
    """True for ``#rgb``, ``#rrggbb``, ``#rrggbbaa`` and the basic names of CSS."""
    return text.lower() in _BASIC_COLOURS or _COLOUR.fullmatch(text) is not None


def good_group_name(name: str) -> bool:
    """True for names that display groups may have: printable, blanks inside are allowed."""
    return 0 < len(name) <= _MAX_NAME and name.isprintable() and name == name.strip()


def read_group(subsystem: str, values: Values, *, alone: bool) -> WrittenGroup | None:
    """What a ``[group:…]`` section says; None where it has an error (each is noted)."""
    before = len(values.problems.items)
    name = values.section.name.removeprefix("group:").strip()
    if not good_group_name(name):
        values.problem(None, "bad-name", f"the name {quoted(name)} is not 1 to {_MAX_NAME} printable characters")
    values.check_keys(GROUP_KEYS)
    members = list(_members(values))
    title, y_title, correlation = values.one_line("plotTitle"), values.one_line("yTitle"), _flag(values)
    if values.problems.errors_since(before):
        return None
    group = DisplayGroup(
        subsystem,
        name,
        title=title or y_title or name,
        y_title=y_title or "",
        trends=tuple(member for member, _, _ in members),
        colours=tuple(colour for _, colour, _ in members),
        correlation=correlation,
    )
    return WrittenGroup(group, values.place(), tuple(line for _, _, line in members), alone)


def _members(values: Values) -> Iterator[tuple[str, str | None, int]]:
    """Trend, colour and line of each member: one a line, a colour may follow the name."""
    text = values.get("trends", mandatory=True, limit=_MAX_TRENDS)
    for number, line in zip(values.entries["trends"].lines, text.split("\n"), strict=False) if text else ():
        name, colour = (*line.split(maxsplit=1), "", "")[:2]
        if colour and not is_colour(colour):
            wrong = f"{quoted(colour)} after {quoted(name)} is no colour, as #1f77b4"
            values.problem("trends", "bad-colour", f"{wrong}; each trend stands on a line of its own")
        if name:
            yield name, colour or None, number


def _flag(values: Values) -> bool:
    text = values.get("correlation") or "no"
    if text.lower() not in _FLAGS:
        values.problem("correlation", "bad-flag", f"correlation is yes or no, found {quoted(text)}")
    return _FLAGS.get(text.lower(), False)


def by_subsystem(trends: Iterable[Trend]) -> dict[str, dict[str, Trend]]:
    """Subsystem → name → trend."""
    known: dict[str, dict[str, Trend]] = {}
    for trend in trends:
        known.setdefault(trend.subsystem, {})[trend.name] = trend
    return known


def nearest(name: str, known: Mapping[str, Trend]) -> str:
    """The trend that an unknown member may mean: one that reads an element of this name, else the nearest name."""
    reading = [trend.key for trend in known.values() if any(e.endswith(f"/{name}") for e in trend.monitor_elements)]
    return f"; {reading[0]} reads a monitor element of this name" if reading else did_you_mean(name, known)


def check_groups(
    written: Iterable[WrittenGroup], trends: Iterable[Trend], problems: ProblemList
) -> tuple[DisplayGroup, ...]:
    """The groups whose trends exist, in the order they were written; what is wrong is noted."""
    known = by_subsystem(trends)
    groups: dict[tuple[str, str], tuple[WrittenGroup, DisplayGroup]] = {}
    for one in written:
        group = _check_members(one, known.get(one.group.subsystem, {}), problems)
        first, _ = groups.setdefault((group.subsystem, group.name), (one, group))
        if first is not one:
            code = "duplicate-identical" if first.group == one.group else "duplicate-group"
            problems.add(one.place, code, f"[group:{group.name}] is also defined at {first.place}, which counts")
    return tuple(group for _, group in groups.values() if group.trends)


def _check_members(written: WrittenGroup, known: Mapping[str, Trend], problems: ProblemList) -> DisplayGroup:
    group = written.group
    kept: dict[str, str | None] = {}
    for name, colour, line in zip(group.trends, group.colours, written.lines, strict=True):
        place = Place(written.place.file, line)
        if name in kept:
            problems.add(place, "group-repeated-trend", f"[group:{group.name}] names {quoted(name)} twice")
        elif name in known:
            kept[name] = colour
        elif not written.alone:
            message = f"[group:{group.name}] {group.subsystem} has no trend {quoted(name)}{nearest(name, known)}"
            problems.add(place, "group-unknown-trend", message)
    if not kept and not written.alone:
        problems.add(written.place, "group-empty", f"[group:{group.name}] has no trend left to show")
    return replace(group, trends=tuple(kept), colours=tuple(kept.values()))
