"""``hdqm files``: what became of each DQM file, and another try for those that failed."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import typer

from hdqm_ops.cli._context import with_database
from hdqm_ops.cli._output import err, out, print_json
from hdqm_ops.printable import printable

__all__ = ["register"]

States = Annotated[
    list[str] | None,
    typer.Option(
        "--state", help="discovered, waiting, ingested, superseded, failed, ignored, vanished; may be repeated."
    ),
]
Runs = Annotated[list[str] | None, typer.Option("-r", "--run", "--runs", help="Runs and ranges: 324997 325000-325170.")]
Datasets = Annotated[list[str] | None, typer.Option("--dataset", help="Primary datasets; may be repeated.")]
Retry = Annotated[
    bool, typer.Option("--retry", help="Let the next ingest take the failed ones (or --state waiting) up again.")
]
History = Annotated[
    str | None, typer.Option("--history", help="Every change of the state of one file.", metavar="PATH")
]
Most = Annotated[int, typer.Option("--most", min=1, help="Lines to show; --json shows all.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(files)


def files(
    *, state: States = None, run: Runs = None, dataset: Datasets = None, retry: Retry = False,
    history: History = None, most: Most = 200, as_json: AsJson = False,
) -> None:  # fmt: skip
    """List DQM files with their states and reasons; `--retry` re-queues those that failed."""
    from hdqm_ops import pipeline

    settings = with_database()
    runs, datasets = " ".join(run or ()), tuple(dataset or ())
    if history is not None:
        _print(pipeline.file_events(settings, history), _event, as_json=as_json)
    elif retry:
        number = pipeline.retry_files(settings, states=state or ("failed",), runs=runs, datasets=datasets)
        if as_json:
            print_json({"requeued": number})
        else:
            out.print(f"{number} files are taken up again by the next `hdqm ingest` or Airflow's next run")
    else:
        limit = None if as_json else most + 1
        found = pipeline.list_files(settings, states=state or (), runs=runs, datasets=datasets, most=limit)
        _print(found if as_json else found[:most], _file, as_json=as_json)
        if not as_json and len(found) > most:
            err.print(
                f"only the first {most} are shown; choose with --state, --run, --dataset, or say --most or --json"
            )


def _print(rows: list[dict[str, Any]], line: Callable[[dict[str, Any]], str], *, as_json: bool) -> None:
    shown = [{name: _shown(value, as_json=as_json) for name, value in row.items()} for row in rows]
    if as_json:
        print_json(shown)
    elif not shown:
        err.print("no such files in the ledger")
    for row in [] if as_json else shown:
        out.print(line(row), markup=False)


def _file(row: dict[str, Any]) -> str:
    """Two lines at most: no table, because paths are long and reasons longer."""
    tries = f"  tried {row['tries']}×" if row["tries"] else ""
    again = f", again after {row['try_again_at']}" if row["try_again_at"] else ""
    first = f"{row['state']:<10} {row['run_number']:>7} {row['size_bytes'] / 1e6:>9.1f} MB  {row['path']}{tries}{again}"
    return f"{first}\n{'':<11}{row['reason']}" if row["reason"] else first


def _event(row: dict[str, Any]) -> str:
    reason = f"  {row['reason']}" if row["reason"] else ""
    return f"{row['at']}  {row['old_state'] or 'new'} → {row['new_state']}{reason}"


def _shown(value: Any, *, as_json: bool) -> Any:
    """Times as text; for people, names in one line."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return printable(value) if isinstance(value, str) and not as_json else value
