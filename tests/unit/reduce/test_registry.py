"""The registry: names, arguments, inputs, and what it says of mistakes."""

import pickle
from dataclasses import dataclass

import pytest

from hdqm_ops.config import parse_metric
from hdqm_ops.errors import ConfigError
from hdqm_ops.model import Measurement, MetricCall
from hdqm_ops.reduce import METRICS, build, catalogue
from hdqm_ops.reduce._registry import documentation, metric, register

PREDECESSOR = """
basic.Mean StdDev RMSXAxis MeanZAxis MeanY Count MaxBin MaxExcursion PixelEfficiency PixelDigiPerClusterPix ProfileMean
ProfileMeanBPixModules BinCount ROCfraction FED25ErrorFraction StripBadComponent EntriesCount EntriesRate RecoFraction
BinsCount Ratio1 Fraction Fraction1 FractionInBinArray MeanPosOnly MeanXRange SummaryMapPartition AverageYwithXCut
MeanEntries MeanRMS MeanYAxis RMSYAxis MeanDiff StripFEDErrorFraction NormBinCount Ratio FractionInBin MeanYRange Mean2D
BinRatio2D BinCount2D Bin2DRatio MeanYForXBin Quantile Kolmogorov Chi2 NormChi2
fits.Landau LandauAroundMax FlatLine LandauTest LandauAroundMaxBin GauLand Gaussian FlatLineXcut LanGau
L1T_metrics.EffMean EffVariance TurnOnCurveEffPoint TurnOnCurveHalfWidth TurnOnPlateauEff TurnOnCurveRange TauSavePlots
muon_metrics.NOutsideRange MeanCh hcal_metrics.RBXCountNonZeroChan RBXMean
"""


def predecessors_names():
    family = ""
    for word in PREDECESSOR.split():
        head, _, name = word.rpartition(".")
        family = head or family
        yield f"{family}.{name}"


def test_all_67_classes_of_the_predecessor_are_there():
    names = list(predecessors_names())

    assert len(names) == 67
    assert set(names) <= set(METRICS)
    assert [name for name, info in catalogue().items() if not info.available] == []


def test_the_mapping_is_read_only():
    with pytest.raises(TypeError):
        METRICS["basic.Mean"] = None


def test_two_metrics_of_one_name_are_refused():
    with pytest.raises(RuntimeError, match=r"two metrics are named basic\.Mean"):
        register("basic.Mean", METRICS["basic.Mean"])


def test_a_metric_with_an_input_of_another_name_is_refused_when_it_is_defined():
    with pytest.raises(TypeError, match=r"test_registry\.Odd: __call__ asks for \['second'\]"):

        @metric
        @dataclass(frozen=True)
        class Odd:
            def __call__(self, hist, second):
                return Measurement(0.0, 0.0)


def test_the_signature_is_the_input_schema():
    infos = catalogue()

    assert (infos["basic.Mean"].inputs, infos["basic.Mean"].optional_inputs) == ((), ())
    assert infos["basic.PixelDigiPerClusterPix"].inputs == ("histo1", "histo2")
    assert infos["basic.MeanDiff"].inputs == ("reference",)
    assert infos["hcal_metrics.RBXMean"].optional_inputs == ("histo1", "histo2")


@pytest.mark.parametrize(
    ("depths", "inputs"),
    [((1, 0, 0), ()), ((1, 2, 0), ("histo1",)), ((1, 2, 3), ("histo1", "histo2")), ((1, 0, 3), ("histo2",))],
)
def test_the_maps_of_a_box_depend_on_its_depths(depths, inputs):
    assert catalogue()["hcal_metrics.RBXMean"].inputs_for(("HBM01", depths)) == inputs


def test_parameters_come_from_the_fields():
    first, second = catalogue()["basic.BinCount"].parameters

    assert (first.name, first.types, first.optional) == ("bin", (int, str), False)
    assert (second.name, second.types, second.optional) == ("noError", (bool,), True)


