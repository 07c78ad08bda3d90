"""The registry of metrics: classes under the names that a .ini uses, and what a configuration must know of them."""

import dataclasses
import functools
import inspect
import math
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from hdqm_ops.errors import ConfigError
from hdqm_ops.model import Measurement, MetricCall, MetricInfo, Parameter, Role

__all__ = ["METRICS", "Metric", "build", "catalogue", "documentation", "metric"]

Metric: TypeAlias = Callable[..., Measurement]
C = TypeVar("C", bound=type)

_metrics: dict[str, type] = {}
METRICS: Mapping[str, type] = MappingProxyType(_metrics)

_ROLES: tuple[Role, ...] = ("histo1", "histo2", "reference")

# What has to be done before the registry is complete: modules of others are loaded when somebody first asks.
pending: list[Callable[[], None]] = []


def _complete() -> None:
    while pending:
        pending.pop()()


def metric(cls: C) -> C:
    """Register ``cls`` as ``<module>.<Class>``, the name a .ini uses.

    A class may say more of itself by class variables: ``version`` (raised when its numbers change), ``available``,
    ``ignored_arguments``, ``inputs_for(arguments)`` (where the inputs depend on the arguments),
    ``always_zero(arguments)`` (why a call can never see anything) and
    ``reduce_many(metrics, inputs)`` (all its trends at once, see `Reducer`).
    """
    return register(f"{cls.__module__.rpartition('.')[2]}.{cls.__name__}", cls)


def register(name: str, cls: C) -> C:
    """Register ``cls`` under a name of its own: what `metric` does for ours, and what adapters of others need."""
    if name in _metrics:
        raise RuntimeError(f"two metrics are named {name}: {_metrics[name]!r} and {cls!r}")
    _input_names(name, cls)
    _metrics[name] = cls
    catalogue.cache_clear()
    return cls


# -- what a configuration needs to know --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _ClassInfo(MetricInfo):
    """What the class itself says: inputs may depend on arguments, and arguments may make no sense together."""

    cls: type | None = dataclasses.field(default=None, compare=False)

    def inputs_for(self, arguments: tuple[Any, ...]) -> tuple[Role, ...]:
        """The histograms that are needed beside the main one when called with ``arguments``."""
        depends = getattr(self.cls, "inputs_for", None)
        return self.inputs if depends is None else depends(arguments)

    def always_zero(self, arguments: tuple[Any, ...]) -> str | None:
        """Why a call with ``arguments`` can never see anything, None where it can."""
        says = getattr(self.cls, "always_zero", None)
        return None if says is None else says(arguments)

    def problem_with(self, arguments: tuple[Any, ...]) -> str | None:
        """What is wrong with ``arguments``, in words; None where nothing is."""
        try:
            build(MetricCall(self.name, arguments))
        except ConfigError as error:
            return str(error)
        return None


@functools.lru_cache(maxsize=1)
def catalogue() -> Mapping[str, MetricInfo]:
    """What a configuration needs to know of every metric, by name.

    Raises:
        ConfigError: A module of metrics of others cannot be loaded.
    """
    _complete()
    return MappingProxyType({name: _info(name, cls) for name, cls in _metrics.items()})


def _info(name: str, cls: type) -> MetricInfo:
    inputs, optional = _input_names(name, cls)
    return _ClassInfo(
        name=name,
        version=getattr(cls, "version", 1),
        parameters=tuple(_parameter(field) for field in _fields(cls)),
        inputs=inputs,
        optional_inputs=optional,
        summary=documentation(cls).partition("\n")[0],
        ignored_arguments=getattr(cls, "ignored_arguments", 0),
        available=getattr(cls, "available", True),
        cls=cls,
    )


def documentation(cls: type) -> str:
    """The docstring of a metric, without indentation."""
    return inspect.cleandoc(cls.__doc__ or "")


def _fields(cls: type) -> tuple[dataclasses.Field[Any], ...]:
    if dataclasses.is_dataclass(cls):
        return dataclasses.fields(cls)
    return getattr(cls, "call_fields", ())


def _input_names(name: str, cls: type) -> tuple[tuple[Role, ...], tuple[Role, ...]]:
    """Needed and optional inputs: the signature of ``__call__`` is the input schema."""
    parameters = list(inspect.signature(cls.__call__).parameters.values())[1:]
    if not parameters or parameters[0].name != "hist":
        raise TypeError(f"{name}: the first argument of __call__ must be named hist")
    strangers = [one.name for one in parameters[1:] if one.name not in _ROLES]
    if strangers:
        raise TypeError(f"{name}: __call__ asks for {strangers}; the inputs beside hist are named {list(_ROLES)}")
    needed = {one.name for one in parameters[1:] if one.default is one.empty}
    optional = {one.name for one in parameters[1:]} - needed
    return tuple(role for role in _ROLES if role in needed), tuple(role for role in _ROLES if role in optional)


