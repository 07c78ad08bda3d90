"""Fits of curves: the predecessor's ``fits`` family.

Each is a least-squares fit of a function at the bin centres, as ``TH1::Fit`` does it with option ``QOR``: bins without
error are left out, flow too, and most fits are repeated three times from where the last one ended.
A fit is a gap where it has no degree of freedom, does not converge or ends on a limit; the predecessor never looked.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Histogram, Measurement, Reason
from hdqm_ops.reduce import _statistics as root
from hdqm_ops.reduce._landau_fit import fit_clear_ones
from hdqm_ops.reduce._langau import fit_langau
from hdqm_ops.reduce._minuit import Fitted, Problem, enough_points, fit_failed, minimise, points_in_range
from hdqm_ops.reduce._registry import metric
from hdqm_ops.reduce._shapes import gauss, landau, landau_and_gauss

Doubles: TypeAlias = NDArray[np.float64]
Answer: TypeAlias = Measurement | NotReducible


def _points(hist: Histogram, low: float, high: float) -> tuple[Doubles, Doubles, Doubles]:
    points = points_in_range(hist, low, high)
    if not len(points[0]) and not root.contents(hist).any():
        raise NotReducible(Reason.HISTOGRAM_EMPTY, f"{hist.name} has nothing to fit")
    return points


@dataclass(frozen=True, slots=True)
class _Fit:
    """One parameter of a fitted function.

    Attributes:
        desired: which parameter is wanted: 0 place, 1 width, 2 norm.
    """

    desired: int

    function: "ClassVar[staticmethod[[Doubles, Sequence[float]], Doubles]]"

    def __post_init__(self) -> None:
        if self.desired not in (0, 1, 2):
            raise ValueError(f"desired must be 0 (place), 1 (width) or 2 (norm), not {self.desired}")

    def __call__(self, hist: Histogram) -> Measurement:
        return self.answer(minimise(type(self).function, self.problem(hist)))

    def problem(self, hist: Histogram) -> Problem:
        """The bins to fit and where to start."""
        raise NotImplementedError

    def answer(self, fitted: Fitted) -> Measurement:
        """The wanted parameter."""
        return Measurement(fitted.values[self.desired], fitted.errors[self.desired])


class _LandauFit(_Fit):
    """A fit of A · φ((x - μ) / σ), many at once."""

    __slots__ = ()

    function = staticmethod(landau)

    def __call__(self, hist: Histogram) -> Measurement:
        (answer,) = self.reduce_many([self], [(hist,)])
        if isinstance(answer, NotReducible):
            raise answer
        return answer

    @classmethod
    def reduce_many(cls, metrics: Sequence[Self], inputs: Sequence[tuple[Histogram]]) -> list[Answer]:
        """All fits at once; place and width of one fit are two trends of it."""
        problems: dict[Any, Problem | NotReducible] = {}
        keys = [one.key(hist) for one, (hist,) in zip(metrics, inputs, strict=True)]
        for key, one, (hist,) in zip(keys, metrics, inputs, strict=True):
            if key not in problems:
                problems[key] = _or_refusal(one, hist)
        fitted = _fit_all(problems)
        return [one.checked(fitted[key]) for key, one in zip(keys, metrics, strict=True)]

    def key(self, hist: Histogram) -> Any:
        """Equal for the same fit of the same histogram, whatever parameter is wanted."""
        return id(hist), dataclasses.astuple(dataclasses.replace(self, desired=0))

    def checked(self, fitted: Fitted | NotReducible) -> Answer:
        """The wanted parameter, or why it is none."""
        if isinstance(fitted, NotReducible):
            return fitted
        answer = self.answer(fitted)
        if self.is_good(answer.value):
            return answer
        return NotReducible(Reason.OUT_OF_RANGE, f"the fit gives {answer.value:g}")

    def is_good(self, value: float) -> bool:
        """Does the metric call the value good?"""
        return value > 0


def _or_refusal(one: _LandauFit, hist: Histogram) -> Problem | NotReducible:
    try:
        problem = one.problem(hist)
        enough_points(problem)
    except NotReducible as refusal:
        return refusal
    return problem


def _fit_all(problems: dict[Any, Problem | NotReducible]) -> dict[Any, Fitted | NotReducible]:
    """The clear ones together, the others one by one."""
    todo = {key: problem for key, problem in problems.items() if isinstance(problem, Problem)}
    fitted: dict[Any, Fitted | NotReducible] = {
        key: problem for key, problem in problems.items() if isinstance(problem, NotReducible)
    }
    for (key, problem), found in zip(todo.items(), fit_clear_ones(list(todo.values())), strict=True):
        fitted[key] = found or _by_minuit(problem)
    return fitted


def _by_minuit(problem: Problem) -> Fitted | NotReducible:
    try:
        return minimise(landau, problem)
    except NotReducible as refusal:
        return refusal


# -- Landau distributions ----------------------------------------------------------------------------------------------


@metric
@dataclass(frozen=True, slots=True)
class Landau(_LandauFit):
    """Fit of a Landau distribution in a range.

    Attributes:
        desired: 0 place, 1 width, 2 norm.
        min: lower end of the range.
        max: upper end.
        defaults: start values of place, width and, where given, norm (else 0).

    Value: parameter of A · φ((x - p0) / p1), φ the Landau density; its maximum lies at p0 - 0.2228 · p1.
    Error: parabolic error of the fit.
    Gaps: fit_failed; out_of_range where the value is not above 0; histogram_empty; wrong_class for maps.
    Example: fits.Landau(0, 15., 25., (20., 2.))
    """

    min: float
    max: float
    defaults: tuple[float, ...]

    def __post_init__(self) -> None:
        super(Landau, self).__post_init__()
        _check_number(self.defaults, 2, 3)

    def problem(self, hist: Histogram) -> Problem:
        return Problem(*_points(hist, self.min, self.max), _three(self.defaults), times=3)


def _check_number(defaults: tuple[float, ...], least: int, most: int) -> None:
    if not least <= len(defaults) <= most:
        wanted = str(least) if least == most else f"{least} or {most}"
        raise ValueError(f"defaults must be {wanted} start values, not {len(defaults)}")


def _three(defaults: tuple[float, ...]) -> tuple[float, ...]:
    return (*map(float, defaults), 0.0)[:3]


@metric
@dataclass(frozen=True, slots=True)
class LandauAroundMax(_LandauFit):
    """Fit of a Landau distribution around the highest bin, or rather around its border to the higher neighbour.

    Attributes:
        desired: 0 place, 1 width, 2 norm.
        lowFrac: lower end of the range, as a fraction of that place.
        highFrac: upper end.
        hLimit: values from here on are not believed.

    Value: parameter as of `fits.Landau`, in [m · lowFrac, m · highFrac], m midway between both bins; starts from
        p0 = m, p1 = m / 10, p2 = GetMaximum().
    Error: parabolic error of the fit.
    Gaps: fit_failed; out_of_range where the value is not between 0 and hLimit; histogram_empty; wrong_class for maps.
    Example: fits.LandauAroundMax(0, 0.8, 1.3, 40)
    """

    lowFrac: float
    highFrac: float
    hLimit: float

    ignored_arguments: ClassVar[int] = 1  # ten old lines carry a fifth argument, which the class never took

    def problem(self, hist: Histogram) -> Problem:
        cells, highest = root.contents(root.one_dimensional(hist)), root.maximum_bin(hist)
        neighbour = highest - 1 if cells[highest - 1] > cells[highest + 1] else highest + 1
        centers = hist.axes[0].centers()
        middle = float(centers[highest] + centers[neighbour]) / 2
        points = _points(hist, middle * self.lowFrac, middle * self.highFrac)
        return Problem(*points, (middle, middle / 10, root.maximum(hist)), times=3)

    def is_good(self, value: float) -> bool:
        return 0 < value < self.hLimit


@metric
@dataclass(frozen=True, slots=True)
class LandauTest(_LandauFit):
    """Fit of a Landau distribution in a range that was meant to depend on the run.

    Attributes:
        desired: 0 place, 1 width, 2 norm.
        min1: lower end of the range before the turn.
        max1: upper end before the turn.
        min2: lower end from the turn on; not used.
        max2: upper end from the turn on; not used.
        turnRun: run of the turn; not used.
        defaults: start values; place and width are multiplied with 1.58.

    Value: parameter as of `fits.Landau`, in [min1, max1].
    Error: parabolic error of the fit.
    Gaps: fit_failed; out_of_range where the value is not between 0 and 60000; histogram_empty; wrong_class for maps.
    Quirk: the run is never known to the metric, so that the first range is used always.
    Example: fits.LandauTest(0, 250., 360., 200., 400., 100, (310., 30., 100.))
    """

    min1: float
    max1: float
    min2: float
    max2: float
    turnRun: int
    defaults: tuple[float, ...]

    def __post_init__(self) -> None:
        super(LandauTest, self).__post_init__()
        _check_number(self.defaults, 2, 3)

    def problem(self, hist: Histogram) -> Problem:
        place, width, norm = _three(self.defaults)
        points = _points(hist, self.min1, self.max1)
        return Problem(*points, (place * 1.58, width * 1.58, norm), times=3)

    def is_good(self, value: float) -> bool:
        return 0 < value < 60000


@metric
@dataclass(frozen=True, slots=True)
class LandauAroundMaxBin(_LandauFit):
    """Fit of a Landau distribution within a distance of the highest bin.

    Attributes:
        desired: 0 place, 1 width, 2 norm.
        width: distance from the centre of the highest bin to both ends of the range.

    Value: parameter as of `fits.Landau`, in [x_max - width, x_max + width]; starts from where
        `fits.LandauAroundMax` with 0.8 and 1.4 ends.
    Error: parabolic error of the fit.
    Gaps: fit_failed; histogram_empty; wrong_class for maps.
    Quirk: the predecessor fits a function by the name "landau": that of its last Landau fit, from wherever this had
        ended, be it of another histogram. Only where there was none is it ROOT's own, with its parameters in another
        order: that is `peak.LandauAroundHighestBin`.
    Example: fits.LandauAroundMaxBin(0, 60.)
    """

    width: float

    def problem(self, hist: Histogram) -> Problem:
        around = LandauAroundMax(0, 0.8, 1.4, math.inf).problem(hist)
        highest = float(hist.axes[0].centers()[root.maximum_bin(hist)])
        points = _points(hist, highest - self.width, highest + self.width)
        return Problem(*points, around.start, times=3, before=around)

    def is_good(self, value: float) -> bool:
        del value
        return True


# -- other curves ------------------------------------------------------------------------------------------------------


@metric
@dataclass(frozen=True, slots=True)
class Gaussian(_Fit):
    """Fit of a Gaussian in a range.

    Attributes:
        desired: 0 place, 1 width, 2 norm.
        min: lower end of the range.
        max: upper end.
        defaults: start values of place, width and norm.

    Value: parameter of p2 · exp(-(x - p0)² / 2 p1²).
    Error: parabolic error of the fit.
    Gaps: fit_failed; histogram_empty; wrong_class for maps.
    Example: fits.Gaussian(0, -2., 10., (4., 2., 100.))
    """

    min: float
    max: float
    defaults: tuple[float, ...]

    function = staticmethod(gauss)

    def __post_init__(self) -> None:
        super(Gaussian, self).__post_init__()
        _check_number(self.defaults, 2, 3)

    def problem(self, hist: Histogram) -> Problem:
        return Problem(*_points(hist, self.min, self.max), _three(self.defaults))


@metric
@dataclass(frozen=True, slots=True)
class GauLand(_Fit):
    """Fit of a Landau distribution and a Gaussian at the same place.

    Attributes:
        desired: 0 place, 1 width, 2 norm of the Landau distribution.
        min: lower end of the range.
        max: upper end.
        defaults: five start values; both norms start from half the maximum instead.

    Value: parameter of p2 · φ((x - p0) / p1) + p4 · exp(-(x - p0)² / 2 p3²).
    Error: parabolic error of the fit.
    Gaps: fit_failed; histogram_empty; wrong_class for maps.
    Example: fits.GauLand(0, 100., 500., (300., 30., 10., 20., 5.))
    """

    min: float
    max: float
    defaults: tuple[float, ...]

    function = staticmethod(landau_and_gauss)

    def __post_init__(self) -> None:
        super(GauLand, self).__post_init__()
        _check_number(self.defaults, 5, 5)

    def problem(self, hist: Histogram) -> Problem:
        half = root.maximum(root.one_dimensional(hist)) / 2
        place, width, _, spread, _ = map(float, self.defaults)
        return Problem(*_points(hist, self.min, self.max), (place, width, half, spread, half), times=3)


@metric
@dataclass(frozen=True, slots=True)
class LanGau(_Fit):
    """Fit of a Landau distribution that is smeared with a Gaussian; the place of the fitted curve's maximum.

    Attributes:
        desired: whose error is given: 0 width of the Landau distribution, 1 its place, 2 area.
        min: lower end of the range.
        max: upper end.
        control: the fit is tried again while its width is below.
        defaults: start values: Landau width, place, area, Gaussian width.

    Value: x of the maximum of the fitted curve in [min, max].
    Error: parabolic error of the wanted parameter.
    Gaps: fit_failed; histogram_empty; wrong_class for maps.
    Quirk: below 150 entries, bins are joined in pairs; up to five more tries start from a larger area.
    Example: fits.LanGau(1, 200., 500., 5., (20., 300., 1000., 20.))
    """

    min: float
    max: float
    control: float
    defaults: tuple[float, ...]

    def __post_init__(self) -> None:
        super(LanGau, self).__post_init__()
        _check_number(self.defaults, 4, 4)

    def __call__(self, hist: Histogram) -> Measurement:
        _points(hist, self.min, self.max)
        place, fitted = fit_langau(hist, self.min, self.max, self.control, self.defaults)
        return Measurement(place, fitted.errors[self.desired])


@dataclass(frozen=True, slots=True)
class _Constant:
    """A constant, which needs no minimiser.

    Attributes:
        desired: must be 0, the only parameter.
        min: lower end of the range.
        max: upper end.
        default: start value, which makes no difference.
    """

    desired: int
    min: float
    max: float
    default: float

    def __post_init__(self) -> None:
        if self.desired != 0:
            raise ValueError(f"desired must be 0, the only parameter, not {self.desired}")

    def __call__(self, hist: Histogram) -> Measurement:
        _, y, weight = _points(hist, *self.ends(hist))
        if len(y) < 2:
            raise fit_failed(f"{len(y)} bins for 1 parameter")
        total = float((weight**2).sum())
        return Measurement(float((y * weight**2).sum()) / total, total**-0.5)

    def ends(self, hist: Histogram) -> tuple[float, float]:
        """Ends of the range."""
        del hist
        return self.min, self.max


@metric
@dataclass(frozen=True, slots=True)
class FlatLine(_Constant):
    """Fit of a constant in a range.

    Attributes:
        desired: must be 0, the only parameter.
        min: lower end of the range.
        max: upper end.
        default: start value, which makes no difference.

    Value: Σ c/e² / Σ 1/e².
    Error: 1 / √Σ 1/e².
    Gaps: fit_failed with fewer than two bins; histogram_empty; wrong_class for maps.
    Example: fits.FlatLine(0, -2.5, 2.5, 0)
    """


@metric
@dataclass(frozen=True, slots=True)
class FlatLineXcut(_Constant):
    """Fit of a constant from 1 to three bins below the last filled one.

    Attributes:
        desired: must be 0, the only parameter.
        min: not used.
        max: not used.
        default: start value, which makes no difference.

    Value: Σ c/e² / Σ 1/e² in [1, centre of bin n - 3], n the last bin of 0…N - 1 with c > 0 (0 where there is none).
    Error: 1 / √Σ 1/e².
    Gaps: fit_failed with fewer than two bins; histogram_empty; wrong_class for maps.
    Quirk: the given range is ignored; `fits.FlatLine` uses it.
    Example: fits.FlatLineXcut(0, 0., 20., 1.)
    """

    def ends(self, hist: Histogram) -> tuple[float, float]:
        axis = root.one_dimensional(hist).axes[0]
        filled = np.flatnonzero(root.contents(hist)[:-2] > 0)
        number = (int(filled[-1]) if len(filled) else 0) - 3
        if number >= 1:
            return 1.0, float(axis.centers()[number])
        return 1.0, axis.low + (number - 0.5) * (axis.high - axis.low) / axis.n
