"""The application served alone, by uvicorn."""

import logging

import uvicorn
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from hdqm_ops.api._app import build
from hdqm_ops.api._auth import Authentication
from hdqm_ops.settings import Settings

__all__ = ["application", "run"]

_log = logging.getLogger(__name__)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def application(settings: Settings) -> ASGIApp:
    """The API with what it needs where it is served alone: who may ask, and pages of which origins.

    A browser asks beforehand, without credentials, whether a page may ask at all: so origins come first.
    """
    return CORSMiddleware(
        Authentication(build(settings), settings),
        allow_origins=settings.api_origins.split(),
        allow_methods=("GET", "POST"),
        allow_headers=("Authorization", "If-None-Match"),
        expose_headers=("ETag", "Link", "Retry-After"),
        max_age=3600,
    )


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; answers that are under way get ten seconds."""
    if settings.api_host not in _LOOPBACK and not (settings.api_token or settings.api_user_header):
        _log.warning(
            "everybody who reaches %s may read: HDQM_API_TOKEN or HDQM_API_USER_HEADER ask who", settings.api_host
        )
    uvicorn.run(
        application(settings),
        host=settings.api_host,
        port=settings.api_port,
        # h11 ends a request that grows beyond its limit; httptools would collect it first, however long
        http="h11",
        h11_max_incomplete_event_size=128 * 1024,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=10,
        limit_concurrency=500,
        # who the client is counts for HDQM_API_PROXIES: nobody may write it into a header
        proxy_headers=False,
        server_header=False,
        log_level="warning",
        access_log=False,
    )
