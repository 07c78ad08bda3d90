"""Runs the simulated services on real sockets: in a thread for tests, notebooks and demos, or until interrupted."""

import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn

from hdqm_ops.errors import ConfigError
from hdqm_ops.simulate.services._app import Simulation

_HOST = "127.0.0.1"


class SimulatedServices:
    """OMS, Run Registry and sign-on on one port, as a context manager.

    Args:
        simulation: what they answer.
        port: port; 0 takes a free one.
        host: where to listen; loopback, but in a container.
        certificate: files of a certificate and its key, for TLS.
    """

    def __init__(
        self,
        simulation: Simulation,
        port: int = 0,
        *,
        host: str = _HOST,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        self.simulation = simulation
        self._socket = _listen(port, host)
        self.port = int(self._socket.getsockname()[1])
        self.base_url = f"{'https' if certificate else 'http'}://{host}:{self.port}"
        self._server = _server(simulation, certificate)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="services", daemon=True)

    @property
    def oms_url(self) -> str:
        """What to set `HDQM_OMS_URL` to."""
        return f"{self.base_url}/agg/api/v1"

    @property
    def rr_url(self) -> str:
        """What to set `HDQM_RR_URL` to."""
        return f"{self.base_url}/api"

    @property
    def sso_url(self) -> str:
        """What to set `HDQM_SSO_URL` to."""
        return f"{self.base_url}/auth/realms/cern"

    def start(self) -> Self:
        """Serve in a thread; returns when requests are answered."""
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Stop, whatever still hangs."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve(simulation: Simulation, port: int) -> None:
    """Serve until interrupted."""
    with _listen(port) as listening:
        _server(simulation, None).run([listening])


def _server(simulation: Simulation, certificate: tuple[Path, Path] | None) -> uvicorn.Server:
    tls: dict[str, Any] = {}
    if certificate:
        tls = {"ssl_certfile": str(certificate[0]), "ssl_keyfile": str(certificate[1])}
    return uvicorn.Server(
        uvicorn.Config(
            simulation.app(),
            lifespan="off",
            ws="none",
            log_level="critical",  # connections that end early are our business here
            timeout_graceful_shutdown=1,  # what hangs on purpose shall not keep a test from ending
            **tls,
        )
    )


def _listen(port: int, host: str = _HOST) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigError(f"port {port} of {host} is taken ({error.strerror}); choose another with --port") from None
    listening.listen(128)
    return listening
