"""Our fits against ROOT's on random histograms: how far apart, in units of the error, and who converged."""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import MetricCall, Reason
from hdqm_ops.reduce import build, fits

sys.path.insert(0, str(Path(__file__).parent))
from random_histograms import random_calls, random_histograms


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
        command = [os.environ["HDQM_ROOT_PYTHON"], "-W", "ignore", Path(__file__).parent / "root_side.py", asked, told]
        subprocess.run(command, check=True)
        return json.loads(told.read_text())


def ours(name, arguments, hist):
    """Value, error and χ², or the reason of the gap; a value that the metric does not believe is its sentence."""
    metric = build(MetricCall(f"fits.{name}", tuple(arguments)))
    try:
        answer = metric(hist)
    except NotReducible as refusal:
        return refusal
    return answer.value, answer.error, chi2(metric, hist)


def chi2(metric, hist):
    """χ² of what was fitted, None for a constant and for LanGau."""
    if not hasattr(metric, "problem"):
        return None
    problem = metric.problem(hist)
    fitted = fits._fit_all({0: problem})[0] if isinstance(metric, fits._LandauFit) else None
    return fitted and fitted.chi2


def verdict(mine, theirs):
    """How an answer compares with ROOT's: equal, in what it differs, or who did not converge."""
    good, value, error, minimum, _ = theirs
    if isinstance(mine, NotReducible):
        if mine.reason is Reason.OUT_OF_RANGE:
            return "cut"
        return "gap only here" if good else "both gaps"
    if not good:
        return "gap only in ROOT"
    distance = abs(mine[0] - value)
    near = distance <= 1e-3 * abs(value) or distance <= 0.05 * error
    if near and abs(mine[1] - error) <= 0.05 * error:
        return "equal"
    if mine[2] is not None and mine[2] < minimum * (1 - 1e-6) - 1e-6:
        return "lower minimum"
    return "differs"


def compare(number, seed, names=None):
    """One line for each fit: (shape, name, verdict, mine, ROOT's)."""
    rng = np.random.default_rng(seed + 1)
    shapes, hists, calls = [], [], []
    for shape, hist in random_histograms(number, seed):
        wanted = random_calls(rng, hist)
        shapes.append(shape)
        hists.append(hist)
        calls.append({name: wanted[name] for name in wanted if names is None or name in names})
    told = ask_root([job(hist, call) for hist, call in zip(hists, calls, strict=True)])
    return [
        (shape, name, verdict(mine := ours(name, arguments, hist), answers[name]), mine, answers[name], hist, arguments)
        for shape, hist, call, answers in zip(shapes, hists, calls, told, strict=True)
        for name, arguments in call.items()
    ]


def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def main():
    number, seed = int(sys.argv[1]), int(sys.argv[2])
    lines = compare(number, seed, sys.argv[3].split(",") if len(sys.argv) > 3 else None)
    for name in dict.fromkeys(line[1] for line in lines):
        mine = [line for line in lines if line[1] == name]
        say(name, dict(Counter(line[2] for line in mine)))
        pulls = [abs(m[0] - r[1]) / r[2] for _, _, v, m, r, *_ in mine if v == "equal" and r[2] > 0]
        if pulls:
            say(
                "   |difference| / error at 50, 90, 99, 100 %:",
                *(f"{q:.2g}" for q in np.quantile(pulls, [0.5, 0.9, 0.99, 1])),
            )
        for shape, _, v, m, r, _, arguments in mine:
            if v not in ("equal", "both gaps", "cut"):
                say("     ", v, shape, m, r, arguments if "-a" in sys.argv else "")


if __name__ == "__main__":
    main()
