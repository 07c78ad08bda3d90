"""Fixtures by topic, and who runs what where several workers share the tests."""

import os
import re
import signal
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["fix_db", "fix_api"]

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # So a shell starts what it runs in the background, and all that is started from there; tests interrupt programs.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Work in bulk gives way to others: beside tests of the other workers it might stand in line until a patience is over.
os.environ.setdefault("HDQM_NICE", "0")

_ASKS_FOR_THE_STACK = re.compile(r"^def \w+\((.*\W)?stack\b", re.MULTILINE)
_ON_THE_STACK = {
    f"tests/airflow/{file.name}"
    for file in Path(__file__).with_name("airflow").glob("test_*.py")
    if _ASKS_FOR_THE_STACK.search(file.read_text())
}


def file_of(nodeid):
    return nodeid.partition("::")[0]


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: file_of(item.nodeid) not in _ON_THE_STACK)  # what takes longest comes first


class WholeFiles(LoadScopeScheduling):
    """A worker takes a whole file; one takes all files that need Airflow's four components, which start once, then."""

    def _split_scope(self, nodeid):
        file = file_of(nodeid)
        return "stack" if file in _ON_THE_STACK else file


def pytest_xdist_make_scheduler(config, log):
    return WholeFiles(config, log)
