"""The client of Run Registry: runs, datasets, their lumisections, golden JSONs; and changes, where they are allowed."""

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from hdqm_ops.errors import BadAnswer, ConfigError, IncompleteAnswer, RequestRefused, ServiceUnavailable
from hdqm_ops.services._client import Client
from hdqm_ops.services._golden import GoldenJson, check_golden_json
from hdqm_ops.services._rr_changes import Changes
from hdqm_ops.services._rr_filter import Filter, Kind, broken_condition, server_filter
from hdqm_ops.services._service import Service, run_registry_service
from hdqm_ops.settings import Settings

log = logging.getLogger("hdqm_ops.services")

T = TypeVar("T")

ONLINE = "online"
PAGE_SIZE = 500
_WHOLE_TRIES = 3
_PAGE_TRIES = 3
_KEYS: Mapping[Kind, tuple[str, ...]] = {"runs": ("run_number",), "datasets": ("run_number", "name")}


@dataclass(frozen=True, slots=True)
class RegistryRun:
    """A run as Run Registry knows it. OMS's own values may be newer: Run Registry copies none after sign-off."""

    run_number: int
    run_class: str | None
    state: str
    significant: bool
    stop_reason: str | None
    needs_manual_update: bool
    version: int | None
    oms: Mapping[str, Any]
    lumisections: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class RegistryDataset:
    """A dataset and how far its certification is: ``states`` by workspace (``global``, ``tracker``, …)."""

    run_number: int
    name: str
    states: Mapping[str, str]
    run_class: str | None
    significant: bool
    version: int | None
    lumisections: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class StatusRange:
    """Lumisections start to end of one column have one status."""

    start: int
    end: int
    status: str
    comment: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class CreatedJson:
    """A golden JSON that Run Registry made; ``row`` is all that it tells of it."""

    id: int
    golden: GoldenJson
    row: Mapping[str, Any]


