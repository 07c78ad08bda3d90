"""What ``hdqm config check`` and ``hdqm config show`` print."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from hdqm_ops.config._section import PATH_KEYS
from hdqm_ops.config._tree import ConfigTree
from hdqm_ops.model import Alternative, Problem, Trend

__all__ = ["check_report", "count_codes", "describe", "render"]


def check_report(tree: ConfigTree) -> dict[str, Any]:
    """The answer of ``hdqm config check --json``.

    ``monitor_elements`` counts distinct paths as they were written: ``/A/b`` and ``A/b`` are two, though they name one
    monitor element (``ConfigTree.monitor_elements`` has one).
    """
    return {
        "files": tree.files,
        "sections": tree.sections,
        "trends": len(tree.trends),
        "monitor_elements": len(tree.written_paths),
        "subsystems": tree.subsystems,
        "problems": [_problem(problem) for problem in tree.problems],
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.place.file,
        "line": problem.place.line,
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
    }


def count_codes(tree: ConfigTree) -> list[tuple[str, str, int, Problem]]:
    """Severity, code, how often, and the first such problem: for a table of a tree with many problems."""
    numbers = Counter((problem.severity, problem.code) for problem in tree.problems)
    first: dict[str, Problem] = {}
    for problem in tree.problems:
        first.setdefault(problem.code, problem)
    return [(severity, code, number, first[code]) for (severity, code), number in sorted(numbers.items())]


def describe(trend: Trend, tree: ConfigTree | None = None) -> dict[str, Any]:
    """One trend as it was understood, as JSON facts; ``tree`` adds every section that defines it, and its groups."""
    facts: dict[str, Any] = {
        "trend": trend.key,
        "title": trend.title,
        "y_title": trend.y_title,
        "unit": trend.unit,
        "description": trend.description,
        "owner": trend.owner,
        "low": trend.low,
        "high": trend.high,
        "definition": trend.definition_hash().hex(),
        "alternatives": [_alternative(alternative) for alternative in trend.alternatives],
    }
    if tree is not None:
        facts["places"] = [str(one.place) for one in tree.definitions.get(trend.key, ())]
        facts["groups"] = [
            group.name for group in tree.groups if group.subsystem == trend.subsystem and trend.name in group.trends
        ]
    return facts


def _alternative(alternative: Alternative) -> dict[str, Any]:
    return {
        "metric": str(alternative.metric),
        "version": alternative.metric.version,
        **{PATH_KEYS[role]: list(paths) for role, paths in alternative.paths.items()},
        "threshold": alternative.threshold,
        "place": str(alternative.place) if alternative.place else None,
    }


def render(facts: dict[str, Any]) -> str:
    """The facts of ``describe`` as lines for a terminal."""
    return "\n".join(f"{name:<16}{text}".rstrip() for name, text in _lines(facts))


def _lines(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        if name == "alternatives":
            for number, alternative in enumerate(value, start=1):
                yield (f"alternative {number}" if len(value) > 1 else "metric"), alternative["metric"]
                yield from (("  " + key, text) for key, text in _lines(alternative) if key != "metric")
        elif isinstance(value, list):
            yield from ((name if at == 0 else "", f"{'else ' * (at > 0)}{item}") for at, item in enumerate(value))
        elif value is not None:
            yield name, str(value)
