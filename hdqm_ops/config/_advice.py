"""Oddities that no rule forbids and that are mistakes more often than not: titles, names and paths that disagree."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from hdqm_ops.config._problems import ProblemList, quoted
from hdqm_ops.config._section import Definition
from hdqm_ops.model import Place, Trend

__all__ = ["advise_on_files", "advise_on_trends"]

# A word and the number that stands behind it: YB-1, MB3, Wheel2.
_NUMBERED = re.compile(r"([A-Za-z]+)_?([+-]?\d+)")
_LETTER_SIGN = re.compile(r"(?<=[a-zA-Z])([mp])(\d)(?![0-9A-Za-z])")
_SIGNED = re.compile(r"(?<![A-Za-z0-9])([+-])(\d)")
_NUMBER = re.compile(r"[+-]?\d+")
_SIGN = {"m": "-", "p": "+"}


# -- over all trends ---------------------------------------------------------------------------------------------------


def advise_on_trends(trends: Sequence[Trend], problems: ProblemList) -> None:
    """Note trends that are the same under two names, names in two subsystems, and titles that many share."""
    definitions: dict[str, Trend] = {}
    names: dict[str, Trend] = {}
    titles: dict[tuple[str, str], list[Trend]] = defaultdict(list)
    for trend in trends:
        titles[trend.subsystem, trend.title].append(trend)
        twin = definitions.setdefault(_reading(trend), trend)
        if twin is not trend:
            problems.add(_place(trend), "same-definition", f"{trend.key} has the metric and paths of {twin.key}")
        namesake = names.setdefault(trend.name, trend)
        if namesake.subsystem != trend.subsystem:
            message = f"{trend.key} has the name of {namesake.key} ({_place(namesake)}); was the section copied?"
            problems.add(_place(trend), "shared-name", message)
    for (subsystem, title), sharing in titles.items():
        if len(sharing) > 1:
            message = f"{len(sharing)} trends of {subsystem} have the title {quoted(title)}: {_few(sharing)}"
            problems.add(_place(sharing[0]), "shared-title", message)


def _reading(trend: Trend) -> str:
    """What makes two trends the same for a reader of plots: metrics and paths, whatever the threshold."""
    return json.dumps([{**one.canonical(), "threshold": None} for one in trend.alternatives], sort_keys=True)


def _place(trend: Trend) -> Place:
    return trend.alternatives[0].place or Place("?", 1)


def _few(trends: Sequence[Trend]) -> str:
    names = [trend.name for trend in trends[:3]]
    return ", ".join(names) + (", …" if len(trends) > 3 else "")


# -- within one file ---------------------------------------------------------------------------------------------------


def advise_on_files(definitions: Iterable[Definition], problems: ProblemList) -> None:
    """Note where name, title and path of a section disagree, and what differs from its neighbours in the file."""
    by_file: dict[str, list[Definition]] = defaultdict(list)
    for definition in definitions:
        by_file[definition.place.file].append(definition)
        _compare_numbers(definition, problems)
        _compare_signs(definition, problems)
    for neighbours in by_file.values():
        _compare_names(neighbours, problems)
        _compare_shapes(neighbours, problems)


def _first_path(definition: Definition) -> str:
    return definition.alternative.paths["main"][0]


def _numbers(text: str) -> dict[str, set[int]]:
    numbers: dict[str, set[int]] = defaultdict(set)
    for word, number in _NUMBERED.findall(text):
        if len(number) < 10:
            numbers[word.lower()].add(int(number))
    return numbers


def _compare_numbers(definition: Definition, problems: ProblemList) -> None:
    """``MeanT0_MB3_YB-1`` with the title ``… MB3s (YB+1)``."""
    trend = definition.trend
    of_name = _numbers(trend.name)
    for title in filter(None, (trend.y_title, trend.plot_title)):
        of_title = _numbers(title)
        for word in of_name.keys() & of_title.keys():
            if not of_name[word] & of_title[word]:
                message = f"{trend.key} and its title {quoted(title)} disagree about {word.upper()}"
                problems.add(definition.place, "title-unlike-name", message)


def _compare_signs(definition: Definition, problems: ProblemList) -> None:
    """``…_Dm1`` that reads ``…_+1``."""
    path = _first_path(definition)
    of_name = {(_SIGN[letter], digit) for letter, digit in _LETTER_SIGN.findall(definition.trend.name)}
    of_path = set(_SIGNED.findall(path))
    if of_name and of_path and not of_name & of_path:
        message = f"{definition.trend.key} reads {quoted(path)}, which has another sign"
        problems.add(definition.place, "path-unlike-name", message)


def _compare_names(neighbours: Sequence[Definition], problems: ProblemList) -> None:
    """One trend that is not named after its element, where all others of the file are."""
    other = [one for one in neighbours if one.trend.name != _first_path(one).rpartition("/")[2]]
    if len(other) == 1 and len(neighbours) >= 5:
        message = f"{other[0].trend.key} is not named after its monitor element {quoted(_first_path(other[0]))}"
        problems.add(other[0].place, "name-unlike-path", f"{message}, all others of the file are")


def _compare_shapes(neighbours: Sequence[Definition], problems: ProblemList) -> None:
    """``MeanT0_W2x_MB4`` among nineteen ``MeanT0_W#_MB#``: the only path that strays from a pattern so little."""
    by_shape: dict[str, list[Definition]] = defaultdict(list)
    for one in neighbours:
        by_shape[_NUMBER.sub("#", _first_path(one))].append(one)
    patterns = {shape for shape, followers in by_shape.items() if len(followers) >= 5}
    strays: dict[str, list[Definition]] = defaultdict(list)
    for shape, followers in by_shape.items():
        for pattern in _with_letters_removed(shape) & patterns if len(followers) == 1 else ():
            strays[pattern] += followers
    for pattern, (first, *others) in strays.items():
        if not others:
            message = f"{quoted(_first_path(first))} strays from the pattern {quoted(pattern)}"
            problems.add(first.place, "odd-path", f"{message} of {len(by_shape[pattern])} others in the file")


def _with_letters_removed(text: str) -> set[str]:
    """``text`` without one letter or two neighbouring ones, in every way."""
    cuts = [(at, at + length) for at in range(len(text)) for length in (1, 2)]
    return {text[:start] + text[end:] for start, end in cuts if text[start:end].isalpha()}
