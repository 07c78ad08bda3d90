"""One ``[plot:…]`` section → what it defines, every value parsed into its type."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hdqm_ops.config._expression import check_arguments, parse_metric
from hdqm_ops.config._problems import ProblemList, did_you_mean, quoted, shortened
from hdqm_ops.config._scan import Entry, Section
from hdqm_ops.errors import ConfigError
from hdqm_ops.model import Alternative, MetricCall, MetricInfo, Place, Role, Trend

__all__ = ["PLOT_KEYS", "Definition", "Values", "good_name", "positive_number", "read_plot"]

PATH_KEYS: Final[dict[Role, str]] = {
    "main": "relativePath",
    "histo1": "histo1Path",
    "histo2": "histo2Path",
    "reference": "reference",
}
_TITLES = ("yTitle", "plotTitle")
PLOT_KEYS: Final = (
    *("metric", *PATH_KEYS.values(), *_TITLES, "threshold", "runOffset"),
    *("description", "owner", "unit", "low", "high", "slice"),
)

_NOT_AVAILABLE = 0  # version of a metric that cannot be computed: below all that can

_NAME = re.compile(r"[a-zA-Z0-9_+-]{1,200}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_MAX_VALUE = 10_000  # characters: a long description
_MAX_PATH = 1000  # characters: an index of the database holds a path, and takes no more than 2.7 kB
_MARKUP = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Definition:
    """What one section says: a trend of one alternative.

    Attributes:
        trend: the trend, as if this section were the only one of its name.
        place: the section.
        written_paths: paths as they were written, with leading slashes.
    """

    trend: Trend
    place: Place
    written_paths: frozenset[str]

    @property
    def alternative(self) -> Alternative:
        """Metric and paths."""
        return self.trend.alternatives[0]


class Values:
    """Keys of a section with the file's defaults, and the place of each."""

    def __init__(self, file: str, section: Section, defaults: Section, problems: ProblemList) -> None:
        self.file = file
        self.section = section
        self.entries: Mapping[str, Entry] = {**defaults.entries, **section.entries}
        self.problems = problems

    def place(self, key: str | None = None) -> Place:
        """Where the key stands; the section's own place without one."""
        entry = self.entries.get(key.lower()) if key else None
        return Place(self.file, entry.line if entry else self.section.line)

    def problem(self, key: str | None, code: str, message: str) -> None:
        """Note a problem of this section, at the key's place."""
        self.problems.add(self.place(key), code, f"[{_shown(self.section.name)}] {message}")

    def get(self, key: str, *, mandatory: bool = False, limit: int = _MAX_VALUE) -> str | None:
        """The value of a key; None where it is absent or not usable (which is noted)."""
        entry = self.entries.get(key.lower())
        if entry is None:
            if mandatory:
                self.problem(None, "missing-key", f"has no {key}")
        elif not entry.value:
            self.problem(key, "empty-value", f"{key} has no value")
        elif len(entry.value) > limit:
            message = f"{key} has {len(entry.value)} characters; more than {limit} are not read"
            self.problem(key, "long-value", message)
        else:
            return entry.value
        return None

    def one_line(self, key: str, *, mandatory: bool = False) -> str | None:
        """The value of a key that has no use for line breaks: they become blanks."""
        value = self.get(key, mandatory=mandatory)
        if value is not None and ("\t" in value or "\n" in value):
            self.problem(key, "title-blanks", f"{key} contains a tab or a line break: {quoted(value)}")
            value = re.sub(r"\s*\n\s*", " ", value)
        return value

    def check_keys(self, known: tuple[str, ...]) -> None:
        """Note keys of the section itself that have no meaning."""
        lower = {key.lower() for key in known}
        for key in self.section.entries:
            if key not in lower:
                self.problem(key, "unknown-key", f"unknown key {quoted(key)}{did_you_mean(key, known)}")


def good_name(name: str) -> bool:
    """True for names that trends may have."""
    return _NAME.fullmatch(name) is not None


