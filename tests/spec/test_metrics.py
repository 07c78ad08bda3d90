"""What every metric means, by drawn example: (inputs, value [and error], or the reason of the gap, and why).

Inputs are drawings of curves, or histograms where a curve is not enough; a tuple names (main, histo1, histo2), and
``{"reference": ...}`` the reference.
"""

import math

import numpy as np
import pytest

from hdqm_ops.config import parse_metric
from hdqm_ops.model import Alternative, Axis, Histogram, Reason, Trend
from hdqm_ops.reduce import METRICS, evaluate
from hdqm_ops.reduce._landau import density
from hdqm_ops.testing import draw_hist, draw_map, draw_profile, draw_profile_map

EMPTY = "0 1 2 3 | 0 0 0"
MAP = draw_map("1 2 3 / 4 5 6")  # three columns, two rows
LABELS = draw_hist("0 1 2 3 | 8 2 10", labels=("passed", "failed", "all"))
TURN_ON = "0 10 20 30 40 50 60 | 0 .1 .3 .9 .9 .9 | .01 .01 .01 .01 .01 .01"
HALF_BIN = 5 / 12**0.5
WIDTH_ERROR = math.hypot(HALF_BIN, HALF_BIN, 0.25, 0.25, HALF_BIN / 3, HALF_BIN * 5 / 3, 1 / 36, 5 / 36)
STEEP = "0 10 20 30 40 50 60 70 80 | 0 .1 .9 .9 .9 .9 .9 .9 | .01 .01 .01 .01 .01 .01 .01 .01"
STEPS = "0 1 2 3 4 | 0 1 0 0 | 1 1 1 1"
TEN_LUMISECTIONS = "0 5 10 15 | 1 0 1"


def curve(function, low, high, n=40):
    """A curve with the same small error everywhere."""
    edges = np.linspace(low, high, n + 1)
    contents = [function(x) for x in (edges[1:] + edges[:-1]) / 2]
    return draw_hist(f"{' '.join(map(repr, edges.tolist()))} | {' '.join(map(repr, contents))} | {' 0.1' * n}")


def landau(x, place=30.0, width=3.0, norm=1000.0):
    return float(norm * density(np.array([(x - place) / width]))[0])


def gauss(x, place=30.0, width=3.0, norm=1000.0):
    return norm * math.exp(-0.5 * ((x - place) / width) ** 2)


LANDAU, GAUSS = curve(landau, 20.0, 60.0), curve(gauss, 20.0, 60.0)
BOTH = curve(lambda x: landau(x) + gauss(x, width=1.5, norm=300.0), 20.0, 60.0, 120)


def box(*cells):
    """A map of the hadron calorimeter with some cells set: (bin along x, bin along y, content)."""
    grid = np.zeros((86, 74))
    for x, y, content in cells:
        grid[x, y] = content
    axes = (Axis(84, -42.0, 42.0), Axis(72, 0.5, 72.5))
    return Histogram("TH2F", "box", axes, grid.T.reshape(-1).astype(np.float32), 1.0, (0.0,) * 7)


