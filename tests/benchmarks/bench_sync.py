"""How long synchronisation with OMS and Run Registry takes from scratch, again, and after a cut. By hand:

    HDQM_TEST_DATABASE_URL=postgresql://postgres@127.0.0.1:5432/postgres python tests/benchmarks/bench_sync.py [RUNS]

Simulated services in a process of their own (`hdqm simulate oms`); makes a database and drops it.
"""

# ruff: noqa: T201 - a benchmark talks

import os
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import requests
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from hdqm_ops import load, pipeline
from hdqm_ops.errors import HdqmError
from hdqm_ops.pipeline import SyncReport
from hdqm_ops.services import _http
from hdqm_ops.settings import Settings

PORT = 9677


@contextmanager
def database() -> Iterator[str]:
    server = os.environ["HDQM_TEST_DATABASE_URL"]
    name = f"hdqm_bench_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            url = make_conninfo(server, dbname=name)
            load.migrate(url)
            yield url
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def services(runs: int) -> Iterator[str]:
    command = [sys.executable, "-m", "hdqm_ops.cli", "simulate", "oms", "--port", str(PORT), "--runs", str(runs)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield f"http://127.0.0.1:{PORT}"
    finally:
        process.terminate()
        process.wait()


class Requests:
    """Counts what is sent."""

    def __init__(self) -> None:
        self.sent = 0
        send = _http.Transport._once

        def counted(*arguments: object, **named: object) -> object:
            self.sent += 1
            return send(*arguments, **named)  # type: ignore[arg-type]

        _http.Transport._once = counted  # type: ignore[method-assign,assignment]


def measure(what: str, counter: Requests, sync: Callable[[], SyncReport]) -> None:
    counter.sent, began, used = 0, time.monotonic(), time.process_time()
    try:
        told = str({name: number for name, number in sync().as_json().items() if number})
    except HdqmError as error:
        told = f"cut: {str(error)[:60]}"
    wall, processor = time.monotonic() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:<28} {wall:7.1f} s {processor:7.1f} s here {counter.sent:5} requests  peak {peak:5.0f} MB  {told}")


def main(runs: int) -> None:
    counter = Requests()
    with database() as url, services(runs) as address, tempfile.TemporaryDirectory() as home:
        settings = Settings(
            home=Path(home),
            database_url=SecretStr(url),
            oms_url=f"{address}/agg/api/v1",
            oms_audience="",
            rr_url=f"{address}/api",
            service_tries=1,
            read_timeout_s=600,
        )
        measure("OMS from scratch", counter, lambda: pipeline.sync_oms(settings))
        measure("OMS again", counter, lambda: pipeline.sync_oms(settings))
        requests.put(f"{address}/faults", json=[{"kind": "bad_gateway", "service": "rr", "skip": 12}], timeout=60)
        measure("Run Registry, cut", counter, lambda: pipeline.sync_rr(settings))
        requests.delete(f"{address}/faults", timeout=60)
        measure("Run Registry goes on", counter, lambda: pipeline.sync_rr(settings))
        measure("Run Registry again", counter, lambda: pipeline.sync_rr(settings))
        with psycopg.connect(url) as connection:
            for table in ("run", "fill", "certified_dataset", "run_change"):
                print(table, connection.execute(f"SELECT count(*) FROM hdqm.{table}").fetchone())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
