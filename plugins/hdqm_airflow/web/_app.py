"""All addresses below ``/hdqm``: our pages, and behind them the REST API. Nobody gets in without Airflow's login."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from hdqm_airflow.web import _acts, _views
from hdqm_airflow.web._guard import Guard
from hdqm_airflow.web._limit import BodyLimit
from hdqm_airflow.web._render import handlers

__all__ = ["app"]

_STATIC = Path(__file__).parent / "static"


_API = re.compile(r"/(api|health|docs|redoc|openapi\.json)(/|$)")


class _Split:
    """Our pages, and beside them the REST API under its own paths.

    Args:
        pages: answers all the rest.
        make_api: makes the API with its first request: the connections of Airflow say where the database is.
    """

    def __init__(self, pages: ASGIApp, make_api: Callable[[], ASGIApp]) -> None:
        self._pages = pages
        self._make_api = make_api
        self._api: ASGIApp | None = None
        self._lock = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        below = scope["path"].removeprefix(scope.get("root_path", ""))
        app = await self._whole_api() if _API.match(below) else self._pages
        await app(scope, receive, send)

    async def _whole_api(self) -> ASGIApp:
        async with self._lock:
            if self._api is None:
                self._api = await asyncio.to_thread(self._make_api)
        return self._api


def _make_api() -> ASGIApp:
    from hdqm_airflow.connections import reader_settings  # noqa: PLC0415 - pages work without it
    from hdqm_ops.api import create_app  # noqa: PLC0415

    return create_app(reader_settings())


def _app() -> ASGIApp:
    routes = [
        Route("/", _views.home),
        Route("/run", _views.run),
        Route("/definition", _views.definition),
        Route("/golden", _views.golden),
        Route("/golden", _acts.upload, methods=["POST"]),
        Route("/golden/remove", _acts.remove, methods=["POST"]),
        Route("/retry", _acts.retry, methods=["POST"]),
        Route("/batch", _views.batch),
        Route("/batch/plots", _views.plots),
        Route("/view/{page}", _views.dashboard),
        Mount("/static", StaticFiles(directory=_STATIC)),
    ]
    pages = BodyLimit(Starlette(routes=routes, exception_handlers=handlers()))
    return Guard(_Split(pages, _make_api))


app = _app()
