"""How long the SQL of every panel and variable takes on millions of points.

    python tests/benchmarks/panels.py [URL] [--calls N] [--only WORDS] [--markdown] [--trends N …]

Without the address of a server's superuser it starts the embedded one in a folder of its own and removes it afterwards.
The database is made by ``many_points.py``, where it is absent: with 12 million points, unless told otherwise. Each
statement is sent as Grafana sends it, variables filled in, as role ``hdqm_reader``, warm; measured is the time until
the last byte of the answer is here. Printed are processor time of the server's process (where it runs on this machine),
the fastest call, median and 95th percentile, in ms. Beside other work only the first two say something.
"""

import argparse
import math
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from many_points import make

from hdqm_ops.show import dashboards

Values = Mapping[str, "str | tuple[str, ...]"]

VALUES: Values = {
    "subsystem": "Pixel",
    "to": "Pixel",
    "pd": "Dataset1",
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
    "dataset": "Dataset1 / PromptReco",
    "number": "200",
    "per_page": "8",
    "page": "1",
    "show": "groups",
    "input": "main",
    "run": "",
    "reference": "",
    "search": "",
    "find": "",
    "added": "",
    "yrange": "",
}
ALL_RUNS = "999999"
_ONE = {"panels": "trend:t20", "panel": "trend:t20"}
# other ways to look at the same page: what is asked, and what of it
WAYS: tuple[tuple[str, Values], ...] = (
    *((f"axis {axis}", {"axis": axis}) for axis in ("number", "date", "duration", "luminosity")),
    ("no error bars", {"options": ("fills",)}),
    ("all options", {"options": ("fills", "errors", "mean", "range", "outliers", "duration", "luminosity")}),
    ("a range", {"mode": "range", "runs": "303000-304300"}),
    ("a golden JSON", {"mode": "golden", "runs": "golden"}),
    ("a filter", {"mode": "where", "runs": "run_class = Collisions18 and fill_number < 80"}),
    ("a class", {"class": "Collisions18"}),
    ("whole history, one trend", {"runs": ALL_RUNS, **_ONE, "options": ("fills",)}),
    ("whole history, one trend, error bars", {"runs": ALL_RUNS, **_ONE}),
    ("whole history, 18 series", {"runs": ALL_RUNS, "options": ("fills",)}),
    ("all subsystems", {"subsystem": "all"}),
)
BY_AXIS = ("trend_marks(replace(${panels", "axis_ticks(")
BY_RUNS = (*BY_AXIS, "plot_values", "trend_values", "trend_statistics", "trend_gaps", "correlation(", "selection_note")
BY_SUBSYSTEM = ("coverage(", "choose_covered_dataset")


def questions() -> Iterator[tuple[str, str]]:
    """Every question of panels and variables, once, as Grafana sends it; then those of a page in other ways."""
    asked: dict[str, str] = {}
    for board in dashboards():
        for panel in board.panels:
            for target in panel.targets or ():
                asked.setdefault(target.sql, f"{board.uid}: {panel.title or 'sentence'} {target.ref}")
        for variable in board.templating.list_val or ():
            if variable.type_val == "query":
                asked.setdefault(str(variable.query), f"{board.uid}: ${variable.name}")
    for sql, title in asked.items():
        yield title, filled_in(sql, VALUES)
    for way, values in WAYS:
        wanted = BY_RUNS if values.keys() & {"runs", "class"} else BY_SUBSYSTEM if "subsystem" in values else BY_AXIS
        for sql, title in _calling(wanted, asked).items():
            yield f"{title}, {way}", filled_in(sql, {**VALUES, **values})


def _calling(functions: tuple[str, ...], asked: Mapping[str, str]) -> dict[str, str]:
    """Those questions that call one of the functions; each must be called, so that no question is lost unnoticed."""
    for function in functions:
        if not any(f"hdqm.{function}" in sql for sql in asked):
            raise SystemExit(f"no panel asks hdqm.{function}: mend its name here")
    return {sql: title for sql, title in asked.items() if any(f"hdqm.{function}" in sql for function in functions)}


def filled_in(sql: str, values: Values) -> str:
    """As Grafana does."""

    def quoted(found: re.Match[str]) -> str:
        value = values[found[1]]
        return ",".join(f"'{item}'" for item in ([value] if isinstance(value, str) else value))

    sql = re.sub(r"\$\{(\w+):sqlstring\}", quoted, sql)
    return sql.replace("$__timeFrom()", "'2018-01-01T00:00:00Z'").replace("$__timeTo()", "'2100-01-01T00:00:00Z'")


def processor_ms(reader: psycopg.Connection) -> float:
    """Time that the server's process of this connection has worked; not a number where it is elsewhere."""
    try:
        return int(Path(f"/proc/{reader.pgconn.backend_pid}/schedstat").read_text().split()[0]) / 1e6
    except OSError:
        return math.nan


def ask(reader: psycopg.Connection, sql: str, calls: int) -> tuple[int, float, list[float]]:
    """Rows, processor time of a call, and the time of each call in ms, ascending."""
    times = []
    reader.pgconn.exec_(sql.encode())  # warms up
    worked = processor_ms(reader)
    for _ in range(calls):
        began = time.perf_counter()
        answer = reader.pgconn.exec_(sql.encode())
        times.append(1000 * (time.perf_counter() - began))
        if answer.status != psycopg.pq.ExecStatus.TUPLES_OK:
            raise SystemExit(f"{answer.error_message.decode()}\n{sql}")
    time.sleep(0.005)  # until the kernel has counted the last call
    return answer.ntuples, (processor_ms(reader) - worked) / calls, sorted(times)


@contextmanager
def server(url: str | None) -> Iterator[str]:
    """The server named, or one of our own for the time."""
    if url is not None:
        yield url
        return
    from hdqm_ops.local import Postgres
    from hdqm_ops.settings import Settings

    home = Path(tempfile.mkdtemp(prefix="hdqm-benchmark-"))
    home.chmod(0o755)
    own = Postgres(Settings(home=home), durable=False)
    try:
        own.start()
        yield own.superuser_url
    finally:
        own.destroy()
        shutil.rmtree(home, ignore_errors=True)


def measure(address: str, calls: int, only: str, *, markdown: bool) -> None:
    """Print a line a question."""
    plain = "{cpu:8.1f} {best:8.1f} {median:8.1f} {p95:8.1f} ms {rows:6} rows  {title}"
    form = "| {title} | {rows} | {cpu:.1f} | {best:.1f} | {median:.1f} | {p95:.1f} |" if markdown else plain
    with psycopg.connect(address, autocommit=True) as reader:
        reader.execute("SET ROLE hdqm_reader")
        for title, sql in questions():
            if only in title:
                rows, cpu, times = ask(reader, sql, calls)
                p95 = times[max(round(0.95 * calls) - 1, 0)]
                median = statistics.median(times)
                line = form.format(title=title, rows=rows, cpu=cpu, best=times[0], median=median, p95=p95)
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
    sys.stdout.write(f"load {os.getloadavg()[0]:.1f}\n")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?")
    for name, size in (("trends", 1000), ("datasets", 3), ("runs", 4000), ("calls", 20)):
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--only", default="", help="part of the names to measure")
    parser.add_argument("--markdown", action="store_true", help="lines of a table")
    given = parser.parse_args()
    with server(given.url) as url:
        address = make(url, given.trends, given.datasets, given.runs)
        measure(address, given.calls, given.only, markdown=given.markdown)


if __name__ == "__main__":
    main()
