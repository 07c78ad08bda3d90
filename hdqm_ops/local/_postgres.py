"""The embedded TimescaleDB: a PostgreSQL of our own on a loopback port, whose data survive stops and crashes."""

import hashlib
import shutil
import signal
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hdqm_ops import load
from hdqm_ops.errors import DatabaseUnavailable
from hdqm_ops.local._account import Account, service_account
from hdqm_ops.local._component import check_port
from hdqm_ops.local._installation import Installation, installation
from hdqm_ops.local._place import existing_place, make_home, make_place, orphans, remove_place
from hdqm_ops.local._postgres_conf import HBA, configuration
from hdqm_ops.local._process import Process, processes_in, spawn, tail, wait_until
from hdqm_ops.local._secrets import Secrets, locked
from hdqm_ops.local._sql import LOGINS, answers, create_database, load_timescaledb, prepare_roles
from hdqm_ops.settings import Settings

__all__ = ["Postgres"]

_READY_S = 300  # recovery after a crash reads up to max_wal_size
_STOP_S = 60
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}  # nothing of ours is PostgreSQL's business
_INITDB = (
    "--username=postgres",
    "--encoding=UTF8",
    "--locale=C",
    "--auth=reject",
    "--data-checksums",
    "--no-instructions",
)


def _tell_nobody(_line: str) -> None:
    """Stand in for a listener."""


