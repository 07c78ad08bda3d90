"""The same fits under ROOT, recipe by recipe; run by a Python that has PyROOT.

python root_side.py JOBS.json ANSWERS.json
"""

import ctypes
import json
import math
import sys
from array import array
from pathlib import Path

import ROOT
import root_turn_ons

ROOT.gROOT.SetBatch(True)  # noqa: FBT003 - ROOT's signature
ROOT.TH1.AddDirectory(False)  # noqa: FBT003 - dito
ROOT.gErrorIgnoreLevel = ROOT.kFatal
ROOT.gInterpreter.Declare("""
double smeared_landau(double *v, double *p) {
    double x = v[0], shifted = p[1] - 2.931 * 0.22278298 * p[0], sum = 0;
    double low = x - 5. * p[3], high = x + 5. * p[3], step = (high - low) / 100;
    for (double i = 1; i <= 50; i++) {
        double u = low + (i - .5) * step;
        sum += TMath::Landau(u, shifted, p[0]) / p[0] * TMath::Gaus(x, u, p[3]);
        u = high - (i - .5) * step;
        sum += TMath::Landau(u, shifted, p[0]) / p[0] * TMath::Gaus(x, u, p[3]);
    }
    return p[2] * step * sum * 0.3989422804014 / p[3];
}
TF1 *make_smeared(double low, double high) { return new TF1("smeared", smeared_landau, low, high, 4); }
""")
LANDAU = "[2]*TMath::Landau(x,[0],[1],0)"
GAUSS = "[2]*exp(-0.5*((x-[0])/[1])**2)"
BOTH = "[2]*TMath::Landau(x,[0],[1],0)+[4]*exp(-0.5*((x-[0])/[3])**2)"


def histogram(job):
    cls = getattr(ROOT, job["class"])
    hist = cls("h", "", job["n"], job["low"], job["high"])
    for number, content in enumerate(job["cells"]):
        hist.SetBinContent(number, content)
    if job["sumw2"] is not None:
        for number, square in enumerate(job["sumw2"]):
            hist.SetBinError(number, square**0.5)
    hist.SetEntries(job["entries"])
    return hist


def repeated(hist, function, times):
    last = None
    for _ in range(times):
        last = hist.Fit(function, "QORS")
    return last


def curve(formula, start, low, high):
    function = ROOT.TF1("curve", formula, low, high)
    function.SetParameters(*map(float, start))
    return function


def around_max(hist, low_share, high_share):
    top = hist.GetMaximumBin()
    other = top - 1 if hist.GetBinContent(top - 1) > hist.GetBinContent(top + 1) else top + 1
    middle = (hist.GetBinCenter(top) + hist.GetBinCenter(other)) / 2
    return curve(LANDAU, (middle, middle / 10, hist.GetMaximum()), middle * low_share, middle * high_share)


def landau(hist, a):
    return thrice(hist, curve(LANDAU, (*a[3], 0.0)[:3], a[1], a[2]), a)


def landau_around_max(hist, a):
    return thrice(hist, around_max(hist, a[1], a[2]), a)


def landau_test(hist, a):
    place, width, norm = a[6]
    return thrice(hist, curve(LANDAU, (place * 1.58, width * 1.58, norm), a[1], a[2]), a)


def landau_around_max_bin(hist, a):
    function = around_max(hist, 0.8, 1.4)
    repeated(hist, function, 3)
    highest = hist.GetBinCenter(hist.GetMaximumBin())
    function.SetRange(highest - a[1], highest + a[1])
    return thrice(hist, function, a)


def landau_around_highest_bin(hist, a):
    function = ROOT.gROOT.GetFunction("landau")
    function.SetParErrors(array("d", [0.0, 0.0, 0.0]))  # as in a process that has fitted nothing yet
    function.SetParLimits(2, 0.0, 0.0)  # without a start, as where the sum of all bins is negative, they stay so
    highest = hist.GetBinCenter(hist.GetMaximumBin())
    for _ in range(3):
        last = hist.Fit("landau", "QORS", "", highest - a[1], highest + a[1])
    return function, last, a[0]


def is_free(function):
    """Whether ROOT's own function knew where to start, and its width ended on no limit."""
    low, high = ctypes.c_double(), ctypes.c_double()
    function.GetParLimits(2, low, high)
    width = function.GetParameter(2)
    return min(width - low.value, high.value - width) > 1e-4 * high.value


def landau_and_gauss(hist, a):
    half = hist.GetMaximum() / 2
    place, width, _, spread, _ = a[3]
    return thrice(hist, curve(BOTH, (place, width, half, spread, half), a[1], a[2]), a)


def thrice(hist, function, a):
    return function, repeated(hist, function, 3), a[0]


def gauss(hist, a):
    function = curve(GAUSS, a[3], a[1], a[2])
    return function, repeated(hist, function, 1), a[0]


def flat_line(hist, a):
    function = curve("[0]", (a[3],), a[1], a[2])
    return function, repeated(hist, function, 1), 0


def flat_line_cut(hist, a):
    filled = [number for number in range(hist.GetNbinsX()) if hist.GetBinContent(number) > 0]
    function = curve("[0]", (a[3],), 1.0, hist.GetBinCenter((filled[-1] if filled else 0) - 3))
    return function, repeated(hist, function, 1), 0


def smeared(hist, a):
    desired, low, high, control, defaults = a
    if hist.GetEntries() < 150:
        hist.Rebin(2)
    highest = hist.GetBinCenter(hist.GetMaximumBin())
    start = list(defaults)
    start[1] = highest if highest > low else start[1]
    start[2] = hist.Integral()
    function = ROOT.make_smeared(low, high)
    function.SetParameters(*start)
    last = repeated(hist, function, 3)
    for number in range(1, 6):
        if function.GetParameter(0) >= control and function.GetParameter(1) >= low:
            break
        function.SetParameters(start[0], start[1], start[2] * (5 + number) / 5, start[3])
        function.SetRange(low - 2, high)
        last = repeated(hist, function, 3)
    function.SetRange(low, high)
    return function, last, desired


RECIPES = {
    "Landau": landau,
    "LandauAroundMax": landau_around_max,
    "LandauTest": landau_test,
    "LandauAroundMaxBin": landau_around_max_bin,
    "LandauAroundHighestBin": landau_around_highest_bin,
    "GauLand": landau_and_gauss,
    "Gaussian": gauss,
    "FlatLine": flat_line,
    "FlatLineXcut": flat_line_cut,
    "LanGau": smeared,
}


def answer(job):
    return {name: fitted(name, histogram(job), arguments) for name, arguments in job["calls"].items()}


def fitted(name, hist, arguments):
    """Did the fit converge, to numbers, with degrees of freedom left; value, error, least χ², and ROOT's status."""
    if name in root_turn_ons.RECIPES:
        return root_turn_ons.answer(name, hist, arguments)
    function, result, desired = RECIPES[name](hist, arguments)
    good = bool(result.Get()) and result.IsValid() and result.Ndf() > 0
    good = good and (name != "LandauAroundHighestBin" or is_free(function))
    value = function.GetMaximumX() if name == "LanGau" else function.GetParameter(desired)
    error = function.GetParError(desired)
    chi2 = result.MinFcnValue() if result.Get() else None
    return [good and math.isfinite(value) and math.isfinite(error), value, error, chi2, int(result)]


def main():
    jobs = json.loads(Path(sys.argv[1]).read_text())
    Path(sys.argv[2]).write_text(json.dumps([answer(job) for job in jobs]))


if __name__ == "__main__":
    main()
