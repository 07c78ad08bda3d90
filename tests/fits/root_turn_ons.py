"""Turn-on curves as the specification of the predecessor's metrics tells them, from what ROOT says of a histogram.

Written bin by bin, on purpose in another way than ours. Each gives value and error, or None where there is none.
"""

import math


def mean_from(hist, first):
    weights = total = 0.0
    for number in range(first, hist.GetNbinsX() + 1):
        content = hist.GetBinContent(number)
        if content:
            weight = (content / hist.GetBinError(number)) ** 2
            weights, total = weights + weight, total + weight * content
    return (total / weights, total / weights / math.sqrt(weights)) if weights else None


def spread(hist, _):
    mean, error = mean_from(hist, 1) or (None, None)
    if mean is None:
        return None
    squares = weights = 0.0
    for number in range(1, hist.GetNbinsX() + 1):
        content = hist.GetBinContent(number)
        if content:
            weight = (content / hist.GetBinError(number)) ** 2
            squares, weights = squares + weight * content**2, weights + weight
    deviation = math.sqrt(squares / weights - mean**2)
    return deviation, mean * error / (math.sqrt(hist.GetNbinsX()) * deviation)


def crossing(hist, share):
    for number in range(1, hist.GetNbinsX() - 1):
        if hist.GetBinContent(number) <= share < hist.GetBinContent(number + 1):
            return number
    return 0


def error_of(hist, number):
    content, error = hist.GetBinContent(number), hist.GetBinError(number)
    return error if error < content else content / math.sqrt(content * hist.GetEntries() / (2 * hist.GetNbinsX()))


def energy(hist, share, number):
    low, high = hist.GetBinContent(number), hist.GetBinContent(number + 1)
    x_low, x_high = hist.GetBinCenter(number), hist.GetBinCenter(number + 1)
    errors = error_of(hist, number), error_of(hist, number + 1)
    if errors[0] / low > 0.2 or errors[1] / high > 0.2:
        return None
    below, above, run = (high - share) / (high - low), (share - low) / (high - low), (x_high - x_low) / (high - low)
    widths = (hist.GetBinWidth(number) / math.sqrt(12), hist.GetBinWidth(number + 1) / math.sqrt(12))
    squares = (below * widths[0]) ** 2 + (above * widths[1]) ** 2
    squares += (run * below * errors[0]) ** 2 + (run * above * errors[1]) ** 2
    return round(below * x_low + above * x_high, 2), round(math.sqrt(squares), 2)


def point(hist, share):
    number = crossing(hist, share)
    return energy(hist, share, number) if number else None


def width(hist, _=None):
    at_20, at_80 = crossing(hist, 0.2), crossing(hist, 0.8)
    if at_20 == 0 or at_20 >= at_80:
        return None
    low, high = energy(hist, 0.2, at_20), energy(hist, 0.8, at_80)
    if not low or not high or low[0] == 0 or high[0] == 0:
        return None
    return high[0] - low[0], math.sqrt(low[1] ** 2 + high[1] ** 2)


def plateau(hist, _):
    middle, wide = point(hist, 0.5), width(hist)
    if not middle or not wide or middle[0] == 0 or wide[0] == 0:
        return None
    begin = middle[0] + 2 * wide[0]
    for number in range(1, hist.GetNbinsX()):
        if hist.GetBinCenter(number) < begin <= hist.GetBinCenter(number + 1):
            return mean_from(hist, number + 1)
    return None


def unsaturated(hist, _):
    start = last = 0
    for number in range(1, hist.GetNbinsX() - 1):
        content = hist.GetBinContent(number)
        if not start and content == 0 and hist.GetBinContent(number + 1) > 0:
            start = number
        if content not in (0, 1):
            last = number
    low, high = hist.GetBinCenter(start), hist.GetBinCenter(last)
    return ((high + low) / 2, (high - low) / 2) if last else None


RECIPES = {
    "EffMean": lambda hist, _: mean_from(hist, 1),
    "EffVariance": spread,
    "TurnOnCurveEffPoint": point,
    "TurnOnCurveHalfWidth": width,
    "TurnOnPlateauEff": plateau,
    "TurnOnCurveRange": unsaturated,
}


def answer(name, hist, arguments):
    """As of a fit: is there a value, value, error, no χ², no status."""
    try:
        told = RECIPES[name](hist, *(arguments or [None]))
    except (ZeroDivisionError, ValueError):  # where the predecessor raised, and had no point
        told = None
    return [told is not None, *(told or (0.0, 0.0)), None, None]
