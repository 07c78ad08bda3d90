"""One long-running part of the stack beside the database: how it is started, asked, and stopped."""

import hashlib
import json
import shutil
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from signal import Signals

from hdqm_ops.errors import ConfigError, HdqmError
from hdqm_ops.local._process import Process, processes_in, processes_with, spawn, tail, wait_until

__all__ = ["Component", "check_port"]

_MARK = "HDQM_COMPONENT"  # in the environment of each part, for children that work elsewhere


@dataclass(frozen=True)
class Component:
    """A part of the stack. Another one (Grafana, a simulator, a guard) is one more of these.

    Attributes:
        name: names its log and its folder too.
        home: state folder of the stack.
        command: program and arguments.
        environment: makes all of its environment, when it is started.
        where: address or purpose, for people.
        ailment: is told when the process began and says what it lacks to be healthy; empty if nothing.
        patience_s: how long it may take to end after a SIGTERM before it is killed.
        port: loopback port that it opens, with the variable that changes it.
        noted: beginnings of the variables that make it start anew when they change.
    """

    name: str
    home: Path
    command: tuple[str, ...]
    environment: Callable[[], Mapping[str, str]]
    where: str
    ailment: Callable[[datetime], str]
    patience_s: float = 20
    port: tuple[int, str] | None = None
    noted: tuple[str, ...] = ("AIRFLOW", "HDQM")

    @property
    def log(self) -> Path:
        """Where it writes what it has to say."""
        return self.home / "log" / f"{self.name}.log"

    @property
    def _folder(self) -> Path:
        """It works in there: so it is found again. The folder is there as long as the part is wanted."""
        return self.home / "run" / self.name

    @property
    def wanted(self) -> bool:
        """Whether it was started and not stopped since; it may have died."""
        return self._folder.exists()

    def process(self) -> Process | None:
        """Its main process; None where it does not live."""
        return next((one for one in processes_in(self._folder) if one.leads_a_session), None)

    def state(self) -> str:
        """``healthy``, ``stopped``, or what is wrong."""
        process = self.process()
        if process is None:
            return f"dead, see {self.log}" if self.wanted else "stopped"
        return self.ailment(process.started) or "healthy"

    # -- start ---------------------------------------------------------------------------------------------------------

    def start(self) -> bool:
        """Start it; False where it lives already, with this command and these settings.

        Raises:
            ConfigError: its port is taken.
        """
        if self.process() is not None and self._note.exists() and self._note.read_text() == self._fingerprint():
            return False
        self.stop()
        if self.port is not None:
            wait_until(self._port_is_free, 5)  # what a connection of the stopped one still holds
            check_port(*self.port, self.name)
        self._folder.mkdir(parents=True)
        spawn(self.command, self.log, {**self.environment(), _MARK: str(self._folder)}, self._folder)
        self._note.write_text(self._fingerprint())
        return True

    def _port_is_free(self) -> bool:
        if self.port is not None:
            try:
                check_port(*self.port, self.name)
            except ConfigError:
                return False
        return True

    @property
    def _note(self) -> Path:
        return self._folder / "started-with"

    def _fingerprint(self) -> str:
        """Of all that it was started with; its environment holds passwords, so not as text."""
        ours = {name: text for name, text in self.environment().items() if name.startswith(self.noted)}
        return hashlib.sha256(json.dumps([self.command, ours], sort_keys=True).encode()).hexdigest()

    def await_health(self, seconds: float) -> None:
        """Wait until it is healthy.

        Raises:
            HdqmError: it died or took too long; with the end of its log.
        """
        state = ""

        def settled() -> bool:
            nonlocal state
            state = self.state()
            return state == "healthy" or state.startswith("dead")

        wait_until(settled, seconds)
        if state != "healthy":
            raise HdqmError(f"{self.name} is not healthy: {state}; the end of {self.log}:\n{tail(self.log)}")

    # -- stop ----------------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop it with all its children."""
        process = self.process()
        if process is not None:
            process.end(Signals.SIGTERM, self.patience_s)
        for number in (Signals.SIGTERM, Signals.SIGKILL):
            for left_over in self._family():
                left_over.send(number)
            if wait_until(lambda: not self._family(), 5):
                break
        shutil.rmtree(self._folder, ignore_errors=True)

    def _family(self) -> list[Process]:
        return [*processes_in(self._folder), *processes_with(_MARK, str(self._folder))]


def check_port(port: int, variable: str, name: str) -> None:
    """See whether a loopback port can be had.

    Raises:
        ConfigError: it is taken; names the variable that changes it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError(
                f"port {port} for {name} cannot be had ({error.strerror}): "
                f"stop what uses it, or set {variable} to another one"
            ) from error
