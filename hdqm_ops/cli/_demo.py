"""``hdqm demo``: what `make demo` shows a newcomer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hdqm_ops.cli._output import err, out, progress, table
from hdqm_ops.errors import HdqmError
from hdqm_ops.settings import Settings, stack_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import typer

    from hdqm_ops.local import Stack

__all__ = ["register"]

_RUNS, _ERA = 20, "2018D"
_SIMULATOR_PORT = 9600

_QUERIES = {
    "The last points of one trend, and what OMS and Run Registry told of the runs": """\
SELECT run_number, value, status, fill_number AS fill, recorded_lumi_pb AS "1/pb", b_field_t AS "T", run_class, state
  FROM hdqm.trend_points JOIN hdqm.runs USING (run_number)
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
    """Simulate DQM files, OMS and Run Registry, let Airflow bring all into TimescaleDB, show it. Stays up."""
    from hdqm_ops import local, pipeline

    started = time.monotonic()
    folder = _files(Settings())
    settings = Settings()
    stack = local.Stack(settings)
    stack.up(say=lambda line: err.print(line, markup=False))
    runs = pipeline.simulated_runs(_RUNS, _ERA)
    conditions = {"runs": f"{runs[0]}-{runs[-1]}"}
    _run(stack, {"hdqm_ingest": {"files": [str(folder)]}, "hdqm_sync_oms": conditions, "hdqm_sync_rr": conditions})
    _show(local.with_database(settings))
    out.print(stack.welcome(), markup=False)
    out.print(f"Ready after {time.monotonic() - started:.0f} s. `make down` (or `hdqm down`) stops it; the data stay.")


def _files(settings: Settings) -> Path:
    """Simulate once; from then on the daily Dag looks into this folder too."""
    from hdqm_ops import local, pipeline

    folder = settings.home / "demo" / "dqm"
    if not folder.exists():
        partial = folder.with_name("dqm.partial")
        tree = pipeline.read_selection(settings, ())
        runs = pipeline.simulated_runs(_RUNS, _ERA)
        with progress("simulate DQM files", pipeline.simulated_files("demo", runs=runs)) as advance:
            pipeline.simulate_files(tree, partial, "demo", seed=1, jobs=2, advance=advance, runs=runs)
        partial.rename(folder)
    if not stack_file().exists():
        simulators = local.Simulators(settings, settings.simulator_port or _SIMULATOR_PORT)
        told = {"HDQM_FILES": f'["{folder}"]', **simulators.settings()}
        stack_file().write_text("".join(f"{name}={text}\n" for name, text in told.items()))
    return folder


def _run(stack: Stack, forms: Mapping[str, Mapping[str, object]]) -> None:
    """Trigger Dags as their forms in the UI do, and wait for all."""
    err.print(f"Airflow: triggering the Dags {', '.join(forms)}", markup=False)
    airflow = stack.airflow()
    started = {dag: airflow.trigger(dag, form) for dag, form in forms.items()}
    for dag, run_id in started.items():
        state = airflow.wait(dag, run_id, timeout_s=900, say=lambda line: err.print(line, markup=False))
        if state != "success":
            failed = ", ".join(airflow.failed_tasks(dag, run_id))
            raise HdqmError(
                f"{dag}: the run {run_id} ended as {state}: {failed}; their logs are in Airflow, and below HDQM_HOME"
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
