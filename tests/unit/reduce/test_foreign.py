"""Metrics of others: as the predecessor's README teaches them, unmodified, and in our own style."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from hdqm_ops import config
from hdqm_ops.errors import ConfigError
from hdqm_ops.model import Alternative, MetricCall, Reason, Trend
from hdqm_ops.reduce import _foreign, catalogue, evaluate
from hdqm_ops.reduce._registry import _built, _metrics
from hdqm_ops.reduce._root_view import HistogramView
from hdqm_ops.testing import draw_hist, draw_map, draw_profile

SAMPLE = '''
from basic import BaseMetric


class Mean(BaseMetric):
    """Mean, as everybody begins."""

    def calculate(self, histo):
        return (histo.GetMean(), histo.GetMeanError())


class AboveHisto1(BaseMetric):
    def __init__(self, factor, bins=[1]):
        self.__factor = factor
        self.__bins = bins + []

    def calculate(self, histo):
        total = sum(histo.GetBinContent(i) for i in self.__bins)
        other = self._histo1.Integral(1, self._histo1.GetNbinsX())
        return self.__factor * total / other, (0.1, 0.3)


class Counter(object):
    def __init__(self):
        self.calls = 0

    def setThreshold(self, threshold):
        self.threshold = threshold

    def calculate(self, histo):
        self.calls += 1
        if histo.GetEntries() < self.threshold:
            return (-1, 0)
        return (self.calls, histo.GetXaxis().GetBinCenter(histo.GetMaximumBin()))


class Fits(BaseMetric):
    def calculate(self, histo):
        histo.Fit("gaus")


class _Helper:
    pass
'''

OURS = '''
from dataclasses import dataclass

from hdqm_ops.model import Histogram, Measurement
from hdqm_ops.reduce import metric


@metric
@dataclass(frozen=True)
class TwiceTheEntries:
    """Entries, twice."""

    def __call__(self, hist: Histogram) -> Measurement:
        return Measurement(2 * hist.entries, 0.0)
'''

HIST = draw_hist("0 1 2 3 | 1 0 3", name="h", maximum=None)


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Loads the text of a module and forgets it after the test."""
    before, modules = set(_metrics), set(sys.modules)
    monkeypatch.setattr(_foreign, "entry_points", lambda group: [])
    monkeypatch.syspath_prepend(str(tmp_path))

    def loads(text, name="sampleMetrics", by="name"):
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        _foreign.load_modules([name if by == "name" else str(path)])

    yield loads
    for name in set(_metrics) - before:
        del _metrics[name]
    for name in set(sys.modules) - modules:
        sys.modules.pop(name)
    catalogue.cache_clear()
    _built.cache_clear()


def outcome(call, hist=HIST, threshold=None, **others):
    elements = {"main": hist, **others}
    paths = {role: (role,) for role in elements}
    return evaluate(Trend("T", "t", (Alternative(call, paths, threshold),), "y"), elements)


@pytest.mark.parametrize("by", ["name", "path"])
def test_the_example_of_the_predecessors_readme_runs_unmodified(load, by, tmp_path):
    load(SAMPLE, by=by)
    ini = tmp_path / "cfg" / "Tracker" / "my.ini"
    ini.parent.mkdir(parents=True)
    ini.write_text("[plot:mine]\nmetric = sampleMetrics.Mean()\nrelativePath = A/b\nyTitle = y\n")

    tree = config.read_tree([tmp_path / "cfg"], catalogue())

    assert tree.errors == ()
    measurement = evaluate(tree.trends[0], {"A/b": HIST}).measurement
    assert (measurement.value, measurement.error) == (2.0, pytest.approx(0.75**0.5 / 2))


def test_arguments_inputs_and_both_errors_reach_it(load):
    load(SAMPLE)
    found = outcome(MetricCall("sampleMetrics.AboveHisto1", (2.0, [1, 3])), histo1=draw_hist("0 1 2 | 3 5 [9]"))

    assert found.measurement.value == 1.0
    assert (found.measurement.error_low, found.measurement.error_high) == (0.1, 0.3)
    assert [one.name for one in catalogue()["sampleMetrics.AboveHisto1"].parameters] == ["factor", "bins"]
    assert catalogue()["sampleMetrics.AboveHisto1"].optional_inputs == ("histo1", "histo2", "reference")


def test_an_input_that_is_configured_and_absent_is_missing(load):
    load(SAMPLE)
    alternative = Alternative(MetricCall("sampleMetrics.Mean"), {"main": ("main",), "histo1": ("gone",)})

    assert evaluate(Trend("T", "t", (alternative,), "y"), {"main": HIST}).reason is Reason.INPUT_MISSING


def test_every_call_gets_an_object_of_its_own_and_the_threshold(load):
    load(SAMPLE)

    for _ in range(2):
        assert outcome(MetricCall("sampleMetrics.Counter"), threshold=3).measurement.value == 1
    assert outcome(MetricCall("sampleMetrics.Counter"), threshold=5).measurement.value == -1


def test_what_is_not_offered_names_the_nearest(load):
    load(SAMPLE)
    found = outcome(MetricCall("sampleMetrics.Fits"))

    assert found.reason is Reason.METRIC_RAISED
    assert "Fit of ROOT is not offered" in found.detail
    with pytest.raises(
        AttributeError, match=r"GetMeen of ROOT is not offered to metrics here; the nearest that is: GetMean"
    ):
        HistogramView(HIST).GetMeen()


