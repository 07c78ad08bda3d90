"""Which runs a selection gives, asked of the database that dashboards ask too."""

from dataclasses import asdict, dataclass
from typing import Any

from psycopg import errors

from hdqm_ops.errors import ConfigError
from hdqm_ops.load._connection import Connection, translated
from hdqm_ops.load._sql import query

__all__ = ["Selection", "left_out_runs", "selected_runs"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Runs as ``hdqm.run_selection`` takes them.

    Attributes:
        mode: latest, range, list, golden, where.
        value: what belongs to the mode.
        subsystem: None for any.
        primary_dataset: dito.
        processing: dito.
        quality: default, all, or the name of a rule.
    """

    mode: str = "latest"
    value: str = "50"
    subsystem: str | None = None
    primary_dataset: str | None = None
    processing: str | None = None
    quality: str = "default"


def selected_runs(connection: Connection, selection: Selection) -> list[dict[str, Any]]:
    """The runs, newest first, with what is known of them.

    Raises:
        ConfigError: the selection cannot be read; says why.
    """
    return _ask(connection, "selected", selection)


def left_out_runs(connection: Connection, selection: Selection) -> list[dict[str, Any]]:
    """The runs with points that the quality leaves out, newest first; mode and value do not matter."""
    return _ask(connection, "left_out", selection)


def _ask(connection: Connection, name: str, selection: Selection) -> list[dict[str, Any]]:
    try:
        with translated():
            cursor = connection.execute(query("runs", name), asdict(selection))
            columns = [column.name for column in cursor.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in cursor]
    except errors.InvalidParameterValue as error:
        raise ConfigError(error.diag.message_primary or str(error)) from None