def test_infos_survive_a_pickle():
    infos = dict(catalogue())

    assert pickle.loads(pickle.dumps(infos)) == infos


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("basic.Maen()", r"no metric named 'basic\.Maen'; did you mean basic\.Mean\?"),
        ("nothing.LikeIt()", r"no metric named 'nothing\.LikeIt'; docs/metrics\.md lists them"),
        ("basic.Mean(1)", r"basic\.Mean: takes 0 arguments \(\), not 1"),
        ("basic.BinCount()", r"basic\.BinCount: takes 1 to 2 arguments \(bin, noError\), not 0"),
        ("basic.BinCount(1.5)", r"basic\.BinCount: bin must be int \| str, not 1\.5"),
        ("basic.BinsCount(True)", r"basic\.BinsCount: start must be int, not True"),
        (
            "fits.Landau(3, 1., 2., (1., 2.))",
            r"fits\.Landau: desired must be 0 \(place\), 1 \(width\) or 2 \(norm\), not 3",
        ),
        ("fits.Landau(0, 1., 2., (1.,))", r"fits\.Landau: defaults must be 2 or 3 start values, not 1"),
        ("fits.FlatLine(1, 0, 1, 0)", r"fits\.FlatLine: desired must be 0, the only parameter, not 1"),
        ("hcal_metrics.RBXMean('HBM01', (1, 2))", r"depths must be tuple\[int, int, int\], not \(1, 2\)"),
        ("hcal_metrics.RBXMean('HBM01', (1, 2, 9))", r"depths lie between 1 and 7"),
        ("basic.ROCfraction(1, 0)", r"basic\.ROCfraction: tot must not be 0"),
        ("robust.TrimmedMean(0.5)", r"share must lie from 0 to below 0\.5"),
    ],
)
def test_what_is_wrong_with_a_call_is_said(text, message):
    call = parse_metric(text)

    with pytest.raises(ConfigError, match=message):
        build(call)
    info = catalogue().get(call.name)
    assert info is None or info.problem_with(call.arguments) is not None


def test_whole_numbers_are_floats_and_lists_are_tuples():
    built = build(MetricCall("basic.StripBadComponent", ([1, 2], 10, 15104)))

    assert built.binsx == (1, 2)
    assert built == build(MetricCall("basic.StripBadComponent", ((1, 2), 10, 15104)))


def test_true_and_one_are_kept_apart_where_both_are_built():
    assert build(MetricCall("basic.BinCount", (1, True))).noError is True
    with pytest.raises(ConfigError):
        build(MetricCall("basic.BinCount", (1, 1)))


def test_the_fifth_argument_of_old_lines_is_dropped():
    assert build(MetricCall("fits.LandauAroundMax", (0, 0.8, 1.4, 60000, 15000))).hLimit == 60000
    assert catalogue()["fits.LandauAroundMax"].ignored_arguments == 1
    with pytest.raises(ConfigError, match="takes 4 arguments"):
        build(MetricCall("fits.LandauAroundMax", (0, 0.8, 1.4, 60000, 1, 2)))


def test_boxes_without_their_depths_can_never_see_anything():
    info = catalogue()["hcal_metrics.RBXMean"]

    assert info.always_zero(("HO001", (1, 2, 0))) == "HO001 has no cells at depths (1, 2, 0)"
    assert info.always_zero(("HXM01", (1, 2, 0))) == "there is no read-out box HXM01"
    assert info.always_zero(("HBM01", (1, 2, 0))) is None
    assert catalogue()["basic.Mean"].always_zero(()) is None


@pytest.mark.parametrize("name", sorted(METRICS))
def test_every_metric_says_what_it_gives_and_its_example_can_be_built(name):
    text = documentation(METRICS[name])
    example = text.rpartition("Example: ")[2]

    for line in ("\nValue: ", "\nError: ", "\nGaps: ", "\nExample: "):
        assert line in text
    assert parse_metric(example).name == name
    assert build(parse_metric(example)) is not None
    assert all(parameter.name in text for parameter in catalogue()[name].parameters)
