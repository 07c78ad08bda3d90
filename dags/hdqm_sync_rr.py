"""
### HDQM: certification from Run Registry

Keeps what Run Registry decides of runs and datasets true: class, significance, state of certification, detectors on.

**Reads:** Run Registry (connection `cms_rr`, else `HDQM_RR_URL`, `SSO_CLIENT_ID` and `SSO_CLIENT_SECRET`).

**Writes:** `hdqm.runs`, `hdqm.dataset_certification`; what is told otherwise than before is in `hdqm.run_changes`.
Running it again changes nothing.

**Runs:** every `HDQM_SYNC_RR_S` seconds (an hour): what Run Registry changed since the last time, by its own counter,
with overlap. Every `HDQM_SYNC_SWEEP_H` hours it also asks for the last `HDQM_SYNC_DAYS` days and for the next slice of
everything. To backfill, press *Trigger* and name runs, or the days on which they began.

**When it fails:** Run Registry or the database does not answer; it is tried again three times. Nothing is lost: the
next run asks for the same again. Where Run Registry is not configured, it is skipped.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from hdqm_airflow.forms import sync_fields
from hdqm_ops.settings import Settings

SETTINGS = Settings()


@dag(
    dag_display_name="HDQM: certification from Run Registry",
    doc_md=__doc__,
    schedule=timedelta(seconds=SETTINGS.sync_rr_s),
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
    params=sync_fields(SETTINGS, "All that Run Registry has"),
)
def hdqm_sync_rr():  # noqa: ANN201 - the decorator makes a Dag of it
    @task(execution_timeout=timedelta(hours=6), multiple_outputs=False)
    def sync(params: dict) -> dict[str, int]:
        """Ask Run Registry for what is due or named, and write what it tells."""
        from hdqm_airflow.connections import rr_settings, wanted_by
        from hdqm_ops import pipeline
        from hdqm_ops.errors import ConfigError

        settings = rr_settings()
        if not pipeline.rr_is_configured(settings):
            raise AirflowSkipException("Run Registry is not configured (connection cms_rr): runs stay unknown")
        try:
            return pipeline.sync_rr(settings, wanted_by(params)).as_json()
        except ConfigError as error:
            raise AirflowFailException(str(error)) from error  # trying again would not mend it

    sync()


dag_of_this_file = hdqm_sync_rr()
