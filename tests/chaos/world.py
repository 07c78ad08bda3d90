"""What is hurt: databases with a server of their own, DQM files, ingests in processes of their own."""

import json
import os
import secrets
import shutil
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg
from fix_db import create_database, with_database
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tables import facts, orphans

from hdqm_ops import load, simulate
from hdqm_ops.cli import main
from hdqm_ops.pipeline import config_roots, read_selection
from hdqm_ops.settings import Settings

TRENDS = ("Tracking", "Pixel")


def simulated(folder, runs=(324791, 324835)):
    """DQM files of a few runs: express, prompt, reprocessed, newer versions, some broken; none of them is young."""
    trends = read_selection(Settings(), [str(config_roots(Settings())[0] / name) for name in TRENDS]).trends
    made = simulate.simulate_dqm(trends, folder, simulate.Scenario("chaos", runs, sparse=2, broken=3, distractors=2))
    long_ago = time.time() - 7200
    for file in made:
        os.utime(file.path, (long_ago, long_ago))
    return made


def earlier_trends(folder):
    """The trends of before, of which some computed something else."""
    for name in TRENDS:
        shutil.copytree(config_roots(Settings())[0] / name, folder / name)
    for path in folder.rglob("*.ini"):
        text = path.read_text(encoding="utf-8")
        changed = text.replace("basic.Mean()", "basic.MaxBin()").replace("0.8, 1.3", "0.7, 1.2")
        path.write_text(changed, encoding="utf-8")
    return folder


class World:
    """Files, and databases to begin with: an empty one, one that has half of the files, one of which trends changed
    since, so that their points are computed anew from stored histograms. And the tables that an undisturbed ingest
    makes of each.

    Args:
        server: address of a server with TimescaleDB, as its superuser.
        folder: for files and logs.
        runs: runs that are simulated.
    """

    def __init__(self, server, folder, runs=(324791, 324835)):
        self.server, self.folder = server, Path(folder)
        self.log = self.folder / "log"
        self.earlier = earlier_trends(self.folder / "earlier")
        self.files = self.folder / "files"
        self.configs = config_roots(Settings())[0]
        self.made = simulated(self.files, runs)
        self.starts = {}
        self.start = "empty"
        self._fill()

    def _fill(self):
        empty = self._new("template1")
        load.migrate(with_database(self.server, empty))
        self.starts["empty"] = empty
        half = self._new(empty)
        early = [file.path for file in self.made if "DQM_V0001" in file.path and "-v1" in file.path]
        self.calm(with_database(self.server, half), "-f", *early)
        self.starts["half"] = half
        changed = self._new(empty)
        self.calm(with_database(self.server, changed), CONFIGS=json.dumps([str(self.earlier)]))
        self.starts["changed"] = changed
        self.references, self.seconds = {}, 0.0
        for start in self.starts:
            with self.database(start) as url:
                began = time.monotonic()
                self.calm(url)
                self.seconds = max(self.seconds, time.monotonic() - began)
                self.references[start] = facts(url)
        assert self.references["empty"] == self.references["half"] != self.references["changed"]

    def _new(self, template):
        name = f"hdqm_chaos_{os.getpid()}_{secrets.token_hex(4)}"
        create_database(self.server, name, template, None)
        return name

    def drop(self, name):
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def close(self):
        for name in self.starts.values():
            self.drop(name)

    @contextmanager
    def database(self, start):
        """``with world.database("half") as url:``"""
        name = self._new(self.starts[start])
        try:
            yield with_database(self.server, name)
        finally:
            self.drop(name)

    def calm(self, url, *arguments, **variables):
        """An ingest that nothing disturbs."""
        code = self.ingest(url, *arguments, **variables).wait()
        assert code in {0, 1}, f"{code}: {self.log.read_text()[-3000:]}"

    def ingest(self, url, *arguments, **variables):
        """Start ``hdqm ingest`` in a process of its own."""
        return Ingest(url, self, arguments, variables)

    def is_whole(self, url):
        """Whether the tables are those of the undisturbed ingest."""
        return facts(url) == self.references[self.start] and orphans(url) == {}


class Ingest:
    """``hdqm ingest``, forked off: a process group of its own that can be stopped and killed."""

    def __init__(self, url, world, arguments, variables):
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self._run(url, world, arguments, variables)
        self.code = None

    @staticmethod
    def _run(url, world, arguments, variables):
        code = 70
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            with world.log.open("ab") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            settings = {"DATABASE_URL": url, "FILES": json.dumps([str(world.files)]), "CLAIM_S": "1"}
            settings |= {"CONFIGS": json.dumps([str(world.configs)]), "DATABASE_WAIT_S": "5"} | variables
            os.environ.update({f"HDQM_{name}": value for name, value in settings.items()})
            configs = [argument for name in TRENDS for argument in ("-c", f"{name}/*")]
            main(["ingest", *map(str, arguments), *configs])
            code = 0
        except SystemExit as ended:
            code = ended.code or 0
        finally:
            os._exit(code)

    def wait(self):
        """Exit code, negative for a signal."""
        if self.code is None:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code

    @property
    def lives(self):
        if self.code is None and (found := os.waitpid(self.pid, os.WNOHANG))[0]:
            self.code = os.waitstatus_to_exitcode(found[1])
        return self.code is None

    def send(self, number):
        if self.lives:
            os.killpg(self.pid, number)

    def children(self):
        """Process ids of its pool."""
        text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text() if self.lives else ""
        return [int(pid) for pid in text.split()]

    def kill(self):
        self.send(signal.SIGKILL)


def through(url, line):
    """The same address by way of a line."""
    return make_conninfo(url, host="127.0.0.1", port=line.port, sslmode="disable", gssencmode="disable")


def place(url):
    facts_ = conninfo_to_dict(url)
    return facts_.get("host", "127.0.0.1"), int(facts_.get("port", 5432))
