"""Servers of tests, and Grafanas, for as long as a test needs them."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseServer
from threading import Thread
from typing import Any, TypeVar

from ports import free_port

from hdqm_ops.local._grafana import Grafana
from hdqm_ops.settings import Settings

_Server = TypeVar("_Server", bound=BaseServer)


@contextmanager
def serving(server: _Server) -> Iterator[_Server]:
    """It answers, in a thread of its own."""
    with server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


@contextmanager
def grafana_of(installation: Any, database: Any, **settings: Any) -> Iterator[tuple[Grafana, Path]]:
    """A Grafana that is not started yet, and its folder, which is removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="hdqm-test-grafana-"))
    try:
        yield Grafana(Settings(home=home, grafana_port=free_port(), **settings), installation, database), home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def running(component: Any, within_s: float = 180) -> Iterator[None]:
    """A part of a stack, from when it is healthy on."""
    try:
        component.start()
        component.await_health(within_s)
        yield
    finally:
        component.stop()
