"""What TimescaleDB's Community edition wants now and then: old runs into the columnstore, long views counted anew."""

from collections.abc import Iterator

from hdqm_ops.load._connection import connect, translated
from hdqm_ops.load._sql import query

__all__ = ["maintain", "open_runs"]


def maintain(url: str, *, keep: int) -> Iterator[str]:
    """Convert chunks of old runs, and count again what changed in long views; nothing on the Apache edition.

    Each step commits by itself, so it may be interrupted anywhere. Readers and writers of other chunks go on.

    Args:
        url: address of the database, as its owner.
        keep: run numbers before the newest one that stay in the row store, where writing is quick.

    Yields:
        A line about each thing that was done.

    Raises:
        ConfigError: the role of ``url`` does not own the tables.
    """
    with connect(url, role=None, application_name="hdqm maintain") as connection, translated():
        if connection.execute(query("maintenance", "community")).fetchone() is None:
            yield "this TimescaleDB is the Apache edition: nothing to convert, views are always fresh"
            return
        for chunk, first, end in connection.execute(query("maintenance", "chunks_to_convert"), {"keep": keep}):
            connection.execute(query("maintenance", "to_columnstore"), {"chunk": chunk})
            yield f"runs {first}–{end - 1}: in the columnstore"
        connection.execute(query("maintenance", "refresh"))
        yield "long views: up to date"


def open_runs(url: str, first: int, last: int) -> Iterator[str]:
    """Turn chunks of these runs back into the row store, before many of them are written anew.

    Yields:
        A line about each chunk; none where nothing was converted.
    """
    with connect(url, role=None, application_name="hdqm maintain") as connection, translated():
        if connection.execute(query("maintenance", "community")).fetchone() is None:
            return
        found = connection.execute(query("maintenance", "chunks_to_open"), {"first": first, "last": last})
        for chunk, low, end in found.fetchall():
            connection.execute(query("maintenance", "to_rowstore"), {"chunk": chunk})
            yield f"runs {low}–{end - 1}: in the row store"
