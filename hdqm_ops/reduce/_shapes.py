"""Functions that are fitted, with the digits that ROOT computes them to."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.reduce._landau import c_exp, density

__all__ = ["gauss", "landau", "landau_and_gauss"]

Doubles: TypeAlias = NDArray[np.float64]


def landau(x: Doubles, parameters: Sequence[float]) -> Doubles:
    """A φ((x - μ) / σ), parameters in the order (μ, σ, A); 0 where σ is not positive."""
    place, width, norm = parameters
    return norm * density((x - place) / width) if width > 0 else np.zeros(len(x))


def gauss(x: Doubles, parameters: Sequence[float]) -> Doubles:
    """A exp(-(x - μ)² / 2σ²), parameters in the order (μ, σ, A)."""
    place, width, norm = parameters
    pulls = (x - place) / width
    return np.asarray(norm * c_exp(-0.5 * (pulls * pulls)))


def landau_and_gauss(x: Doubles, parameters: Sequence[float]) -> Doubles:
    """A Landau distribution (μ, σ, A) plus a Gaussian of other width and norm at the same place."""
    place, width, norm, spread, height = parameters
    return landau(x, (place, width, norm)) + gauss(x, (place, spread, height))
