"""How long after it was closed a file is ingested. By hand: ``watcher_latency.py [FILES [SECONDS BETWEEN LOOKS]]``.

A whole stack: the trigger in the triggerer, the asset, the Dag, the ledger. Each file is written in two halves with
some seconds in between, as by a slow writer; the clock starts when it is closed and stops at ``ingested_at``.
"""

import socket
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from hdqm_ops import local, pipeline
from hdqm_ops.discover import file_name
from hdqm_ops.settings import Settings

[SAMPLE] = (Path(__file__).parents[1] / "data" / "dqm").glob("*.root")
PATIENCE_S = 600


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def latency(settings: Settings, folder: Path, number: int) -> float:
    """Seconds from the end of the writing to the commit of the load."""
    path = folder / file_name(324997, f"/Primary{number}/Run2018D-PromptReco-v1/DQMIO")
    data = SAMPLE.read_bytes()
    with path.open("wb") as file:
        for half in (data[: len(data) // 2], data[len(data) // 2 :]):
            file.write(half)
            file.flush()
            time.sleep(3 + number % 5)
    closed = time.time()
    while time.time() < closed + PATIENCE_S:
        events = pipeline.file_events(settings, str(path))
        if events and events[-1]["new_state"] == "ingested":
            said = " → ".join(f"{event['new_state']} {event['at'].timestamp() - closed:.1f} s" for event in events)
            sys.stdout.write(f"{path.name}: {said}\n")
            return float(events[-1]["at"].timestamp() - closed)
        time.sleep(0.5)
    raise SystemExit(f"{path} is not ingested after {PATIENCE_S} s: {events}")


def main() -> None:
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    watch_s = float(sys.argv[2]) if len(sys.argv) > 2 else 15.0
    with tempfile.TemporaryDirectory() as top:
        Path(top).chmod(0o755)
        folder = Path(top) / "files"
        folder.mkdir()
        ports = {"db_port": free_port(), "airflow_port": free_port()}
        settings = Settings(home=Path(top) / "home", files=(str(folder),), watch_s=watch_s, **ports)
        stack = local.Stack(settings)
        try:
            stack.up()
            stack.airflow().await_dag("hdqm_watch")
            known = local.with_database(settings)
            taken = [latency(known, folder, number) for number in range(files)]
        finally:
            stack.down()
            local.Postgres(settings).destroy()
    sys.stdout.write(
        f"{len(taken)} files, looks every {watch_s:g} s: median {median(taken):.1f} s, "
        f"least {min(taken):.1f} s, most {max(taken):.1f} s\n"
    )


if __name__ == "__main__":
    main()
