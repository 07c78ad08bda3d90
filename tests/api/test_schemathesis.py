"""Requests made from the OpenAPI document, allowed ones and others: no fault of the program, answers as documented.

For a longer look, with an API that runs (the whole list of checks, minutes, other inputs each time):

    schemathesis run http://127.0.0.1:8050/openapi.json --exclude-checks positive_data_acceptance -n 200
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_what_the_document_allows_and_forbids(api, tmp_path):
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"),
            *("run", f"{api.base}/openapi.json"),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", "3", "--max-time", "20"),
            *("--generation-deterministic", "--continue-on-failure", "--no-shrink", "--no-color"),
            # a cursor, a condition, the name of a golden JSON are more than their schema says
            *("--exclude-checks", "positive_data_acceptance"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stdout[-6000:]
    assert int(re.search(r"Test cases:\s+(\d+) generated", done.stdout)[1]) > 50
