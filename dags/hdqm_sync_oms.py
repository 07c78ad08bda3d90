"""
### HDQM: runs from OMS

Keeps what OMS tells of runs and fills true: new runs, runs that were still open, late answers, corrections.

**Reads:** OMS (connection `cms_oms`, else `HDQM_OMS_URL`, `SSO_CLIENT_ID` and `SSO_CLIENT_SECRET`).

**Writes:** `hdqm.runs`, `hdqm.fill`, for named runs `hdqm.lumisection` if asked; what is told otherwise than before is
in `hdqm.run_changes`. Running it again changes nothing.

**Runs:** every `HDQM_SYNC_OMS_S` seconds (half an hour): runs above the newest known one less 200, and those without an
end or an answer. Every `HDQM_SYNC_SWEEP_H` hours it also asks for the last `HDQM_SYNC_DAYS` days and for the next slice
of everything. To backfill, press *Trigger* and name runs, or the days on which they began.

**When it fails:** OMS or the database does not answer; it is tried again three times. Nothing is lost: runs that were
asked for in vain are `stale` in `hdqm.runs`, and the next run asks again. Where OMS is not configured, it is skipped.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import Param, dag, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from hdqm_airflow.forms import sync_fields
from hdqm_ops.settings import Settings

SETTINGS = Settings()


@dag(
    dag_display_name="HDQM: runs from OMS",
    doc_md=__doc__,
    schedule=timedelta(seconds=SETTINGS.sync_oms_s),
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
    params=sync_fields(
        SETTINGS,
        "All runs that OMS has",
        lumisections=Param(False, type="boolean", title="Lumisections", description="Of the named runs or days too"),
    ),
)
def hdqm_sync_oms():  # noqa: ANN201 - the decorator makes a Dag of it
    @task(execution_timeout=timedelta(hours=6), multiple_outputs=False)
    def sync(params: dict) -> dict[str, int]:
        """Ask OMS for what is due or named, and write what it tells."""
        from hdqm_airflow.connections import oms_settings, wanted_by
        from hdqm_ops import pipeline
        from hdqm_ops.errors import ConfigError

        settings = oms_settings()
        if not pipeline.oms_is_configured(settings):
            raise AirflowSkipException("OMS is not configured (connection cms_oms): runs stay unknown")
        try:
            wanted = wanted_by(params)
            return pipeline.sync_oms(settings, wanted, lumisections=params["lumisections"]).as_json()
        except ConfigError as error:
            raise AirflowFailException(str(error)) from error  # trying again would not mend it

    sync()


dag_of_this_file = hdqm_sync_oms()
