"""Random histograms of every class, awkward on purpose, and what ROOT says of them; run by a Python that has PyROOT.

python statistics_with_root.py FILE.root    writes the file, and one JSON object a histogram to the standard output
"""

import json
import random
import sys

import ROOT

ROOT.TH1.AddDirectory(False)  # noqa: FBT003 - ROOT's signature
RUN = 366001
CLASSES = [f"TH{dimension}{kind}" for dimension in (1, 2, 3) for kind in "SIFD"] + ["TProfile", "TProfile2D"]


def binning(cls):
    dimension = int(cls[2]) if cls.startswith("TH") else 2 if cls.endswith("2D") else 1
    return [(random.randint(2, 9), random.choice((0.0, -3.0)), random.choice((7.0, 40.0))) for _ in range(dimension)]


def made(cls, name):
    axes = binning(cls)
    flat = [number for axis in axes for number in axis]
    if cls.startswith("TProfile"):
        hist = getattr(ROOT, cls)(name, "", *flat, random.choice(("", "s", "i", "g")))
    else:
        hist = getattr(ROOT, cls)(name, "", *flat)
        if random.random() < 0.4:
            hist.Sumw2()
    fill(hist, axes, cls)
    for axis in (hist.GetXaxis(), hist.GetYaxis(), hist.GetZaxis())[: len(axes)]:
        if random.random() < 0.25:
            first = random.randint(1, axis.GetNbins())
            axis.SetRange(first, random.randint(first, axis.GetNbins()))
    if random.random() < 0.2:
        for number in range(1, hist.GetNbinsX() + 1):
            hist.GetXaxis().SetBinLabel(number, f"label{number}")
    if random.random() < 0.3:
        hist.SetStatOverflows(random.choice((ROOT.TH1.kIgnore, ROOT.TH1.kConsider, ROOT.TH1.kConsider)))
    if random.random() < 0.2:
        hist.SetMaximum(random.uniform(1, 9))
    return hist


def fill(hist, axes, cls):
    if random.random() < 0.1:
        return
    profile = cls.startswith("TProfile")
    if random.random() < 0.4 and not profile:
        for cell in range(hist.GetNcells()):
            hist.SetBinContent(cell, random.randint(-3, 20))
        return
    for _ in range(random.randint(1, 300)):
        place = [random.uniform(low - 1, high + 1) for _, low, high in axes]
        quantity = [random.gauss(5, 2)] if profile else []
        weight = [random.uniform(0.2, 3)] if hist.GetSumw2N() or profile else []
        hist.Fill(*place, *quantity, *weight)


def facts(hist):
    cells = range(hist.GetNcells())
    axes = range(1, hist.GetDimension() + 1 + hist.ClassName().startswith("TProfile"))
    return {
        "contents": [hist.GetBinContent(cell) for cell in cells],
        "errors": [hist.GetBinError(cell) for cell in cells],
        "means": [hist.GetMean(axis) for axis in axes],
        "mean_errors": [hist.GetMeanError(axis) for axis in axes],
        "deviations": [hist.GetStdDev(axis) for axis in axes],
        "deviation_errors": [hist.GetStdDevError(axis) for axis in axes],
        "effective_entries": hist.GetEffectiveEntries(),
        "integral": hist.Integral(),
        "sum_of_weights": hist.GetSumOfWeights(),
        "maximum": hist.GetMaximum(),
        "maximum_bin": hist.GetMaximumBin(),
        "minimum_bin": hist.GetMinimumBin(),
    }


def main():
    random.seed(int(sys.argv[2]))
    file = ROOT.TFile(sys.argv[1], "RECREATE")
    folder = file.mkdir(f"DQMData/Run {RUN}/Any/Run summary")
    for number in range(int(sys.argv[3])):
        cls = random.choice(CLASSES)
        hist = made(cls, f"{cls}_{number}")
        folder.WriteTObject(hist, hist.GetName())
        sys.stdout.write(json.dumps({"element": f"Any/{hist.GetName()}"} | facts(hist)) + "\n")
    file.Close()
    sys.stdout.flush()


main()
