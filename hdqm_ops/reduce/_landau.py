"""The Landau density as CERNLIB's DENLAN approximates it, which is what ``TMath::Landau`` computes.

K. S. Kölbig and B. Schorr, A program package for the Landau distribution, Comp. Phys. Commun. 31 (1984) 97.
`density` is that approximation to the last digits, because a fit that is nearly undetermined ends where those lead it.
`density_and_slopes` reads a table of it, several times as fast and with two derivatives.
"""

import functools
import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["c_exp", "density", "density_and_slopes"]

Doubles: TypeAlias = NDArray[np.float64]

# Upper ends of the pieces; within each, a ratio of two polynomials of degree 4 in λ, or in 1/λ from 5 on.
_ENDS = np.array([-5.5, -1.0, 1.0, 5.0, 12.0, 50.0, 300.0])
_ABOVE = np.array(
    [
        [0.4259894875, -0.1249762550, 0.3984243700e-1, -0.6298287635e-2, 0.1511162253e-2],
        [0.1788541609, 0.1173957403, 0.1488850518e-1, -0.1394989411e-2, 0.1283617211e-3],
        [0.1788544503, 0.9359161662e-1, 0.6325387654e-2, 0.6611667319e-4, -0.2031049101e-5],
        [0.9874054407, 0.1186723273e3, 0.8492794360e3, -0.7437792444e3, 0.4270262186e3],
        [0.1003675074e1, 0.1675702434e3, 0.4789711289e4, 0.2121786767e5, -0.2232494910e5],
        [0.1000827619e1, 0.6649143136e3, 0.6297292665e5, 0.4755546998e6, -0.5743609109e7],
    ]
).T
_BELOW = np.array(
    [
        [1.0, -0.3388260629, 0.9594393323e-1, -0.1608042283e-1, 0.3778942063e-2],
        [1.0, 0.7428795082, 0.3153932961, 0.6694219548e-1, 0.8790609714e-2],
        [1.0, 0.6097809921, 0.2560616665, 0.4746722384e-1, 0.6957301675e-2],
        [1.0, 0.1068615961e3, 0.3376496214e3, 0.2016712389e4, 0.1597063511e4],
        [1.0, 0.1569424537e3, 0.3745310488e4, 0.9834698876e4, 0.6692428357e5],
        [1.0, 0.6514101098e3, 0.5697473333e5, 0.1659174725e6, -0.2815759939e7],
    ]
).T

_LARGEST = 709.0  # what an exponential can take


def density(x: Doubles) -> Doubles:
    """Density at ``x``, not divided by any width; its maximum 0.1807 lies at -0.2228."""
    piece = _ENDS.searchsorted(x, side="right")
    with np.errstate(all="ignore"):  # each point uses one piece; what the others make of it is dropped
        value = _middle(x, np.minimum(np.maximum(piece, 1), 6) - 1)
        for number, far in ((0, _far_below), (7, _far_above)):
            there = piece == number
            if there.any():
                value[there] = far(x[there])
    if not math.isfinite(value.sum()):
        value[~np.isfinite(value)] = 0.0
    return value


def _middle(x: Doubles, row: NDArray[np.intp]) -> Doubles:
    upper = row >= 3
    inverted = upper.any()
    z = np.where(upper, 1 / x, x) if inverted else x
    p, q = _ABOVE[:, row], _BELOW[:, row]
    above: Doubles = p[0] + (p[1] + (p[2] + (p[3] + p[4] * z) * z) * z) * z
    below: Doubles = q[0] + (q[1] + (q[2] + (q[3] + q[4] * z) * z) * z) * z
    if inverted:
        above = np.where(upper, z * z * above, above)
    lowest = row == 0
    if lowest.any():
        v = -x[lowest] - 1.0
        above[lowest] = c_exp(0.5 * v - c_exp(v)) * above[lowest]
    return above / below


def c_exp(x: Doubles) -> Doubles:
    """The exponential of the C library: NumPy's own differs in the last digit, but that of complex numbers is C's."""
    with np.errstate(all="ignore"):
        return np.where(x < _LARGEST, np.exp(x + 0j).real, np.inf)


def _far_below(x: Doubles) -> Doubles:
    v = np.clip(x, -30.0, -5.5) + 1.0
    u = c_exp(v)
    series = 1 + (0.04166666667 + (-0.01996527778 + 0.02709538966 * u) * u) * u
    return np.where(u < 1e-10, 0.0, 0.3989422803 * c_exp(-1 / u - 0.5 * v) * series)


def _far_above(x: Doubles) -> Doubles:
    logarithm = np.array([math.log(one) for one in x.tolist()])  # C's; NumPy's own differs in the last digit
    u = 1 / (x - x * logarithm / (x + 1.0))
    return np.asarray(u * u * (1 + (-1.845568670 - 4.284640743 * u) * u))


# -- table -------------------------------------------------------------------------------------------------------------

# Kept is s(t) = φ(λ) (λ + 10)² over t = ln(λ + 10), which is smooth and tends to 1; each row a node's Taylor terms.
_LOWEST, _HIGHEST, _STEP = -8.0, 1e7, 0.002  # below -8 the density is less than 1e-300


@functools.cache
def _table() -> Doubles:
    t = np.log(_LOWEST + 10) + _STEP * np.arange(-6, int(np.log(_HIGHEST) / _STEP) + 7)
    terms = [density(np.exp(t) - 10) * np.exp(2 * t)]
    for _ in range(3):
        terms.append(np.convolve(terms[-1], np.array([-1, 8, 0, -8, 1]) / (12 * _STEP), mode="same"))
    return np.ascontiguousarray(np.stack(terms, axis=1)[6:-6])


def density_and_slopes(x: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Density at ``x`` with its first and second derivative, to 1e-8 of its maximum."""
    table = _table()
    u = np.fmax(x, _LOWEST) + 10  # also where x is not a number
    t = (np.log(u) - np.log(_LOWEST + 10)) / _STEP
    node = np.minimum(np.rint(t), len(table) - 1).astype(np.intp)
    d = np.minimum(t - node, 0.5) * _STEP
    s, first, second, third = np.moveaxis(table[node], -1, 0)
    s, first, second = (
        s + (first + (second / 2 + third * (d / 6)) * d) * d,
        first + (second + third * (d / 2)) * d,
        second + third * d,
    )
    inverse = np.where(x > _LOWEST, 1 / u, 0.0)
    return (
        s * inverse**2,
        (first - 2 * s) * inverse**3,
        (second - 5 * first + 6 * s) * inverse**4,
    )
