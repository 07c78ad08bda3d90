"""``python -m tests.chaos.away --minutes 61``: the database goes away in the middle, for an hour by the clock.

Settings are those that are shipped. Four at once, each with files and a server of its own:

- ``hdqm ingest`` gives up after ``HDQM_DATABASE_WAIT_S`` (exit code 3); the same command, called again, goes on;
- ``hdqm ingest`` that was told to wait for two hours waits, and goes on by itself;
- a Dag run whose tasks lose our database, while Airflow keeps its own: Airflow tries the tasks again, by itself;
- a Dag run whose whole stack loses its database: `hdqm up` when the server is back, nothing else.

With ``--for-ever`` there is a fifth, whose database stays away until Airflow has tried as often as it does, in minutes
rather than hours; then somebody clears the failed task. Afterwards all facts of the tables must be those of an ingest
that nothing disturbed. Exit code 1 where they are not.
"""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).parents[1]))

from chaos.__main__ import crash
from chaos.airflow import DAG, Hurt, until_some_are_loaded
from chaos.world import World
from fix_db import free_port

from hdqm_ops.local import Postgres
from hdqm_ops.settings import Settings

PATIENCE_S = 3600


def say(line):
    sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {line}\n")
    sys.stdout.flush()


class Command:
    """``hdqm ingest`` with a server of its own. ``wait_s`` as shipped, or longer than the server is away."""

    def __init__(self, folder, wait_s):
        self.server = Postgres(Settings(home=folder / "home", db_port=free_port()))
        self.folder, self.wait_s = folder, str(wait_s)
        self.name = f"hdqm ingest, HDQM_DATABASE_WAIT_S={wait_s}"

    def __enter__(self):
        self.server.start()
        self.world = World(self.server.superuser_url, self.folder / "world")
        self.context = self.world.database("empty")
        self.url = self.context.__enter__()
        return self

    def __exit__(self, *_):
        with suppress(psycopg.OperationalError):  # where it has not come back
            self.context.__exit__(None, None, None)
        self.server.destroy()

    def begin(self):
        patience = {"DATABASE_WAIT_S": self.wait_s, "CLAIM_S": str(Settings().claim_s)}
        self.ingest = self.world.ingest(self.url, "-j", "2", **patience)
        until_some_are_loaded(self.url, 3)
        crash(self.server)

    def come_back(self):
        ended = "waited" if self.ingest.lives else f"ended with exit code {self.ingest.wait()}"
        self.server.start()
        code = self.ingest.wait()
        if ended != "waited":
            self.world.calm(self.url)
            return f"{ended}; called again: done", self.world.is_whole(self.url)
        return f"waited; then ended with exit code {code}", self.world.is_whole(self.url)


class Elsewhere(Postgres):
    """The server of a stack whose Dags load into another one."""

    def __init__(self, settings, other):
        super().__init__(settings)
        self.other = other

    @property
    def writer_url(self):
        return self.other.writer_url

    @property
    def reader_url(self):
        return self.other.reader_url


class WithoutOurs(Hurt):
    """A stack of which only our tables go away: Airflow has a server of its own."""

    name = "Airflow, our database away"

    def __init__(self, folder, **settings):
        super().__init__(folder, **settings)
        self.server = Postgres(Settings(home=folder / "other", db_port=free_port()))
        self.stack._airflow._database = Elsewhere(self.settings, self.server)

    def __enter__(self):
        self.server.start()
        self.server.migrate(30)
        self.url = self.server.superuser_url
        return super().__enter__()

    def __exit__(self, *_):
        super().__exit__()
        self.server.destroy()

    def begin(self):
        self.make_empty()
        self.run = self.trigger()
        until_some_are_loaded(self.url, 3)
        crash(self.server)

    def tries(self):
        """Of each task, and what became of it."""
        tasks = self.stack.airflow().task_instances(DAG, self.run)
        return ", ".join(f"{one['task_id']} {one['state']} at try {one['try_number']}" for one in tasks)

    def come_back(self):
        before = self.tries()
        self.server.start()
        state = self.stack.airflow().wait(DAG, self.run, timeout_s=PATIENCE_S)
        return f"before: {before}; Dag run {state}; after: {self.tries()}", self.is_whole()


class WithoutAny(Hurt):
    """A stack whose one server goes away."""

    name = "Airflow, all databases away"

    def __enter__(self):
        super().__enter__()
        self.server = Postgres(self.settings)
        return self

    begin, tries = WithoutOurs.begin, WithoutOurs.tries

    def come_back(self):
        dead = ", ".join(part.name for part in self.stack.status().others if part.pid is None)
        self.stack.up(say)
        state = self.stack.airflow().wait(DAG, self.run, timeout_s=PATIENCE_S)
        return f"dead meanwhile: {dead or 'none'}; Dag run {state}; {self.tries()}", self.is_whole()


class ForEver(WithoutOurs):
    """The first, with pauses so short that the last try comes after minutes; nobody brings the server back before."""

    name = "Airflow, our database away for ever"

    def come_back(self):
        client = self.stack.airflow()
        failed = client.wait(DAG, self.run, timeout_s=PATIENCE_S)
        before = self.tries()
        self.server.start()
        client.clear(DAG, self.run)
        state = client.wait(DAG, self.run, timeout_s=PATIENCE_S)
        return f"Dag run {failed}: {before}; server back, failed tasks cleared: {state}", self.is_whole()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=61)
    parser.add_argument("--for-ever", action="store_true", help="one more, whose database does not come back in time")
    parser.add_argument("--only", default="", help="only scenes whose name has this")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server is left behind
    folder = Path(tempfile.mkdtemp(prefix="hdqm-away-"))
    folder.chmod(0o755)
    outcomes = []
    try:
        with ExitStack() as all_of_it:
            scenes = [all_of_it.enter_context(scene) for scene in made(folder, options)]
            for scene in scenes:
                scene.begin()
                scene.away = time.monotonic()
                say(f"{scene.name}: away")
            time.sleep(60 * options.minutes)
            for scene in scenes:
                minutes = (time.monotonic() - scene.away) / 60
                told, whole = scene.come_back()
                outcomes.append(whole)
                say(f"{scene.name}: away for {minutes:.1f} min; {told}; tables {'equal' if whole else 'DIFFERENT'}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if outcomes and all(outcomes) else 1


def made(folder, options):
    def place(name):
        (folder / name).mkdir()
        return folder / name

    shipped = Settings()
    patience = {"task_pause_s": shipped.task_pause_s, "claim_s": shipped.claim_s}
    scenes = [
        Command(place("command"), shipped.database_wait_s),
        Command(place("patient"), 7200),
        WithoutOurs(place("ours"), **patience),
        WithoutAny(place("any"), **patience),
    ]
    if options.for_ever:
        scenes.append(ForEver(place("ever"), task_pause_s=1, database_wait_s=1))
    return [scene for scene in scenes if options.only in scene.name]


if __name__ == "__main__":
    sys.exit(main())
