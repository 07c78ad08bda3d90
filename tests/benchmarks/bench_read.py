"""Reading monitor elements: ours beside PyROOT, in processes of their own, turn about.

    python tests/benchmarks/bench_read.py [--root PYTHON] [--config DIR] [--repeat N] FILE...

``--root`` (or HDQM_ROOT_PYTHON) is a Python that can ``import ROOT``; without it only ours is measured. The elements
are those that the configurations name. Each side reads each file ``--repeat`` times; both are told the same paths.
PyROOT gets every element by ``TFile.Get`` as the predecessor did, and asks for one bin of it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from hdqm_ops import config, reduce

REPOSITORY = Path(__file__).parents[2]
LEGACY = REPOSITORY.parent / "shared" / "data" / "centralhdqm" / "cfg"

OURS = """
import json, sys, time
from hdqm_ops.extract import read_file
path, wanted, repeat = sys.argv[1], json.load(open(sys.argv[2])), int(sys.argv[3])
times = []
for _ in range(repeat):
    start = time.perf_counter()
    found = len(read_file(path, wanted).elements)
    times.append(time.perf_counter() - start)
print(json.dumps([found, times]))
"""
ROOTS = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import ROOT
path, wanted, repeat = sys.argv[1], json.load(open(sys.argv[2])), int(sys.argv[3])
ROOT.TH1.AddDirectory(False)
ROOT.TH1F("first", "", 1, 0, 1).GetBinContent(1)
times = []
for _ in range(repeat):
    start = time.perf_counter()
    file = ROOT.TFile.Open(path)
    run = file.Get("DQMData").GetListOfKeys()[0].GetName()
    found = 0
    for element in wanted:
        subsystem, _, rest = element.partition("/")
        histogram = file.Get(f"DQMData/{run}/{subsystem}/Run summary/{rest}")
        if histogram:
            histogram.GetBinContent(1)
            found += 1
    file.Close()
    times.append(time.perf_counter() - start)
print(json.dumps([found, times]))
import os
sys.stdout.flush()
os._exit(0)
"""


def measure(python: str, code: str, path: str, wanted: str, repeat: int) -> tuple[int, list[float]]:
    command = [python, "-c", code, path, wanted, str(repeat)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout
    found, times = json.loads(answer.splitlines()[-1])
    return found, times


def line(name: str, found: int, times: list[float]) -> str:
    rest = times[1:] or times
    first, middle, best = (1000 * value for value in (times[0], statistics.median(rest), min(rest)))
    return f"  {name:7} {found:5} elements   first {first:7.1f} ms   median {middle:7.1f} ms   best {best:7.1f} ms\n"


def compare(path: str, wanted: str, arguments: argparse.Namespace) -> None:
    sys.stdout.write(f"{path} ({Path(path).stat().st_size / 1e6:.1f} MB)\n")
    half = max(arguments.repeat // 2, 2)
    sides = {"ours": (sys.executable, OURS)} | ({"PyROOT": (arguments.root, ROOTS)} if arguments.root else {})
    runs: dict[str, tuple[int, list[float]]] = {}
    for _ in range(2):
        for name, (python, code) in sides.items():
            found, times = measure(python, code, path, wanted, half)
            runs[name] = found, runs.get(name, (0, []))[1] + times
    for name, (found, times) in runs.items():
        sys.stdout.write(line(name, found, times))
    if arguments.root:
        ours, root = (statistics.median(runs[name][1]) for name in ("ours", "PyROOT"))
        sys.stdout.write(f"  ratio of medians {ours / root:.2f}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--config", type=Path, default=LEGACY if LEGACY.is_dir() else None)
    parser.add_argument("--root", default=os.environ.get("HDQM_ROOT_PYTHON"))
    parser.add_argument("--repeat", type=int, default=20)
    arguments = parser.parse_args()
    folder = arguments.config or REPOSITORY / "hdqm_ops" / "trends"
    elements = sorted(config.read_tree([folder], reduce.catalogue()).monitor_elements)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as wanted:
        json.dump(elements, wanted)
        wanted.flush()
        for path in arguments.files:
            compare(path, wanted.name, arguments)


if __name__ == "__main__":
    main()
