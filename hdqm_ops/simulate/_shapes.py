"""Shapes of monitor elements: what a histogram looks like in a good run, and how it moves with the run's condition.

A shape is chosen by the metrics that read the element, and takes ranges and bins from their arguments.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from hdqm_ops.model import Histogram
from hdqm_ops.simulate._histograms import axis, counted, filled, labelled, profiled

__all__ = ["Condition", "Use", "shape_for"]


class Use(NamedTuple):
    """One way in which a trend reads an element: as which input of which metric."""

    metric: str
    arguments: tuple[Any, ...]
    role: str


class Condition(NamedTuple):
    """State of one element in one file.

    Attributes:
        key: a number that belongs to the element for ever: tells twins apart.
        scale: what is measured, against a good run (1.0).
        entries: how many entries an ordinary histogram gets.
        lumisections: length of the run.
        dead: a readout box is off (0 none; else a number to choose one by).
    """

    key: int
    scale: float
    entries: int
    lumisections: int
    dead: int = 0


@dataclass(frozen=True)
class _Element:
    """What a shape gets to see."""

    uses: frozenset[Use]
    condition: Condition
    rng: Generator

    def arguments(self, *metrics: str) -> Iterator[tuple[Any, ...]]:
        """Arguments of the uses by these metrics, in an order that is always the same."""
        yield from sorted((use.arguments for use in self.uses if use.metric in metrics), key=repr)

    def first(self, *metrics: str) -> tuple[Any, ...]:
        return next(self.arguments(*metrics), ())


Shape = Callable[[_Element], Histogram]


def shape_for(uses: frozenset[Use], condition: Condition, rng: Generator) -> Histogram:
    """The histogram of an element that is read in these ways."""
    element = _Element(uses, condition, rng)
    asked = {(use.metric, use.role) for use in uses} | {(use.metric, "") for use in uses}
    shape = next((shape for wanted, shape in _rules() if wanted in asked), _ordinary)
    return shape(element)


# -- counts in bins ----------------------------------------------------------------------------------------------------


def _hcal_map(element: _Element) -> Histogram:
    """Entries per channel, ieta by iphi; a readout box of the barrel's minus side (HBM01…18) may be dead."""
    eta, phi = _hcal_points(element)
    return filled("TH2F", _HCAL, eta, phi)


def _hcal_times(element: _Element) -> Histogram:
    eta, phi = _hcal_points(element)
    return profiled(_HCAL, eta, phi, element.rng.normal(7 * element.condition.scale, 1, len(eta)))


_HCAL = (axis(84, -42, 42, "ieta"), axis(72, 0.5, 72.5, "iphi"))


