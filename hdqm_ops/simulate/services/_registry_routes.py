"""Run Registry's server, simulated: its addresses with and without ``/api``, its permissions, its ways to say no."""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from hdqm_ops.simulate.services import _statuses as statuses
from hdqm_ops.simulate.services._faults import Fault
from hdqm_ops.simulate.services._periods import PERIODS
from hdqm_ops.simulate.services._registry import ONLINE, WAITING, Registry, RegistryRow
from hdqm_ops.simulate.services._registry_filter import ServerError, satisfies
from hdqm_ops.simulate.services._statuses import Span, overlaid

if TYPE_CHECKING:
    from hdqm_ops.simulate.services._app import Simulation

Handler: TypeAlias = Callable[[Registry, Request, Any], Any]

EXPERTS = "cms-dqm-runregistry-experts"
_STATES = ("OPEN", "SIGNOFF", "COMPLETED")
_KEPT = 64


class Forbidden(Exception):
    """Whoever asks is not in an e-group that may."""

    def __init__(self, egroups: str) -> None:
        super().__init__(egroups)
        self.document = {"message": f"User needs to be part of any of the following e-groups: {egroups}"}


class RunRegistry:
    """Answers requests to Run Registry."""

    def __init__(self, simulation: "Simulation") -> None:
        self.simulation = simulation
        self._found: OrderedDict[str, list[RegistryRow]] = OrderedDict()
        self._lock = threading.Lock()

    def routes(self) -> list[Route | Mount]:
        """All addresses, as the backend has them and below ``/api`` as its proxy has them."""
        routes = [Route(path, self._endpoint(handler), methods=[method]) for method, path, handler in self._table()]
        return [Mount("/api", routes=list(routes)), *routes]

    def _table(self) -> list[tuple[str, str, Handler]]:
        return [
            ("POST", "/runs_filtered_ordered", self._runs),
            ("POST", "/datasets_filtered_ordered", self._datasets),
            ("GET", "/runs/{run:int}", _run),
            ("GET", "/runs_lastupdated_50", _last_updated),
            ("GET", "/run_with_history/{run:int}", _history),
            ("GET", "/get_all_dataset_names_of_run/{run:int}", _names),
            ("POST", "/datasets/get_dataset", _dataset),
            ("GET", "/cycles/global", _cycles),
            ("GET", "/datasets_accepted", _accepted),
            ("GET", "/classifiers/class", _classifiers),
            ("GET", "/workspaces/online", _workspaces),
            ("POST", "/lumisections/rr_lumisections", _lumisections),
            ("POST", "/lumisections/oms_lumisections", _oms_lumisections),
            ("POST", "/lumisections/rr_lumisection_ranges", _ranges),
            ("POST", "/lumisections/rr_lumisection_ranges_by_component", _ranges_by_component),
            ("POST", "/lumisections/oms_lumisection_ranges", _oms_ranges),
            ("POST", "/lumisections/joint_lumisection_ranges", _joint_ranges),
            ("POST", "/json_portal/generate", self._generate),
            ("POST", "/json_portal/json", self._poll),
            ("GET", "/json_portal/jsons", self._jsons),
            ("POST", "/runs/move_run/{source}/{target}", self._move_run),
            ("POST", "/runs/mark_significant", self._mark_significant),
            ("POST", "/runs/refresh_run/{run:int}", self._refresh),
            ("POST", "/runs/reset_and_refresh_run/{run:int}", self._reset),
            ("PUT", "/lumisections/edit_rr_lumisections", self._edit),
            ("POST", "/datasets/{workspace}/move_dataset/{source}/{target}", self._move_dataset),
            ("PUT", "/manual_run_edit/{run:int}/{attribute}", self._edit_run),
        ]

    def _endpoint(self, handler: Handler) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            simulation = self.simulation
            authorization = request.headers.get("authorization", "")
            if simulation.tokens_required and not simulation.sign_on.believed(authorization):
                return RedirectResponse("/oauth2/start", 302)  # its proxy makes a redirect of every 401
            body = await request.body()
            registry = Registry(simulation.view(), simulation.changes, request.scope.get("faults", ()))
            try:
                answer = await run_in_threadpool(handler, registry, request, _document(body))
            except ServerError as error:
                return JSONResponse({"err": str(error)}, 500)
            except Forbidden as error:
                return JSONResponse(error.document, 401)
            return answer if isinstance(answer, Response) else JSONResponse(answer)

        return endpoint

    # -- tables ----------------------------------------------------------------------------------------------------

    def _runs(self, registry: Registry, _: Request, body: Any) -> Any:
        return self._page(registry, body, datasets=False)

    def _datasets(self, registry: Registry, _: Request, body: Any) -> Any:
        return self._page(registry, body, datasets=True)

    def _page(self, registry: Registry, body: Any, *, datasets: bool) -> Any:
        page, size = int(body.get("page", 0)), int(body.get("page_size", 25))
        kinds = {fault.kind for fault in registry.faults}
        rows = self._selected(registry, body, datasets=datasets)
        if "rows_inserted" in kinds and page and rows:
            rows = [rows[0], *rows]
        shown = rows[page * size : (page + 1) * size]
        if "short_page" in kinds:
            shown = shown[: (len(shown) + 1) // 2]
        name = "datasets" if datasets else "runs"
        documents = [_nulled(row.document(datasets=datasets), registry.faults) for row in shown]
        return {name: documents, "pages": -(-len(rows) // size), "count": len(rows)}

    def _selected(self, registry: Registry, body: Any, *, datasets: bool) -> list[RegistryRow]:
        """Rows that satisfy the filter, kept for the next pages as long as nothing changes."""
        filters, sortings = body.get("filter"), body.get("sortings")
        if not isinstance(filters, dict) or not isinstance(sortings, list):
            raise ServerError("Cannot convert undefined or null to object")
        facts = [datasets, filters, sortings, registry.view.clock, registry.changes.count, str(registry.faults)]
        key = json.dumps([*facts, str(registry.view.corrections)], sort_keys=True)
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        wrong = any(fault.kind == "wrong_rows" for fault in registry.faults)
        rows = _filtered(registry, {} if wrong else filters, sortings, datasets=datasets)
        with self._lock:
            self._found[key] = rows
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
        return rows

    # -- JSON portal -----------------------------------------------------------------------------------------------

    def _generate(self, registry: Registry, _: Request, body: Any) -> Any:
        return self.simulation.portal.generate(registry, body)

    def _poll(self, _: Registry, __: Request, body: Any) -> Any:
        status, document = self.simulation.portal.poll(body.get("id_json"))
        return Response(status_code=status) if document is None else JSONResponse(document, status)

    def _jsons(self, *_: Any) -> Any:
        return {"jsons": self.simulation.portal.all()}

    # -- changes ---------------------------------------------------------------------------------------------------

    def _allow(self, request: Request, egroups: str = EXPERTS) -> None:
        """Refuse whoever is in none of the e-groups: a token's client, or without tokens what a header says."""
        token = self.simulation.sign_on.believed(request.headers.get("authorization", ""))
        if token is None and "email" not in request.headers:
            raise ServerError("Request must provide email and egroups")
        mine = (
            self.simulation.egroups.get(token.client_id, ()) if token else request.headers.get("egroups", "").split(";")
        )
        if not {EXPERTS, *egroups.split(", ")} & set(mine):
            raise Forbidden(egroups)

    def _found_run(self, registry: Registry, number: Any) -> RegistryRow:
        row = registry.run(number) if isinstance(number, int) else None
        if row is None:
            raise ServerError(f"Run {number} not found")
        return row

    def _changed_run(self, registry: Registry, row: RegistryRow, **attributes: Any) -> Any:
        number = row.run.number
        registry.changes.runs.setdefault(number, {}).update(attributes)
        registry.changes.note(number, ONLINE, registry.view.clock)
        return self._found_run(registry, number).document(datasets=False)

    def _move_run(self, registry: Registry, request: Request, body: Any) -> Any:
        self._allow(request, f"{EXPERTS}, cms-dqm-runregistry-online-certifiers")
        source, target = request.path_params["source"], request.path_params["target"]
        row = self._found_run(registry, body.get("run_number"))
        if target not in _STATES or row.part("rr_attributes")["state"] != source:
            raise ServerError(f"Run must be in state {source}")
        return self._changed_run(registry, row, state=target)

    def _mark_significant(self, registry: Registry, request: Request, body: Any) -> Any:
        self._allow(request)
        row = self._found_run(registry, body.get("run_number"))
        if row.part("rr_attributes")["significant"]:
            raise ServerError("Run is already significant")
        return self._changed_run(registry, row, significant=True)

    def _refresh(self, registry: Registry, request: Request, _: Any) -> Any:
        row = self._found_run(registry, request.path_params["run"])
        if row.part("rr_attributes")["state"] != "OPEN":
            raise ServerError("Run must be in state OPEN")
        return self._changed_run(registry, row)

    def _reset(self, registry: Registry, request: Request, body: Any) -> Any:
        number = request.path_params["run"]
        if self._found_run(registry, number).part("rr_attributes")["state"] == "OPEN":
            registry.changes.runs.pop(number, None)
        return self._refresh(registry, request, body)

    def _edit_run(self, registry: Registry, request: Request, body: Any) -> Any:
        self._allow(request)
        row = self._found_run(registry, request.path_params["run"])
        attribute = request.path_params["attribute"]
        if row.part("rr_attributes")["state"] != "OPEN":
            raise ServerError("Run must be in state OPEN")
        return self._changed_run(registry, row, **{attribute: body.get(attribute)})

    def _move_dataset(self, registry: Registry, request: Request, body: Any) -> Any:
        workspace, source = request.path_params["workspace"], request.path_params["source"]
        self._allow(request, f"{EXPERTS}, cms-dqm-runregistry-offline-{workspace}-certifiers")
        target, state = request.path_params["target"], f"{workspace}_state"
        row = registry.dataset(body.get("run_number"), body.get("dataset_name"))
        if row is None or target not in (*_STATES, WAITING) or row.part("dataset_attributes").get(state) != source:
            raise ServerError(f"Dataset must be in state {source}")
        registry.changes.datasets.setdefault((row.run.number, row.dataset), {})[state] = target
        registry.changes.note(row.run.number, row.dataset, registry.view.clock)
        changed = registry.dataset(row.run.number, row.dataset)
        return changed.document(datasets=True) if changed else None

    def _edit(self, registry: Registry, request: Request, body: Any) -> Any:
        column = str(body.get("component"))
        workspace = column.partition("-")[0]
        self._allow(request, f"{EXPERTS}, cms-dqm-runregistry-offline-{workspace}-certifiers")
        row = registry.dataset(body.get("run_number"), body.get("dataset_name"))
        told = body.get("new_lumisection_range", {})
        if row is None or column not in statuses.COLUMNS:
            raise ServerError(f"No lumisections of {column}")
        new = Span(told["start"], told["end"], told["status"], told.get("comment", ""), told.get("cause", ""))
        key = (row.run.number, row.dataset, column)
        registry.changes.spans[key] = overlaid(registry.spans(row, column), new)
        registry.changes.note(row.run.number, row.dataset, registry.view.clock)
        return told


def _filtered(registry: Registry, filters: Any, sortings: list[Any], *, datasets: bool) -> list[RegistryRow]:
    rows = registry.datasets if datasets else registry.runs
    try:
        bounds = _bounds(filters.get("run_number"))
        found = [row for row in rows(*bounds) if satisfies(filters, row.lookup, datasets=datasets)]
        for path, direction in reversed(sortings):
            keys = {id(row): row.lookup(path) for row in found}
            found.sort(key=lambda row: (keys[id(row)] is not None, keys[id(row)]), reverse=direction == "DESC")
    except KeyError as error:
        raise ServerError(f"column {'Dataset' if datasets else 'Run'}.{error.args[0]} does not exist") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise ServerError(f"invalid filter or sorting: {error}") from None
    return found


def _bounds(condition: Any) -> tuple[float, float]:
    """Run numbers that a simple condition leaves, to look at no more rows than needed."""
    low, high = float("-inf"), float("inf")
    parts = condition.get("and", [condition]) if isinstance(condition, Mapping) else [{"=": condition}]
    for part in parts:
        for operator, value in part.items() if isinstance(part, Mapping) else ():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                low = max(low, value) if operator in ("=", ">", ">=") else low
                high = min(high, value) if operator in ("=", "<", "<=") else high
    return low, high


def _nulled(document: dict[str, Any], faults: tuple[Fault, ...]) -> dict[str, Any]:
    for fault in faults:
        if fault.kind == "null_fields" and fault.concerns(document["run_number"]):
            attributes = document.get("Run", document)
            attributes["rr_attributes"] = {**attributes["rr_attributes"], "class": None, "stop_reason": None}
    return document


def _document(body: bytes) -> Any:
    try:
        document = json.loads(body) if body else {}
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


# -- reading -----------------------------------------------------------------------------------------------------------


def _run(registry: Registry, request: Request, _: Any) -> Any:
    row = registry.run(request.path_params["run"])
    return row.document(datasets=False) if row else None


def _history(registry: Registry, request: Request, _: Any) -> Any:
    row = registry.run(request.path_params["run"])
    return [row.document(datasets=False)] if row else []


def _last_updated(registry: Registry, *_: Any) -> Any:
    rows = sorted(registry.runs(), key=lambda row: -row.part("version"))[:50]
    return [row.document(datasets=False) for row in rows]


def _names(registry: Registry, request: Request, _: Any) -> Any:
    row = registry.run(request.path_params["run"])
    return list(registry.names(row.run)) if row else []


def _asked(registry: Registry, body: Any) -> RegistryRow | None:
    if "run_number" not in body:
        raise ServerError("WHERE parameter run_number has invalid undefined value")
    return registry.dataset(body["run_number"], body.get("dataset_name", ONLINE))


def _dataset(registry: Registry, _: Request, body: Any) -> Any:
    row = _asked(registry, body)
    return row.document(datasets=True) if row else None


def _lumisections(registry: Registry, _: Request, body: Any) -> Any:
    row = _asked(registry, body)
    return registry.triplets(row) if row else []


def _oms_lumisections(registry: Registry, _: Request, body: Any) -> Any:
    row = _asked(registry, body)
    return registry.oms_lumisections(row) if row else []


def _ranges(registry: Registry, request: Request, body: Any) -> Any:
    return statuses.ranges(_lumisections(registry, request, body))


def _ranges_by_component(registry: Registry, _: Request, body: Any) -> Any:
    row = _asked(registry, body)
    if row is None:
        return {}
    columns = {column: registry.spans(row, column) for column in statuses.COLUMNS}
    return {
        column: [{**span.triplet(), "start": span.first, "end": span.last} for span in spans]
        for column, spans in columns.items()
        if spans
    }


def _oms_ranges(registry: Registry, _: Request, body: Any) -> Any:
    row = _asked(registry, {**body, "dataset_name": ONLINE})
    return statuses.ranges(registry.oms_lumisections(row, luminosities=False)) if row else []


def _joint_ranges(registry: Registry, _: Request, body: Any) -> Any:
    row = _asked(registry, body)
    if row is None:
        return []
    pairs = zip(registry.oms_lumisections(row), registry.triplets(row), strict=False)
    return statuses.ranges([{**oms, **told} for oms, told in pairs])


def _cycles(registry: Registry, *_: Any) -> Any:
    rows = [row for row in registry.datasets() if row.dataset.startswith("/PromptReco/")][:20]
    return [
        {
            "id_cycle": 1,
            "cycle_name": "Week 1",
            "cycle_attributes": {"global_state": "pending"},
            "deadline": "2022-12-16T00:00:00.000Z",
            "datasets": [{"run_number": row.run.number, "name": row.dataset} for row in rows],
        }
    ]


def _accepted(registry: Registry, *_: Any) -> Any:
    return [
        {
            "id": number,
            "name": f"/PromptReco/{period.prompt}/DQM",
            "regexp": f".*{period.era}.*",
            "class": period.run_class,
            "enabled": period.start.timestamp() <= registry.view.clock,
            "run_from": period.runs[0],
            "run_to": period.runs[1],
        }
        for number, period in enumerate(PERIODS, start=1)
    ]


def _classifiers(*_: Any) -> Any:
    return [{"id": 1, "class": "Cosmics18", "priority": 1, "enabled": True, "classifier": '{"==":[1,1]}'}]


def _workspaces(*_: Any) -> Any:
    names = sorted({column.partition("-")[0] for column in statuses.COLUMNS})
    return [
        {
            "workspace": name,
            "columns": [column.partition("-")[2] for column in statuses.COLUMNS if column.startswith(f"{name}-")],
        }
        for name in names
    ]
