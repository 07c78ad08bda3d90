"""From monitor elements to outcomes: each trend gets its measurement, or the reason why there is none."""

import logging
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from hdqm_ops.errors import ConfigError, NotReducible
from hdqm_ops.model import (
    Alternative,
    ElementContent,
    ElementProblem,
    Histogram,
    Measurement,
    Outcome,
    Reason,
    Role,
    Trend,
)
from hdqm_ops.reduce._registry import METRICS, Metric, build, catalogue
from hdqm_ops.reduce._statistics import remembering

__all__ = ["Reducer", "evaluate"]

Elements: TypeAlias = Mapping[str, ElementContent]
Answer: TypeAlias = Measurement | NotReducible
ReduceMany: TypeAlias = Callable[[Sequence[Metric], Sequence[tuple[Histogram | None, ...]]], Sequence[Answer]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Input:
    """A histogram beside the main one: its role, where it may be found, and whether it must be there."""

    role: Role
    paths: tuple[str, ...]
    needed: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    """One alternative of a trend, ready to run."""

    alternative: int
    metric: Metric
    main: tuple[str, ...]
    others: tuple[_Input, ...]
    many: ReduceMany | None
    available: bool


@dataclass(frozen=True, slots=True)
class _Job:
    """A plan that met its histograms."""

    index: int
    plan: _Plan
    inputs: tuple[Histogram | None, ...]


class Reducer:
    """The trends of a configuration, compiled once and then applied to file after file.

    A metric class may define a class method ``reduce_many(metrics, inputs)``: it gets all its trends of a file at once
    and answers each with a measurement or a `NotReducible`. All others are called one by one.
    """

    def __init__(self, trends: Sequence[Trend]) -> None:
        """Compile ``trends``.

        Raises:
            ConfigError: A trend names no metric, or gives it arguments that it does not take.
        """
        self.trends = tuple(trends)
        self._plans = tuple(
            tuple(_compile(alternative, number) for number, alternative in enumerate(trend.alternatives))
            for trend in self.trends
        )

    def reduce(self, elements: Elements) -> list[Outcome]:
        """The outcome of each trend, in the order of the trends; one that fails does not touch another."""
        outcomes: dict[int, Outcome] = {}
        batches: defaultdict[ReduceMany | None, list[_Job]] = defaultdict(list)
        for index, plans in enumerate(self._plans):
            met = _meet(index, plans, elements)
            if isinstance(met, Outcome):
                outcomes[index] = met
            else:
                batches[met.plan.many].append(met)
        with remembering(), np.errstate(all="ignore"):
            for many, jobs in batches.items():
                self._run_batch(many, jobs, outcomes)
        return [outcomes[index] for index in range(len(self._plans))]

    def _run_batch(self, many: ReduceMany | None, jobs: list[_Job], outcomes: dict[int, Outcome]) -> None:
        answers: Sequence[Answer | Exception]
        try:
            answers = many([job.plan.metric for job in jobs], [job.inputs for job in jobs]) if many else _each(jobs)
        except Exception:
            log.exception("%s failed for all its trends at once; trying them one by one", many)
            answers = _each(jobs)
        for job, answer in zip(jobs, answers, strict=True):
            outcomes[job.index] = _outcome(job, answer, self.trends[job.index])


def evaluate(trend: Trend, elements: Elements) -> Outcome:
    """The outcome of one trend."""
    return Reducer([trend]).reduce(elements)[0]


# -- compiling ---------------------------------------------------------------------------------------------------------


def _compile(alternative: Alternative, number: int) -> _Plan:
    call = alternative.metric
    try:
        metric = build(call)
    except ConfigError as error:
        raise ConfigError(f"{alternative.place}: {error}" if alternative.place else str(error)) from error
    cls, info = METRICS[call.name], catalogue()[call.name]
    if alternative.threshold is not None and hasattr(metric, "with_threshold"):
        metric = metric.with_threshold(alternative.threshold)
    needed = set(info.inputs_for(call.arguments))
    if getattr(cls, "needs_what_is_configured", False):
        needed |= set(alternative.paths)
    others = tuple(
        _Input(role, alternative.paths.get(role, ()), role in needed) for role in (*info.inputs, *info.optional_inputs)
    )
    many = getattr(cls, "reduce_many", None)
    return _Plan(number, metric, alternative.paths["main"], others, many, info.available)


# -- a trend meets the elements of a file ------------------------------------------------------------------------------


def _meet(index: int, plans: tuple[_Plan, ...], elements: Elements) -> _Job | Outcome:
    """The first alternative whose main element the file has, with its histograms; or why there is none."""
    for plan in plans:
        path = _first_present(plan.main, elements)
        if path is not None:
            return _gather(index, plan, path, elements)
    return Outcome(Reason.ELEMENT_MISSING)


def _first_present(paths: tuple[str, ...], elements: Elements) -> str | None:
    for path in paths:
        if path in elements:
            return path
    return None


def _gather(index: int, plan: _Plan, path: str, elements: Elements) -> _Job | Outcome:
    main = elements[path]
    if not isinstance(main, Histogram):
        return _refused(plan, path, main, None)
    if not plan.available:
        return Outcome(Reason.METRIC_NOT_AVAILABLE, None, main.entries, plan.alternative)
    if not plan.others:
        return _Job(index, plan, (main,))
    inputs: list[Histogram | None] = [main]
    for other in plan.others:
        place = _first_present(other.paths, elements)
        content = None if place is None else elements[place]
        if place is None and other.needed:
            detail = f"{other.role}: {' or '.join(other.paths) or 'no path is configured'}"
            return Outcome(Reason.INPUT_MISSING, None, main.entries, plan.alternative, detail)
        if isinstance(content, Histogram) or content is None:
            inputs.append(content)
        else:
            return _refused(plan, place or "", content, main.entries)
    return _Job(index, plan, tuple(inputs))


def _refused(plan: _Plan, path: str, content: ElementContent, entries: float | None) -> Outcome:
    """An element that is there and is no histogram."""
    if isinstance(content, ElementProblem):
        return Outcome(content.reason, None, entries, plan.alternative, f"{path}: {content.detail}")
    return Outcome(Reason.WRONG_CLASS, None, entries, plan.alternative, f"{path} is no histogram")


# -- and its metric answers --------------------------------------------------------------------------------------------


def _each(jobs: list[_Job]) -> list[Answer | Exception]:
    return [_ask(job) for job in jobs]


def _ask(job: _Job) -> Answer | Exception:
    """What a metric says, or what it raised: a metric may be anybody's, so that anything may come."""
    try:
        return job.plan.metric(*job.inputs)
    except Exception as error:  # noqa: BLE001 - becomes an outcome with its reason
        return error


def _outcome(job: _Job, answer: Any, trend: Trend) -> Outcome:
    main, alternative = job.inputs[0], job.plan.alternative
    assert main is not None
    if isinstance(answer, Measurement):
        if _is_finite(answer):
            return Outcome(Reason.OK, answer, main.entries, alternative)
        detail = f"value {answer.value:g}, error {answer.error:g}"
        return Outcome(Reason.NOT_FINITE, None, main.entries, alternative, detail)
    if isinstance(answer, NotReducible):
        return Outcome(answer.reason, None, main.entries, alternative, answer.detail)
    if isinstance(answer, OverflowError):  # Python's way to say infinite
        return Outcome(Reason.NOT_FINITE, None, main.entries, alternative, str(answer))
    detail = f"{type(answer).__name__}: {answer}" if isinstance(answer, Exception) else f"no measurement: {answer!r}"
    log.warning("%s: %s raised %s", trend.key, job.plan.metric, detail)
    return Outcome(Reason.METRIC_RAISED, None, main.entries, alternative, detail)


def _is_finite(answer: Measurement) -> bool:
    if answer.error_low is None or answer.error_high is None:
        return math.isfinite(answer.value) and math.isfinite(answer.error)
    return all(map(math.isfinite, (answer.value, answer.error, answer.error_low, answer.error_high)))
