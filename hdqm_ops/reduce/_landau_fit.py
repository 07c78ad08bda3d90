"""Many Landau fits at once: Newton's method with analytic derivatives on the points of all fits, end to end.

Each fit has three parameters: place μ, width σ, norm A of A φ((x - μ) / σ).
What does not end in a clear minimum is left to MIGRAD, so that a fit that is nearly undetermined ends as in ROOT.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.reduce._landau import density_and_slopes
from hdqm_ops.reduce._minuit import Fitted, Problem

__all__ = ["fit_clear_ones"]

Doubles: TypeAlias = NDArray[np.float64]

MOST_STEPS = 40
CLOSE = 1e-9  # distance to the minimum, in units of χ², at which a fit has arrived
SAME = 1e-4  # difference in χ² below which two minima are one
OTHER_WIDTHS = (0.05, 0.2)  # further starts, as shares of the range
FEW = 15  # degrees of freedom below which, and
NARROW = 2  # bins of width below which, one or two points can make a minimum of their own
CLEAR_WIDTH = 0.3  # relative error of the width up to which the parabola at the minimum tells the truth


class _Batch:
    """Points of many fits end to end, with sums over each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.lengths = np.array([len(problem.x) for problem in problems])
        self.starts = np.concatenate(([0], np.cumsum(self.lengths)[:-1]))
        self.x = np.concatenate([problem.x for problem in problems])
        self.y = np.concatenate([problem.y * problem.weight for problem in problems])
        self.weight = np.concatenate([problem.weight for problem in problems])

    def total(self, terms: Doubles) -> Doubles:
        """Sum of each fit's terms; the last axis are the points."""
        return np.add.reduceat(terms, self.starts, axis=-1)

    def spread(self, numbers: Doubles) -> Doubles:
        """One number of each fit, at each of its points."""
        return np.repeat(numbers, self.lengths, axis=-1)

    def best_norm(self, place: Doubles, width: Doubles) -> Doubles:
        """The norm that is best for given place and width."""
        shape = density_and_slopes((self.x - self.spread(place)) / self.spread(width))[0] * self.weight
        norm = self.total(shape * shape)
        return np.divide(self.total(shape * self.y), norm, out=np.zeros(len(norm)), where=norm > 0)

    def look(self, parameters: Doubles) -> tuple[Doubles, Doubles, Doubles]:
        """χ² / 2 of each fit, its gradient (3 rows) and its second derivatives (rows of _PAIRS)."""
        place, width, norm = self.spread(parameters)
        z = (self.x - place) / width
        shape, slope, curve = density_and_slopes(z)
        shape, slope, curve = shape * self.weight, slope * self.weight, curve * self.weight
        pull = norm * shape - self.y
        by_place, by_width = -norm * slope / width, -norm * slope * z / width
        twice = norm * curve / width**2
        mixed = norm * slope / width**2
        terms = np.stack(
            [
                pull * pull / 2,
                pull * by_place,
                pull * by_width,
                pull * shape,
                by_place**2 + pull * twice,
                by_place * by_width + pull * (twice * z + mixed),
                by_place * shape - pull * slope / width,
                by_width**2 + pull * (twice * z * z + 2 * mixed * z),
                by_width * shape - pull * slope * z / width,
                shape**2,
                by_place**2,
                by_place * by_width,
                by_width**2,
                by_place * shape,
                by_width * shape,
            ]
        )
        sums = self.total(terms)
        return sums[0], sums[1:4], sums[4:]


def _matrices(rows: Doubles) -> tuple[Doubles, Doubles]:
    """The exact matrix of second derivatives of each fit, and Gauss's, which is never negative."""
    exact = rows[[0, 1, 2, 1, 3, 4, 2, 4, 5]].T.reshape(-1, 3, 3)
    gauss = rows[[6, 7, 9, 7, 8, 10, 9, 10, 5]].T.reshape(-1, 3, 3)
    return exact, gauss


def _positive(matrices: Doubles) -> NDArray[np.bool_]:
    """Is each matrix positive definite? By its leading minors."""
    a = matrices
    minor = a[:, 0, 0] * a[:, 1, 1] - a[:, 0, 1] ** 2
    scale = a[:, 0, 0] * a[:, 1, 1] * a[:, 2, 2]
    return np.asarray((a[:, 0, 0] > 0) & (minor > 0) & (np.linalg.det(a) > 1e-12 * scale) & (a[:, 2, 2] > 0))


def fit_clear_ones(problems: Sequence[Problem]) -> list[Fitted | None]:
    """Fit all; None for those that MIGRAD has to look at: no clear minimum, or several."""
    if not problems:
        return []
    found = _fit_from(problems, [problem.start for problem in problems])
    found = [one if tame else None for one, tame in zip(found, _tame_starts(problems), strict=True)]
    doubtful = [index for index, one in enumerate(found) if one and _is_doubtful(problems[index], one)]
    if doubtful:
        again = [problems[index] for index in doubtful for _ in OTHER_WIDTHS]
        starts = [_start_from_data(problems[index], share) for index in doubtful for share in OTHER_WIDTHS]
        others = iter(_fit_from(again, starts))
        for index in doubtful:
            found[index] = _agreed([found[index], *(next(others) for _ in OTHER_WIDTHS)])
    return found


