"""
### HDQM: fresh DQM files

Ingests DQM files within a minute after they were closed.

**Reads:** what the watcher of the asset `hdqm_dqm_files` tells: it runs in Airflow's triggerer and looks every
`HDQM_WATCH_S` seconds where `HDQM_WATCH` (else `HDQM_FILES`) says.

**Writes:** the same as *HDQM: ingest DQM files*, before it: its tasks have a pool of their own, `hdqm_fresh`, so that a
backfill in the pool `hdqm_load` leaves them room, and a higher priority.

**Runs:** when files came or changed. Triggered by hand, it looks at everything, as the daily Dag does. That one also
finds what the watcher missed, for events are lost while this Dag is paused or the triggerer is down.

**When it fails:** the database, the network or the file system does not answer; it is tried again for more than an
hour. Clear it, or let the daily Dag do it. Truncated files that are younger than `HDQM_WAIT_S` wait, they fail nothing.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import Asset, AssetWatcher, dag, get_current_context, task

from hdqm_airflow.ingest import ingest_task
from hdqm_airflow.patience import patient
from hdqm_airflow.watch import NewDqmFiles

FILES = Asset(
    name="hdqm_dqm_files",
    uri="hdqm://dqm/files",
    group="hdqm",
    watchers=[AssetWatcher(name="hdqm_new_dqm_files", trigger=NewDqmFiles())],
)


@dag(
    dag_display_name="HDQM: fresh DQM files",
    doc_md=__doc__,
    schedule=[FILES],
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=4,
    tags=["hdqm", "ingest"],
    default_args={**patient(), "priority_weight": 100, "weight_rule": "absolute"},
)
def hdqm_watch():  # noqa: ANN201 - the decorator makes a Dag of it
    @task
    def plan(triggering_asset_events: dict) -> list[dict]:
        """What the ledger says is to do for the files that the watcher told of."""
        from hdqm_airflow import ingest

        told = [event.extra.get("payload", {}) for events in triggering_asset_events.values() for event in events]
        paths = tuple(dict.fromkeys(path for payload in told for path in payload.get("files", ())))
        return ingest.plan(files=paths, hints=bool(paths))

    @ingest_task(pool="hdqm_fresh", map_index_template="{{ label }}", execution_timeout=timedelta(hours=2))
    def ingest(label: str, file_ids: list[int]) -> dict[str, int]:
        """Read, reduce and load the files of one batch."""
        from hdqm_airflow.connections import settings
        from hdqm_ops import pipeline

        get_current_context()["label"] = label
        return pipeline.ingest_batch(settings(), file_ids)

    ingest.expand_kwargs(plan())


hdqm_watch()
