"""An Airflow that runs Dags one after another in one process of its own: starting it takes longer than a Dag does."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

DAGS = Path(__file__).parents[1] / "dags"

# Dags try a failed task again after a minute; here the next line does.
_PROGRAM = """
import json, os, sys
from airflow.utils import db
db.initdb()
from airflow.dag_processing.dagbag import DagBag
dags = DagBag(sys.argv[1]).dags
empty = {name: dag.params.dump() for name, dag in dags.items()}  # a test run leaves its form in the Dag
print("READY", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    os.environ.update(asked["environment"])
    dag = dags[asked["dag"]]
    for task in dag.tasks:
        task.retries = 0
    run = dag.test(run_conf={**empty[asked["dag"]], **asked["form"]})
    states = [str(one.state) for one in run.get_task_instances()]
    print("\\nSTATE", run.state.value, *states, flush=True)
"""


class DagProcess:
    """Runs Dags by name, each with the environment that it is to see."""

    def __init__(self, home, environment):
        self._log = []
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(DAGS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=home,
            env={**os.environ, **_airflow(home), **environment},
        )
        self._until("READY")

    def run(self, dag, form, **environment):
        """The states of the run and of its tasks (``success success``), and what was logged."""
        self._process.stdin.write(json.dumps({"dag": dag, "form": form, "environment": environment}) + "\n")
        self._process.stdin.flush()
        return self._until("STATE ")

    def stop(self):
        self._process.stdin.close()
        try:
            self._process.wait(timeout=300)
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()

    def _until(self, mark):
        lines = []
        for line in self._process.stdout:
            if line.startswith(mark):
                return line.removeprefix(mark).strip(), "".join(lines)
            lines.append(line)
        raise AssertionError("".join(lines)[-4000:])


@contextmanager
def dag_process(home, **environment):
    process = DagProcess(home, environment)
    try:
        yield process
    finally:
        process.stop()


def database_address(conninfo):
    """A connection string as Airflow reads it."""
    facts = conninfo_to_dict(conninfo)
    login = f"{facts['user']}:{facts['password']}@" if "password" in facts else f"{facts['user']}@"
    return f"postgresql://{login}{facts['host']}:{facts['port']}/{facts['dbname']}"


def _airflow(home):
    return {
        "AIRFLOW_HOME": str(home / "airflow"),
        "HDQM_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
