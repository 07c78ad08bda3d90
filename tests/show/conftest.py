"""A filled database, and what a dashboard would ask it."""

import re

import psycopg
import pytest
from filled_database import fill

from hdqm_ops import load


@pytest.fixture(scope="session")
def filled(make_database):
    """Address of a filled database."""
    with make_database() as url:
        load.migrate(url)  # not a copy of one that was migrated: rights on a database are not copied
        fill(url)
        yield url


@pytest.fixture
def reader(filled):
    """A connection as the role of Grafana."""
    with load.connect(filled, role=None) as connection:
        connection.execute("SET ROLE hdqm_reader")
        connection.execute("SET default_transaction_read_only = on")
        yield connection


@pytest.fixture
def ask(reader):
    """Rows of a query as dictionaries."""

    def rows(sql, *arguments):
        with reader.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute(sql, arguments).fetchall()

    return rows


def sqlstring(value):
    """What Grafana's format of that name makes of a value."""
    if isinstance(value, (list, tuple)):
        return ",".join(sqlstring(item) for item in value)
    text = str(value).replace("'", "''").replace('"', '\\"')
    return f"'{text}'"


@pytest.fixture(scope="session")
def filled_in():
    """Fill in variables and macros as Grafana does."""

    def fill_in(sql, values):
        sql = sql.replace("$__timeFrom()", "'2018-01-01T00:00:00Z'").replace("$__timeTo()", "'2100-01-01T00:00:00Z'")
        assert "$" not in re.sub(r"\$\{\w+:sqlstring\}", "", sql), sql
        return re.sub(r"\$\{(\w+):sqlstring\}", lambda found: sqlstring(values[found[1]]), sql)

    return fill_in
