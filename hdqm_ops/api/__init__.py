"""HDQM over HTTP, read only: what the predecessor's scripts ask (``/api/…``), and everything else (``/api/v1/…``)."""

from typing import TYPE_CHECKING

from hdqm_ops.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["create_app", "serve"]


def create_app(settings: Settings | None = None) -> "FastAPI":
    """The application, without authentication: who mounts it brings its own, ``serve`` adds that of the settings.

    It is cheap until the first request: connections are made then, because nobody runs the lifespan of a mounted
    application, and closed at the end of the lifespan where there is one.

    Args:
        settings: names the database by ``reader_url`` or ``database_url``; None: from the environment.
    """
    from hdqm_ops.api._app import build  # noqa: PLC0415 - FastAPI is not for those who only import this room

    return build(settings or Settings())


def serve(settings: Settings) -> None:
    """Serve the application alone until it is told to stop.

    Args:
        settings: names database, address, authentication and limits.
    """
    from hdqm_ops.api._serve import run  # noqa: PLC0415 - so is the server

    run(settings)
