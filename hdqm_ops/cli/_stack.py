"""``hdqm up``, ``down``, ``status``: the local stack."""

import shutil
from typing import Annotated

import typer

from hdqm_ops.cli._output import err, out, print_json, table
from hdqm_ops.settings import Settings

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(up)
    app.command()(down)
    app.command()(status)


def up() -> None:
    """Start the embedded TimescaleDB and Airflow, wait until they are healthy, print the addresses."""
    from hdqm_ops import local

    stack = local.Stack(Settings())
    stack.up(say=lambda line: err.print(line, markup=False))
    out.print(stack.welcome(), markup=False)


def down(
    *,
    destroy: Annotated[
        bool, typer.Option("--destroy", help="Remove HDQM_HOME and all data of this stack, too.")
    ] = False,
) -> None:
    """Stop everything that `up` started, in the right order. The data stay."""
    from hdqm_ops import local

    settings = Settings()
    local.Stack(settings).down(say=lambda line: err.print(line, markup=False))
    if destroy:
        local.Postgres(settings).destroy()
        shutil.rmtree(settings.home, ignore_errors=True)


def status(*, as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False) -> None:
    """Say what runs, where, and what the database holds. Exit code 1 if a part is down."""
    from hdqm_ops import local, pipeline

    settings = Settings()
    parts = local.Stack(settings).status()
    content = pipeline.summary(local.with_database(settings)) if parts.database_up else None
    if as_json:
        print_json({**parts.as_json(), "content": content})
    else:
        out.print(table("Stack", ("part", "state", "where"), parts.rows()))
        if content:
            out.print(table("Database", ("what", "number"), pipeline.summary_rows(content)))
    raise typer.Exit(0 if parts.healthy else 1)
