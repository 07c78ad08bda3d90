"""Files → trends: definitions of one name are joined, all problems are collected, parts are selected."""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from hdqm_ops.config._advice import advise_on_files, advise_on_trends
from hdqm_ops.config._files import ConfigFile, find_files, read_text, shown
from hdqm_ops.config._groups import GROUP_KEYS, WrittenGroup, check_groups, read_group
from hdqm_ops.config._problems import ProblemList, did_you_mean, quoted
from hdqm_ops.config._rules import RULE_KEYS, WrittenRule, join_rules, read_rule
from hdqm_ops.config._scan import ScannedFile, Section, scan
from hdqm_ops.config._section import PLOT_KEYS, Definition, Values, read_plot
from hdqm_ops.errors import ConfigError
from hdqm_ops.model import Alternative, DisplayGroup, MetricInfo, Place, Problem, QualityRule, Trend

__all__ = ["ConfigTree", "read_selection", "read_tree"]


@dataclass(frozen=True)
class ConfigTree:
    """What a set of configuration files says.

    Attributes:
        trends: by ``Subsystem/name``.
        groups: display groups, in the order they were written.
        rules: which runs count: for all subsystems, and for those that have some of their own.
        problems: by file and line.
        file_names: the files, readable or not.
        section_places: the ``[plot:…]`` sections, usable or not.
        definitions: ``Subsystem/name`` → sections that define it, the one that counts first.
    """

    trends: tuple[Trend, ...] = ()
    groups: tuple[DisplayGroup, ...] = ()
    rules: tuple[QualityRule, ...] = ()
    problems: tuple[Problem, ...] = ()
    file_names: frozenset[str] = frozenset()
    section_places: frozenset[Place] = frozenset()
    definitions: Mapping[str, tuple[Definition, ...]] = field(default_factory=dict)

    @property
    def files(self) -> int:
        """Number of files, readable or not."""
        return len(self.file_names)

    @property
    def sections(self) -> int:
        """Number of ``[plot:…]`` sections, usable or not."""
        return len(self.section_places)

    @cached_property
    def monitor_elements(self) -> frozenset[str]:
        """Every monitor element that a trend may read, without leading slashes."""
        return frozenset(element for trend in self.trends for element in trend.monitor_elements)

    @cached_property
    def written_paths(self) -> frozenset[str]:
        """Paths of monitor elements as they were written: ``/A/b`` and ``A/b`` are two of them."""
        written = (one.written_paths for found in self.definitions.values() for one in found)
        return frozenset(path for paths in written for path in paths)

    @property
    def subsystems(self) -> dict[str, int]:
        """Subsystem → number of its trends."""
        return dict(sorted(Counter(trend.subsystem for trend in self.trends).items()))

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Problems that make a part of the configuration unusable."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Problems that one can live with."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")

    def select(self, selectors: Sequence[str]) -> "ConfigTree":
        """The part that ``selectors`` name: each a subsystem, ``Subsystem/pattern*``, a file or a folder.

        Raises:
            ConfigError: a selector matches no trend; the message names what is near.
        """
        keys: set[str] = set()
        for selector in selectors:
            found = self._matching(selector)
            if not found:
                raise ConfigError(f"no trend matches {quoted(selector)}{self._near(selector)}")
            keys |= found
        return self._only(keys)

    def _matching(self, selector: str) -> set[str]:
        pattern = selector if "/" in selector else f"{selector}/*"
        keys = {trend.key for trend in self.trends if fnmatchcase(trend.key, pattern)}
        if keys or not os.path.lexists(selector):
            return keys
        wanted = Path(selector).absolute()
        places = ((key, one.place) for key, found in self.definitions.items() for one in found)
        return {key for key, place in places if Path(place.file).absolute().is_relative_to(wanted)}

    def _near(self, selector: str) -> str:
        if "/" in selector:
            return did_you_mean(selector, [trend.key for trend in self.trends])
        return did_you_mean(selector, self.subsystems)

    def _only(self, keys: set[str]) -> "ConfigTree":
        definitions = {key: found for key, found in self.definitions.items() if key in keys}
        sections = frozenset(one.place for found in definitions.values() for one in found)
        files = frozenset(place.file for place in sections)
        return ConfigTree(
            trends=tuple(trend for trend in self.trends if trend.key in keys),
            groups=tuple(group for group in (_cut(group, keys) for group in self.groups) if group.trends),
            problems=tuple(problem for problem in self.problems if problem.place.file in files),
            file_names=files,
            section_places=sections,
            definitions=definitions,
        )


