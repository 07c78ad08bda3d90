"""Metric expressions: ``fits.Landau(0, 15., 25., (20., 2.))`` → MetricCall. Text is read, never run."""

import ast
import math
import warnings
from typing import Any

from hdqm_ops.config._problems import quoted, shortened
from hdqm_ops.errors import ConfigError
from hdqm_ops.model import MetricCall, MetricInfo, Parameter

__all__ = ["check_arguments", "parse_metric"]

# The longest of 3005 expressions of the predecessor has 58 characters. A limit keeps hostile nesting shallow.
_MAX_LENGTH = 2000
_SCALARS = (bool, int, float, str)


def parse_metric(text: str) -> MetricCall:
    """Read ``family.Metric(literal, …)`` without running it.

    Literals are numbers, strings, booleans, and lists and tuples of them.

    Raises:
        ConfigError: the text is anything else; the message says what was found.
    """
    if len(text) > _MAX_LENGTH:
        raise ConfigError(f"a metric of {len(text)} characters; more than {_MAX_LENGTH} are not read")
    match _syntax_tree(text):
        case ast.Call(func=ast.Attribute(value=ast.Name(family), attr=name), args=arguments, keywords=[]):
            return MetricCall(f"{family}.{name}", tuple(_literal(node, text) for node in arguments))
        case ast.Call(func=ast.Attribute(value=ast.Name(family), attr=name)):
            raise ConfigError(f"{family}.{name} takes arguments by position only, without names: {quoted(text)}")
    raise ConfigError(f"expected family.Metric(literal, …), as basic.Mean(), found {quoted(text)}")


def _syntax_tree(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's advice on style, as for "\d", is not for our users
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        found = error.msg if isinstance(error, SyntaxError) else "not readable"
        raise ConfigError(f"expected family.Metric(literal, …), found {quoted(text)} ({found})") from None


def _literal(node: ast.expr, text: str) -> Any:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise ConfigError(
            f"arguments are numbers, texts, True, False, lists and tuples of them; "
            f"found {quoted(ast.get_source_segment(text.strip(), node) or text)}"
        ) from None
    _check_type(value)
    return value


def _check_type(value: Any) -> None:
    if isinstance(value, (list, tuple)):
        for item in value:
            _check_type(item)
    elif not isinstance(value, _SCALARS):
        raise ConfigError(f"an argument of type {type(value).__name__} has no meaning: {shortened(repr(value))}")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError("an argument is infinite")


def check_arguments(info: MetricInfo, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments that the metric takes: extra ones are dropped where old configurations have them.

    Raises:
        ConfigError: number or type of the arguments is wrong.
    """
    most, least = len(info.parameters), sum(not parameter.optional for parameter in info.parameters)
    if most < len(arguments) <= most + info.ignored_arguments:
        arguments = arguments[:most]
    if not least <= len(arguments) <= most:
        raise ConfigError(f"{_signature(info)} takes {_count(least, most)}, got {len(arguments)}")
    for number, (parameter, argument) in enumerate(zip(info.parameters, arguments, strict=False), start=1):
        if not _fits(argument, parameter.types):
            raise ConfigError(
                f"{_signature(info)}: argument {number} ({parameter.name}) is {_wanted(parameter)}, "
                f"got {type(argument).__name__} {shortened(repr(argument))}"
            )
    if problem := info.problem_with(arguments):
        raise ConfigError(problem)
    return arguments


def _fits(argument: Any, types: tuple[type, ...]) -> bool:
    # Exact types, because True would pass for an int; an int is a fine float.
    return type(argument) in types or (type(argument) is int and float in types)


def _signature(info: MetricInfo) -> str:
    names = (parameter.name if not parameter.optional else f"[{parameter.name}]" for parameter in info.parameters)
    return f"{info.name}({', '.join(names)})"


def _count(least: int, most: int) -> str:
    number = str(most) if least == most else f"{least} to {most}"
    return f"{number} argument{'' if most == 1 else 's'}"


def _wanted(parameter: Parameter) -> str:
    return " or ".join(kind.__name__ for kind in parameter.types)
