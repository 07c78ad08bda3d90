"""Who we are when we claim a file, whether another who claimed one still lives, and how a claim lasts while we work."""

import hashlib
import itertools
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from hdqm_ops import load
from hdqm_ops.errors import HdqmError
from hdqm_ops.pipeline._database import connect
from hdqm_ops.settings import Settings

__all__ = ["Heartbeat", "claim", "is_dead", "new_holder"]

log = logging.getLogger(__name__)

_BEATS = 3
"""How often a claim is renewed in the time that it lasts."""

_numbers = itertools.count(1)


def new_holder() -> str:
    """A name for one worker of this process: host, process, its beginning, where its number means something, number."""
    pid = os.getpid()
    return f"{socket.gethostname()} {pid} {_began(pid)} {_process_space()} {next(_numbers)}"


def is_dead(holder: str) -> bool:
    """True where a holder was a process beside this one, and is no more; of other machines nothing is known."""
    match holder.rsplit(" ", 4):
        case [_, pid, began, space, _] if pid.isdecimal() and space and space == _process_space():
            return _began(int(pid)) != began
        case _:
            return False


def _began(pid: int) -> str:
    """When a process began, in clock ticks after the boot; empty where there is none, or it is only not buried yet."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        if fields[0] not in "ZX":
            return fields[19]
    return ""


@cache
def _process_space() -> str:
    """Tells boots and containers apart: in each of them the same number is another process. Empty where unknown."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return hashlib.sha256(f"{boot} {Path('/proc/self/ns/pid').readlink()}".encode()).hexdigest()[:12]
    return ""


def claim(connection: load.Connection, work: load.Work, holder: str, lease_s: float) -> load.Work | load.Held | None:
    """``load.claim_work``, also from one that is known to be dead."""
    found = load.claim_work(connection, work, holder, lease_s)
    if isinstance(found, load.Held) and is_dead(found.by):
        log.warning("%s: %s died over it; it is taken over", work.file.path, found.by)
        return load.claim_work(connection, work, holder, lease_s, dead=found.by)
    return found


class Heartbeat:
    """Renews the claim of the file in hand, over a connection of its own, for as long as the work takes.

    Args:
        settings: which database, and how long a claim lasts.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pause_s = settings.claim_s / _BEATS
        self._changed = threading.Condition()
        self._held: load.Work | None = None
        self._thread: threading.Thread | None = None
        self._ended = False

    @contextmanager
    def holding(self, work: load.Work) -> Iterator[None]:
        """Renew the claim of ``work`` within the context."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="hdqm-heartbeat", daemon=True)
            self._thread.start()
        self._hold(work)
        try:
            yield
        finally:
            self._hold(None)

    def _hold(self, work: load.Work | None) -> None:
        with self._changed:
            self._held = work
            self._changed.notify()  # wakes the thread, which counts the time anew

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout=10)  # it may be waiting for a database that does not answer; it dies with us

    def _run(self) -> None:
        while (work := self._after_a_while()) is not None:
            try:
                self._renew(work)
            except HdqmError as error:
                log.warning("%s: the claim is not renewed: %s", work.file.path, error)

    def _renew(self, work: load.Work) -> None:
        """Beat until the work is done: most files are, before the first beat, and never need this connection."""
        assert work.claim is not None
        with connect(self._settings) as connection:
            while load.renew_claim(connection, work.file_id, work.claim, self._settings.claim_s):
                if self._after_a_while(work) is not work:
                    return

    def _after_a_while(self, before: load.Work | None = None) -> load.Work | None:
        """Work that is in hand and stays so for the time between two beats; with ``before``, only if it is that."""
        with self._changed:
            while not self._ended:
                work = self._held
                if before is not None and work is not before:
                    return None
                if not self._changed.wait(None if work is None else self._pause_s) and self._held is work:
                    return work
            return None
