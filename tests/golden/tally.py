"""The golden tally: how our numbers stand to those of the predecessor's own classes under ROOT. By hand:

python tests/golden/tally.py
"""

import json
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from test_golden_values import CASES, LABELS_LEFT_BEHIND, SHARED, relations

from hdqm_ops import config, reduce


def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def tally(title, configuration, folder, golden):
    tree = config.read_tree([configuration], reduce.catalogue())
    found = Counter()
    for name, values in json.loads(golden.read_text()).items():
        found += relations(tree, folder / name, values)
    kinds = Counter()
    for kind, number in found.items():
        kinds[kind if isinstance(kind, str) else kind[0]] += number
    explained = sum(n for kind, n in found.items() if kind[0] == "different" and kind[1] in LABELS_LEFT_BEHIND)
    explained *= title == "cases"
    equal = sum(kinds[kind] for kind in ("equal", "both missing", "both without value"))
    wrong = kinds["different"] - explained + kinds["lost"]
    say(f"{title}: {found.total()} values: {equal} equal, {found.total() - equal - wrong} by design, {wrong} differing")
    for kind, number in sorted(found.items(), key=str):
        say(f"  {number:6}  {kind if isinstance(kind, str) else ' '.join(map(str, (kind[0], kind[1])))}")


def main():
    tally("cases", CASES / "cfg", CASES / "dqm", CASES / "golden.json")
    if SHARED.is_dir():
        tally("four files", SHARED / "centralhdqm" / "cfg", SHARED / "dqm", SHARED / "golden.json")


if __name__ == "__main__":
    main()
