"""The aggregation API of OMS, simulated: its addresses, its query language, its answers with their oddities."""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeAlias
from urllib.parse import quote

from hdqm_ops.simulate.services._conditions import Attributes
from hdqm_ops.simulate.services._faults import Fault
from hdqm_ops.simulate.services._oms_tables import RESOURCES, Resource, Row, TooMuch, View, fields_of, fill_row, run_row

Parameters: TypeAlias = Sequence[tuple[str, str]]

_BRACKETS = re.compile(r"\[([^\]]*)\]")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "EQ": lambda a, b: a == b,
    "NEQ": lambda a, b: a != b,
    "LT": lambda a, b: a < b,
    "GT": lambda a, b: a > b,
    "LE": lambda a, b: a <= b,
    "GE": lambda a, b: a >= b,
}
_TEXT = ("LIKE", "CT")
OPERATORS = (*_COMPARE, *_TEXT)
DEFAULT_LIMIT = 10


class BadRequest(Exception):
    """What the service complains about: status, title, detail."""

    def __init__(self, detail: str, status: int = 400, title: str = "BAD_REQUEST") -> None:
        super().__init__(detail, status, title)
        self.status = status
        self.document = {"errors": [{"status": str(status), "title": title, "detail": detail}]}


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter."""

    attribute: str
    operator: str
    text: str

    def holds(self, row: Attributes) -> bool:
        """As SQL has it: what is null satisfies only a comparison with null."""
        value = row.get(self.attribute)
        if self.text == "null":
            return (value is None) == (self.operator == "EQ")
        if value is None:
            return False
        if self.operator in _TEXT or isinstance(value, list):
            return self._matches(value)
        return _COMPARE[self.operator](value, self._like(value))

    def _matches(self, value: Any) -> bool:
        if isinstance(value, list):
            return (self.text in value) != (self.operator == "NEQ")
        if self.operator == "CT":
            return self.text in str(value)
        pattern = ".*".join(re.escape(piece).replace("_", ".") for piece in self.text.split("%"))
        return re.fullmatch(pattern, str(value), re.DOTALL) is not None

    def _like(self, value: Any) -> Any:
        """The filter's text in the type of a row's value."""
        try:
            if isinstance(value, bool):
                return {"true": True, "false": False, "1": True, "0": False}[self.text.lower()]
            return float(self.text) if isinstance(value, (int, float)) else self.text
        except (KeyError, ValueError):
            raise BadRequest(f"{self.text!r} is no value of {self.attribute}") from None

    def bounds(self) -> tuple[float, float]:
        """The numbers that can satisfy the filter."""
        everything = (float("-inf"), float("inf"))
        try:
            number = float(self.text)
        except ValueError:
            return everything
        return {
            "EQ": (number, number),
            "LT": (everything[0], number),
            "LE": (everything[0], number),
            "GT": (number, everything[1]),
            "GE": (number, everything[1]),
        }.get(self.operator, everything)


@dataclass(frozen=True, slots=True)
class Query:
    """A request's parameters, understood."""

    conditions: tuple[Condition, ...] = ()
    fields: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    include: frozenset[str] = frozenset()
    offset: int = 0
    limit: int = DEFAULT_LIMIT
    granularity: str = "run"
    size: int = 1

    def narrowed(self, *names: str) -> tuple[float, float]:
        """Bounds of numbers that all filters on these names leave."""
        low, high = float("-inf"), float("inf")
        for condition in self.conditions:
            if condition.attribute in names:
                bounds = condition.bounds()
                low, high = max(low, bounds[0]), min(high, bounds[1])
        return low, high


def read_query(parameters: Parameters) -> Query:
    """Understand the parameters; what is unknown is a custom parameter and without effect."""
    query = Query()
    for key, text in parameters:
        name, inner = key.partition("[")[0], _BRACKETS.findall(key)
        words = tuple(word for word in text.split(",") if word)
        if name == "filter" and inner:
            query = replace(query, conditions=(*query.conditions, _condition(inner, text)))
        elif name == "fields":
            query = replace(query, fields=words)
        elif name == "sort":
            query = replace(query, sort=words)
        elif name == "include":
            query = replace(query, include=frozenset(words))
        elif key == "group[granularity]":
            query = replace(query, granularity=text)
        elif key == "group[size]":
            query = replace(query, size=_whole(key, text))
        elif key == "page[offset]":
            query = replace(query, offset=_whole(key, text))
        elif key == "page[limit]":
            query = replace(query, limit=_whole(key, text))
    return query


