"""How long a listing of DQM files takes. By hand: ``python tests/benchmarks/find_files.py [FILES]`` (else 100 000)."""

import sys
import tempfile
import time
from pathlib import Path

from hdqm_ops.discover import file_name, find


def make_tree(top: Path, files: int) -> None:
    """Empty files, ten datasets of four eras, as EOS keeps them."""
    for number in range(files):
        era, primary, run = f"Run2018{'ABCD'[number % 4]}", f"Primary{number // 4 % 10}", 320000 + number // 40
        folder = top / era / primary / f"{run // 100:07d}xx"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file_name(run, f"/{primary}/{era}-PromptReco-v1/DQMIO")).touch()


def main() -> None:
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        make_tree(Path(folder), files)
        for pattern in (folder, f"{folder}/*/*/*/DQM*.root", f"{folder}/**/DQM*.root"):
            began = time.perf_counter()
            found = sum(1 for _ in find([pattern]))
            sys.stdout.write(
                f"{found} files in {time.perf_counter() - began:.2f} s by {pattern.removeprefix(folder) or 'folder'}\n"
            )


if __name__ == "__main__":
    main()
