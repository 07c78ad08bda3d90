"""Reading a DQM file and reducing it by all legacy trends: ours beside PyROOT, in processes of their own, turn about.

    python tests/benchmarks/bench_reduce.py [--root PYTHON] [--repeat N] [--no-boxes] FILE...

``--root`` (or HDQM_ROOT_PYTHON) is a Python that can ``import ROOT``. ``--no-boxes`` leaves out the trends of the
hadron calorimeter's boxes, which the predecessor reduced cell by cell. Says how many values are the same, too.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from hdqm_ops import config, extract, reduce
from hdqm_ops.reduce._rbx import boxes

REPOSITORY = Path(__file__).parents[2]
LEGACY = REPOSITORY.parent / "shared" / "data" / "centralhdqm" / "cfg"
HERE = Path(__file__).parent

OURS = """
import json, pathlib, sys, time
from hdqm_ops import config, extract, reduce
tree = config.read_tree([pathlib.Path(sys.argv[2])], reduce.catalogue())
boxes = sys.argv[4] == "all"
trends = [t for t in tree.trends if boxes or not t.alternatives[0].metric.name.startswith("hcal_metrics")]
wanted = {path for trend in trends for path in trend.monitor_elements}
reducer, times = reduce.Reducer(trends), []
for _ in range(int(sys.argv[3])):
    began = time.process_time(), time.perf_counter()
    elements = extract.read_file(sys.argv[1], wanted).elements
    was_read = time.process_time()
    reducer.reduce(elements)
    times.append([was_read - began[0], time.process_time() - was_read, time.perf_counter() - began[1]])
print(json.dumps([times, []]))
"""


def run(command):
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=REPOSITORY).stdout
    return json.loads(answer.splitlines()[-1])


def jobs_of(tree, elements, *, all_of_them):
    """What the baseline is asked: each trend with the paths that the file has, where it has a main element."""
    jobs, trends = [], []
    for trend in tree.trends:
        one = trend.alternatives[0]
        main = next((path for path in one.paths["main"] if path in elements), None)
        if main is None or (not all_of_them and one.metric.name.startswith("hcal_metrics")):
            continue
        others = [next(iter(one.paths.get(role, ())), None) for role in ("histo1", "histo2")]
        jobs.append([one.metric.name.partition(".")[2], list(one.metric.arguments), main, *others])
        trends.append(trend)
    return jobs, trends


def agreement(trends, elements, values):
    """How many of the baseline's values are ours: that it does the same work."""
    outcomes = reduce.Reducer(trends).reduce(elements)
    pairs = [(one.measurement.value, other) for one, other in zip(outcomes, values, strict=True) if one.measurement]
    same = sum(other is not None and math.isclose(mine, other, rel_tol=1e-3, abs_tol=1e-9) for mine, other in pairs)
    return f"{same} of {len(pairs)} values the same"


def line(name, times):
    read, reduced, clock = (1e3 * statistics.median(column) for column in zip(*times, strict=True))
    return f"  {name:7} read {read:6.1f} ms, reduced {reduced:6.1f} ms of the processor; {clock:6.1f} ms on the clock\n"


def total(times):
    return statistics.median(read + reduced for read, reduced, _ in times)


def compare(path, tree, arguments):
    elements = extract.read_file(path, tree.monitor_elements).elements
    jobs, trends = jobs_of(tree, elements, all_of_them=not arguments.no_boxes)
    repeat = str(max(arguments.repeat // 2, 3))
    which = "rest" if arguments.no_boxes else "all"
    with tempfile.NamedTemporaryFile("w", suffix=".json") as asked:
        json.dump({"jobs": jobs, "boxes": {name: cells.tolist() for name, cells in boxes().items()}}, asked)
        asked.flush()
        sides = {
            "ours": [sys.executable, "-c", OURS, path, str(LEGACY), repeat, which],
            "PyROOT": [arguments.root, "-W", "ignore", str(HERE / "reduce_with_root.py"), path, asked.name, repeat],
        }
        times = {name: [] for name in sides}
        for _ in range(2):
            for name, command in sides.items():
                found, values = run(command)
                times[name] += found[1:]
    sys.stdout.write(f"{path}: {len(elements)} elements, {len(jobs)} trends, {agreement(trends, elements, values)}\n")
    for name, found in times.items():
        sys.stdout.write(line(name, found))
    clock = statistics.median(t[2] for t in times["ours"]) / statistics.median(t[2] for t in times["PyROOT"])
    processor = total(times["ours"]) / total(times["PyROOT"])
    sys.stdout.write(f"  ours / PyROOT: {processor:.2f} of the processor, {clock:.2f} on the clock\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument(
        "--root", default=os.environ.get("HDQM_ROOT_PYTHON"), required="HDQM_ROOT_PYTHON" not in os.environ
    )
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--no-boxes", action="store_true")
    arguments = parser.parse_args()
    tree = config.read_tree([LEGACY], reduce.catalogue())
    for path in arguments.files:
        compare(path, tree, arguments)


if __name__ == "__main__":
    main()
