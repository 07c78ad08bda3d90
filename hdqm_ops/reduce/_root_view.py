"""A histogram seen through ROOT's read-only method names, for metrics that were written for ROOT.

Only what a metric asks of a histogram is offered; anything else says so and names what is nearest.
"""

import operator
from difflib import get_close_matches
from typing import NoReturn, SupportsIndex

import numpy as np

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Axis, Histogram
from hdqm_ops.reduce import _statistics as root

__all__ = ["AxisView", "HistogramView"]

# ruff: noqa: N802 - the names are ROOT's


_INSTEAD = {
    "GetQuantiles": "take basic.Quantile, or `histogram` and NumPy",
    "Fit": "take a metric of the family fits, or `histogram` and SciPy",
    "Rebin": "take `histogram` and NumPy: nothing changes a histogram here",
    "KolmogorovTest": "take basic.Kolmogorov",
    "Chi2Test": "take basic.Chi2",
}


class _View:
    """What both views say of a method that they do not offer."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in _INSTEAD:
            raise AttributeError(f"{name} of ROOT is not offered to metrics here; {_INSTEAD[name]}")
        offered = [one for one in dir(type(self)) if not one.startswith("_")]
        near = get_close_matches(name, offered, n=1, cutoff=0.5)
        hint = f"the nearest that is: {near[0]}" if near else f"offered are {', '.join(offered)}"
        raise AttributeError(f"{name} of ROOT is not offered to metrics here; {hint}")


class AxisView(_View):
    """An axis, as ``TAxis`` answers."""

    def __init__(self, axis: Axis, hist: Histogram) -> None:
        self._axis = axis
        self._hist = hist

    def GetNbins(self) -> int:
        """Number of bins in range."""
        return self._axis.n

    def GetXmin(self) -> float:
        """Lower end."""
        return self._axis.low

    def GetXmax(self) -> float:
        """Upper end."""
        return self._axis.high

    def GetTitle(self) -> str:
        """Axis title."""
        return self._axis.title

    def GetFirst(self) -> int:
        """First bin of the active range."""
        return root.active(self._axis)[0]

    def GetLast(self) -> int:
        """Last bin of the active range."""
        return root.active(self._axis)[1]

    def GetBinLowEdge(self, number: int) -> float:
        """Lower edge of a bin; outside of the axis, as if its bins went on."""
        edges, width = self._axis.bin_edges(), (self._axis.high - self._axis.low) / self._axis.n
        if 1 <= number <= self._axis.n + 1:
            return float(edges[number - 1])
        return self._axis.low + (number - 1) * width

    def GetBinUpEdge(self, number: int) -> float:
        """Upper edge of a bin."""
        return self.GetBinLowEdge(number + 1)

    def GetBinWidth(self, number: int) -> float:
        """Width of a bin."""
        number = min(max(number, 1), self._axis.n)
        return self.GetBinUpEdge(number) - self.GetBinLowEdge(number)

    def GetBinCenter(self, number: int) -> float:
        """Centre of a bin."""
        if 1 <= number <= self._axis.n:
            return float(self._axis.centers()[number])
        return self._axis.low + (number - 0.5) * (self._axis.high - self._axis.low) / self._axis.n

    def GetBinLabel(self, number: int) -> str:
        """Label of a bin, empty where it has none."""
        return self._axis.labels.get(number, "")

    def GetLabels(self) -> list[str] | None:
        """All labels, None where there is none."""
        return list(self._axis.labels.values()) or None

    def FindBin(self, place: float | str) -> int:
        """Bin of a place, or of a label; -1 for a label that no bin has."""
        if isinstance(place, str):
            number = self._axis.find_label(place)
            return -1 if number is None else number
        return self._axis.find_bin(place)

    FindFixBin = FindBin


def _or_zero(function: object, *arguments: object) -> float:
    """ROOT answers 0 where there is nothing to answer."""
    try:
        return float(function(*arguments))  # type: ignore[operator]  # any statistic
    except NotReducible:
        return 0.0


class HistogramView(_View):
    """A histogram, as ``TH1``, ``TH2`` or ``TProfile`` answers. The histogram itself is ``histogram``."""

    def __init__(self, histogram: Histogram) -> None:
        self.histogram = histogram

    def GetName(self) -> str:
        """Name."""
        return self.histogram.name

    def GetTitle(self) -> str:
        """Title."""
        return self.histogram.title

    def ClassName(self) -> str:
        """Class, as ``TH1F``."""
        return self.histogram.class_name

    def InheritsFrom(self, name: str) -> bool:
        """Is it of a class, or of one that follows from it?"""
        own = self.histogram.class_name
        parents = {own, own[:3], "TH1", "TNamed", "TObject"}
        if self.histogram.is_profile:
            parents |= {"TH1D"} if self.histogram.dimension == 1 else {f"TH{self.histogram.dimension}D"}
        return name in parents

    def GetDimension(self) -> int:
        """Number of axes."""
        return self.histogram.dimension

    def _axis(self, number: int) -> AxisView:
        axes = self.histogram.axes
        axis = axes[number] if number < len(axes) else Axis(1, 0.0, 1.0)
        return AxisView(axis, self.histogram)

    def GetXaxis(self) -> AxisView:
        """The x axis."""
        return self._axis(0)

    def GetYaxis(self) -> AxisView:
        """The y axis; of a curve, one bin."""
        return self._axis(1)

    def GetZaxis(self) -> AxisView:
        """The z axis; where there is none, one bin."""
        return self._axis(2)

    def GetNbinsX(self) -> int:
        """Number of bins along x."""
        return self._axis(0).GetNbins()

    def GetNbinsY(self) -> int:
        """Number of bins along y."""
        return self._axis(1).GetNbins()

    def GetNbinsZ(self) -> int:
        """Number of bins along z."""
        return self._axis(2).GetNbins()

    def GetNcells(self) -> int:
        """Number of all cells, flow included."""
        return len(self.histogram.cells)

    GetSize = GetNcells

    def GetEntries(self) -> float:
        """Number of entries."""
        return self.histogram.entries

    def GetEffectiveEntries(self) -> float:
        """Number of unweighted entries that would have the same precision."""
        return root.effective_entries(self.histogram)

    def GetMean(self, axis: int = 1) -> float:
        """Mean along an axis; from 11 on, its error."""
        return _or_zero(root.mean, self.histogram, axis) if axis < 10 else self.GetMeanError(axis - 10)

    def GetMeanError(self, axis: int = 1) -> float:
        """Error of the mean."""
        return _or_zero(root.mean_error, self.histogram, axis)

    def GetStdDev(self, axis: int = 1) -> float:
        """Standard deviation along an axis; from 11 on, its error."""
        return _or_zero(root.std_dev, self.histogram, axis) if axis < 10 else self.GetStdDevError(axis - 10)

    def GetStdDevError(self, axis: int = 1) -> float:
        """Error of the standard deviation."""
        return _or_zero(root.std_dev_error, self.histogram, axis)

    GetRMS, GetRMSError = GetStdDev, GetStdDevError

    def GetStats(self, stats: object = None) -> list[float]:
        """Sums of weights and moments; given back, not written into an array."""
        del stats
        return list(root.sums(self.histogram))

    def GetBin(self, x: int, y: int = 0, z: int = 0) -> int:
        """Global number of a bin."""
        number, stride = 0, 1
        for position, axis in zip((x, y, z), self.histogram.axes, strict=False):
            number += stride * min(max(position, 0), axis.n + 1)
            stride *= axis.n + 2
        return number

    def _global(self, numbers: tuple[int, ...]) -> int:
        return numbers[0] if len(numbers) == 1 else self.GetBin(*numbers)

    def GetBinContent(self, *numbers: int) -> float:
        """Content of a bin."""
        return root.content(self.histogram, self._global(numbers))

    def GetBinError(self, *numbers: int) -> float:
        """Error of a bin."""
        return root.error(self.histogram, self._global(numbers))

    def GetBinEntries(self, number: int) -> float:
        """Entries of a bin of a profile."""
        entries = self.histogram.bin_entries
        if entries is None:
            raise AttributeError(f"{self.histogram.name} is no profile: GetBinEntries has no meaning")
        return float(entries[number]) if 0 <= number < len(entries) else 0.0

    def GetBinCenter(self, number: int) -> float:
        """Centre of a bin along x."""
        return self._axis(0).GetBinCenter(number)

    def GetBinLowEdge(self, number: int) -> float:
        """Lower edge of a bin along x."""
        return self._axis(0).GetBinLowEdge(number)

    def GetBinWidth(self, number: int) -> float:
        """Width of a bin along x."""
        return self._axis(0).GetBinWidth(number)

    def FindBin(self, x: float, y: float = 0.0, z: float = 0.0) -> int:
        """Global number of the bin of a place."""
        places = zip((x, y, z), self.histogram.axes, strict=False)
        return self.GetBin(*(axis.find_bin(place) for place, axis in places))

    FindFixBin = FindBin

    def Integral(self, *limits: SupportsIndex | str) -> float:
        """Sum of the bins in range, or between two bins along each axis."""
        if any(isinstance(one, str) and one for one in limits):
            raise AttributeError("Integral with an option is not offered to metrics here; multiply with GetBinWidth")
        numbers = [operator.index(one) for one in limits if not isinstance(one, str)]
        if not numbers:
            return root.integral(self.histogram)
        if len(numbers) == 2 and self.histogram.dimension == 1:
            return root.integral(self.histogram, *numbers)
        inside = tuple(
            slice(max(first, 0), (axis.n + 1 if last < first else min(last, axis.n + 1)) + 1)
            for first, last, axis in zip(numbers[::2], numbers[1::2], self.histogram.axes, strict=True)
        )
        return float(root.contents(self.histogram)[inside].sum())

    def GetSumOfWeights(self) -> float:
        """Sum of all bins without flow."""
        return root.sum_of_weights(self.histogram)

    def GetMaximum(self) -> float:
        """Largest content, or what was set as such."""
        return root.maximum(self.histogram)

    def GetMinimum(self) -> float:
        """Smallest content, or what was set as such."""
        if self.histogram.minimum is not None:
            return self.histogram.minimum
        return float(root.active_bins(self.histogram, root.contents(self.histogram)).min())

    def GetMaximumBin(self) -> int:
        """Global number of the first of the highest bins."""
        return root.maximum_bin(self.histogram)

    def GetMinimumBin(self) -> int:
        """Global number of the first of the lowest bins."""
        return root.minimum_bin(self.histogram)

    def GetSumw2N(self) -> int:
        """Number of stored squares of weights, 0 where none are."""
        return 0 if self.histogram.sumw2 is None else len(self.histogram.sumw2)

    def IsEmpty(self) -> bool:
        """Are all bins and the number of entries 0?"""
        return self.histogram.entries == 0 and not np.any(self.histogram.cells)

    def Clone(self, name: str = "") -> "HistogramView":
        """The same histogram: nothing can change it."""
        del name
        return HistogramView(self.histogram)
