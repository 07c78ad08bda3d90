"""``hdqm demo``: what `make demo` shows a newcomer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hdqm_ops.cli._output import err, out, progress, table
from hdqm_ops.errors import HdqmError
from hdqm_ops.settings import Settings, stack_file

if TYPE_CHECKING:
    from pathlib import Path

    import typer

    from hdqm_ops.local import Stack

__all__ = ["register"]

_QUERIES = {
    "The last points of one trend": """\
SELECT run_number, value, error, status
  FROM hdqm.trend_points
 WHERE subsystem = 'Tracking' AND trend = 'vertices'
   AND primary_dataset = 'ZeroBias' AND processing = 'PromptReco'
 ORDER BY run_number DESC LIMIT 6""",
    "Why points are missing": """\
SELECT status, meaning, count(*) AS gaps
  FROM hdqm.trend_points JOIN hdqm.reasons ON code = status
 WHERE status <> 'ok'
 GROUP BY status, meaning ORDER BY gaps DESC""",
    "Files that could not be read": """\
SELECT run_number, dataset, dqm_version, state, left(reason, 60) AS reason
  FROM hdqm.dqm_files
 WHERE state = 'failed' ORDER BY run_number, dataset LIMIT 6""",
}


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(demo)


def demo() -> None:
    """Simulate DQM files, let Airflow ingest them into TimescaleDB, and show what came out. Stays up."""
    from hdqm_ops import local

    started = time.monotonic()
    folder = _files(Settings())
    settings = Settings()
    stack = local.Stack(settings)
    stack.up(say=lambda line: err.print(line, markup=False))
    _ingest(stack, folder)
    _show(local.with_database(settings))
    out.print(stack.welcome(), markup=False)
    out.print(f"Ready after {time.monotonic() - started:.0f} s. `make down` (or `hdqm down`) stops it; the data stay.")


def _files(settings: Settings) -> Path:
    """Simulate once; from then on the daily Dag looks into this folder too."""
    from hdqm_ops import pipeline

    folder = settings.home / "demo" / "dqm"
    if not folder.exists():
        partial = folder.with_name("dqm.partial")
        tree = pipeline.read_selection(settings, ())
        with progress("simulate DQM files", pipeline.simulated_files("demo")) as advance:
            pipeline.simulate_files(tree, partial, "demo", seed=1, jobs=2, advance=advance)
        partial.rename(folder)
    if not stack_file().exists():
        stack_file().write_text(f'HDQM_FILES=["{folder}"]\n')
    return folder


def _ingest(stack: Stack, folder: Path) -> None:
    err.print("Airflow: triggering the Dag hdqm_ingest", markup=False)
    airflow = stack.airflow()
    run_id = airflow.trigger("hdqm_ingest", {"files": [str(folder)]})
    state = airflow.wait("hdqm_ingest", run_id, timeout_s=900, say=lambda line: err.print(line, markup=False))
    if state != "success":
        failed = ", ".join(airflow.failed_tasks("hdqm_ingest", run_id))
        raise HdqmError(
            f"the Dag run {run_id} ended as {state}: {failed}; their logs are in Airflow, and below HDQM_HOME"
        )


def _show(settings: Settings) -> None:
    from hdqm_ops import pipeline

    rows = pipeline.summary_rows(pipeline.summary(settings))
    out.print(table("What Airflow has ingested", ("what", "number"), rows))
    for title, sql in _QUERIES.items():
        columns, found = pipeline.query(settings, sql)
        out.print(f"\n{title}:\n\n{_indented(sql)}\n", markup=False)
        out.print(table("", columns, found))


def _indented(sql: str) -> str:
    return "\n".join(f"    {line}" for line in sql.splitlines())
