"""Our reader and uproot's own deserialisation must agree on every field of every histogram of every file there is."""

from pathlib import Path

import numpy as np
import pytest

from hdqm_ops.extract import list_elements, read_file
from hdqm_ops.extract._decode import CLASSES
from hdqm_ops.extract._uproot import from_model
from hdqm_ops.model import Histogram

TESTS = Path(__file__).parents[1]
SHARED = TESTS.parents[1] / "shared" / "data"
OURS = sorted(path for path in (TESTS / "data").rglob("*.root") if "-deflate-" not in path.name)  # uproot cannot
THEIRS = sorted(SHARED.rglob("*.root"))
NO_SHARED = pytest.param(None, marks=pytest.mark.skip(reason=f"{SHARED} is not there"), id="shared")


def walk(folder, path):
    for key in folder._keys:
        if key.fClassName.startswith("TDirectory"):
            yield from walk(key.get(), [*path, key.fName])
        elif key.fClassName in CLASSES:
            yield [*path, key.fName], key


def histograms(path):
    """Element → histogram as uproot reads it, the highest cycle last."""
    import uproot

    with uproot.open(path) as file:
        keys = sorted(walk(file, []), key=lambda item: item[1].fCycle)
        for (top, run, subsystem, summary, *rest), key in keys:
            assert (top, run[:4], summary) == ("DQMData", "Run ", "Run summary")
            yield "/".join([subsystem, *rest]), from_model(key.get(), key.fClassName)


def same(ours, theirs):
    if isinstance(theirs, np.ndarray):
        return isinstance(ours, np.ndarray) and ours.dtype == theirs.dtype and np.array_equal(ours, theirs)
    return type(ours) is type(theirs) and ours == theirs


def differences(ours, theirs):
    for name in Histogram.__slots__:
        if name != "axes" and not same(getattr(ours, name), getattr(theirs, name)):
            yield name
    for number, (mine, other) in enumerate(zip(ours.axes, theirs.axes, strict=True)):
        for name in type(mine).__slots__:
            if not same(getattr(mine, name), getattr(other, name)):
                yield f"axes[{number}].{name}"


@pytest.mark.parametrize("path", [*OURS, *(THEIRS or [NO_SHARED])], ids=lambda path: path.name)
def test_both_readers_agree(path):
    expected = dict(histograms(path))
    listed = {name for name, kind in list_elements(path).items() if kind in CLASSES}
    found = read_file(path, expected).elements
    assert listed == set(expected) == set(found)
    assert {name: list(differences(found[name], expected[name])) for name in expected} == {
        name: [] for name in expected
    }
