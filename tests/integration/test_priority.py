"""Work in bulk gives way, and so do the sessions of a server on this machine that serve it; nobody else does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from hdqm_ops import load

SESSION = """
import json, os
from hdqm_ops import load, pipeline
from hdqm_ops.settings import Settings
settings = Settings()
pipeline.give_way(settings)
with load.connect(settings.database_url.get_secret_value()) as ours:
    found = load.follow_priority(ours)
    server = os.getpriority(os.PRIO_PROCESS, ours.info.backend_pid) if found is not None else None
print(json.dumps([os.getpriority(os.PRIO_PROCESS, 0), found, server]))
"""
COMMAND = """
import atexit, os, sys
from hdqm_ops.cli import main
atexit.register(lambda: print(os.getpriority(os.PRIO_PROCESS, 0), file=sys.stderr))
sys.argv = ["hdqm", *sys.argv[1:]]
main()
"""


def niceness(pid=0):
    return os.getpriority(os.PRIO_PROCESS, pid)


@pytest.fixture
def run(db):
    """Run a program with a setting."""

    def run(program, nice, *arguments, before=()):
        told = {**os.environ, "HDQM_DATABASE_URL": db, "HDQM_NICE": str(nice)}
        command = [*before, sys.executable, "-c", program, *arguments]
        return subprocess.run(command, env=told, capture_output=True, text=True, check=False, timeout=120)

    return run


@pytest.fixture
def server_is_ours(db):
    with load.connect(db) as connection:
        title = Path(f"/proc/{connection.info.backend_pid}/cmdline")
        if not title.exists() or not title.read_bytes().startswith(b"postgres:"):
            pytest.skip("the server is on another machine")


def test_process_and_session_take_the_setting(run, server_is_ours):
    assert json.loads(run(SESSION, 17).stdout) == [17, 17, 17]


def test_with_zero_nobody_gives_way(run):
    before = niceness()

    ours, session, _ = json.loads(run(SESSION, 0).stdout)

    assert ours == before
    assert session in {None, before}


def test_who_is_nicer_already_stays_so(run, server_is_ours):
    assert json.loads(run(SESSION, 3, before=["nice", "-n", "19"]).stdout) == [19, 19, 19]


def test_other_sessions_and_other_processes_are_left_alone(db, run, server_is_ours):
    with load.connect(db) as other, subprocess.Popen(["sleep", "60"]) as asleep:
        before = niceness(other.info.backend_pid)
        run(SESSION, 19)
        # the number of a session elsewhere, behind a forwarded port, may be anybody's here
        elsewhere = SimpleNamespace(info=SimpleNamespace(backend_pid=asleep.pid), fileno=other.fileno)
        found = load.follow_priority(elsewhere)
        slept = niceness(asleep.pid)
        asleep.kill()

        assert niceness(other.info.backend_pid) == before
        assert found is None
        assert slept == niceness()


@pytest.mark.parametrize("command", ["ingest", "extract", "calculate"])
def test_commands_that_work_in_bulk_give_way(run, command):
    done = run(COMMAND, 18, command, *([] if command == "calculate" else ["-f", "/nowhere/*.root"]))

    assert done.returncode in {0, 2}, done.stderr  # there is nothing to read, and that is said
    assert done.stderr.splitlines()[-1] == "18"


def test_a_command_that_only_looks_does_not(run):
    assert run(COMMAND, 18, "files").stderr.splitlines()[-1] == str(niceness())
