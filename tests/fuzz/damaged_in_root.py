"""Damaged files as ROOT reads them: does it refuse elements that are read here and are not what they were?

    python tests/fuzz/damaged_in_root.py --root PYTHON [--count 1000] [--seed 1]

``--root`` (or HDQM_ROOT_PYTHON) is a Python that can ``import ROOT``. Each file is damaged as by ``fuzz_extract.py``;
only what changes nothing but bytes of the file counts (not contents that are damaged before they are compressed).
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from fuzz_extract import damaged_file, originals, same

from hdqm_ops.errors import UnreadableFile
from hdqm_ops.extract import list_elements, read_file
from hdqm_ops.model import ElementProblem, Histogram

NAME = "DQM_V0001_R000000007__Damaged__Run2024A-PromptReco-v1__DQMIO.root"
ROOTS = """
import json, os, sys
import ROOT
ROOT.gErrorIgnoreLevel = ROOT.kFatal
ROOT.TH1.AddDirectory(False)
answers = []
for path, name in json.loads(sys.stdin.read()):
    answer = "refused"
    file = ROOT.TFile.Open(path)
    if file and not file.IsZombie():
        try:
            run = file.Get("DQMData").GetListOfKeys()[0].GetName()
            subsystem, _, rest = name.partition("/")
            found = file.Get(f"DQMData/{run}/{subsystem}/Run summary/{rest}")
            if found:
                answer = [found.GetEntries(), [found.GetBinContent(cell) for cell in range(found.GetNcells())]]
        except (AttributeError, ReferenceError, IndexError):
            answer = "refused"
    print(json.dumps(answer), flush=True)
os._exit(0)
"""


def changed_elements(seed, pool, folder):
    """Histograms of a damaged file that are read and are others than before."""
    damage, known, data = damaged_file(seed, pool)
    if damage == "content":
        return
    path = folder / str(seed) / NAME
    path.parent.mkdir()
    path.write_bytes(data)
    try:
        found = read_file(path, {*list_elements(path), *known.keys}).elements
    except UnreadableFile:
        found = {}
    wrong = [
        (name, one)
        for name, one in found.items()
        if isinstance(one, Histogram)
        and name in known.contents
        and not isinstance(known.contents[name], ElementProblem)
        and not same(one, known.contents[name])
    ]
    if not wrong:
        path.unlink()
    for name, one in random.Random(seed).sample(wrong, min(3, len(wrong))):
        yield damage, path, name, one


def ask_root(python, questions):
    """What ROOT says of each; a process that crashes refuses, and the next goes on."""
    answers = []
    while len(answers) < len(questions):
        asked = json.dumps([(str(path), name) for _, path, name, _ in questions[len(answers) :]])
        done = subprocess.run([python, "-W", "ignore", "-c", ROOTS], input=asked, capture_output=True, text=True)
        answers += [json.loads(line) for line in done.stdout.splitlines() if line.startswith(("[", '"'))]
        if done.returncode:
            answers.append("crashed")
    return answers


def verdict(one, answer):
    if isinstance(answer, str):
        return f"ROOT {answer}"
    equal = np.array_equal([one.entries, *one.contents().T.ravel()], [answer[0], *answer[1]], equal_nan=True)
    return "the same in ROOT" if equal else "another in ROOT"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=os.environ.get("HDQM_ROOT_PYTHON"))
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    pool = originals()
    with tempfile.TemporaryDirectory() as name:
        seeds = range(arguments.seed, arguments.seed + arguments.count)
        questions = [one for seed in seeds for one in changed_elements(seed, pool, Path(name))]
        answers = ask_root(arguments.root, questions)
    verdicts = [(damage, verdict(one, answer)) for (damage, *_, one), answer in zip(questions, answers, strict=True)]
    for (damage, said), number in sorted(Counter(verdicts).items()):
        sys.stdout.write(f"{number:6}  {damage}: {said}\n")
    for (damage, path, element, _), (_, said) in zip(questions, verdicts, strict=True):
        if said != "the same in ROOT":
            sys.stdout.write(f"seed {path.parent.name}, {damage}, {element}: {said}\n")


if __name__ == "__main__":
    main()
