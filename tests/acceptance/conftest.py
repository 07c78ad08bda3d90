"""The environment of the public clients: `make clients` makes it; without it these tests are skipped."""

import os
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
CLIENTS = REPOSITORY / ".venv-clients"


@pytest.fixture(scope="session")
def in_clients():
    """Run the Python of the public clients with arguments; its result must be good."""
    if not (CLIENTS / ".done").is_file():
        pytest.skip("the public clients are not installed: make clients")

    def run(*arguments, cwd, **environment):
        # A home and a folder without secrets: both clients read `.env` files and the user's variables when imported.
        clean = {"PATH": os.environ["PATH"], "HOME": str(cwd), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [str(CLIENTS / "bin/python"), *map(str, arguments)],
            cwd=cwd,
            env=clean | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run
