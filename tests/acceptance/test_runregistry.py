"""Run Registry's public client, unmodified, and its own tests take the simulator for the real thing."""

import re
import socket
from pathlib import Path

import pytest

from hdqm_ops.simulate.services import SimulatedServices, Simulation, World

CLIENTS = Path(__file__).parents[2] / ".venv-clients"
PORT = 9500  # the only one that the client knows for its target `local`


@pytest.fixture(scope="module")
def registry():
    with socket.socket() as free:
        if free.connect_ex(("127.0.0.1", PORT)) == 0:
            pytest.skip(f"port {PORT} is taken, by a Run Registry perhaps")
    # The client refuses to read more than 20 000 rows without a filter, and a test wants to see that: all runs, then.
    with SimulatedServices(Simulation(World(seed=1, runs=1_000_000)), PORT) as services:
        yield services


def test_all_tests_of_the_public_client_pass(in_clients, registry):
    (source,) = CLIENTS.glob("runregistry-*/")

    done = in_clients(
        *("-m", "pytest", "-p", "stay_local", "-p", "no:cacheprovider", "-q", "tests"),
        cwd=source,
        ENVIRONMENT="local",
        PYTHONPATH=str(Path(__file__).with_name("plugin")),
    )

    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert re.search(r"^75 passed", done.stdout.splitlines()[-1]), done.stdout[-2000:]
    assert registry.simulation.journal.asked["rr"] > 50