class RunRegistry(Changes):
    """Asks Run Registry, and changes it where that was allowed. Use it as a context manager, or call `close`.

    Args:
        service: where it is.
        may_change: allow the calls that change Run Registry for everybody.
    """

    def __init__(self, service: Service, *, may_change: bool = False) -> None:
        super().__init__(Client(service), may_change=may_change)

    @classmethod
    def from_settings(cls, settings: Settings | None = None, *, may_change: bool = False) -> Self:
        """Run Registry as the settings name it."""
        return cls(run_registry_service(settings or Settings()), may_change=may_change)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- runs and datasets -----------------------------------------------------------------------------------------

    def runs(self, wanted: Filter, *, raw: bool = False) -> Iterator[RegistryRun]:
        """Runs that satisfy a filter, by number."""
        return (_typed("runs", _run, row) for page in self._pages("runs", wanted, raw=raw) for row in page)

    def datasets(self, wanted: Filter, *, raw: bool = False) -> Iterator[RegistryDataset]:
        """Datasets that satisfy a filter, by run number and name."""
        return (_typed("datasets", _dataset, row) for page in self._pages("datasets", wanted, raw=raw) for row in page)

    def get_run(self, run_number: int, *, compress: bool = True) -> dict[str, Any] | None:
        """One run; None where Run Registry has none of that number."""
        return _only(self.get_runs({"run_number": run_number}, compress=compress), f"run {run_number}")

    def get_runs(
        self,
        wanted: Filter,
        *,
        compress: bool = True,
        raw: bool = False,
        limit: int | None = None,
        sortings: Sequence[tuple[str, str]] | None = None,
        page_size: int = PAGE_SIZE,
    ) -> list[dict[str, Any]]:
        """Runs that satisfy a filter.

        Args:
            wanted: as `server_filter` reads it; ``{}`` for all.
            compress: attributes of Run Registry side by side with the others, the summary as ``lumisections``.
            raw: send the filter as it is.
            limit: only so many.
            sortings: pairs of a server's name and ``ASC`` or ``DESC``; by number without it.
            page_size: rows a request.
        """
        rows = self._rows("runs", wanted, raw=raw, limit=limit, sortings=sortings, page_size=page_size)
        return [_compressed_run(row) for row in rows] if compress else rows

    def get_dataset(
        self, run_number: int, dataset_name: str = ONLINE, *, compress: bool = True
    ) -> dict[str, Any] | None:
        """One dataset; None where there is none."""
        wanted = {"run_number": run_number, "name": dataset_name}
        return _only(self.get_datasets(wanted, compress=compress), f"{dataset_name} of run {run_number}")

    def get_datasets(
        self,
        wanted: Filter,
        *,
        compress: bool = True,
        raw: bool = False,
        limit: int | None = None,
        sortings: Sequence[tuple[str, str]] | None = None,
        page_size: int = PAGE_SIZE,
    ) -> list[dict[str, Any]]:
        """Datasets that satisfy a filter; arguments as for `get_runs`. Compressing loses nothing."""
        rows = self._rows("datasets", wanted, raw=raw, limit=limit, sortings=sortings, page_size=page_size)
        return [_compressed_dataset(row) for row in rows] if compress else rows

    def count(self, kind: Kind, wanted: Filter, *, raw: bool = False) -> int:
        """How many rows satisfy a filter."""
        body = {"page": 0, "page_size": 1, "filter": _filter(kind, wanted, raw=raw), "sortings": []}
        return _whole_number(self._table(kind, body), "count")

    def get_dataset_names_of_run(self, run_number: int) -> list[str]:
        """Names of a run's datasets, ``online`` among them."""
        names = self._list(f"get_all_dataset_names_of_run/{run_number}")
        return [str(name) for name in names]

    def get_cycles(self) -> list[dict[str, Any]]:
        """Certification cycles."""
        return self._list("cycles/global")

    def get_datasets_accepted(self) -> list[dict[str, Any]]:
        """Which offline datasets are made for which classes and runs."""
        return self._list("datasets_accepted")

    # -- lumisections ----------------------------------------------------------------------------------------------

    def get_lumisections(self, run_number: int, dataset_name: str = ONLINE) -> list[dict[str, Any]]:
        """Statuses, lumisection by lumisection: the first is lumisection 1."""
        return self._of_dataset("rr_lumisections", run_number, dataset_name)

    def get_oms_lumisections(self, run_number: int, dataset_name: str = ONLINE) -> list[dict[str, Any]]:
        """OMS's flags as Run Registry keeps them, lumisection by lumisection; a hole is ``{"err": …}`` there."""
        return self._of_dataset("oms_lumisections", run_number, dataset_name)

    def get_lumisection_ranges(self, run_number: int, dataset_name: str = ONLINE) -> list[dict[str, Any]]:
        """Stretches (``start`` to ``end``) in which no status changes."""
        return self._of_dataset("rr_lumisection_ranges", run_number, dataset_name)

    def get_oms_lumisection_ranges(self, run_number: int) -> list[dict[str, Any]]:
        """Stretches in which no flag of OMS changes."""
        return self._of_dataset("oms_lumisection_ranges", run_number, ONLINE)

    def get_joint_lumisection_ranges(self, run_number: int, dataset_name: str = ONLINE) -> list[dict[str, Any]]:
        """Stretches in which neither changes; luminosities are among OMS's values, so stretches are short."""
        return self._of_dataset("joint_lumisection_ranges", run_number, dataset_name)

    def get_lumisection_ranges_by_component(
        self, run_number: int, dataset_name: str = ONLINE
    ) -> dict[str, tuple[StatusRange, ...]]:
        """Statuses of each column (``tracker-strip``, …) in stretches."""
        place = "lumisections/rr_lumisection_ranges_by_component"
        answer = self.client.ask("POST", place, document={"run_number": run_number, "dataset_name": dataset_name})
        try:
            return {
                column: tuple(StatusRange(**{key: one[key] for key in StatusRange.__slots__}) for one in ranges)
                for column, ranges in answer.json().items()
            }
        except (AttributeError, KeyError, TypeError) as error:
            raise self._bad(place, f"no ranges by component: {type(error).__name__}: {error}") from None

    def _of_dataset(self, what: str, run_number: int, dataset_name: str) -> list[dict[str, Any]]:
        document = {"run_number": run_number, "dataset_name": dataset_name}
        place = f"lumisections/{what}"
        return self._checked_list(self.client.ask("POST", place, document=document).json(), place)

    # -- golden JSONs ----------------------------------------------------------------------------------------------

    def create_json(
        self,
        json_logic: Mapping[str, Any] | str,
        dataset_name_filter: str,
        *,
        deadline_s: float = 3600,
        poll_s: float = 15,
    ) -> CreatedJson:
        """Have a golden JSON made: queued there, asked for until it is done.

        Args:
            json_logic: the rule that a good lumisection satisfies.
            dataset_name_filter: SQL's SIMILAR TO (``_``, ``%``, ``(A|B)``); it may match one dataset a run, not two.
            deadline_s: give up after that.
            poll_s: pause between questions.

        Raises:
            RequestRefused: the rule or the filter is not good, or the job failed.
            ServiceUnavailable: not done at the deadline.
        """
        text = json_logic if isinstance(json_logic, str) else json.dumps(dict(json_logic))
        document = {"json_logic": text, "dataset_name_filter": dataset_name_filter}
        answer = self.client.ask("POST", "json_portal/generate", document=document, repeatable=False).json()
        if not isinstance(answer, dict) or "id" not in answer:
            raise self._bad("json_portal/generate", f"no id of a job: {answer!r}")
        row = self._wait_for_json(answer["id"], time.monotonic() + deadline_s, poll_s)
        return self._created(row)

    def _wait_for_json(self, number: Any, deadline: float, poll_s: float) -> Mapping[str, Any]:
        place = "json_portal/json"
        while True:
            try:
                answer = self.client.ask("POST", place, document={"id_json": number}, accept=frozenset({200, 202, 203}))
            except ServiceUnavailable as error:
                if error.status != 500:
                    raise
                raise RequestRefused("Run Registry", place, f"job {number} failed: {error.found}") from None
            if answer.status == 200:
                row = answer.json().get("final_json")
                if isinstance(row, dict):
                    return row
                raise self._bad(place, f"job {number} is done and has no final_json")
            progress = answer.json().get("progress") if answer.status == 202 else "queued"
            log.info("Run Registry: JSON %s: %s", number, progress)
            if time.monotonic() + poll_s > deadline:
                found = f"job {number} is not done in time ({progress}); it goes on there"
                raise ServiceUnavailable("Run Registry", place, found)
            time.sleep(poll_s)

    def _created(self, row: Mapping[str, Any]) -> CreatedJson:
        told = row.get("generated_json")
        errors = check_golden_json(json.dumps(told)).errors
        if errors:
            cure = "the dataset name filter matches several datasets of a run, perhaps: narrow it"
            raise BadAnswer("Run Registry", "json_portal/json", f"ranges that cannot be: {errors[0]}", cure)
        return CreatedJson(int(row["id"]), GoldenJson.parse(json.dumps(told)), row)

    # -- tables ----------------------------------------------------------------------------------------------------

    def _rows(
        self,
        kind: Kind,
        wanted: Filter,
        *,
        raw: bool,
        limit: int | None,
        sortings: Sequence[tuple[str, str]] | None,
        page_size: int,
    ) -> list[dict[str, Any]]:
        for attempt in range(1, _WHOLE_TRIES + 1):
            rows: list[dict[str, Any]] = []
            try:
                for page in self._pages(kind, wanted, raw=raw, sortings=sortings, page_size=page_size):
                    rows += page
                    if limit is not None and len(rows) >= limit:
                        return rows[:limit]
            except IncompleteAnswer as error:
                if attempt == _WHOLE_TRIES:
                    raise
                log.info("Run Registry: %s; all once more", error.found)
            else:
                return rows
        raise AssertionError("the last try returns or raises")

    def _pages(
        self,
        kind: Kind,
        wanted: Filter,
        *,
        raw: bool,
        sortings: Sequence[tuple[str, str]] | None = None,
        page_size: int = PAGE_SIZE,
    ) -> Iterator[list[dict[str, Any]]]:
        """Pages that together are everything, or an error.

        By key, ascending, unless told otherwise: rows that come in while we read then come at the end.
        """
        if page_size < 1:
            raise ConfigError(f"a page has at least one row, not {page_size}")
        order = [list(pair) for pair in sortings] if sortings is not None else [[key, "ASC"] for key in _KEYS[kind]]
        body = {"page_size": page_size, "filter": _filter(kind, wanted, raw=raw), "sortings": order}
        seen: set[tuple[Any, ...]] = set()
        total, page = None, 0
        while total is None or page * page_size < total:
            rows, count = self._page(kind, {"page": page, **body})
            if total is not None and count != total:
                raise self._moved(kind, f"{total} rows were counted, and {count} a page later")
            total, page = count, page + 1
            for row in rows:
                key = tuple(row[name] for name in _KEYS[kind])
                if key in seen:
                    raise self._moved(kind, f"{key} came twice")
                seen.add(key)
            yield rows

    def _page(self, kind: Kind, body: Mapping[str, Any]) -> tuple[list[dict[str, Any]], int]:
        """One page, which has as many rows as it must have; asked again where it has fewer."""
        for _ in range(_PAGE_TRIES):
            document = self._table(kind, body)
            count = _whole_number(document, "count")
            rows = self._checked_list(document.get(kind), f"{kind}_filtered_ordered")
            due = min(body["page_size"], max(0, count - body["page"] * body["page_size"]))
            if len(rows) == due:
                self._verify(kind, rows, body["filter"])
                return rows, count
        raise self._moved(kind, f"page {body['page']} has {len(rows)} rows in place of {due}")

    def _table(self, kind: Kind, body: Mapping[str, Any]) -> dict[str, Any]:
        place = f"{kind}_filtered_ordered"
        document = self.client.ask("POST", place, document=body).json()
        if not isinstance(document, dict) or not isinstance(document.get(kind), list) or "count" not in document:
            raise self._bad(place, f"no page of {kind}: {str(document)[:200]}")
        return document

    def _verify(self, kind: Kind, rows: Iterable[Mapping[str, Any]], wanted: Filter) -> None:
        for row in rows:
            try:
                broken = broken_condition(wanted, _Lookup(row))
                key = [row[name] for name in _KEYS[kind]]
            except KeyError as error:
                raise self._bad(f"{kind}_filtered_ordered", f"a row has no {error}") from None
            if broken is not None:
                found = f"{key} does not satisfy the condition on {broken}, {wanted[broken]}"
                raise self._bad(f"{kind}_filtered_ordered", found)

    def _list(self, place: str) -> list[Any]:
        return self._checked_list(self.client.get(place).json(), place, of=object)

    def _checked_list(self, document: Any, place: str, of: type = dict) -> list[Any]:
        if not isinstance(document, list) or not all(isinstance(one, of) for one in document):
            raise self._bad(place, f"no list: {str(document)[:200]}")
        return document

    def _bad(self, place: str, found: str) -> BadAnswer:
        return BadAnswer("Run Registry", place, found)

    def _moved(self, kind: Kind, found: str) -> IncompleteAnswer:
        return IncompleteAnswer("Run Registry", kind, found, "rows come or go while they are read: ask again")


