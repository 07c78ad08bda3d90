"""Finds a PostgreSQL with TimescaleDB: the system's, one that was unpacked before, or Debian's, unpacked now."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hdqm_ops.errors import MissingTool
from hdqm_ops.local._account import Account
from hdqm_ops.local._debian import MAJOR, tree_in, unpack
from hdqm_ops.local._place import make_open
from hdqm_ops.settings import Settings

__all__ = ["Installation", "installation"]

# Debian and its kin, the PostgreSQL project's RPMs, Red Hat and Arch, built by hand.
_SYSTEM = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/bin", "/usr/local/pgsql/bin")
_SHARED_CACHE = Path("/var/cache/hdqm")  # root's own cache is below /root, where no other user gets in

_THREE_WAYS = """\
no PostgreSQL with TimescaleDB is here, and none could be fetched: {reason}
There are three ways to get one:
  1. install both on this machine (Debian 13: apt install postgresql-17-timescaledb)
  2. run one elsewhere, for instance by Docker, and name it:
       docker run -d -p 127.0.0.1:5432:5432 -e POSTGRES_PASSWORD=... timescale/timescaledb:latest-pg17
       export HDQM_DATABASE_URL=postgresql://postgres:...@127.0.0.1:5432/postgres
  3. on Debian or Ubuntu: name a Debian mirror that this machine reaches: export HDQM_DEBIAN_MIRROR=http://.../debian"""


@dataclass(frozen=True, slots=True)
class Installation:
    """A PostgreSQL that can load TimescaleDB.

    Attributes:
        programs: folder of ``postgres``, ``initdb``, ``psql``.
        major: major version of PostgreSQL.
        origin: where it comes from, for people.
    """

    programs: Path
    major: int
    origin: str

    def program(self, name: str) -> str:
        """Path of one program."""
        return str(self.programs / name)


def installation(settings: Settings, account: Account, major: int | None, say: Callable[[str], None]) -> Installation:
    """Find or fetch a PostgreSQL with TimescaleDB.

    Args:
        settings: where to keep what is fetched, and where to fetch from.
        account: who runs it.
        major: version that existing data need; None for any.
        say: is told what is being done.

    Raises:
        MissingTool: there is none; the message names the three ways to get one.
    """
    here = [*_system(), *_unpacked(settings, account)]
    found = next((one for one in here if major in (None, one.major)), None)
    if found is not None:
        return found
    if major not in (None, MAJOR):
        raise MissingTool(
            f"the data were written by PostgreSQL {major}, of which there is none with TimescaleDB here any more: "
            f"install it again, or move them to PostgreSQL {MAJOR} with pg_dump"
        )
    try:
        return _of_tree(unpack(_cache(settings, account), settings.debian_mirror, say))
    except (MissingTool, OSError) as error:
        raise MissingTool(_THREE_WAYS.format(reason=error)) from error


def _system() -> Iterator[Installation]:
    """Installations of the machine, newest first."""
    folders = {path.resolve() for pattern in _SYSTEM for path in Path("/").glob(pattern.lstrip("/"))}
    found = [(_major(folder), folder) for folder in folders if (folder / "postgres").exists()]
    for major, folder in sorted(found, reverse=True):
        if major >= 15 and _has_timescaledb(folder):
            yield Installation(folder, major, f"the machine's PostgreSQL {major}")


def _major(programs: Path) -> int:
    version = _output(programs / "postgres", "--version")
    match = re.search(r"\(PostgreSQL\) (\d+)", version)
    return int(match[1]) if match else 0


def _has_timescaledb(programs: Path) -> bool:
    shares = [Path(str(programs).replace("/usr/lib/", "/usr/share/")).parent, programs.parent / "share"]
    if (programs / "pg_config").exists():
        shares.append(Path(_output(programs / "pg_config", "--sharedir").strip()))
    return any((share / "extension" / "timescaledb.control").exists() for share in shares)


def _output(program: Path, argument: str) -> str:
    return subprocess.run([program, argument], check=False, capture_output=True, text=True).stdout


def _unpacked(settings: Settings, account: Account) -> Iterator[Installation]:
    for cache in (settings.cache, _SHARED_CACHE):
        tree = tree_in(cache) if _trusted(cache) and account.can_enter(cache) else None
        if tree is not None and _major(_of_tree(tree).programs) == MAJOR:  # still runs
            yield _of_tree(tree)


def _trusted(cache: Path) -> bool:
    """Programs are run only out of folders that root or this user filled."""
    try:
        facts = cache.stat()
    except OSError:
        return False
    return facts.st_uid in (0, os.geteuid()) and not facts.st_mode & 0o002


def _of_tree(tree: Path) -> Installation:
    return Installation(tree / "usr/lib/postgresql" / str(MAJOR) / "bin", MAJOR, f"Debian's, unpacked in {tree}")


def _cache(settings: Settings, account: Account) -> Path:
    """The folder to unpack into: the user's, or one that all can enter where PostgreSQL's user cannot enter that."""
    for cache in (settings.cache, _SHARED_CACHE):
        make_open(cache, 0o755)
        if account.can_enter(cache):
            return cache
    raise MissingTool(f"{account.name!r}, who runs PostgreSQL, can enter neither {settings.cache} nor {_SHARED_CACHE}")
