"""
### HDQM: backfill CMS runs

Ingests chosen runs again, or for the first time: after a change of a trend, after an outage, for an old era.

**Reads:** the files of these runs, as the ledger knows them; if *Look for files* is ticked, `HDQM_FILES` too. For the
Backfill dialog the run index, which *HDQM: runs from OMS* writes.

**Writes:** the same as *HDQM: ingest DQM files*, behind it. Fresh files have a pool of their own.

**Runs:** never by itself. Three doors: *Trigger* with runs as `324997 325000-325170` makes one Dag run for all of them;
*Trigger*, *Advanced Options*, *Partition Key* with one run or range makes one that can be found by its key; *Backfill*
with two dates makes a Dag run for each CMS run that began between them. Mode *missing* does what was never done,
*failed* also tries failed files again, *all* computes everything anew.

**When it fails:** as *HDQM: ingest DQM files*. A Backfill dialog that refuses says why: the run index is missing, or
too old for these dates. Then see *HDQM: runs from OMS*.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import Param, dag, get_current_context, task

from hdqm_airflow.forms import ingest_fields
from hdqm_airflow.ingest import OUTLET, ingest_task
from hdqm_airflow.patience import patient
from hdqm_airflow.timetable import CmsRuns


@dag(
    dag_display_name="HDQM: backfill CMS runs",
    doc_md=__doc__,
    schedule=CmsRuns(),
    start_date=datetime(2008, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=4,
    tags=["hdqm", "ingest"],
    default_args={**patient(), "priority_weight": 1, "weight_rule": "absolute"},
    params=ingest_fields(
        "324997 325000-325170; leave it empty where dates or a partition key choose the runs",
        look=Param(
            False,
            type="boolean",
            title="Look for files",
            description="List HDQM_FILES first; else only files that the ledger knows are done",
        ),
    ),
)
def hdqm_backfill():  # noqa: ANN201 - the decorator makes a Dag of it
    @task
    def plan(params: dict, partition_key: str | None = None) -> list[dict]:
        """Batches of what is to do for the runs of the partition key, else of the form."""
        from airflow.sdk.exceptions import AirflowFailException

        from hdqm_airflow import ingest

        runs = partition_key or params["runs"]
        if not (runs or "").strip():
            raise AirflowFailException(
                "no runs are named: fill in Runs or a partition key, or choose dates by Backfill. "
                "Everything that is missing is the business of hdqm_ingest"
            )
        return ingest.plan(**{**params, "runs": runs})

    @ingest_task(pool="hdqm_load", map_index_template="{{ label }}", execution_timeout=timedelta(hours=2))
    def ingest(label: str, file_ids: list[int]) -> dict[str, int]:
        """Read, reduce and load the files of one batch."""
        from hdqm_airflow.connections import settings
        from hdqm_ops import pipeline

        context = get_current_context()
        context["label"] = label
        form, told = context["params"], settings()
        pipeline.give_way(told)
        return pipeline.ingest_batch(told, file_ids, mode=form["mode"], subsystems=form["subsystems"] or ())

    @task(trigger_rule="all_done", retries=0, outlets=[OUTLET], multiple_outputs=False)
    def summary(planned: list[dict] | None, counts: list[dict[str, int]]) -> dict[str, int]:
        """Add up what the batches did; fail when a batch did."""
        from hdqm_airflow.ingest import add_up

        return add_up(planned, counts)

    batches = plan()
    summary(batches, ingest.expand_kwargs(batches))


hdqm_backfill()
