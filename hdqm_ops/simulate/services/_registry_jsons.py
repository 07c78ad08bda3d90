"""The JSON portal of the simulated Run Registry: jobs that are queued, worked on, and done when asked often enough."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from json_logic import jsonLogic

from hdqm_ops.simulate.services import _conditions as conditions
from hdqm_ops.simulate.services import _statuses as statuses
from hdqm_ops.simulate.services._registry import Registry, RegistryRow
from hdqm_ops.simulate.services._registry_filter import ServerError, similar

Ranges: TypeAlias = list[list[int]]

QUEUED, WORKING, DONE = 203, 202, 200


@dataclass(slots=True)
class Portal:
    """Keeps jobs and their results.

    Attributes:
        polls: how often a job is asked for before it is done: the first time it is queued, then worked on.
    """

    polls: int = 2
    _jobs: dict[int, tuple[dict[str, Any], int]] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1001))

    def generate(self, registry: Registry, body: Mapping[str, Any]) -> dict[str, Any]:
        """Queue a job; what the server answers."""
        text, wanted = body.get("json_logic"), body.get("dataset_name_filter")
        if not isinstance(text, str) or not isinstance(wanted, str):
            raise ServerError("json_logic must be a string")
        try:
            rule = json.loads(text)
        except ValueError as error:
            raise ServerError(f"Unexpected token in JSON: {error}") from None
        if not rule:
            raise ServerError("json_logic cannot be empty")
        pattern = re.compile(similar(wanted))
        rows = [row for row in registry.datasets() if pattern.fullmatch(row.dataset)]
        if not rows:
            raise ServerError("No datasets matched that dataset name")
        number = next(self._numbers)
        self._jobs[number] = (_result(number, wanted, text, _golden(registry, rule, rows)), 0)
        return {"id": str(number), "dataset_name_filter": wanted}

    def poll(self, number: Any) -> tuple[int, dict[str, Any] | None]:
        """Status and document of a job."""
        key = int(number) if str(number).isdecimal() else 0
        if key not in self._jobs:
            raise ServerError(f"Job {number} not found")
        row, polled = self._jobs[key]
        self._jobs[key] = (row, polled + 1)
        if polled < self.polls:
            return (QUEUED, None) if polled == 0 else (WORKING, {"progress": polled / self.polls})
        return DONE, {"final_json": row}

    def all(self) -> list[dict[str, Any]]:
        """All results so far."""
        return [row for row, polled in self._jobs.values() if polled >= self.polls]


def _golden(registry: Registry, rule: Any, rows: list[RegistryRow]) -> dict[bool, dict[tuple[int, str], Ranges]]:
    """Good and other lumisections of each dataset. Two datasets of a run are two entries, merged badly later."""
    found: dict[bool, dict[tuple[int, str], Ranges]] = {True: {}, False: {}}
    for row in sorted(rows, key=lambda row: row.run.number):
        run = {"run_number": row.run.number, "oms": row.part("oms_attributes"), "rr": row.part("rr_attributes")}
        dataset = {**row.part("dataset_attributes"), "name": row.dataset}
        for first, last, flags, told in _stretches(registry, row):
            lumisection = {"lumisection_number": first, "oms": flags, "rr": told}
            good = bool(jsonLogic(rule, {"run": run, "dataset": dataset, "lumisection": lumisection}))
            ranges = found[good].setdefault((row.run.number, row.dataset), [])
            if ranges and ranges[-1][1] == first - 1:
                ranges[-1][1] = last
            else:
                ranges.append([first, last])
    return found


def _stretches(registry: Registry, row: RegistryRow) -> Iterator[tuple[int, int, dict[str, Any], dict[str, str]]]:
    """First and last lumisection, flags and statuses, where neither changes within."""
    flags = conditions.flag_ranges(row.run, registry.last(row))
    columns = {column: registry.spans(row, column) for column in statuses.COLUMNS}
    edges = {first for first, _, _ in flags} | {span.first for spans in columns.values() for span in spans}
    steps = [*sorted(edges), registry.last(row) + 1]
    for first, after in itertools.pairwise(steps):
        told = {
            name: span.status for name, spans in columns.items() for span in spans if span.first <= first <= span.last
        }
        now = next(values for start, end, values in flags if start <= first <= end)
        yield first, after - 1, now, told


def _result(number: int, wanted: str, text: str, golden: dict[bool, dict[tuple[int, str], Ranges]]) -> dict[str, Any]:
    by_run = {good: _by_run(found) for good, found in golden.items()}
    runs = sorted(map(int, by_run[True]))
    return {
        "id": number,
        "dataset_name_filter": wanted,
        "tags": "",
        "created_by": "api@api",
        "official": False,
        "runregistry_version": 1,
        "json_logic": json.loads(text),
        "generated_json": by_run[True],
        "generated_json_with_dataset_names": {f"{run}-{name}": found for (run, name), found in golden[True].items()},
        # The row is saved before these are known.
        "anti_json": {},
        "anti_json_with_dataset_names": {},
        "min_run_number": runs[0] if runs else None,
        "max_run_number": runs[-1] if runs else None,
        "delivered_luminosity": -1,
        "recorded_luminosity": -1,
    }


def _by_run(found: dict[tuple[int, str], Ranges]) -> dict[str, Ranges]:
    merged: dict[str, Ranges] = {}
    for (run, _), ranges in found.items():
        merged.setdefault(str(run), []).extend(ranges)
    return merged
