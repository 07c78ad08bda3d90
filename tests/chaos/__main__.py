"""``python -m tests.chaos --seed 1 --number 100``: hurts ingests in many ways, and tells what the tables are then.

Every trial begins with a database of its own, empty, with half of the files, or with all of them and trends that
changed since; then an ingest is hurt in one way (the line to the database at any one message, the worker, its children,
the server, two at once), then an undisturbed ingest follows, and all facts of the tables must be those of an ingest
that nothing disturbed. Exit code 1 where they are not.
``--airflow 5`` adds five Dag runs of a whole stack whose scheduler or task is killed.
"""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from chaos import airflow, trials
from chaos.world import World
from ports import free_port

from hdqm_ops.local import Postgres
from hdqm_ops.settings import Settings


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="of the first trial; the next has the next")
    parser.add_argument("--number", type=int, default=100, help="trials")
    parser.add_argument("--airflow", type=int, default=0, help="of them, Dag runs of a whole stack")
    parser.add_argument("--kind", help="only ways whose name has this")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server is left behind
    folder = Path(tempfile.mkdtemp(prefix="hdqm-chaos-"))
    folder.chmod(0o755)
    try:
        outcomes = [*on_a_server(folder, options), *airflow.run(folder / "stack", options.seed, options.airflow, say)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tell(outcomes)
    return 0 if outcomes and all(outcome.whole for outcome in outcomes) else 1


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def on_a_server(folder, options):
    """Trials with a server of our own, which may be killed."""
    server = Postgres(Settings(home=folder / "home", db_port=free_port()), durable=False)
    ways = {kind: way for kind, way in {**trials.WAYS, **trials.DATABASE}.items() if (options.kind or "") in kind}
    number = options.number - options.airflow
    if not ways or number < 1:
        return []
    try:
        server.start()
        world = World(server.superuser_url, folder / "world")
        world.crash_server = lambda: crash(server)
        world.start_server = server.start
        trials.count_messages(world)
        say(f"{len(world.made)} files, {world.messages['empty']} messages, {world.seconds:.1f} s undisturbed")
        return [one(world, options.seed + at, ways) for at in range(number)]
    finally:
        server.destroy()


def one(world, seed, ways):
    began = time.monotonic()
    outcome = trials.run(world, seed, ways)
    equal = "equal" if outcome.whole else "DIFFERENT"
    say(f"{seed:>5}  {outcome.kind:<32} {outcome.ended:<36} {equal}  {time.monotonic() - began:.1f} s")
    return outcome


def crash(server):
    """End the server as ``pg_ctl stop -m immediate`` does: nothing is written down."""
    from hdqm_ops.local._process import Process

    Process.of(server.where()["pid"]).end(signal.SIGQUIT, 60)


def tell(outcomes):
    tally = Counter((outcome.kind, outcome.ended, outcome.whole) for outcome in outcomes)
    say(f"\n{'kind':<34}{'what became of it':<40}{'trials':>6}  tables")
    for (kind, ended, whole), number in sorted(tally.items()):
        say(f"{kind:<34}{ended:<40}{number:>6}  {'equal' if whole else 'DIFFERENT'}")
    equal = sum(outcome.whole for outcome in outcomes)
    say(f"{equal} of {len(outcomes)} ended in the tables of an undisturbed ingest")


if __name__ == "__main__":
    sys.exit(main())
