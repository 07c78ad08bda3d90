"""SQL lives in .sql, with a name and, where the name does not say it all, a sentence."""

import re
from pathlib import Path

import pytest

from hdqm_ops.load import _sql

ROOM = Path(_sql.__file__).parent
STATEMENT = re.compile(rb"^(WITH|SELECT|INSERT|UPDATE|DELETE|COPY|CREATE|ANALYZE|LOCK|SET|CALL)\b", re.MULTILINE)
FILES = sorted((ROOM / "queries").glob("*.sql"))


def names(path):
    return re.findall(r"^-- ([a-z_]+) --$", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_names_are_unique_and_queries_are_not_empty(path):
    found = names(path)

    assert len(set(found)) == len(found) > 0
    for name in found:
        assert re.search(
            rb"^(WITH|SELECT|INSERT|UPDATE|DELETE|COPY|CREATE|ANALYZE|LOCK|SET|CALL)\b",
            _sql.query(path.stem, name),
            re.MULTILINE,
        )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_query_is_used(path):
    rooms = (ROOM, ROOM.parent / "api")  # the API names what it asks
    code = "".join(module.read_text() for room in rooms for module in room.glob("*.py"))
    composed = [re.sub(r"{[^}]*}", "[a-z_]+", text) for text in re.findall(r'f"([a-z_]*{[^}"]*}[a-z_]*)"', code)]

    unused = [
        name
        for name in names(path)
        if f'"{name}"' not in code
        and not any(re.fullmatch(pattern, name) for pattern in composed if pattern != "[a-z_]+")
    ]
    assert unused == []


def test_migrations_are_where_the_program_looks():
    assert (_sql.sql_folder() / "migrations" / "0001_vocabulary.sql").is_file()
