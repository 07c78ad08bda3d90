"""Every histogram of every file, as PyROOT reads it: GetBinContent, GetBinError, GetMean, GetRMS, GetEntries.

``HDQM_ROOT_PYTHON`` names a Python that can ``import ROOT``; the real files lie in ``../shared``.
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hdqm_ops.errors import NotReducible
from hdqm_ops.extract import read_file
from hdqm_ops.reduce import _statistics as statistics

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared" / "data"
FILES = [*sorted((SHARED / "real" / "dqm").glob("*.root")), *sorted((HERE.parent / "data").rglob("*.root"))]

pytestmark = pytest.mark.root


@pytest.fixture(scope="session")
def root():
    python = os.environ.get("HDQM_ROOT_PYTHON")
    if not python:
        pytest.skip("HDQM_ROOT_PYTHON names no Python with PyROOT")
    return python


def said_by_root(root, path):
    command = [root, "-W", "ignore", HERE / "read_with_root.py", path]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    facts = sorted(map(json.loads, lines), key=lambda fact: fact["cycle"])
    return {fact["element"]: fact for fact in facts}


def moment(function, histogram, axis):
    """ROOT says 0 where we say that there is none."""
    try:
        return function(histogram, axis)
    except NotReducible:
        return 0.0


def differences(histogram, said):
    axes = range(1, histogram.dimension + 1)
    # A deviation is the root of a difference: of one filled bin it is the square root of what rounding leaves.
    rounding = 1e-7 * max(map(abs, said["means"]))
    values = {
        "contents": (statistics.contents(histogram).T.ravel(), 0, 0),
        "errors": (statistics.errors(histogram).T.ravel(), 1e-12, 0),
        "means": ([moment(statistics.mean, histogram, axis) for axis in axes], 1e-9, 0),
        "deviations": ([moment(statistics.std_dev, histogram, axis) for axis in axes], 1e-9, rounding),
    }
    if (histogram.class_name, histogram.entries) != (said["class"], said["entries"]):
        yield "class or entries"
    for name, (ours, relative, absolute) in values.items():
        if not np.allclose(ours, said[name], rtol=relative, atol=absolute, equal_nan=True):
            yield name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_histogram_is_what_root_reads(root, path):
    said = said_by_root(root, path)
    found = read_file(path, said).elements
    assert {name for name in said if said[name]["folders"][::2] != ["DQMData", "Run summary"]} == set()
    assert set(found) == set(said)
    wrong = {name: list(differences(found[name], said[name])) for name in said}
    assert {name: what for name, what in wrong.items() if what} == {}
