"""A history of millions of points, made up by SQL: the database that benchmarks ask.

    python tests/benchmarks/many_points.py URL [--trends N] [--datasets N] [--runs N]

It makes a database ``hdqm_benchmark`` beside the one of URL, the address of a superuser. By default 1000 trends in
3 primary datasets and 4000 runs give 12 million points: 2.5 GB, in a minute or two. Points come in the order of runs,
as an installation writes them, but straight into the chunks, and indexes are made afterwards: a quarter of the time.
With ``wal_level = minimal`` nothing is written twice: each chunk is made and filled by one transaction.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from hdqm_ops import load

__all__ = ["NAME", "make"]

NAME = "hdqm_benchmark"
_RUNS_AT_ONCE = 50

_POINTS = """
INSERT INTO {table} (series_id, run_number, value, error, status, entries, definition_id, dqm_file_id, alternative)
SELECT s.id, f.run_number, CASE WHEN gap = 0 THEN 10 + sin(f.run_number / 300.0) + random() END,
    CASE WHEN gap = 0 THEN 0.1 + random() / 10 END, gap, 1000, s.trend_id, f.id, 0
FROM hdqm.dqm_file AS f JOIN hdqm.series AS s ON s.primary_dataset_id = f.primary_dataset_id,
    LATERAL (SELECT CASE WHEN (s.id * 31 + f.run_number) % 100 = 0 THEN 5 ELSE 0 END) AS g (gap)
WHERE f.loaded AND f.run_number BETWEEN {first} AND {last}
    AND (f.definition_set_id = 1 OR s.trend_id % 50 > 0)  -- what the earlier configuration did not have
ORDER BY f.run_number, s.id
"""
_INDEXES = """
SELECT indexname, pg_get_indexdef(format('%I.%I', schemaname, indexname)::regclass), c.conname IS NOT NULL
FROM pg_indexes LEFT JOIN pg_constraint AS c ON c.conname = indexname AND c.conrelid = 'hdqm.point'::regclass
WHERE schemaname = 'hdqm' AND tablename = 'point' ORDER BY indexname
"""
_RUNS_BY_CHUNK = "SELECT array_agg(run_number ORDER BY run_number) FROM hdqm.run GROUP BY run_number / 10000 ORDER BY 1"


def make(url: str, trends: int = 1000, datasets: int = 3, runs: int = 4000) -> str:
    """Address of the database, which is made where it is absent."""
    address = make_conninfo(url, dbname=NAME)
    with psycopg.connect(url, autocommit=True) as server:
        if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
            return address
        server.execute(f"CREATE DATABASE {NAME}")
    try:
        load.migrate(address)
        _fill(address, trends, datasets, runs)
    except BaseException:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
        raise
    return address


def _fill(address: str, trends: int, datasets: int, runs: int) -> None:
    sizes = {"trends": trends, "datasets": datasets, "runs": runs}
    with psycopg.connect(address, autocommit=True) as owner:
        owner.execute("SET synchronous_commit = off")
        owner.execute("SET maintenance_work_mem = '1GB'")
        for name, size in sizes.items():
            owner.execute("SELECT set_config('benchmark.' || %s, %s, false)", [name, str(size)])
        owner.execute(Path(__file__).with_suffix(".sql").read_bytes())
        owner.execute("ANALYZE")
        indexes = _drop_indexes(owner)
        began = time.monotonic()
        for runs_of_chunk in _column(owner, _RUNS_BY_CHUNK):
            _fill_chunk(owner, runs_of_chunk)
            _say(f"to run {runs_of_chunk[-1]} after {time.monotonic() - began:.0f} s")
        for statement in indexes:
            _say(statement)
            owner.execute(statement)
        owner.execute("SELECT hdqm.count_anew()")  # chunks know no triggers
        owner.execute("VACUUM ANALYZE")
        _say(f"done in {time.monotonic() - began:.0f} s")


def _drop_indexes(owner: psycopg.Connection) -> list[str]:
    """Take the indexes of points away; the statements that make them anew."""
    statements = []
    for name, definition, is_key in owner.execute(_INDEXES).fetchall():
        if is_key:
            owner.execute(f"ALTER TABLE hdqm.point DROP CONSTRAINT {name}")
            columns = definition.split(" USING btree ")[1]
            statements.append(f"ALTER TABLE hdqm.point ADD CONSTRAINT {name} PRIMARY KEY {columns}")
        else:
            owner.execute(f"DROP INDEX hdqm.{name}")
            statements.append(definition)
    return statements


def _fill_chunk(owner: psycopg.Connection, runs: list[int]) -> None:
    """Points of runs that share a chunk; those of the first run make it."""
    with owner.transaction():
        owner.execute(_POINTS.format(table="hdqm.point", first=runs[0], last=runs[0]))
        [chunk] = _column(
            owner, "SELECT DISTINCT tableoid::regclass::text FROM hdqm.point WHERE run_number = %s", runs[0]
        )
        for start in range(1, len(runs), _RUNS_AT_ONCE):
            part = runs[start : start + _RUNS_AT_ONCE]
            owner.execute(_POINTS.format(table=chunk, first=part[0], last=part[-1]))


def _column(owner: psycopg.Connection, sql: str, *parameters: object) -> list[Any]:
    return [row[0] for row in owner.execute(sql, parameters)]


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    for name, size in (("trends", 1000), ("datasets", 3), ("runs", 4000)):
        parser.add_argument(f"--{name}", type=int, default=size)
    sys.stdout.write(make(**vars(parser.parse_args())) + "\n")
