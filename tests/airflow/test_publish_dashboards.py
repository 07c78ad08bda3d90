"""The Dag that publishes dashboards: when the configuration changed, and into the Grafana of a connection."""

import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from serving import serving

from hdqm_ops import config, pipeline, reduce, show, simulate
from hdqm_ops.settings import Settings

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def one_run(tmp_path_factory):
    """The files of one run."""
    trends = config.read_tree(pipeline.config_roots(Settings()), reduce.catalogue()).trends
    folder = tmp_path_factory.mktemp("dqm")
    folder.chmod(0o755)
    for file in simulate.simulate_dqm(trends, folder, simulate.Scenario("test", (324791,), 2, 0, distractors=2)):
        long_ago = time.time() - 7200
        os.utime(file.path, (long_ago, long_ago))
    return folder


def test_a_changed_configuration_renews_the_pages_of_subsystems(stack, stack_settings, one_run):
    """Under the true scheduler: the first ingest makes the configuration known, and so the pages."""
    stack.up()
    folder = show.site_folder(stack_settings.home)
    folder.mkdir(parents=True, exist_ok=True)  # as `hdqm up` makes it where a Grafana is installed
    for old in folder.glob("*.json"):
        old.unlink()
    airflow = stack.airflow()
    forget_configuration(stack_settings)

    run = airflow.trigger("hdqm_ingest", {"files": [str(one_run)], "subsystems": ["Pixel"]})
    assert airflow.wait("hdqm_ingest", run, timeout_s=300) == "success"

    deadline = time.monotonic() + 300
    while not (folder / "hdqm-trends-Pixel.json").exists():
        assert time.monotonic() < deadline, "the Dag did not run"
        time.sleep(1)


def forget_configuration(settings):
    """Let the next ingest find something that is new."""
    import psycopg

    from hdqm_ops.local import Postgres

    with psycopg.connect(Postgres(settings).url) as owner:
        owner.execute("UPDATE hdqm.trend SET title = 'as it was before'")


class Refusing(BaseHTTPRequestHandler):
    """A Grafana that does not take the token."""

    tokens: ClassVar[list[str]] = []

    def do_GET(self):
        self.tokens.append(self.headers["Authorization"])
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"message": "Invalid API key"}')

    def log_message(self, *words):
        pass


@pytest.fixture
def refusing():
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Refusing)) as server:
        yield f"http://127.0.0.1:{server.server_port}"


def test_the_connection_names_grafana_and_a_refused_token_is_no_passing_fault(monkeypatch, refusing, tmp_path, db):
    from hdqm_airflow.connections import grafana_settings
    from hdqm_ops.errors import AuthenticationFailed, ConfigError

    connection = {"conn_type": "http", "host": refusing, "password": "a-token"}
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("HDQM_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW_CONN_HDQM_GRAFANA", json.dumps(connection))
    monkeypatch.setenv("AIRFLOW_CONN_HDQM_DB", as_address(db))

    settings = grafana_settings()

    assert settings.grafana_url == refusing
    assert pipeline.has_grafana(settings)
    with pytest.raises(AuthenticationFailed, match="give its token") as caught:
        pipeline.renew_dashboards(settings)
    assert isinstance(caught.value, ConfigError)  # which the Dag does not try again
    assert Refusing.tokens[-1] == "Bearer a-token"


def test_without_a_grafana_there_is_nothing_to_do(tmp_path):

    assert not pipeline.has_grafana(Settings(home=tmp_path, grafana_url=None, grafana_token=None))
    assert not pipeline.has_grafana(Settings(home=tmp_path, grafana_url="http://grafana", grafana_token=None))


def as_address(db):
    from psycopg.conninfo import conninfo_to_dict

    return "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**conninfo_to_dict(db))
