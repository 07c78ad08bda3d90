"""Writes a DQM file of tens of thousands of histograms around those of another one. Needs PyROOT.

    python tests/benchmarks/make_big_file.py FROM TO [HISTOGRAMS]

Half of the additional ones (100 bins, 1 kB each on disk) lie in the folders of FROM, which makes their lists of keys
long, half in folders of their own.
"""

import os
import sys

import ROOT

ROOT.TH1.AddDirectory(False)  # noqa: FBT003 -- ROOT's signature


def folders(folder, path=""):
    """Every folder that has objects, as (path, names and objects)."""
    objects = []
    for key in folder.GetListOfKeys():
        item = key.ReadObj()
        if item.InheritsFrom("TDirectory"):
            yield from folders(item, f"{path}/{key.GetName()}" if path else key.GetName())
        else:
            objects.append((key.GetName(), item))
    if objects:
        yield path, objects


def noise(name, random):
    """A histogram that does not compress well."""
    histogram = ROOT.TH1F(name, name, 100, 0, 1)
    histogram.Sumw2()
    for number in range(1, 101):
        histogram.SetBinContent(number, random.Gaus(1000, 300))
        histogram.SetBinError(number, random.Uniform(1, 30))
    return histogram


def main():
    source, target = ROOT.TFile.Open(sys.argv[1]), ROOT.TFile(sys.argv[2], "RECREATE", "", 101)
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 59_000
    content = list(folders(source))
    random = ROOT.TRandom3(1)
    run = content[0][0].split("/")[1]
    each = count // 2 // len(content)
    for path, objects in content:
        folder = target.mkdir(path, "", True)  # noqa: FBT003 -- ROOT's signature
        for number in range(each):
            folder.WriteTObject(noise(f"noise {number}", random), f"noise {number}")
        for name, item in objects:
            folder.WriteTObject(item, name)
    for number in range(count - each * len(content)):
        if number % 200 == 0:
            path = f"DQMData/{run}/Noise/Run summary/Folder{number // 200}"
            folder = target.mkdir(path, "", True)  # noqa: FBT003 -- dito
        folder.WriteTObject(noise(f"noise {number}", random), f"noise {number}")
    target.Close()
    sys.stdout.write(f"{sys.argv[2]}: {os.path.getsize(sys.argv[2]) / 1e6:.0f} MB\n")  # noqa: PTH202 -- ROOT takes a str
    sys.stdout.flush()
    os._exit(0)  # ROOT's own taking down of Python's objects may abort


if __name__ == "__main__":
    main()
