"""One stack for all of these tests: the embedded TimescaleDB and Airflow's four components, on ports of their own."""

import shutil
import socket
from pathlib import Path

import pytest

from hdqm_ops import local
from hdqm_ops.local import _airflow
from hdqm_ops.settings import Settings

HERE = Path(__file__).parent


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def stack_settings(tmp_path_factory):
    top = tmp_path_factory.mktemp("stack")
    incoming = top / "incoming"  # where the watcher looks
    incoming.mkdir()
    ports = {f"{part}_port": _free_port() for part in ("db", "airflow", "grafana")}
    return Settings(home=top / "home", files=(str(incoming),), watch_s=2, airflow_tasks=2, **ports)


@pytest.fixture(scope="session")
def stack(stack_settings, tmp_path_factory):
    """The stack, with our Dags and those of the tests; up when a test begins, unless one before took it down."""
    dags = tmp_path_factory.mktemp("dags")
    for folder in (HERE.parents[1] / "dags", HERE / "dags"):
        shutil.copytree(folder, dags, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    # Airflow only opens files in which it finds the words airflow and dag.
    (dags / "hdqm_broken.py").write_text("raise RuntimeError('this airflow dag is broken on purpose')\n")
    stack = local.Stack(stack_settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_airflow, "dags_folder", lambda: dags)
        try:
            stack.up()
            yield stack
        finally:
            stack.down()
            local.Postgres(stack_settings).destroy()
