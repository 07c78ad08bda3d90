"""How long loading one file takes, into an empty database and beside a long history. By hand:

    HDQM_TEST_DATABASE_URL=postgresql://postgres@127.0.0.1:5432/postgres python tests/benchmarks/bench_load.py [RUNS]

Reads the files and configurations of ``../shared``; makes a database of its own and drops it.
"""

# ruff: noqa: T201 - a benchmark talks

import os
import secrets
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from hdqm_ops import discover, extract, load, reduce
from hdqm_ops.config import read_tree
from hdqm_ops.load import FileResult, Scope

SHARED = Path(__file__).parents[2].parent / "shared" / "data"

HISTORY = """
WITH files AS (
    INSERT INTO hdqm.dqm_file (path, dataset, primary_dataset_id, processing_id, era, tier, processing_version,
        dqm_version, name_run_number, folder_run_number, size_bytes, mtime, state, loaded, element_set_id,
        missing_elements, definition_set_id)
    SELECT '/history/' || run || '/' || f.id, f.dataset, f.primary_dataset_id, f.processing_id, f.era, f.tier, 2,
        1, run, run, 1000, 1.6e9, 'ingested', true, f.element_set_id, f.missing_elements, f.definition_set_id
    FROM hdqm.dqm_file f CROSS JOIN generate_series(%(first)s::int, %(last)s::int, 3) AS run
    WHERE f.id = (SELECT min(id) FROM hdqm.dqm_file WHERE loaded AND primary_dataset_id = %(dataset)s)
    RETURNING id, run_number, primary_dataset_id
), runs AS (
    INSERT INTO hdqm.run (run_number) SELECT run_number FROM files ON CONFLICT DO NOTHING
)
INSERT INTO hdqm.point (series_id, run_number, value, error, status, entries, definition_id, dqm_file_id, alternative)
SELECT s.id, f.run_number, CASE WHEN hit THEN random() END, random(), CASE WHEN hit THEN 0 ELSE 5 END, 1000, d.id,
    f.id, 0
FROM files f JOIN hdqm.series s ON s.primary_dataset_id = f.primary_dataset_id
JOIN hdqm.definition d ON d.trend_id = s.trend_id AND d.is_current
CROSS JOIN LATERAL (SELECT random() < 0.99 AS hit WHERE s.id IS NOT NULL) AS chance
"""


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


def say(what: str, seconds: list[float]) -> None:
    middle, low, high = (1e3 * number for number in (statistics.median(seconds), min(seconds), max(seconds)))
    print(f"{what:40} median {middle:8.1f} ms   {low:.1f} to {high:.1f}, {len(seconds)} times")


def timed(what: str, *calls: Callable[[], object]) -> None:
    seconds = []
    for call in calls:
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    say(what, seconds)


class Bench:
    """Files that are read and reduced once, and loaded again and again as other runs."""

    def __init__(self, url: str) -> None:
        self.connection = load.connect(url)
        self.tree = read_tree([SHARED / "centralhdqm" / "cfg"], reduce.catalogue())
        self.configure("apply the configuration")
        reducer = reduce.Reducer(self.tree.trends)
        self.files = list(discover.find([str(SHARED / "dqm")], aliases={}, multi_run=False, relval=False, report=print))
        self.read = []
        for file in self.files:
            elements = extract.read_file(file.path, self.tree.monitor_elements).elements
            keys = (trend.key for trend in self.tree.trends)
            self.read.append((elements, dict(zip(keys, reducer.reduce(elements), strict=True))))

    def configure(self, what: str) -> None:
        timed(what, lambda: load.apply_configuration(self.connection, self.tree.trends, self.tree.groups, whole=True))

    def results(self, shift: int, **other: object) -> list[FileResult]:
        """The files as those of other runs, or as other versions."""
        files = [
            replace(f, path=f"{f.path}.{shift}.{other}", run_number=f.run_number + shift, **other) for f in self.files
        ]
        load.register_files(self.connection, files)
        works = {work.file.path: work for work in load.pending(self.connection, Scope())}
        return [
            FileResult(
                works[file.path],
                {works[file.path].definitions[key]: outcome for key, outcome in outcomes.items()},
                elements,
                self.tree.monitor_elements,
                file.run_number,
            )
            for file, (elements, outcomes) in zip(files, self.read, strict=True)
        ]

    def load(self, what: str, results: list[FileResult]) -> None:
        timed(what, *(lambda result=result: load.load_file(self.connection, result) for result in results))

    def ask(self, what: str, text: str, times: int = 10) -> None:
        timed(what, *[lambda: self.connection.execute(text).fetchall()] * times)


def main(runs: int) -> None:
    with database() as url:
        bench = Bench(url)
        first = bench.results(0)
        bench.load("first files of two datasets", first)
        bench.load("the same again", first)
        with psycopg.connect(url, autocommit=True) as owner:
            for dataset, number in ((1, runs), (2, runs // 10)):
                facts = {"first": 320000 - 3 * number, "last": 320000 - 3, "dataset": dataset}
                start = time.perf_counter()
                rows = owner.execute(HISTORY, facts).rowcount
                print(f"history: {rows} points in {time.perf_counter() - start:.0f} s")
            owner.execute("VACUUM ANALYZE")
        bench.load("new runs beside the history", bench.results(1000))
        bench.load("a newer version of them", bench.results(1000, dqm_version=2))
        bench.load("new runs beside the history", bench.results(2000))
        bench.configure("apply the configuration again")
        timed("pending, all of it", *[lambda: load.pending(bench.connection, Scope())] * 5)
        timed("list what is known", *[lambda: load.register_files(bench.connection, bench.files)] * 3)
        ask_panels(bench)
        timed("summary", lambda: load.summary(bench.connection))
        sizes = bench.connection.execute(
            "SELECT hypertable_size('hdqm.point'), (SELECT count(*) FROM hdqm.point), "
            "hypertable_size('hdqm.histogram'), (SELECT count(DISTINCT dqm_file_id) FROM hdqm.histogram)"
        ).fetchone()
        print(f"bytes a point: {sizes[0] / sizes[1]:.0f}; bytes of histograms a file: {sizes[2] / sizes[3]:.0f}")


def ask_panels(bench: Bench) -> None:
    """What dashboards ask most."""
    select = "SELECT * FROM hdqm.run_selection('{}', '{}', 'Tracker', 'SingleMuon', '12Nov2019_UL2018')"
    bench.ask("latest 50 runs of a subsystem", select.format("latest", 50))
    bench.ask("runs of a range of 1200", select.format("range", "312000-315600"))
    where = "primary_dataset = 'SingleMuon' AND processing = '12Nov2019_UL2018' AND subsystem = 'Tracker'"
    newest = f"SELECT min(trend) FROM hdqm.trend_points WHERE {where} AND run_number > 325000"
    (trend,) = bench.connection.execute(newest).fetchone() or ("",)
    points = f"SELECT run_number, value, error, status FROM hdqm.trend_points WHERE {where} AND trend = '{trend}'"
    bench.ask("one series, 1200 runs", f"{points} AND run_number BETWEEN 312000 AND 315600 ORDER BY 1")
    bench.ask("one series, last 50", f"{points} ORDER BY 1 DESC LIMIT 50")
    bench.ask("one run, all series", "SELECT trend, value FROM hdqm.trend_points WHERE run_number = 315000")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
