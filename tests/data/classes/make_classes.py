"""Writes the DQM files of this folder with ROOT itself, and beside them what ROOT says of each histogram.

Every class of histogram that ROOT can make, with all that makes reading hard: labels, ranges, variable bins, weights,
functions, contours, long and odd titles, pointers to the histogram. One file for each compression of ROOT.

    python make_classes.py FOLDER        with a Python that has PyROOT (these: ROOT 6.40)
"""

import array
import itertools
import json
import os
import sys

import ROOT

ROOT.TH1.AddDirectory(False)  # noqa: FBT003 -- ROOT's signature
RUN = 7
COMPRESSIONS = {"zlib": 101, "lzma": 207, "deflate": 301, "lz4": 404, "zstd": 505, "none": 0}
SHAPES = {1: (12, 0.0, 6.0), 2: (5, 0.0, 5.0, 4, -1.0, 1.0), 3: (4, 0.0, 4.0, 3, -1.0, 1.0, 2, 10.0, 20.0)}
SPREAD = ((3, 2), (0, 0.7), (15, 4))
LEFT_TO_ROOT = []


def filled(histogram, extra=0, weight=None):
    """Some fills, a few of them outside."""
    dimension = histogram.GetDimension()
    for _ in range(150):
        place = [ROOT.gRandom.Gaus(*SPREAD[axis]) for axis in range(dimension)]
        place += [ROOT.gRandom.Gaus(5, 2)] * extra
        histogram.Fill(*place, *([ROOT.gRandom.Uniform(0.5, 2)] if weight else []))
    return histogram


def plain():
    """All classes."""
    for dimension, kind in itertools.product("123", "CSILFD"):
        name = f"TH{dimension}{kind}"
        yield filled(getattr(ROOT, name)(name, f"title of {name};x;y;z", *SHAPES[int(dimension)]))
    for option in ("", "s", "i", "g"):
        yield filled(ROOT.TProfile(f"TProfile_{option}", "", *SHAPES[1], option), 1)
    yield filled(ROOT.TProfile2D("TProfile2D", "", *SHAPES[2], "s"), 1)
    yield filled(ROOT.TProfile3D("TProfile3D", "", *SHAPES[3]), 1)
    weighted = ROOT.TProfile2D("TProfile2D_weighted", "", *SHAPES[2])
    weighted.Sumw2()
    yield filled(weighted, 1, weight=True)


def awkward():
    """Histograms with something about them."""
    weighted = ROOT.TH2F("weighted", "", *SHAPES[2])
    weighted.Sumw2()
    yield filled(weighted, weight=True)
    yield ROOT.TH1F("never_filled", "", *SHAPES[1])
    variable = ROOT.TH1D("variable", "", 3, array.array("d", [0, 1, 3, 10]))
    yield filled(variable)
    ranged = filled(ROOT.TH2D("ranged", "", *SHAPES[2]))
    ranged.GetXaxis().SetRange(2, 4)
    ranged.GetYaxis().SetRange(0, 2)
    yield ranged
    limited = filled(ROOT.TH1I("limited", "", *SHAPES[1]))
    limited.SetMaximum(7)
    limited.SetMinimum(-2)
    yield limited
    for name, second in (("labels", 3), ("labels_twice", 1)):
        labels = filled(ROOT.TH2F(name, "", *SHAPES[2]))
        for number, text in ((1, "first"), (second, "zweite Größe"), (5, "x" * 300)):
            labels.GetXaxis().SetBinLabel(number, text)
        labels.GetYaxis().SetBinLabel(2, "first")
        yield labels
    growing = ROOT.TH1F("growing", "", 3, 0, 3)
    for text in "abcabdee":
        growing.Fill(text, 1)
    yield growing
    decorated = filled(ROOT.TH1F("decorated", "t" * 254 + ";" + "x" * 255, *SHAPES[1]))
    function = ROOT.TF1("f", "gaus", 0, 6)
    function.SetParameters(1, 3, 2)
    decorated.GetListOfFunctions().Add(function)
    decorated.SetContour(4)
    decorated.SetOption("colz")
    decorated.GetXaxis().SetTimeDisplay(1)
    decorated.GetXaxis().SetTimeFormat("%d.%m.%y")
    decorated.GetXaxis().ChangeLabel(2, 30, -1, -1, -1, -1, "changed")
    LEFT_TO_ROOT.append(function)
    yield decorated
    pointed_at = filled(ROOT.TH1D("pointed_at", "Größe in µm", *SHAPES[1]))
    LEFT_TO_ROOT.append(ROOT.TRef(pointed_at))
    yield pointed_at


