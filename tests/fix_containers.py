"""Services of docker-compose.yml as plain processes: their commands, their entry point, their environment, no engine.

What a container would have to itself is put apart: names of neighbours become ports of loopback, mounted folders become
folders below one of ours. Nothing else is changed.
"""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fix_compose import CHECKOUT

from hdqm_ops.settings import shipped

PROGRAMS = Path(sys.executable).parent
ENTRYPOINT = CHECKOUT / "hdqm_ops" / "deploy" / "entrypoint.sh"


# Its commands name no port, for a container has all of them to itself.
_REDIS = {"redis-server -": "redis-server - --bind 127.0.0.1 --port {}", "redis-cli ": "redis-cli -p {} "}
_MOUNTED = ("/opt/airflow", "/home/airflow", "/var/lib/hdqm", "/var/log/hdqm", "/provisioning", "/backups")


def image_environment() -> dict[str, str]:
    """The ENV lines of the Dockerfile's last stage."""
    last = (CHECKOUT / "Dockerfile").read_text().rsplit("\nFROM ", 1)[1].replace("\\\n", " ")
    lines = [line for line in last.splitlines() if line.startswith("ENV ")]
    return dict(re.findall(r"(\w+)=(\S+)", " ".join(lines)))


class Containers:
    """Starts services, asks for their health, stops them.

    Args:
        services: as Compose resolves them.
        folder: for all that they mount.
        ports: ``service:port`` inside → port of loopback.
    """

    def __init__(self, services: Mapping[str, Any], folder: Path, ports: Mapping[str, int]) -> None:
        self._services = services
        self._folder = folder
        self._ports = ports
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def run(self, name: str, timeout_s: float = 300) -> str:
        """Run a service that ends; what it said.

        Raises:
            AssertionError: it ended with another code than 0.
        """
        command = self._command(self._here(self._services[name]["command"], name))
        done = subprocess.run(
            command, env=self.environment(name), cwd=self._folder, capture_output=True, text=True, timeout=timeout_s
        )
        assert done.returncode == 0, f"{name} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def start(self, name: str) -> None:
        """Start a service that stays."""
        self.start_program(name, self._command(self._here(self._services[name]["command"], name)))

    def start_program(self, name: str, command: list[str], **more: str) -> None:
        """Start another program with the environment of a service, and ``more``: what its own image would add."""
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command,
                env={**self.environment(name), **more},
                cwd=self._folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def healthy(self, name: str, **more: str) -> bool:
        """Whether its health check succeeds, run in its environment and what its own image would add."""
        assert self._running[name].poll() is None, f"{name} has died:\n{self.log(name)[-3000:]}"
        kind, *words = self._here(self._services[name]["healthcheck"]["test"], name)
        words = ["sh", "-c", *words] if kind == "CMD-SHELL" else words
        environment = {**self.environment(name), **more}
        try:
            done = subprocess.run(words, env=environment, cwd=self._folder, capture_output=True, timeout=60)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def here(self, name: str) -> list[str]:
        """The command of a service, in this place's words."""
        return self._here(self._services[name]["command"], name)

    def service(self, name: str) -> Mapping[str, Any]:
        """A service as Compose resolves it."""
        return self._services[name]

    def log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text(errors="replace")

    def logs(self) -> dict[str, str]:
        """The end of each log of what runs."""
        return {name: self.log(name)[-2000:] for name in self._running}

    def stop(self, *names: str) -> None:
        """As Compose does: SIGTERM, dependants first, SIGKILL to what is left; all, or those that are named."""
        for name in reversed([name for name in self._running if name in names or not names]):
            process = self._running.pop(name)
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)

    def environment(self, name: str) -> dict[str, str]:
        """What the container would have in its environment: the image's, then the service's."""
        given = {**image_environment(), **self._services[name].get("environment", {})}
        here = {variable: self._here_text(str(value), name) for variable, value in given.items()}
        return {**here, "PATH": f"{PROGRAMS}:{os.environ['PATH']}", "HOSTNAME": socket.gethostname()}

    def _command(self, words: list[str]) -> list[str]:
        return [str(ENTRYPOINT), *words]

    def _here(self, words: list[str], name: str) -> list[str]:
        return [self._here_text(word, name) for word in words]

    def _here_text(self, text: str, name: str) -> str:
        for place in _MOUNTED:
            text = re.sub(rf"(?<![\w/]){place}\b", str(self._folder / place.strip("/").replace("/", "-")), text)
        text = re.sub(r"(?<![\w/])/dqm\b", str(self._folder / "dqm"), text)
        text = text.replace("/opt/hdqm/dags", str(shipped("dags"))).replace("0.0.0.0", "127.0.0.1")
        if name == "redis":
            for words, here in _REDIS.items():
                text = text.replace(words, here.format(self._ports["redis:6379"]))
        text = text.replace("/opt/hdqm/config", str(CHECKOUT / "hdqm_ops" / "deploy"))
        for inside, outside in self._ports.items():
            service, port = inside.split(":")
            text = re.sub(rf"\b{service}:{port}\b", f"127.0.0.1:{outside}", text)
            if service == name:
                text = re.sub(rf"\b127\.0\.0\.1:{port}\b", f"127.0.0.1:{outside}", text)
                text = str(outside) if text == port else text
            if service == name == "redis":  # its command names no port
                text = text.replace("redis-server -", f"redis-server - --port {outside}")
                text = text.replace("redis-cli ", f"redis-cli -p {outside} ")
        return text
