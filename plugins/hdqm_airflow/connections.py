"""Airflow connections become HDQM settings, here and nowhere else."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from airflow.exceptions import AirflowNotFoundException
from airflow.sdk import BaseHook
from pydantic import SecretStr

from hdqm_airflow.eos import renew_if_named
from hdqm_airflow.services import OmsHook, RunRegistryHook, address_of, service_facts
from hdqm_ops.pipeline import Wanted
from hdqm_ops.settings import Settings

__all__ = [
    "DATABASE",
    "GRAFANA",
    "OWNER",
    "READER",
    "grafana_settings",
    "oms_settings",
    "owner_settings",
    "reader_settings",
    "rr_settings",
    "settings",
    "wanted_by",
    "writer_settings",
]

DATABASE = "hdqm_db"
GRAFANA = "hdqm_grafana"
OWNER = "hdqm_owner"
READER = "hdqm_reader"


def settings() -> Settings:
    """Settings of this worker, with the database that the connection ``hdqm_db`` names.

    The connection is of type Postgres, set in the UI or as ``AIRFLOW_CONN_HDQM_DB``. Where there is a connection
    ``cms_eos``, the Kerberos ticket of this worker is renewed first.
    """
    renew_if_named()
    url = BaseHook.get_connection(DATABASE).get_uri()
    return Settings(database_url=SecretStr(url))


def writer_settings() -> Settings:
    """Settings with the database of ``hdqm_db`` and nothing else; for the api-server, which reads no files."""
    return _with_database({})


def reader_settings() -> Settings:
    """Settings with the database as ``hdqm_reader``: the connection of that name, else ``HDQM_READER_URL``.

    Where there is neither, the connection ``hdqm_db``, whose login must be able to take that role.
    """
    told = Settings()
    try:
        url = SecretStr(BaseHook.get_connection(READER).get_uri())
    except AirflowNotFoundException:
        url = told.reader_url or SecretStr(BaseHook.get_connection(DATABASE).get_uri())
    return told.model_copy(update={"database_url": url, "reader_url": url})


def owner_settings() -> Settings:
    """Settings with the database as its owner: the connection ``hdqm_owner``, else ``hdqm_db``."""
    try:
        url = BaseHook.get_connection(OWNER).get_uri()
    except AirflowNotFoundException:
        url = BaseHook.get_connection(DATABASE).get_uri()
    return Settings(database_url=SecretStr(url))


def oms_settings() -> Settings:
    """Settings for OMS: the connection ``cms_oms`` where there is one, else the environment; and the database."""
    return _with_database(service_facts(OmsHook()))


def rr_settings() -> Settings:
    """The same for Run Registry, with the connection ``cms_rr``."""
    return _with_database(service_facts(RunRegistryHook()))


def grafana_settings() -> Settings:
    """Settings for publishing: the connection ``hdqm_grafana`` where there is one, else the environment."""
    try:
        connection = BaseHook.get_connection(GRAFANA)
    except AirflowNotFoundException:
        return _with_database({})
    facts = {"grafana_url": address_of(connection), "grafana_token": connection.password}
    return _with_database({name: told for name, told in facts.items() if told})


def wanted_by(params: Mapping[str, Any]) -> Wanted:
    """What the form of a synchronisation asks for; an empty one: what is due.

    Raises:
        ConfigError: runs and days are named, or days that end before they begin.
    """
    since, until = (date.fromisoformat(text) if (text := params[name]) else None for name in ("since", "until"))
    return Wanted(params["runs"] or "", since, until, params["days"], params["everything"])


def _with_database(facts: dict[str, Any]) -> Settings:
    return Settings(database_url=SecretStr(BaseHook.get_connection(DATABASE).get_uri()), **facts)
