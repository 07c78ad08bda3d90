"""Monitor elements as rows of ``hdqm.histogram``, there and back, bit by bit."""

import json
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from psycopg import Cursor
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format

from hdqm_ops.load._arrays import from_binary, to_binary
from hdqm_ops.load._connection import Connection, translated
from hdqm_ops.load._sql import query
from hdqm_ops.model import Axis, ElementContent, ElementProblem, Histogram, Reason, Scalar

__all__ = ["COLUMNS", "TYPES", "element_behind_point", "row", "stored_elements", "stored_elements_of_files", "text"]

Row: TypeAlias = tuple[Any, ...]

# Column → type that it is copied as. Arrays and JSON are brought into binary form here, and pass through as bytes.
_LAYOUT = {
    "element_id": "int4",
    "problem": "int2",
    "entries": "float8",
    "maximum": "float8",
    "minimum": "float8",
    "x_low": "float8",
    "x_high": "float8",
    "y_low": "float8",
    "y_high": "float8",
    "z_low": "float8",
    "z_high": "float8",
    "x_bins": "int4",
    "y_bins": "int4",
    "z_bins": "int4",
    "class_name": "text",
    "name": "text",
    "title": "text",
    "error_mode": "text",
    "scalar": "text",
    "detail": "text",
    "axis_details": "bytea",
    "x_edges": "bytea",
    "y_edges": "bytea",
    "z_edges": "bytea",
    "sums": "bytea",
    "cells_real": "bytea",
    "cells_double": "bytea",
    "cells_integer": "bytea",
    "cells_smallint": "bytea",
    "cells_bigint": "bytea",
    "sumw2": "bytea",
    "bin_entries": "bytea",
    "bin_sumw2": "bytea",
}
COLUMNS = tuple(_LAYOUT)
TYPES = tuple(_LAYOUT.values())

_CELLS = {
    "f4": "cells_real",
    "f8": "cells_double",
    "i4": "cells_integer",
    "i2": "cells_smallint",
    "i1": "cells_smallint",  # PostgreSQL has no smaller one; the class tells them apart
    "i8": "cells_bigint",
}
_ARRAYS = ("cells_real", "cells_double", "cells_integer", "cells_smallint", "cells_bigint")
_SCALARS = {kind.__name__: kind for kind in (int, float, str)}
_ZEROS = {code: to_binary(np.empty(0, code)) for code in ("i2", "i4", "i8", "f4", "f8")}
_JSONB_VERSION = b"\x01"


# -- to rows -----------------------------------------------------------------------------------------------------------


def row(element_id: int, content: ElementContent) -> Row:
    """Values of ``COLUMNS`` for one monitor element."""
    match content:
        case Histogram():
            fields = _histogram_fields(content)
        case Scalar():
            shown = repr(content.value) if isinstance(content.value, float) else str(content.value)
            kind = type(content.value).__name__
            fields = {"class_name": kind, "name": text(content.name), "scalar": text(shown)}
        case ElementProblem():
            fields = {"problem": content.reason.number, "name": "", "detail": text(content.detail)}
    fields["element_id"] = element_id
    return tuple(map(fields.get, COLUMNS))


def text(value: str) -> str:
    """A text that PostgreSQL takes: no zero bytes, nothing that is no character."""
    if value.isascii() and "\0" not in value:
        return value
    return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _histogram_fields(histogram: Histogram) -> dict[str, Any]:
    size = prod(histogram.shape)
    cells = histogram.cells.astype(np.int16) if histogram.cells.dtype.itemsize == 1 else histogram.cells
    fields = {
        "entries": histogram.entries,
        "maximum": histogram.maximum,
        "minimum": histogram.minimum,
        "class_name": histogram.class_name,
        "name": text(histogram.name),
        "title": text(histogram.title) or None,
        "error_mode": histogram.error_mode or None,
        "axis_details": _axis_details(histogram.axes),
        "sums": to_binary(np.array(histogram.sums, np.float64)),
        _CELLS[histogram.cells.dtype.str[1:]]: _packed(cells, size),
        "sumw2": _packed(histogram.sumw2, size),
        "bin_entries": _packed(histogram.bin_entries, size),
        "bin_sumw2": _packed(histogram.bin_sumw2, size),
    }
    for letter, axis in zip("xyz", histogram.axes, strict=False):
        fields |= {f"{letter}_bins": axis.n, f"{letter}_low": axis.low, f"{letter}_high": axis.high}
        fields[f"{letter}_edges"] = None if axis.edges is None else to_binary(axis.edges)
    return fields


def _packed(array: NDArray[Any] | None, size: int) -> bytes | None:
    """Binary form of an array; of zeros only that there are some. A negative zero is none of them."""
    if array is None:
        return None
    if len(array) == size and not np.ascontiguousarray(array).view(np.uint8).any():
        return _ZEROS[array.dtype.str[1:]]
    return to_binary(array)


def _axis_details(axes: Sequence[Axis]) -> bytes | None:
    details = [_details(axis) for axis in axes]
    return _JSONB_VERSION + json.dumps(details).encode() if any(details) else None


