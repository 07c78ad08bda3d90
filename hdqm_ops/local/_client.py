"""Airflow through its REST API, as far as the stack, the demo and tests need it."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests

from hdqm_ops.errors import HdqmError, TryAgain

__all__ = ["AirflowClient", "airflow_health"]

_TIMEOUT_S = 60
_FIRST_S = 180  # three seconds where nothing else is done; twenty were seen
_FINISHED = ("success", "failed")


def _tell_nobody(_line: str) -> None:
    """Stand in for a listener."""


def airflow_health(address: str) -> dict[str, dict[str, str | None]]:
    """What the Airflow at that address says of its parts; empty while nobody answers. Needs no login."""
    try:
        answer = _send("GET", f"{address}/api/v2/monitor/health")
    except requests.RequestException:
        return {}
    return dict(answer.json()) if answer.ok else {}


class AirflowClient:
    """A client of the local Airflow.

    Args:
        address: ``http://127.0.0.1:8080``.
        user: login name.
        password: its password.
    """

    def __init__(self, address: str, user: str, password: str) -> None:
        self.address = address
        self._login = {"username": user, "password": password}
        self._headers: dict[str, str] = {}

    # -- Dag runs ------------------------------------------------------------------------------------------------------

    def await_dag(self, dag_id: str, timeout_s: float = 120) -> None:
        """Wait until Airflow has read a Dag; a new one takes some seconds.

        Raises:
            HdqmError: its file cannot be imported, it is paused, or it does not come.
        """
        deadline = time.monotonic() + timeout_s
        while (dag := self._ask("GET", f"dags/{dag_id}", missing_is_none=True)) is None:
            broken = self._broken_files()
            if f"{dag_id}.py" in broken:
                raise HdqmError(f"{dag_id}.py cannot be imported:\n{broken[f'{dag_id}.py']}")
            if time.monotonic() > deadline:
                others = f"; cannot be imported: {', '.join(broken)}" if broken else ""
                raise HdqmError(f"Airflow at {self.address} has read no Dag {dag_id} in {timeout_s:.0f} s{others}")
            time.sleep(1)
        if dag["is_paused"]:
            raise HdqmError(f"the Dag {dag_id} is paused: unpause it at {self.address}/dags/{dag_id}")

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Start a run of a Dag with these parameters, once Airflow has read the Dag.

        Returns:
            Id of the run.
        """
        self.await_dag(dag_id)
        run = self._ask("POST", f"dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": dict(conf)})
        return str(run["dag_run_id"])

    def wait(self, dag_id: str, run_id: str, timeout_s: float = 900, say: Callable[[str], None] = _tell_nobody) -> str:
        """Wait until a run has finished.

        Args:
            dag_id: its Dag.
            run_id: id of the run.
            timeout_s: how long to wait.
            say: is told how far it is whenever that changes.

        Returns:
            ``success`` or ``failed``.

        Raises:
            TryAgain: it has not finished in time; it goes on.
        """
        deadline = time.monotonic() + timeout_s
        told = ""
        while (state := self.dag_run(dag_id, run_id)["state"]) not in _FINISHED:
            now = self._progress(dag_id, run_id)
            if now != told:
                say(f"{dag_id}: {now or state}")
                told = now
            if time.monotonic() > deadline:
                raise TryAgain(f"the run {run_id} of {dag_id} has not finished in {timeout_s:.0f} s: {now or state}")
            time.sleep(1)
        return str(state)

    def dag_run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """What Airflow tells of a run."""
        return dict(self._ask("GET", f"dags/{dag_id}/dagRuns/{run_id}"))

    def failed_tasks(self, dag_id: str, run_id: str) -> list[str]:
        """Task instances of a run that failed, as ``task``, or ``task[label]`` where it is mapped."""
        instances = self.task_instances(dag_id, run_id)
        return [_name(one) for one in instances if one["state"] in ("failed", "upstream_failed")]

    def task_log(self, dag_id: str, run_id: str, task: Mapping[str, Any]) -> list[str]:
        """What a task instance said in its last try, line by line."""
        where = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
        answer = self._ask("GET", where, params={"map_index": task["map_index"], "full_content": "true"})
        said: list[str] = []
        for line in answer["content"]:
            said.append(line["event"])
            said += [f"{one['exc_type']}: {one['exc_value']}" for one in line.get("error_detail") or ()]
        return said

    def clear(self, dag_id: str, run_id: str, *task_ids: str) -> None:
        """Let tasks of a run be done once more; without names, those that failed and what waited for them."""
        wish = {"dry_run": False, "dag_run_id": run_id, "only_failed": not task_ids, "reset_dag_runs": True}
        if task_ids:
            wish["task_ids"] = list(task_ids)
        self._ask("POST", f"dags/{dag_id}/clearTaskInstances", json=wish)

    def _broken_files(self) -> dict[str, str]:
        """Dag files that cannot be imported, and why."""
        return {
            Path(one["filename"]).name: one["stack_trace"] for one in self._ask("GET", "importErrors")["import_errors"]
        }

    def _progress(self, dag_id: str, run_id: str) -> str:
        """``plan success, ingest 3 running, 2 success``."""
        counts: dict[str, Counter[str]] = {}
        for one in self.task_instances(dag_id, run_id):
            counts.setdefault(one["task_id"], Counter())[one["state"] or "waiting"] += 1
        return "; ".join(f"{task}: {_counted(states)}" for task, states in counts.items())

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """What Airflow tells of each task instance of a run, in the order in which they began."""
        found: list[dict[str, Any]] = []
        while True:
            where = {"limit": 100, "offset": len(found), "order_by": "id"}
            page = self._ask("GET", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances", params=where)
            found += page["task_instances"]
            if len(found) >= page["total_entries"] or not page["task_instances"]:
                return sorted(found, key=lambda one: (one["start_date"] or "9", one["map_index"]))

    # -- the rest ------------------------------------------------------------------------------------------------------

    def prepare_for_tasks(self) -> None:
        """Let the api-server make the half of its API that tasks talk to.

        It does so with the first request there, and takes seconds: the first task of each stack would wait for it.
        """
        self._send("GET", "execution/health", timeout=_FIRST_S)

    def set_pool(self, name: str, slots: int, description: str) -> None:
        """Make a pool, or give it this size."""
        pool = {"name": name, "slots": slots, "description": description}
        found = self._ask("GET", f"pools/{name}", missing_is_none=True)
        if found is None:
            self._ask("POST", "pools", json=pool)
        elif found["slots"] != slots:
            self._ask("PATCH", f"pools/{name}", json={**pool, "include_deferred": found["include_deferred"]})

    def set_connection(self, connection: Mapping[str, Any]) -> None:
        """Make a connection, or bring it up to date; one whose description is another belongs to somebody else."""
        document = {**connection, "extra": json.dumps(connection.get("extra") or {})}
        path = f"connections/{connection['connection_id']}"
        found = self._ask("GET", path, missing_is_none=True)
        if found is None:
            self._ask("POST", "connections", json=document)
        elif found["description"] == connection["description"]:
            self._ask("PATCH", path, json=document)

    def _ask(self, method: str, path: str, *, missing_is_none: bool = False, **arguments: Any) -> Any:
        """The JSON of an answer; logs in when that is needed."""
        if not self._headers:
            self._log_in()
        answer = self._send(method, f"api/v2/{path}", **arguments)
        if answer.status_code == requests.codes.unauthorized:  # the token has expired
            self._log_in()
            answer = self._send(method, f"api/v2/{path}", **arguments)
        if answer.status_code == requests.codes.not_found and missing_is_none:
            return None
        return self._understood(answer)

    def _log_in(self) -> None:
        token = self._understood(self._send("POST", "auth/token", json=self._login))["access_token"]
        self._headers = {"Authorization": f"Bearer {token}"}

    def _send(self, method: str, path: str, **arguments: Any) -> requests.Response:
        try:
            return _send(method, f"{self.address}/{path}", headers=self._headers, **arguments)
        except requests.RequestException as error:
            raise TryAgain(
                f"Airflow at {self.address} does not answer ({type(error).__name__}): hdqm status"
            ) from error

    @staticmethod
    def _understood(answer: requests.Response) -> Any:
        if not answer.ok:
            raise HdqmError(f"Airflow refused {answer.request.method} {answer.url}: {answer.status_code} {answer.text}")
        return answer.json()


def _send(method: str, address: str, **arguments: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False  # loopback: no proxy, no .netrc
        return session.request(method, address, **{"timeout": _TIMEOUT_S, **arguments})


def _name(instance: Mapping[str, Any]) -> str:
    if instance["map_index"] < 0:
        return str(instance["task_id"])
    return f"{instance['task_id']}[{instance.get('rendered_map_index') or instance['map_index']}]"


def _counted(states: Counter[str]) -> str:
    if list(states.values()) == [1]:
        return next(iter(states))
    return ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
