"""The baseline of ``bench_reduce.py``: elements read by path, metrics by ROOT's methods, as the predecessor did.

Run by a Python that has PyROOT:

    python reduce_with_root.py FILE JOBS.json REPEAT

A job is [class, arguments, path, path of histo1 or None, path of histo2 or None]; ``boxes`` of the jobs are the cells
of the hadron calorimeter's boxes. Prints the times of each repetition, read and reduced, and the last values.
"""

import json
import os
import sys
import time
from pathlib import Path

import ROOT

sys.path.insert(0, str(Path(__file__).parents[1] / "fits"))
import root_side
import root_turn_ons


def number_of(hist, place):
    return hist.GetXaxis().FindBin(place) if isinstance(place, str) else place


def bins(hist):
    return [hist.GetBinContent(x, y) for x in range(1, hist.GetNbinsX() + 1) for y in range(1, hist.GetNbinsY() + 1)]


def mean_of_filled(cells):
    filled = [cell for cell in cells if cell]
    return sum(filled) / len(filled) if filled else 0.0


def efficiency(hist, misses):
    hits = hist.GetMean() * hist.GetEntries()
    return hits / (hits + misses.GetMean() * misses.GetEntries())


def digis_per_cluster(hist, one, two):
    axis = 3 if "2" in hist.ClassName() else 1
    hist.GetMeanError()
    return hist.GetMean(axis) / (one.GetMean(axis) * two.GetMean(axis))


def columns(hist, module):
    sides = [number + column for column in [4 - module] for number in (1, hist.GetNbinsX() - 2 * column)]
    return [hist.GetBinContent(x, y) for x in sides for y in range(1, hist.GetNbinsY() + 1)]


def noisy(hist, share, norm, *_):
    threshold = share * hist.GetMaximum()
    return 100 * sum(cell > threshold for cell in bins(hist)) / norm


def from_place(hist, start):
    return sum(hist.GetBinContent(number) for number in range(hist.FindBin(start), hist.GetNbinsX() + 1))


def inside(hist, low, high):
    return hist.Integral(hist.FindBin(low), hist.FindBin(high))


def rate(hist, lumisections, start):
    filled = sum(lumisections.GetBinContent(number) > 0 for number in range(1, lumisections.GetNbinsX() + 1))
    return from_place(hist, start) / (23 * filled)


def positive(hist, first, last):
    cells = [hist.GetBinContent(x, y) for x in range(first, last) for y in range(1, hist.GetNbinsY() + 1)]
    return sum(cell for cell in cells if cell >= 0) / len(cells)


def excursion(hist):
    top, bottom = hist.GetMaximumBin(), hist.GetMinimumBin()
    hist.GetBinError(top), hist.GetBinError(bottom)
    return hist.GetBinContent(top) - hist.GetBinContent(bottom)


def with_error(value, error):
    error()
    return value()


