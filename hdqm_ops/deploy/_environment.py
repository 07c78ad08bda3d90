"""The file ``.env`` of a new installation: every secret that docker-compose.yml demands, made at random."""

import base64
import secrets
from collections.abc import Callable, Mapping

__all__ = ["SECRETS", "environment_file"]


def _password() -> str:
    """Of letters, digits, ``-`` and ``_``: safe in an address, a shell and a YAML file."""
    return secrets.token_urlsafe(32)


def _key() -> str:
    return secrets.token_urlsafe(64)


def _fernet() -> str:
    """A Fernet key: 32 bytes in urlsafe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


SECRETS: Mapping[str, tuple[Callable[[], str], str]] = {
    "HDQM_SUPERUSER_PASSWORD": (_password, "TimescaleDB, role postgres: sets up the others"),
    "HDQM_OWNER_PASSWORD": (_password, "TimescaleDB, role hdqm_owner: migrates"),
    "HDQM_WRITER_PASSWORD": (_password, "TimescaleDB, role hdqm_writer: loads"),
    "HDQM_READER_PASSWORD": (_password, "TimescaleDB, role hdqm_reader: Grafana and the API"),
    "AIRFLOW_DB_PASSWORD": (_password, "TimescaleDB, role airflow: Airflow's own tables"),
    "AIRFLOW_ADMIN_PASSWORD": (_password, "Airflow, user admin"),
    "AIRFLOW_FERNET_KEY": (_fernet, "encrypts the connections that are entered in Airflow; keep it"),
    "AIRFLOW_SECRET_KEY": (_key, "signs Airflow's sessions"),
    "AIRFLOW_JWT_SECRET": (_key, "signs the tokens of tasks and of Airflow's API"),
    "GRAFANA_ADMIN_PASSWORD": (_password, "Grafana, user admin"),
    "GRAFANA_SECRET_KEY": (_key, "encrypts what Grafana keeps; keep it"),
    "HDQM_API_TOKEN": (_password, "REST API: Authorization: Bearer …"),
    "REDIS_PASSWORD": (_password, "the queue of Celery workers (profile celery)"),
}

_DEMO = {
    "COMPOSE_PROFILES": "demo",
    "HDQM_OMS_URL": "http://simulate-oms:9600/agg/api/v1",
    "HDQM_OMS_AUDIENCE": "",
    "HDQM_RR_URL": "http://simulate-rr:9500/api",
}


def environment_file(*, demo: bool = False) -> str:
    """Lines ``NAME=value`` with a remark above each.

    Args:
        demo: let everything talk to the simulators of the profile ``demo`` in place of CERN's services.
    """
    lines = ["# Made by `hdqm deploy env`. Keep it secret, and keep a copy: without it the database cannot be opened."]
    for name, (make, remark) in SECRETS.items():
        lines += [f"# {remark}", f"{name}={make()}"]
    if demo:
        lines += ["# simulated DQM files, OMS and Run Registry", *(f"{name}={text}" for name, text in _DEMO.items())]
    return "\n".join(lines) + "\n"
