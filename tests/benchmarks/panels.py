"""How long each panel's SQL takes on many points; run by hand, against a server with TimescaleDB and 4 GB to spare.

    python tests/benchmarks/panels.py URL_OF_A_SUPERUSER [series] [runs]

It makes a database ``hdqm_panels_benchmark`` (3000 series × 4000 runs, 12 million points, in minutes), keeps it for the
next time, and prints median and p95 of twenty calls each, as role ``hdqm_reader``, warm.
"""

import re
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hdqm_ops import load
from hdqm_ops.show import dashboards

NAME = "hdqm_panels_benchmark"
CALLS = 20

FILL = """
INSERT INTO hdqm.subsystem (name) VALUES ('Pixel'), ('HCAL');
INSERT INTO hdqm.trend (subsystem_id, name, title, y_title, low, high)
SELECT 1 + (n > {trends} / 2)::int, 't' || n, 'Trend ' || n, 'value', 5, 15 FROM generate_series(1, {trends}) AS n;
INSERT INTO hdqm.definition (trend_id, hash, alternatives, metric, elements, main_elements, is_current)
SELECT id, sha256(name::bytea), '[]', 'basic.Mean()', '{{}}', '{{}}', true FROM hdqm.trend;
INSERT INTO hdqm.display_group (subsystem_id, name, title, y_title, correlation, position)
SELECT subsystem_id, 'g' || (id - 1) / 18, 'Group ' || (id - 1) / 18, 'value', false, (id - 1) / 18 FROM hdqm.trend
GROUP BY 1, (id - 1) / 18;
INSERT INTO hdqm.display_group_member (display_group_id, position, trend_name)
SELECT g.id, t.id, t.name FROM hdqm.trend AS t
JOIN hdqm.display_group AS g ON g.subsystem_id = t.subsystem_id AND g.name = 'g' || (t.id - 1) / 18;
INSERT INTO hdqm.primary_dataset (name) VALUES ('SingleMuon'), ('ZeroBias'), ('StreamExpress');
INSERT INTO hdqm.processing (name) VALUES ('PromptReco');
INSERT INTO hdqm.series (trend_id, primary_dataset_id, processing_id, has_value)
SELECT t.id, d.id, 1, true FROM hdqm.trend AS t, hdqm.primary_dataset AS d;
INSERT INTO hdqm.run (run_number, start_time, end_time, duration_s, fill_number, run_class, significant,
    delivered_lumi_pb, recorded_lumi_pb, l1_rate_hz, oms_synced_at, rr_synced_at)
SELECT 300000 + 3 * n, timestamptz '2016-01-01' + n * interval '5 hours',
    timestamptz '2016-01-01 02:00' + n * interval '5 hours',
    7200, n / 6, 'Collisions18', true, 30, 28, 90000, now(), now()
FROM generate_series(1, {runs}) AS n;
INSERT INTO hdqm.dqm_file (path, dataset, primary_dataset_id, processing_id, era, tier, processing_version, dqm_version,
    name_run_number, size_bytes, mtime, state, loaded, ingested_at)
SELECT format('/data/%s/%s.root', d.name, r.run_number), format('/%s/Run2018D-PromptReco-v2/DQMIO', d.name), d.id, 1,
    'Run2018D', 'DQMIO', 2, 1, r.run_number, 1, 1, 'ingested', true,
    now() - (400000 - r.run_number) * interval '20 minutes'
FROM hdqm.run AS r, hdqm.primary_dataset AS d;
"""
POINTS = """
INSERT INTO hdqm.point (series_id, run_number, value, error, status, entries, definition_id, dqm_file_id, alternative)
SELECT s.id, f.run_number,
    CASE WHEN (s.id + f.run_number) %% 100 > 0 THEN 10 + sin(f.run_number / 300.0) + random() END, 0.1,
    CASE WHEN (s.id + f.run_number) %% 100 > 0 THEN 0 ELSE 5 END, 1000, s.trend_id, f.id, 0
FROM hdqm.dqm_file AS f JOIN hdqm.series AS s ON s.primary_dataset_id = f.primary_dataset_id
WHERE f.run_number > %s AND f.run_number <= %s
"""
VALUES = {
    "subsystem": "Pixel",
    "pd": "SingleMuon",
    "processing": "PromptReco",
    "mode": "latest",
    "runs": "400",
    "class": "all",
    "quality": "default",
    "axis": "even",
    "options": ("fills", "errors"),
    "panels": "group:g1",
    "panel": "group:g1",
    "oms": "none",
    "series": "t20",
    "x": "t20",
    "y": "t21",
    "z": "none",
    "dataset": "SingleMuon / PromptReco",
    "number": "200",
    "per_page": "8",
    "page": "1",
    "show": "groups",
    "input": "main",
    "run": "",
    "reference": "",
    "search": "",
    "added": "",
    "yrange": "",
}


def make(url: str, series: int, runs: int) -> str:
    """The database, made where it is absent."""
    address = make_conninfo(url, dbname=NAME)
    with psycopg.connect(url, autocommit=True) as server:
        if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
            return address
        server.execute(f"CREATE DATABASE {NAME}")
    load.migrate(address)
    with psycopg.connect(address, autocommit=True) as owner:
        owner.execute(FILL.format(trends=series // 3, runs=runs).encode())
        for first in range(0, runs, 500):
            owner.execute(POINTS, [300000 + 3 * first, 300000 + 3 * (first + 500)])
            sys.stderr.write(f"{first + 500} runs\n")
        owner.execute("VACUUM ANALYZE")
    return address


def questions() -> Iterator[tuple[str, str]]:
    """Every panel's and variable's question, once."""
    seen = set()
    for board in dashboards():
        asked = [(panel.title or "sentence", target.sql) for panel in board.panels for target in panel.targets or ()]
        asked += [(v.name, str(v.query)) for v in board.templating.list_val or () if v.type_val == "query"]
        for title, sql in asked:
            if sql not in seen:
                seen.add(sql)
                yield f"{board.uid} {title}", filled_in(sql)


def filled_in(sql: str) -> str:
    """As Grafana does."""

    def quoted(found: re.Match[str]) -> str:
        value = VALUES[found[1]]
        return ",".join(f"'{item}'" for item in ([value] if isinstance(value, str) else value))

    sql = re.sub(r"\$\{(\w+):sqlstring\}", quoted, sql)
    return sql.replace("$__timeFrom()", "'2018-01-01T00:00:00Z'").replace("$__timeTo()", "'2100-01-01T00:00:00Z'")


def main() -> None:
    """Measure and print."""
    url = sys.argv[1]
    series, runs = (int(text) for text in (*sys.argv[2:4], "3000", "4000")[:2])
    with psycopg.connect(make(url, series, runs), autocommit=True) as reader:
        reader.execute("SET ROLE hdqm_reader")
        for title, sql in questions():
            times = []
            for _ in range(CALLS):
                began = time.perf_counter()
                rows = len(reader.execute(sql.encode()).fetchall())
                times.append(1000 * (time.perf_counter() - began))
            times.sort()
            sys.stdout.write(
                f"{statistics.median(times):8.1f} {times[int(0.95 * CALLS) - 1]:8.1f} ms {rows:6} rows  {title}\n"
            )


if __name__ == "__main__":
    main()