SIMPLE = {
    "Mean": lambda h, *_: with_error(h.GetMean, h.GetMeanError),
    "RMSXAxis": lambda h, *_: with_error(h.GetRMS, h.GetRMSError),
    "StdDev": lambda h, *_: with_error(h.GetStdDev, h.GetStdDevError),
    "MeanZAxis": lambda h, *_: (h.GetMean(3), h.GetMeanError(3))[0],
    "Count": lambda h, *_: h.GetEntries(),
    "MeanY": lambda h, *_: h.GetSumOfWeights() / h.GetEntries(),
    "MaxBin": lambda h, *_: h.GetBinCenter(h.GetMaximumBin()),
    "MaxExcursion": lambda h, *_: excursion(h),
    "RecoFraction": lambda h, one, _, place, *__: h.GetBinContent(number_of(h, place)) / one.GetEntries(),
    "PixelEfficiency": lambda h, one, _: efficiency(h, one),
    "PixelDigiPerClusterPix": digis_per_cluster,
    "ProfileMean": lambda h, *_: mean_of_filled(bins(h)),
    "ProfileMeanBPixModules": lambda h, _, __, module: mean_of_filled(columns(h, module)),
    "BinCount": lambda h, _, __, place, *___: h.GetBinContent(number_of(h, place)),
    "ROCfraction": lambda h, _, __, place, total, *___: 100 * h.GetBinContent(number_of(h, place)) / total,
    "FED25ErrorFraction": lambda h, _, __, *a: noisy(h, *a),
    "StripBadComponent": lambda h, _, __, xs, y, norm: 100 * sum(h.GetBinContent(x, y) for x in xs) / norm,
    "EntriesCount": lambda h, _, __, start: from_place(h, start),
    "EntriesRate": lambda h, one, _, start: rate(h, one, start),
    "BinsCount": lambda h, _, __, start: sum(h.GetBinContent(x) for x in range(start, h.GetNbinsX() + 1)),
    "Fraction": lambda h, _, __, *a: inside(h, *a) / h.GetEntries(),
    "Fraction1": lambda h, _, __, *a: 1 - inside(h, *a) / h.Integral(0, h.GetSize()),
    "Ratio1": lambda h, _, __, *a: h.Integral(0, h.GetSize()) / inside(h, *a) - 1,
    "FractionInBinArray": lambda h, _, __, a, b: sum(map(h.GetBinContent, a)) / sum(map(h.GetBinContent, b)),
    "MeanPosOnly": lambda h, *_: positive(h, 1, h.GetNbinsX() + 1),
    "MeanXRange": lambda h, _, __, first, last: positive(h, first, last),
    "NOutsideRange": lambda h, _, __, *a: h.Integral() - inside(h, *a),
}


def box(kind, hists, cells, depths):
    """The cells of a box one by one, as the predecessor asked for them."""
    total, number = 0.0, 0
    for x, y, depth in cells:
        for one, wanted in zip(hists, depths, strict=True):
            if depth == wanted and one and one.GetBinContent(x, y) != 0:
                total, number = total + hists[0].GetBinContent(x, y), number + 1
                break
    return number if kind == "RBXCountNonZeroChan" else total / number


def value(job, hists, boxes):
    name, arguments = job[0], job[1]
    if name in ("RBXMean", "RBXCountNonZeroChan"):
        return box(name, hists, boxes[arguments[0]], arguments[1])
    if name in root_turn_ons.RECIPES:
        return root_turn_ons.answer(name, hists[0], arguments)[1]
    if name in root_side.RECIPES:
        function, _, desired = root_side.RECIPES[name](hists[0], arguments)
        function.GetParError(desired)
        return function.GetParameter(desired)
    return SIMPLE[name](*hists, *arguments)


def once(path, jobs, boxes):
    began = time.process_time(), time.perf_counter()
    file = ROOT.TFile.Open(path)
    run = file.Get("DQMData").GetListOfKeys()[0].GetName()
    found = {}
    for element in dict.fromkeys(path for job in jobs for path in job[2:] if path):
        subsystem, _, rest = element.partition("/")
        found[element] = file.Get(f"DQMData/{run}/{subsystem}/Run summary/{rest}") or None
    was_read = time.process_time(), time.perf_counter()
    values = []
    for job in jobs:
        try:
            values.append(value(job, [found.get(path) for path in job[2:]], boxes))
        except (
            ZeroDivisionError,
            AttributeError,
            ReferenceError,
            TypeError,
        ):  # nothing there, as the predecessor met it
            values.append(None)
    ended = time.process_time(), time.perf_counter()
    found.clear()
    file.Close()
    return [was_read[0] - began[0], ended[0] - was_read[0], ended[1] - began[1]], values


def main():
    path, asked, repeat = sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), int(sys.argv[3])
    times = []
    for _ in range(repeat):
        spent, values = once(path, asked["jobs"], asked["boxes"])
        times.append(spent)
    sys.stdout.write(json.dumps([times, [one if one == one else None for one in values]]) + "\n")  # noqa: PLR0124 - NaN
    sys.stdout.flush()
    os._exit(0)  # ROOT's own taking down of Python's objects may abort


main()
