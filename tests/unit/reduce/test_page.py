"""The page of metrics is made from the code, and is not older than it."""

from pathlib import Path

import pytest

from hdqm_ops.reduce import METRICS, metrics_page

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def test_the_page_is_fresh():
    assert PAGE.read_text() == metrics_page(), "python -m hdqm_ops.reduce > docs/metrics.md"


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_a_section_with_all_that_one_asks(name):
    section = PAGE.read_text().split(f"### {name}\n")[1].split("\n##")[0]

    for what in ("- Inputs: ", "- Value: ", "- Error: ", "- Gaps: ", f"- Example: `metric = {name}("):
        assert what in section
    assert "|  |" not in section, "an argument is not described"
