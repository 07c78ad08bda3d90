"""``hdqm api``: the REST API served alone."""

from typing import Annotated

import typer

from hdqm_ops.cli._context import with_database
from hdqm_ops.cli._output import err

__all__ = ["app"]

app = typer.Typer(help="REST API: trends, runs and histograms over HTTP, read only.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `serve` a command of a group."""


@app.command()
def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Where to listen. Default: HDQM_API_HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Default: HDQM_API_PORT.")] = None,
) -> None:
    """Serve the API until Ctrl-C. Who may ask: HDQM_API_TOKEN, HDQM_API_USER_HEADER."""
    from hdqm_ops import api
    from hdqm_ops.settings import Settings

    settings = Settings()
    if settings.reader_url is None:
        settings = with_database()
    told = {"api_host": host, "api_port": port}
    settings = settings.model_copy(update={name: value for name, value in told.items() if value is not None})
    err.print(f"http://{settings.api_host}:{settings.api_port}/docs", markup=False)
    api.serve(settings)
