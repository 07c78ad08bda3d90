"""The three functions that OMS users' notebooks are written with, in the shape they know; answers are whole here."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from hdqm_ops.errors import ConfigError
from hdqm_ops.services._oms import OMS
from hdqm_ops.settings import Settings


def get_oms_api(settings: Settings | None = None) -> OMS:
    """A client of OMS, from the settings: ``SSO_CLIENT_ID`` and ``SSO_CLIENT_SECRET`` are all it needs."""
    return OMS.from_settings(settings)


def get_oms_data(
    api: OMS,
    endpoint: str,
    run: int | Sequence[int] | None = None,
    *,
    attributes: Iterable[str] = (),
    extrafilters: Iterable[Mapping[str, Any]] = (),
    extraargs: Mapping[str, Any] | None = None,
    limit_entries: int | None = None,
) -> dict[str, Any]:
    """Ask an endpoint, and get OMS's JSON: all pages in one.

    Args:
        api: from `get_oms_api`.
        endpoint: ``runs``, ``lumisections``, ``l1triggerrates``, ….
        run: a run number, or the first and the last; None for no filter on runs.
        attributes: fields to get; all where none is named.
        extrafilters: dictionaries of ``attribute_name``, ``value``, ``operator`` (EQ where there is none).
        extraargs: further parameters, as ``{"group[granularity]": "lumisection"}``.
        limit_entries: only so many rows; all of them without it.

    Returns:
        ``{"data": [{"id", "type", "attributes", …}], "meta": {"totalResourceCount": …}, "url": …}``.
    """
    query = api.query(endpoint).fields(*attributes)
    if run is not None:
        first, last = (run, run) if isinstance(run, int) else _range(run)
        query = query.between("run_number", first, last)
    for item in extrafilters:
        query = query.filter(*_filter(item))
    for key, value in (extraargs or {}).items():
        query = query.custom(key, value)
    table = query.rows() if limit_entries is None else query.first(limit_entries)
    documents = [row.document() for row in table]
    return {"data": documents, "meta": {"totalResourceCount": len(documents)}, "url": table.url}


def get_oms_response_attribute(info: Mapping[str, Any], name: str) -> list[Any]:
    """The values of one attribute in an answer of `get_oms_data`, row by row."""
    rows = [document["attributes"] for document in info["data"]]
    if rows and name not in rows[0]:
        near = get_close_matches(name, rows[0], n=1)
        raise ConfigError(f"the answer has no attribute {name!r}" + "".join(f"; did you mean {n}?" for n in near))
    return [attributes[name] for attributes in rows]


def _range(run: Sequence[int]) -> tuple[int, int]:
    if len(run) != 2:
        raise ConfigError(f"runs are one number or (first, last), not {run!r}")
    return run[0], run[1]


def _filter(item: Mapping[str, Any]) -> tuple[str, Any, str]:
    try:
        return item["attribute_name"], item["value"], item.get("operator", "EQ")
    except KeyError as error:
        raise ConfigError(f"an extra filter has attribute_name, value and operator; {error} is missing") from None
