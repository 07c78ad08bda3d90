"""What the API bears beside an ingest; by hand, against a server with TimescaleDB.

    python tests/benchmarks/load_api.py URL_OF_A_SUPERUSER [--repeats 1] [--seconds 60] [--files FOLDER]

Half of the rate at which it is saturated is offered for a minute, alone and then while ``hdqm ingest -j 1`` works, as
often as repeats are wanted; each pair has its own p95s. The loop is open: a request is sent when it is due, over a
connection of its own where all are busy, and its latency counts from when it was due, so that a server that stumbles is
not spared. The client is one process with an event loop, which goes first where it may: what it waits for the processor
is not the server's. How late it sent is printed, and what it took itself.

The ingest reads simulated files that were made before, and loads them into a fresh copy of the database of
``bench_api.py``, into other datasets than the one that is asked for. First the copy is given the configuration that is
shipped, as any database is: its rules which runs count make each selection of runs dearer, with an ingest and without.
At the end the API is measured alone once more, with all that was loaded, and the ingest alone, each for a third of the
time. API, ingest and client have a session of their own each, as in a stack: where Linux groups processes by session
(``sched_autogroup_enabled``), that counts.
"""

# ruff: noqa: T201 - a benchmark talks

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
from bench_api import DATASET, NAME, OLD_DATASET, PORT, api, make, memory_mb
from psycopg.conninfo import make_conninfo
from throughput import make_files, processor_s

Taken: TypeAlias = list[tuple[float, int, int]]
COPY = "hdqm_api_load"
FILES = 300
WARM_UP_S = 10
IDLE_S = 10
NOWHERE: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
HDQM = str(Path(sys.executable).parent / "hdqm")
MIX = [f"/api/v1/points?subsystem=Tracking&trend=Tracking_trend_{n}&latest=50&{DATASET}" for n in range(1, 9)] + [
    f"/api/v1/points?subsystem=Tracking&trend=Tracking_trend_9&latest=3000&{DATASET}",
    f"/api/v1/points?subsystem=Tracking&search=trend_1&latest=50&{DATASET}",
    "/api/v1/runs?limit=50",
    "/api/v1/series?subsystem=Tracking&limit=100",
    "/api/v1/files?state=failed",
    f"/api/data?subsystem=Tracking&series=1760,1761&latest=50&{OLD_DATASET}",
    "/api/selection",
    "/health/ready",
]


# -- the client, a process of its own ----------------------------------------------------------------------------------


@dataclass
class Client:
    """Asks, over as many connections as are needed at once.

    Attributes:
        took: of each request, seconds from when it was due to the last byte of its answer; which one; its status.
        late: seconds that each was sent after it was due.
    """

    took: Taken = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    _idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def ask(self, due: float, which: int) -> None:
        """One request, from when it was due."""
        self.late.append(time.perf_counter() - due)
        try:
            async with asyncio.timeout(60):
                status = await self._answer(MIX[which])
        except (OSError, asyncio.IncompleteReadError, ValueError):
            status = 0
        self.took.append((time.perf_counter() - due, which, status))

    async def _answer(self, path: str) -> int:
        reader, writer = await self._connection()
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = next((line for line in head.split(b"\r\n") if line.startswith(b"content-length:")), None)
            if length is None:
                while size := int(await reader.readline(), 16):
                    await reader.readexactly(size + 2)
                await reader.readline()
            else:
                await reader.readexactly(int(length.partition(b":")[2]))
        except BaseException:
            writer.close()
            raise
        self._idle.append((time.monotonic(), reader, writer))
        return int(head.split(None, 2)[1])

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """One that was used a moment ago, else a new one: the server closes those that are silent for long."""
        while self._idle:
            since, reader, writer = self._idle.pop()
            if time.monotonic() - since < IDLE_S:
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", PORT)

    async def offer(self, rate: float, seconds: float) -> None:
        """``rate`` requests a second, whatever the answers do."""
        began = time.perf_counter() + 0.1
        async with asyncio.TaskGroup() as asking:
            for number in range(int(rate * seconds)):
                due = began + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                asking.create_task(self.ask(due, number % len(MIX)))

    async def saturate(self, clients: int, seconds: float) -> None:
        """As many as are answered: each of ``clients`` asks again when it has its answer."""
        until = time.perf_counter() + seconds

        async def again(first: int) -> None:
            while time.perf_counter() < until:
                await self.ask(time.perf_counter(), first % len(MIX))
                first += 1

        await asyncio.gather(*(again(first) for first in range(clients)))


def client(how: str, number: float, seconds: float) -> None:
    """What the process of the client does: it leaves its notes on stdout."""
    with contextlib.suppress(PermissionError):
        os.nice(-5)
    one = Client()
    asyncio.run(one.offer(number, seconds) if how == "offer" else one.saturate(int(number), seconds))
    json.dump({"took": one.took, "late": max(one.late), "processor_s": time.process_time()}, sys.stdout)


def asked(how: str, number: float, seconds: float) -> dict[str, Any]:
    """The notes of a client."""
    command = [sys.executable, __file__, "--client", how, str(number), str(seconds)]
    notes: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return notes


# -- the ingest --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def ingesting(address: str, listing: Path) -> Iterator[None]:
    """``hdqm ingest -j 1``, from its first file on; when it has done all, the same files come as newer versions."""
    stop = threading.Event()
    with tempfile.TemporaryDirectory(dir=listing.parent) as home:
        environment = {**os.environ, "HDQM_DATABASE_URL": address, "HDQM_HOME": home}
        command = [HDQM, "ingest", "-j", "1", "-f"]

        def work() -> None:
            for number in itertools.count():
                files = newer(listing, Path(home), number) if number else listing
                with subprocess.Popen([*command, f"@{files}"], env=environment, **NOWHERE) as process:
                    while process.poll() is None and not stop.wait(0.1):
                        pass
                    process.terminate()
                if stop.is_set():
                    return

        worker = threading.Thread(target=work)
        before = done(address)
        worker.start()
        try:
            while done(address) == before:
                time.sleep(0.2)
            yield
        finally:
            stop.set()
            worker.join()


