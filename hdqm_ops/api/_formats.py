"""Which form of an answer is wanted, and rows in that form: JSON, CSV, Arrow, Parquet."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from hdqm_ops.api._problems import Problem
from hdqm_ops.load import Page

__all__ = ["TABLE_CONTENT", "Format", "as_csv", "as_json", "choose", "pyarrow", "table_pieces"]


class Format(StrEnum):
    """Forms of answers, as ``?format=`` names them."""

    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"
    PARQUET = "parquet"
    UHI = "uhi"
    SVG = "svg"
    PNG = "png"

    @property
    def media_type(self) -> str:
        """As ``Accept`` and ``Content-Type`` name it."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv",
    Format.ARROW: "application/vnd.apache.arrow.stream",
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.UHI: "application/vnd.uhi+json",
    Format.SVG: "image/svg+xml",
    Format.PNG: "image/png",
}
_TABLES = (Format.JSON, Format.CSV, Format.ARROW, Format.PARQUET)
_BYTES = {"schema": {"type": "string", "format": "binary"}}
TABLE_CONTENT: dict[str, Any] = {
    Format.CSV.media_type: {"schema": {"type": "string"}},
    Format.ARROW.media_type: _BYTES,
    Format.PARQUET.media_type: _BYTES,
}


def choose(accept: str, named: str | None, offered: Sequence[Format] = _TABLES) -> Format:
    """The form to answer in.

    Args:
        accept: header of the request; empty: anything.
        named: ``?format=``, which wins.
        offered: what can be given, the best first.

    Raises:
        Problem: 406, none of what is accepted can be given.
    """
    if named is not None:
        if named in offered:
            return Format(named)
        raise Problem(406, f"there is no format {named!r} of this; there are {', '.join(offered)}")
    wanted = [_wish(part) for part in accept.split(",") if part.strip()] or [("*/*", 1.0)]
    best, chosen = 0.0, None
    for one in offered:
        quality = _quality(one.media_type, wanted)
        if quality > best:
            best, chosen = quality, one
    if chosen is None:
        raise Problem(406, f"this can be given as {', '.join(one.media_type for one in offered)}")
    return chosen


def _wish(part: str) -> tuple[str, float]:
    kind, *parameters = (text.strip().lower() for text in part.split(";"))
    told = next((text[2:] for text in parameters if text.startswith("q=")), "1")
    try:
        return kind, min(1.0, max(0.0, float(told)))
    except ValueError:
        return kind, 0.0


def _quality(media_type: str, wanted: Sequence[tuple[str, float]]) -> float:
    """What the most exact of the wishes says of a type."""
    for pattern in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        told = [quality for kind, quality in wanted if kind == pattern]
        if told:
            return max(told)
    return 0.0


# -- rows --------------------------------------------------------------------------------------------------------------


def table_pieces(form: Format, page: Page, cursor: str | None) -> Iterable[bytes]:
    """The body that shows a page; ``cursor`` of the next one stands in JSON only, and in the header for all."""
    makers: dict[Format, Callable[[], Iterable[bytes]]] = {
        Format.JSON: lambda: [_json_table(page, cursor)],
        Format.CSV: lambda: [as_csv(page.columns), *map(as_csv, page.rows)],
        Format.ARROW: lambda: _arrow_table(page),
        Format.PARQUET: lambda: _parquet_table(page),
    }
    return makers[form]()


def _json_table(page: Page, cursor: str | None) -> bytes:
    items = [dict(zip(page.columns, row, strict=True)) for row in page.rows]
    return as_json({"items": items, "next": cursor})


def as_json(document: Any) -> bytes:
    """JSON with times in UTC; NumPy arrays are lists, what is not finite is null."""
    return orjson.dumps(document, option=orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY)


def as_csv(values: Iterable[Any]) -> bytes:
    """One line; NULL is nothing, lists and objects are JSON."""
    line = io.StringIO()
    csv.writer(line).writerow([_cell(value) for value in values])
    return line.getvalue().encode()


def _cell(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case list() | dict():
            return orjson.dumps(value).decode()
        case str() if value[:1] in ("=", "+", "-", "@", "\t"):
            return f"'{value}"  # else a spreadsheet takes it for a formula
        case _:
            return value


# -- Arrow -------------------------------------------------------------------------------------------------------------


def pyarrow() -> Any:
    """The library.

    Raises:
        Problem: 406, it is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - 100 MB that few want
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError:
        raise Problem(
            406, "Arrow and Parquet need pyarrow on the server: pip install 'hdqm-ops[arrow]'; JSON and CSV are there"
        ) from None
    return pa


def _arrow_type(library: Any, name: str) -> Any:
    if name.endswith("[]"):
        return library.list_(_arrow_type(library, name[:-2]))
    kinds = {
        "int2": library.int16(),
        "int4": library.int32(),
        "int8": library.int64(),
        "float4": library.float32(),
        "float8": library.float64(),
        "bool": library.bool_(),
        "timestamptz": library.timestamp("us", tz="UTC"),
    }
    return kinds.get(name, library.string())


def _arrow_batch(page: Page) -> Any:
    library = pyarrow()
    columns = []
    for place, kind in enumerate(page.types):
        values = [row[place] for row in page.rows]
        if kind in ("json", "jsonb"):
            values = [None if value is None else orjson.dumps(value).decode() for value in values]
        columns.append(library.array(values, _arrow_type(library, kind)))
    return library.record_batch(columns, names=list(page.columns))


def _arrow_table(page: Page) -> Iterator[bytes]:
    library = pyarrow()
    batch = _arrow_batch(page)
    sink = library.BufferOutputStream()
    with library.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    yield sink.getvalue().to_pybytes()


def _parquet_table(page: Page) -> Iterator[bytes]:
    library = pyarrow()
    sink = library.BufferOutputStream()
    library.parquet.write_table(library.Table.from_batches([_arrow_batch(page)]), sink)
    yield sink.getvalue().to_pybytes()
