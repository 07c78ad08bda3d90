"""What ROOT says of every histogram of a file, one JSON object a line: run by a Python that has PyROOT.

python read_with_root.py FILE
"""

import json
import os
import sys

import ROOT


def histograms(folder, path=()):
    for key in folder.GetListOfKeys():
        if key.GetClassName().startswith("TDirectory"):
            yield from histograms(key.ReadObj(), (*path, key.GetName()))
        elif key.GetClassName().startswith(("TH1", "TH2", "TH3", "TProfile")) and key.GetClassName() != "TH2Poly":
            yield (*path, key.GetName()), key.GetCycle(), key.ReadObj()


def facts(histogram):
    cells = range(histogram.GetNcells())
    axes = range(1, histogram.GetDimension() + 1)
    return {
        "class": histogram.ClassName(),
        "entries": histogram.GetEntries(),
        "contents": [histogram.GetBinContent(cell) for cell in cells],
        "errors": [histogram.GetBinError(cell) for cell in cells],
        "means": [histogram.GetMean(axis) for axis in axes],
        "deviations": [histogram.GetRMS(axis) for axis in axes],
    }


def main():
    ROOT.TH1.AddDirectory(False)  # noqa: FBT003 -- ROOT's signature
    file = ROOT.TFile.Open(sys.argv[1])
    for (top, run, subsystem, summary, *rest), cycle, histogram in histograms(file):
        place = {"element": "/".join([subsystem, *rest]), "cycle": cycle, "folders": [top, run, summary]}
        sys.stdout.write(json.dumps(place | facts(histogram)) + "\n")
    sys.stdout.flush()
    os._exit(0)  # ROOT's own taking down of Python's objects may abort


if __name__ == "__main__":
    main()
