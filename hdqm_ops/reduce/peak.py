"""Fits of peaks, beside those of the predecessor."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Histogram, Measurement, Reason
from hdqm_ops.reduce import _statistics as root
from hdqm_ops.reduce._minuit import Fitted, Problem, fit_failed, minimise, points_in_range
from hdqm_ops.reduce._registry import metric
from hdqm_ops.reduce._shapes import landau

Doubles: TypeAlias = NDArray[np.float64]

_ROOT_OF_2_PI = 2.506628  # with the digits that ROOT has
_WIDEST = 10  # standard deviations of the points
_ON_A_LIMIT = 1e-4  # distance from it, as a share of the widest


@metric
@dataclass(frozen=True, slots=True)
class LandauAroundHighestBin:
    """Fit of ROOT's own function ``landau`` within a distance of the highest bin, as `TH1::Fit("landau")` does it.

    Attributes:
        desired: 0 norm, 1 place, 2 width: ROOT's order.
        width: distance from the centre of the highest bin to both ends of the range.

    Value: parameter of p0 · φ((x - p1) / p2), φ the Landau density; its maximum is at p1 - 0.2228 · p2. It starts from
        mean and standard deviation of the points, three times; p2 stays between 0 and ten of these deviations.
    Error: parabolic error of the fit.
    Gaps: fit_failed, also where the width ends on a limit; histogram_empty; wrong_class for maps.
    Example: peak.LandauAroundHighestBin(1, 60.)
    """

    desired: int
    width: float

    def __post_init__(self) -> None:
        if self.desired not in (0, 1, 2):
            raise ValueError(f"desired must be 0 (norm), 1 (place) or 2 (width), not {self.desired}")

    def __call__(self, hist: Histogram) -> Measurement:
        fitted = self.fit(hist)
        return Measurement(fitted.values[self.desired], fitted.errors[self.desired])

    def fit(self, hist: Histogram) -> Fitted:
        """All three parameters and χ²."""
        problem = self.problem(hist)
        fitted = minimise(_norm_first, problem)
        width, widest = fitted.values[2], _WIDEST * problem.start[2]
        if min(width, widest - width) < _ON_A_LIMIT * widest:
            raise fit_failed(f"the width ends on a limit, {width:g}")
        return fitted

    def problem(self, hist: Histogram) -> Problem:
        """The bins to fit and where to start."""
        highest = float(root.one_dimensional(hist).axes[0].centers()[root.maximum_bin(hist)])
        x, y, weight = points_in_range(hist, highest - self.width, highest + self.width)
        if not y.sum() > 0:
            raise NotReducible(Reason.HISTOGRAM_EMPTY, f"{hist.name} has no peak to fit")
        norm, mean, spread = _start(x, y)
        return Problem(
            x,
            y,
            weight,
            (norm, mean, spread),
            times=3,
            steps=(0.0, 0.0, spread / 2),
            limits=(None, None, (0.0, _WIDEST * spread)),
            afresh=True,
        )


def _norm_first(x: Doubles, parameters: Sequence[float]) -> Doubles:
    norm, place, width = parameters
    return landau(x, (place, width, norm))


def _start(x: Doubles, y: Doubles) -> tuple[float, float, float]:
    """Norm, mean and standard deviation of points, as ROOT guesses them for a Gaussian."""
    total, first, second = (float(terms.cumsum()[-1]) for terms in (y, y * x, y * x * x))  # summed in ROOT's order
    mean = first / total
    variance = second / total - mean * mean
    bin_width = float(np.diff(x).min()) if len(x) > 1 else 1.0
    spread = math.sqrt(variance) if variance > 0 else bin_width * len(x) / 4
    return 0.5 * (float(y.max()) + bin_width * total / (_ROOT_OF_2_PI * spread)), mean, spread