NOTHING = Reason.HISTOGRAM_EMPTY
SPEC = {
    # -- basic: moments
    "basic.Mean()": [
        ("0 1 2 3 | 1 0 1", (1.5, 1 / 2**0.5), "entries in the first and last bin balance in the middle"),
        (EMPTY, NOTHING, "no entries, so a gap; never a zero"),
        (draw_profile("0 1 2 | 5 7; 3"), 2.5 / 3, "of a profile, the mean of x"),
    ],
    "basic.StdDev()": [
        ("0 1 2 3 | 1 0 1", (1.0, 0.5), "both entries are 1 away from the mean"),
        (EMPTY, NOTHING, "no entries"),
    ],
    "basic.RMSXAxis()": [("0 1 2 3 | 1 0 1", (1.0, 0.5), "another name of StdDev"), (EMPTY, NOTHING, "no entries")],
    "basic.MeanYAxis()": [
        (draw_profile("0 1 2 | 5 7; 3"), (5.0, (8 / 3) ** 0.5 / 3**0.5), "what was filled into the profile"),
        (draw_map("1 / 3"), 1.25, "of a map, y"),
        ("0 1 | 1", Reason.WRONG_CLASS, "a curve has no y"),
    ],
    "basic.RMSYAxis()": [
        (draw_profile("0 1 2 | 5 7; 3"), ((8 / 3) ** 0.5, (8 / 18) ** 0.5), "spread of what was filled"),
        ("0 1 | 1", Reason.WRONG_CLASS, "a curve has no y"),
    ],
    "basic.MeanZAxis()": [
        (draw_profile_map("1,3 . / 5 ."), (3.0, (8 / 3) ** 0.5 / 3**0.5), "what was filled into the profile"),
        (MAP, Reason.WRONG_CLASS, "a map of counts has no z; ROOT says 0"),
    ],
    "basic.MeanRMS()": [("0 1 2 3 | 1 0 1", (1.5, 1.0), "mean with spread"), (EMPTY, NOTHING, "no entries")],
    "basic.MeanEntries()": [
        ("0 1 2 3 | 1 0 1", (3.0, 2**0.5), "mean times two entries"),
        (EMPTY, NOTHING, "no entries"),
    ],
    "basic.MeanDiff()": [
        ({"main": "0 1 2 | 1 0", "reference": "0 1 2 | 0 1"}, (-1.0, 0.0), "one bin further down"),
        ({"main": "0 1 2 | 1 0"}, Reason.INPUT_MISSING, "without a reference"),
        ({"main": "0 1 2 | 1 0", "reference": "0 1 2 | 0 0"}, 0.5, "an empty one has mean 0 here"),
    ],
    "basic.Quantile(0.75)": [
        ("0 1 2 | 1 1", 1.5, "three quarters lie below"),
        ("0 1 2 | 3 1", (1.0, (0.1875 / 4) ** 0.5 / 0.75), "at the edge, the density is that of the bin below"),
        (EMPTY, NOTHING, "no content"),
    ],
    # -- basic: contents
    "basic.Count()": [
        (draw_hist("0 1 2 | 1 2", entries=7.0), (7.0, 0.0), "the stored number of entries"),
        (EMPTY, (0.0, 0.0), "zero entries is a measurement"),
    ],
    "basic.MeanY()": [
        (draw_hist("0 1 2 | 1 2", entries=6.0), (0.5, 0.0), "sum of the bins per entry"),
        (EMPTY, NOTHING, "no entries"),
    ],
    "basic.MaxBin()": [
        ("0 1 2 3 | 1 5 5", (1.5, 0.0), "the first of the highest bins"),
        (EMPTY, 0.5, "the first bin of an empty histogram"),
        (MAP, Reason.WRONG_CLASS, "maps have no place"),
    ],
    "basic.MaxExcursion()": [
        ("0 1 2 | 9 16", (7.0, 5.0), "highest minus lowest, errors 3 and 4"),
        ("0 1 2 3 | 9 0 4", (9.0, 3.0), "an empty bin is the lowest"),
    ],
    "basic.BinCount(2)": [
        ("0 1 2 | 9 16", (16.0, 4.0), "the second bin"),
        ("0 1 | 9 [25]", (25.0, 5.0), "the overflow of one bin"),
        ("0 1 2 | 9 -16", Reason.OUT_OF_RANGE, "no error of a negative number"),
    ],
    "basic.BinCount('passed', True)": [
        (LABELS, (8.0, 0.0), "by label, without error"),
        (draw_hist("0 1 | 5", labels=("other",)), 0.0, "a missing label has content 0"),
    ],
    "basic.ROCfraction(2, 200)": [
        ("0 1 2 | 9 16", (8.0, 2.0), "16 of 200 in percent"),
        ("0 1 2 | 9 -16", Reason.OUT_OF_RANGE, "no error of a negative number"),
    ],
    "basic.BinsCount(2)": [
        ("0 1 2 3 | 5 9 16 [7]", (25.0, 5.0), "from the second bin, overflow excluded"),
        (EMPTY, (0.0, 0.0), "zero is a measurement"),
    ],
    "basic.EntriesCount(1.5)": [
        ("0 1 2 3 | 5 9 16 [7]", (25.0, 5.0), "the bin around 1.5 and those above"),
        (MAP, Reason.WRONG_CLASS, "maps have no order"),
    ],
    "basic.EntriesRate(0)": [
        (("0 1 2 | 9 16", TEN_LUMISECTIONS), (25 / 46, 5 / 46), "two lumisections of 23 s"),
        (("0 1 2 | 9 16", EMPTY), Reason.NO_DENOMINATOR, "no lumisection was processed"),
    ],
    "basic.RecoFraction('passed')": [
        ((LABELS, "0 1 2 | 40 60"), (0.08, 8**0.5 / 100), "8 of 100 entries"),
        ((LABELS, EMPTY), Reason.NO_DENOMINATOR, "no entries to compare with"),
    ],
    "basic.NormBinCount('passed', 'all')": [
        (LABELS, 0.8, "8 of 10; the interval is tested against ROOT"),
        ("0 1 | 1", Reason.NOT_APPLICABLE, "no labels"),
    ],
    "basic.FractionInBin(2)": [
        ("0 1 2 | 60 40", (0.4, 0.4 * (1 / 100 + 1 / 40) ** 0.5), "40 of 100 entries"),
        ("0 1 2 | 60 0", Reason.NO_DENOMINATOR, "an empty bin has no error here"),
    ],
    "basic.FractionInBinArray([1, 2], [3])": [
        ("0 1 2 3 | 1 2 6", (0.5, 0.5 * (1 / 3 + 1 / 6) ** 0.5), "3 over 6"),
        ("0 1 2 3 | 0 0 6", (0.0, 0.0), "nothing above the line"),
        ("0 1 2 3 | 1 2 0", Reason.NO_DENOMINATOR, "nothing below it"),
    ],
    "basic.Fraction(1.2, 1.8)": [
        ("0 1 2 3 | 30 50 20", (0.5, 0.5 * (1 / 50 + 1 / 100) ** 0.5), "the whole bin counts"),
        ("0 1 2 3 | 50 0 50", (0.0, 0.1), "nothing inside: 1/√T"),
        (EMPTY, NOTHING, "no entries"),
    ],
    "basic.Fraction1(1.2, 1.8)": [
        ("0 1 2 3 | 30 50 15 [5]", (0.5, (50**3 * 2) ** 0.5 / 1e4), "outside, overflow included"),
        ("0 1 2 3 | 0 50 0", (0.0, 0.02), "nothing outside: 1/T"),
        (EMPTY, Reason.NO_DENOMINATOR, "nothing at all"),
    ],
    "basic.Ratio1(1.2, 1.8)": [
        ("0 1 2 3 | 30 50 15 [5]", (1.0, 2 / 100**0.5), "50 outside over 50 inside"),
        ("0 1 2 3 | 0 50 0", (0.0, 0.02), "nothing outside: 1/s"),
        ("0 1 2 3 | 50 0 0", Reason.NO_DENOMINATOR, "nothing inside"),
    ],
    "basic.Ratio(1.2, 1.8)": [
        ("0 1 2 3 | 35 50 15 [5]", (1.0, 2 / 100**0.5), "50 inside over 50 outside, overflow left out"),
        ("0 1 2 3 | 0 50 0 [5]", Reason.NO_DENOMINATOR, "nothing outside"),
    ],
    # -- basic: maps
    "basic.ProfileMean()": [
        ("0 1 2 3 | 2 0 4", (3.0, 1 / 2**0.5), "bins that are 0 do not count"),
        (EMPTY, NOTHING, "all are 0"),
    ],
    "basic.ProfileMeanBPixModules(4)": [
        (draw_map("1 9 9 3 / 5 9 9 0"), (3.0, (8 / 9) ** 0.5), "the outermost columns, without the 0"),
        (draw_map("0 9 0"), NOTHING, "all are 0"),
    ],
    "basic.PixelEfficiency()": [
        ((draw_hist("0 2 | 9"), draw_hist("0 2 | 1")), (0.9, 0.3 / 10**0.5), "9 found, 1 lost"),
        ((EMPTY, EMPTY), Reason.NO_DENOMINATOR, "nothing expected"),
        (("0 2 | 9", "-2 0 | 1"), Reason.OUT_OF_RANGE, "above 1"),
    ],
    "basic.PixelDigiPerClusterPix()": [
        (("2 4 | 4", "0 2 | 4", "1 3 | 4"), (1.5, 0.0), "3 / (1 · 2)"),
        (("0 1 | 4", "0 2 | 4", "1 3 | 4"), Reason.OUT_OF_RANGE, "a mean below 1"),
        (("2 4 | 4", EMPTY, "1 3 | 4"), Reason.NO_DENOMINATOR, "no clusters"),
    ],
    "basic.FED25ErrorFraction(0.5, 12, True)": [
        (MAP, (25.0, 100 * (0.1875 / 6) ** 0.5), "4, 5 and 6 are above half of 6: 3 of 12"),
        (draw_map("0 0"), (0.0, 0.0), "no errors at all"),
    ],
    "basic.StripBadComponent([1, 3], 2, 50)": [(MAP, (20.0, 0.0), "4 + 6 of 50"), (draw_map("0"), 0.0, "none is bad")],
    "basic.StripFEDErrorFraction(51, 1)": [
        ((MAP, "0 1 | 8"), (25.0, 100 * (0.1875 / 8) ** 0.5), "2 of 8 in the second column"),
        ((MAP, EMPTY), Reason.NO_DENOMINATOR, "no maximum"),
    ],
    "basic.MeanPosOnly()": [
        ("0 1 2 3 | 3 -5 3", (2.0, 0.0), "the negative bin adds nothing and is counted"),
        (EMPTY, 0.0, "zero"),
    ],
    "basic.MeanXRange(1, 3)": [
        (MAP, (3.0, 0.0), "columns 1 and 2, the upper one not"),
        (draw_map("-1 2 9"), 1.0, "the negative cell adds nothing and is counted"),
    ],
    "basic.MeanYRange(1, 2)": [(MAP, (1.5, 0.0), "row 1 with its underflow"), (draw_map("0 0"), 0.0, "zero")],
    "basic.MeanYForXBin(2)": [(MAP, (3.5, 0.0), "column 2"), (draw_map("1 -2 / 1 4"), 2.0, "negatives add nothing")],
    "basic.SummaryMapPartition(3, 2)": [
        (MAP, (4.5, 0.0), "two rows of column 3"),
        (draw_map("1 1 2"), 1.0, "flow is 0"),
    ],
    "basic.Mean2D()": [(MAP, (3 / 6, 0.0), "one bin too low: only 1 and 2 are met"), (draw_map("0"), 0.0, "zero")],
    "basic.BinCount2D(3, 2, False)": [(MAP, (6.0, 6**0.5), "column 3, row 2"), (draw_map("1"), 0.0, "flow")],
    "basic.BinCount2D(3, 2)": [
        (MAP, (6.0, (6 / 21) ** 0.5), "error over the root of 21 entries"),
        (draw_map("0"), Reason.NO_DENOMINATOR, "no entries"),
    ],
    "basic.BinRatio2D(3, 2, 2, 1)": [
        (MAP, (3.0, 3 * (1 / 6 + 1 / 2) ** 0.5), "6 over 2"),
        (draw_map("1 0 1 / 1 1 1"), Reason.NO_DENOMINATOR, "0 below the line"),
    ],
    "basic.Bin2DRatio(3, 2)": [
        ((MAP, MAP), (1.0, (6 * 21) ** 0.5 / (6 * 21)), "each weighted with its entries"),
        ((MAP, draw_map("1")), Reason.NO_DENOMINATOR, "0 below the line"),
    ],
    "basic.AverageYwithXCut(0)": [
        ("0 1 2 3 4 5 6 7 | 4 6 1 1 1 1 9", (10 / 3, 0.0), "sixth bin is the last looked at: bins 0, 1 and 2"),
        ("0 1 2 | 4 6", Reason.NO_DENOMINATOR, "nothing is left below the cut"),
        (EMPTY, NOTHING, "nothing is filled"),
    ],
    # -- basic: against a reference
    "basic.Kolmogorov()": [
        ({"main": "0 1 2 | 5 5", "reference": "0 1 2 | 50 50"}, (1.0, 0.0), "one shape"),
        ({"main": "0 1 2 | 5 5", "reference": "0 1 3 | 5 5"}, Reason.NOT_APPLICABLE, "bins at other places"),
        ({"main": EMPTY, "reference": EMPTY}, NOTHING, "nothing to compare"),
    ],
    "basic.Chi2()": [
        ({"main": "0 1 2 | 6 4", "reference": "0 1 2 | 4 6"}, (0.8, 0.0), "(6 - 4)² / 10, twice"),
        ({"main": EMPTY, "reference": EMPTY}, NOTHING, "nothing to compare"),
    ],
    "basic.NormChi2()": [
        ({"main": "0 1 2 | 6 4", "reference": "0 1 2 | 4 6"}, (0.8, 0.0), "one degree of freedom"),
        ({"main": "0 1 | 6", "reference": "0 1 | 4"}, Reason.NO_DENOMINATOR, "no degree of freedom"),
    ],
    # -- fits
    "fits.Landau(0, 20., 60., (29., 2.))": [
        (LANDAU, 30.0, "the place"),
        (EMPTY, NOTHING, "nothing to fit"),
        ("0 10 20 30 | 1 2 3", Reason.FIT_FAILED, "no more bins than parameters"),
    ],
    "fits.LandauAroundMax(1, 0.8, 1.4, 40)": [
        (LANDAU, 3.0, "the width"),
        (EMPTY, NOTHING, "nothing to fit"),
    ],
    "fits.LandauAroundMax(0, 0.8, 1.4, 20)": [
        (LANDAU, Reason.OUT_OF_RANGE, "30 is not believed"),
        (EMPTY, NOTHING, "nothing to fit"),
    ],
    "fits.LandauTest(0, 20., 60., 0., 1., 1, (18.5, 1.9))": [
        (LANDAU, 30.0, "always in the first range"),
        (EMPTY, NOTHING, "nothing to fit"),
    ],
    "fits.LandauAroundMaxBin(2, 20.)": [(LANDAU, 1000.0, "the norm"), (EMPTY, NOTHING, "nothing to fit")],
    "fits.Gaussian(1, 20., 40., (29., 2., 900.))": [
        (GAUSS, 3.0, "the width"),
        (EMPTY, NOTHING, "nothing to fit"),
        (MAP, Reason.WRONG_CLASS, "maps are not fitted"),
    ],
    "fits.GauLand(0, 20., 60., (29.5, 2.8, 1., 1.6, 1.))": [
        (BOTH, 30.0, "the common place"),
        (EMPTY, NOTHING, "nothing to fit"),
    ],
    "fits.LanGau(1, 20., 60., 0.1, (2., 29., 1., 1.))": [
        (
            curve(lambda x: gauss(x, width=2.0) + landau(x, 31.0, 2.0, 500.0), 20.0, 60.0, 80),
            pytest.approx(30.1, abs=0.5),
            "near the common maximum",
        ),
        (EMPTY, NOTHING, "nothing to fit"),
    ],
    "fits.FlatLine(0, 0.2, 2.8, 0)": [
        ("0 1 2 3 4 | 10 20 15 99 | 1 2 1 1", ((10 + 5 + 15) / 2.25, 2.25**-0.5), "weighted mean of the bins in range"),
        ("0 1 2 | 10 0", Reason.FIT_FAILED, "one bin has an error: no degree of freedom"),
    ],
    "fits.FlatLineXcut(0, 0., 20., 1.)": [
        ("0 1 2 3 4 5 6 7 8 | 5 4 4 4 1 1 1 9", (4.0, (1 / 3) ** 0.5 * 2), "from 1 to the fourth bin"),
        (EMPTY, NOTHING, "nothing to fit"),
    ],
    # -- L1T
    "L1T_metrics.EffMean()": [
        ("0 1 2 3 | .5 .9 0 | .05 .09 0", (0.7, 0.7 / 200**0.5), "both bins weigh 100"),
        (EMPTY, NOTHING, "no efficiency"),
        ("0 1 2 | .5 .9 | .05 0", Reason.NO_DENOMINATOR, "a bin without error"),
    ],
    "L1T_metrics.EffVariance()": [
        ("0 1 2 | .5 .9 | .05 .09", (0.2, 0.7 * 0.7 / 200**0.5 / (2**0.5 * 0.2)), "0.2 to either side"),
        ("0 1 2 | .5 .5 | .05 .05", Reason.NO_DENOMINATOR, "no spread, no error"),
    ],
    "L1T_metrics.TurnOnCurveEffPoint(0.5)": [
        (TURN_ON, (28.33, 2.16), "a third of the way from 25 to 35"),
        ("0 1 2 3 | .9 .9 .9 | .1 .1 .1", Reason.NO_TURN_ON, "never below"),
        ("0 1 2 3 4 | .1 .9 .9 .9 | .01 .3 .1 .1", Reason.NO_TURN_ON, "too uncertain"),
    ],
    "L1T_metrics.TurnOnCurveHalfWidth()": [
        (TURN_ON, pytest.approx(13.33), "from 20 % at 20 to 80 % at 33.33"),
        ("0 1 2 3 | 0 0 0 | .1 .1 .1", Reason.NO_TURN_ON, "no rise"),
    ],
    "L1T_metrics.TurnOnPlateauEff()": [
        (
            "0 10 20 30 40 50 60 70 80 | 0 .1 .3 .9 .9 .9 .8 .8 | 1 .01 .01 .01 .01 .01 .01 .01",
            (17530 / 20900, 17530 / 20900 / 20900**0.5),
            "the bins from 54.99 on, weighted with (c / e)²",
        ),
        (STEEP, Reason.NO_TURN_ON, "20 and 80 % in one bin"),
    ],
    "L1T_metrics.TurnOnCurveRange()": [
        (TURN_ON, (20.0, 15.0), "from the last 0 at 5 to the last but two at 35"),
        ("0 1 2 3 4 | 0 1 1 1 | .1 .1 .1 .1", Reason.NO_TURN_ON, "a step"),
    ],
    "L1T_metrics.TauSavePlots()": [(TURN_ON, Reason.NOT_APPLICABLE, "never"), (EMPTY, Reason.NOT_APPLICABLE, "never")],
    # -- muons, HCAL
    "muon_metrics.NOutsideRange(1.2, 1.8)": [
        ("0 1 2 3 | 3 50 4 [9]", (7.0, 0.0), "without flow"),
        (EMPTY, (0.0, 0.0), "zero is a measurement"),
    ],
    "muon_metrics.MeanCh(1)": [(MAP, (1.5, 0.0), "6 over 3 + 1 bins"), (draw_map("0"), 0.0, "zero")],
    "hcal_metrics.RBXCountNonZeroChan('HBM01', (1, 2, 0))": [
        ((box((42, 71, 5), (42, 72, 1), (50, 1, 7)), box((42, 1, 3))), (3.0, 0.0), "two at depth 1, one at depth 2"),
        ((box(), box()), (0.0, 0.0), "a dead box counts 0"),
        ((box(),), Reason.INPUT_MISSING, "no map of the second depth"),
        ((MAP, MAP), Reason.WRONG_CLASS, "no map of the detector"),
    ],
    "hcal_metrics.RBXCountNonZeroChan('HO001', (1, 2, 0))": [
        ((box(), box()), Reason.NOT_APPLICABLE, "HO has depth 4 only"),
        ((box((42, 1, 1)), box()), Reason.NOT_APPLICABLE, "whatever the map"),
    ],
    "hcal_metrics.RBXMean('HBM01', (1, 2, 0))": [
        (
            (box((42, 71, 5), (42, 72, 1)), box((42, 1, 3))),
            (2.0, 0.0),
            "the cell of depth 2 adds the 0 of the main map",
        ),
        ((box(), box()), NOTHING, "no active cell"),
    ],
    "hcal.RBXMeanOfDepths('HBM01', (1, 2, 0))": [
        ((box((42, 71, 5), (42, 72, 1)), box((42, 1, 3))), (3.0, 0.0), "the cell of depth 2 adds its own 3"),
        ((box(), box()), NOTHING, "no active cell"),
    ],
    # -- our own
    "fractions.FractionInRange(0.9, 2.1)": [
        ("0 1 2 3 4 | 10 30 40 20", 0.3, "one bin has its centre inside"),
        (EMPTY, NOTHING, "no content"),
    ],
    "fractions.Asymmetry()": [
        (("0 1 2 | 10 20", "0 1 | 10"), (0.5, 2 * (100 * 30 + 900 * 10) ** 0.5 / 1600), "(30 - 10) / 40"),
        ((EMPTY, EMPTY), Reason.NO_DENOMINATOR, "both empty"),
    ],
    "fractions.LabelledBinCount('failed')": [
        (LABELS, (2.0, 2**0.5), "the second bin"),
        ("0 1 | 5", Reason.NOT_APPLICABLE, "no such label"),
    ],
    "fractions.LabelledBinFraction('passed', 'all')": [
        (LABELS, 0.8, "8 of 10"),
        ("0 1 | 5", Reason.NOT_APPLICABLE, "no such label"),
    ],
    "rate.EntriesPerLumisection()": [
        (("0 1 2 | 9 16", TEN_LUMISECTIONS), (12.5, 2.5), "25 entries in two lumisections"),
        (("0 1 | 9", EMPTY), Reason.NO_DENOMINATOR, "none was processed"),
    ],
    "rate.DigiPerClusterPixel()": [
        (("2 4 | 4", "0 2 | 4", "1 3 | 4"), (1.5, 0.0), "3 / (1 · 2)"),
        ((EMPTY, "0 2 | 4", "1 3 | 4"), NOTHING, "no digis"),
    ],
    "reference.MeanShift()": [
        ({"main": "0 1 2 | 1 0", "reference": "0 1 2 | 0 1"}, (-1.0, 0.0), "one bin further down"),
        ({"main": "0 1 2 | 1 0", "reference": "0 1 2 | 0 0"}, NOTHING, "an empty one has no mean"),
    ],
    "reference.Chi2PerFreedom()": [
        ({"main": "0 1 2 | 6 4", "reference": "0 1 2 | 4 6"}, (0.8, 2**0.5), "4/10 + 4/10 with one degree of freedom"),
        ({"main": "0 1 | 6", "reference": "0 1 | 4"}, Reason.NO_DENOMINATOR, "no degree of freedom"),
    ],
    "reference.KolmogorovDistance()": [
        ({"main": "0 1 2 3 | 1 1 2", "reference": "0 1 2 3 | 2 1 1"}, (0.25, 0.0), "a quarter apart"),
        ({"main": EMPTY, "reference": EMPTY}, NOTHING, "nothing to compare"),
    ],
    "reference.WassersteinDistance()": [
        ({"main": "0 1 2 3 | 1 0 0", "reference": "0 1 2 3 | 0 0 5"}, (2.0, 0.0), "all is moved by 2"),
        ({"main": EMPTY, "reference": EMPTY}, NOTHING, "nothing to move"),
    ],
    "robust.Median()": [
        ("0 1 2 3 | 1 2 1", (1.5, 0.25 / 0.5), "the middle of the middle bin"),
        (EMPTY, NOTHING, "no content"),
    ],
    "robust.InterquartileRange()": [
        ("0 1 2 3 4 | 1 1 1 1", (2.0, (0.25 * 16 / 4) ** 0.5), "from 1 to 3"),
        (EMPTY, NOTHING, "no content"),
    ],
    "robust.TrimmedMean(0.25)": [
        ("0 1 2 3 9 | 1 1 1 1", 2.0, "the outer bins are cut away"),
        (EMPTY, NOTHING, "no content"),
    ],
    "robust.GaussianCoreWidth(2.)": [
        (curve(lambda x: gauss(x) + 3, 20.0, 40.0, 80), pytest.approx(3.0, rel=0.02), "whatever lies below"),
        (EMPTY, NOTHING, "no content"),
    ],
    "peak.LandauAroundHighestBin(0, 20.)": [
        (LANDAU, pytest.approx(1000.0, rel=1e-6), "the norm comes first, as in ROOT's own function"),
        (EMPTY, NOTHING, "nothing to fit"),
        (MAP, Reason.WRONG_CLASS, "maps are not fitted"),
    ],
    "peak.LandauAroundHighestBin(1, 20.)": [
        (LANDAU, pytest.approx(30.0, rel=1e-6), "then the place"),
        ("0 1 2 3 4 5 6 | 3 3 3 3 4 4 | .1 .1 .1 .1 .1 .1", Reason.FIT_FAILED, "no peak: the width ends on its limit"),
        ("0 1 2 3 | 1 2 1", Reason.FIT_FAILED, "no more bins than parameters"),
        ("0 1 2 3 4 5 | -3 -2 -1 -2 -3 | 1 1 1 1 1", NOTHING, "nothing is above zero"),
    ],
    "shape.HighestBinPosition()": [
        ("0 1 2 3 | 1 5 5", (1.5, 1 / 12**0.5), "the first of the highest bins"),
        (EMPTY, NOTHING, "none is highest"),
    ],
    "shape.HighestBinHeight()": [(MAP, (6.0, 6**0.5), "of a map too"), (EMPTY, NOTHING, "none is highest")],
    "shape.MeanOfBins()": [(MAP, (3.5, 21**0.5 / 6), "21 over 6"), (draw_map("0"), (0.0, 0.0), "zero")],
    "shape.MeanOfNonNegativeBins()": [
        ("0 1 2 3 | 3 -5 3", (3.0, 6**0.5 / 2), "the negative bin is left out"),
        ("0 1 | -5", NOTHING, "all are negative"),
    ],
    "shape.MeanOfRow(1)": [(MAP, (2.0, 6**0.5 / 3), "the lowest row"), ("0 1 | 1", Reason.WRONG_CLASS, "no map")],
    "shape.MeanOfColumns(1, 2)": [
        (MAP, (3.0, 12**0.5 / 4), "both columns"),
        (draw_map("1"), Reason.NOT_APPLICABLE, "there is no second column"),
    ],
    "shape.BinsBeyondSigma(5.)": [
        ("0 1 2 3 4 5 | 10 11 9 10 99", (1.0, 0.0), "one hot channel"),
        (EMPTY, (0.0, 0.0), "all alike"),
    ],
    "turn_on.TurnOnPoint(0.5)": [
        (TURN_ON, pytest.approx(25 + 10 / 3), "a third of the way from 25 to 35"),
        ("0 1 2 3 | .9 .9 .9 | .1 .1 .1", Reason.NO_TURN_ON, "never below"),
    ],
    "turn_on.TurnOnWidth(0.2, 0.8)": [
        (TURN_ON, (40 / 3, WIDTH_ERROR), "from 20 % at 20 to 80 % at 33.33"),
        ("0 1 2 3 4 | .5 .9 .1 .3 | .01 .01 .01 .01", Reason.NO_TURN_ON, "never rises through 20 % in time"),
        ("0 1 2 3 4 5 6 | .5 .9 .1 .3 .3 .3 | .01 .01 .01 .01 .01 .01", Reason.NO_TURN_ON, "80 % before 20 %"),
    ],
}

