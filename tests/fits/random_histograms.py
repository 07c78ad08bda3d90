"""Histograms of every shape that real data show: few entries, empty flanks, spikes, two peaks, constants, negatives."""

import numpy as np

from hdqm_ops.model import Axis, Histogram


def landau_sample(rng, place, width, n):
    """Landau deviates by inversion of a table of the density."""
    from hdqm_ops.reduce._landau import density

    x = np.concatenate([np.linspace(-5, 20, 5001), np.geomspace(20.01, 5000, 3000)])
    cumulative = np.concatenate(([0], np.cumsum((density(x)[1:] + density(x)[:-1]) / 2 * np.diff(x))))
    return place + width * np.interp(rng.random(n) * cumulative[-1], cumulative, x)


def filled(rng, n, low, high, sample):
    """A TH1F of a sample."""
    cells = np.zeros(n + 2)
    cells[1:-1] = np.histogram(sample, bins=n, range=(low, high))[0]
    cells[0], cells[-1] = (sample < low).sum(), (sample >= high).sum()
    return made(n, low, high, cells.astype(np.float32))


def made(n, low, high, cells, sumw2=None):
    """A histogram of given cells."""
    if sumw2 is not None:
        sumw2 = (np.round(np.sqrt(sumw2) * 2**16) / 2**16) ** 2  # errors that both sides can square without rounding
    name = "TH1F" if cells.dtype == np.float32 else "TH1D"
    inside = cells[1:-1].astype(np.float64)
    centers = low + (np.arange(n) + 0.5) * (high - low) / n
    sums = (inside.sum(), inside.sum(), inside @ centers, inside @ centers**2)
    entries = float(np.abs(cells).sum())
    return Histogram(name, "random", (Axis(n, low, high),), cells, entries, tuple(map(float, sums)), sumw2)


def landau_peak(rng):
    high = rng.choice([80.0, 150.0, 700.0, 80000.0])
    place, n = rng.uniform(0.15, 0.6) * high, int(rng.integers(40, 250))
    return filled(
        rng, n, 0.0, high, landau_sample(rng, place, rng.uniform(0.03, 0.15) * place, int(10 ** rng.uniform(2.3, 4.5)))
    )


def few_entries(rng):
    high = rng.choice([80.0, 700.0])
    place = rng.uniform(0.2, 0.6) * high
    return filled(
        rng, int(rng.integers(20, 200)), 0.0, high, landau_sample(rng, place, 0.1 * place, int(rng.integers(5, 200)))
    )


def gaussian_peak(rng):
    high = rng.choice([20.0, 100.0, 700.0])
    return filled(
        rng,
        int(rng.integers(20, 200)),
        0.0,
        high,
        rng.normal(rng.uniform(0.3, 0.7) * high, rng.uniform(0.02, 0.15) * high, int(10 ** rng.uniform(2, 4.5))),
    )


def two_peaks(rng):
    high = rng.choice([100.0, 700.0])
    a, b = sorted(rng.uniform(0.15, 0.85, 2) * high)
    n = rng.integers(100, 4000, 2)
    return filled(
        rng,
        int(rng.integers(40, 200)),
        0.0,
        high,
        np.concatenate([rng.normal(a, 0.05 * high, n[0]), landau_sample(rng, b, 0.04 * high, n[1])]),
    )


def empty_flanks(rng):
    high = rng.choice([80.0, 700.0])
    place = rng.uniform(0.3, 0.6) * high
    sample = landau_sample(rng, place, 0.06 * place, int(rng.integers(300, 5000)))
    return filled(rng, int(rng.integers(40, 200)), 0.0, high, sample[(sample > 0.8 * place) & (sample < 1.5 * place)])


def spikes(rng):
    hist = landau_peak(rng)
    cells = hist.cells.copy()
    for place in rng.integers(1, len(cells) - 1, int(rng.integers(1, 4))):
        cells[place] += rng.integers(1, 5) * cells.max()
    return made(hist.axes[0].n, hist.axes[0].low, hist.axes[0].high, cells)


def constant(rng):
    n = int(rng.integers(10, 200))
    cells = np.full(n + 2, float(rng.choice([1, 3, 50, 1000])), dtype=np.float32)
    if rng.random() < 0.7:
        cells = rng.poisson(cells).astype(np.float32)
    return made(n, 0.0, float(rng.choice([30.0, 200.0, 700.0])), cells)


def negative(rng):
    n = int(rng.integers(10, 100))
    return made(n, 0.0, 100.0, -rng.gamma(2, 20, n + 2))


def weighted(rng):
    n, low, high = int(rng.integers(20, 150)), 0.0, float(rng.choice([100.0, 700.0]))
    x = landau_sample(rng, 0.35 * high, 0.05 * high, int(rng.integers(200, 5000)))
    w = rng.uniform(0.2, 3, len(x))
    cells, sumw2 = np.zeros(n + 2), np.zeros(n + 2)
    cells[1:-1] = np.histogram(x, bins=n, range=(low, high), weights=w)[0]
    sumw2[1:-1] = np.histogram(x, bins=n, range=(low, high), weights=w * w)[0]
    return made(n, low, high, cells, sumw2)