def _parameter(field: dataclasses.Field[Any]) -> Parameter:
    optional = field.default is not dataclasses.MISSING
    return Parameter(field.name, tuple(dict.fromkeys(_python_types(field.type))), optional)


def _python_types(annotation: Any) -> tuple[type, ...]:
    if isinstance(annotation, types.UnionType):
        return tuple(one for part in typing.get_args(annotation) for one in _python_types(part))
    origin = typing.get_origin(annotation) or annotation
    anything = (int, float, str, bool, tuple, list)
    widened: dict[Any, tuple[type, ...]] = {float: (float, int), tuple: (tuple, list), Any: anything}
    return widened.get(origin) or (origin,)


# -- from a call to an instance ----------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=65536)
def _built(name: str, text: str, call: "_Call") -> Metric:
    """Build once for equal calls; the text keeps 1, 1.0 and True apart, which are equal to a cache."""
    del text
    cls = _metrics[name]
    fields = _fields(cls)
    arguments = call.arguments[: len(fields)] if _ignorable(cls, call, fields) else call.arguments
    _check_number(name, fields, len(arguments))
    for field, value in zip(fields, arguments, strict=False):
        if not _accepts(field.type, value):
            raise ConfigError(f"{name}: {field.name} must be {_in_words(field.type)}, not {value!r}")
    try:
        keeps_lists = getattr(cls, "keeps_lists", False)
        return typing.cast("Metric", cls(*(arguments if keeps_lists else map(_frozen, arguments))))
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Call:
    """Arguments as they came, lists among them, carried past the cache's key."""

    arguments: tuple[Any, ...] = dataclasses.field(compare=False)


def build(call: MetricCall) -> Metric:
    """The metric that ``call`` names, with its arguments.

    Raises:
        ConfigError: No metric has that name, or it does not take such arguments; says what helps.
    """
    _complete()
    if call.name not in _metrics:
        near = get_close_matches(call.name, _metrics, n=1)
        hint = f"; did you mean {near[0]}?" if near else "; docs/metrics.md lists them"
        raise ConfigError(f"no metric named {call.name!r}{hint}")
    return _built(call.name, repr(call.arguments), _Call(call.arguments))


def _ignorable(cls: type, call: "_Call", fields: tuple[dataclasses.Field[Any], ...]) -> bool:
    surplus = len(call.arguments) - len(fields)
    return 0 < surplus <= getattr(cls, "ignored_arguments", 0)


def _check_number(name: str, fields: tuple[dataclasses.Field[Any], ...], given: int) -> None:
    least = sum(field.default is dataclasses.MISSING for field in fields)
    if not least <= given <= len(fields):
        wanted = str(least) if least == len(fields) else f"{least} to {len(fields)}"
        names = ", ".join(field.name for field in fields)
        raise ConfigError(f"{name}: takes {wanted} arguments ({names}), not {given}")


def _accepts(annotation: Any, value: Any) -> bool:
    """Is ``value`` of the annotated type? An int is a float, a bool is neither, a list is a tuple."""
    if annotation is Any:
        return True
    if isinstance(annotation, types.UnionType):
        return any(_accepts(part, value) for part in typing.get_args(annotation))
    if typing.get_origin(annotation) is tuple:
        return isinstance(value, (tuple, list)) and _accepts_items(typing.get_args(annotation), value)
    if isinstance(value, bool):
        return annotation is bool
    if annotation is float:
        return isinstance(value, (int, float)) and math.isfinite(value)
    return isinstance(value, annotation)


def _accepts_items(annotations: tuple[Any, ...], values: tuple[Any, ...] | list[Any]) -> bool:
    if len(annotations) == 2 and annotations[1] is ...:
        annotations = (annotations[0],) * len(values)
    return len(annotations) == len(values) and all(map(_accepts, annotations, values))


def _in_words(annotation: Any) -> str:
    text = annotation.__name__ if isinstance(annotation, type) and not typing.get_args(annotation) else str(annotation)
    return re.sub(r"\btypes\.|\bNoneType\b", lambda found: "None" if found[0] == "NoneType" else "", text)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
