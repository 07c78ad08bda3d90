"""
### HDQM: ingest DQM files

Finds DQM files, decides from the ledger what is missing, and turns each file into trend points: read, reduce, load,
one file in one transaction.

**Reads:** the folders and globs of `HDQM_FILES` (or of the form), the trend configurations of `HDQM_CONFIGS`.

**Writes:** trend points, gaps with reasons, histograms and the file ledger in TimescaleDB (connection `hdqm_db`).
Running it again changes nothing.

**Runs:** daily. To backfill, press *Trigger* and fill in the form: runs as `324997 325000-325170`, datasets as
`SingleMuon ZeroBias`, subsystems as `Tracker HCAL`; empty fields mean all.
Mode *missing* does what was never done, *failed* also tries failed files again, *all* computes everything anew.
*Dry run* only lists what would be done, in the log of `plan`.

**When it fails:** a damaged file never fails a batch: it is marked `failed` with its reason in `hdqm.dqm_files`, and
the summary counts it, and the log of its batch names it. A batch fails when the database, the network or the file
system does not answer: it is tried again for more than an hour, after pauses that grow from `HDQM_TASK_PAUSE_S` to 15
minutes. After that, clear the failed batch: it does what is still missing. What waiting does not mend (a wrong form, an
old schema, a refused ticket) fails at once, and the last line of the log says what does.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, get_current_context, task

from hdqm_airflow.forms import ingest_fields, several
from hdqm_airflow.ingest import OUTLET, ingest_task
from hdqm_airflow.patience import patient


@dag(
    dag_display_name="HDQM: ingest DQM files",
    doc_md=__doc__,
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["hdqm", "ingest"],
    default_args=patient(),
    params=ingest_fields(
        "324997 325000-325170; empty: all",
        files=several("Files", "Globs or folders in place of HDQM_FILES, one a line"),
    ),
)
def hdqm_ingest():  # noqa: ANN201 - the decorator makes a Dag of it
    @task
    def plan(params: dict) -> list[dict]:
        """Bring configuration and files into the ledger; batches of what is to do."""
        from hdqm_airflow import ingest

        return ingest.plan(**params)

    @ingest_task(pool="hdqm_load", map_index_template="{{ label }}", execution_timeout=timedelta(hours=2))
    def ingest(label: str, file_ids: list[int]) -> dict[str, int]:
        """Read, reduce and load the files of one batch."""
        from hdqm_airflow.connections import settings
        from hdqm_ops import pipeline

        context = get_current_context()
        context["label"] = label
        form, told = context["params"], settings()
        pipeline.give_way(told)
        asked = {name: form[name] or () for name in ("subsystems", "files")}
        return pipeline.ingest_batch(told, file_ids, mode=form["mode"], **asked)

    @task(trigger_rule="all_done", retries=0, outlets=[OUTLET], multiple_outputs=False)
    def summary(planned: list[dict] | None, counts: list[dict[str, int]]) -> dict[str, int]:
        """Add up what the batches did; fail when a batch did, for a Dag run is as green as its last task."""
        from hdqm_airflow.ingest import add_up

        return add_up(planned, counts)

    batches = plan()
    summary(batches, ingest.expand_kwargs(batches))


hdqm_ingest()