def facts(histogram):
    """What ROOT says of a histogram."""
    stats = array.array("d", [0.0] * 13)
    histogram.GetStats(stats)
    axes = [getattr(histogram, f"Get{name}axis")() for name in "XYZ"[: histogram.GetDimension()]]
    cells = range(histogram.GetNcells())
    return {
        "class": histogram.ClassName(),
        "title": histogram.GetTitle(),
        "entries": histogram.GetEntries(),
        "stats": list(stats),
        "contents": [histogram.GetBinContent(cell) for cell in cells],
        "errors": [histogram.GetBinError(cell) for cell in cells],
        "means": [histogram.GetMean(axis + 1) for axis in range(len(axes))],
        "deviations": [histogram.GetRMS(axis + 1) for axis in range(len(axes))],
        "maximum": histogram.GetMaximumStored(),
        "minimum": histogram.GetMinimumStored(),
        "axes": [
            {
                "edges": [axis.GetBinLowEdge(number) for number in range(1, axis.GetNbins() + 2)],
                "labels": {n: t for n in range(1, axis.GetNbins() + 1) if (t := axis.GetBinLabel(n))},
                "first": axis.GetFirst(),
                "last": axis.GetLast(),
                "ranged": bool(axis.TestBit(ROOT.TAxis.kAxisRange)),
                "extendable": bool(axis.CanExtend() or axis.IsAlphanumeric()),
                "title": axis.GetTitle(),
            }
            for axis in axes
        ],
    }


def write(path, compression):
    """One file; gives what ROOT says of what is in it."""
    ROOT.gRandom.SetSeed(1)
    file = ROOT.TFile(path, "RECREATE", "", compression)
    folder = file.mkdir(f"DQMData/Run {RUN}/Classes/Run summary/All")
    folder.WriteTObject(ROOT.TH1F("TH1F", "an older cycle", 1, 0, 1), "TH1F")
    said = {}
    for histogram in itertools.chain(plain(), awkward()):
        said[histogram.GetName()] = facts(histogram)
        folder.WriteTObject(histogram, histogram.GetName())
    folder.WriteTObject(ROOT.TH2Poly("TH2Poly", "", 0.0, 2.0, 0.0, 2.0), "TH2Poly")
    folder.WriteTObject(ROOT.TEfficiency("TEfficiency", "", 10, 0, 1), "TEfficiency")
    for text in (
        "<whole>i=-5</whole>",
        "<part>f=0.25</part>",
        "<words>s=two; words / and a slash</words>",
        "<TH1F.Test>qr=st.100.0.Test:all is well</TH1F.Test>",
        "<TH1F>e=1</TH1F>",
        "<long>s=" + "x" * 400 + "</long>",
        "<no_number>i=five</no_number>",
    ):
        folder.WriteTObject(ROOT.TObjString(text), text)
    file.Close()
    return said


def main():
    folder = sys.argv[1]
    for name, compression in COMPRESSIONS.items():
        path = os.path.join(folder, f"DQM_V0001_R{RUN:09d}__Classes__Made2024-{name}-v1__DQMIO.root")  # noqa: PTH118 -- ROOT wants a str
        said = write(path, compression)
    with open(os.path.join(folder, "root.json"), "w") as file:  # noqa: PTH118, PTH123 -- dito
        json.dump(said, file, indent=0, ensure_ascii=False)
        file.write("\n")
    sys.stdout.flush()
    os._exit(0)  # ROOT's own taking down of Python's objects may abort


if __name__ == "__main__":
    main()
