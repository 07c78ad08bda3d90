"""Rows into TimescaleDB and out of it again; the only room with psycopg. Its schema is in ``sql/``."""

from hdqm_ops.load._connection import Connection, connect
from hdqm_ops.load._migrate import MigrationStatus, migrate, migration_status, restrict_reader

__all__ = ["Connection", "MigrationStatus", "connect", "migrate", "migration_status", "restrict_reader"]
