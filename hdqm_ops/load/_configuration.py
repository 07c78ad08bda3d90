"""Trends, their definitions and display groups: what is configured becomes what is in the database."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from hdqm_ops.errors import ConfigError
from hdqm_ops.load._connection import Connection, in_transaction
from hdqm_ops.load._histograms import text
from hdqm_ops.load._sql import query
from hdqm_ops.model import DisplayGroup, QualityRule, Trend

__all__ = ["Changes", "apply_configuration"]

_TREND_TYPES = ("text",) * 7 + ("float8", "float8", "bytea", "text", "text", "text[]", "text[]")
_GROUP_TYPES = ("text",) * 4 + ("bool", "int4", "text[]", "text[]")


@dataclass(frozen=True, slots=True)
class Changes:
    """What a configuration changed.

    Attributes:
        new: trends that were not known.
        changed: known trends that have another definition now.
        relabelled: known trends whose texts changed: title, unit, owner, expected range, ….
        returned: retired trends that are configured again.
        retired: trends that a whole configuration no longer has.
        unchanged: trends of the configuration that are as they were.
        rules: rules for runs that are new, changed or gone.
        definitions: ``Subsystem/name`` → id of the definition that counts now, for all trends of the configuration.
    """

    new: int
    changed: int
    relabelled: int
    returned: int
    retired: int
    unchanged: int
    rules: int
    definitions: dict[str, int] = field(repr=False)

    @property
    def any(self) -> bool:
        """Whether it changed anything."""
        return any((self.new, self.changed, self.relabelled, self.returned, self.retired))


def apply_configuration(
    connection: Connection,
    trends: Sequence[Trend],
    groups: Sequence[DisplayGroup] = (),
    rules: Sequence[QualityRule] = (),
    *,
    whole: bool,
) -> Changes:
    """Bring a configuration into the database; doing so twice changes nothing.

    Args:
        connection: from ``connect``.
        trends: the trends; ``Subsystem/name`` is unique among them.
        groups: display groups; each replaces the one of its name.
        rules: which runs count; a part of a configuration leaves them as they are.
        whole: this is all of it: other trends are retired, other groups and rules removed.

    Raises:
        ConfigError: a whole configuration without trends; it would retire everything.
    """
    if whole and not trends:
        raise ConfigError("a configuration without a trend would retire all trends of the database: nothing is done")

    def work() -> Changes:
        changes = _apply(connection, trends, groups, whole=whole)
        return replace(changes, rules=_replace_rules(connection, rules) if whole else 0)

    return in_transaction(connection, work)


def _apply(connection: Connection, trends: Sequence[Trend], groups: Sequence[DisplayGroup], *, whole: bool) -> Changes:
    def run(name: str) -> int:
        return connection.execute(query("configuration", name)).rowcount

    run("lock")
    run("stage")
    _copy(connection, "copy_trends", _TREND_TYPES, map(_trend_row, trends))
    _copy(connection, "copy_groups", _GROUP_TYPES, (_group_row(group, at) for at, group in enumerate(groups, 1)))
    run("analyze")
    run("add_subsystems")
    run("add_elements")
    new, returned, relabelled = run("add_trends"), run("return_trends"), run("change_texts")
    run("add_definitions")
    changed = run("leave_definitions")
    run("take_definitions")
    retired = run("retire_trends") if whole else 0
    _replace_groups(connection, whole=whole)
    definitions: dict[str, int] = dict(connection.execute(query("configuration", "current_definitions")).fetchall())
    touched = new + changed + relabelled + returned
    return Changes(new, changed, relabelled, returned, retired, max(len(trends) - touched, 0), 0, definitions)


def _replace_rules(connection: Connection, rules: Sequence[QualityRule]) -> int:
    """How many rules are new, changed or gone."""
    rows = {"rows": json.dumps([{**asdict(rule), "dcs": [list(one) for one in rule.dcs] or None} for rule in rules])}
    removed = connection.execute(query("configuration", "remove_rules"), rows).rowcount
    return removed + connection.execute(query("configuration", "upsert_rules"), rows).rowcount


def _replace_groups(connection: Connection, *, whole: bool) -> None:
    if whole:
        connection.execute(query("configuration", "remove_groups"))
    connection.execute(query("configuration", "upsert_groups"), {"whole": whole})
    connection.execute(query("configuration", "remove_members"))
    connection.execute(query("configuration", "upsert_members"))


def _copy(connection: Connection, name: str, types: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(query("configuration", name)) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _trend_row(trend: Trend) -> tuple[Any, ...]:
    main = {path for alternative in trend.alternatives for path in alternative.paths["main"]}
    texts = (trend.subsystem, trend.name, trend.title, trend.y_title, trend.unit, trend.description, trend.owner)
    return (
        *(None if value is None else text(value) for value in texts),
        trend.low,
        trend.high,
        trend.definition_hash(),
        trend.canonical_definition(),
        " | ".join(str(alternative.metric) for alternative in trend.alternatives),
        sorted(trend.monitor_elements),
        sorted(main),
    )


def _group_row(group: DisplayGroup, position: int) -> tuple[Any, ...]:
    texts = map(text, (group.subsystem, group.name, group.title, group.y_title))
    return (*texts, group.correlation, position, list(group.trends), list(group.colours))
