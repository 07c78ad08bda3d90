"""Airflow on this machine: its four components, their environment and files. Its programs are run, never imported."""

import base64
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from hdqm_ops.errors import HdqmError, MissingTool
from hdqm_ops.local._client import AirflowClient, airflow_health
from hdqm_ops.local._component import Component
from hdqm_ops.local._database import NamedDatabase
from hdqm_ops.local._postgres import Postgres
from hdqm_ops.local._process import tail
from hdqm_ops.local._secrets import Secrets, write_private
from hdqm_ops.local._sql import airflow_schema
from hdqm_ops.settings import Settings, as_environment, shipped

__all__ = ["Airflow"]

USER = "admin"
# Named by the Dags. A backfill may fill the first; the other, and the room beside the pools, is for what cannot wait.
_BULK = ("hdqm_load", "Tasks that load what is asked for in bulk; `hdqm up` sets its size to HDQM_AIRFLOW_TASKS")
_FRESH = ("hdqm_fresh", "Tasks that load files that have just come")
_FRESH_TASKS = 1
_BESIDE = 1
"""Tasks at once in no pool of ours: they plan, add up, ask OMS."""

# Tasks are forks of the scheduler: what it has imported, none of them imports again (1.2 s a task otherwise).
_LOCAL_SETTINGS = '''\
"""Imports once, in the scheduler, what its tasks need. Written anew at every start."""

import sys

if "scheduler" in sys.argv:
    import hdqm_airflow.prefork
'''