class _Lookup:
    """Values of a row by the names that filters have for them."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = row

    def __call__(self, name: str) -> Any:
        first, _, rest = name.partition(".")
        holder = self.row if first in self.row else self.row.get("Run") or {}
        value = holder[first]
        return value.get(rest) if rest else value


def _filter(kind: Kind, wanted: Filter, *, raw: bool) -> dict[str, Any]:
    return dict(wanted) if raw else server_filter(kind, wanted)


def _whole_number(document: Mapping[str, Any], name: str) -> int:
    value = document.get(name)
    if not isinstance(value, int):
        raise BadAnswer("Run Registry", name, f"no number: {value!r}")
    return value


def _only(rows: list[dict[str, Any]], what: str) -> dict[str, Any] | None:
    if len(rows) > 1:
        raise BadAnswer("Run Registry", what, f"it is there {len(rows)} times")
    return rows[0] if rows else None


def _compressed_run(row: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in row.items() if key not in ("rr_attributes", "DatasetTripletCache")}
    return {**row["rr_attributes"], **rest, "lumisections": _summary(row)}


def _compressed_dataset(row: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in row.items() if key not in ("Run", "DatasetTripletCache")}
    run, cache = row["Run"], row.get("DatasetTripletCache") or {}
    return {
        **run["rr_attributes"],
        "oms_attributes": run["oms_attributes"],
        **rest,
        "lumisections": _summary(row),
        "dcs_summary": cache.get("dcs_summary"),
    }


def _summary(row: Mapping[str, Any]) -> Mapping[str, Any]:
    summary: Mapping[str, Any] = (row.get("DatasetTripletCache") or {}).get("triplet_summary") or {}
    return summary


def _typed(kind: Kind, make: Callable[[Mapping[str, Any]], T], row: Mapping[str, Any]) -> T:
    try:
        return make(row)
    except (AttributeError, KeyError, TypeError) as error:
        found = f"a row of another shape: {type(error).__name__}: {error}: {str(row)[:200]}"
        raise BadAnswer("Run Registry", f"{kind}_filtered_ordered", found) from None


def _run(row: Mapping[str, Any]) -> RegistryRun:
    told = row["rr_attributes"]
    return RegistryRun(
        run_number=row["run_number"],
        run_class=told.get("class") or None,
        state=told["state"],
        significant=bool(told.get("significant")),
        stop_reason=told.get("stop_reason") or None,
        needs_manual_update=bool(told.get("run_needs_to_be_updated_manually")),
        version=row.get("version"),
        oms=row["oms_attributes"],
        lumisections=_summary(row),
    )


def _dataset(row: Mapping[str, Any]) -> RegistryDataset:
    told, suffix = row.get("dataset_attributes") or {}, "_state"
    return RegistryDataset(
        run_number=row["run_number"],
        name=row["name"],
        states={name.removesuffix(suffix): state for name, state in told.items() if name.endswith(suffix)},
        run_class=row["Run"]["rr_attributes"].get("class") or None,
        significant=bool(row["Run"]["rr_attributes"].get("significant")),
        version=row.get("version"),
        lumisections=_summary(row),
    )
