"""The stack on one machine: embedded TimescaleDB and Airflow's four components. All of it listens on loopback only."""

from hdqm_ops.local._postgres import Postgres

__all__ = ["Postgres"]
