"""Our fits against ROOT's on random histograms: how far apart, in units of the error, and who converged.

python tests/fits/compare_fits.py [--count 2000] [--seed 7] [--only Landau,LanGau] [--list] [--processes 2]

``HDQM_ROOT_PYTHON`` names a Python that can ``import ROOT``. Prints the tables of README.md beside this file.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Histogram, MetricCall
from hdqm_ops.reduce import METRICS, build, fits, peak

sys.path.insert(0, str(Path(__file__).parent))
from random_histograms import random_calls, random_histograms, random_turn_ons, turn_on_calls

HERE = Path(__file__).parent
AGREE = ("equal", "both gaps", "lower minimum")


@dataclass(frozen=True)
class Line:
    """One histogram and one fit: what we say of it and what ROOT says, and how both compare."""

    shape: str
    name: str
    arguments: tuple[Any, ...]
    hist: Histogram
    ours: Any
    roots: Any
    verdict: str

    @property
    def pull(self) -> float:
        """Distance of the values in units of ROOT's error."""
        return abs(self.ours[0] - self.roots[1]) / (self.roots[2] or np.inf)

    @property
    def relative(self) -> float:
        """Distance of the values as a share of ROOT's."""
        return abs(self.ours[0] - self.roots[1]) / (abs(self.roots[1]) or np.inf)


def job(hist, calls):
    axis = hist.axes[0]
    sumw2 = None if hist.sumw2 is None else hist.sumw2.tolist()
    return {
        "class": hist.class_name,
        "n": axis.n,
        "low": axis.low,
        "high": axis.high,
        "cells": hist.cells.tolist(),
        "sumw2": sumw2,
        "entries": hist.entries,
        "calls": calls,
    }


def ask_root(jobs):
    """What ROOT says, by the interpreter that HDQM_ROOT_PYTHON names."""
    with tempfile.TemporaryDirectory() as folder:
        asked, told = Path(folder) / "jobs.json", Path(folder) / "answers.json"
        asked.write_text(json.dumps(jobs))
        command = [os.environ["HDQM_ROOT_PYTHON"], "-W", "ignore", HERE / "root_side.py", asked, told]
        subprocess.run(command, check=True)
        return json.loads(told.read_text())


def metric_of(name, arguments):
    family = next((family for family in ("fits", "peak") if f"{family}.{name}" in METRICS), "L1T_metrics")
    return build(MetricCall(f"{family}.{name}", tuple(arguments)))


def ours(metric, hist):
    """Value, error and χ² (None for what needs no minimiser), or the reason of the gap."""
    try:
        if isinstance(metric, fits.LanGau):
            place, fitted = fits.fit_langau(hist, metric.min, metric.max, metric.control, metric.defaults)
            return place, fitted.errors[metric.desired], fitted.chi2
        if isinstance(metric, fits._Fit):
            return fit_of(metric, hist)
        if isinstance(metric, peak.LandauAroundHighestBin):
            fitted = metric.fit(hist)
            return fitted.values[metric.desired], fitted.errors[metric.desired], fitted.chi2
        answer = metric(hist)
    except NotReducible as refusal:
        return refusal
    return answer.value, answer.error, None


def fit_of(metric, hist):
    """As the metric fits, with the χ² beside what it answers."""
    if not isinstance(metric, fits._LandauFit):
        fitted = fits.minimise(type(metric).function, metric.problem(hist))
        answer = metric.answer(fitted)
        return answer.value, answer.error, fitted.chi2
    fitted = fits._fit_all({0: fits._or_refusal(metric, hist)})[0]
    answer = metric.checked(fitted)
    if isinstance(answer, NotReducible):
        raise answer
    return answer.value, answer.error, fitted.chi2


def believed(metric, value):
    """Would the metric take ROOT's value?"""
    return not isinstance(metric, fits._LandauFit) or metric.is_good(value)


def verdict(metric, mine, roots):
    """How an answer compares with ROOT's: equal, in what it differs, or who did not converge."""
    good, value, error, minimum, _ = roots
    good = good and believed(metric, value)
    if isinstance(mine, NotReducible):
        return "gap only here" if good else "both gaps"
    if not good:
        return "gap only in ROOT"
    near = abs(mine[0] - value) <= max(1e-3 * abs(value), 0.05 * abs(error))
    if near and abs(mine[1] - error) <= 0.05 * abs(error) + 1e-12:
        return "equal"
    if minimum is not None and mine[2] is not None and mine[2] < minimum * (1 - 1e-6) - 1e-6:
        return "lower minimum"
    return "differs"


def compare(number, seed, names=None, processes=1):
    """One line for each histogram and fit."""
    rng = np.random.default_rng(seed + 1)
    asked = [(shape, hist, random_calls(rng, hist)) for shape, hist in random_histograms(number, seed)]
    asked += [(shape, hist, turn_on_calls(rng)) for shape, hist in random_turn_ons(number, seed + 2)]
    asked = [(shape, hist, chosen(calls, names)) for shape, hist, calls in asked]
    told = ask_root([job(hist, calls) for _, hist, calls in asked])
    lines = [
        (shape, name, arguments, hist, roots[name])
        for (shape, hist, calls), roots in zip(asked, told, strict=True)
        for name, arguments in calls.items()
    ]
    if processes == 1:
        return [line(*one) for one in lines]
    with ProcessPoolExecutor(processes) as pool:
        return list(pool.map(line, *zip(*lines, strict=True), chunksize=10))


def chosen(calls, names):
    return {name: calls[name] for name in calls if names is None or name in names}


def line(shape, name, arguments, hist, roots):
    metric = metric_of(name, arguments)
    with np.errstate(all="ignore"):
        mine = ours(metric, hist)
        return Line(shape, name, arguments, hist, mine, roots, verdict(metric, mine, roots))


# -- tables ------------------------------------------------------------------------------------------------------------


def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def numbers(values):
    return (
        " | ".join(f"{value:.1e}" for value in np.quantile(values, [0.5, 0.9, 0.99, 1])) if values else "– | " * 3 + "–"
    )


def table(lines):
    say("| fit | equal | both gaps | lower minimum here | differs | gap only here | gap only in ROOT | agree |")
    say("|---|---|---|---|---|---|---|---|")
    for name, mine in by_name(lines):
        found = Counter(one.verdict for one in mine)
        counts = [found[one] for one in (*AGREE, "differs", "gap only here", "gap only in ROOT")]
        say("|", name, "|", " | ".join(map(str, counts)), f"| {100 * sum(counts[:3]) / len(mine):.2f} % |")
    say()
    say("| fit | Δ/error: 50 % | 90 % | 99 % | all | Δ/value: 50 % | 90 % | 99 % | all |")
    say("|---|---|---|---|---|---|---|---|---|")
    for name, mine in by_name(lines):
        both = [one for one in mine if one.verdict in ("equal", "differs")]
        say("|", name, "|", numbers([one.pull for one in both]), "|", numbers([one.relative for one in both]), "|")


def by_name(lines):
    return [(name, [one for one in lines if one.name == name]) for name in dict.fromkeys(one.name for one in lines)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", help="names of fits, with commas")
    parser.add_argument("--list", action="store_true", help="every fit that is neither equal nor a gap on both sides")
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    names = arguments.only and arguments.only.split(",")
    lines = compare(arguments.count, arguments.seed, names, arguments.processes)
    table(lines)
    for one in lines:
        if arguments.list and one.verdict not in ("equal", "both gaps"):
            say(f"{one.verdict}: {one.shape}, {one.name}{one.arguments}: {one.ours}; ROOT {one.roots}")


if __name__ == "__main__":
    main()