def test_a_module_in_our_own_style_registers_itself(load):
    load(OURS, name="mine")

    assert outcome(MetricCall("mine.TwiceTheEntries")).measurement.value == 8.0


def test_entry_points_are_loaded(load, tmp_path, monkeypatch):
    (tmp_path / "packaged.py").write_text(SAMPLE)
    point = SimpleNamespace(module="packaged", value="packaged")
    monkeypatch.setattr(_foreign, "entry_points", lambda group: [point] if group == "hdqm.metrics" else [])

    _foreign.load_modules([])

    assert outcome(MetricCall("packaged.Mean")).measurement.value == 2.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "from ROOT import TF1",
            "cannot be imported: No module named 'ROOT'; metrics here get histograms without ROOT",
        ),
        (
            "import nowhere_to_be_found",
            "cannot be imported: No module named 'nowhere_to_be_found'; HDQM_METRICS names it",
        ),
        ("1 / 0", "the module broken of metrics raised ZeroDivisionError: division by zero"),
        ("x = 5", "broken defines no metric: no class with @metric or calculate"),
        ("class M:\n    def __init__(self, *a): pass\n    def calculate(self, h): pass", "must name its arguments"),
    ],
)
def test_a_module_that_cannot_be_used_says_why(load, text, message):
    with pytest.raises(ConfigError, match=message):
        load(text, name="broken")
    assert "basic" not in sys.modules


def test_a_module_that_is_not_there_says_so(load):
    with pytest.raises(ConfigError, match="No module named 'not_there_at_all'"):
        _foreign.load_modules(["not_there_at_all"])
    with pytest.raises(ConfigError, match=r"there is no file /nowhere/x\.py"):
        _foreign.load_modules(["/nowhere/x.py"])


def test_the_view_answers_as_root_does():
    view = HistogramView(draw_hist("0 1 2 4 | [2] 1 5 3 [7]", labels=("a", "", "c")))

    assert (view.GetName(), view.ClassName(), view.GetDimension()) == ("drawn", "TH1D", 1)
    assert (view.GetNbinsX(), view.GetNbinsY(), view.GetNbinsZ(), view.GetSize()) == (3, 1, 1, 5)
    assert [view.GetBinContent(number) for number in (-3, 0, 2, 4, 9)] == [2, 2, 5, 7, 7]
    assert view.GetBinError(2) == pytest.approx(5**0.5)
    assert (view.Integral(), view.Integral(0, 2), view.Integral(2, 99)) == (9, 8, 15)
    assert (view.Integral(np.int64(0), np.int64(2)), view.Integral("")) == (8, 9)
    assert (view.GetMaximumBin(), view.GetMaximum(), view.GetMinimumBin(), view.GetMinimum()) == (2, 5, 1, 1)
    assert (view.FindBin(1.5), view.FindBin(-1), view.FindBin(99)) == (2, 0, 4)
    assert (view.GetBinCenter(3), view.GetBinWidth(3), view.GetBinLowEdge(3)) == (3.0, 2.0, 2.0)
    axis = view.GetXaxis()
    assert (axis.GetBinLabel(1), axis.GetBinLabel(2), axis.FindBin("c"), axis.FindBin("x")) == ("a", "", 3, -1)
    assert (axis.GetFirst(), axis.GetLast(), axis.GetNbins(), axis.GetXmin(), axis.GetXmax()) == (1, 3, 3, 0, 4)
    assert (axis.GetBinUpEdge(3), axis.GetBinCenter(0)) == (4.0, pytest.approx(-2 / 3))
    assert view.GetRMS() == view.GetStdDev()
    assert view.GetMean(11) == view.GetMeanError()
    assert view.Clone("copy").GetEntries() == view.GetEntries() == 18
    assert view.InheritsFrom("TH1")
    assert not view.InheritsFrom("TH2")


def test_an_integral_that_is_not_offered_is_not_another_one():
    view = HistogramView(HIST)

    with pytest.raises(AttributeError, match="multiply with GetBinWidth"):
        view.Integral("width")
    with pytest.raises(TypeError, match="float"):
        view.Integral(0.5, 2)


def test_the_view_of_an_empty_histogram_says_0_as_root_does():
    view = HistogramView(draw_hist("0 1 | 0"))

    assert (view.GetMean(), view.GetMeanError(), view.GetRMS(), view.IsEmpty()) == (0, 0, 0, True)


def test_the_view_of_maps_and_profiles():
    view = HistogramView(draw_map("1 2 3 / 4 5 6"))

    assert (view.GetBinContent(2, 1), view.GetBin(2, 1), view.GetBinContent(view.GetBin(3, 2))) == (2, 7, 6)
    assert (view.Integral(1, 2, 1, 1), view.FindBin(1.5, 0.5), view.GetYaxis().GetNbins()) == (3, 7, 2)
    profile = HistogramView(draw_profile("0 1 2 | 3 5; 7"))
    assert (profile.GetBinContent(1), profile.GetBinEntries(1), profile.GetMean(2)) == (4, 2, 5)
    assert profile.InheritsFrom("TH1D")
    with pytest.raises(AttributeError, match="no profile"):
        view.GetBinEntries(1)
