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
    start = time.perf_counter(), time.process_time()
    found = len(read_file(path, wanted).elements)
    times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
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
    start = time.perf_counter(), time.process_time()
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
    times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
print(json.dumps([found, times]))
import os
sys.stdout.flush()
os._exit(0)
"""


Times = list[tuple[float, float]]
"""Of each reading: seconds on the clock, seconds of the processor."""


def measure(python: str, code: str, path: str, wanted: str, repeat: int) -> tuple[int, Times]:
    command = [python, "-c", code, path, wanted, str(repeat)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout
    found, times = json.loads(answer.splitlines()[-1])
    return found, times


def median(times: Times, which: int) -> float:
    return statistics.median(pair[which] for pair in times)


def line(name: str, found: int, first: float, times: Times) -> str:
    clock, processor = (1000 * median(times, which) for which in (0, 1))
    return (
        f"  {name:7} {found:5} elements   first {1000 * first:6.1f} ms   "
        f"then {clock:6.1f} ms (median), {processor:6.1f} ms of the processor\n"
    )


def compare(path: str, wanted: str, arguments: argparse.Namespace) -> None:
    sys.stdout.write(f"{path} ({Path(path).stat().st_size / 1e6:.1f} MB)\n")
    half = max(arguments.repeat // 2, 2)
    sides = {"ours": (sys.executable, OURS)} | ({"PyROOT": (arguments.root, ROOTS)} if arguments.root else {})
    later: dict[str, Times] = {name: [] for name in sides}
    facts: dict[str, tuple[int, float]] = {}
    for _ in range(2):
        for name, (python, code) in sides.items():
            found, times = measure(python, code, path, wanted, half)
            facts[name] = found, times[0][0]
            later[name] += times[1:]
    for name, (found, first) in facts.items():
        sys.stdout.write(line(name, found, first, later[name]))
    if arguments.root:
        clock, processor = (median(later["ours"], which) / median(later["PyROOT"], which) for which in (0, 1))
        sys.stdout.write(f"  ours / PyROOT: {clock:.2f} on the clock, {processor:.2f} of the processor\n")


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