def _condition(inner: list[str], text: str) -> Condition:
    """``filter[a]``, ``filter[a][op]``, ``filter[type][a]`` or ``filter[type][a][op]``; operators in any case."""
    operator = "EQ"
    if len(inner) > 1 and inner[-1].upper() in OPERATORS:
        operator = inner.pop().upper()
    return Condition(inner[-1], operator, text)


def _whole(key: str, text: str) -> int:
    if not text.isdecimal():
        raise BadRequest(f"{key} must be a whole number, not {text!r}")
    return int(text)


@dataclass(slots=True)
class OMS:
    """Answers requests to the aggregation API.

    Attributes:
        view: the world at its clock, without faults.
        page_cap: most rows that a page may have, however many are asked for.
    """

    view: Callable[[], View]
    page_cap: int | None = None

    def answer(self, path: str, parameters: Parameters, host: str, faults: tuple[Fault, ...]) -> Any:
        """The document (or CSV as text) for a path below the version.

        Raises:
            BadRequest: what it complains about.
        """
        names = [name for name in path.split("/") if name]
        if names == ["version", "endpoints"]:
            return {"data": [{"id": name, "type": "endpoints"} for name in RESOURCES]}
        resource = RESOURCES.get(names[0] if names else "")
        if resource is None:
            raise BadRequest(f"resource {path!r} does not exist", 404, "RESOURCE_NOT_FOUND")
        asked = _Asked(self.view(), read_query(parameters), host, faults, self.page_cap)
        try:
            return asked.resource(resource, names[1]) if len(names) == 2 else asked.below(resource, names[1:])
        except TooMuch as error:
            raise BadRequest(str(error)) from None


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request on its way to an answer."""

    view: View
    query: Query
    host: str
    faults: tuple[Fault, ...]
    page_cap: int | None

    def resource(self, resource: Resource, word: str) -> Any:
        """What stands under one word below a resource: something special, or a row."""
        match resource.name, word:
            case _, "meta" if not any(fault.kind == "no_fields" for fault in self.faults):
                return {"meta": {"fields": _meta(resource)}}
            case _, "csv":
                return self._csv(resource)
            case "datasetrates", "datasets":
                return self._names(resource, "dataset_name")
            case "l1algorithmtriggers", "ratemon":
                return self._names(resource, "name")
        return {"data": self._document(self._one(resource, word), resource)}

    def below(self, resource: Resource, rest: list[str]) -> Any:
        """The resource itself, or what is related to one of its rows."""
        match rest:
            case []:
                return self._page(resource)
            case [key, name]:
                return self._related(resource, key, name)
            case [key, "relationships", name]:
                return {"data": _identities(self._related(resource, key, name)["data"])}
        raise BadRequest(f"there is nothing at {'/'.join(rest)}", 404, "RESOURCE_NOT_FOUND")

    # -- whole resources -------------------------------------------------------------------------------------------

    def _page(self, resource: Resource) -> Any:
        query, kinds = self.query, {fault.kind for fault in self.faults}
        rows = self._selected(resource)
        if "rows_inserted" in kinds and query.offset and rows:
            rows = [replace(rows[0], id=f"{rows[0].id}-new"), *rows]
        limit = min(query.limit, self.page_cap) if self.page_cap else query.limit
        page = rows[query.offset : query.offset + limit]
        following = query.offset + limit < len(rows)
        if "short_page" in kinds:
            page = page[: (len(page) + 1) // 2]
        documents = [self._document(row, resource) for row in page]
        if "data_only" in query.include:
            return {"data": documents}
        meta: dict[str, Any] = {} if "no_count" in kinds else {"totalResourceCount": len(rows)}
        if "meta" in query.include:
            meta["fields"] = _meta(resource)
        links = _links(resource, query, self.host, len(rows), limit, following=following)
        return {"data": documents, "links": links, "meta": meta}

    def _selected(self, resource: Resource) -> list[Row]:
        query, known = self.query, fields_of(resource)
        for name in (*query.fields, *(word.lstrip("-") for word in query.sort)):
            if name not in known:
                raise BadRequest(f"{resource.name} has no attribute {name!r}", title="PARAMETERS_NOT_ALLOWED")
        for condition in query.conditions:
            if condition.attribute not in known:
                detail = f"{resource.name} cannot be filtered by {condition.attribute!r}"
                raise BadRequest(detail, title="PARAMETERS_NOT_ALLOWED")
        view, wrong = self._view(query), any(fault.kind == "wrong_rows" for fault in self.faults)
        hidden = {*resource.hidden}
        if query.granularity == "run" or query.size > 1:  # they have chosen what is summed
            hidden |= {"first_lumisection_number", "last_lumisection_number"}
        rows = [
            row
            for row in resource.rows(view)
            if wrong or all(c.attribute in hidden or c.holds(row.attributes) for c in query.conditions)
        ]
        for word in reversed(query.sort):
            rows.sort(key=_sort_key(word.lstrip("-")), reverse=word.startswith("-"))
        return _with_end_lumi(rows) if resource.name == "lumisections" else rows

    def _view(self, query: Query) -> View:
        runs, fills = query.narrowed("run_number"), query.narrowed("fill_number")
        if any(fault.kind == "wrong_rows" for fault in self.faults):
            runs, fills = (runs[0] - 50, runs[1] + 50), (fills[0] - 300, fills[1] + 300)
        first = query.narrowed("first_lumisection_number", "lumisection_number")
        last = query.narrowed("last_lumisection_number", "lumisection_number")
        high = min(last[1], first[1]) if query.granularity == "lumisection" else last[1]
        return replace(
            self.view,
            faults=self.faults,
            runs=runs,
            fills=fills,
            lumisections=(max(1, first[0]), high),
            granularity=query.granularity,
            size=max(1, query.size),
        )

    def _csv(self, resource: Resource) -> str:
        rows = self._selected(resource)
        names = self.query.fields or fields_of(resource)
        text = io.StringIO()
        table = csv.DictWriter(text, names, extrasaction="ignore")
        table.writeheader()
        table.writerows(row.attributes for row in rows)
        return text.getvalue()

    def _names(self, resource: Resource, name: str) -> Any:
        found = sorted({str(row.attributes[name]) for row in self._selected(resource)})
        return {"data": {"id": resource.name, "type": name, "attributes": {f"{name}s": found}}}

    # -- single rows -----------------------------------------------------------------------------------------------

    def _one(self, resource: Resource, key: str) -> Row:
        number, _, lumisection = key.partition("_")
        if number.isdecimal():
            name = "fill_number" if resource.name in ("fills", "bunches") else "run_number"
            query = Query((Condition(name, "EQ", number),), granularity="lumisection" if lumisection else "run")
            view = self._view(query)
            for row in resource.rows(view):
                if row.id == key:
                    return row
        raise BadRequest(f"{resource.name}/{key} does not exist", 404, "RESOURCE_NOT_FOUND")

    def _related(self, resource: Resource, key: str, name: str) -> Any:
        row = self._one(resource, key)
        if name not in resource.relationships:
            raise BadRequest(f"{resource.name} has no relationship {name!r}", 404, "RESOURCE_NOT_FOUND")
        fill, run = row.attributes.get("fill_number"), row.attributes.get("run_number")
        if name in ("fill", "run"):
            target, number = (RESOURCES["fills"], fill) if name == "fill" else (RESOURCES["runs"], run)
            return {"data": None if number is None else self._document(self._one(target, str(number)), target)}
        target = RESOURCES[{"l1triggerrate": "l1triggerrates", "deadtime": "deadtimes"}.get(name, name)]
        by = Condition("fill_number", "EQ", str(fill)) if name == "runs" else Condition("run_number", "EQ", str(run))
        narrowed = replace(self.query, conditions=(*self.query.conditions, by))
        return replace(self, query=narrowed).below(target, [])

    # -- documents -------------------------------------------------------------------------------------------------

    def _document(self, row: Row, resource: Resource) -> dict[str, Any]:
        query = self.query
        names = query.fields or tuple(row.attributes)
        attributes = {name: row.attributes[name] for name in names if name in row.attributes}
        if "presentation_timestamp" in query.include:
            attributes = {name: _presented(name, value) for name, value in attributes.items()}
        # Links are made wrongly, with the scheme twice, and have been for years: nobody should follow them.
        link = f"https://https://{self.host}/agg/api/v1/{resource.name}/{row.id}"
        document: dict[str, Any] = {"id": row.id, "type": resource.name, "attributes": attributes}
        if not query.fields:
            document["relationships"] = {
                name: {"links": {"self": f"{link}/relationships/{name}", "related": f"{link}/{name}"}}
                for name in resource.relationships
            }
        document["links"] = {"self": link}
        units = {name: {"units": unit} for name, unit in row.units.items() if name in names}
        if units:
            document["meta"] = {"row": units}
        return document


def _sort_key(name: str) -> Callable[[Row], tuple[bool, Any]]:
    def key(row: Row) -> tuple[bool, Any]:
        value = row.attributes.get(name)
        return (value is None, 0 if value is None else str(value) if isinstance(value, (list, dict)) else value)

    return key


def _with_end_lumi(rows: list[Row]) -> list[Row]:
    """The last value of a lumisection is the first of the next row that was selected; the last row has 0.0."""
    if not rows:
        return rows
    following = [(row, after.attributes["init_lumi"]) for row, after in pairwise(rows)]
    following.append((rows[-1], 0.0))
    return [replace(row, attributes={**row.attributes, "end_lumi": lumi}) for row, lumi in following]


def _meta(resource: Resource) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "title": name.replace("_", " ").capitalize(),
            "description": f"{name.replace('_', ' ')} of {resource.name}",
            "searchable": True,
            "sortable": True,
            **({"units": resource.units[name]} if name in resource.units else {}),
        }
        for name in fields_of(resource)
    }


def _links(
    resource: Resource, query: Query, host: str, count: int, limit: int, *, following: bool
) -> dict[str, str | None]:
    parts = [f"page[limit]={limit}"]
    if query.fields:
        parts.append(f"fields[{resource.name}]=" + quote(",".join(query.fields), safe=""))
    parts += [f"filter[{resource.name}][{c.attribute}][{c.operator}]={quote(c.text)}" for c in query.conditions]
    base = f"https://https://{host}/agg/api/v1/{resource.name}?" + "&".join(parts)
    end = (max(count, 1) - 1) // limit * limit if limit else 0
    return {
        "first": base,
        "last": f"{base}&page[offset]={end}",
        "next": f"{base}&page[offset]={query.offset + limit}" if following else None,
        "prev": f"{base}&page[offset]={max(0, query.offset - limit)}" if query.offset else None,
    }


def _identities(related: Any) -> Any:
    if isinstance(related, list):
        return [{"id": one["id"], "type": one["type"]} for one in related]
    return related and {"id": related["id"], "type": related["type"]}


def _presented(name: str, value: Any) -> Any:
    """Times as people read them."""
    return value.replace("T", " ").rstrip("Z") if name.endswith("_time") and isinstance(value, str) else value


def attributes_of_run(view: View, number: int) -> Attributes | None:
    """A run's attributes as OMS has them, for those who copy them; None where there is no such run yet."""
    for run in replace(view, runs=(number, number)).selected():
        return run_row(replace(view, runs=(number, number)), run).attributes
    return None


def scheme_of_run(view: View, number: int) -> str | None:
    """Injection scheme of a run's fill."""
    for run in replace(view, runs=(number, number)).selected():
        if run.fill:
            told = fill_row(view, run.fill).attributes.get("injection_scheme")
            return None if told is None else str(told)
    return None
