"""Ingest of one file, from its bytes to its points, beside a history of 0, 500 and 3000 runs.

    python tests/benchmarks/bench_history.py

Starts an embedded TimescaleDB of its own and destroys it. Each file is read, reduced and loaded as another run.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from bench_load import HISTORY, Bench
from bench_thousand import address, database, processor_seconds, say

from hdqm_ops import extract, load, reduce
from hdqm_ops.settings import Settings

HISTORIES = (0, 500, 3000)
FILES = 12


def ingest(bench: Bench, reducer: reduce.Reducer, result: load.FileResult, path: str) -> None:
    elements = extract.read_file(path, bench.tree.monitor_elements).elements
    outcomes = dict(zip(result.outcomes, reducer.reduce(elements), strict=True))
    load.load_file(
        bench.connection,
        load.FileResult(result.work, outcomes, elements, bench.tree.monitor_elements, result.run_number),
    )


def measure(settings: Settings, bench: Bench, reducer: reduce.Reducer, runs: int) -> None:
    clock, processor = [], []
    primary = bench.connection.execute("SELECT name FROM hdqm.primary_dataset WHERE id = 1").fetchone()[0]
    results = [result for shift in (1, 2) for result in bench.results(1000 * shift + runs)]
    for number, result in enumerate([one for one in results if one.work.file.primary_dataset == primary][: FILES + 2]):
        before, began = processor_seconds(settings.home), time.perf_counter()
        ingest(bench, reducer, result, bench.files[number % len(bench.files)].path)
        clock.append(time.perf_counter() - began)
        processor.append(processor_seconds(settings.home) - before)
    say(
        f"{runs:5} runs of history: {1e3 * statistics.mean(processor[2:]):6.0f} ms a file of the processor; "
        f"on the clock median {1e3 * statistics.median(clock[2:]):6.0f} ms, least {1e3 * min(clock[2:]):6.0f} ms"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with database(folder) as settings:
            bench = Bench(address(settings))
            reducer = reduce.Reducer(bench.tree.trends)
            for result in bench.results(0):
                load.load_file(bench.connection, result)
            before = 0
            for runs in HISTORIES:
                if runs:
                    add_history(settings, before, runs)
                before = runs
                measure(settings, bench, reducer, runs)


def add_history(settings: Settings, before: int, runs: int) -> None:
    with psycopg.connect(address(settings), autocommit=True) as owner:
        owner.execute(HISTORY, {"first": 320000 - 3 * runs, "last": 320000 - 3 * before - 3, "dataset": 1})
        owner.execute("VACUUM ANALYZE")


if __name__ == "__main__":
    sys.exit(main())
