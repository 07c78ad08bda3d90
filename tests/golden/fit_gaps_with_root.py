"""What ROOT says of fits of elements of a file: run by a Python that has PyROOT.

python fit_gaps_with_root.py JOBS.json    each job a path of a file, an element, a fit and its arguments
"""

import json
import os
import sys
from pathlib import Path

import ROOT

sys.path.insert(0, str(Path(__file__).parents[1] / "fits"))
from root_side import fitted


def histogram(file, element):
    run = file.Get("DQMData").GetListOfKeys()[0].GetName()
    subsystem, _, rest = element.partition("/")
    return file.Get(f"DQMData/{run}/{subsystem}/Run summary/{rest}")


def main():
    jobs = json.loads(Path(sys.argv[1]).read_text())
    files = {path: ROOT.TFile.Open(path) for path in {job["file"] for job in jobs}}
    for job in jobs:
        hist = histogram(files[job["file"]], job["element"])
        answer = fitted(job["fit"], hist.Clone(), job["arguments"])
        sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(0)  # ROOT's own taking down of Python's objects may abort


main()
