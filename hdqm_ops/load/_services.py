"""Fills, lumisections, certification, golden JSONs, and how far synchronisation is."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hdqm_ops.errors import ConfigError
from hdqm_ops.load._connection import Connection, in_transaction, translated
from hdqm_ops.load._runs import Service, as_json
from hdqm_ops.load._sql import query

__all__ = [
    "GoldenOrigin",
    "SyncState",
    "record_certification",
    "record_fills",
    "record_lumisections",
    "record_sync",
    "record_sync_failure",
    "record_sync_progress",
    "remove_golden_json",
    "store_golden_json",
    "sync_state",
]


@dataclass(frozen=True, slots=True)
class SyncState:
    """How far synchronisation with a service is.

    Attributes:
        watermark: what was asked up to; None before the first time.
        swept_to: run number that the slow sweep, or the first synchronisation, has come to.
        complete: the first synchronisation has come to its end.
        sweep_due: the last sweep is long ago.
    """

    watermark: int | None = None
    swept_to: int | None = None
    complete: bool = False
    sweep_due: bool = True


def record_fills(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Write fills; how many rows changed."""
    facts = {"rows": as_json(rows)}
    return in_transaction(connection, lambda: connection.execute(query("services", "write_fills"), facts).rowcount)


def record_lumisections(connection: Connection, run_number: int, rows: Sequence[Mapping[str, Any]]) -> int:
    """Write all lumisections of a run, and remove those that are not among them; how many rows changed.

    Args:
        connection: from ``connect``.
        run_number: the run.
        rows: columns by name; ``dcs_on`` and ``dcs_off`` name detectors.
    """

    def work() -> int:
        bits = _bits(connection, {name for row in rows for name in (*row["dcs_on"], *row["dcs_off"])})
        masked = [{**row, **{key: _mask(bits, row[key]) for key in ("dcs_on", "dcs_off")}} for row in rows]
        changed = connection.execute(query("services", "write_lumisections"), {"rows": as_json(masked)}).rowcount
        told = {"run_number": run_number, "told": [row["lumisection"] for row in rows]}
        changed += connection.execute(query("services", "remove_lumisections"), told).rowcount
        connection.execute(query("services", "note_detectors"), told)
        return changed

    return in_transaction(connection, work)


def record_certification(
    connection: Connection, rows: Sequence[Mapping[str, Any]], *, whole: tuple[int, int] | None = None
) -> int:
    """Write datasets of Run Registry; how many rows changed.

    Args:
        connection: from ``connect``.
        rows: ``run_number``, ``dataset``, ``states``, ``lumisections``, ``rr_version``.
        whole: first and last run of which these are all datasets: others are removed.
    """

    def work() -> int:
        facts = {"rows": as_json(rows)}
        changed = connection.execute(query("services", "write_certification"), facts).rowcount
        if whole is None:
            return changed
        keys = as_json({"run_number": row["run_number"], "dataset": row["dataset"]} for row in rows)
        stretch = {"first": whole[0], "last": whole[1], "rows": keys}
        return changed + connection.execute(query("services", "remove_certification"), stretch).rowcount

    return in_transaction(connection, work)


@dataclass(frozen=True, slots=True)
class GoldenOrigin:
    """How Run Registry made a golden JSON.

    Attributes:
        rr_id: its number there.
        json_logic: the rule.
        dataset_name_filter: the datasets.
    """

    rr_id: int
    json_logic: Any
    dataset_name_filter: str


def store_golden_json(
    connection: Connection,
    name: str,
    runs: Mapping[int, str],
    *,
    owner: str | None = None,
    days: int | None = None,
    origin: GoldenOrigin | None = None,
) -> None:
    """Write a golden JSON in place of another one of that name; those that have expired are removed.

    Args:
        connection: from ``connect``.
        name: that people choose it by.
        runs: run number → lumisections, a multirange as PostgreSQL writes it.
        owner: who brings it; None: the site, whose lists no person replaces.
        days: after which it expires; None: never.
        origin: how Run Registry made it; None where it came as a file.

    Raises:
        ConfigError: the name belongs to the site or to somebody else.
    """

    def work() -> None:
        facts: dict[str, Any] = {"name": name, "runs": list(runs), "ranges": list(runs.values())}
        facts |= {"owner": owner, "days": days, "source": "file"}
        facts |= {"rr_id": None, "json_logic": None, "dataset_name_filter": None}
        if origin:
            facts |= {**asdict(origin), "json_logic": json.dumps(origin.json_logic), "source": "run_registry"}
        connection.execute(query("services", "remove_expired_golden"))
        if connection.execute(query("services", "write_golden"), facts).rowcount == 0:
            raise ConfigError(f"there is a golden JSON named {name!r} that is not yours: choose another name")
        for step in ("remove_golden_runs", "write_golden_runs"):
            connection.execute(query("services", step), facts)

    in_transaction(connection, work)


def remove_golden_json(connection: Connection, name: str, owner: str) -> bool:
    """Remove a golden JSON of somebody; False where that person has none of that name."""
    facts = {"name": name, "owner": owner}
    return in_transaction(
        connection, lambda: connection.execute(query("services", "remove_golden"), facts).rowcount == 1
    )


def sync_state(connection: Connection, service: Service, sweep_h: float = 24) -> SyncState:
    """How far synchronisation with a service is; a sweep is due so many hours after the last one."""
    with translated():
        row = connection.execute(query("services", "state"), {"name": service, "sweep_h": sweep_h}).fetchone()
    return SyncState(*row) if row else SyncState()


def record_sync(
    connection: Connection, service: Service, *, watermark: int | None, swept: bool, swept_to: int | None
) -> None:
    """All that was asked was answered."""
    _note(connection, "succeeded", name=service, watermark=watermark, swept=swept, swept_to=swept_to)


def record_sync_progress(
    connection: Connection, service: Service, *, watermark: int | None = None, swept_to: int | None = None
) -> None:
    """The first synchronisation has come so far; the next one goes on there."""
    _note(connection, "advanced", name=service, watermark=watermark, swept_to=swept_to)


def record_sync_failure(connection: Connection, service: Service, failure: str) -> None:
    """A question was not answered."""
    _note(connection, "failed", name=service, failure=failure.replace("\0", ""))


def _note(connection: Connection, step: str, **facts: Any) -> None:
    in_transaction(connection, lambda: connection.execute(query("services", step), facts))


def _bits(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Detector → bit; detectors that are new get the next bits."""
    known = _known_bits(connection)
    if set(names) <= known.keys():
        return known
    connection.execute(query("services", "lock_flags"))
    known = _known_bits(connection)
    if new := sorted(set(names) - known.keys()):
        connection.execute(query("services", "add_flags"), {"names": new})
        known = _known_bits(connection)
    return known


def _known_bits(connection: Connection) -> dict[str, int]:
    return dict(connection.execute(query("services", "flags")).fetchall())


def _mask(bits: Mapping[str, int], names: Iterable[str]) -> int:
    return sum(1 << bits[name] for name in names)