def _is_doubtful(problem: Problem, found: Fitted) -> bool:
    """May there be another minimum, where ROOT would end? The curve fits badly, or few points make the peak."""
    bin_width = float(np.diff(problem.x).min())
    return found.chi2 > 2 * problem.freedom or problem.freedom < FEW or found.values[1] < NARROW * bin_width


def _tame_starts(problems: Sequence[Problem]) -> list[bool]:
    """Will MIGRAD's first step, one parameter at a time, keep the width positive?

    Where it does not, the function vanishes and MIGRAD is lost; ROOT has no value then, and neither shall we.
    """
    start = np.array([problem.start for problem in problems]).T
    with np.errstate(all="ignore"):
        _, gradient, rows = _Batch(problems).look(start)
        curvature = rows[[0, 3, 5]]
        width = start[1] - gradient[1] / curvature[1]
        tame = (curvature > 0).all(axis=0) & (width > 0) | (start[2] == 0)
    return [bool(one) for one in tame]


def _start_from_data(problem: Problem, share: float) -> tuple[float, float, float]:
    """At the highest point, with a width that is a share of the range."""
    highest = int(np.argmax(problem.y))
    return float(problem.x[highest]), share * float(problem.x[-1] - problem.x[0]), float(problem.y[highest])


def _agreed(found: Sequence[Fitted | None]) -> Fitted | None:
    """The first of them, unless another start leads to another minimum, or to none that is clear."""
    clear = [one.chi2 for one in found if one is not None]
    return found[0] if len(clear) == len(found) and max(clear) - min(clear) < SAME else None


def _fit_from(problems: Sequence[Problem], starts: Sequence[tuple[float, ...]]) -> list[Fitted | None]:
    """Descend from given starts; None where that does not end in a clear minimum."""
    with np.errstate(all="ignore"):
        batch = _Batch(problems)
        parameters, half, arrived, exact = _descend(batch, np.array(starts, dtype=np.float64).T)
        positive = _positive(exact)
        covariance = np.linalg.inv(np.where(positive[:, None, None], exact, np.eye(3)))
        errors = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)).T
        clear = arrived & positive & _is_clear(batch, parameters, errors)
    return [
        Fitted(tuple(values), tuple(sigmas), 2 * chi2) if good else None
        for values, sigmas, chi2, good in zip(
            parameters.T.tolist(), errors.T.tolist(), half.tolist(), clear.tolist(), strict=True
        )
    ]


def _is_clear(batch: _Batch, parameters: Doubles, errors: Doubles) -> NDArray[np.bool_]:
    """The peak lies among the points and its parameters are well determined."""
    place, width, norm = parameters
    lowest, highest = batch.x[batch.starts], batch.x[batch.starts + batch.lengths - 1]
    return np.asarray(
        (place > lowest)
        & (place < highest)
        & (norm > 0)
        & (errors[1] < CLEAR_WIDTH * width)
        & (errors[0] < width)
        & np.isfinite(errors).all(axis=0)
    )


def _solved(matrices: Doubles, right: Doubles) -> Doubles:
    """Each system's solution; not a number where it has none, so that one lost fit does not stop the others."""
    sound = np.isfinite(matrices).all(axis=(1, 2)) & (np.linalg.det(matrices) != 0)
    solution = np.linalg.solve(np.where(sound[:, None, None], matrices, np.eye(3)), right.T[:, :, None])[:, :, 0]
    return np.where(sound[:, None], solution, np.nan).T


def _shortened(step: Doubles, width: Doubles) -> Doubles:
    """How much of each step to take: the parabola is good for a width or so."""
    longest = np.maximum(np.abs(step[0]) / 1.5, np.abs(step[1]) / 0.5) / width
    return np.asarray(1 / np.maximum(longest, 1.0))


def _descend(batch: _Batch, parameters: Doubles) -> tuple[Doubles, Doubles, NDArray[np.bool_], Doubles]:
    """Newton's method with Levenberg's damping, each fit with its own.

    Returns:
        Parameters, χ² / 2, whether each has arrived at a minimum, and the second derivatives there.
    """
    parameters[2] = batch.best_norm(parameters[0], parameters[1])
    damping = np.full(len(batch.lengths), 1e-2)
    arrived = np.zeros(len(batch.lengths), dtype=bool)
    half, gradient, rows = batch.look(parameters)
    for _ in range(MOST_STEPS):
        exact, gauss = _matrices(rows)
        matrix = np.where(_positive(exact)[:, None, None], exact, gauss)
        diagonal = np.einsum("fii->fi", gauss) * damping[:, None] + 1e-300
        step = -_solved(matrix + diagonal[:, :, None] * np.eye(3), gradient)
        arrived |= -(step * gradient).sum(axis=0) / 2 < CLOSE
        if arrived.all():
            break
        step = np.where(arrived | ~np.isfinite(step).all(axis=0), 0.0, step)
        tried = parameters + step * _shortened(step, parameters[1])
        new_half, new_gradient, new_rows = batch.look(tried)
        better = (new_half <= half) & np.isfinite(new_half)
        parameters = np.where(better, tried, parameters)
        half, gradient, rows = (
            np.where(better, new, old) for new, old in ((new_half, half), (new_gradient, gradient), (new_rows, rows))
        )
        damping = np.where(better, damping / 10, np.maximum(damping, 1e-6) * 10)
    return parameters, half, arrived, _matrices(rows)[0]
