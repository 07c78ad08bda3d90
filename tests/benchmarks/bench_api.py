"""How long the API takes beside 3000 runs of history; by hand, against a server with TimescaleDB.

    python tests/benchmarks/bench_api.py URL_OF_A_SUPERUSER            the three selections, both shapes, with sizes
    python tests/benchmarks/bench_api.py URL_OF_A_SUPERUSER drivers    threads beside an event loop, same questions

What it bears is measured by ``load_api.py``. It makes a database ``hdqm_api_benchmark`` (1938 series x 3000 runs, 5.8
million points, in a minute) and keeps it. Beside each time of the API stands that of PostgreSQL alone for these rows:
compare ratios. On a busy machine the processor time of the API and of its sessions says more than the clock.
"""

# ruff: noqa: T201 - a benchmark talks

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import requests
from psycopg.conninfo import make_conninfo

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hdqm_ops import load

NAME = "hdqm_api_benchmark"
PORT = 8059
TRENDS = {"HCAL": 1752, "Tracking": 186}
RUNS = 3000
DATASET = "primary_dataset=Muon0&processing=PromptReco"
OLD_DATASET = "pd=Muon0&processing_string=PromptReco"
# what the predecessor takes: seconds
SELECTIONS = [("HCAL", 50, 45.8), ("Tracking", 50, 4.6), ("Tracking", 3000, 39.0)]
REPEATS = 5

FILL = """
INSERT INTO hdqm.subsystem (name) VALUES ('HCAL'), ('Tracking');
INSERT INTO hdqm.trend (subsystem_id, name, title, y_title, low, high)
SELECT u.id, u.name || '_trend_' || n, 'Trend ' || n, 'value', 5, 15
FROM hdqm.subsystem AS u, generate_series(1, CASE u.name WHEN 'HCAL' THEN 1752 ELSE 186 END) AS n;
INSERT INTO hdqm.definition (trend_id, hash, alternatives, metric, elements, main_elements, is_current)
SELECT id, sha256(name::bytea), '[{"paths": {"main": ["A/B/C"]}}]', 'basic.Mean()', '{}', '{}', true FROM hdqm.trend;
INSERT INTO hdqm.primary_dataset (name) VALUES ('Muon0');
INSERT INTO hdqm.processing (name) VALUES ('PromptReco');
INSERT INTO hdqm.series (trend_id, primary_dataset_id, processing_id, has_value) SELECT id, 1, 1, true FROM hdqm.trend;
INSERT INTO hdqm.definition_set (sha256, ids) SELECT sha256('x'), array_agg(id ORDER BY id) FROM hdqm.definition;
INSERT INTO hdqm.run (run_number, start_time, end_time, duration_s, fill_number, era, run_class, significant,
    delivered_lumi_pb, recorded_lumi_pb, end_lumi_1e34, b_field_t, energy_gev, l1_rate_hz, hlt_physics_rate_hz,
    hlt_key, l1_key, injection_scheme, oms_synced_at, rr_synced_at)
SELECT 315000 + 4 * n, timestamptz '2018-04-01' + n * interval '2 hours',
    timestamptz '2018-04-01 01:30' + n * interval '2 hours', 5400, 6500 + n / 6, '2018D', 'Collisions18', true,
    30 + random(), 28 + random(), 1.2 + random(), 3.8, 6500, 90000 * random(), 1500 * random(),
    '/cdaq/physics/Run2018/2e34/v3.6.1/HLT/V2', 'l1_trg_collisions2018/v111',
    '25ns_2556b_2544_2215_2332_144bpi_20injV3', now(), now()
FROM generate_series(1, 3000) AS n;
INSERT INTO hdqm.dqm_file (path, dataset, primary_dataset_id, processing_id, era, tier, processing_version, dqm_version,
    name_run_number, folder_run_number, size_bytes, mtime, state, loaded, ingested_at, definition_set_id)
SELECT '/history/' || run_number, '/Muon0/Run2018D-PromptReco-v2/DQMIO', 1, 1, 'Run2018D', 'DQMIO', 2, 1,
    run_number, run_number, 1, 1, 'ingested', true, now(), 1
FROM hdqm.run;
INSERT INTO hdqm.point (series_id, run_number, value, error, status, entries, definition_id, dqm_file_id, alternative)
SELECT s.id, f.run_number, CASE WHEN (s.id + f.run_number) % 100 > 0 THEN 10 + sin(f.run_number / 300.0) + random() END,
    0.1 * random(), CASE WHEN (s.id + f.run_number) % 100 > 0 THEN 0 ELSE 5 END, 1000, s.trend_id, f.id, 0
FROM hdqm.dqm_file AS f, hdqm.series AS s;
"""
ROWS = """
SELECT p.series_id, p.run_number, p.value, p.error FROM hdqm.point AS p
JOIN hdqm.series AS s ON s.id = p.series_id JOIN hdqm.trend AS t ON t.id = s.trend_id
JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id
WHERE u.name = %s AND p.run_number > 327000 - 4 * %s
"""


def make(url: str) -> str:
    """The database, made where it is absent."""
    address = make_conninfo(url, dbname=NAME)
    with psycopg.connect(url, autocommit=True) as server:
        if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
            return address
        server.execute(f"CREATE DATABASE {NAME}")
    load.migrate(address)
    with psycopg.connect(address, autocommit=True) as owner:
        owner.execute(FILL.encode())
        owner.execute("VACUUM ANALYZE")
    return address


