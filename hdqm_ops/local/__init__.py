"""The stack on one machine: TimescaleDB, Airflow, for demos simulated OMS and Run Registry; all on loopback only."""

from hdqm_ops.local._client import AirflowClient
from hdqm_ops.local._database import psql, start_database, stop_database, with_database
from hdqm_ops.local._postgres import Postgres
from hdqm_ops.local._simulators import Simulators
from hdqm_ops.local._sql import answers, create_database, load_timescaledb, prepare_roles
from hdqm_ops.local._stack import Part, Stack, StackStatus

__all__ = [
    "AirflowClient",
    "Part",
    "Postgres",
    "Simulators",
    "Stack",
    "StackStatus",
    "answers",
    "create_database",
    "load_timescaledb",
    "prepare_roles",
    "psql",
    "start_database",
    "stop_database",
    "with_database",
]