def _shown(text: str) -> str:
    return quoted(text)[1:-1]


def read_plot(subsystem: str, values: Values, metrics: Mapping[str, MetricInfo]) -> Definition | None:
    """What a ``[plot:…]`` section defines; None where it has an error (each is noted)."""
    before = len(values.problems.items)
    name = values.section.name.removeprefix("plot:")
    if not good_name(name):
        message = f"the name {quoted(name)} is not 1 to 200 of the characters a-z A-Z 0-9 _ + -"
        values.problem(None, "bad-name", message)
    values.check_keys(PLOT_KEYS)
    _check_odd_keys(values)
    metric = _metric(values, metrics)
    paths = _paths(values, metric, metrics)
    y_title, plot_title = (_title(values, key) for key in _TITLES)
    description, unit, owner = values.get("description"), values.one_line("unit"), values.one_line("owner")
    threshold, (low, high) = _threshold(values), _range(values)
    if metric is None or y_title is None or values.problems.errors_since(before):
        return None
    place = values.place()
    alternatives = (Alternative(metric, paths, threshold, place),)
    trend = Trend(subsystem, name, alternatives, y_title, plot_title, unit, description, owner, low, high)
    return Definition(trend, place, _written(values, paths))


def _check_odd_keys(values: Values) -> None:
    if "runoffset" in values.section.entries:
        values.problem("runOffset", "ignored-key", "runOffset is not used any more; the line can go")
    if "slice" in values.entries:
        values.problem("slice", "reserved-key", "slice is reserved for a later version; remove it")


# -- metric ------------------------------------------------------------------------------------------------------------


def _metric(values: Values, metrics: Mapping[str, MetricInfo]) -> MetricCall | None:
    text = values.get("metric", mandatory=True)
    if text is None:
        return None
    try:
        call = parse_metric(text)
    except ConfigError as error:
        values.problem("metric", "bad-expression", str(error))
        return None
    info = metrics.get(call.name)
    if info is None:
        values.problem("metric", "unknown-metric", f"no metric is named {quoted(call.name)}{_near(call.name, metrics)}")
        return None
    try:
        arguments = check_arguments(info, call.arguments)
    except ConfigError as error:
        values.problem("metric", "bad-argument", str(error))
        return None
    _check_call(values, info, call.arguments, arguments)
    # Its definition is another one as soon as it can be computed, so that what was a gap is computed then.
    return MetricCall(call.name, arguments, info.version if info.available else _NOT_AVAILABLE)


def _near(name: str, metrics: Mapping[str, MetricInfo]) -> str:
    """The nearest metric, of the same name in another family first; else the families that there are."""
    last = name.rpartition(".")[2]
    same = sorted(known for known in metrics if known.rpartition(".")[2].lower() == last.lower())
    hint = f"; did you mean {same[0]}?" if same else did_you_mean(name, metrics)
    return hint or f"; there are {', '.join(sorted({known.partition('.')[0] for known in metrics}))}"


def _check_call(values: Values, info: MetricInfo, written: tuple[object, ...], used: tuple[object, ...]) -> None:
    if len(used) < len(written):
        message = f"{info.name} takes {len(used)} arguments; the last of {len(written)}, {written[-1]!r}, is dropped"
        values.problem("metric", "extra-argument", message)
    if not info.available:
        values.problem("metric", "metric-not-available", f"{info.name} cannot be computed by this version of HDQM")
    if reason := info.always_zero(used):
        values.problem("metric", "always-zero", f"{shortened(str(MetricCall(info.name, used)))} sees nothing: {reason}")


# -- paths -------------------------------------------------------------------------------------------------------------


