"""``[runs:…]`` sections: which runs count, for all subsystems or for one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hdqm_ops.config._problems import ProblemList, did_you_mean, quoted
from hdqm_ops.config._section import Values, good_name, positive_number
from hdqm_ops.model import Place, QualityRule

__all__ = ["DCS_FLAGS", "RULE_KEYS", "WrittenRule", "join_rules", "read_rule"]

_LISTS: Final = {"datasets": "datasets", "classes": "classes", "not_hlt_key": "not_hlt_keys"}
_MINIMA: Final = ("min_duration_s", "min_recorded_lumi_pb")
RULE_KEYS: Final = (*_LISTS, "significant", "dcs", *_MINIMA)
_FLAGS: Final = {"yes": True, "true": True, "no": False, "false": False}
_TAKEN: Final = ("default", "all")

DCS_FLAGS: Final = (
    *("bpix", "fpix", "tibtid", "tob", "tecm", "tecp", "ebm", "ebp", "eem", "eep", "esm", "esp"),
    *("hbhea", "hbheb", "hbhec", "hf", "ho", "dtm", "dtp", "dt0", "cscm", "cscp", "rpc", "castor", "zdc"),
    *("gem", "gemp", "gemm", "rp_time", "rp_sect_45", "rp_sect_56"),
)
"""Detectors as OMS names their flags, without ``_ready``."""


@dataclass(frozen=True, slots=True)
class WrittenRule:
    """A rule as a section says it.

    Attributes:
        subsystem: empty where it is for all.
        name: of the rule.
        said: attribute of ``QualityRule`` → value, of the keys that the section has.
        place: the section.
    """

    subsystem: str
    name: str
    said: Mapping[str, Any]
    place: Place


def read_rule(subsystem: str, values: Values) -> WrittenRule | None:
    """What a ``[runs:…]`` section says; None where it has an error (each is noted)."""
    before = len(values.problems.items)
    name = values.section.name.removeprefix("runs:").strip()
    if not good_name(name) or name in _TAKEN:
        message = f"the name {quoted(name)} is not of the characters a-z A-Z 0-9 _ + -, or it is default or all"
        values.problem(None, "bad-name", message)
    values.check_keys(RULE_KEYS)
    said: dict[str, Any] = {}
    for key, attribute in _LISTS.items():
        _keep(said, attribute, _patterns(values, key))
    _keep(said, "significant", _flag(values))
    _keep(said, "dcs", _detectors(values))
    for key in _MINIMA:
        _keep(said, key, positive_number(values, key))
    return None if values.problems.errors_since(before) else WrittenRule(subsystem, name, said, values.place())


def _keep(said: dict[str, Any], attribute: str, value: object) -> None:
    if value is not None:
        said[attribute] = value


def _patterns(values: Values, key: str) -> tuple[str, ...] | None:
    text = values.get(key)
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text is not None else None


def _flag(values: Values) -> bool | None:
    text = values.get("significant")
    if text is not None and text.lower() not in _FLAGS:
        values.problem("significant", "bad-flag", f"significant is yes or no, found {quoted(text)}")
    return _FLAGS.get(text.lower()) if text is not None else None


def _detectors(values: Values) -> tuple[tuple[str, ...], ...] | None:
    """``dtm, dtp | cscm, cscp``: sets of detectors, one of which is enough."""
    text = values.get("dcs")
    if text is None:
        return None
    sets = [tuple(name.strip() for name in part.split(",") if name.strip()) for part in text.split("|")]
    for name in (name for one in sets for name in one if name not in DCS_FLAGS):
        hint = did_you_mean(name, DCS_FLAGS) or f"; there are {', '.join(DCS_FLAGS)}"
        values.problem("dcs", "unknown-detector", f"OMS has no detector {quoted(name)}{hint}")
    return tuple(one for one in sets if one)


def join_rules(written: Iterable[WrittenRule], problems: ProblemList) -> tuple[QualityRule, ...]:
    """The rules as they count: a subsystem's own adds to the one of its name for all; later files count before earlier.

    A second section of the same subsystem and name adds to the first, key by key.
    """
    said: dict[tuple[str, str], dict[str, Any]] = {}
    places: dict[tuple[str, str], Place] = {}
    for one in written:
        key = (one.subsystem, one.name)
        if key in places:
            message = f"[runs:{one.name}] is also at {places[key]}; the keys of this one count before those there"
            problems.add(one.place, "duplicate-alternative", message)
        places[key] = one.place
        said[key] = {**said.get(key, {}), **one.said}
    return tuple(
        QualityRule(subsystem, name, **{**said.get(("", name), {}), **own})
        for (subsystem, name), own in sorted(said.items())
    )
