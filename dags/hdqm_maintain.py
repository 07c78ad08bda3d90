"""
### HDQM: maintenance

Keeps the database small and long views quick: old runs go into the columnstore, whole histories are counted anew where
something was written.

**Reads:** trend points.

**Writes:** the same points in another form (connection `hdqm_owner`, else `hdqm_db`, as owner of the tables). Values
stay. On TimescaleDB's Apache edition there is nothing to do, and the log says so.

**Runs:** nightly. Which runs stay in the row store is `HDQM_ROWSTORE_RUNS`. Before a large backfill of old runs, press
*Trigger* and name them: they are turned back first, because writing into the columnstore is slow.

**When it fails:** the database does not answer, or a load holds a chunk; it is tried again. It may be interrupted
anywhere.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException

from hdqm_airflow.forms import runs


@dag(
    dag_display_name="HDQM: maintenance",
    doc_md=__doc__,
    schedule="30 3 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["hdqm", "maintenance"],
    default_args={
        "owner": "hdqm",
        "retries": 3,
        "retry_delay": timedelta(minutes=5),
        "retry_exponential_backoff": True,
    },
    params={
        "rowstore": runs(
            "324997 325000-325170, before a large backfill; empty: convert what is old", "Runs to turn back"
        ),
    },
)
def hdqm_maintain():  # noqa: ANN201 - the decorator makes a Dag of it
    @task(execution_timeout=timedelta(hours=6))
    def maintain(params: dict) -> list[str]:
        """Convert and refresh, or turn back."""
        import logging

        from hdqm_airflow.connections import owner_settings
        from hdqm_ops import pipeline
        from hdqm_ops.errors import ConfigError

        done = []
        try:
            for line in pipeline.maintenance(owner_settings(), params["rowstore"]):
                logging.getLogger(__name__).info(line)
                done.append(line)
        except ConfigError as error:
            raise AirflowFailException(str(error)) from error  # trying again would not mend it
        return done

    maintain()


hdqm_maintain()