def _cut(group: DisplayGroup, keys: set[str]) -> DisplayGroup:
    """The group with only the trends that are in ``keys``."""
    members = zip(group.trends, group.colours, strict=True)
    kept = [(name, colour) for name, colour in members if f"{group.subsystem}/{name}" in keys]
    return replace(group, trends=tuple(n for n, _ in kept), colours=tuple(c for _, c in kept))


# -- reading -----------------------------------------------------------------------------------------------------------


def read_tree(roots: Sequence[Path], metrics: Mapping[str, MetricInfo]) -> ConfigTree:
    """Read all configurations below ``roots``; what is wrong is in the answer's problems, with its place.

    A root is a folder of subsystem folders, a subsystem folder, or a file. Of several files that define a trend, the
    last one counts, as in folders of drop-in settings: roots in the order given, then files by name. What the others
    say in another way stays behind it as alternatives.

    Args:
        roots: folders and files.
        metrics: name of a metric → what it takes.

    Raises:
        ConfigError: a root does not exist.
    """
    reader = _Reader(metrics)
    for file in find_files(roots, reader.problems):
        reader.read(file)
    return reader.tree()


class _Reader:
    """Collects what the files say."""

    def __init__(self, metrics: Mapping[str, MetricInfo]) -> None:
        self.metrics = metrics
        self.problems = ProblemList()
        self.definitions: list[Definition] = []
        self.groups: list[WrittenGroup] = []
        self.rules: list[WrittenRule] = []
        self.files: set[str] = set()
        self.sections: set[Place] = set()

    def read(self, file: ConfigFile) -> None:
        name = shown(file.path)
        self.files.add(name)
        text = read_text(file, self.problems)
        if text is None:
            return
        if not file.subsystem.isprintable() or not (file.subsystem or file.general):
            self.problems.add(Place(name, 1), "bad-name", f"the folder's name {quoted(file.subsystem)} is no subsystem")
            return
        scanned = scan(text)
        if self._is_sound(name, scanned):
            for section in scanned.sections:
                self._read_section(file, name, section, scanned.defaults)

    def _is_sound(self, name: str, scanned: ScannedFile) -> bool:
        """False if the file cannot be understood; what is wrong with the file as a whole is noted."""
        if scanned.malformed:
            self._note_malformed(name, scanned)
            return False
        for again in scanned.duplicates:
            code = "duplicate-section" if again.is_section else "duplicate-key"
            message = f"{quoted(again.what)} is already at line {again.first_line}, which counts"
            self.problems.add(Place(name, again.line), code, message)
        if not scanned.sections:
            self.problems.add(Place(name, 1), "no-sections", "no [plot:name] section")
        Values(name, scanned.defaults, scanned.defaults, self.problems).check_keys(
            (*PLOT_KEYS, *GROUP_KEYS, *RULE_KEYS)
        )
        return True

    def _note_malformed(self, name: str, scanned: ScannedFile) -> None:
        line, text = scanned.malformed[0]
        before = not scanned.sections or line < scanned.sections[0].line
        wanted = "stands before the first [plot:name]" if before else "is neither `key = value` nor [plot:name]"
        more = f" (one of {len(scanned.malformed)} such lines)" if len(scanned.malformed) > 1 else ""
        self.problems.add(Place(name, line), "syntax", f"{quoted(text)} {wanted}{more}; the file is not read")

    def _read_section(self, file: ConfigFile, name: str, section: Section, defaults: Section) -> None:
        values = Values(name, section, defaults, self.problems)
        if section.name.startswith("runs:"):
            rule = read_rule(file.subsystem, values)
            if rule:
                self.rules.append(rule)
        elif file.general:
            values.problem(None, "unknown-section", "is not read beside the subsystem folders; only [runs:name] is")
        elif section.name.startswith("plot:"):
            self.sections.add(values.place())
            definition = read_plot(file.subsystem, values, self.metrics)
            if definition:
                self.definitions.append(definition)
        elif section.name.startswith("group:"):
            group = read_group(file.subsystem, values, alone=file.alone)
            if group:
                self.groups.append(group)
        else:
            values.problem(
                None,
                "unknown-section",
                "is not read; a trend is [plot:name], a display group [group:name], a rule [runs:name]",
            )

    def tree(self) -> ConfigTree:
        by_key: dict[str, list[Definition]] = defaultdict(list)
        for definition in self.definitions:
            by_key[definition.trend.key].append(definition)
        for found in by_key.values():
            _note_duplicates(found, self.problems)
        trends = tuple(_join(by_key[key]) for key in sorted(by_key))
        groups = check_groups(self.groups, trends, self.problems)
        advise_on_files(self.definitions, self.problems)
        advise_on_trends(trends, self.problems)
        return ConfigTree(
            trends=trends,
            groups=groups,
            rules=join_rules(self.rules, self.problems),
            problems=_sorted(self.problems.items),
            file_names=frozenset(self.files),
            section_places=frozenset(self.sections),
            definitions={key: tuple(reversed(by_key[key])) for key in sorted(by_key)},
        )


