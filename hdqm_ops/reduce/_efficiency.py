"""Intervals of efficiencies, which are not symmetric."""

import functools

from scipy.optimize import brentq
from scipy.stats import beta

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Measurement, Reason

__all__ = ["clopper_pearson", "shortest_efficiency_interval"]

ROOTS_ONE_SIGMA = 0.683  # the confidence level that TGraphAsymmErrors::BayesDivide uses
ONE_SIGMA = 0.6826894921370859


def shortest_efficiency_interval(passed: float, total: float) -> Measurement:
    """Mode and shortest interval of Beta(k + 1, N - k + 1), as ``TGraphAsymmErrors::BayesDivide`` gives them."""
    if total == 0:
        raise NotReducible(Reason.NO_DENOMINATOR, "there is nothing to form an efficiency of")
    if not 0 <= passed <= total:
        raise NotReducible(Reason.OUT_OF_RANGE, f"{passed:g} of {total:g} is no efficiency")
    value = passed / total
    low, high = _shortest_interval(passed + 1, total - passed + 1)
    return two_sided(value, value - low, high - value)


def two_sided(value: float, low: float, high: float) -> Measurement:
    """A measurement with an error to either side."""
    return Measurement(value, (low + high) / 2, low, high)


@functools.lru_cache(maxsize=4096)
def _shortest_interval(a: float, b: float) -> tuple[float, float]:
    """Shortest interval of a Beta distribution that holds 68.3 %: the density is the same at its ends."""
    if a <= 1:
        return 0.0, float(beta.ppf(ROOTS_ONE_SIGMA, a, b))
    if b <= 1:
        return float(beta.ppf(1 - ROOTS_ONE_SIGMA, a, b)), 1.0

    def upper(low_tail: float) -> float:
        return float(beta.ppf(min(low_tail + ROOTS_ONE_SIGMA, 1.0), a, b))

    def imbalance(low_tail: float) -> float:
        low, high = float(beta.ppf(low_tail, a, b)), upper(low_tail)
        return float(beta.pdf(low, a, b) - beta.pdf(high, a, b))

    low_tail = brentq(imbalance, 0.0, 1 - ROOTS_ONE_SIGMA, xtol=1e-15, rtol=1e-14)
    return float(beta.ppf(low_tail, a, b)), upper(low_tail)


def clopper_pearson(passed: float, total: float) -> Measurement:
    """Efficiency with the exact central interval of one sigma."""
    if total == 0:
        raise NotReducible(Reason.NO_DENOMINATOR, "there is nothing to form an efficiency of")
    if not 0 <= passed <= total:
        raise NotReducible(Reason.OUT_OF_RANGE, f"{passed:g} of {total:g} is no efficiency")
    tail = (1 - ONE_SIGMA) / 2
    value = passed / total
    low = float(beta.ppf(tail, passed, total - passed + 1)) if passed else 0.0
    high = float(beta.isf(tail, passed + 1, total - passed)) if passed < total else 1.0
    return two_sided(value, value - low, high - value)
