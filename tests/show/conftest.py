"""A filled database, and what a dashboard would ask it."""

import os
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from browser import Page
from filled_database import fill
from psycopg.conninfo import conninfo_to_dict
from serving import grafana_of, running

from hdqm_ops import load
from hdqm_ops.local._grafana import find_grafana
from hdqm_ops.show import site_folder, write_site

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


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


# -- a real Grafana and a real browser ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def reader_url(filled):
    """Address of the filled database for a login of the role of Grafana."""
    with psycopg.connect(filled, autocommit=True) as owner:
        owner.execute("ALTER ROLE hdqm_reader LOGIN PASSWORD 'for-this-test'")
    facts = conninfo_to_dict(filled)
    return f"postgresql://hdqm_reader:for-this-test@{facts['host']}:{facts['port']}/{quote(str(facts['dbname']))}"


@pytest.fixture(scope="session")
def installation():
    """The Grafana of this machine."""
    named = os.environ.get("HDQM_GRAFANA_HOME")
    found = find_grafana(Path(named) if named else None)
    if found is None:
        pytest.skip("no Grafana: set HDQM_GRAFANA_HOME to a folder with bin/grafana, public/ and conf/")
    return found


@dataclass(frozen=True)
class Reader:
    """A database of which only this login is known."""

    reader_login: str
    knows_reader: bool = True


@pytest.fixture(scope="session")
def reader_login(reader_url):
    """The filled database, as far as a Grafana knows it."""
    return Reader(reader_url)


@pytest.fixture(scope="session")
def grafana(installation, reader_login):
    """A Grafana over the filled database."""
    with grafana_of(installation, reader_login) as (server, home):
        server.prepare()
        write_site(site_folder(home), ["HCAL", "Pixel"])
        with running(server.component()):
            yield server


@pytest.fixture(scope="session")
def chromium():
    """A headless browser that talks to nobody by itself."""
    if CHROMIUM is None:
        pytest.skip("no chromium: apt install chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        yield browser
        browser.close()


@pytest.fixture
def browse(grafana, chromium):
    """Open a page of Grafana: ``browse("/d/hdqm-home")``."""
    context = chromium.new_context(viewport={"width": 1600, "height": 1000})
    pages = []

    def open_page(path):
        pages.append(Page(context.new_page(), grafana.address))
        return pages[-1].open(path)

    yield open_page
    context.close()


@pytest.fixture(scope="session")
def empty_grafana(installation, reader_login):
    """A Grafana that nothing is provisioned into, and that asks anew what an account may each time."""
    with grafana_of(installation, reader_login) as (server, home):
        component = replace(
            server.component(), environment=lambda: {**server.environment(), "GF_RBAC_PERMISSION_CACHE": "false"}
        )
        for name in ("alerting", "dashboards", "datasources", "plugins"):
            (home / "grafana" / "provisioning" / name).mkdir(parents=True)
        (home / "grafana" / "plugins").mkdir()
        with running(component, 120):
            yield server
