"""``hdqm ingest``, ``extract``, ``calculate``: files to trend points, whole or in halves."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hdqm_ops.cli._context import with_database
from hdqm_ops.cli._output import out, print_json, progress, table, tell
from hdqm_ops.errors import ConfigError

if TYPE_CHECKING:
    from hdqm_ops.pipeline import Request

__all__ = ["register"]

Runs = Annotated[
    list[str] | None, typer.Option("-r", "--runs", help="Runs and ranges: 324997 325000-325170.", metavar="RUNS...")
]
Configs = Annotated[
    list[str] | None,
    typer.Option("-c", "--configs", help="Files, folders or Subsystem/pattern*; default: all.", metavar="CONFIGS..."),
]
Files = Annotated[
    list[str] | None,
    typer.Option("-f", "--files", help="Files, folders, globs or @list.txt; default: HDQM_FILES.", metavar="FILES..."),
]
Jobs = Annotated[int | None, typer.Option("-j", "--jobs", min=1, help="Processes at once; default: HDQM_JOBS.")]
Mode = Annotated[
    str, typer.Option(help="missing: what was never done; failed: failed files too; all: everything anew.")
]
AsJson = Annotated[bool, typer.Option("--json", help="A summary as JSON on stdout.")]


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(ingest)
    app.command()(extract)
    app.command()(calculate)


def ingest(
    *, runs: Runs = None, configs: Configs = None, files: Files = None, jobs: Jobs = None, mode: Mode = "missing",
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Extract and calculate in one pass. Exit code 1 if a file failed; the others are done."""
    _work(_request("ingest", runs, mode, configs=configs, files=files), jobs, as_json=as_json)


def extract(
    *, runs: Runs = None, configs: Configs = None, files: Files = None, jobs: Jobs = None, mode: Mode = "missing",
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Read histograms out of DQM files and keep them; `calculate` makes trend points of them later."""
    _work(_request("extract", runs, mode, configs=configs, files=files), jobs, as_json=as_json)


def calculate(
    *, runs: Runs = None, configs: Configs = None, jobs: Jobs = None, mode: Mode = "missing", as_json: AsJson = False
) -> None:
    """Make trend points of histograms that are kept already; no DQM file is opened."""
    _work(_request("calculate", runs, mode, configs=configs), jobs, as_json=as_json)


def _request(stage: str, runs: list[str] | None, mode: str, **names: list[str] | None) -> "Request":
    """The request that a command line makes; what it cannot be is said in one line."""
    from pydantic import ValidationError

    from hdqm_ops import pipeline

    facts = {name: tuple(values or ()) for name, values in names.items()}
    try:
        return pipeline.Request.model_validate({"stage": stage, "runs": " ".join(runs or ()), "mode": mode, **facts})
    except ValidationError as error:
        said = "; ".join(f"--{one['loc'][0]} {one['input']!r}: {one['msg']}" for one in error.errors())
        raise ConfigError(said) from error


def _work(request: "Request", jobs: int | None, *, as_json: bool) -> None:
    from hdqm_ops import pipeline

    settings = with_database()
    pipeline.give_way(settings)
    plan = pipeline.plan(settings, request)
    for line in plan.remarks:
        tell(line, "yellow")
    with progress(request.stage, len(plan.work)) as advance:
        report = pipeline.work(settings, plan, jobs=jobs or settings.jobs, advance=advance)
    summary = report.as_json()
    if as_json:
        print_json(summary)
    else:
        _print_summary(summary)
    raise typer.Exit(1 if report.failed else 0)


def _print_summary(summary: dict[str, Any]) -> None:
    for path, reason in summary["failures"].items():
        tell(f"failed: {path}: {reason}", "red")
    facts = [(name, number) for name, number in summary.items() if isinstance(number, (int, float))]
    gaps = [(f"gaps: {code}", number) for code, number in summary["gaps"].items()]
    out.print(table(summary["stage"], ("what", "number"), facts + gaps))
