"""The same files by ``hdqm ingest -j`` and by Airflow. By hand: ``throughput.py [--files 300] [--jobs 2] [--rounds 2]``

The files are simulated, small, and reduced by the trends that are shipped: a hundred a second, the worst case for what
Airflow takes beside the work. ``--samples`` and ``--configs`` name others.

Both load into the same database, which is emptied in between. While the command works no Airflow runs; while Airflow
works it is all there: scheduler, triggerer, Dag processor, API server, as many tasks at once as the command has
processes. The command's time is that of its whole life, Airflow's is from the moment of the request to the end of the
last task of the run. Half of the rounds begin with the one, half with the other.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from hdqm_ops import config, local, reduce, simulate
from hdqm_ops.pipeline import config_roots
from hdqm_ops.settings import Settings, as_environment

EMPTY = "TRUNCATE hdqm.dqm_file, hdqm.file_event, hdqm.series, hdqm.point, hdqm.point_history, hdqm.histogram CASCADE"
DONE = "SELECT count(*) FILTER (WHERE state IN ('ingested', 'superseded')), count(*) FROM hdqm.dqm_files"
POINTS = "SELECT count(*), sum(entries) FROM hdqm.trend_points"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def make_files(folder: Path, wanted: int, jobs: int) -> Path:
    """A list of that many simulated files, none of them broken."""
    runs = range(320673, 320673 + wanted)
    enough = next(
        number
        for number in range(1, wanted)
        if len(simulate.plan_files(simulate.Scenario("benchmark", tuple(runs[:number]), 3, 0, 500))) >= wanted + 10
    )
    trends = config.read_tree(config_roots(Settings()), reduce.catalogue()).trends
    scenario = simulate.Scenario("benchmark", tuple(runs[:enough]), 3, 0, 500)
    made = [file for file in simulate.simulate_dqm(trends, folder, scenario, jobs=jobs) if not file.damage]
    paths = [str(file.path) for file in made if "RelVal" not in str(file.path) and "999999" not in str(file.path)]
    listing = folder / "files.txt"
    listing.write_text("\n".join(paths[:wanted]) + "\n")
    say(f"{len(paths[:wanted])} files, {sum(Path(path).stat().st_size for path in paths[:wanted]) / 1e6:.0f} MB")
    return listing


def copies(folder: Path, wanted: int, samples: Path) -> Path:
    """A list of that many copies of real-sized files, each in a primary dataset of its own."""
    found = sorted(samples.glob("DQM_*.root"))
    paths = []
    for number in range(wanted):
        sample = found[number % len(found)]
        start, dataset, *rest = sample.name.split("__")
        path = folder / "__".join((start, f"{dataset}{number // len(found)}", *rest))
        shutil.copy(sample, path)
        paths.append(path)
    listing = folder / "files.txt"
    listing.write_text("".join(f"{path}\n" for path in paths))
    say(f"{wanted} files, {sum(path.stat().st_size for path in paths) / 1e6:.0f} MB")
    return listing


def processor_s(pid: int) -> float:
    """Processor time of a process and all that it ever started, in seconds; 0 where it has gone."""
    try:
        numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    own = sum(map(int, numbers[11:15])) / os.sysconf("SC_CLK_TCK")
    return own + sum(processor_s(int(child)) for child in children)


@dataclass(frozen=True)
class Taken:
    """Seconds of the clock and of processors, those of the database included."""

    clock: float
    processors: float


class Pair:
    """The two ways, and what they left behind."""

    def __init__(self, settings: Settings, listing: Path, jobs: int) -> None:
        self.settings, self.listing, self.jobs = settings, listing, jobs
        self.server = local.Postgres(settings)

    def measured(self, work: Callable[[], float], **pids: int) -> Taken:
        """Of an empty database until the work is done; ``work`` gives the seconds of its clock."""
        pids["TimescaleDB"] = self.server.where()["pid"]
        with psycopg.connect(self.server.superuser_url, autocommit=True) as connection:
            connection.execute(EMPTY)
            connection.execute("CHECKPOINT")
            ended = sum(os.times()[2:4])
            before = {name: processor_s(pid) for name, pid in pids.items()}
            clock = work()
            spent = {name: processor_s(pid) - before[name] for name, pid in pids.items()}
            spent["command"] = sum(os.times()[2:4]) - ended
            done = connection.execute(DONE).fetchone()
            say(f"    {done} files done and listed, points and entries {connection.execute(POINTS).fetchone()}")
        say(f"    processors: {', '.join(f'{name} {seconds:.1f} s' for name, seconds in spent.items())}")
        return Taken(clock, sum(spent.values()))

    def command(self) -> Taken:
        environment = {**os.environ, **as_environment(self.settings), "HDQM_DATABASE_URL": self.server.writer_url}
        command = [sys.executable, "-m", "hdqm_ops.cli", "ingest", "-f", f"@{self.listing}", "-j", str(self.jobs)]

        def work() -> float:
            began = time.perf_counter()
            subprocess.run([*command, "--json"], env=environment, check=True, capture_output=True)
            return time.perf_counter() - began

        self.server.start()
        return self.measured(work)

    def airflow(self) -> Taken:
        stack = local.Stack(self.settings)
        stack.up()
        try:
            stack.airflow().await_dag("hdqm_ingest")
            time.sleep(10)  # what the start of the stack left to be done
            pids = {part.name: part.pid for part in stack.status().others if part.pid}
            return self.measured(lambda: self.dag_run(stack.airflow()), **pids)
        finally:
            stack.down()

    def dag_run(self, airflow: Any) -> float:
        began = time.time()
        run = airflow.trigger("hdqm_ingest", {"files": [f"@{self.listing}"]})
        while (facts := airflow.dag_run("hdqm_ingest", run))["state"] not in {"success", "failed"}:
            time.sleep(2)
        assert facts["state"] == "success", facts
        for task in airflow.task_instances("hdqm_ingest", run):
            first, last = (
                datetime.fromisoformat(task[name]).timestamp() - began for name in ("start_date", "end_date")
            )
            say(f"    {first:6.1f} s to {last:6.1f} s: {task['task_id']} {task['rendered_map_index'] or ''}")
        return datetime.fromisoformat(facts["end_date"]).timestamp() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder of the files, made where it is absent")
    parser.add_argument("--samples", type=Path, help="folder of DQM files to copy, in place of simulated ones")
    parser.add_argument("--configs", type=Path, help="folder of trend configurations; default: the shipped ones")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as top:
        home, folder = Path(top) / "home", arguments.keep or Path(top) / "files"
        Path(top).chmod(0o755)
        folder.mkdir(exist_ok=True)
        listing = folder / "files.txt"
        if not listing.exists() and arguments.samples:
            copies(folder, arguments.files, arguments.samples)
        elif not listing.exists():
            make_files(folder, arguments.files, arguments.jobs)
        ports = {"db_port": free_port(), "airflow_port": free_port()}
        # It watches a folder without files, as the real one would watch the one where new files come.
        empty = Path(top) / "incoming"
        empty.mkdir()
        configs = (arguments.configs.resolve(),) if arguments.configs else ()
        settings = Settings(home=home, files=(str(empty),), configs=configs, airflow_tasks=arguments.jobs, **ports)
        pair = Pair(settings, listing, arguments.jobs)
        pair.server.start()
        pair.server.migrate(30)
        times: dict[str, list[Taken]] = {"hdqm ingest": [], "Airflow": []}
        ways = {"hdqm ingest": pair.command, "Airflow": pair.airflow}
        try:
            for number in range(arguments.rounds):
                for name in sorted(ways, reverse=number % 2 == 0):
                    times[name].append(ways[name]())
                    one = times[name][-1]
                    say(
                        f"{name}: {one.clock:.1f} s, {arguments.files / one.clock:.2f} files/s, "
                        f"{one.processors:.1f} s of processors (load {os.getloadavg()[0]:.1f})"
                    )
        finally:
            pair.server.destroy()
    for what in ("clock", "processors"):
        ours, theirs = (min(getattr(one, what) for one in times[name]) for name in ("hdqm ingest", "Airflow"))
        say(f"{what}: hdqm ingest {ours:.1f} s, Airflow {theirs:.1f} s; throughput of Airflow {ours / theirs:.0%}")


if __name__ == "__main__":
    main()
