"""From elements to outcomes: alternatives, missing inputs, and that one failing trend never touches another."""

import math
import warnings
from dataclasses import dataclass

import numpy as np
import pytest

from hdqm_ops.errors import ConfigError
from hdqm_ops.model import Alternative, ElementProblem, Measurement, MetricCall, Place, Reason, Scalar, Trend
from hdqm_ops.reduce import Reducer, catalogue, evaluate
from hdqm_ops.reduce._registry import _metrics, metric
from hdqm_ops.testing import draw_hist

HIST = draw_hist("0 1 2 3 | 1 0 1")


class Says:
    """A metric that says what a test wants."""

    numbers = ()

    def __call__(self, hist):
        return Measurement(*self.numbers)


def trend(name, *alternatives):
    return Trend("Test", name, alternatives, "y")


def uses(metric_name, *main, arguments=(), **others):
    return Alternative(MetricCall(metric_name, arguments), {"main": main, **others}, place=Place("a.ini", 3))


@pytest.fixture
def odd_metrics():
    """Metrics of somebody that misbehave."""
    before = set(_metrics)

    @metric
    @dataclass(frozen=True)
    class Raises:
        def __call__(self, hist):
            raise KeyError("hello")

    @metric
    @dataclass(frozen=True)
    class Infinite:
        def __call__(self, hist):
            return Measurement(float(np.float64(1) / np.float64(0)), 0.0)

    @metric
    @dataclass(frozen=True)
    class NoMeasurement:
        def __call__(self, hist):
            return 5.0

    @metric
    @dataclass(frozen=True)
    class FailsTogether:
        def __call__(self, hist):
            return Measurement(7.0, 0.0)

        @classmethod
        def reduce_many(cls, metrics, inputs):
            raise ValueError("together")

    metric(Says)
    yield
    for name in set(_metrics) - before:
        del _metrics[name]
    catalogue.cache_clear()


def test_outcomes_come_in_the_order_of_the_trends():
    trends = [
        trend("a", uses("basic.Count", "x")),
        trend("b", uses("basic.Mean", "x")),
        trend("c", uses("basic.Count", "y")),
    ]

    outcomes = Reducer(trends).reduce({"x": HIST})

    assert [outcome.reason for outcome in outcomes] == [Reason.OK, Reason.OK, Reason.ELEMENT_MISSING]
    assert [outcome.measurement and outcome.measurement.value for outcome in outcomes] == [2.0, 1.5, None]
    assert [outcome.entries for outcome in outcomes] == [2.0, 2.0, None]
    assert [outcome.alternative for outcome in outcomes] == [0, 0, None]


def test_the_first_path_that_the_file_has_is_taken():
    outcome = evaluate(trend("a", uses("basic.Count", "gone", "x")), {"x": HIST})

    assert outcome.measurement == Measurement(2.0, 0.0)


def test_the_first_alternative_whose_main_element_is_there_is_taken():
    both = trend("a", uses("basic.Mean", "new"), uses("basic.Count", "old"))

    assert evaluate(both, {"old": HIST, "new": HIST}).alternative == 0
    assert evaluate(both, {"old": HIST}).alternative == 1
    assert evaluate(both, {"old": HIST}).measurement.value == 2.0


def test_a_missing_second_input_is_named():
    outcome = evaluate(trend("a", uses("basic.RecoFraction", "x", arguments=(1,), histo1=("p", "q"))), {"x": HIST})

    assert (outcome.reason, outcome.detail) == (Reason.INPUT_MISSING, "histo1: p or q")
    assert outcome.entries == 2.0


def test_damaged_and_scalar_elements_have_their_reasons():
    broken = ElementProblem(Reason.ELEMENT_UNREADABLE, "cut short")
    count = trend("a", uses("basic.Count", "x"))

    assert evaluate(count, {"x": broken}).reason is Reason.ELEMENT_UNREADABLE
    assert evaluate(count, {"x": broken}).detail == "x: cut short"
    assert evaluate(count, {"x": Scalar("x", 5)}).reason is Reason.WRONG_CLASS
    second = trend("b", uses("fractions.Asymmetry", "x", histo1=("s",)))
    assert evaluate(second, {"x": HIST, "s": broken}).reason is Reason.ELEMENT_UNREADABLE


@pytest.mark.usefixtures("odd_metrics")
def test_one_failing_trend_never_touches_another(caplog):
    names = ("Raises", "Infinite", "NoMeasurement", "FailsTogether")
    trends = [trend(name, uses(f"test_reducer.{name}", "x")) for name in names] + [
        trend("good", uses("basic.Mean", "x"))
    ]

    raised, infinite, none, together, good = Reducer(trends).reduce({"x": HIST})

    assert (raised.reason, raised.detail) == (Reason.METRIC_RAISED, "KeyError: 'hello'")
    assert (infinite.reason, infinite.detail) == (Reason.NOT_FINITE, "value inf, error 0")
    assert (none.reason, none.detail) == (Reason.METRIC_RAISED, "no measurement: 5.0")
    assert together.measurement == Measurement(7.0, 0.0)
    assert good.measurement.value == 1.5
    assert "Test/Raises" in caplog.text
    assert "together" in caplog.text


@pytest.mark.usefixtures("odd_metrics")
@pytest.mark.parametrize(
    "numbers", [(math.nan, 0.0), (0.0, math.nan), (1.0, math.inf), (1.0, 1.0, math.inf, 0.0), (1.0, 1.0, 0.0, math.nan)]
)
def test_what_is_not_finite_never_leaves(numbers):
    Says.numbers = numbers

    assert evaluate(trend("a", uses("test_reducer.Says", "x")), {"x": HIST}).reason is Reason.NOT_FINITE


def test_a_mistake_in_a_configuration_is_named_with_its_place():
    with pytest.raises(ConfigError, match=r"a\.ini:3: no metric named 'basic\.Maen'; did you mean basic\.Mean\?"):
        Reducer([trend("a", uses("basic.Maen", "x"))])


def test_inputs_are_not_changed_and_no_warning_escapes():
    before = HIST.cells.copy()
    names = ["Mean", "MaxBin", "Chi2", "Kolmogorov", "ProfileMean"]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Reducer([trend(name, uses(f"basic.{name}", "x", reference=("x",))) for name in names]).reduce({"x": HIST})

    assert (HIST.cells == before).all()
    with pytest.raises(ValueError, match="read-only"):
        HIST.cells[0] = 1
