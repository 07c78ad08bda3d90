"""What the plugin costs those who never show a page: scheduler, triggerer, Dag processor, workers."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.airflow

# What every component has imported before it comes to plugins.
LOAD = """
import sys
import airflow.settings, airflow.plugins_manager, airflow.timetables.base, airflow.exceptions, pendulum
before = set(sys.modules)
from airflow import plugins_manager
plugins, errors = plugins_manager._get_plugins()
assert "hdqm" in {one.name for one in plugins}, errors
came = set(sys.modules) - before
print(*sorted(name for name in came if name.partition(".")[0] in sys.argv[1].split()), sep="\\n")
"""

HEAVY = (
    "numpy scipy uproot pandas psycopg psycopg_pool iminuit fastapi starlette jinja2 httpx pydantic_settings "
    "hdqm_ops hdqm_airflow"
)


def test_loading_the_plugin_imports_three_small_modules(tmp_path):
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
    }

    done = subprocess.run(
        [sys.executable, "-c", LOAD, HEAVY], env=environment, capture_output=True, text=True, timeout=300
    )

    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["hdqm_airflow.dag_runs", "hdqm_airflow.plugin", "hdqm_airflow.timetable"]
