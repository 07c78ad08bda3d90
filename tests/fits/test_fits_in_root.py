"""Fits of random histograms of every shape against ROOT's: see compare_fits.py, which also prints what differs.

``HDQM_ROOT_PYTHON`` names a Python with PyROOT, ``HDQM_ROOT_FITS`` how many histograms (default 120).
"""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAMES = [
    "Landau",
    "LandauAroundMax",
    "LandauTest",
    "LandauAroundMaxBin",
    "LandauAroundHighestBin",
    "GauLand",
    "Gaussian",
    "FlatLine",
    "FlatLineXcut",
]

pytestmark = [pytest.mark.root, pytest.mark.slow]


@pytest.fixture(scope="module")
def lines():
    if "HDQM_ROOT_PYTHON" not in os.environ:
        pytest.skip("HDQM_ROOT_PYTHON names no Python with PyROOT")
    sys.path.insert(0, str(HERE))
    from compare_fits import compare

    return compare(int(os.environ.get("HDQM_ROOT_FITS", "120")), seed=3, names=NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_fits_end_where_roots_do_or_lower(lines, name):
    verdicts = Counter(line.verdict for line in lines if line.name == name)
    bad = verdicts["differs"] + verdicts["gap only here"] + verdicts["gap only in ROOT"]

    assert bad <= max(2, 0.005 * verdicts.total()), verdicts
    assert verdicts["equal"] > 0.4 * verdicts.total()
