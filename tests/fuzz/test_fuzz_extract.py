"""A few of the damaged files that ``fuzz_extract.py`` makes by the thousand."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("fuzz_extract.py")


@pytest.fixture(scope="module")
def fuzz():
    specification = importlib.util.spec_from_file_location("fuzz_extract", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_three_hundred_damaged_files(fuzz, tmp_path):
    pool = [path for path in fuzz.originals() if path.is_relative_to(fuzz.REPOSITORY)]
    report = fuzz.Report()
    for seed in range(300):
        fuzz.try_one(seed, pool, tmp_path, report)
    assert report.failures == []
    assert report.outcomes.total() == 300
    assert report.slowest < fuzz.SECONDS
