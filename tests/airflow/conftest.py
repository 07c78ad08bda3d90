"""One stack for all of these tests: the embedded TimescaleDB and Airflow's four components, on ports of their own."""

import os
import shutil
import time
from pathlib import Path

import pytest
from ports import free_port

from hdqm_ops import config, local, reduce, simulate
from hdqm_ops.local import _airflow
from hdqm_ops.pipeline import config_roots
from hdqm_ops.settings import Settings

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def stack_settings(tmp_path_factory):
    top = tmp_path_factory.mktemp("stack")
    incoming = top / "incoming"  # where the watcher looks
    incoming.mkdir()
    ports = {f"{part}_port": free_port() for part in ("db", "airflow", "grafana", "api")}
    ports["airflow_users"] = {"viewer": "viewer", "user": "user", "operator": "op"}
    return Settings(home=top / "home", files=(str(incoming),), watch_s=2, task_pause_s=1, airflow_tasks=2, **ports)


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


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """The files of one run, of which one is broken."""
    trends = config.read_tree(config_roots(Settings()), reduce.catalogue()).trends
    folder = tmp_path_factory.mktemp("dqm")
    folder.chmod(0o755)
    made = simulate.simulate_dqm(trends, folder, simulate.Scenario("test", (324791,), 3, 2, distractors=5))
    long_ago = time.time() - 7200
    for file in made:
        os.utime(file.path, (long_ago, long_ago))
    return folder
