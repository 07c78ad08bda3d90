"""Tells HDQM's database of each run of its Dags, so that dashboards show them beside what came of them.

Airflow calls this in its scheduler, where the state of a Dag run changes. It imports what it needs with the first call.
"""

import logging
from collections.abc import Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.listeners import hookimpl

if TYPE_CHECKING:
    from hdqm_ops.load import DagRun

__all__ = ["DagRunTeller"]

log = logging.getLogger(__name__)

_OURS = "hdqm_"  # how ids of our Dags begin
_PAUSE_S = 60  # after a database that did not answer: the scheduler must not wait for it again and again
_CATCH_UP = 500  # Dag runs that are told of again after a silence


class DagRunTeller:
    """A listener. What could not be told, because the database or the scheduler was away, is told with the next one."""

    def __init__(self) -> None:
        self._behind = True
        self._silent_until = 0.0

    @hookimpl
    def on_dag_run_running(self, dag_run: Any, msg: str) -> None:  # noqa: ARG002 - Airflow names the arguments
        """It began."""
        self._tell(dag_run)

    @hookimpl
    def on_dag_run_success(self, dag_run: Any, msg: str) -> None:  # noqa: ARG002
        """All went well."""
        self._tell(dag_run)

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:  # noqa: ARG002
        """A task failed, or time was up."""
        self._tell(dag_run)

    def _tell(self, dag_run: Any) -> None:
        if not dag_run.dag_id.startswith(_OURS):
            return
        if monotonic() < self._silent_until:
            self._behind = True
            return
        try:
            _record([*(_before() if self._behind else ()), _facts(dag_run)])
            self._behind = False
        except Exception as error:  # noqa: BLE001 - whatever it is, scheduling goes on
            self._behind = True
            self._silent_until = monotonic() + _PAUSE_S
            log.warning("Dag runs are not told to HDQM's database for %s s: %s", _PAUSE_S, error)


def _record(runs: "list[DagRun]") -> None:
    from airflow.sdk import BaseHook

    from hdqm_ops import load

    url = BaseHook.get_connection("hdqm_db").get_uri()
    load.record_dag_runs(url, runs, airflow_url=_airflow())


def _before() -> "Iterator[DagRun]":
    """What Airflow knows of our Dag runs, the newest ones.

    Over a session of its own: that of the scheduler is in the middle of its work.
    """
    from airflow import settings
    from airflow.models.dagrun import DagRun as Known
    from sqlalchemy import select

    ours = select(Known).where(Known.dag_id.startswith(_OURS, autoescape=True))
    with settings.NonScopedSession() as session:
        newest = session.scalars(ours.order_by(Known.updated_at.desc()).limit(_CATCH_UP)).all()
        yield from [_facts(run) for run in reversed(newest)]


def _facts(dag_run: Any) -> "DagRun":
    from hdqm_ops.load import DagRun

    base = _airflow()
    return DagRun(
        dag_run.dag_id,
        dag_run.run_id,
        str(getattr(dag_run.state, "value", dag_run.state)),
        str(getattr(dag_run.run_type, "value", dag_run.run_type)),
        dag_run.queued_at,
        dag_run.start_date,
        dag_run.end_date,
        f"{base}/dags/{dag_run.dag_id}/runs/{quote(dag_run.run_id, safe='')}" if base else None,
    )


def _airflow() -> str:
    """Address of Airflow, as browsers reach it; empty where it is not set."""
    from airflow.configuration import conf

    return str(conf.get("api", "base_url", fallback="")).rstrip("/")
