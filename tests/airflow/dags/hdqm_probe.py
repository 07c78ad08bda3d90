"""What a task sees of the stack: its settings, its database, what was imported for it. Fails where that is wrong."""

from datetime import timedelta

from airflow.sdk import Param, dag, task


@dag(schedule=None, params={"home": Param("", type="string"), "fail": Param(default=False, type="boolean")})
def hdqm_probe():
    @task(pool="hdqm_load")
    def imported():
        import sys

        missing = {"numpy", "uproot", "iminuit", "scipy.special", "hdqm_ops.pipeline"} - sys.modules.keys()
        assert not missing, f"imported anew by every task: {missing}"

    @task
    def settings(params):
        from hdqm_ops.settings import Settings

        assert str(Settings().home) == params["home"]

    @task
    def database():
        import psycopg
        from airflow.sdk import BaseHook

        with psycopg.connect(BaseHook.get_connection("hdqm_db").get_uri()) as connection:
            assert connection.execute("SELECT current_user, current_database()").fetchone() == ("hdqm_writer", "hdqm")

    @task(retries=0, map_index_template="{{ label }}", execution_timeout=timedelta(minutes=1))
    def each(label, params):
        from airflow.sdk import get_current_context

        get_current_context()["label"] = label
        assert not (params["fail"] and label == "second")

    [imported(), settings(), database()] >> each.expand(label=["first", "second", "third"])


hdqm_probe()
