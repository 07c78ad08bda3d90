"""What a file costs over xrootd when the server is far away. By hand: ``read_xrootd.py [MILLISECONDS [FILE…]]`` (20).

A real xrootd server on this machine; a line in between holds every packet back: a round trip takes as long as
said. Counted are the questions to the server, open and stat included.
"""

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

from hdqm_ops.discover import file_name, find
from hdqm_ops.extract import _reader, list_elements, read_file
from hdqm_ops.extract._xrootd import XrootdFile

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


def measure(title: str, url: str, names: list[str]) -> None:
    """Listing the folder, then reading each file: questions and seconds, the best of three."""
    began = time.perf_counter()
    found = sum(1 for _ in find([f"{url}/dqm"]))
    sys.stdout.write(f"{title}: {found} files listed in {time.perf_counter() - began:.3f} s\n")
    for name in names:
        address = f"{url}/dqm/{name}"
        elements = list(list_elements(address))
        seconds = []
        for _ in range(3):
            began = time.perf_counter()
            with XrootdFile(address) as source:
                read = len(_reader._extract(source, elements).elements)
            seconds.append(time.perf_counter() - began)
        sys.stdout.write(
            f"{title}: {source.size / 1e6:.1f} MB, {read} elements: {source.requests} questions, {min(seconds):.3f} s\n"
        )


def main() -> None:
    delay_s = float(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.020
    place = Path(tempfile.mkdtemp(prefix="hdqm-xrootd-"))
    place.chmod(0o755)
    (place / "server").mkdir()
    (place / "data" / "dqm").mkdir(parents=True)
    names = []
    for number, source in enumerate(map(Path, sys.argv[2:] or [SAMPLE])):
        names.append(file_name(324997, f"/Primary{number}/Run2018D-PromptReco-v1/DQMIO"))
        shutil.copy(source, place / "data" / "dqm" / names[-1])
    server, port = start_server(place / "server", place / "data")
    try:
        for name in names:
            path = place / "data" / "dqm" / name
            elements = list(list_elements(path))
            began = time.perf_counter()
            read_file(path, elements)
            sys.stdout.write(f"from disk: {path.stat().st_size / 1e6:.1f} MB in {time.perf_counter() - began:.3f} s\n")
        measure("no delay", f"root://127.0.0.1:{port}/", names)
        line = Line(port, delay_s)
        with closing(line.door):
            measure(f"{delay_s * 1000:.0f} ms", f"root://127.0.0.1:{line.port}/", names)
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
