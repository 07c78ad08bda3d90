"""A session of a server on this machine is served by a process; here it goes as far back in the queue as its client."""

import logging
import os
import socket
from contextlib import suppress
from pathlib import Path

from hdqm_ops.load._connection import Connection

__all__ = ["follow_priority"]

log = logging.getLogger(__name__)


def follow_priority(connection: Connection) -> int | None:
    """Give the process that serves ``connection`` the niceness of this one, where it is the larger.

    Only on this machine, and where the system allows it: for a server that our user or, as root, we ourselves started.
    Of another machine's processes we know numbers that mean others here; so the process must say of itself that it
    serves the very port that we speak from.

    Returns:
        The niceness of that process; None where it was left alone.
    """
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    server = connection.info.backend_pid
    if ours <= 0 or not _serves(server, connection):
        return None
    with suppress(PermissionError, ProcessLookupError):
        if os.getpriority(os.PRIO_PROCESS, server) < ours:
            os.setpriority(os.PRIO_PROCESS, server, ours)
        return os.getpriority(os.PRIO_PROCESS, server)
    log.debug("the server's process %d keeps its priority: it belongs to another user", server)
    return None


def _serves(server: int, connection: Connection) -> bool:
    """Whether a process here is a session of ours: PostgreSQL calls it ``postgres: … user database host(port) …``."""
    try:
        title = Path(f"/proc/{server}/cmdline").read_bytes().decode(errors="replace")
        with socket.socket(fileno=os.dup(connection.fileno())) as ours:
            name = ours.getsockname()
    except OSError:
        return False
    return isinstance(name, tuple) and title.startswith("postgres:") and f" {name[0]}({name[1]}) " in f"{title} "
