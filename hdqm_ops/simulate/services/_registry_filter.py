"""The filter language of Run Registry's server, as it evaluates it: on the database's side, with its surprises."""

import re
from collections.abc import Callable, Mapping
from operator import ge, gt, le, lt
from typing import Any, TypeAlias

Lookup: TypeAlias = Callable[[str], Any]

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {">": gt, ">=": ge, "<": lt, "<=": le}
_LIKE = {"like": re.IGNORECASE, "LIKE": 0}
_NOT_LIKE = {"notlike": re.IGNORECASE, "NOTLIKE": 0}
_JOIN: Mapping[str, Callable[[Any], bool]] = {"and": all, "or": any}


class ServerError(Exception):
    """What the server answers with 500 and a sentence."""


def bucket_of(key: str, *, datasets: bool) -> str:
    """The table that a key belongs to: the cache of triplets, the run, or the row's own."""
    if key.startswith("triplet_summary"):
        return "triplets"
    return "run" if datasets and key.startswith(("rr_attributes.", "oms_attributes.")) else "own"


def satisfies(filters: Any, lookup: Lookup, *, datasets: bool = False) -> bool:
    """Whether a row is found.

    The keys are dealt to their tables first and each table is asked on its own: an ``or`` over keys of two tables
    is not an ``or``, because both tables have to agree.
    """
    if not isinstance(filters, dict):
        raise ServerError("Cannot convert undefined or null to object")
    return all(_table_agrees(filters, name, lookup, datasets=datasets) for name in ("own", "run", "triplets"))


def _table_agrees(filters: Mapping[str, Any], table: str, lookup: Lookup, *, datasets: bool) -> bool:
    for key, condition in filters.items():
        if key in _JOIN:
            parts = [part for part in condition if _touches(part, table, datasets=datasets)]
            verdicts = (_table_agrees(part, table, lookup, datasets=datasets) for part in parts)
            if parts and not _JOIN[key](verdicts):
                return False
        elif bucket_of(key, datasets=datasets) == table and not holds(condition, lookup(key)):
            return False
    return True


def _touches(part: Any, table: str, *, datasets: bool) -> bool:
    if not isinstance(part, dict):
        raise ServerError("Invalid value in filter")
    return any(
        any(_touches(inner, table, datasets=datasets) for inner in condition)
        if key in _JOIN
        else bucket_of(key, datasets=datasets) == table
        for key, condition in part.items()
    )


def holds(condition: Any, value: Any) -> bool:
    """Whether a value satisfies a condition: a bare value means equality, null satisfies only equality with null."""
    if not isinstance(condition, dict):
        return value == condition if condition is not None else value is None
    return all(_operator(name, wanted, value) for name, wanted in condition.items())


def _operator(name: str, wanted: Any, value: Any) -> bool:
    if name in _JOIN:
        return _JOIN[name](holds(inner, value) for inner in wanted)
    if name == "=":
        return value == wanted if wanted is not None else value is None
    if name == "<>":
        return value is not None if wanted is None else value is not None and value != wanted
    if name in _LIKE:
        return value is not None and _like(str(wanted), value, _LIKE[name])
    if name in _NOT_LIKE:
        return value is not None and not _like(str(wanted), value, _NOT_LIKE[name])
    if name not in _COMPARE:
        raise ServerError(f"Invalid value {{ '{name}': {wanted!r} }}")
    try:
        return value is not None and _COMPARE[name](value, wanted)
    except TypeError:
        raise ServerError(f"operator does not exist: {type(value).__name__} {name} {type(wanted).__name__}") from None


def _like(pattern: str, value: Any, flags: int) -> bool:
    return re.fullmatch(similar(pattern), str(value), flags | re.DOTALL) is not None


def similar(pattern: str) -> str:
    """A pattern of SQL with ``%``, ``_`` and ``(a|b)`` as a regular expression."""
    special = {"%": ".*", "_": ".", "(": "(", ")": ")", "|": "|"}
    return "".join(special.get(letter, re.escape(letter)) for letter in pattern)
