"""The application put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from hdqm_ops import __version__
from hdqm_ops.api import _compatible, _health, _histograms, _points, _tables
from hdqm_ops.api._limits import Limits
from hdqm_ops.api._problems import add_handlers
from hdqm_ops.errors import DatabaseUnavailable
from hdqm_ops.load import Reader
from hdqm_ops.settings import Settings

__all__ = ["build"]

_ABOUT = """\
Trends of data quality over runs: read only. `/api/v1` is ours; `/api/data`, `/api/selection`, `/api/plot_selection`,
`/api/runs` and `/api/expand_url` answer as the predecessor did. Errors are problem documents (RFC 9457).
"""


def build(settings: Settings) -> FastAPI:
    """The application over the database that ``settings`` name; see ``hdqm_ops.api.create_app``."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(app.state.reader.close)

    # a redirection would lead to whatever host the request names
    app = FastAPI(title="HDQM", version=__version__, description=_ABOUT, lifespan=lifespan, redirect_slashes=False)
    app.state.reader = _reader(settings)
    app.add_middleware(Limits, body_bytes=settings.api_body_bytes, rate=settings.api_rate)
    add_handlers(app)
    app.include_router(_health.router)
    app.include_router(_points.router)
    app.include_router(_tables.router)
    app.include_router(_histograms.router)
    app.include_router(_compatible.router)
    return app


def _reader(settings: Settings) -> Reader:
    named = settings.reader_url or settings.database_url
    if named is None:
        raise DatabaseUnavailable("no database is named: start one with `hdqm db start`, or set HDQM_READER_URL")
    return Reader(named.get_secret_value(), size=settings.api_connections, timeout_s=settings.reader_timeout_s)
