"""Airflow connections become HDQM settings, here and nowhere else."""

from airflow.sdk import BaseHook
from pydantic import SecretStr

from hdqm_airflow.eos import renew_if_named
from hdqm_ops.settings import Settings

__all__ = ["DATABASE", "settings"]

DATABASE = "hdqm_db"


def settings() -> Settings:
    """Settings of this worker, with the database that the connection ``hdqm_db`` names.

    The connection is of type Postgres, set in the UI or as ``AIRFLOW_CONN_HDQM_DB``. Where there is a connection
    ``cms_eos``, the Kerberos ticket of this worker is renewed first.
    """
    renew_if_named()
    url = BaseHook.get_connection(DATABASE).get_uri()
    return Settings(database_url=SecretStr(url))
