"""
### HDQM: publish dashboards

Brings dashboards and alarms into Grafana, with a page for each subsystem that has points.

**Reads:** the subsystems of TimescaleDB (connection `hdqm_db`); the dashboards that this version of HDQM carries.

**Writes:** folder, dashboards, alarm rules and contact points into the Grafana of the connection `hdqm_grafana` (host:
its address, password: token of a service account of role Editor), else of `HDQM_GRAFANA_URL` and `HDQM_GRAFANA_TOKEN`;
on a machine with a local Grafana, the pages of single subsystems in `HDQM_HOME`. What is there already and equal stays
untouched, so running it again changes nothing; the log says what was changed.

**Runs:** when the trend configuration changed, and daily. *Dry run* only says what would be changed; *Prune* also
removes what is in our folder and not ours any more.

**When it fails:** Grafana or the database does not answer; it is tried again three times. A refused token fails at
once: give the connection a new one. Where no Grafana is configured, it is skipped.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, Param, dag, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from hdqm_airflow.configuration import CONFIGURATION


@dag(
    dag_display_name="HDQM: publish dashboards",
    doc_md=__doc__,
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("30 4 * * *", timezone="UTC"), assets=[CONFIGURATION]),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["hdqm", "dashboards"],
    default_args={
        "owner": "hdqm",
        "retries": 3,
        "retry_delay": timedelta(minutes=1),
        "retry_exponential_backoff": True,
    },
    params={
        "dry_run": Param(False, type="boolean", title="Dry run", description="Only say what would be changed"),
        "prune": Param(False, type="boolean", title="Prune", description="Remove what is not ours any more"),
    },
)
def hdqm_publish_dashboards():  # noqa: ANN201 - the decorator makes a Dag of it
    @task
    def publish(params: dict) -> list[str]:
        """Bring them where they belong; what was changed."""
        from hdqm_airflow.connections import grafana_settings
        from hdqm_ops import pipeline
        from hdqm_ops.errors import ConfigError

        settings = grafana_settings()
        if not pipeline.has_grafana(settings):
            raise AirflowSkipException("no Grafana is configured (connection hdqm_grafana): nothing to publish to")
        try:
            return pipeline.renew_dashboards(settings, dry_run=params["dry_run"], prune=params["prune"])
        except ConfigError as error:
            raise AirflowFailException(str(error)) from error  # trying again would not mend it

    publish()


hdqm_publish_dashboards()
