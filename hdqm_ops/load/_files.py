"""The ledger's first half: which files there are, and which could not be read."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hdqm_ops.load._connection import Connection, in_transaction
from hdqm_ops.load._histograms import text
from hdqm_ops.load._sql import query
from hdqm_ops.model import DQMFile

__all__ = ["Registered", "Retry", "forget_series", "record_failure", "register_files", "settle", "unload"]

_TYPES = ("text",) * 6 + ("int4", "int4", "int4", "int8", "float8", "text")


@dataclass(frozen=True, slots=True)
class Registered:
    """What a listing brought.

    Attributes:
        new: files that were not known.
        changed: known files with another size or time, or that are taken otherwise than before.
        unchanged: known files as they were.
        superseded: files that came to be outranked by an ingested one.
        ignored: files, of all that were listed, that are not taken; the ledger says why.
    """

    new: int
    changed: int
    unchanged: int
    superseded: int
    ignored: int


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a file that cannot be read is tried, and how long before the second time; pauses double.

    Attributes:
        most: tries in all.
        pause_s: the first pause, in seconds.
    """

    most: int = 5
    pause_s: float = 3600.0


def register_files(connection: Connection, files: Iterable[DQMFile], *, young: float | None = None) -> Registered:
    """Bring a listing into the ledger; only what changed touches it, and what is due to be tried again.

    Args:
        connection: where the ledger is.
        files: the listing.
        young: a known file that changed and whose time lies behind this one (seconds since 1970) may still be written:
            it waits until a listing finds it as it was. None: no file waits.
    """
    rows = [_row(file) for file in files]
    return in_transaction(connection, lambda: _register(connection, rows, young))


def _register(connection: Connection, rows: Sequence[tuple[Any, ...]], young: float | None) -> Registered:
    def run(name: str, **facts: Any) -> int:
        return connection.execute(query("files", name), facts or None).rowcount

    run("lock")
    run("stage")
    with connection.cursor() as cursor, cursor.copy(query("files", "copy")) as copy:
        copy.set_types(_TYPES)
        for row in rows:
            copy.write_row(row)
    connection.execute("ANALYZE pg_temp.stage_file")
    repeated = run("forget_repetitions")
    unchanged = run("forget_unchanged", young=young)
    run("lock_datasets")
    run("add_names")
    run("lock_known")
    for (file_id,) in connection.execute(query("files", "moved")).fetchall():
        unload(connection, file_id)
    changed, new = run("change", young=young), run("add")
    superseded = settle(connection)
    ignored = sum(row[-1] is not None for row in rows)
    assert new + changed + unchanged + repeated == len(rows)
    return Registered(new, changed, unchanged, superseded, ignored)


def _row(file: DQMFile) -> tuple[Any, ...]:
    path, ignored = file.path, file.ignored
    try:
        path.encode()
    except UnicodeEncodeError:
        path = os.fsencode(path).decode("utf-8", "backslashreplace")
        ignored = ignored or "its path is no UTF-8 text"
    names = (file.dataset, file.primary_dataset, file.processing, file.era, file.tier)
    return (
        path,
        *map(text, names),
        file.processing_version,
        file.dqm_version,
        file.run_number,
        file.size_bytes,
        file.mtime,
        None if ignored is None else text(ignored),
    )


def record_failure(
    connection: Connection,
    file_id: int,
    reason: str,
    *,
    file: DQMFile | None = None,
    retry: Retry | None = None,
    claim: int | None = None,
) -> bool:
    """Mark a file that could not be read; what was stored of it before stays. A claim of it is given back with that.

    Args:
        connection: where the ledger is.
        file_id: its id in the ledger.
        reason: why.
        file: what was read: where the file is another one by now, nothing is marked.
        retry: when it is tried again.
        claim: number of the claim under which it was read: where that is not the file's any more, nothing is marked.

    Returns:
        Whether it was marked.
    """
    retry = retry or Retry()
    facts = {
        "file_id": file_id,
        "reason": text(reason),
        "size_bytes": file and file.size_bytes,
        "mtime": file and file.mtime,
        "most": retry.most,
        "pause_s": retry.pause_s,
        "claim": claim,
    }

    def record() -> bool:
        marked = connection.execute(query("files", "fail"), facts).rowcount > 0
        settle(connection, file_id)
        return marked

    return in_transaction(connection, record)


def settle(connection: Connection, file_id: int | None = None) -> int:
    """Mark files as superseded that an ingested one outranks: all such, or one; returns how many."""
    return connection.execute(query("files", "settle"), {"file_id": file_id}).rowcount


def unload(connection: Connection, file_id: int) -> None:
    """Take away everything that was stored of a file, within the caller's transaction."""
    facts = {"file_id": file_id}
    lost = connection.execute(query("files", "unload_points"), facts).fetchone()
    for name in ("unload_history", "unload_histograms", "unload_file"):
        connection.execute(query("files", name), facts)
    forget_series(connection, lost[0] if lost else [])


def forget_series(connection: Connection, series: Sequence[int]) -> None:
    """Of series that lost a value, find those without any other, and drop their "element missing" rows."""
    if series:
        empty = connection.execute(query("files", "forget_values"), {"series": list(series)}).fetchall()
        if empty:
            connection.execute(query("files", "forget_missing"), {"series": [series_id for (series_id,) in empty]})