def _hcal_points(element: _Element) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng, n = element.rng, 4 * element.condition.entries
    eta = rng.integers(-42, 42, n).astype(np.float64) + 0.5
    phi = rng.integers(1, 73, n).astype(np.float64)
    if element.condition.dead:
        alive = ~((eta > -16) & (eta < 0) & ((phi + 1) // 4 % 18 == element.condition.dead % 18))
        eta, phi = eta[alive], phi[alive]
    return eta, phi


def _labelled_counts(element: _Element) -> Histogram:
    """One bin per label that a trend asks for, and two that none asks for."""
    names = {str(arguments[0]) for arguments in element.arguments("basic.RecoFraction") if arguments}
    bins = [*sorted(names), "otherModule", "unknown"]
    return counted("TH1F", [labelled(bins)], element.rng.poisson(4 * element.condition.scale, len(bins)).astype(float))


_BIN_COUNTS = ("basic.ROCfraction", "basic.BinCount", "basic.FractionInBinArray", "basic.FractionInBin")


def _bin_counts(element: _Element) -> Histogram:
    """Counts in a few bins, named by number or label; a bin of which a fraction is taken holds 1.5 % of it."""
    rng, scale = element.rng, element.condition.scale
    labels = sorted(
        {a[0] for a in element.arguments(*_BIN_COUNTS, "basic.NormBinCount") if a and isinstance(a[0], str)}
    )
    n = max(20, len(labels) + 1, *_numbers(element.arguments(*_BIN_COUNTS), largest=200))
    content = rng.poisson(12 * scale, n).astype(float)
    for arguments in element.arguments("basic.ROCfraction"):
        if len(arguments) > 1 and isinstance(arguments[0], int):
            content[arguments[0] - 1] = rng.poisson(0.015 * scale * arguments[1])
    bins = labelled([*labels, *(f"bin {i}" for i in range(len(labels) + 1, n + 1))]) if labels else axis(n, 0, n)
    return counted("TH1D", [bins], content)


_MAP_COUNTS = (
    *("basic.StripBadComponent", "basic.FED25ErrorFraction", "basic.MeanXRange", "basic.MeanPosOnly"),
    *("muon_metrics.MeanCh", "basic.SummaryMapPartition", "basic.Mean2D", "basic.BinRatio2D", "basic.BinCount2D"),
    *("basic.Bin2DRatio", "basic.MeanYForXBin", "basic.StripFEDErrorFraction"),
)


def _map_counts(element: _Element) -> Histogram:
    """A map of which four bins in five are filled; bad components are 3 % of their norm."""
    rng, scale = element.rng, element.condition.scale
    nx = max(24, *_numbers(element.arguments(*_MAP_COUNTS), largest=100))
    content = rng.poisson(5 * scale, (nx, 14)) * (rng.random((nx, 14)) < 0.8).astype(float)
    for bins, row, norm in (a for a in element.arguments("basic.StripBadComponent") if len(a) == 3):
        for number in bins:
            content[number - 1, row - 1] = rng.poisson(0.03 * scale * norm / len(bins))
    return counted("TH2F", [axis(nx, 0, nx), axis(14, 0, 14)], content)


def _lumisections(element: _Element) -> Histogram:
    """Bin n is 1 where lumisection n was processed."""
    content = (np.arange(1, 1501) <= element.condition.lumisections).astype(float)
    return counted("TH1F", [axis(1500, 1, 1501)], content)


# -- efficiencies ------------------------------------------------------------------------------------------------------


def _flat_efficiency(element: _Element) -> Histogram:
    """Near 0.9 over a symmetric range, nothing at its ends; never perfect, as bins all alike have no spread."""
    tried = element.rng.poisson(0.2 * element.condition.entries, 30).astype(float)
    tried[[0, -1]] = 0
    return _efficiency(element, axis(30, -3, 3), tried, np.full(30, min(0.88 * element.condition.scale, 0.985)))


def _turn_on(element: _Element) -> Histogram:
    """An efficiency that rises to 0.97 around a threshold."""
    bins = axis(60, 0, 120, "p_{T} [GeV]")
    x = bins.centers()[1:-1]
    threshold = (20 + element.condition.key % 30) * element.condition.scale
    # enough that the bins beside 20 % are known to a fifth, which the metrics ask for
    tried = 100 + element.rng.poisson(1.5 * element.condition.entries * np.exp(-x / 120)).astype(float)
    return _efficiency(element, bins, tried, 0.97 / (1 + np.exp(-(x - threshold) / 4)))


def _efficiency(element: _Element, bins: Any, tried: NDArray[np.float64], chance: NDArray[np.float64]) -> Histogram:
    passed = element.rng.binomial(tried.astype(np.int64), np.minimum(chance, 1))
    value = np.divide(passed, tried, out=np.zeros(len(tried)), where=tried > 0)
    error = np.sqrt(np.maximum(value * (1 - value), 1e-4) / np.maximum(tried, 1)) * (tried > 0)
    return counted("TH1F", [bins], value, error)


# -- distributions -----------------------------------------------------------------------------------------------------


def _landau(element: _Element) -> Histogram:
    """A charge: most probable value and width where the fit looks for them."""
    peak, width = _landau_expected(element)
    values = peak * element.condition.scale + width * _landau_points(element.rng, 3 * element.condition.entries)
    return filled("TH1F", [axis(200, 0, 4 * peak)], values)


_LANDAU_FITS = ("fits.Landau", "fits.GauLand", "fits.LanGau", "fits.LandauTest")


def _landau_expected(element: _Element) -> tuple[float, float]:
    for arguments in element.arguments(*_LANDAU_FITS):
        start = arguments[-1]
        if isinstance(start, tuple) and len(start) > 1:
            return float(start[0]), 0.8 * float(start[1])
    for arguments in element.arguments("fits.LandauAroundMax"):
        if len(arguments) > 3:
            return 0.45 * arguments[3], 0.045 * arguments[3]
    return 30.0, 3.0


def _landau_points(rng: Generator, n: int) -> NDArray[np.float64]:
    chances, quantiles = _landau_quantiles()
    return np.interp(rng.uniform(chances[0], chances[-1], n), chances, quantiles)


@cache
def _landau_quantiles() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Quantiles of ROOT's Landau distribution (location 0, width 1), without its last two per mille."""
    from scipy import stats  # noqa: PLC0415 -- takes longer to import than a file to write

    chances = np.linspace(1e-5, 0.998, 8192)
    return chances, stats.landau.ppf(chances, loc=np.log(np.pi / 2), scale=np.pi / 2)


def _gaussian(element: _Element) -> Histogram:
    arguments = element.first("fits.Gaussian")
    start = arguments[-1] if arguments and isinstance(arguments[-1], tuple) else (0.0, 1.0)
    mean, width = float(start[0]), abs(float(start[1])) or 1.0
    shift = (element.condition.scale - 1) * width
    values = element.rng.normal(mean + shift, width, 2 * element.condition.entries)
    return filled("TH1F", [axis(100, mean - 6 * width, mean + 6 * width)], values)


def _residual(element: _Element) -> Histogram:
    """Around zero; its width is what drifts, its mean a little."""
    limits = [limit for a in element.arguments("muon_metrics.NOutsideRange") for limit in a]
    edge = 2.0 * max(map(abs, limits)) if any(limits) else 0.05
    condition = element.condition
    values = element.rng.normal(0.1 * edge * (condition.scale - 1), 0.24 * edge * condition.scale, condition.entries)
    return filled("TH1F", [axis(100, -edge, edge)], values)


def _over_range(element: _Element) -> Histogram:
    """Falls over a range that contains the limits that the metric names."""
    limits = _numbers(element.arguments(*_OVER_RANGE), largest=100_000)
    width = max(20.0, 1.5 * max(limits, default=0))
    values = element.rng.exponential(0.2 * width * element.condition.scale, element.condition.entries)
    return filled("TH1F", [axis(100, 0, width)], values)


_OVER_RANGE = (
    *("basic.BinsCount", "basic.EntriesCount", "basic.EntriesRate", "basic.Fraction", "basic.Fraction1"),
    *("basic.Ratio", "basic.Ratio1"),
)


def _spectrum(element: _Element) -> Histogram:
    """Positive, with a tail; of any class of one axis; some weighted, some overflowing."""
    condition, rng = element.condition, element.rng
    values = rng.gamma(4, 6 * condition.scale, condition.entries)
    name = ("TH1F", "TH1F", "TH1F", "TH1D", "TH1I", "TH1S")[condition.key % 6]
    if name == "TH1D" and condition.key % 4 == 0:
        return filled(name, [axis(100, 0, 100)], values, weights=rng.uniform(0.5, 1.5, len(values)))
    return filled(name, [axis(100, 0, 100)], values, sumw2=condition.key % 3 == 0)


def _small_spectrum(element: _Element) -> Histogram:
    """A spectrum with a mean of a few, as a number of clusters or of digis."""
    values = element.rng.gamma(4, 0.6 * element.condition.scale, element.condition.entries)
    return filled("TH1F", [axis(100, 0, 25)], values)


def _few(element: _Element) -> Histogram:
    """The misses of an efficiency: a spectrum with one entry in fifty."""
    values = element.rng.gamma(4, 6 * element.condition.scale, max(1, element.condition.entries // 50))
    return filled("TH1F", [axis(100, 0, 100)], values)


def _plane(element: _Element) -> Histogram:
    rng, n = element.rng, element.condition.entries
    x, y = rng.normal(0.3, 1.2 * element.condition.scale, n), rng.gamma(3, 2 * element.condition.scale, n)
    return filled("TH2F", [axis(40, -4, 4), axis(30, 0, 30)], x, y)


def _volume(element: _Element) -> Histogram:
    rng, n = element.rng, element.condition.entries
    z = rng.normal(15 * element.condition.scale, 4, n)
    return filled(
        "TH3F", [axis(10, 0, 10), axis(8, 0, 8), axis(20, 0, 40)], rng.uniform(0, 10, n), rng.uniform(0, 8, n), z
    )


def _ordinary(element: _Element) -> Histogram:
    """What is read by its mean only may be of any kind that has one."""
    plain = {use.metric for use in element.uses} <= {"basic.Mean"}
    if plain and element.condition.key % 17 == 0:
        return _plane(element)
    if plain and element.condition.key % 11 == 0:
        return _wave(element)
    return _spectrum(element)


# -- profiles ----------------------------------------------------------------------------------------------------------


def _flat_profile(element: _Element) -> Histogram:
    """Constant over the range that the fit names, at the height where it starts."""
    arguments = element.first("fits.FlatLine", "fits.FlatLineXcut")
    low, high, height = (float(value) for value in arguments[1:4]) if len(arguments) > 3 else (0.0, 192.0, 30.0)
    level, noise = (
        (height * element.condition.scale, 0.1 * height) if height else (0.01 * (element.condition.scale - 1), 0.02)
    )
    x = element.rng.uniform(low, high, 2 * element.condition.entries)
    return profiled([axis(96, low, high)], x, element.rng.normal(level, abs(noise), len(x)))


def _wave(element: _Element) -> Histogram:
    x = element.rng.uniform(-3, 3, element.condition.entries)
    y = 0.02 * element.condition.scale * np.sin(x) + element.rng.normal(0, 0.01, len(x))
    return profiled([axis(40, -3, 3)], x, y)


def _modules(element: _Element) -> Histogram:
    """A barrel layer: modules -4…4 (there is none 0) by ladders."""
    rng, n = element.rng, 2 * element.condition.entries
    module = rng.integers(1, 5, n) * rng.choice([-1.0, 1.0], n)
    ladder = rng.integers(-12, 13, n).astype(np.float64)
    return profiled(
        [axis(9, -4.5, 4.5), axis(25, -12.5, 12.5)], module, ladder, rng.normal(22 * element.condition.scale, 4, n)
    )


# -- which shape -------------------------------------------------------------------------------------------------------


@cache
def _rules() -> tuple[tuple[tuple[str, str], Shape], ...]:
    """(metric, role or "" for any) → shape; the first that fits counts, where several metrics read one element."""
    rules: Mapping[Shape, tuple[str, ...]] = {
        _hcal_times: ("hcal_metrics.RBXMean",),
        _hcal_map: ("hcal_metrics.RBXCountNonZeroChan",),
        _lumisections: ("basic.EntriesRate:histo1",),
        _few: ("basic.PixelEfficiency:histo1",),
        _small_spectrum: ("basic.PixelDigiPerClusterPix:histo1", "basic.PixelDigiPerClusterPix:histo2"),
        _spectrum: ("basic.PixelDigiPerClusterPix", "basic.PixelEfficiency", "basic.RecoFraction:histo1"),
        _labelled_counts: ("basic.RecoFraction:main",),
        _turn_on: tuple(
            f"L1T_metrics.TurnOn{what}" for what in ("CurveEffPoint", "CurveHalfWidth", "PlateauEff", "CurveRange")
        ),
        _flat_efficiency: ("L1T_metrics.EffMean", "L1T_metrics.EffVariance"),
        _landau: (*_LANDAU_FITS, "fits.LandauAroundMax", "fits.LandauAroundMaxBin"),
        _gaussian: ("fits.Gaussian",),
        _flat_profile: ("fits.FlatLine", "fits.FlatLineXcut", "basic.MeanY"),
        _modules: ("basic.ProfileMean", "basic.ProfileMeanBPixModules"),
        _volume: ("basic.MeanZAxis",),
        _map_counts: _MAP_COUNTS,
        _plane: ("basic.MeanYAxis", "basic.RMSYAxis", "basic.MeanYRange"),
        _wave: ("basic.MaxExcursion", "basic.MeanDiff"),
        _bin_counts: (*_BIN_COUNTS, "basic.NormBinCount"),
        _residual: ("muon_metrics.NOutsideRange", "basic.RMSXAxis", "basic.StdDev"),
        _over_range: _OVER_RANGE,
    }
    return tuple(
        ((metric, role), shape)
        for shape, names in rules.items()
        for metric, _, role in (name.partition(":") for name in names)
    )


def _numbers(arguments: Iterator[tuple[Any, ...]], *, largest: int) -> list[int]:
    """Every number in the arguments that can be a bin or a limit."""
    found: list[int] = [0]
    waiting: list[Any] = list(arguments)
    while waiting:
        value = waiting.pop()
        if isinstance(value, list | tuple):
            waiting.extend(value)
        elif isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= largest:
            found.append(int(value))
    return found
