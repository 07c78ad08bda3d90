"""What is to do, read from the ledger: for each file the definitions that were not computed for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from psycopg.types.multirange import Multirange
from psycopg.types.range import Range

from hdqm_ops.load._connection import Connection, translated
from hdqm_ops.load._sql import query
from hdqm_ops.load._work import Scope, Work
from hdqm_ops.model import DQMFile

__all__ = ["pending"]


def pending(connection: Connection, scope: Scope) -> list[Work]:
    """Files with something to do, by run: of each run, primary dataset and processing the best one that did not fail.

    A file whose better fails later is named by the next call. Files that others work on are named, too.
    """
    with translated(), connection.transaction():
        connection.execute(query("pending", "snapshot"))  # others load meanwhile, and make sets that were not there
        planner = _Planner.of(connection, scope)
        if not planner.wanted:
            return []
        rows = connection.execute(query("pending", "candidates"), _parameters(scope, planner)).fetchall()
        return [work for row in rows for work in planner.work(row)]


def _parameters(scope: Scope, planner: "_Planner") -> dict[str, Any]:
    return {
        "failed": scope.mode != "missing",
        "runs": Multirange([Range(low, high, "[]") for low, high in scope.runs]) if scope.runs else None,
        "datasets": list(scope.datasets) or None,
        "paths": list(scope.paths) or None,
        "ids": list(scope.file_ids) or None,
        "refused": list(scope.refused),
        "done_definitions": planner.done_definitions(),
        "done_elements": planner.done_elements(),
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Todo:
    """What is left to do for files with the same past."""

    definitions: Mapping[str, int]
    stored: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Planner:
    """Compares what is wanted with what was done. Files share few sets, so each pair of sets is compared once.

    Attributes:
        scope: what is asked for.
        wanted: ``Subsystem/name`` → definition, elements.
        definition_sets: id → definitions of the set.
        element_sets: id → elements of the set.
        todo: the comparison, remembered.
    """

    scope: Scope
    wanted: Mapping[str, tuple[int, frozenset[int]]]
    definition_sets: Mapping[int | None, frozenset[int]]
    element_sets: Mapping[int | None, frozenset[int]]
    todo: Any

    @classmethod
    def of(cls, connection: Connection, scope: Scope) -> "_Planner":
        trends = None if scope.trends is None else list(scope.trends)
        wanted = connection.execute(
            query("pending", "wanted"), {"subsystems": list(scope.subsystems) or None, "trends": trends}
        )
        by_key = {key: (definition, frozenset(elements)) for key, definition, elements in wanted}
        sets = [_sets(connection, name) for name in ("definition_sets", "element_sets")]
        return cls(scope, by_key, sets[0], sets[1], cache(lambda *past: _todo(scope, by_key, *past)))

    def done_definitions(self) -> list[int]:
        """Sets that leave nothing to compute."""
        if self.scope.mode == "all" or self.scope.stage == "extract":
            return []
        all_of_it = {definition for definition, _ in self.wanted.values()}
        return [number for number, done in self.definition_sets.items() if number is not None and all_of_it <= done]

    def done_elements(self) -> list[int]:
        """Sets that leave nothing to read; asked for where reading is all there is to do."""
        if self.scope.mode == "all" or self.scope.stage != "extract":
            return []
        all_of_it = frozenset[int]().union(*(elements for _, elements in self.wanted.values()))
        return [number for number, read in self.element_sets.items() if number is not None and all_of_it <= read]

    def work(self, row: tuple[Any, ...]) -> Iterator[Work]:
        """What is to do for one candidate; nothing where it is done, or cannot be done."""
        file_id, definition_set, element_set, state, *facts = row
        done, read = self.definition_sets[definition_set], self.element_sets[element_set]
        todo = self.todo(done, read, state == "vanished")
        if todo.definitions:
            seen = (definition_set, element_set, state)
            yield Work(file_id, DQMFile(*facts), todo.definitions, todo.stored, seen)


def _sets(connection: Connection, name: str) -> dict[int | None, frozenset[int]]:
    sets: dict[int | None, frozenset[int]] = {None: frozenset()}
    sets |= {number: frozenset(ids) for number, ids in connection.execute(query("pending", name))}
    return sets


def _todo(
    scope: Scope,
    wanted: Mapping[str, tuple[int, frozenset[int]]],
    computed: frozenset[int],
    read: frozenset[int],
    vanished: bool,
) -> _Todo:
    """What is left to do for a file of which some definitions were computed and some elements read."""
    anew = scope.mode == "all"
    if scope.stage == "extract":
        left = {key: d for key, (d, elements) in wanted.items() if anew or not elements <= read}
        return _Todo({} if vanished else left, stored=False)
    left = {key: d for key, (d, _) in wanted.items() if anew or d not in computed}
    here = {key: d for key, d in left.items() if wanted[key][1] <= read}
    if scope.stage == "calculate" or vanished:
        return _Todo(here, stored=True)
    return _Todo(left, stored=not anew and len(here) == len(left))
