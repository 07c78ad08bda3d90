"""``hdqm db``: the embedded database alone, or the one that HDQM_DATABASE_URL names."""

import os
from typing import Annotated, Any

import typer

from hdqm_ops.cli._context import with_database
from hdqm_ops.cli._output import err, out, print_json, table
from hdqm_ops.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Start, stop, migrate and look into the database.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command()
def start() -> None:
    """Start the embedded TimescaleDB and bring its schema up to date; harmless if it runs."""
    from hdqm_ops import local

    facts = local.start_database(Settings(), say=lambda line: err.print(line, markup=False))
    err.print(f"TimescaleDB is up: {facts['address']}, data in {facts['data']}", markup=False)


@app.command()
def stop() -> None:
    """Stop the embedded TimescaleDB; the data stay."""
    from hdqm_ops import local

    local.stop_database(Settings())


@app.command()
def migrate() -> None:
    """Apply the migrations of sql/ that are missing, each in one transaction; tell the dashboards their addresses."""
    from hdqm_ops import pipeline

    settings = with_database()
    applied = pipeline.migrate(settings)
    pipeline.record_addresses(settings)
    out.print("\n".join(f"applied {name}" for name in applied) or "nothing to apply")


@app.command()
def status(*, as_json: AsJson = False) -> None:
    """Say which migrations are applied. Exit code 1 if any is missing or altered."""
    from hdqm_ops import pipeline

    facts: list[dict[str, Any]] = pipeline.migration_status(with_database())
    if as_json:
        print_json(facts)
    else:
        rows = [(fact["number"], fact["name"], fact["state"]) for fact in facts]
        out.print(table("Migrations", ("number", "name", "state"), rows))
    raise typer.Exit(0 if all(fact["state"] == "applied" for fact in facts) else 1)


@app.command()
def guard(
    *,
    once: Annotated[bool, typer.Option("--once", help="Look once, say what was ended, and go.")] = False,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 5,
) -> None:
    """End sessions of hdqm_reader that work longer than HDQM_GUARD_AFTER_S: a session can lift its own time-out."""
    from hdqm_ops import pipeline

    if once:
        for ended in pipeline.end_long_sessions(with_database()):
            out.print(str(ended), markup=False)
    else:
        pipeline.guard(with_database, interval)


@app.command()
def maintain(
    *,
    rowstore: Annotated[
        str, typer.Option(help="Turn these runs (324997-325170) back into the row store, before a large backfill.")
    ] = "",
) -> None:
    """Convert old runs to the columnstore, refresh long views. Nothing to do on TimescaleDB's Apache edition."""
    from hdqm_ops import pipeline

    for line in pipeline.maintenance(with_database(), rowstore):
        out.print(line, markup=False)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """Open psql on the database; arguments are handed on: `hdqm db psql -c 'TABLE hdqm.reasons'`."""
    from hdqm_ops import local

    program, environment = local.psql(Settings())
    os.execvpe(program, [program, *context.args], environment)  # noqa: S606 - psql takes this process's place