@contextlib.contextmanager
def api(address: str) -> Iterator[subprocess.Popen[bytes]]:
    """``hdqm api serve`` as a process of its own."""
    environment = {**os.environ, "HDQM_READER_URL": address, "HDQM_API_PORT": str(PORT)}
    command = [str(Path(sys.executable).parent / "hdqm"), "api", "serve"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            while True:
                with contextlib.suppress(requests.ConnectionError):
                    if requests.get(f"http://127.0.0.1:{PORT}/health/ready", timeout=30).ok:
                        break
                time.sleep(0.1)
            yield process
        finally:
            process.terminate()


def memory_mb(process: subprocess.Popen[bytes], what: str = "VmHWM") -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(what))) / 1024


def processor_s(process: subprocess.Popen[bytes], address: str) -> float:
    """Seconds of processor that the API and its sessions have had."""
    with psycopg.connect(address) as connection:
        rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'hdqm-api'").fetchall()
    total = 0
    for pid in (process.pid, *(pid for (pid,) in rows)):
        with contextlib.suppress(FileNotFoundError):
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def timed(work: Callable[[], int]) -> tuple[float, float, int]:
    """Best and median time, and what it gave."""
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        given = work()
        times.append(time.perf_counter() - began)
    return min(times), statistics.median(times), given


def fetch(path: str, encoding: str = "identity") -> int:
    """Length of an answer, thrown away while it comes."""
    told = {"Accept-Encoding": encoding}
    with requests.get(f"http://127.0.0.1:{PORT}{path}", headers=told, stream=True, timeout=300) as answer:
        answer.raise_for_status()
        return sum(len(piece) for piece in answer.raw.stream(1 << 20, decode_content=False))


def selections(address: str) -> None:
    """The three selections of the predecessor's table."""
    print(
        "| series × runs | shape | best s | median s | processor s | MB | gzip MB | before | PostgreSQL | memory MB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for subsystem, latest, before in SELECTIONS:
        with psycopg.connect(address) as connection:
            rows = timed(lambda c=connection, s=subsystem, n=latest: len(c.execute(ROWS, [s, n]).fetchall()))
        for shape, path in (
            ("v1", f"/api/v1/points?subsystem={subsystem}&latest={latest}&{DATASET}"),
            ("compatible", f"/api/data?subsystem={subsystem}&latest={latest}&{OLD_DATASET}"),
        ):
            with api(address) as process:
                fetch(path)
                packed = fetch(path, "gzip")
                before_it = processor_s(process, address)
                best, median, size = timed(lambda p=path: fetch(p))
                processor = (processor_s(process, address) - before_it) / REPEATS
                peak = memory_mb(process)
            print(
                f"| {TRENDS[subsystem]} × {latest} | {shape} | {best:.3f} | {median:.3f} | {processor:.3f} "
                f"| {size / 1e6:.2f} | {packed / 1e6:.2f} | {before} | {rows[0]:.3f} | {peak:.0f} |",
                flush=True,
            )


# -- threads or an event loop ------------------------------------------------------------------------------------------

SMALL = "SELECT series_id, run_number, value FROM hdqm.point WHERE series_id = 1 AND run_number > 326800"
LARGE = ROWS.replace("%s", "{}").format("'Tracking'", 300)


def drivers(address: str) -> None:
    """Eight at once ask the same, by threads and by an event loop; rows become JSON, as an answer does."""
    print("| question | threads /s | event loop /s |\n|---|---|---|")
    for name, statement, n in (("50 rows", SMALL, 800), ("56 000 rows", LARGE, 24)):
        rates = [[threads(address, statement, n), event_loop(address, statement, n)] for _ in range(3)]
        best = [max(one) for one in zip(*rates, strict=True)]
        print(f"| {name} | {best[0]:.1f} | {best[1]:.1f} |", flush=True)


def threads(address: str, statement: str, n: int) -> float:
    from psycopg_pool import ConnectionPool

    with ConnectionPool(address, min_size=8, max_size=8) as pool, ThreadPoolExecutor(8) as workers:
        pool.wait()

        def ask(_: int) -> int:
            with pool.connection() as connection:
                return len(json.dumps(connection.execute(statement, binary=True).fetchall()))

        began = time.perf_counter()
        list(workers.map(ask, range(n)))
        return n / (time.perf_counter() - began)


def event_loop(address: str, statement: str, n: int) -> float:
    from psycopg_pool import AsyncConnectionPool

    async def run() -> float:
        async with AsyncConnectionPool(address, min_size=8, max_size=8) as pool:
            await pool.wait()

            async def ask() -> int:
                async with pool.connection() as connection:
                    return len(json.dumps(await (await connection.execute(statement, binary=True)).fetchall()))

            began = time.perf_counter()
            for first in range(0, n, 8):
                await asyncio.gather(*(ask() for _ in range(first, min(n, first + 8))))
            return n / (time.perf_counter() - began)

    return asyncio.run(run())


if __name__ == "__main__":
    what = drivers if sys.argv[2:] == ["drivers"] else selections
    what(make(sys.argv[1]))
