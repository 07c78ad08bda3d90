"""Every class of histogram, in every compression, against what ROOT itself says of it (tests/data/classes)."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hdqm_ops.extract import list_elements, read_file
from hdqm_ops.model import ElementProblem, Histogram, Reason, Scalar
from hdqm_ops.reduce import _statistics as statistics

FOLDER = Path(__file__).parents[2] / "data" / "classes"
FILES = sorted(FOLDER.glob("*.root"))
SAID = json.loads((FOLDER / "root.json").read_text())
PREFIX = "Classes/All/"


@cache
def elements(path):
    return read_file(path, list_elements(path)).elements


@pytest.fixture(params=FILES, ids=lambda path: path.name.split("-")[1])
def path(request):
    return request.param


def test_every_compression_has_a_file():
    assert len(FILES) == 6


@pytest.mark.parametrize("name", SAID)
def test_contents_errors_and_moments_are_roots(path, name):
    found, said = elements(path)[PREFIX + name], SAID[name]
    assert isinstance(found, Histogram), found
    assert (found.class_name, found.title, found.entries) == (said["class"], said["title"], said["entries"])
    assert statistics.contents(found).T.ravel().tolist() == said["contents"]
    np.testing.assert_allclose(statistics.errors(found).T.ravel(), said["errors"], rtol=1e-12)
    for axis in range(found.dimension if said["entries"] else 0):
        assert statistics.mean(found, axis + 1) == pytest.approx(said["means"][axis], rel=1e-12)
        assert statistics.std_dev(found, axis + 1) == pytest.approx(said["deviations"][axis], rel=1e-9, abs=1e-12)
    if not any(axis.ranged for axis in found.axes):
        assert list(found.sums) == said["stats"][: len(found.sums)]
    assert found.maximum == (None if said["maximum"] == -1111 else said["maximum"])
    assert found.minimum == (None if said["minimum"] == -1111 else said["minimum"])


@pytest.mark.parametrize("name", SAID)
def test_axes_are_roots(path, name):
    axes, said = elements(path)[PREFIX + name].axes, SAID[name]["axes"]
    assert len(axes) == len(said)
    for axis, root in zip(axes, said, strict=True):
        np.testing.assert_allclose(axis.bin_edges(), root["edges"], rtol=1e-15)
        assert {str(number): label for number, label in axis.labels.items()} == root["labels"]
        assert (axis.ranged, axis.extendable, axis.title) == (root["ranged"], root["extendable"], root["title"])
        assert ((axis.first, axis.last) if axis.ranged else (1, axis.n)) == (root["first"], root["last"])


def test_contents_keep_their_type(path):
    kinds = {"C": np.int8, "S": np.int16, "I": np.int32, "L": np.int64, "F": np.float32, "D": np.float64}
    for dimension in "123":
        for letter, kind in kinds.items():
            assert elements(path)[f"{PREFIX}TH{dimension}{letter}"].cells.dtype == kind


def test_arrays_cannot_be_changed(path):
    profile = elements(path)[PREFIX + "TProfile2D_weighted"]
    for array in (profile.cells, profile.sumw2, profile.bin_entries, profile.bin_sumw2):
        assert not array.flags.writeable


def test_errors_of_a_profile_keep_their_mode(path):
    modes = [elements(path)[f"{PREFIX}TProfile_{mode}"].error_mode for mode in ("", "s", "i", "g")]
    assert modes == ["", "s", "i", "g"]


def test_scalars_are_read_by_their_names(path):
    found = elements(path)
    assert found[PREFIX + "whole"] == Scalar("whole", -5)
    assert found[PREFIX + "part"] == Scalar("part", 0.25)
    assert found[PREFIX + "words"] == Scalar("words", "two; words / and a slash")
    assert found[PREFIX + "long"] == Scalar("long", "x" * 400)


def test_a_scalar_without_a_number_is_a_problem_of_its_own(path):
    assert elements(path)[PREFIX + "no_number"] == ElementProblem(
        Reason.ELEMENT_UNREADABLE, "Classes/All/no_number: '<no_number>i=five</no_number>' is no number"
    )


def test_reports_and_flags_are_no_elements(path):
    assert not [name for name in elements(path) if "<" in name or "Test" in name]


@pytest.mark.parametrize("name", ["TH2Poly", "TEfficiency"])
def test_other_classes_are_named(path, name):
    problem = elements(path)[PREFIX + name]
    assert problem.reason is Reason.WRONG_CLASS
    assert f"is a {name}" in problem.detail


def test_the_newest_cycle_counts(path):
    assert elements(path)[PREFIX + "TH1F"].axes[0].n == 12
