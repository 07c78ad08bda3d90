"""``hdqm sync``, ``hdqm runs``, ``hdqm json import``: what is known of runs, into the database and out of it."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hdqm_ops.cli._context import with_database
from hdqm_ops.cli._output import err, out, print_json, table
from hdqm_ops.cli._services import read_argument

if TYPE_CHECKING:
    from hdqm_ops.load import Selection
    from hdqm_ops.pipeline import SyncReport, Wanted

__all__ = ["app", "register_golden", "runs"]

app = typer.Typer(no_args_is_help=True, help="Bring what OMS and Run Registry tell of runs into the database.")
runs = typer.Typer(no_args_is_help=True, help="Which runs a selection gives, and what is known of them.")

Runs = Annotated[
    list[str] | None,
    typer.Option("-r", "--run", "--runs", help="Runs and ranges: 324997 325000-325170; none: what is due."),
]
Days = Annotated[int | None, typer.Option(min=1, help="Days that a sweep goes back; default: HDQM_SYNC_DAYS.")]
Since = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Runs that began on this day or later.")]
Until = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Runs that began on this day or earlier.")]
Everything = Annotated[bool, typer.Option("--all", help="All runs that the service has.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command("oms")
def sync_oms(
    *,
    run: Runs = None,
    since: Since = None,
    until: Until = None,
    days: Days = None,
    everything: Everything = False,
    lumisections: Annotated[bool, typer.Option("--lumisections", help="Lumisections of the named runs too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Runs and fills of OMS: what is new, what was open, corrections."""
    from hdqm_ops import pipeline

    wanted = _wanted(run, since, until, days, everything=everything)
    _print(pipeline.sync_oms(with_database(), wanted, lumisections=lumisections), as_json=as_json)


@app.command("rr")
def sync_rr(
    *,
    run: Runs = None,
    since: Since = None,
    until: Until = None,
    days: Days = None,
    everything: Everything = False,
    as_json: AsJson = False,
) -> None:
    """Classes, significance and certification of Run Registry."""
    from hdqm_ops import pipeline

    _print(pipeline.sync_rr(with_database(), _wanted(run, since, until, days, everything=everything)), as_json=as_json)


def _wanted(
    run: list[str] | None, since: datetime | None, until: datetime | None, days: int | None, *, everything: bool
) -> "Wanted":
    from hdqm_ops.pipeline import Wanted

    first, last = (moment.date() if moment else None for moment in (since, until))
    return Wanted(" ".join(run or ()), first, last, days, everything)


@runs.command("import")
def import_runs(
    file: Annotated[Path, typer.Argument(help="CSV with a header, or JSON; columns as in hdqm.runs.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Fill in runs from a file. What a service told is not replaced."""
    from hdqm_ops import pipeline

    _print(pipeline.import_runs(with_database(), file), as_json=as_json)


Subsystem = Annotated[str | None, typer.Option("--subsystem", help="Runs with trends of it; none: any.")]
Dataset = Annotated[str | None, typer.Option("--dataset", help="Primary dataset: SingleMuon; none: any.")]
Processing = Annotated[str | None, typer.Option("--processing", help="PromptReco, Express, …; none: any.")]
Quality = Annotated[str, typer.Option("--quality", help="default, all, or a rule: collisions, cosmics.")]


@runs.command("select")
def select_runs(
    mode: Annotated[str, typer.Argument(help="latest, range, list, golden, where.")] = "latest",
    value: Annotated[str, typer.Argument(help="50; 325000-325170; 324997 325001; a name; b_field_t > 3.7.")] = "50",
    *,
    subsystem: Subsystem = None,
    dataset: Dataset = None,
    processing: Processing = None,
    quality: Quality = "default",
    as_json: AsJson = False,
) -> None:
    """Print the runs that dashboards show for a selection, newest first."""
    from hdqm_ops.load import Selection

    _print_runs(Selection(mode, value, subsystem, dataset, processing, quality), left_out=False, as_json=as_json)


@runs.command("left-out")
def left_out(
    *,
    subsystem: Subsystem = None,
    dataset: Dataset = None,
    processing: Processing = None,
    quality: Quality = "default",
    as_json: AsJson = False,
) -> None:
    """Print the runs with points that a quality leaves out, and what is known of them."""
    from hdqm_ops.load import Selection

    chosen = Selection("range", "", subsystem, dataset, processing, quality)
    _print_runs(chosen, left_out=True, as_json=as_json)


def _print_runs(selection: "Selection", *, left_out: bool, as_json: bool) -> None:
    from hdqm_ops import pipeline

    rows = pipeline.select_runs(with_database(), selection, left_out=left_out)
    told = [{**row, "start_time": row["start_time"] and row["start_time"].isoformat()} for row in rows]
    if as_json:
        print_json(told)
    elif told:
        shown = [{**row, "dcs_off": " ".join(row["dcs_off"] or ())} for row in told]
        out.print(table("", list(shown[0]), [list(row.values()) for row in shown]))
    if not as_json:
        err.print(f"{len(told)} runs")


def register_golden(golden: typer.Typer) -> None:
    """Add ``import`` and ``create`` to ``hdqm json``."""
    golden.command("import")(import_golden)
    golden.command("create")(create_golden)


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


def create_golden(
    name: Annotated[str, typer.Argument(help="Name that people choose it by.")],
    rule: Annotated[str, typer.Argument(help="Rule in json-logic, or @FILE with one.")],
    datasets: Annotated[str, typer.Argument(help="Names of datasets, as SQL's SIMILAR TO.")],
    *,
    deadline_s: Annotated[float, typer.Option("--deadline", help="Give up after so many seconds.")] = 3600,
    poll_s: Annotated[float, typer.Option("--poll", help="Seconds between two questions.")] = 15,
    as_json: AsJson = False,
) -> None:
    """Have Run Registry make a golden JSON, and keep it in the database, in place of another one of that name."""
    from hdqm_ops import pipeline

    text = read_argument(rule)
    found = pipeline.create_golden_json(with_database(), name, text, datasets, deadline_s=deadline_s, poll_s=poll_s)
    if as_json:
        print_json(found)
    else:
        told = f"{found['runs']} runs, {found['lumisections']} lumisections; number {found['id']} of Run Registry"
        out.print(f"{name}: {told}", markup=False)


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