class Airflow:
    """The Airflow of one state folder.

    Args:
        settings: state folder, port, tasks at once.
        database: where the Dags write (their connection ``hdqm_db``), and Airflow keeps what it knows of itself.
    """

    def __init__(self, settings: Settings, database: Postgres | NamedDatabase) -> None:
        self._settings = settings
        self._database = database
        self._stack_home = settings.home.absolute()
        self._home = self._stack_home / "airflow"
        self._secrets = Secrets(self._stack_home)

    @property
    def address(self) -> str:
        """Of the UI and the API."""
        return f"http://127.0.0.1:{self._settings.airflow_port}"

    @property
    def password(self) -> str:
        """Of the user ``admin``."""
        return self._password(USER)

    def _password(self, user: str) -> str:
        secret = "airflow_admin" if user == USER else f"airflow_user_{user}"
        return self._secrets[secret][:20]  # people type it

    def client(self, user: str = USER) -> AirflowClient:
        """A client with the rights of a user; by default with all."""
        return AirflowClient(self.address, user, self._password(user))

    def components(self) -> list[Component]:
        """The four, in the order in which they start; they are stopped in the opposite one.

        The scheduler stops first: it waits for its tasks, and these need the api-server.
        """
        port = (self._settings.airflow_port, "HDQM_AIRFLOW_PORT")
        skip = "--skip-serve-logs"  # those servers would listen on all interfaces; the api-server reads the files
        return [
            self._component("api-server", "metadatabase", self.address, port=port),
            self._component("dag-processor", "dag_processor", f"reads {dags_folder()}"),
            self._component("triggerer", "triggerer", "waits for events", skip),
            self._component(
                "scheduler", "scheduler", f"{self._settings.airflow_tasks} tasks at once", skip, patience_s=60
            ),
        ]

    def _component(
        self,
        name: str,
        part: str,
        where: str,
        *arguments: str,
        patience_s: float = 20,
        port: tuple[int, str] | None = None,
    ) -> Component:
        return Component(
            name=name,
            home=self._stack_home,
            command=(str(_airflow()), name, *arguments),
            environment=self.environment,
            where=where,
            ailment=lambda began: self._ailment(part, began),
            patience_s=patience_s,
            port=port,
        )

    def _ailment(self, part: str, began: datetime) -> str:
        """What a part lacks: a heartbeat since it began and the database did, not one of the time before a crash."""
        health = airflow_health(self.address)
        if not health:
            return "the api-server does not answer"
        facts = health.get(part, {})
        beat = facts.get(f"latest_{part}_heartbeat")
        if facts.get("status") != "healthy":
            return f"unhealthy, last heartbeat {beat or 'never'}"
        since = max(began, self._database.began or began)
        return "starting" if beat and datetime.fromisoformat(beat) < since else ""

    # -- before they start ---------------------------------------------------------------------------------------------

    def prepare(self, say: Callable[[str], None]) -> None:
        """Write its files and bring its database up to date.

        Raises:
            MissingTool: Airflow is not installed.
            HdqmError: its database cannot be migrated; with the end of the log.
        """
        if not _airflow().exists():
            raise MissingTool(f"Airflow is not installed beside {sys.executable}: pip install 'hdqm-ops[airflow]'")
        (self._home / "config").mkdir(parents=True, exist_ok=True)
        (self._home / "config" / "airflow_local_settings.py").write_text(_LOCAL_SETTINGS)
        write_private(self._passwords, json.dumps({user: self._password(user) for user in self._users}))
        self._migrate(say)

    def finish(self) -> None:
        """Set up what needs the running api-server."""
        client = self.client()
        client.prepare_for_tasks()
        for (name, told), slots in ((_BULK, self._settings.airflow_tasks), (_FRESH, _FRESH_TASKS)):
            client.set_pool(name, slots, told)

    @property
    def _users(self) -> dict[str, str]:
        """Role of each user."""
        return {**self._settings.airflow_users, USER: "admin"}

    @property
    def _passwords(self) -> Path:
        return self._home / "passwords.json"

    def _migrate(self, say: Callable[[str], None]) -> None:
        """``airflow db migrate``, which takes seven seconds also when there is nothing to do: so only when there is."""
        note = self._home / "migrated"
        version = importlib.metadata.version("apache-airflow-core")
        if note.exists() and note.read_text() == f"{version} {airflow_schema(self._database.airflow_url)}":
            return
        say(f"setting up the database of Airflow {version}")
        log = self._stack_home / "log" / "airflow-migrate.log"
        with log.open("wb") as output:
            command = [str(_airflow()), "db", "migrate"]
            done = subprocess.run(
                command, check=False, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self.environment()
            )
        if done.returncode != 0:
            raise HdqmError(f"airflow db migrate ended with {done.returncode}; the end of {log}:\n{tail(log)}")
        note.write_text(f"{version} {airflow_schema(self._database.airflow_url)}")

    # -- environment ---------------------------------------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        """All that its processes get: ours over the user's, without what the user set for another Airflow."""
        foreign = ("AIRFLOW__", "_AIRFLOW__", "AIRFLOW_HOME", "AIRFLOW_CONFIG")
        inherited = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
        return {**inherited, **as_environment(self._settings), **_MACHINE, **self._where(), **self._keys()}

    def _where(self) -> dict[str, str]:
        """Folders and addresses."""
        bundle = {
            "name": "hdqm",
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(dags_folder())},
        }
        direct = ",".join(filter(None, (os.environ.get("no_proxy"), "127.0.0.1,localhost")))
        return {
            "no_proxy": direct,  # tasks ask the api-server
            "NO_PROXY": direct,
            "PATH": os.pathsep.join((str(_airflow().parent), os.environ.get("PATH", os.defpath))),
            "AIRFLOW_HOME": str(self._home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder()),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
            "AIRFLOW__API__PORT": str(self._settings.airflow_port),
            "AIRFLOW__API__BASE_URL": self.address,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.address}/execution/",
            "AIRFLOW__CORE__PARALLELISM": str(self._settings.airflow_tasks + _FRESH_TASKS + _BESIDE),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
                f"{user}:{role}" for user, role in self._users.items()
            ),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self._passwords),
        }

    def _keys(self) -> dict[str, str]:
        """Secrets and addresses that hold some; the same in all components, so none makes its own."""
        fernet = hashlib.sha256(self._secrets["airflow_fernet"].encode()).digest()
        metadata = self._database.airflow_url.replace("://", "+psycopg2://", 1)
        return {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata.replace("$", "%24"),  # Airflow would expand it
            "AIRFLOW_CONN_HDQM_DB": self._database.writer_url,
            "AIRFLOW_CONN_HDQM_READER": self._database.reader_url,
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(fernet).decode(),
            "AIRFLOW__API__SECRET_KEY": self._secrets["airflow_session"],
            "AIRFLOW__API_AUTH__JWT_SECRET": self._secrets["airflow_tokens"],
        }


# The same on every machine.
_MACHINE = {
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",  # paused consumers drop asset events for ever
    "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",  # the Test button of the forms of connections
    "AIRFLOW__API__HOST": "127.0.0.1",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",  # a new Dag file is noticed after so many seconds
    # One that did not change is not read again so often (30 s by default), which is a tenth of a core for ours.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
    # A quarter of short tasks would hold their slot for 5 s after their end (a race in the supervisor of 3.3.2).
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    # The scheduler looks for what to do next so often (1 s by default): each step of a Dag run waits for it.
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "SCARF_ANALYTICS": "false",
    # Tasks are the parallel part: one thread in each, and no pool of them in a scheduler that forks.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def dags_folder() -> Path:
    """The Dags of the checkout, else those of the wheel."""
    return shipped("dags")


def _airflow() -> Path:
    """The program that stands beside this Python, whether the virtual environment is activated or not."""
    return Path(sys.executable).parent / "airflow"
