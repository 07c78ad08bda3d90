"""Dag runs of a whole stack whose scheduler, task or database is killed in the middle."""

import random
import re
import signal
import time
from contextlib import suppress
from pathlib import Path

import psycopg
from chaos.trials import Outcome
from chaos.world import TRENDS, simulated
from ports import free_port
from tables import facts, orphans

from hdqm_ops.local import Postgres, Stack
from hdqm_ops.local._process import Process
from hdqm_ops.settings import Settings

DAG = "hdqm_ingest"
PATIENCE_S = 600


class Hurt:
    """A stack, and what an undisturbed Dag run makes of its files."""

    def __init__(self, folder, **settings):
        self.files, incoming = folder / "files", folder / "incoming"
        incoming.mkdir(parents=True)
        ports = {f"{part}_port": free_port() for part in ("db", "airflow", "grafana", "api")}
        hasty = {"task_pause_s": 1, "claim_s": 5}
        self.settings = Settings(
            home=folder / "home", files=(str(incoming),), airflow_tasks=2, **ports, **(hasty | settings)
        )
        self.stack = Stack(self.settings)
        self.url = Postgres(self.settings).superuser_url

    def __enter__(self):
        self.stack.up()
        simulated(self.files)
        with psycopg.connect(self.url, autocommit=True) as connection:
            tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'hdqm'"
            names = [name for (name,) in connection.execute(tables).fetchall()]
            is_empty = "SELECT NOT EXISTS (SELECT FROM {})"
            self.empty = [name for name in names if connection.execute(is_empty.format(name)).fetchone()[0]]
        began = time.monotonic()
        self.wait(self.trigger())
        self.seconds = time.monotonic() - began
        self.reference = facts(self.url)
        return self

    def __exit__(self, *_):
        self.stack.down()
        Postgres(self.settings).destroy()

    def trigger(self):
        form = {"files": [str(self.files)], "subsystems": list(TRENDS), "batch_size": 4}
        return self.stack.airflow().trigger(DAG, form)

    def wait(self, run):
        return self.stack.airflow().wait(DAG, run, timeout_s=PATIENCE_S)

    def make_empty(self):
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"TRUNCATE {', '.join(self.empty)} RESTART IDENTITY")

    def is_whole(self):
        return facts(self.url) == self.reference and orphans(self.url) == {}

    def pid(self, name):
        status = self.stack.status()
        return next(part.pid for part in (status.database, *status.others) if part.name == name)


def until_some_are_loaded(url, number):
    """Wait for a moment in the middle."""
    end = time.monotonic() + PATIENCE_S
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < end:
            question = "SELECT count(*) FROM hdqm.dqm_file WHERE state IN ('ingested', 'superseded', 'failed')"
            if connection.execute(question).fetchone()[0] >= number:
                return
            time.sleep(0.05)


def kill_part(name):
    def kill(hurt):
        Process.of(hurt.pid(name)).end(signal.SIGKILL, 10)
        hurt.stack.up()

    return kill


def kill_task(hurt):
    """The process that holds a claim."""
    with psycopg.connect(hurt.url, autocommit=True) as connection:
        for _ in range(2000):
            if found := connection.execute("SELECT claimed_by FROM hdqm.claims").fetchone():
                with suppress(ProcessLookupError):
                    Process.of(int(re.findall(r" (\d+) ", found[0])[0])).send(signal.SIGKILL)
                return
            time.sleep(0.005)


WAYS = {
    "Airflow: scheduler killed": kill_part("scheduler"),
    "Airflow: task killed": kill_task,
    "Airflow: database killed": kill_part("TimescaleDB"),
}


def run(folder, seed, number, say):
    """Outcomes of Dag runs, the ways in turn."""
    if number < 1:
        return []
    Path(folder).mkdir()
    with Hurt(Path(folder)) as hurt:
        say(f"Airflow: {hurt.seconds:.0f} s undisturbed")
        return [one(hurt, seed + at, list(WAYS)[at % len(WAYS)], say) for at in range(number)]


def one(hurt, seed, kind, say):
    began, chance = time.monotonic(), random.Random(seed)
    hurt.make_empty()
    dag_run = hurt.trigger()
    until_some_are_loaded(hurt.url, chance.randint(1, 8))
    WAYS[kind](hurt)
    ended = f"Dag run {hurt.wait(dag_run)}"
    hurt.wait(hurt.trigger())
    outcome = Outcome(kind, ended, hurt.is_whole())
    equal = "equal" if outcome.whole else "DIFFERENT"
    say(f"{seed:>5}  {kind:<32} {ended:<36} {equal}  {time.monotonic() - began:.1f} s")
    return outcome