def _paths(values: Values, metric: MetricCall | None, metrics: Mapping[str, MetricInfo]) -> dict[Role, tuple[str, ...]]:
    paths: dict[Role, tuple[str, ...]] = {}
    for role, key in PATH_KEYS.items():
        text = values.get(key, mandatory=role == "main")
        if text is not None:
            paths[role] = _split(values, key, text)
    if metric is None:
        return paths
    info = metrics[metric.name]
    needed = info.inputs_for(metric.arguments)
    for role in needed:
        if PATH_KEYS[role].lower() not in values.entries:
            values.problem("metric", "missing-input", f"{info.name} also needs {PATH_KEYS[role]}")
    read = {"main", *needed, *info.optional_inputs}
    for role in paths.keys() - read:
        values.problem(PATH_KEYS[role], "unused-path", f"{info.name} does not read {PATH_KEYS[role]}")
    return {role: found for role, found in paths.items() if role in read}


def _split(values: Values, key: str, text: str) -> tuple[str, ...]:
    """Alternative paths in order. Only commas separate them: names of monitor elements contain blanks."""
    paths: dict[str, None] = {}
    for written in text.split(","):
        path = _path(values, key, written.strip())
        if path is None:
            continue
        if path in paths:
            values.problem(key, "repeated-path", f"{key} names {quoted(path)} twice")
        paths[path] = None
    if not paths and not text.replace(",", "").strip():
        values.problem(key, "empty-value", f"{key} has no value")
    return tuple(paths)


def _path(values: Values, key: str, path: str) -> str | None:
    if not path:
        values.problem(key, "empty-path", f"{key} has nothing between two commas, or at an end")
        return None
    if path.startswith("/"):
        values.problem(key, "leading-slash", f"{key} begins with a slash, which is dropped: {quoted(path)}")
        path = path.lstrip("/")
    if reason := _bad_path(path):
        values.problem(key, "bad-path", f"{key} {reason}: {quoted(path)}")
        return None
    if " " in path:
        values.problem(key, "path-blanks", f"{key} contains blanks, which belong to the name: {quoted(path)}")
    return path


def _written(values: Values, paths: Mapping[Role, object]) -> frozenset[str]:
    texts = (values.entries[PATH_KEYS[role].lower()].value for role in paths)
    return frozenset(path.strip() for text in texts for path in text.split(",") if path.strip())


def _bad_path(path: str) -> str | None:
    parts = path.split("/")
    if len(path) > _MAX_PATH:
        return f"is longer than {_MAX_PATH} characters"
    if "\n" in path:
        return "goes on in the next line without a comma"
    if len(parts) < 2:
        return "needs a folder and a name, Folder/…/name"
    if any(part.strip() in ("", ".", "..") for part in parts):
        return "has an empty part, or `.` or `..` for one"
    return None


# -- titles and numbers ------------------------------------------------------------------------------------------------


def _title(values: Values, key: str) -> str | None:
    title = values.one_line(key, mandatory=key == "yTitle")
    if title and _MARKUP.search(title):
        values.problem(key, "title-markup", f"{key} contains <…>, which a browser may hide: {quoted(title)}")
    return title


def _threshold(values: Values) -> int | None:
    text = values.get("threshold")
    if text is None or _WHOLE.fullmatch(text):
        return None if text is None else int(text)
    values.problem("threshold", "bad-number", f"threshold is a whole number from 0 to 999999999, found {quoted(text)}")
    return None


def _range(values: Values) -> tuple[float | None, float | None]:
    low, high = _number(values, "low"), _number(values, "high")
    if low is not None and high is not None and low > high:
        values.problem("low", "bad-range", f"low = {low:g} is above high = {high:g}")
    return low, high


def _number(values: Values, key: str) -> float | None:
    text = values.get(key)
    if text is None:
        return None
    number = float(text) if len(text) <= 100 and _NUMBER.fullmatch(text) else math.nan
    if math.isfinite(number):
        return number
    values.problem(key, "bad-number", f"{key} is a finite number, found {quoted(text)}")
    return None


def positive_number(values: Values, key: str) -> float | None:
    """The value of a key that is a finite number of at least zero; None where it is absent or another (noted)."""
    number = _number(values, key)
    if number is not None and number < 0:
        values.problem(key, "bad-number", f"{key} is not below zero, found {number:g}")
        return None
    return number
