"""SQL lives in .sql, with a name and, where the name does not say it all, a sentence."""

import re
from pathlib import Path

import pytest

from hdqm_ops.load import _sql

ROOM = Path(_sql.__file__).parent
STATEMENT = re.compile(rb"^(WITH|SELECT|INSERT|UPDATE|DELETE|COPY|CREATE|ANALYZE)\b", re.MULTILINE)
FILES = sorted((ROOM / "queries").glob("*.sql"))


def names(path):
    return re.findall(r"^-- ([a-z_]+) --$", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_names_are_unique_and_queries_are_not_empty(path):
    found = names(path)

    assert len(set(found)) == len(found) > 0
    for name in found:
        assert re.search(
            rb"^(WITH|SELECT|INSERT|UPDATE|DELETE|COPY|CREATE|ANALYZE)\b", _sql.query(path.stem, name), re.MULTILINE
        )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_query_is_used(path):
    code = "".join(module.read_text() for module in ROOM.glob("*.py"))
    spelled = {name: re.sub("(definition|element)_set$", "{kind}", name) for name in names(path)}

    assert [name for name, spelling in spelled.items() if f'"{name}"' not in code and f'"{spelling}"' not in code] == []


def test_migrations_are_where_the_program_looks():
    assert (_sql.sql_folder() / "migrations" / "0001_vocabulary.sql").is_file()
