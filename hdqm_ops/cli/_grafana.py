"""``hdqm grafana``: dashboards and alarms as files, and into a Grafana."""

from typing import Annotated

import typer

from hdqm_ops.cli._context import with_database
from hdqm_ops.cli._output import err, out
from hdqm_ops.errors import DatabaseUnavailable
from hdqm_ops.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Build dashboards and alarms, and publish them.")


@app.command()
def build(
    *,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit code 1 if a file differs.")] = False,
    site: Annotated[
        bool, typer.Option("--site", help="This site's own pages, one a subsystem of the database, into HDQM_HOME.")
    ] = False,
) -> None:
    """Write the dashboards and alarm rules of grafana/ from the code."""
    from hdqm_ops import pipeline, show

    changed = pipeline.write_site_dashboards(with_database(), check=check) if site else show.build(check=check)
    verb = "differs" if check else "written"
    out.print("\n".join(f"{verb}: {name}" for name in changed) or "all is as it is generated", markup=False)
    raise typer.Exit(1 if check and changed else 0)


@app.command()
def publish(
    *,
    url: Annotated[str | None, typer.Option(help="Address of Grafana; default: HDQM_GRAFANA_URL.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be changed.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove dashboards and alarms of our folder that are not ours any more.")
    ] = False,
) -> None:
    """Bring dashboards, alarms and data source into a Grafana; a second time changes nothing.

    The token of a service account is taken from HDQM_GRAFANA_TOKEN only. The data source is published where
    HDQM_GRAFANA_DATABASE_URL is set, contact points where HDQM_ALARM_WEBHOOK or HDQM_ALARM_EMAIL are, and a page for
    each subsystem where a database runs.
    """
    from hdqm_ops import pipeline

    settings = _with_database_if_any()
    if url is not None:
        settings = settings.model_copy(update={"grafana_url": url})
    changes = pipeline.publish_dashboards(
        settings, dry_run=dry_run, prune=prune, say=lambda change: out.print(str(change), markup=False)
    )
    if not changes:
        out.print("nothing to change")
    elif dry_run:
        err.print("(dry run: nothing was changed)")


def _with_database_if_any() -> Settings:
    try:
        return with_database()
    except DatabaseUnavailable as error:
        err.print(f"pages of single subsystems are left alone: {error}", markup=False)
        return Settings()
