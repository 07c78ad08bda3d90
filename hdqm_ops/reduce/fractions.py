"""Shares of the content, with intervals that know that a share lies between 0 and 1."""

from dataclasses import dataclass

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Histogram, Measurement, Reason
from hdqm_ops.reduce import _statistics as root
from hdqm_ops.reduce._efficiency import clopper_pearson
from hdqm_ops.reduce._registry import metric


@metric
@dataclass(frozen=True, slots=True)
class FractionInRange:
    """Share of the content in range that lies between two places along x.

    Attributes:
        low: lower end; a bin counts by its centre.
        high: upper end.

    Value: k / N, N = all bins in range.
    Error: exact binomial (Clopper-Pearson) interval of 68.3 %, to both sides; ``error`` is their mean.
        Weighted histograms count with their effective entries.
    Gaps: histogram_empty; wrong_class for maps; out_of_range where the share is not between 0 and 1.
    Example: fractions.FractionInRange(-2.5, 2.5)
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"low must be below high, not {self.low!r} and {self.high!r}")

    def __call__(self, hist: Histogram) -> Measurement:
        centers = root.one_dimensional(hist).axes[0].centers()[1:-1]
        cells, errors = root.per_bin(hist, root.contents(hist)), root.per_bin(hist, root.errors(hist))
        total, variance = float(cells.sum()), float((errors**2).sum())
        if total == 0 or variance == 0:
            raise NotReducible(Reason.HISTOGRAM_EMPTY, f"{hist.name}: the bins sum to 0")
        entries = total**2 / variance
        share = float(cells[(centers >= self.low) & (centers <= self.high)].sum()) / total
        return clopper_pearson(share * entries, entries)


@metric
@dataclass(frozen=True, slots=True)
class Asymmetry:
    """Asymmetry of the contents of two elements, as of plus and minus side.

    Value: A = (a - b) / (a + b), a and b being the sums of all bins in range of the element and of histo1.
    Error: 2 · √(b² σa² + a² σb²) / (a + b)².
    Gaps: no_denominator where both are empty.
    Example: fractions.Asymmetry()
    """

    def __call__(self, hist: Histogram, histo1: Histogram) -> Measurement:
        a, b = root.sum_of_weights(hist), root.sum_of_weights(histo1)
        variance_a, variance_b = _variance(hist), _variance(histo1)
        value = root.ratio(a - b, a + b, "the sum of both")
        return Measurement(value, 2 * root.square_root(b * b * variance_a + a * a * variance_b) / (a + b) ** 2)


def _variance(hist: Histogram) -> float:
    return float((root.per_bin(hist, root.errors(hist)) ** 2).sum())


@metric
@dataclass(frozen=True, slots=True)
class LabelledBinCount:
    """Content of the bin with a label along x; a label that no bin has gives a gap.

    Attributes:
        label: the label.

    Value: c.
    Error: error of the bin.
    Gaps: not_applicable where no bin has the label.
    Example: fractions.LabelledBinCount('passed')
    """

    label: str

    def __call__(self, hist: Histogram) -> Measurement:
        number = _bin_of(hist, self.label)
        return Measurement(root.content(hist, number), root.error(hist, number))


@metric
@dataclass(frozen=True, slots=True)
class LabelledBinFraction:
    """Share of the bin with one label in that with another; a label that no bin has gives a gap.

    Attributes:
        label: label of the bin above the line.
        of: label of the bin below it.

    Value: k / N.
    Error: exact binomial (Clopper-Pearson) interval of 68.3 %, to both sides; ``error`` is their mean.
    Gaps: not_applicable where no bin has a label; no_denominator; out_of_range where the share is above 1.
    Example: fractions.LabelledBinFraction('passed', 'all')
    """

    label: str
    of: str

    def __call__(self, hist: Histogram) -> Measurement:
        passed, total = (root.content(hist, _bin_of(hist, label)) for label in (self.label, self.of))
        return clopper_pearson(passed, total)


def _bin_of(hist: Histogram, label: str) -> int:
    number = hist.axes[0].find_label(label)
    if number is None:
        raise NotReducible(Reason.NOT_APPLICABLE, f"no bin of {hist.name} is labelled {label!r}")
    return number
