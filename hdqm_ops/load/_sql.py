"""Where the SQL is: migrations and roles in ``sql/``, the named queries of this room in ``queries/``."""

import re
from functools import cache
from pathlib import Path

from hdqm_ops.settings import shipped

__all__ = ["query", "sql_folder"]

_QUERIES = Path(__file__).parent / "queries"
_HEADING = re.compile(r"^-- (?P<name>[a-z_]+) --$", re.MULTILINE)


def sql_folder() -> Path:
    """The folder ``sql``: that of the checkout, else the copy that the wheel carries."""
    return shipped("sql")


@cache
def query(file: str, name: str) -> bytes:
    """One named query of ``queries/<file>.sql``; bytes, because it is no literal of the program."""
    return _queries(file)[name]


@cache
def _queries(file: str) -> dict[str, bytes]:
    parts = _HEADING.split((_QUERIES / f"{file}.sql").read_text(encoding="utf-8"))
    return {name: text.strip().encode() for name, text in zip(parts[1::2], parts[2::2], strict=True)}
