"""Two processes against one: reducing files without a database, and ingesting them into one.

    python tests/benchmarks/bench_processes.py [FILES]

On a machine of two cores that has nothing else to do. Where others work there too, two processes get twice their share,
and the clock flatters: look at the processor's time then, which tells what the processes cost each other.
"""

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench_thousand import database, do, processor_seconds, say
from many_files import LEGACY, copies

from hdqm_ops import config, reduce
from hdqm_ops.pipeline import FileReducer

_reducer: FileReducer


def begin() -> None:
    global _reducer  # noqa: PLW0603 - the pool's way to give each process something of its own
    _reducer = FileReducer(config.read_tree([LEGACY], reduce.catalogue()))


def reduced(path: Path) -> int:
    return len(_reducer.reduce(path))


def reduce_all(paths: Sequence[Path], processes: int) -> tuple[float, float]:
    """Seconds on the clock and of the processor, all processes being warm."""
    with multiprocessing.get_context("fork").Pool(processes, begin) as pool:
        pool.map(reduced, paths[: 2 * processes], chunksize=1)
        before = child_seconds()
        began = time.perf_counter()
        pool.map(reduced, paths, chunksize=1)
        return time.perf_counter() - began, child_seconds() - before


def child_seconds() -> float:
    tick = os.sysconf("SC_CLK_TCK")
    fields = [
        (Path("/proc") / str(child.pid) / "stat").read_text().rpartition(")")[2].split()
        for child in multiprocessing.active_children()
    ]
    return sum(int(one[11]) + int(one[12]) for one in fields) / tick


def ingest_all(folder: Path, files: Path, processes: int) -> tuple[float, float]:
    place = folder / str(processes)
    place.mkdir(mode=0o755)
    with database(place) as settings:
        do(settings, files=(str(min(files.iterdir())),))  # the database is warm, and knows the series
        before, began = processor_seconds(settings.home), time.perf_counter()
        report = do(settings, files=(str(files),), jobs=processes)
        assert not report.failed
        return time.perf_counter() - began, processor_seconds(settings.home) - before


def compare(what: str, number: int, measure: Callable[[int], tuple[float, float]]) -> None:
    one, two = measure(1), measure(2)
    for processes, (clock, processor) in ((1, one), (2, two)):
        say(f"{what} {number} files, {processes} at once: {clock:.1f} s on the clock, {processor:.1f} s of processors")
    say(f"  {one[0] / two[0]:.2f} times as fast; together they cost {two[1] / one[1]:.2f} of what one costs")


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        files = folder / "files"
        files.mkdir()
        paths = copies(files, number)
        compare("reduce", number, lambda processes: reduce_all(paths, processes))
        compare("ingest", number, lambda processes: ingest_all(folder, files, processes))


if __name__ == "__main__":
    main()
