"""The API as users meet it: over HTTP, served by uvicorn, on a real database."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
import uvicorn
from filled_database import fill
from ports import free_port

from hdqm_ops.api import create_app
from hdqm_ops.api._serve import application
from hdqm_ops.settings import Settings


class Api(requests.Session):
    """A client that knows the address."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base

    def request(self, method, url, *args, **kwargs):
        kwargs.setdefault("timeout", 120)
        return super().request(method, self.base + url, *args, **kwargs)


@contextmanager
def served(app) -> Iterator[Api]:
    """``app`` on a free port of loopback."""
    config = uvicorn.Config(app, port=free_port(), http="h11", log_level="error", h11_max_incomplete_event_size=131072)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 120
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < until
        time.sleep(0.01)
    try:
        with Api(f"http://127.0.0.1:{config.port}") as api:
            yield api
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="session")
def api_database(make_database, migrated_template) -> Iterator[str]:
    """Address of a filled database that nobody changes."""
    with make_database(migrated_template) as url:
        fill(url)
        yield url


@pytest.fixture(scope="session")
def api(api_database) -> Iterator[Api]:
    """The API on it."""
    with served(create_app(Settings(database_url=api_database))) as client:
        yield client


@pytest.fixture(scope="session")
def locked_api(api_database) -> Iterator[Api]:
    """The API as ``hdqm api serve`` serves it: tokens ``right-one`` and ``another``, or a user named by a proxy."""
    settings = Settings(
        database_url=api_database,
        api_token="right-one another",
        api_user_header="X-Forwarded-User",
        api_proxies="127.0.0.2/32",
    )
    with served(application(settings)) as client:
        yield client
