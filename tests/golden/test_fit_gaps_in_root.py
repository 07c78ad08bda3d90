"""Fits that are gaps here while the predecessor had a number: ROOT's own status says that it was none.

``HDQM_ROOT_PYTHON`` names a Python that can ``import ROOT``; the legacy files lie in ``../shared``.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from hdqm_ops import config, extract, reduce

HERE = Path(__file__).parent
TESTS = HERE.parent
SHARED = TESTS.parents[1] / "shared" / "data"
SETS = {
    "cases": (TESTS / "data" / "cases" / "cfg", TESTS / "data" / "cases" / "dqm", TESTS / "data/cases/golden.json"),
    "legacy": (SHARED / "centralhdqm" / "cfg", SHARED / "dqm", SHARED / "golden.json"),
}

pytestmark = pytest.mark.root


def gaps(configuration, folder, golden):
    """Fits without value here, for which the predecessor's class gave a number."""
    tree = config.read_tree([configuration], reduce.catalogue())
    reducer = reduce.Reducer(tree.trends)
    for name, values in json.loads(golden.read_text()).items():
        elements = extract.read_file(folder / name, tree.monitor_elements).elements
        for trend, outcome in zip(tree.trends, reducer.reduce(elements), strict=True):
            used = trend.alternatives[outcome.alternative or 0]
            if (
                outcome.measurement is None
                and used.metric.name.startswith("fits.")
                and isinstance(values[trend.key], list)
            ):
                (element,) = [path for path in used.paths["main"] if path in elements][:1]
                fit, arguments = used.metric.name.removeprefix("fits."), list(used.metric.arguments)
                job = {"file": str(folder / name), "element": element, "fit": fit, "arguments": arguments}
                yield job, outcome, values[trend.key]


@pytest.mark.parametrize("which", SETS)
def test_root_has_not_converged_either(tmp_path, which):
    python = os.environ.get("HDQM_ROOT_PYTHON")
    if not python or not SETS[which][0].is_dir():
        pytest.skip("HDQM_ROOT_PYTHON names no Python with PyROOT, or ../shared is not here")
    found = list(gaps(*SETS[which]))
    jobs = tmp_path / "jobs.json"
    jobs.write_text(json.dumps([job for job, *_ in found]))
    command = [python, "-W", "ignore", HERE / "fit_gaps_with_root.py", jobs]
    answers = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    wrong = [
        (job, outcome.detail, golden, answer)
        for (job, outcome, golden), answer in zip(found, map(json.loads, answers), strict=True)
        if answer[0] and outcome.reason.code != "out_of_range"
    ]
    assert len(found) > 100
    assert wrong == []