def _details(axis: Axis) -> dict[str, Any]:
    found = {
        "labels": {str(number): text(label) for number, label in axis.labels.items()},
        "first": axis.first,
        "last": axis.last,
        "ranged": axis.ranged,
        "extendable": axis.extendable,
        "title": text(axis.title),
        "flow_counted": axis.flow_counted,
    }
    return {name: value for name, value in found.items() if value}


# -- and back ----------------------------------------------------------------------------------------------------------


class _ArrayLoader(Loader):
    """Array columns of a cursor become NumPy arrays."""

    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[Any]:
        return from_binary(data)


def stored_elements(connection: Connection, file_id: int, paths: Sequence[str]) -> dict[str, ElementContent]:
    """Monitor elements of a file as they were read from it; those that it does not have are absent."""
    return stored_elements_of_files(connection, [file_id], paths)[file_id]


def stored_elements_of_files(
    connection: Connection, file_ids: Sequence[int], paths: Sequence[str]
) -> dict[int, dict[str, ElementContent]]:
    """File id → monitor elements of the file as they were read from it."""
    found: dict[int, dict[str, ElementContent]] = {file_id: {} for file_id in file_ids}
    with translated():
        asked = connection.execute(query("histograms", "scope"), {"file_ids": list(file_ids), "paths": list(paths)})
        first, last, elements = asked.fetchone() or (None, None, [])
    if first is None or not elements:
        return found
    told = {"file_ids": list(file_ids), "first": first, "last": last, "elements": elements}
    for fields in _asked(connection, "stored", told):
        path, content = _content(fields)
        found[fields["dqm_file_id"]][path] = content
    return found


def element_behind_point(
    connection: Connection, *, subsystem: str, trend: str, primary_dataset: str, processing: str, run: int, role: str
) -> tuple[str, ElementContent] | None:
    """Path and content of the monitor element that a trend point was made of; None where none is stored.

    Args:
        connection: is asked.
        subsystem: of the trend.
        trend: its name.
        primary_dataset: of the series.
        processing: of the series.
        run: run number.
        role: which of the metric's inputs: ``main``, ``histo1``, ``histo2``, ``reference``.
    """
    told = {
        "subsystem": subsystem,
        "trend": trend,
        "primary_dataset": primary_dataset,
        "processing": processing,
        "run": run,
        "input": role,
    }
    return next(map(_content, _asked(connection, "behind_point", told)), None)


def _asked(connection: Connection, name: str, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    with translated(), connection.cursor(binary=True) as cursor:
        for kind in ("float4", "float8", "int2", "int4", "int8"):
            cursor.adapters.register_loader(cursor.adapters.types[kind].array_oid, _ArrayLoader)
        cursor.execute(query("histograms", name), values)
        yield from _named(cursor)


def _named(cursor: Cursor[Any]) -> list[dict[str, Any]]:
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, values, strict=True)) for values in cursor]


def _content(fields: Mapping[str, Any]) -> tuple[str, ElementContent]:
    path = fields["path"]
    if fields["problem"] is not None:
        reason = next(reason for reason in Reason if reason.number == fields["problem"])
        return path, ElementProblem(reason, fields["detail"])
    if fields["scalar"] is not None:
        return path, Scalar(fields["name"], _SCALARS[fields["class_name"]](fields["scalar"]))
    return path, _histogram(fields)


def _histogram(fields: Mapping[str, Any]) -> Histogram:
    details: Sequence[dict[str, Any]] = fields["axis_details"] or ({}, {}, {})
    axes = tuple(
        _axis(fields, letter, detail)
        for letter, detail in zip("xyz", details, strict=False)
        if fields[f"{letter}_bins"] is not None
    )
    size = prod(axis.n + 2 for axis in axes)
    cells = next(fields[name] for name in _ARRAYS if fields[name] is not None)
    if fields["cells_smallint"] is not None and fields["class_name"].endswith("C"):
        cells = cells.astype(np.int8)
    return Histogram(
        class_name=fields["class_name"],
        name=fields["name"],
        axes=axes,
        cells=_unpacked(cells, size),
        entries=fields["entries"],
        sums=tuple(fields["sums"].tolist()),
        sumw2=_unpacked(fields["sumw2"], size),
        bin_entries=_unpacked(fields["bin_entries"], size),
        bin_sumw2=_unpacked(fields["bin_sumw2"], size),
        error_mode=fields["error_mode"] or "",
        maximum=fields["maximum"],
        minimum=fields["minimum"],
        title=fields["title"] or "",
    )


def _axis(fields: Mapping[str, Any], letter: str, details: Mapping[str, Any]) -> Axis:
    labels = {int(number): label for number, label in details.get("labels", {}).items()}
    others = {name: value for name, value in details.items() if name != "labels"}
    edges = fields[f"{letter}_edges"]
    if edges is not None:
        edges.flags.writeable = False
    return Axis(
        fields[f"{letter}_bins"], fields[f"{letter}_low"], fields[f"{letter}_high"], edges, labels=labels, **others
    )


def _unpacked(array: Any, size: int) -> Any:
    return np.zeros(size, array.dtype) if array is not None and not len(array) else array
