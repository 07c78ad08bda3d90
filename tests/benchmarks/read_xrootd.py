"""What a file costs over xrootd when the server is far away. By hand:

    python tests/benchmarks/read_xrootd.py [--legacy] [MILLISECONDS [FILE...]]

20 milliseconds unless said otherwise. ``--legacy`` reads what the legacy configurations ask for, not all elements.
A real xrootd server on this machine; a line in between holds every packet back: a round trip takes as long as
said. Counted are the questions to the server, open and stat included.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from contextlib import closing, suppress
from pathlib import Path

from hdqm_ops import config, reduce
from hdqm_ops.discover import file_name, find
from hdqm_ops.extract import _reader, list_elements, read_file
from hdqm_ops.extract._xrootd import XrootdFile

LEGACY = Path(__file__).parents[2].parent / "shared" / "data" / "centralhdqm" / "cfg"
[SAMPLE] = (Path(__file__).parents[1] / "data" / "dqm").glob("*.root")


class Line:
    """Passes bytes on, both ways, each half of a round trip late."""

    def __init__(self, port: int, round_trip_s: float) -> None:
        self.target, self.late_s = ("127.0.0.1", port), round_trip_s / 2
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.door.accept()
                far = socket.create_connection(self.target)
                for one, other in ((near, far), (far, near)):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._pump(one, other)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        waiting: deque[tuple[float, bytes]] = deque()
        came = threading.Semaphore(0)

        def take() -> None:
            with suppress(OSError):
                while data := source.recv(1 << 16):
                    waiting.append((time.monotonic() + self.late_s, data))
                    came.release()

        def give() -> None:
            with suppress(OSError):
                while came.acquire():
                    due, data = waiting.popleft()
                    time.sleep(max(0.0, due - time.monotonic()))
                    sink.sendall(data)

        for work in (take, give):
            threading.Thread(target=work, daemon=True).start()


def start_server(place: Path, data: Path) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lines = [f"xrd.port {port}", "xrd.network nodnr", f"oss.localroot {data}", "all.export /",
             f"all.adminpath {place}/admin", f"all.pidpath {place}/admin"]  # fmt: skip
    (place / "xrootd.cfg").write_text("\n".join(lines) + "\n")
    command = ["xrootd", "-c", str(place / "xrootd.cfg"), "-l", str(place / "log"), "-n", "bench"]
    if os.geteuid() == 0:  # it refuses to run as root; Debian's package brings a user for it
        shutil.chown(place, "xrootd")
        command += ["-R", "xrootd"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=place)
    for _ in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return server, port
        time.sleep(0.05)
    raise SystemExit(f"xrootd does not start: {place}/log")


def measure(title: str, url: str, files: dict[str, list[str]]) -> None:
    """Listing the folder, then reading the elements of each file: questions and seconds, the best of three."""
    began = time.perf_counter()
    found = sum(1 for _ in find([f"{url}/dqm"]))
    sys.stdout.write(f"{title}: {found} files listed in {time.perf_counter() - began:.3f} s\n")
    for name, elements in files.items():
        address = f"{url}/dqm/{name}"
        seconds = []
        for _ in range(3):
            began = time.perf_counter()
            with XrootdFile(address) as source:
                read = len(_reader._extract(source, elements).elements)
            seconds.append(time.perf_counter() - began)
        sys.stdout.write(
            f"{title}: {source.size / 1e6:.1f} MB, {read} elements: {source.requests} questions, {min(seconds):.3f} s\n"
        )


def wanted_of(path: Path, *, legacy: bool) -> list[str]:
    """All elements of a file, or those that the legacy configurations name."""
    names = list_elements(path)
    if not legacy:
        return list(names)
    wanted = config.read_tree([LEGACY], reduce.catalogue()).monitor_elements
    return [name for name in names if name in wanted]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("milliseconds", nargs="?", type=float, default=20.0)
    parser.add_argument("files", nargs="*", type=Path, default=[SAMPLE], metavar="FILE")
    parser.add_argument("--legacy", action="store_true")
    arguments = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="hdqm-xrootd-"))
    place.chmod(0o755)
    (place / "server").mkdir()
    (place / "data" / "dqm").mkdir(parents=True)
    files = {}
    for number, source in enumerate(arguments.files):
        name = file_name(324997, f"/Primary{number}/Run2018D-PromptReco-v1/DQMIO")
        files[name] = wanted_of(source, legacy=arguments.legacy)
        shutil.copy(source, place / "data" / "dqm" / name)
    server, port = start_server(place / "server", place / "data")
    try:
        for name, elements in files.items():
            path = place / "data" / "dqm" / name
            began = time.perf_counter()
            read_file(path, elements)
            sys.stdout.write(f"from disk: {path.stat().st_size / 1e6:.1f} MB in {time.perf_counter() - began:.3f} s\n")
        measure("no delay", f"root://127.0.0.1:{port}/", files)
        line = Line(port, arguments.milliseconds / 1000)
        with closing(line.door):
            measure(f"{arguments.milliseconds:.0f} ms", f"root://127.0.0.1:{line.port}/", files)
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
