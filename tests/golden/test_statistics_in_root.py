"""Statistics of random histograms of every class: ranges, labels, weights, negative bins; as ROOT gives them."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from hdqm_ops.errors import NotReducible
from hdqm_ops.extract import read_file
from hdqm_ops.reduce import _statistics as statistics

HERE = Path(__file__).parent

pytestmark = pytest.mark.root


def or_zero(function, *arguments):
    """ROOT says 0 where we say that there is none."""
    try:
        return function(*arguments)
    except NotReducible:
        return 0.0


def ours(hist):
    axes = range(1, hist.dimension + 1 + hist.is_profile)
    per_axis = {
        "means": statistics.mean,
        "mean_errors": statistics.mean_error,
        "deviations": statistics.std_dev,
        "deviation_errors": statistics.std_dev_error,
    }
    numbers = ("effective_entries", "integral", "sum_of_weights", "maximum", "maximum_bin", "minimum_bin")
    return {
        "contents": statistics.contents(hist).T.ravel().tolist(),
        "errors": statistics.errors(hist).T.ravel().tolist(),
        **{name: [or_zero(function, hist, axis) for axis in axes] for name, function in per_axis.items()},
        **{name: getattr(statistics, name)(hist) for name in numbers},
    }


@pytest.mark.parametrize("seed", range(3))
def test_every_statistic_of_300_random_histograms(tmp_path, seed):
    python = os.environ.get("HDQM_ROOT_PYTHON")
    if not python:
        pytest.skip("HDQM_ROOT_PYTHON names no Python with PyROOT")
    path = tmp_path / f"DQM_V0001_R000366001__Any__Run2023C-PromptReco-v{seed + 1}__DQMIO.root"
    command = [python, "-W", "ignore", HERE / "statistics_with_root.py", path, str(seed), "300"]
    said = [json.loads(line) for line in subprocess.run(command, capture_output=True, check=True).stdout.splitlines()]
    elements = read_file(path, {one["element"] for one in said}).elements

    assert len(elements) == 300
    for one in said:
        found = ours(elements[one["element"]])
        for name, numbers in found.items():
            # deviations are roots of differences: what is left of 0 by rounding is not to be compared
            rounding = 2e-6 if "deviation" in name or name == "mean_errors" else 1e-12
            assert numbers == pytest.approx(one[name], rel=1e-9, abs=rounding), (one["element"], name)
