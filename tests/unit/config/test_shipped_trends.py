"""The tree that the package ships: read with the real metrics, without a problem."""

from pathlib import Path

import pytest

import hdqm_ops
from hdqm_ops import config, reduce


@pytest.fixture(scope="module")
def tree():
    return config.read_tree([Path(hdqm_ops.__file__).parent / "trends"], reduce.catalogue())


def test_the_tree_has_no_problem(tree):
    # What this version cannot compute yet is a matter of the metrics.
    assert [problem for problem in tree.problems if problem.code != "metric-not-available"] == []


def test_there_are_some_forty_trends_of_eight_subsystems_and_many_kinds_of_metric(tree):
    assert len(tree.subsystems) == 8
    assert 40 <= len(tree.trends) <= 60
    assert len({alternative.metric.name for trend in tree.trends for alternative in trend.alternatives}) >= 20


@pytest.mark.parametrize("what", ["description", "owner"])
def test_every_trend_says_what_it_shows_and_whom_to_ask(tree, what):
    assert [trend.key for trend in tree.trends if not getattr(trend, what)] == []


def test_every_subsystem_but_tracking_has_display_groups(tree):
    assert {group.subsystem for group in tree.groups} == set(tree.subsystems) - {"Tracking"}
    assert any(colour for group in tree.groups for colour in group.colours)
