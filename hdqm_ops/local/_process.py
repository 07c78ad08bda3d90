"""Processes that outlive the command that starts them: spawn, recognise, stop.

A process is recognised by its working folder, which it and its children keep: no file with a number that another
process may have meanwhile.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from signal import Signals
from types import MappingProxyType
from typing import Any

__all__ = ["Process", "processes_in", "processes_with", "spawn", "tail", "wait_until"]

_POLL_S = 0.1
_SESSION_S = 10
_OLD_LOG_BYTES = 10_000_000
_TICKS = os.sysconf("SC_CLK_TCK")

# A shell in between, so that the program is nobody's child: no zombie, and no warning that it still runs.
# It leads a session and a group of its own (setsid), so that a Ctrl-C here does not reach it.
_DETACHED = 'setsid "$@" >&2 </dev/null & echo $!'


@dataclass(frozen=True, slots=True)
class Process:
    """A process that is told from a later one with the same number by when it began.

    Attributes:
        pid: its number.
        began: when it began, in clock ticks since the machine did.
    """

    pid: int
    began: int

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        """The process that has this number now; None where none lives (a zombie does not)."""
        facts = _stat(pid)
        return cls(pid, int(facts[19])) if facts and facts[0] not in "ZX" else None

    @property
    def alive(self) -> bool:
        """Whether this very process lives."""
        return Process.of(self.pid) == self

    @property
    def started(self) -> datetime:
        """When it began."""
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return datetime.fromtimestamp(time.time() - uptime + self.began / _TICKS, UTC)

    @property
    def leads_a_session(self) -> bool:
        """Whether it is the first of what was started together."""
        facts = _stat(self.pid)
        return bool(facts) and int(facts[3]) == self.pid

    def send(self, number: Signals) -> None:
        """Send a signal to this very process, if it lives."""
        if self.alive:
            os.kill(self.pid, number)

    def end(self, number: Signals, seconds: float) -> bool:
        """Send a signal and wait; whether the process has gone."""
        self.send(number)
        return wait_until(lambda: not self.alive, seconds)


def processes_in(folder: Path) -> list[Process]:
    """Processes that work in ``folder``, oldest first; without those of a person who has gone there in a terminal."""
    wanted = str(folder.resolve())
    return _alive(pid for pid in _pids() if _working_folder(pid) == wanted and not _has_terminal(pid))


def processes_with(variable: str, value: str) -> list[Process]:
    """Processes that were given a variable with that value, oldest first. Some overwrite it with a title of theirs."""
    wanted = f"{variable}={value}".encode()
    return _alive(pid for pid in _pids() if wanted in _environment(pid))


def _alive(pids: Iterator[int]) -> list[Process]:
    found = (Process.of(pid) for pid in pids if pid != os.getpid())
    return sorted((one for one in found if one is not None), key=lambda one: (one.began, one.pid))


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _stat(pid: int) -> list[str]:
    """Fields of ``/proc/PID/stat`` from the third (state) on; the second, a name, may hold blanks and brackets."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _has_terminal(pid: int) -> bool:
    facts = _stat(pid)
    return bool(facts) and int(facts[4]) != 0


def _working_folder(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:  # gone, a zombie, or of another user
        return ""


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def spawn(
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    cwd: Path,
    as_child: Mapping[str, Any] = MappingProxyType({}),
) -> Process:
    """Start a program that goes on when this process ends; its output is added to ``log``.

    Args:
        command: program and arguments.
        log: opened here, so that the user who runs the program needs no right on it.
        environment: all of its environment.
        cwd: its working folder.
        as_child: arguments of ``subprocess`` that say as which user it runs.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _OLD_LOG_BYTES:
        log.rename(log.with_suffix(".old.log"))
    with log.open("ab") as output:
        shell = ["/bin/sh", "-c", _DETACHED, "sh", *command]
        started = subprocess.run(
            shell, check=True, stdout=subprocess.PIPE, stderr=output, env=dict(environment), cwd=cwd, **as_child
        )
    pid = int(started.stdout)
    process = Process.of(pid) or Process(pid, began=-1)  # gone already: never alive again
    # The shell is back before setsid(1) has done its work; until then nobody would recognise the process.
    wait_until(lambda: process.leads_a_session or not process.alive, _SESSION_S)
    return process


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition; False when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log, indented, for an error message."""
    try:
        text = log.read_bytes()[-20_000:].decode(errors="replace")
    except FileNotFoundError:
        return f"  ({log} does not exist)"
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or f"  ({log} is empty)"