class Postgres:
    """The embedded TimescaleDB of one state folder.

    Starting it twice is harmless. ``with Postgres(settings) as server:`` stops it at the end.

    Args:
        settings: state folder, port, cache, mirror.
        durable: False for tests: faster, and a crash of the machine (not of the server) may cost the data.
        say: is told what is being done.
    """

    def __init__(self, settings: Settings, *, durable: bool = True, say: Callable[[str], None] = _tell_nobody) -> None:
        self._settings = settings
        self._home = settings.home.absolute()
        self._log = self._home / "log" / "postgres.log"
        self._secrets = Secrets(self._home)
        self._durable = durable
        self._say = say

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- addresses -----------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Database ``hdqm`` as its owner, who migrates."""
        return self._url("hdqm_owner", "hdqm")

    @property
    def writer_url(self) -> str:
        """Database ``hdqm`` as the role that loads."""
        return self._url("hdqm_writer", "hdqm")

    @property
    def reader_url(self) -> str:
        """Database ``hdqm`` as the role that only reads."""
        return self._url("hdqm_reader", "hdqm")

    @property
    def knows_reader(self) -> bool:
        """Whether it can be asked as ``hdqm_reader``; no secret is made to say so."""
        return True

    @property
    def reader_login(self) -> str:
        """The same."""
        return self.reader_url

    @property
    def airflow_url(self) -> str:
        """Airflow's own database, as its owner."""
        return self._url("airflow", "airflow")

    @property
    def superuser_url(self) -> str:
        """Database ``hdqm`` as the server's superuser; for the stack alone."""
        return self._url("postgres", "hdqm")

    def _url(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{self._secrets[role]}@127.0.0.1:{self._settings.db_port}/{database}"

    def create_database(self, name: str) -> str:
        """Create another database with TimescaleDB, where it is absent; its address as its owner ``hdqm_owner``."""
        create_database(self._url("postgres", "postgres"), name, "hdqm_owner")
        load_timescaledb(self._url("postgres", name))
        return self._url("hdqm_owner", name)

    # -- facts ---------------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether the server of this state folder lives."""
        return self._process() is not None

    @property
    def began(self) -> datetime | None:
        """When the server was started; None where it does not live."""
        process = self._process()
        return process.started if process else None

    def state(self) -> str:
        """``healthy``, ``stopped``, or what is wrong."""
        data = self._data()
        if data is None or not self.running:
            return f"dead, see {self._log}" if data and _pid_file(data) else "stopped"
        complaint = answers(self.url)
        return f"does not answer: {complaint}" if complaint else "healthy"

    def where(self) -> dict[str, Any]:
        """Facts for people: process, address, data, log."""
        process, data = self._process(), self._data()
        return {
            "pid": process.pid if process else None,
            "address": f"127.0.0.1:{self._settings.db_port}/hdqm",
            "data": str(data) if data else None,
            "log": str(self._log),
        }

    def program(self, name: str) -> str:
        """Path of one of PostgreSQL's programs, ``psql`` say."""
        return self._installation(service_account()).program(name)

    def _data(self) -> Path | None:
        place = existing_place(self._home)
        return place / "data" if place else None

    def _process(self) -> Process | None:
        data = self._data()
        return _postmaster(data) if data else None

    def _installation(self, account: Account) -> Installation:
        data = self._data()
        written = data / "PG_VERSION" if data else None
        major = int(written.read_text()) if written and written.exists() else None
        return installation(self._settings, account, major, self._say)

    # -- start and stop ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the server, with the databases and roles of the stack; mend what a crash has left behind.

        Raises:
            MissingTool: no TimescaleDB can be had.
            ConfigError: the port is taken.
            DatabaseUnavailable: the server does not come up; with the end of its log.
        """
        account = service_account()
        make_home(self._home)
        with locked(self._home / "postgres.lock"):
            data = self._data()
            if data is not None and self.running and _port(data) != self._settings.db_port:
                self._say(f"moving TimescaleDB from port {_port(data)}")
                _stop(data)
            if not self.running:
                self._remove_orphans()
                self._start(account)
            self._prepare()

    def stop(self) -> None:
        """Stop the server in an orderly way; data stay. Harmless where it does not run."""
        data = self._data()
        if data is not None:
            with locked(self._home / "postgres.lock"):
                _stop(data)

    def destroy(self) -> None:
        """Stop the server and remove its data, wherever they are."""
        self.stop()
        place = existing_place(self._home)
        if place is not None:
            remove_place(self._home, place)

    def _remove_orphans(self) -> None:
        for place in orphans(self._home):
            self._say(f"removing {place}: the state folder whose data it holds was removed")
            _stop(place / "data")
            remove_place(self._home, place)

    def _start(self, account: Account) -> None:
        check_port(self._settings.db_port, "HDQM_DB_PORT", "the embedded TimescaleDB")
        postgres = self._installation(account)
        place = existing_place(self._home) or make_place(self._home, account)
        cluster = _Cluster(place, postgres, account)
        cluster.initialise()
        lz4 = cluster.accepts("wal_compression", "lz4")
        cluster.configure(configuration(self._settings.db_port, durable=self._durable, lz4=lz4))
        cluster.clean_up()
        cluster.set_superuser_password(self._secrets["postgres"])
        self._say(f"starting TimescaleDB on 127.0.0.1:{self._settings.db_port} ({postgres.origin})")
        cluster.start(self._log)

    def _prepare(self) -> None:
        prepare_roles(self._url("postgres", "postgres"), {role: self._secrets[role] for role in LOGINS})
        self.create_database("hdqm")

    def migrate(self, reader_timeout_s: int) -> list[str]:
        """Bring the schema up to date; names of the migrations that were applied now."""
        applied = load.migrate(self.url, reader_timeout_s=reader_timeout_s)
        load.restrict_reader(self.superuser_url)
        return applied

    def prepare_airflow(self) -> None:
        """Make Airflow's own database, where it is absent."""
        create_database(self.superuser_url, "airflow", "airflow")


class _Cluster:
    """The data of one server and the programs that run it."""

    def __init__(self, place: Path, postgres: Installation, account: Account) -> None:
        self._place = place
        self._data = place / "data"
        self._postgres = postgres
        self._account = account

    def initialise(self) -> None:
        """Make the data folder, whole or not at all."""
        if (self._data / "PG_VERSION").exists():
            return
        partial = self._place / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        self._run("initdb", *_INITDB, f"--pgdata={partial}")
        partial.rename(self._data)

    def accepts(self, setting: str, value: str) -> bool:
        """Whether a setting may have this value: that depends on how PostgreSQL was built."""
        asked = self._call("postgres", "-D", str(self._data), "-C", setting, "-c", f"{setting}={value}")
        return asked.returncode == 0

    def configure(self, text: str) -> None:
        for name, content in (("postgresql.conf", text), ("pg_hba.conf", HBA)):
            (self._data / name).write_text(content)

    def clean_up(self) -> None:
        """End what a killed server left behind: its children, and a note of a number that another process may have."""
        if not wait_until(lambda: not processes_in(self._data), 5):
            for left_over in processes_in(self._data):
                left_over.send(signal.SIGKILL)
            wait_until(lambda: not processes_in(self._data), 10)
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def set_superuser_password(self, password: str) -> None:
        """Give the superuser its password, the one thing that cannot be done through a connection."""
        note = self._place / "password"
        digest = hashlib.sha256(password.encode()).hexdigest()
        if not note.exists() or note.read_text() != digest:
            single = ("--single", "-D", str(self._data), "-c", "exit_on_error=on", "-c", "shared_preload_libraries=")
            self._run("postgres", *single, "postgres", text=f"ALTER ROLE postgres PASSWORD '{password}'\n")
            note.write_text(digest)

    def start(self, log: Path) -> None:
        command = [self._postgres.program("postgres"), "-D", str(self._data)]
        process = spawn(command, log, _ENVIRONMENT, self._place, self._account.as_child)
        wait_until(lambda: not process.alive or _ready(self._data), _READY_S)
        if not (process.alive and _ready(self._data)):
            _stop(self._data)
            raise DatabaseUnavailable(f"the embedded TimescaleDB does not start; the end of {log}:\n{tail(log)}")

    def _run(self, program: str, *arguments: str, text: str = "") -> None:
        done = self._call(program, *arguments, text=text)
        if done.returncode != 0:
            raise DatabaseUnavailable(
                f"{program} ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}"
            )

    def _call(self, program: str, *arguments: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self._postgres.program(program), *arguments],
            check=False,
            input=text,
            capture_output=True,
            text=True,
            cwd=self._place,
            env=_ENVIRONMENT,
            **self._account.as_child,
        )


def _postmaster(data: Path) -> Process | None:
    """The server of a data folder; it works in there, so no process that got its number later is taken for it."""
    lines = _pid_file(data)
    process = Process.of(int(lines[0])) if lines else None
    return process if process in processes_in(data) else None


def _ready(data: Path) -> bool:
    return len(lines := _pid_file(data)) > 7 and lines[7].strip() == "ready"


def _port(data: Path) -> int:
    return int(lines[3]) if len(lines := _pid_file(data)) > 3 else 0


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _stop(data: Path) -> None:
    """End a server: first let it write everything down, then without patience."""
    for number, seconds in ((signal.SIGINT, _STOP_S), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
        server = _postmaster(data)
        if server is None or server.end(number, seconds):
            return
