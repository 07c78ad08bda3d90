"""Least squares as ``TH1::Fit`` does it: which bins take part, and MIGRAD with ROOT's steps, tolerance and limit."""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Axis, Histogram, Reason
from hdqm_ops.reduce import _statistics as root

if TYPE_CHECKING:
    from iminuit import Minuit

__all__ = ["Fitted", "Problem", "checked", "enough_points", "fit_failed", "minimise", "points_in_range", "repeated"]

Doubles: TypeAlias = NDArray[np.float64]
Function: TypeAlias = Callable[[Doubles, Sequence[float]], Doubles]

TOLERANCE = 0.01  # ROOT's default for all minimisers
STEP = 0.3  # first step as a share of the start value


@dataclass(frozen=True, slots=True)
class Problem:
    """Bins to fit, and where to start.

    Attributes:
        x: bin centres.
        y: contents.
        weight: one over the bin errors.
        start: start values of the parameters.
        times: how often the fit is repeated from where the last one ended.
        before: a fit whose end is where this one begins, in place of ``start``.
        steps: first steps of the parameters, 0 where a share of the start value is taken.
        limits: lower and upper end of each parameter, None where it has none.
        afresh: each repetition begins where the first did, with the errors of the last as its steps.
    """

    x: Doubles
    y: Doubles
    weight: Doubles
    start: tuple[float, ...]
    times: int = 1
    before: "Problem | None" = None
    steps: tuple[float, ...] | None = None
    limits: "tuple[tuple[float, float] | None, ...] | None" = None
    afresh: bool = False

    @property
    def freedom(self) -> int:
        """Number of degrees of freedom."""
        return len(self.x) - len(self.start)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fit that converged: parameters with their errors."""

    values: tuple[float, ...]
    errors: tuple[float, ...]
    chi2: float


def fit_failed(why: str) -> NotReducible:
    """The gap of a fit."""
    return NotReducible(Reason.FIT_FAILED, why)


def points_in_range(hist: Histogram, low: float, high: float) -> tuple[Doubles, Doubles, Doubles]:
    """Centres, contents and weights of the bins that take part in a fit between two places.

    A bin takes part by its centre, as long as more than one does; never flow, nor a bin without error.
    A range without width is none at all.
    """
    axis = root.one_dimensional(hist).axes[0]
    first, last = _bins_in_range(axis, min(low, high), max(low, high))
    inside = slice(first, last + 1)
    errors = root.errors(hist)[inside]
    usable = errors > 0
    return axis.centers()[inside][usable], root.contents(hist)[inside][usable], 1 / errors[usable]


def _bins_in_range(axis: Axis, low: float, high: float) -> tuple[int, int]:
    first, last = root.active(axis)
    if low == high:
        return first, last
    first, last = (
        min(max(axis.find_bin(low), first), last + 1),
        max(min(axis.find_bin(high), last), min(max(axis.find_bin(low), first), last + 1) - 1),
    )
    if first < last:
        centers = axis.centers()
        first += bool(centers[first] < low)
        last -= bool(centers[last] > high)
    return first, last


def minimise(function: Function, problem: Problem) -> Fitted:
    """Minimum of χ² with parabolic errors.

    Raises:
        NotReducible: Too few points, or no convergence.
    """
    enough_points(problem)
    return checked(repeated(function, problem))


def enough_points(problem: Problem) -> None:
    """Refuse a fit without degrees of freedom."""
    if problem.freedom <= 0:
        raise fit_failed(f"{len(problem.x)} bins for {len(problem.start)} parameters")


def checked(fit: "Minuit") -> Fitted:
    """What a fit gives, if it converged."""
    values, errors = tuple(fit.values), tuple(fit.errors)
    if not fit.valid:
        raise fit_failed(f"no convergence after {fit.nfcn} steps")
    if not all(map(math.isfinite, (*values, *errors))):
        raise fit_failed("the fit ran away")
    return Fitted(values, errors, float(fit.fval))


def repeated(function: Function, problem: Problem) -> "Minuit":
    """The last of the repeated fits, converged or not."""
    values: Sequence[float] = problem.start
    errors: Sequence[float] = problem.steps or (0.0,) * len(values)
    if problem.before is not None and len(problem.before.x):
        last = repeated(function, problem.before)
        values, errors = tuple(last.values), tuple(last.errors)
    for _ in range(problem.times):
        fit = _migrad(function, problem, values, errors)
        values, errors = problem.start if problem.afresh else tuple(fit.values), tuple(fit.errors)
    return fit


def _migrad(function: Function, problem: Problem, values: Sequence[float], errors: Sequence[float]) -> "Minuit":
    from iminuit import Minuit  # noqa: PLC0415 - most processes never fit what needs it

    x, y, weight = problem.x, problem.y, problem.weight
    most = sys.float_info.max / len(x)

    def chi2(parameters: Sequence[float]) -> float:
        pulls = (y - function(x, parameters)) * weight
        terms = pulls * pulls
        total = float(terms.cumsum()[-1])  # summed in ROOT's order
        return total if total < most else float(np.where(terms < most, terms, most).cumsum()[-1])

    fit = Minuit(chi2, values)
    fit.errordef, fit.tol, fit.strategy = 1, TOLERANCE, 1
    # As in ROOT, a step that is not a number counts as none.
    fit.errors = [
        error if error > 0 else STEP * abs(value) or STEP for value, error in zip(values, errors, strict=True)
    ]
    if problem.limits is not None:
        fit.limits = problem.limits
    n = len(values)
    with np.errstate(all="ignore"):
        return fit.migrad(ncall=1000 + 100 * n + 5 * n * n, iterate=1, use_simplex=False)
