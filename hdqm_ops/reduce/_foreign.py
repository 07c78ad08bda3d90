"""Metrics of others: modules that settings or entry points name, in our style or in the predecessor's.

The predecessor's style is a class with ``calculate(self, histo)`` that returns value and error::

    from basic import BaseMetric

    class Mean(BaseMetric):
        def calculate(self, histo):
            return histo.GetMean(), histo.GetMeanError()

In ``sampleMetrics.py`` it is ``sampleMetrics.Mean()`` in a .ini. It gets the histogram through ROOT's method names
(`hdqm_ops.reduce._root_view`), a new object for each call, and what it asks for by ``setOptionalHisto1``,
``setOptionalHisto2``, ``setReference`` and ``setThreshold``.
"""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, ClassVar

from hdqm_ops.errors import ConfigError
from hdqm_ops.model import Histogram, Measurement
from hdqm_ops.reduce._registry import METRICS, register
from hdqm_ops.reduce._root_view import HistogramView

__all__ = ["ENTRY_POINTS", "BaseMetric", "load_modules"]

ENTRY_POINTS = "hdqm.metrics"

_SETTERS: Mapping[str, str] = MappingProxyType(
    {"histo1": "setOptionalHisto1", "histo2": "setOptionalHisto2", "reference": "setReference"}
)


class BaseMetric:
    """The predecessor's base class, as far as a metric can see it."""

    # ruff: noqa: N802 - the names are the predecessor's
    _reference: Any = None
    _histo1: Any = None
    _histo2: Any = None
    _run: int = 0
    _threshold: float = 1

    def setReference(self, reference: Any) -> None:
        """The reference element."""
        self._reference = reference

    def setOptionalHisto1(self, histo1: Any) -> None:
        """The second element."""
        self._histo1 = histo1

    def setOptionalHisto2(self, histo2: Any) -> None:
        """The third element."""
        self._histo2 = histo2

    def setThreshold(self, threshold: float) -> None:
        """The entries that the section asks for."""
        self._threshold = threshold

    def setRun(self, run: int) -> None:
        """The run; it was never told, and is not here either."""
        self._run = run

    def setCache(self, cache: Any) -> None:
        """Nothing: results are kept by the database."""

    def setCacheLocation(self, *location: Any) -> None:
        """Nothing: results are kept by the database."""

    def calculate(self, histo: Any) -> tuple[float, float]:
        """Value and error."""
        raise NotImplementedError(f"{type(self).__name__} must define calculate(self, histo)")


@dataclass(frozen=True, slots=True)
class _Argument:
    """A constructor argument, in the shape of a dataclass field."""

    name: str
    type: Any
    default: Any


class _Adapter:
    """A class in the predecessor's style in the shape of ours: what `adapted` derives one class from for each."""

    foreign: ClassVar[Callable[..., Any]]
    call_fields: ClassVar[tuple[_Argument, ...]] = ()
    keeps_lists: ClassVar[bool] = True
    needs_what_is_configured: ClassVar[bool] = True

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments
        self._threshold: int | None = None

    def with_threshold(self, threshold: int) -> "_Adapter":
        """The same metric for a section with a threshold."""
        other = type(self)(*self._arguments)
        other._threshold = threshold  # noqa: SLF001 - its own class
        return other

    def __call__(
        self,
        hist: Histogram,
        histo1: Histogram | None = None,
        histo2: Histogram | None = None,
        reference: Histogram | None = None,
    ) -> Measurement:
        metric = type(self).foreign(*self._arguments)
        others = {"histo1": histo1, "histo2": histo2, "reference": reference}
        for role, other in others.items():
            if other is not None:
                _tell(metric, _SETTERS[role], HistogramView(other))
        if self._threshold is not None:
            _tell(metric, "setThreshold", self._threshold)
        return _as_measurement(metric.calculate(HistogramView(hist)))


def _tell(metric: Any, setter: str, what: Any) -> None:
    method = getattr(metric, setter, None)
    if method is not None:
        method(what)


def _as_measurement(answer: Any) -> Measurement:
    value, error = answer
    if isinstance(error, tuple):
        low, high = map(float, error)
        return Measurement(float(value), (low + high) / 2, low, high)
    return Measurement(float(value), float(error))


def adapted(name: str, cls: type) -> type:
    """``cls`` in our shape, with its constructor arguments as they are named."""
    try:
        parameters = list(inspect.signature(cls).parameters.values())
    except ValueError:  # a constructor without a signature
        parameters = []
    if any(one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD) for one in parameters):
        raise ConfigError(f"{name}: its constructor must name its arguments, without * or **")
    arguments = tuple(
        _Argument(one.name, Any, MISSING if one.default is one.empty else one.default) for one in parameters
    )
    doc = inspect.cleandoc(cls.__doc__) if cls.__doc__ else f"{cls.__name__} of {cls.__module__}, not documented."
    body = {"__doc__": doc, "foreign": staticmethod(cls), "call_fields": arguments, "__module__": cls.__module__}
    return type(cls.__name__, (_Adapter,), body)


# -- loading -----------------------------------------------------------------------------------------------------------


def load_modules(names: Iterable[str]) -> None:
    """Import modules by name or by path, and those of entry points; register the metrics that they define.

    Raises:
        ConfigError: A module cannot be imported, or defines no metric; the message says why.
    """
    for name in names:
        _register_all(name, _imported(name))
    for point in entry_points(group=ENTRY_POINTS):
        with _predecessors_names():
            _register_all(point.value, importlib.import_module(point.module))


def _imported(name: str) -> ModuleType:
    try:
        with _predecessors_names():
            return _from_file(Path(name)) if name.endswith(".py") else importlib.import_module(name)
    except ImportError as error:
        cure = "metrics here get histograms without ROOT" if error.name == "ROOT" else "HDQM_METRICS names it"
        raise ConfigError(f"the module {name} of metrics cannot be imported: {error}; {cure}") from error
    except Exception as error:
        raise ConfigError(f"the module {name} of metrics raised {type(error).__name__}: {error}") from error


def _from_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


@contextmanager
def _predecessors_names() -> Iterator[None]:
    """Let ``from basic import BaseMetric`` find its base class while a module is imported, and only then."""
    basic = ModuleType("basic")
    basic.BaseMetric = BaseMetric  # type: ignore[attr-defined]  # a module made by hand
    before = sys.modules.get("basic")
    sys.modules["basic"] = basic
    try:
        yield
    finally:
        if before is None:
            del sys.modules["basic"]
        else:
            sys.modules["basic"] = before


def _register_all(source: str, module: ModuleType) -> None:
    family = module.__name__.rpartition(".")[2]
    found = 0
    for cls in vars(module).values():
        if not (isinstance(cls, type) and cls.__module__ == module.__name__):
            continue
        name = f"{family}.{cls.__name__}"
        if name in METRICS:
            found += 1  # in our style: it registered itself
        elif callable(getattr(cls, "calculate", None)):
            register(name, adapted(name, cls))
            found += 1
    if not found:
        raise ConfigError(f"{source} defines no metric: no class with @metric or calculate(self, histo)")
