"""The client of OMS: any question, and those that everybody asks."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, Literal, Self, TypeAlias

from hdqm_ops.errors import BadAnswer, RequestRefused, ServiceError
from hdqm_ops.services._client import Client
from hdqm_ops.services._oms_query import Filter, Query, read_page
from hdqm_ops.services._oms_row import Row, Table
from hdqm_ops.services._service import Service, oms_service
from hdqm_ops.settings import Settings

Granularity: TypeAlias = Literal["run", "lumisection"]
Lumisections: TypeAlias = tuple[int | None, int | None]

log = logging.getLogger("hdqm_ops.services")

_NOT_FOUND = 404


class OMS:
    """Asks OMS. Use it as a context manager, or call `close`.

    >>> with OMS.from_settings() as oms:                                            # doctest: +SKIP
    ...     oms.runs(324997, 325000, fields=["run_number", "recorded_lumi"]).dicts()
    """

    def __init__(self, service: Service) -> None:
        self.client = Client(service)
        self._fields: dict[str, Mapping[str, Any] | None] = {}

    @classmethod
    def from_settings(cls, settings: Settings | None = None) -> Self:
        """OMS as the settings name it."""
        return cls(oms_service(settings or Settings()))

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- any question ----------------------------------------------------------------------------------------------

    def query(self, resource: str) -> Query:
        """A question to any resource: ``runs``, ``lumisections``, ``l1algorithmtriggers``, …."""
        return Query(oms=self, resource=resource.strip("/"))

    def fields(self, resource: str) -> Mapping[str, Any] | None:
        """Field → what OMS says of it (title, units, …); None where OMS does not list them. Asked once."""
        base = resource.partition("/")[0]
        if base not in self._fields:
            self._fields[base] = self._listed(base)
        return self._fields[base]

    def resources(self) -> list[str]:
        """Names of all resources."""
        answer = self.client.get("version/endpoints")
        try:
            return [str(item["id"]) for item in answer.json()["data"]]
        except (KeyError, TypeError):
            raise BadAnswer("OMS", answer.place, "no list of resources") from None

    def one(self, resource: str, key: str | int) -> Row | None:
        """The row with an identifier, as ``lumisections/297050_1``; None where there is none."""
        try:
            answer = self.client.get(f"{resource}/{key}")
        except RequestRefused as refused:
            if refused.status == _NOT_FOUND:
                return None
            raise
        return read_page(resource, answer.json(), answer.place, 1).rows[0]

    def _listed(self, resource: str) -> Mapping[str, Any] | None:
        try:
            answer = self.client.get(f"{resource}/meta")
            fields = answer.json()["meta"]["fields"]
        except RequestRefused as refused:
            if refused.status != _NOT_FOUND:
                raise
            fields = None
        except (KeyError, TypeError):
            fields = None
        if not isinstance(fields, dict):
            log.warning("OMS does not list the fields of %s: names are believed, and the answer is checked", resource)
            return None
        return fields

    def nearest_resource(self, resource: str) -> str | None:
        """The resource that somebody meant who wrote one that OMS does not have; None where none is near."""
        try:
            return next(iter(get_close_matches(resource.partition("/")[0], self.resources(), n=1)), None)
        except ServiceError:  # it only would have made a refusal kinder
            return None

    # -- what everybody asks ---------------------------------------------------------------------------------------

    def runs(
        self, first: int, last: int | None = None, *, fields: Iterable[str] = (), where: Iterable[Filter] = ()
    ) -> Table:
        """Runs from first to last, by number (one run where there is no last)."""
        query = self.query("runs").between("run_number", first, first if last is None else last)
        return query.fields(*fields).where(*where).rows()

    def fills(
        self, first: int, last: int | None = None, *, fields: Iterable[str] = (), where: Iterable[Filter] = ()
    ) -> Table:
        """Fills from first to last, by number."""
        query = self.query("fills").between("fill_number", first, first if last is None else last)
        return query.fields(*fields).where(*where).rows()

    def lumisections(self, run: int, lumisections: Lumisections = (None, None), *, fields: Iterable[str] = ()) -> Table:
        """Lumisections of a run, all or from first to last; with pileup, luminosities and detector flags."""
        query = self.query("lumisections").filter("run_number", run).between("lumisection_number", *lumisections)
        return query.fields(*fields).rows()

    def eras(self) -> Table:
        """All eras, with their first and last runs."""
        return self.query("eras").rows()

    def downtimes(self, first_fill: int, last_fill: int | None = None) -> Table:
        """Downtimes in the fills from first to last."""
        last = first_fill if last_fill is None else last_fill
        return self.query("downtimes").between("fill_number", first_fill, last).rows()

    def bunches(self, fill: int) -> Table:
        """The bunches of a fill."""
        return self.query("bunches").filter("fill_number", fill).rows()

    def l1_trigger_rates(
        self, run: int, granularity: Granularity = "run", lumisections: Lumisections = (None, None)
    ) -> Table:
        """Level-1 rates of a run, in all or by lumisection.

        Two more columns hold what OMS users derive: ``pre_deadtime`` is what would have been accepted without dead time
        (``total_before_deadtime``), ``post_deadtime`` what was (``l1a_total``); each with rate and counter.
        """
        table = _of_one_run(self._rates("l1triggerrates", run, granularity, lumisections).rows())
        return Table(tuple(_with_totals(row) for row in table), table.url)

    def l1_algorithms(
        self, run: int, granularity: Granularity = "run", lumisections: Lumisections = (None, None)
    ) -> Table:
        """Rates and prescales of the Level-1 algorithms."""
        return _of_one_run(self._rates("l1algorithmtriggers", run, granularity, lumisections).rows())

    def hlt_path_info(self, run: int, path: str | None = None) -> Table:
        """What the HLT paths of a run passed and accepted; one path where one is named."""
        query = self.query("hltpathinfo").filter("run_number", run)
        return (query.filter("path_name", path) if path else query).rows()

    def hlt_path_rates(
        self,
        run: int,
        path: str | None = None,
        granularity: Granularity = "run",
        lumisections: Lumisections = (None, None),
    ) -> Table:
        """Rates of HLT paths of a run, in all or by lumisection."""
        query = self._rates("hltpathrates", run, granularity, lumisections)
        return _of_one_run((query.filter("path_name", path) if path else query).rows())

    def dataset_rates(
        self, run: int, granularity: Granularity = "run", lumisections: Lumisections = (None, None)
    ) -> Table:
        """Rates of the primary datasets of a run."""
        return _of_one_run(self._rates("datasetrates", run, granularity, lumisections).rows())

    def streams(self, run: int, granularity: Granularity = "run", lumisections: Lumisections = (None, None)) -> Table:
        """Rates and sizes of the streams of a run."""
        return _of_one_run(self._rates("streams", run, granularity, lumisections).rows())

    def deadtimes(self, run: int, granularity: Granularity = "run", lumisections: Lumisections = (None, None)) -> Table:
        """Dead time of a run, by cause."""
        return _of_one_run(self._rates("deadtimes", run, granularity, lumisections).rows())

    def _rates(self, resource: str, run: int, granularity: Granularity, lumisections: Lumisections) -> Query:
        query = self.query(resource).filter("run_number", run).group(granularity)
        first, last = lumisections
        query = query if first is None else query.filter("first_lumisection_number", first, "GE")
        return query if last is None else query.filter("last_lumisection_number", last, "LE")


def _of_one_run(table: Table) -> Table:
    """Rows that do not say of which run they are: more than one for a stretch means that the filter was ignored."""
    names = ("first_lumisection_number", "name", "path_name", "dataset_name", "stream_name")
    seen: set[tuple[Any, ...]] = set()
    for row in table:
        key = tuple(row.get(name) for name in names)
        if key in seen:
            told = ", ".join(str(part) for part in key if part is not None)
            cure = "OMS ignores the filter on run_number"
            raise BadAnswer("OMS", table.url, f"several rows for lumisection {told} of one run", cure)
        seen.add(key)
    return table


def _with_totals(row: Row) -> Row:
    told = {**row.attributes, "pre_deadtime": row["total_before_deadtime"], "post_deadtime": row["l1a_total"]}
    return replace(row, attributes=told)