def newer(listing: Path, home: Path, number: int) -> Path:
    """A list of the same files under the names of a version that did not come before."""
    folder = home / str(number)
    folder.mkdir()
    paths = []
    for path in map(Path, listing.read_text().splitlines()):
        version = int(path.name[5:9]) + 1000 * number
        paths.append(folder / f"DQM_V{version}{path.name[9:]}")
        os.link(path, paths[-1])
    files = folder / "files.txt"
    files.write_text("\n".join(map(str, paths)) + "\n")
    return files


def done(address: str) -> int:
    """Files that were ingested, also those that a newer version has replaced since."""
    with psycopg.connect(address) as connection:
        row = connection.execute(
            "SELECT count(*) FROM hdqm.dqm_file "
            "WHERE state IN ('ingested', 'superseded') AND path NOT LIKE '/history/%'"
        ).fetchone()
    return int(row[0]) if row else 0


# -- the measurement ---------------------------------------------------------------------------------------------------


def copied(url: str) -> str:
    """A copy of the database that may be written to."""
    make(url)
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {COPY} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {COPY} TEMPLATE {NAME} STRATEGY file_copy")
    address = make_conninfo(url, dbname=COPY)
    with tempfile.TemporaryDirectory() as home:
        told = {**os.environ, "HDQM_DATABASE_URL": address, "HDQM_HOME": home}
        subprocess.run([HDQM, "config", "apply"], env=told, check=True, **NOWHERE)
    with psycopg.connect(address, autocommit=True) as server:
        server.execute("CHECKPOINT")
    return address


def pace(address: str, listing: Path, seconds: float) -> float:
    """Files a minute of an ingest with nothing beside it."""
    with ingesting(address, listing):
        before = done(address)
        time.sleep(seconds)
        return 60 * (done(address) - before) / seconds


def measure(url: str, listing: Path, seconds: float) -> None:
    """The table: alone, beside an ingest, and alone again."""
    address = copied(url)
    with api(address) as process:
        asked("saturate", 8, WARM_UP_S)
        rate = len(asked("saturate", 8, WARM_UP_S)["took"]) / WARM_UP_S
        print(f"saturated at {rate:.0f} requests/s (8 at once); offered {rate / 2:.0f}/s for {seconds:.0f} s")
        print(
            "| | requests | errors | median ms | p95 | p99 | longest | sent late, ms "
            "| processor: client | API | MB before | after | files/min |"
        )
        print("|---|---|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
        alone = window("alone", process, address, rate / 2, seconds)
        with ingesting(address, listing):
            beside = window("with ingest -j 1", process, address, rate / 2, seconds)
        window("alone again", process, address, rate / 2, seconds / 3)
        print(f"p95 with / without: {p95(beside) / p95(alone):.2f}\n")
        by_request(alone, beside)
    print(f"ingest alone: {pace(copied(url), listing, seconds / 3):.0f} files a minute")


def window(name: str, process: subprocess.Popen[bytes], address: str, rate: float, seconds: float) -> Taken:
    """One line of the table, after a warm-up that does not count."""
    asked("offer", rate, WARM_UP_S)
    memory, files, spent = memory_mb(process, "VmRSS"), done(address), processor_s(process.pid)
    notes = asked("offer", rate, seconds)
    spent = processor_s(process.pid) - spent
    times = sorted(1000 * one[0] for one in notes["took"])
    errors = sum(one[2] != 200 for one in notes["took"])
    marks = " | ".join(f"{times[int(part * len(times))]:.1f}" for part in (0.5, 0.95, 0.99))
    print(
        f"| {name} | {len(times)} | {errors} | {marks} | {times[-1]:.0f} "
        f"| {1000 * notes['late']:.0f} | {notes['processor_s'] / seconds:.0%} | {spent / seconds:.0%} "
        f"| {memory:.0f} | {memory_mb(process, 'VmRSS'):.0f} | {60 * (done(address) - files) / seconds:.0f} |",
        flush=True,
    )
    taken: Taken = notes["took"]
    return taken


def p95(taken: Taken) -> float:
    """Seconds within which 95 of 100 were answered."""
    times = sorted(one[0] for one in taken)
    return times[int(0.95 * len(times))]


def by_request(alone: Taken, beside: Taken) -> None:
    """What of the mix it is that takes long, or fails."""
    print("| request | p95 ms | with ingest | failed |\n|---|---|---|---|")
    for which, path in enumerate(MIX):
        mine = [[one for one in taken if one[1] == which] for taken in (alone, beside)]
        failed = Counter(one[2] for taken in mine for one in taken if one[2] != 200)
        print(
            f"| {path[:90]} | {1000 * p95(mine[0]):.1f} | {1000 * p95(mine[1]):.1f} | {dict(failed) or ''} |",
            flush=True,
        )


def main() -> None:
    """As the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="of a superuser")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--files", type=Path, help="folder of the simulated files, made where it is absent")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as top:
        folder = told.files or Path(top)
        folder.mkdir(parents=True, exist_ok=True)
        listing = folder / "files.txt"
        listing = listing if listing.exists() else make_files(folder, FILES, os.cpu_count() or 1)
        for _ in range(told.repeats):
            measure(told.url, listing, told.seconds)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        client(sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
    else:
        main()
