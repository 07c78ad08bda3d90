"""Fits of curves: the predecessor's ``fits`` family. Known by name; computed in a later version."""

from dataclasses import dataclass
from typing import ClassVar

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Histogram, Measurement, Reason
from hdqm_ops.reduce._registry import metric


@dataclass(frozen=True, slots=True)
class _Fit:
    """What all fits share."""

    desired: int

    available: ClassVar[bool] = False

    def __call__(self, hist: Histogram) -> Measurement:
        raise NotReducible(Reason.METRIC_NOT_AVAILABLE, f"{type(self).__name__} of {hist.name}")


@metric
@dataclass(frozen=True, slots=True)
class Landau(_Fit):
    """Fit of a Landau distribution in a range."""

    min: float
    max: float
    defaults: tuple[float, ...]


@metric
@dataclass(frozen=True, slots=True)
class LandauAroundMax(_Fit):
    """Fit of a Landau distribution around the highest bin."""

    lowFrac: float
    highFrac: float
    hLimit: float

    ignored_arguments: ClassVar[int] = 1


@metric
@dataclass(frozen=True, slots=True)
class FlatLine(_Fit):
    """Fit of a constant in a range."""

    min: float
    max: float
    default: float


@metric
@dataclass(frozen=True, slots=True)
class LandauTest(_Fit):
    """Fit of a Landau distribution in a range that depends on the run."""

    min1: float
    max1: float
    min2: float
    max2: float
    turnRun: int
    defaults: tuple[float, ...]


@metric
@dataclass(frozen=True, slots=True)
class LandauAroundMaxBin(_Fit):
    """Fit of a Landau distribution within a distance of the highest bin."""

    width: float


@metric
@dataclass(frozen=True, slots=True)
class GauLand(_Fit):
    """Fit of a Landau distribution and a Gaussian in a range."""

    min: float
    max: float
    defaults: tuple[float, ...]


@metric
@dataclass(frozen=True, slots=True)
class Gaussian(_Fit):
    """Fit of a Gaussian in a range."""

    min: float
    max: float
    defaults: tuple[float, ...]


@metric
@dataclass(frozen=True, slots=True)
class FlatLineXcut(_Fit):
    """Fit of a constant below the last filled bins."""

    min: float
    max: float
    default: float


@metric
@dataclass(frozen=True, slots=True)
class LanGau(_Fit):
    """Fit of a Landau distribution smeared with a Gaussian."""

    min: float
    max: float
    control: float
    defaults: tuple[float, ...]
