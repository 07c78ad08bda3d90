"""Runs as people give them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdqm_ops.discover import RunRanges, parse_runs
from hdqm_ops.errors import ConfigError


@pytest.mark.parametrize(
    ("texts", "ranges"),
    [
        (["324997 324998 325000-325170"], ((324997, 324998), (325000, 325170))),
        (["324997", "325000-325170", "324997"], ((324997, 324997), (325000, 325170))),
        (["324997,325000 - 325170 ,"], ((324997, 324997), (325000, 325170))),
        (["5", "-", "7"], ((5, 7),)),
        (["5-9 7-12 1"], ((1, 1), (5, 12))),
        (["000005"], ((5, 5),)),
    ],
)
def test_runs_are_sorted_and_joined(texts, ranges):
    assert parse_runs(*texts).ranges == ranges


@pytest.mark.parametrize("texts", [[], [""], ["  \n", ","]])
def test_nothing_means_all_runs(texts):
    runs = parse_runs(*texts)

    assert runs.everything
    assert runs == RunRanges()
    assert 1 in runs
    assert 2**31 - 1 in runs
    assert str(runs) == "all runs"


def test_contains():
    runs = parse_runs("324997 325000-325170")

    assert [run for run in (324996, 324997, 324998, 325000, 325100, 325170, 325171) if run in runs] == [
        *(324997, 325000, 325100, 325170)
    ]
    assert not runs.everything


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("32x997", "'32x997' is neither a run nor a range"),
        ("325170-325000", "'325170-325000' ends before it begins"),
        ("1-2-3", "'1-2-3' is neither"),
        ("-5", "'-5' is neither"),
        ("5-", "'5-' is neither"),
        ("0", "there is no run 0"),
        ("99999999999", "larger than any run"),
        ("9" * 10_000, "larger than any run"),
        ("٣٢٤٩٩٧", "is neither a run nor a range"),
    ],
)
def test_error_says_what_was_found_and_how_to_write_it(text, said):
    with pytest.raises(ConfigError, match="Write them as in: 324997 324998") as caught:
        parse_runs("324997", text)

    assert said in str(caught.value)


def test_all_problems_at_once():
    with pytest.raises(ConfigError, match=r"'a'.*'b'.*and 3 more"):
        parse_runs("a b c d e f g h")


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 10))))
def test_ranges_are_the_set_that_was_written(pairs):
    text = " ".join(f"{first}-{first + more}" for first, more in pairs)
    wanted = {run for first, more in pairs for run in range(first, first + more + 1)} or set(range(1, 100))

    runs = parse_runs(text)

    assert {run for run in range(1, 100) if run in runs} == wanted
    assert parse_runs(*([] if runs.everything else [str(runs)])) == runs
