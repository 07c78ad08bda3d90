"""
### HDQM: certification from Run Registry

Keeps what Run Registry decides of runs and datasets true: class, significance, state of certification, detectors on.

**Reads:** Run Registry (connection `cms_rr`, else `HDQM_RR_URL`, `SSO_CLIENT_ID` and `SSO_CLIENT_SECRET`).

**Writes:** `hdqm.runs`, `hdqm.dataset_certification`; what is told otherwise than before is in `hdqm.run_changes`.
Running it again changes nothing.

**Runs:** hourly: what Run Registry changed since the last time, by its own counter, with overlap. Once a day it also
asks for the last days and for the next slice of everything. To backfill, press *Trigger* and name runs.

**When it fails:** Run Registry or the database does not answer; it is tried again three times. Nothing is lost: the
next run asks for the same again. Where Run Registry is not configured, it is skipped.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import Param, dag, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

RUNS = r"^\s*(\d{1,9}(\s*-\s*\d{1,9})?([\s,]+|$))*$"


@dag(
    dag_display_name="HDQM: certification from Run Registry",
    doc_md=__doc__,
    schedule="@hourly",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["hdqm", "sync"],
    default_args={
        "owner": "hdqm",
        "retries": 3,
        "retry_delay": timedelta(minutes=1),
        "retry_exponential_backoff": True,
    },
    params={
        "runs": Param(
            None,
            type=["null", "string"],
            pattern=RUNS,
            title="Runs",
            description="324997 325000-325170; empty: what is due",
        ),
        "days": Param(14, type="integer", minimum=1, title="Days", description="How far the daily sweep goes back"),
        "everything": Param(False, type="boolean", title="Everything", description="All that Run Registry has"),
    },
)
def hdqm_sync_rr():  # noqa: ANN201 - the decorator makes a Dag of it
    @task(execution_timeout=timedelta(hours=6))
    def sync(params: dict) -> dict[str, int]:
        """Ask Run Registry for what is due or named, and write what it tells."""
        from hdqm_airflow.connections import rr_settings
        from hdqm_ops import pipeline
        from hdqm_ops.errors import ConfigError

        settings = rr_settings()
        if not pipeline.rr_is_configured(settings):
            raise AirflowSkipException("Run Registry is not configured (connection cms_rr): runs stay unknown")
        try:
            told = {**params, "runs": params["runs"] or ""}
            return pipeline.sync_rr(settings, **told).as_json()
        except ConfigError as error:
            raise AirflowFailException(str(error)) from error  # trying again would not mend it

    sync()


hdqm_sync_rr()
