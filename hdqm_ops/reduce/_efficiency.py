"""Intervals of efficiencies, which are not symmetric."""

import functools
import math

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Measurement, Reason
from hdqm_ops.reduce import _statistics as root

__all__ = ["clopper_pearson", "shortest_efficiency_interval"]

ROOTS_ONE_SIGMA = 0.683  # the confidence level that TGraphAsymmErrors::BayesDivide uses
ONE_SIGMA = 0.6826894921370859


def _quantile(share: float, a: float, b: float) -> float:
    """Quantile of a Beta distribution."""
    from scipy.special import betaincinv  # noqa: PLC0415 - SciPy takes longer to import than all the rest together

    return float(betaincinv(a, b, share))


def _efficiency(passed: float, total: float) -> float:
    if total == 0:
        raise NotReducible(Reason.NO_DENOMINATOR, "there is nothing to form an efficiency of")
    if not 0 <= passed <= total:
        raise NotReducible(Reason.OUT_OF_RANGE, f"{passed:g} of {total:g} is no efficiency")
    return passed / total


def _two_sided(value: float, low: float, high: float) -> Measurement:
    """A measurement between two ends."""
    return Measurement(value, (high - low) / 2, value - low, high - value)


def shortest_efficiency_interval(passed: float, total: float) -> Measurement:
    """Mode and shortest interval of Beta(k + 1, N - k + 1), as ``TGraphAsymmErrors::BayesDivide`` gives them."""
    root.finite(passed + total)
    passed, total = math.floor(passed + 0.5), math.floor(total + 0.5)  # ROOT counts in whole numbers here
    value = _efficiency(passed, total)
    return _two_sided(value, *_shortest_interval(passed + 1, total - passed + 1))


@functools.lru_cache(maxsize=4096)
def _shortest_interval(a: float, b: float) -> tuple[float, float]:
    """Shortest interval of a Beta distribution that holds 68.3 %: the density is the same at its ends."""
    if a <= 1:
        return 0.0, _quantile(ROOTS_ONE_SIGMA, a, b)
    if b <= 1:
        return _quantile(1 - ROOTS_ONE_SIGMA, a, b), 1.0
    least, most = 0.0, 1 - ROOTS_ONE_SIGMA  # what lies below the interval
    for _ in range(60):
        below = (least + most) / 2
        low, high = _quantile(below, a, b), _quantile(below + ROOTS_ONE_SIGMA, a, b)
        if _log_density(low, a, b) < _log_density(high, a, b):
            least = below
        else:
            most = below
    return low, high


def _log_density(x: float, a: float, b: float) -> float:
    if not 0 < x < 1:
        return -math.inf
    return (a - 1) * math.log(x) + (b - 1) * math.log1p(-x)


def clopper_pearson(passed: float, total: float) -> Measurement:
    """Efficiency with the exact central interval of one sigma."""
    value = _efficiency(passed, total)
    tail = (1 - ONE_SIGMA) / 2
    low = _quantile(tail, passed, total - passed + 1) if passed else 0.0
    high = _quantile(1 - tail, passed + 1, total - passed) if passed < total else 1.0
    return _two_sided(value, low, high)
