"""A catalogue of metrics made by hand, small enough to keep in mind, with one of each kind."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from hdqm_ops.model import MetricInfo, Parameter

TYPES = {"i": int, "f": float, "s": str, "b": bool, "l": list, "t": tuple}


def parameters(*names):
    """``"i:desired"`` is an int named desired, ``"is:bin"`` an int or a text, ``"b:flag?"`` may be left out."""
    pairs = (name.split(":") for name in names)
    return tuple(
        Parameter(name.rstrip("?"), tuple(TYPES[letter] for letter in letters), optional=name.endswith("?"))
        for letters, name in pairs
    )


@dataclass(frozen=True, slots=True)
class DepthInfo(MetricInfo):
    def problem_with(self, arguments):
        return None if len(arguments[1]) == 3 else f"{self.name}: a box has three depths, not {arguments[1]!r}"

    def always_zero(self, arguments):
        return "HO has depth 4 only" if arguments[0].startswith("HO") and 4 not in arguments[1] else None


CATALOGUE = [
    *(MetricInfo(f"basic.{name}") for name in ("Mean", "Count", "MaxBin", "StdDev")),
    MetricInfo("basic.PixelEfficiency", version=2, inputs=("histo1",)),
    MetricInfo("basic.BinCount", parameters=parameters("is:bin", "b:noError?")),
    MetricInfo("basic.MeanDiff", inputs=("reference",)),
    MetricInfo("fits.Landau", parameters=parameters("i:desired", "f:min", "f:max", "tl:defaults")),
    MetricInfo(
        "fits.LandauAroundMax", parameters=parameters("i:desired", "f:low", "f:high", "f:limit"), ignored_arguments=1
    ),
    MetricInfo("fits.LanGau", parameters=parameters("i:desired"), available=False),
    DepthInfo(
        "hcal_metrics.RBXCountNonZeroChan",
        parameters=parameters("s:name", "t:depths"),
        optional_inputs=("histo1", "histo2"),
    ),
]


@pytest.fixture(scope="session")
def metrics():
    return {info.name: info for info in CATALOGUE}


@pytest.fixture(scope="session")
def config_data():
    return Path(__file__).parents[2] / "data" / "config"


@pytest.fixture
def write_tree(tmp_path):
    """``write_tree({"DT/a.ini": text})`` → the root."""

    def write(files):
        for name, text in files.items():
            path = tmp_path / "tree" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "tree"

    return write