CASES = [
    pytest.param(expression, inputs, answer, id=f"{expression} {why}")
    for expression, lines in SPEC.items()
    for inputs, answer, why in lines
]


def as_elements(inputs):
    """Role → histogram."""
    if not isinstance(inputs, dict):
        inputs = inputs if isinstance(inputs, tuple) else (inputs,)
        inputs = dict(zip(("main", "histo1", "histo2"), inputs, strict=False))
    return {role: draw_hist(one, name=role) if isinstance(one, str) else one for role, one in inputs.items()}


def measured(expression, inputs):
    """The outcome of an expression, by the same way as in production."""
    elements = as_elements(inputs)
    alternative = Alternative(parse_metric(expression), {role: (role,) for role in elements})
    return evaluate(Trend("Spec", "case", (alternative,), "y"), elements)


@pytest.mark.parametrize(("expression", "inputs", "answer"), CASES)
def test_spec(expression, inputs, answer):
    outcome = measured(expression, inputs)

    if isinstance(answer, Reason):
        assert outcome.reason is answer, outcome
        assert outcome.measurement is None
        return
    assert outcome.reason is Reason.OK, outcome
    value, *error = answer if isinstance(answer, tuple) else (answer,)
    assert outcome.measurement.value == near(expression, value)
    for one in error:
        assert outcome.measurement.error == near(expression, one)


def near(expression, number):
    if not isinstance(number, int | float):
        return number
    return pytest.approx(number, rel=1e-4 if expression.startswith("fits.") else 1e-9, abs=1e-12)


def test_every_metric_has_a_spec():
    """Two cases at least."""
    drawn = {parse_metric(expression).name: len(lines) for expression, lines in SPEC.items()}

    assert set(METRICS) == set(drawn)
    assert min(drawn.values()) >= 2
