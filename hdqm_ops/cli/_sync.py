"""``hdqm sync``, ``hdqm runs import``, ``hdqm json import``: what is known of runs, into the database."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hdqm_ops.cli._context import with_database
from hdqm_ops.cli._output import out, print_json

if TYPE_CHECKING:
    from hdqm_ops.pipeline import SyncReport

__all__ = ["app", "register_golden", "runs"]

app = typer.Typer(no_args_is_help=True, help="Bring what OMS and Run Registry tell of runs into the database.")
runs = typer.Typer(no_args_is_help=True, help="What is known of runs, by hand.")

Runs = Annotated[
    list[str] | None,
    typer.Option("-r", "--run", "--runs", help="Runs and ranges: 324997 325000-325170; none: what is due."),
]
Days = Annotated[int, typer.Option(min=1, help="How many days the daily sweep goes back.")]
Everything = Annotated[bool, typer.Option("--all", help="All runs that the service has.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command("oms")
def sync_oms(
    *,
    run: Runs = None,
    days: Days = 14,
    everything: Everything = False,
    lumisections: Annotated[bool, typer.Option("--lumisections", help="Lumisections of the named runs too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Runs and fills of OMS: what is new, what was open, corrections."""
    from hdqm_ops import pipeline

    wanted = " ".join(run or ())
    report = pipeline.sync_oms(with_database(), wanted, days=days, everything=everything, lumisections=lumisections)
    _print(report, as_json=as_json)


@app.command("rr")
def sync_rr(*, run: Runs = None, days: Days = 14, everything: Everything = False, as_json: AsJson = False) -> None:
    """Classes, significance and certification of Run Registry."""
    from hdqm_ops import pipeline

    report = pipeline.sync_rr(with_database(), " ".join(run or ()), days=days, everything=everything)
    _print(report, as_json=as_json)


@runs.callback()
def runs_group() -> None:
    """Keep `import` a command of its own, alone as it is."""


@runs.command("import")
def import_runs(
    file: Annotated[Path, typer.Argument(help="CSV with a header, or JSON; columns as in hdqm.runs.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Fill in runs from a file. What a service told is not replaced."""
    from hdqm_ops import pipeline

    _print(pipeline.import_runs(with_database(), file), as_json=as_json)


def register_golden(golden: typer.Typer) -> None:
    """Add ``import`` to ``hdqm json``."""
    golden.command("import")(import_golden)


def import_golden(
    name: Annotated[str, typer.Argument(help="Name that people choose it by.")],
    file: Annotated[Path, typer.Argument(help="The golden JSON.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Keep a golden JSON in the database, in place of another one of that name."""
    from hdqm_ops import pipeline

    found = pipeline.import_golden_json(with_database(), name, file)
    if as_json:
        print_json(found)
    else:
        out.print(f"{name}: {found['runs']} runs, {found['lumisections']} lumisections", markup=False)


def _print(report: "SyncReport", *, as_json: bool) -> None:
    """What happened; what did not is left out for people."""
    if as_json:
        print_json(report.as_json())
        return
    told = {
        "runs told of": report.runs,
        "of them new": report.new,
        "rows of runs written": report.written,
        "corrections": report.changes,
        "runs that the service does not know": report.absent,
        "fills written": report.fills,
        "lumisections written": report.lumisections,
        "datasets written": report.datasets,
    }
    out.print(", ".join(f"{number} {what}" for what, number in told.items() if number) or "no runs told of")