def with_errors(rng):
    n = int(rng.integers(10, 100))
    x = np.linspace(-2, 2, n + 2)
    cells = rng.uniform(1, 5) + rng.uniform(-1, 1) * x + rng.normal(0, 0.2, n + 2)
    return made(n, -3.0, 3.0, cells, rng.uniform(0.1, 0.4, n + 2) ** 2)


def falling(rng):
    high = rng.choice([20.0, 300.0])
    return filled(
        rng,
        int(rng.integers(20, 150)),
        0.0,
        high,
        rng.exponential(rng.uniform(0.1, 0.6) * high, int(rng.integers(100, 8000))),
    )


SHAPES = (
    landau_peak,
    few_entries,
    gaussian_peak,
    two_peaks,
    empty_flanks,
    spikes,
    constant,
    negative,
    weighted,
    with_errors,
    falling,
)
SHARES = (0.3, 0.1, 0.1, 0.1, 0.08, 0.08, 0.06, 0.04, 0.06, 0.04, 0.04)


def random_histograms(number, seed):
    """``number`` histograms, each with the name of its shape."""
    rng = np.random.default_rng(seed)
    for _ in range(number):
        shape = rng.choice(len(SHAPES), p=SHARES)
        yield SHAPES[shape].__name__, SHAPES[shape](rng)


def random_calls(rng, hist):
    """One call of each fit, with ranges and start values that suit the histogram more or less."""
    axis = hist.axes[0]
    span = axis.high - axis.low
    highest = float(axis.centers()[1 + int(np.argmax(hist.cells[1:-1]))])
    low, high = highest - rng.uniform(0.03, 0.3) * span, highest + rng.uniform(0.05, 0.4) * span
    place, width = highest + rng.normal(0, 0.03) * span, rng.uniform(0.02, 0.12) * span
    top = float(hist.cells.max())
    desired = int(rng.integers(0, 2))
    calls = {
        "Landau": (desired, low, high, (place, width)),
        "LandauAroundMax": (desired, rng.uniform(0.6, 0.9), rng.uniform(1.2, 1.6), 1e9),
        "LandauTest": (desired, low, high, low, high, 100, (place / 1.58, width / 1.58, top)),
        "LandauAroundMaxBin": (desired, rng.uniform(0.05, 0.4) * span),
        "GauLand": (desired, low, high, (place, width, top, width * rng.uniform(0.5, 2), top)),
        "Gaussian": (desired, low, high, (place, width, top)),
        "FlatLine": (0, low, high, 0.0),
        "FlatLineXcut": (0, low, high, 1.0),
        "LanGau": (desired, low, high, 0.3 * width, (width / 2, place, float(hist.cells.sum()), width / 2)),
    }
    return calls | {"LandauAroundHighestBin": (desired + 1, calls["LandauAroundMaxBin"][1])}


def turn_on(rng):
    """An efficiency with binomial errors: mostly a turn-on curve, else another shape as shares of its maximum."""
    if rng.random() < 0.2:
        hist = SHAPES[rng.choice(len(SHAPES), p=SHARES)](rng)
        cells = np.abs(hist.cells.astype(np.float64)) / max(float(np.abs(hist.cells).max()), 1.0)
        probed = np.full(len(cells), float(rng.integers(5, 500)))
        return efficiency(hist.axes[0].n, hist.axes[0].low, hist.axes[0].high, cells, probed)
    n, high = int(rng.integers(10, 120)), float(rng.choice([60.0, 100.0, 300.0]))
    x = (np.arange(-1, n + 1) + 0.5) * high / n
    probed = rng.poisson(10 ** rng.uniform(0.5, 3.5) * np.exp(-x / high * rng.uniform(0, 3)))
    rise = np.tanh((x - rng.uniform(0.1, 0.8) * high) / (rng.uniform(0.01, 0.2) * high))
    passed = rng.binomial(probed, np.clip(rng.uniform(0.5, 1) * (1 + rise) / 2, 0, 1))
    return efficiency(n, 0.0, high, passed / np.maximum(probed, 1), probed)


def efficiency(n, low, high, share, probed):
    """A histogram of shares with the errors that ``TH1::Divide`` gives with option B, some never 0 as after fits."""
    least = 0.25 * (len(share) % 3 > 0) / np.maximum(probed, 1)
    return made(n, low, high, share.astype(np.float64), (share * (1 - share) + least) / np.maximum(probed, 1))


def random_turn_ons(number, seed):
    """``number`` efficiencies, each with the name of its shape."""
    rng = np.random.default_rng(seed)
    for _ in range(number):
        yield "turn_on", turn_on(rng)


def turn_on_calls(rng):
    """One call of each metric of turn-on curves."""
    share = float(rng.choice([0.2, 0.5, 0.8, round(rng.uniform(0, 1), 2)]))
    names = ("EffMean", "EffVariance", "TurnOnCurveHalfWidth", "TurnOnPlateauEff", "TurnOnCurveRange")
    return {"TurnOnCurveEffPoint": (share,)} | dict.fromkeys(names, ())
