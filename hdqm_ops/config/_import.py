"""The predecessor's ``displayConfig.js`` → display groups, and those in our own format.

The file is a JavaScript literal with comments. It is read as JSON5, never run.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import pyjson5

from hdqm_ops.config._groups import by_subsystem, good_group_name, nearest
from hdqm_ops.config._problems import ProblemList, quoted, shortened
from hdqm_ops.config._section import good_name
from hdqm_ops.config._tree import ConfigTree
from hdqm_ops.errors import ConfigError
from hdqm_ops.model import DisplayGroup, Place, Problem, Trend

__all__ = ["GroupImport", "ImportedGroup", "import_display_groups", "import_groups"]

State: TypeAlias = Literal["whole", "partly", "dead"]

_MAX_CHARACTERS = 16 * 1024 * 1024
_MAX_DEPTH = 20
_VARIABLE = "displayGroups"
_FIELDS: Final[dict[str, type]] = {
    "name": str,
    "plot_title": str,
    "y_title": str,
    "subsystem": str,
    "correlation": bool,
    "series": list,
}
# What JavaScript has beside the literal: texts keep their brackets and slashes to themselves, comments are blanked.
_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|\bdisplayGroups\b|\[""",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class ImportedGroup:
    """One group of the file.

    Attributes:
        group: with the trends that exist.
        members: all names that the file gives, in its order.
        place: where the file says so.
    """

    group: DisplayGroup
    members: tuple[str, ...]
    place: Place

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names that no trend has."""
        return tuple(name for name in self.members if name not in self.group.trends)

    @property
    def state(self) -> State:
        """``whole``, ``partly`` where names are unknown, ``dead`` where no trend is left."""
        if not self.group.trends:
            return "dead"
        return "partly" if self.unknown else "whole"


@dataclass(frozen=True, slots=True)
class GroupImport:
    """All groups of the file in its order, what is odd about them, and the files that were written."""

    groups: tuple[ImportedGroup, ...]
    problems: tuple[Problem, ...]
    files: tuple[Path, ...] = ()

    def count(self, state: State) -> int:
        """Number of groups in a state."""
        return sum(one.state == state for one in self.groups)

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "groups": len(self.groups),
            **{state: self.count(state) for state in ("whole", "partly", "dead")},
            "problems": [
                {"group": f"{one.group.subsystem}/{one.group.name}", "state": one.state, "unknown": list(one.unknown)}
                for one in self.groups
                if one.state != "whole"
            ],
            "warnings": [str(problem) for problem in self.problems],
            "files": [str(path) for path in self.files],
        }

    def __str__(self) -> str:
        states = ", ".join(f"{self.count(state)} {state}" for state in ("whole", "partly", "dead"))
        lines = [*map(str, self.problems), f"{len(self.groups)} display groups: {states}"]
        return "\n".join([*lines, *(f"wrote {path}" for path in self.files)])


def import_groups(file: Path, tree: ConfigTree, to: Path | None = None) -> GroupImport:
    """Read the predecessor's file against the trends of ``tree``; write our own format below ``to`` if it is given.

    Raises:
        ConfigError: the file is no list of display groups, or a file to be written exists already.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(_MAX_CHARACTERS + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: byte 0x{content[error.start]:02x} at {error.start} is not UTF-8") from error
    imported = import_display_groups(text, tree, str(file))
    return imported if to is None else GroupImport(imported.groups, imported.problems, _write(imported, to))


def import_display_groups(text: str, tree: ConfigTree, source: str = "displayConfig.js") -> GroupImport:
    """Read the predecessor's list of display groups: JavaScript literal, or the same as JSON.

    Args:
        text: the whole file.
        tree: the trends that groups may name.
        source: name of the file, for messages.

    Raises:
        ConfigError: the text is no list of display groups; the message says where it ends to be one.
    """
    if len(text) > _MAX_CHARACTERS:
        raise ConfigError(f"{source}: larger than {_MAX_CHARACTERS >> 20} MiB")
    literal, start = _literal(text, source)
    found = _parse(literal, start, source)
    known = by_subsystem(tree.trends)
    problems = ProblemList()
    lines = _lines(literal)
    groups: dict[tuple[str, str], ImportedGroup] = {}
    for number, item in enumerate(found, start=1):
        facts = _checked(item, number, source)
        name = facts["name"].strip()
        place = Place(source, next(lines.get(facts["name"], iter(())), 1))
        one = _group(facts, known.get(facts["subsystem"], {}), place, problems)
        first = groups.setdefault((one.group.subsystem, name), one)
        if first is not one:
            message = f"{one.group.subsystem} has a display group {quoted(name)} already at {first.place}, which counts"
            problems.add(place, "duplicate-group", message)
    return GroupImport(tuple(groups.values()), tuple(problems.items))


# -- reading -----------------------------------------------------------------------------------------------------------


def _literal(text: str, source: str) -> tuple[str, int]:
    """The text with comments blanked (lines stay), and where the list of groups begins."""
    marks = [(mark.group(), mark.start()) for mark in _TOKEN.finditer(text) if mark.group() in ("[", _VARIABLE)]
    variable = next((at for mark, at in marks if mark == _VARIABLE), 0)
    start = next((at for mark, at in marks if mark == "[" and at >= variable), None)
    if start is None:
        raise ConfigError(f"{source}: no list of display groups: expected `{_VARIABLE} = [ … ]`, or JSON")
    return _TOKEN.sub(lambda t: re.sub(r"[^\n]", " ", t[0]) if t["comment"] else t[0], text), start


def _parse(literal: str, start: int, source: str) -> list[Any]:
    try:
        found = pyjson5.decode(literal[start:], _MAX_DEPTH, True)  # noqa: FBT003 - what follows the list is its script
    except pyjson5.Json5DecoderException as error:
        # Its texts end with "near N": a position in what was given.
        at = re.search(r"near (\d+)", str(error.args[0]))
        line = literal.count("\n", 0, start + int(at[1]) if at else len(literal)) + 1
        raise ConfigError(f"{source}:{line}: no list of display groups: {error.args[0]}") from None
    if not isinstance(found, list):
        raise ConfigError(f"{source}: expected a list of display groups")
    return found


def _lines(literal: str) -> Mapping[str, Iterator[int]]:
    """Name of a group → lines where it is given, in order. Names with escapes are not found: they stand in line 1."""
    lines: dict[str, list[int]] = {}
    line, end = 1, 0
    for match in re.finditer(r"""["']?\bname\b["']?\s*:\s*(["'])(.*?)\1""", literal):
        line, end = line + literal.count("\n", end, match.start()), match.start()
        lines.setdefault(match[2], []).append(line)
    return {name: iter(numbers) for name, numbers in lines.items()}


def _checked(item: Any, number: int, source: str) -> dict[str, Any]:
    """The fields of a group, each of its type; titles and correlation may be absent."""
    if not isinstance(item, dict):
        raise ConfigError(f"{source}: display group {number} is no object but {shortened(repr(item))}")
    facts = {"plot_title": "", "y_title": "", "correlation": False, **item}
    for name, kind in _FIELDS.items():
        if type(facts.get(name)) is not kind:
            found = shortened(repr(facts[name])) if name in facts else "nothing"
            raise ConfigError(f"{source}: {name} of display group {number} is a {kind.__name__}, found {found}")
    if not all(isinstance(member, str) for member in facts["series"]):
        raise ConfigError(f"{source}: series of display group {number} are names of trends")
    if not good_group_name(facts["name"].strip()) or not good_group_name(facts["subsystem"]):
        raise ConfigError(f"{source}: display group {number} has a name or subsystem that is not allowed")
    return facts


def _group(facts: dict[str, Any], known: Mapping[str, Trend], place: Place, problems: ProblemList) -> ImportedGroup:
    subsystem, name = facts["subsystem"], facts["name"].strip()
    members = list(dict.fromkeys(facts["series"]))
    kept = tuple(member for member in members if member in known)
    unknown = tuple(member for member in members if member not in known)
    for member, times in Counter(facts["series"]).items():
        if times > 1:
            problems.add(place, "group-repeated-trend", f"{subsystem}/{name} names {quoted(member)} {times} times")
    if unknown:
        hints = ", ".join(f"{quoted(member)}{nearest(member, known)}" for member in unknown)
        code = "group-partly" if kept else "group-dead"
        message = f"{subsystem}/{name}: {len(unknown)} of {len(members)} trends do not exist: {hints}"
        problems.add(place, code, message)
    elif not kept:
        problems.add(place, "group-dead", f"{subsystem}/{name} names no trend")
    y_title = _plain(facts["y_title"])
    title = _plain(facts["plot_title"]) or y_title or name
    group = DisplayGroup(subsystem, name, title, y_title, kept, (None,) * len(kept), facts["correlation"])
    return ImportedGroup(group, tuple(members), place)


def _plain(text: str) -> str:
    return " ".join(text.split())


# -- writing -----------------------------------------------------------------------------------------------------------


def _write(imported: GroupImport, to: Path) -> tuple[Path, ...]:
    """``<to>/<Subsystem>/groups.ini`` for every subsystem. What exists is not written over."""
    texts: dict[str, list[str]] = {}
    for one in imported.groups:
        texts.setdefault(one.group.subsystem, []).append(_as_ini(one))
    paths = {subsystem: to / _folder(subsystem) / "groups.ini" for subsystem in texts}
    for path in paths.values():
        if os.path.lexists(path):
            raise ConfigError(f"{path} exists already; give another folder, or move it away")
    for subsystem, path in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(texts[subsystem]), encoding="utf-8")
    return tuple(paths.values())


def _folder(subsystem: str) -> str:
    if not good_name(subsystem):
        raise ConfigError(f"the subsystem {quoted(subsystem)} cannot be the name of a folder")
    return subsystem


def _as_ini(one: ImportedGroup) -> str:
    """A section; what does not exist stays as a comment, so that it can be mended."""
    group = one.group
    lines = [f"[group:{group.name}]", f"plotTitle = {group.title}"]
    lines += [f"yTitle = {group.y_title}"] if group.y_title else []
    lines += ["correlation = yes"] if group.correlation else []
    mark = {name: "" if name in group.trends else "# no such trend: " for name in one.members}
    lines += ["trends =", *(f"    {mark[name]}{quoted(name)[1:-1]}" for name in one.members)]
    if one.state == "dead":
        lines = [f"# {line}" for line in lines]
    return "\n".join(lines) + "\n"
