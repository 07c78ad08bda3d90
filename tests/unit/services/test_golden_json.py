"""Golden JSONs: read strictly, written back, combined."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdqm_ops.errors import ConfigError
from hdqm_ops.services import GoldenCheck, GoldenJson, check_golden_json

CERT = Path(__file__).parents[3] / "../shared/data/real/cert"

pairs = st.tuples(st.integers(1, 40), st.integers(0, 9)).map(lambda pair: (pair[0], pair[0] + pair[1]))
goldens = st.dictionaries(st.integers(1, 4), st.lists(pairs, max_size=5), max_size=4).map(GoldenJson.of)


def cells(golden):
    return {(run, ls) for run, ranges in golden.items() for first, last in ranges for ls in range(first, last + 1)}


@given(goldens, goldens)
def test_algebra_is_that_of_sets(a, b):
    assert cells(a & b) == cells(a) & cells(b)
    assert cells(a | b) == cells(a) | cells(b)
    assert cells(a - b) == cells(a) - cells(b)
    assert (a - b) | (a & b) == a


@given(goldens)
def test_text_comes_back(golden):
    assert GoldenJson.parse(golden.text()) == golden
    assert check_golden_json(golden.text()) == GoldenCheck(())


@given(goldens)
def test_counting_and_asking(golden):
    assert golden.lumisections == len(cells(golden))
    assert all(golden.has(run, ls) for run, ls in cells(golden))
    assert not any(golden.has(run, ls) for run in range(5) for ls in range(60) if (run, ls) not in cells(golden))


def test_text_is_what_cms_writes():
    golden = GoldenJson.of({315259: [(1, 172)], 315257: [[91, 92], [1, 88]], 315258: []})

    assert golden.text() == '{\n  "315257": [[1, 88], [91, 92]],\n  "315259": [[1, 172]]\n}\n'
    assert golden.multiranges() == {315257: "{[1,88],[91,92]}", 315259: "{[1,172]}"}
    assert GoldenJson.of({}).text() == "{}\n"
    assert list(golden.only([315259, 1])) == [315259]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no JSON: Expecting value"),
        ("[1]", r"an object of runs is wanted, not \[1\]"),
        ('{"a": []}', "'a' is no run number"),
        ('{"-3": []}', "'-3' is no run number"),
        ('{"1": 5}', "run 1 has no list of ranges but 5"),
        ('{"1": [[1]]}', r"run 1: \[1\] is no range \[first, last\]"),
        ('{"1": [[1, true]]}', r"run 1: \[1, True\] is no range"),
        ('{"1": [["1", "2"]]}', "is no range"),
        ('{"1": [[5, 4]]}', "is not 1 ≤ first ≤ last"),
        ('{"1": [[0, 4]]}', "is not 1 ≤ first ≤ last"),
        ('{"1": [[5, 6], [1, 5]]}', r"run 1: the ranges \[1, 5\] and \[5, 6\] overlap"),
        ('{"1": [[1, 5]], "1": [[7, 8]]}', "run 1 is there twice"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_problems(text, problem):
    import re

    assert any(re.search(problem, found) for found in check_golden_json(text).errors)
    with pytest.raises(ConfigError, match="golden JSON: "):
        GoldenJson.parse(text)


def test_all_problems_at_once():
    assert len(check_golden_json('{"1": [[5, 4]], "x": [], "2": [[1, 2], [2, 3]]}').errors) == 3


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ('{"1": [[7, 9], [1, 5]]}', "run 1: the ranges are not sorted"),
        ('{"1": [[1, 5], [6, 9]]}', "run 1: [1, 5] and [6, 9] touch; they are one range"),
        ('{"1": []}', "run 1 has no range; it could be left out"),
    ],
)
def test_untidy_files_are_read_all_the_same(text, warning):
    assert check_golden_json(text) == GoldenCheck((), (warning,))
    assert check_golden_json(GoldenJson.parse(text).text()) == GoldenCheck(())


def test_files(tmp_path):
    path = tmp_path / "golden.json"
    golden = GoldenJson.of({1: [(1, 2)]})
    golden.write(path)

    assert GoldenJson.read(path) == golden
    with pytest.raises(ConfigError, match="cannot be read"):
        GoldenJson.read(tmp_path / "nothing.json")
    path.write_text('{"1": 3}')
    with pytest.raises(ConfigError, match=r"golden\.json: run 1 has no list"):
        GoldenJson.read(path)


@pytest.mark.skipif(not CERT.is_dir(), reason="the certification files of 2018 are not beside this checkout")
def test_real_files():
    golden = GoldenJson.read(CERT / "json_GOLDEN_2018.txt")
    dcs_only = GoldenJson.read(CERT / "json_DCSONLY_2018.txt")

    assert golden[315257] == ((1, 88), (91, 92))
    assert json.loads(golden.text()) == json.loads((CERT / "json_GOLDEN_2018.txt").read_text())
    assert golden.lumisections > 200_000
    assert len(golden - dcs_only) < 0.02 * len(golden)
    assert (golden & dcs_only).lumisections + (golden - dcs_only).lumisections == golden.lumisections
