"""A thousand files through one worker process, what it keeps of memory, and recomputing from stored histograms.

    python tests/benchmarks/bench_thousand.py [FILES]
    python tests/benchmarks/bench_thousand.py [FILES] --step ingest --folder DIR       and, when the machine is quiet:
    python tests/benchmarks/bench_thousand.py [FILES] --step recompute --folder DIR

Starts an embedded TimescaleDB of its own and destroys it, unless a new ``--folder`` is named: that keeps files and
database for the other step. Prints for each step the seconds on the clock and those of the processor, PostgreSQL's
included. Needs 6 GB of disk for 1000 files.
"""

import argparse
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from many_files import LEGACY, copies

from hdqm_ops import load, pipeline
from hdqm_ops.local import Postgres
from hdqm_ops.pipeline import Report, Request
from hdqm_ops.settings import Settings

OLD, NEW, OTHER = (f"metric = basic.{name}()" for name in ("Mean", "MaxBin", "StdDev"))
CHANGED = "Tracker"
SAMPLE = 50
TICK = os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def database(folder: Path, *, keep: bool = False) -> Iterator[Settings]:
    """A server of its own, new unless the folder has one, and the settings that find it."""
    home, configs, port = folder / "home", folder / "cfg", free_port()
    if not home.exists():
        home.mkdir(mode=0o755)
        shutil.copytree(LEGACY, configs)
    server = Postgres(Settings(home=home, db_port=port))
    try:
        server.start()
        load.migrate(server.superuser_url)
        yield Settings(home=home, db_port=port, database_url=server.superuser_url, configs=(str(configs),))
    finally:
        server.stop() if keep else server.destroy()


def processor_seconds(home: Path) -> float:
    """Of this process, its children that ended, and of PostgreSQL with all its sessions."""
    postmaster = int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    own = os.times()
    total = own.user + own.system + own.children_user + own.children_system
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            total += _postgres_seconds(entry, postmaster)
    return total


def _postgres_seconds(entry: Path, postmaster: int) -> float:
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it ended meanwhile
        return 0.0
    if int(entry.name) == postmaster:
        return sum(map(int, fields[11:15])) / TICK
    return sum(map(int, fields[11:13])) / TICK if int(fields[1]) == postmaster else 0.0


def timed(settings: Settings, what: str, call: Callable[[], object], runs: int = 1) -> tuple[float, float]:
    """Do it; seconds a run, of the processor and on the clock."""
    began, before = time.perf_counter(), processor_seconds(settings.home)
    result = call()
    clock, processor = time.perf_counter() - began, processor_seconds(settings.home) - before
    say(f"{what:45} {1e3 * processor / runs:8.2f} ms a run of the processor, {1e3 * clock / runs:8.2f} ms on the clock")
    assert not isinstance(result, Report) or not result.failed
    return processor / runs, clock / runs


def do(settings: Settings, advance: Callable[[str], object] = str, jobs: int = 1, **request: object) -> Report:
    """Plan and work."""
    return pipeline.work(settings, pipeline.plan(settings, Request(**request)), jobs=jobs, advance=advance)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_MB


def ingest(settings: Settings, files: Path, number: int) -> None:
    """Everything, in this process; says what memory did."""
    memory: list[float] = []
    timed(
        settings,
        f"ingest {number} files",
        lambda: do(settings, files=(str(files),), advance=lambda _: memory.append(resident_mb())),
        number,
    )
    later = memory[min(50, number // 2) :]
    middle = statistics.median(later)
    spread = max(later[-1] - later[0], max(later) - middle, middle - min(later)) / middle
    say(f"  resident: {memory[0]:.0f} MB after the first, {later[0]:.0f} MB after 50, {memory[-1]:.0f} MB after all")
    say(f"  after the first 50: median {middle:.0f} MB, greatest {max(later):.0f} MB, at most {100 * spread:.1f} % off")


def change_one(settings: Settings, folder: Path) -> Path:
    """Another metric for one trend of the configuration; a configuration of that trend alone."""
    path = next(path for path in sorted(Path(settings.configs[0]).glob(f"{CHANGED}/*.ini")) if OLD in path.read_text())
    before, _, after = path.read_text().partition(OLD)
    path.write_text(f"{before}{NEW}{after}")
    head = before.rpartition("[plot:")[2]
    alone = folder / CHANGED / "one.ini"
    alone.parent.mkdir(exist_ok=True)
    alone.write_text(f"[plot:{head}{NEW}{after.partition('[plot:')[0]}")
    return alone


def address(settings: Settings) -> str:
    """Of the database, as its owner."""
    assert settings.database_url is not None
    return settings.database_url.get_secret_value()


def recompute(settings: Settings, folder: Path, files: Path, number: int) -> None:
    with psycopg.connect(address(settings), autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")  # as the server does by itself in the minutes after so many files
    alone = change_one(settings, folder)
    timed(
        settings, "apply the changed configuration", lambda: pipeline.plan(settings, Request(dry_run=True, look=False))
    )
    stored = timed(
        settings,
        "one changed trend, stored histograms",
        lambda: do(settings, stage="calculate", configs=(str(alone),)),
        number,
    )
    alone.write_text(alone.read_text().replace(NEW, OTHER))  # changed once more, so that the files give new points, too
    again = timed(
        settings,
        f"one changed trend, {number} files",
        lambda: do(settings, configs=(str(alone),), files=(str(files),), mode="all"),
        number,
    )
    say(f"  one trend: {_ratios(again, stored)}")
    some, count = f"300001-{300000 + min(SAMPLE, number)}", min(SAMPLE, number)
    all_stored = timed(
        settings,
        f"all trends, stored, {count} runs",
        lambda: do(settings, stage="calculate", runs=some, mode="all"),
        count,
    )
    all_files = timed(
        settings,
        f"all trends, files, {count} runs",
        lambda: do(settings, files=(str(files),), runs=some, mode="all"),
        count,
    )
    say(f"  all trends: {_ratios(all_files, all_stored)}")


def _ratios(files: tuple[float, float], stored: tuple[float, float]) -> str:
    return f"{files[0] / stored[0]:.2f} times as fast by the processor, {files[1] / stored[1]:.2f} on the clock"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("number", nargs="?", type=int, default=1000, metavar="FILES")
    parser.add_argument("--folder", type=Path, help="kept, for the other step; without it all is removed at the end")
    parser.add_argument("--step", choices=("ingest", "recompute", "both"), default="both")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.folder or Path(name)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        files = folder / "files"
        if not files.exists():
            files.mkdir()
            copies(files, arguments.number)
        with database(folder, keep=arguments.folder is not None) as settings:
            if arguments.step != "recompute":
                ingest(settings, files, arguments.number)
            if arguments.step != "ingest":
                recompute(settings, folder, files, arguments.number)


if __name__ == "__main__":
    main()
