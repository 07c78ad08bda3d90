"""A question to OMS: built step by step, to be looked at before it is sent, and answered whole or not at all."""

import json
import logging
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from http import HTTPStatus
from operator import eq, ge, gt, le, lt, ne
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from hdqm_ops.errors import BadAnswer, ConfigError, IncompleteAnswer, RequestRefused
from hdqm_ops.services._http import Answer
from hdqm_ops.services._oms_fields import KEYS, carried
from hdqm_ops.services._oms_row import Row, Table

if TYPE_CHECKING:
    from hdqm_ops.services._oms import OMS

Operator: TypeAlias = Literal["EQ", "NEQ", "LT", "GT", "LE", "GE", "LIKE", "CT"]

log = logging.getLogger("hdqm_ops.services")

OPERATORS: tuple[Operator, ...] = ("EQ", "NEQ", "LT", "GT", "LE", "GE", "LIKE", "CT")
INCLUDES = ("meta", "presentation_timestamp")
PAGE_SIZE = 1000
_WHOLE_TRIES = 3

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {"EQ": eq, "NEQ": ne, "LT": lt, "GT": gt, "LE": le, "GE": ge}
_SIGNS: Mapping[str, Operator] = {
    "=": "EQ",
    "!=": "NEQ",
    ">=": "GE",
    "<=": "LE",
    ">": "GT",
    "<": "LT",
    "~": "LIKE",
    "~~": "CT",
}
_TYPED = re.compile(r"\s*(?P<field>\w+)\s*(?P<sign>!=|>=|<=|=|>|<|~~|~)\s*(?P<value>.*?)\s*")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on a field."""

    field: str
    value: Any
    operator: Operator = "EQ"

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise ConfigError(f"OMS knows no operator {self.operator!r}; it is one of {', '.join(OPERATORS)}")
        self.text()

    def text(self) -> str:
        """The value as OMS wants it in an address."""
        match self.value:
            case None:
                return "null"
            case bool():
                return "true" if self.value else "false"
            case datetime():
                if self.value.tzinfo is None:
                    raise ConfigError(f"the time {self.value} for {self.field} has no zone: OMS's are UTC, say so")
                return self.value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            case str() | int() | float():
                return str(self.value)
        raise ConfigError(f"{self.value!r} is no value to compare {self.field} with")

    @classmethod
    def parse(cls, text: str) -> "Filter":
        """A filter from what one types: ``run_number=324997``, ``b_field>=3.7``, ``hlt_key~%cosmic%``, ``x=null``."""
        found = _TYPED.fullmatch(text)
        if found is None:
            known = " ".join(_SIGNS)
            raise ConfigError(f"{text!r} is no filter: write field, one of {known}, and a value, as run_number=324997")
        words: dict[str, Any] = {"null": None, "true": True, "false": False}
        value = found["value"]
        return cls(found["field"], words.get(value.lower(), value), _SIGNS[found["sign"]])

    def __str__(self) -> str:
        return f"{self.field} {self.operator} {self.text()}"

    def broken_by(self, row: Row) -> bool:
        """Whether a row surely does not satisfy it. What cannot be checked counts as satisfied."""
        if self.field not in row:
            return False
        value, wanted = row[self.field], self.text()
        if wanted == "null":
            return (value is None) != (self.operator == "EQ")
        if value is None:
            return True
        if isinstance(value, (list, dict)):
            return False
        if self.operator in ("LIKE", "CT"):
            return not _matches(str(value), wanted, anywhere=self.operator == "CT" or "%" not in wanted)
        return self._differs(value, wanted)

    def _differs(self, value: Any, wanted: str) -> bool:
        if isinstance(value, bool):
            return not _COMPARE[self.operator](value, wanted.lower() in ("true", "1"))
        if isinstance(value, (int, float)):
            return not self._holds_for(float(value), wanted)
        if _TIME.match(value) and not _TIME.match(wanted):
            return False  # OMS has words for times, as `last`
        return not _COMPARE[self.operator](value, wanted)

    def _holds_for(self, value: float, wanted: str) -> bool:
        try:
            number = float(wanted)
        except ValueError:
            return False
        # Floats have changed their text between versions of OMS: equal means nearly so.
        if math.isclose(value, number, rel_tol=1e-9):
            return self.operator in ("EQ", "LE", "GE")
        return _COMPARE[self.operator](value, number)


def _matches(value: str, pattern: str, *, anywhere: bool) -> bool:
    inner = ".*".join(re.escape(piece) for piece in pattern.split("%"))
    find = re.search if anywhere else re.fullmatch
    return find(inner, value, re.IGNORECASE | re.DOTALL) is not None


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it came: its rows, and how many rows OMS counts in all (None where it does not count)."""

    rows: tuple[Row, ...]
    total: int | None
    more: bool | None
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question to one resource. Every step gives a new question; nothing is sent before rows are asked for."""

    oms: "OMS" = field(repr=False)
    resource: str
    wanted: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    sorts: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    customs: tuple[tuple[str, str], ...] = ()
    page_size: int = PAGE_SIZE
    checked: bool = True

    # -- building --------------------------------------------------------------------------------------------------

    def fields(self, *names: str) -> "Query":
        """Only these fields (and those that are needed to check the answer)."""
        return replace(self, wanted=tuple(dict.fromkeys((*self.wanted, *names))))

    def filter(self, name: str, value: Any, operator: str = "EQ") -> "Query":
        """Only rows that satisfy this too."""
        return self.where(Filter(name, value, operator.upper()))  # type: ignore[arg-type] # the filter checks it

    def where(self, *filters: Filter) -> "Query":
        """Only rows that satisfy all of these too."""
        return replace(self, filters=(*self.filters, *filters))

    def between(self, name: str, first: Any, last: Any) -> "Query":
        """Only rows whose field is from first to last; None for an open end."""
        if first is not None and first == last:
            return self.filter(name, first)
        query = self if first is None else self.filter(name, first, "GE")
        return query if last is None else query.filter(name, last, "LE")

    def sort(self, name: str, *, descending: bool = False) -> "Query":
        """Sort by this next."""
        return replace(self, sorts=(*self.sorts, f"-{name}" if descending else name))

    def include(self, *what: str) -> "Query":
        """Ask for ``meta`` or ``presentation_timestamp`` too."""
        for word in what:
            if word not in INCLUDES:
                raise ConfigError(f"OMS includes {' or '.join(INCLUDES)}, not {word!r}")
        return replace(self, includes=(*self.includes, *what))

    def group(self, granularity: str | None = None, *, size: int | None = None) -> "Query":
        """Rates by ``run`` or by ``lumisection``, or of so many lumisections together."""
        query = self.custom("group[granularity]", granularity) if granularity else self
        return query.custom("group[size]", size) if size else query

    def custom(self, key: str, value: Any) -> "Query":
        """Any parameter that OMS understands."""
        return replace(self, customs=(*self.customs, (key, str(value))))

    def paged(self, page_size: int) -> "Query":
        """So many rows a page."""
        if page_size < 1:
            raise ConfigError(f"a page has at least one row, not {page_size}")
        return replace(self, page_size=page_size)

    def unchecked(self) -> "Query":
        """Believe the names of fields, for what OMS knows and does not list."""
        return replace(self, checked=False)

    # -- looking ---------------------------------------------------------------------------------------------------

    def parameters(self, offset: int = 0) -> list[tuple[str, str]]:
        """The parameters of a page's address, before they are encoded."""
        found: list[tuple[str, str]] = []
        if self.wanted:
            found.append(("fields", ",".join(self._asked())))
        found += [(f"filter[{item.field}][{item.operator}]", item.text()) for item in self.filters]
        sorts = self.sorts or self._steady()
        if sorts:
            found.append(("sort", ",".join(sorts)))
        if self.includes:
            found.append(("include", ",".join(self.includes)))
        found += [("page[offset]", str(offset)), ("page[limit]", str(self.page_size)), *self.customs]
        return found

    def url(self, offset: int = 0) -> str:
        """The address as it will be sent."""
        return self.oms.client.transport.url(self.resource, self.parameters(offset))

    def _asked(self) -> tuple[str, ...]:
        """The wanted fields, and those by which rows are known again and filters checked."""
        surely = carried(self.resource)
        proof = (*KEYS.get(self.resource, ()), *(item.field for item in self.filters if item.field in surely))
        return tuple(dict.fromkeys((*self.wanted, *proof)))

    def _steady(self) -> tuple[str, ...]:
        """By key, ascending: new rows come at the end then, and pages do not move."""
        grouped = any(key.startswith("group[") for key, _ in self.customs)
        return () if grouped else KEYS.get(self.resource, ())

    # -- asking ----------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Refuse names of fields that the resource does not have.

        Raises:
            RequestRefused: with the nearest name. OMS's other clients drop such filters, and ask for everything then.
        """
        known = self.oms.fields(self.resource) if self.checked else None
        if known is None:
            return
        used = [*((name, "field") for name in self.wanted), *((item.field, "filter on") for item in self.filters)]
        used += [(name.lstrip("-"), "sort by") for name in self.sorts]
        for name, use in used:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                found = f"no {use} {name!r}" + "".join(f"; did you mean {other}?" for other in near)
                raise RequestRefused("OMS", self.resource, found)

    def pages(self) -> Iterator[Page]:
        """The pages one by one; ends normally only when together they are everything.

        Raises:
            IncompleteAnswer: rows came twice, are missing, or their number changed while they were read.
            BadAnswer: a row that does not satisfy the filter, or an answer without the shape of one.
        """
        self.check()
        proof = _Proof(self)
        while proof.more:
            page = self._page(len(proof.seen))
            proof.take(page)
            yield page
        proof.conclude()

    def rows(self) -> Table:
        """All rows. What moved while it was read is asked for again, from the beginning, a few times."""
        for attempt in range(1, _WHOLE_TRIES + 1):
            try:
                rows = tuple(row for page in self.pages() for row in page.rows)
                return Table(self._trimmed(rows), self.url())
            except IncompleteAnswer as error:
                if attempt == _WHOLE_TRIES:
                    raise
                log.info("OMS: %s; all once more", error.found)
        raise AssertionError("the last try returns or raises")

    def first(self, count: int) -> Table:
        """The first rows only."""
        query = self.paged(min(count, self.page_size))
        query.check()
        rows: list[Row] = []
        while len(rows) < count:
            page = query._page(len(rows))  # noqa: SLF001 - our own kind
            rows += page.rows
            if not page.rows or not page.more:
                break
        return Table(self._trimmed(tuple(rows[:count])), query.url())

    def count(self) -> int:
        """How many rows there are, as OMS counts them; all are read where it does not count."""
        self.check()
        total = self.paged(1)._page(0).total  # noqa: SLF001 - our own kind
        return len(self.rows()) if total is None else total

    def _page(self, offset: int) -> Page:
        answer = self._asked_for(offset)
        page = read_page(self.resource, answer.json(), answer.place, self.page_size)
        for row in page.rows:
            for item in self.filters:
                if item.broken_by(row):
                    found = f"row {row.id} has {item.field}={row[item.field]!r}, though {item} was asked for"
                    raise BadAnswer("OMS", answer.place, found, "OMS ignores that filter; ask without it")
        missing = [name for name in self.wanted if page.rows and not any(name in row for row in page.rows)]
        if missing:
            raise BadAnswer("OMS", answer.place, f"no row has the field {missing[0]!r}")
        return page

    def _asked_for(self, offset: int) -> Answer:
        try:
            return self.oms.client.get(self.resource, self.parameters(offset))
        except RequestRefused as refused:
            near = self.oms.nearest_resource(self.resource) if refused.status == HTTPStatus.NOT_FOUND else None
            if near is None or near == self.resource:
                raise
            found, cure = f"there is no resource {self.resource!r}", f"did you mean {near}?"
            raise RequestRefused("OMS", refused.place, found, cure, refused.status) from None

    def _trimmed(self, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        """Without the fields that only the proof needed, in the order that was asked for."""
        if not self.wanted:
            return rows
        return tuple(
            Row(
                row.resource,
                row.id,
                {name: row.attributes.get(name) for name in self.wanted},
                {name: unit for name, unit in row.units.items() if name in self.wanted},
            )
            for row in rows
        )


class _Proof:
    """Watches pages go by, and says whether they are everything."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.seen: dict[str, None] = {}
        self.total: int | None = None
        self.more = True
        self._begun = False

    def take(self, page: Page) -> None:
        """One more page."""
        if self._begun and page.total != self.total:
            raise self._incomplete(f"OMS counted {self.total} rows, and {page.total} a page later")
        self._begun, self.total = True, page.total
        for row in page.rows:
            key = row.id if self.query.resource in KEYS else f"{row.id} {json.dumps(row.attributes, sort_keys=True)}"
            if key in self.seen:
                raise self._incomplete(f"row {row.id} came twice")
            self.seen[key] = None
        self.more = self._goes_on(page)

    def _goes_on(self, page: Page) -> bool:
        if not page.rows:
            return False
        # Who does not count has to show an empty page; who counts is done when all have come.
        return True if self.total is None else bool(page.more) and len(self.seen) < self.total

    def conclude(self) -> None:
        """Nothing more comes."""
        if self.total is not None and len(self.seen) != self.total:
            raise self._incomplete(f"{len(self.seen)} rows came of the {self.total} that OMS counts")

    def _incomplete(self, found: str) -> IncompleteAnswer:
        return IncompleteAnswer("OMS", self.query.resource, found, "rows come or go while they are read: ask again")


def read_page(resource: str, document: Any, place: str, page_size: int) -> Page:
    """A page from its JSON; an object in place of a list is one row.

    Raises:
        BadAnswer: the document is no page.
    """
    try:
        data, links, meta = document["data"], document.get("links") or {}, document.get("meta") or {}
        rows = tuple(_row(resource, item) for item in (data if isinstance(data, list) else [data]))
        total = None if meta.get("totalResourceCount") is None else int(meta["totalResourceCount"])
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise BadAnswer("OMS", place, f"no page of rows: {type(error).__name__}: {error}") from None
    if not isinstance(data, list):
        return Page(rows, len(rows), more=False, meta=meta)
    # The links themselves are wrong (their scheme stands there twice): only whether there is a next one counts.
    more = links["next"] is not None if "next" in links else len(rows) >= page_size
    return Page(rows, total, more, meta)


def _row(resource: str, item: Mapping[str, Any]) -> Row:
    told = (item.get("meta") or {}).get("row") or {}
    units = {name: str(facts["units"]) for name, facts in told.items() if facts and facts.get("units")}
    return Row(resource, str(item["id"]), dict(item["attributes"]), units)