def _sorted(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda problem: (problem.place.file, problem.place.line, problem.severity)))


def _canonical(alternative: Alternative) -> str:
    return json.dumps(alternative.canonical(), sort_keys=True)


def _join(definitions: Sequence[Definition]) -> Trend:
    """One trend of all sections of its name: the last one's words, and every definition, the last one first."""
    alternatives: dict[str, Alternative] = {}
    for definition in reversed(definitions):
        alternatives.setdefault(_canonical(definition.alternative), definition.alternative)
    return replace(definitions[-1].trend, alternatives=tuple(alternatives.values()))


def _note_duplicates(definitions: Sequence[Definition], problems: ProblemList) -> None:
    seen: dict[str, Place] = {}
    for definition in definitions:
        key, same = definition.trend.key, _canonical(definition.alternative)
        if same in seen:
            message = f"{key} is defined in the same way at {seen[same]}: one trend"
            problems.add(definition.place, "duplicate-identical", message)
        elif seen:
            message = f"{key} is defined in another way at {next(iter(seen.values()))}: this one is tried first"
            problems.add(definition.place, "duplicate-alternative", message)
        seen.setdefault(same, definition.place)


def read_selection(
    selectors: Sequence[str], default_roots: Sequence[Path], metrics: Mapping[str, MetricInfo]
) -> ConfigTree:
    """Read what ``-c`` names: files and folders that exist, and ``Subsystem/pattern*`` of the default tree.

    Without selectors it is the whole default tree. Where a file that is named and a pattern both give a trend, the
    file counts: this is how a changed definition is tried.

    Raises:
        ConfigError: a selector is no file or folder, and no trend of the default tree matches it.
    """
    if not selectors:
        return read_tree(default_roots, metrics)
    paths = [Path(selector) for selector in selectors if os.path.lexists(selector)]
    patterns = [selector for selector in selectors if not os.path.lexists(selector)]
    named = read_tree(paths, metrics) if paths else ConfigTree()
    return _override(read_tree(default_roots, metrics).select(patterns), named) if patterns else named


def _override(tree: ConfigTree, by: ConfigTree) -> ConfigTree:
    """Both trees; where both have a trend or a group, that of ``by``."""
    trends = {trend.key: trend for trend in (*tree.trends, *by.trends)}
    groups = {(group.subsystem, group.name): group for group in (*tree.groups, *by.groups)}
    return ConfigTree(
        trends=tuple(trends[key] for key in sorted(trends)),
        groups=tuple(groups.values()),
        problems=_sorted([*tree.problems, *(problem for problem in by.problems if problem not in tree.problems)]),
        file_names=tree.file_names | by.file_names,
        section_places=tree.section_places | by.section_places,
        definitions={**tree.definitions, **by.definitions},
    )
