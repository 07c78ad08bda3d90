"""Every code that a problem can have, with its severity and meaning, and the list that problems are collected in."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, Literal, TypeAlias

from hdqm_ops.model import Place, Problem

__all__ = ["CODES", "ProblemList", "did_you_mean", "quoted", "shortened"]

Severity: TypeAlias = Literal["error", "warning"]

_ERRORS: Final = {
    # files
    "unreadable": "A file or folder cannot be read: permission, loop of links, a folder named like a file.",
    "no-files": "A folder holds no configuration, neither `*.ini` nor `<Subsystem>/*.ini`.",
    "too-large": "A file is larger than 16 MiB.",
    "empty-file": "A file has no content at all.",
    "encoding": "A file is not UTF-8 without byte order mark.",
    "control-character": "A file contains NUL or another control character.",
    "syntax": "A line is neither section, key, comment nor the continuation of a value; the file is not read.",
    # sections and keys
    "bad-name": "The name of a trend, a subsystem, a display group or a rule for runs is not allowed.",
    "duplicate-section": "A section occurs twice in one file; the first counts.",
    "duplicate-key": "A key occurs twice in one section; the first counts.",
    "missing-key": "A mandatory key is absent: `metric`, `relativePath`, `yTitle`; `trends` in a display group.",
    "empty-value": "A key has no value.",
    "long-value": "A value is longer than its limit.",
    "reserved-key": "The key `slice` is reserved for a later version.",
    "bad-number": "`threshold`, `low`, `high` or a minimum of a rule for runs is no such number.",
    "bad-range": "`low` is above `high`.",
    "bad-path": "A monitor element's path cannot exist in a DQM file.",
    # metrics
    "bad-expression": "The metric is not written `family.Metric(literal, …)`.",
    "unknown-metric": "No metric has this name.",
    "bad-argument": "The number or the type of a metric's arguments is wrong.",
    "missing-input": "The metric needs another path (`histo1Path`, `histo2Path`, `reference`) that the section lacks.",
    # display groups
    "duplicate-group": "A subsystem has two different display groups of one name; the first counts.",
    "group-empty": "A display group has no trend left to show.",
    "group-unknown-trend": "A display group names a trend that its subsystem does not have.",
    "bad-colour": "A colour is neither `#rgb`, `#rrggbb`, `#rrggbbaa` nor one of the basic CSS names.",
    "bad-flag": "`correlation` or `significant` is neither yes nor no.",
    # rules for runs
    "unknown-detector": "A rule for runs names a detector of which OMS has no flag.",
}

_WARNINGS: Final = {
    "stray-file": "An `.ini` file lies where none is read: beside the subsystem folders, or below them.",
    "no-sections": "A file has no section.",
    "unknown-section": "A section is none that is read there: `[plot:…]`, `[group:…]`, `[runs:…]`.",
    "unknown-key": "A key has no meaning here; it is not read.",
    "ignored-key": "A key of older configurations (`runOffset`) is not used any more.",
    "extra-argument": "A metric has one argument more than it takes, as old configurations have; it is dropped.",
    "metric-not-available": "The metric is known by name but cannot be computed by this version: the trend has gaps.",
    "always-zero": "The metric can never see anything with these arguments, as a depth that the detector part lacks.",
    "leading-slash": "A path begins with a slash; it is dropped.",
    "path-blanks": "A path contains blanks: they belong to the name, only commas separate alternatives.",
    "empty-path": "A list of paths has nothing between two commas.",
    "repeated-path": "A list of paths names a path twice; the first counts.",
    "unused-path": "The metric does not read this path; it is not read.",
    "duplicate-identical": "A trend or a display group is defined a second time in the same way in another file.",
    "duplicate-alternative": "A trend or a rule for runs is defined otherwise in another file: the later counts first.",
    "same-definition": "A trend has the same metric and paths as another one of another name.",
    "shared-name": "Two subsystems have a trend of one name, often a sign of a section copied and not renamed.",
    "shared-title": "Trends of a subsystem have the same title.",
    "title-blanks": "A title contains a tab or a line break.",
    "title-markup": "A title contains `<…>`, which a browser may take for HTML.",
    "title-unlike-name": "Name and title give different numbers to the same detector part.",
    "path-unlike-name": "Name and path give different signs (`m1` is -1, `p1` is +1).",
    "name-unlike-path": "All other trends of the file are named after their monitor element, this one is not.",
    "odd-path": "A path differs by a letter or two from the pattern that many others of its file follow.",
    "group-repeated-trend": "A display group names a trend twice; the first place counts.",
    "group-partly": "An imported display group names trends that do not exist; the others are kept.",
    "group-dead": "An imported display group names only trends that do not exist.",
}

CODES: Final[dict[str, tuple[Severity, str]]] = {
    **{code: ("error", meaning) for code, meaning in _ERRORS.items()},
    **{code: ("warning", meaning) for code, meaning in _WARNINGS.items()},
}

_SHOWN = 60


@dataclass(slots=True)
class ProblemList:
    """Collects problems; the severity follows from the code."""

    items: list[Problem] = field(default_factory=list)

    def add(self, place: Place, code: str, message: str) -> None:
        """Note a problem."""
        self.items.append(Problem(place, CODES[code][0], code, message))

    def errors_since(self, number: int) -> bool:
        """True if there is an error after the first ``number`` problems."""
        return any(problem.severity == "error" for problem in self.items[number:])


def quoted(text: str) -> str:
    """What was found, for a message: short, on one line, control characters made visible."""
    return repr(shortened(text))


def shortened(text: str) -> str:
    """The beginning of a text that may have any length."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean X?` for the nearest known name, empty where none is near; the case of letters does not count."""
    if len(name) > 4 * _SHOWN:  # nothing that long is a typing mistake, and comparing takes time
        return ""
    by_lower = {candidate.lower(): candidate for candidate in sorted(known)}
    near = get_close_matches(name.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[near[0]]}?" if near else ""
