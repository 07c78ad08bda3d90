"""Runs of HDQM's Dags, as Airflow tells of them: dashboards read this database alone."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

from hdqm_ops.load._connection import connect, in_transaction
from hdqm_ops.load._sql import query

__all__ = ["DagRun", "record_dag_runs"]

_DAYS = 30  # are kept
_PATIENCE_S = 3  # who tells has other things to do


@dataclass(frozen=True, slots=True)
class DagRun:
    """A run of a Dag.

    Attributes:
        state: ``queued``, ``running``, ``success`` or ``failed``.
        run_type: ``scheduled``, ``manual``, ``backfill``, ….
        url: its page in Airflow; None where Airflow does not know its own address.
    """

    dag_id: str
    run_id: str
    state: str
    run_type: str
    queued_at: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    url: str | None = None


def record_dag_runs(url: str, runs: Sequence[DagRun], *, airflow_url: str = "") -> None:
    """Keep what is known of Dag runs; of one that comes twice the later counts. Those of long ago are forgotten.

    Args:
        url: address of the database, as a role that may write.
        runs: what Airflow told, in the order in which it did.
        airflow_url: Airflow's own address, for links; kept where the site has told none.

    Raises:
        DatabaseUnavailable, TryAgain: the database does not answer within seconds.
        ConfigError: its schema is not up to date.
    """
    latest = {(run.dag_id, run.run_id): asdict(run) for run in runs}
    patience = f"-c statement_timeout={_PATIENCE_S}s -c lock_timeout={_PATIENCE_S}s"
    brief = make_conninfo(url, connect_timeout=_PATIENCE_S, options=patience)
    with connect(brief, application_name="hdqm dag runs") as connection:

        def write() -> None:
            connection.execute(query("dag_runs", "keep"), {"runs": Jsonb(list(latest.values()), dumps=_as_json)})
            connection.execute(query("dag_runs", "forget"), {"days": _DAYS})
            if airflow_url:
                connection.execute(query("dag_runs", "keep_address"), {"address": airflow_url})

        in_transaction(connection, write)


def _as_json(rows: Sequence[dict[str, object]]) -> str:
    return json.dumps(rows, default=datetime.isoformat)
