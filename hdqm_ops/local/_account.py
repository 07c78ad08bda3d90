"""Under which user of the machine PostgreSQL runs, and which folders that user can enter."""

import os
import pwd
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdqm_ops.errors import ConfigError

__all__ = ["Account", "service_account"]


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the machine.

    Attributes:
        name: login name.
        uid: user id.
        gid: id of its main group.
        foreign: another user than the one who runs this process (who is root then).
    """

    name: str
    uid: int
    gid: int
    foreign: bool

    @property
    def as_child(self) -> Mapping[str, Any]:
        """Arguments of ``subprocess`` that start a child as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.foreign else {}

    def can_enter(self, folder: Path) -> bool:
        """Whether this user can enter ``folder``; asked by trying, for access lists and network file systems too."""
        tried = subprocess.run(["test", "-x", folder], check=False, cwd="/", **self.as_child)
        return tried.returncode == 0

    def own(self, folder: Path) -> Path:
        """Make ``folder``, which only this user may read; it is left alone where it exists."""
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True)
            if self.foreign:
                os.chown(folder, self.uid, self.gid)
        return folder


def service_account() -> Account:
    """Who runs PostgreSQL: the user of this process, or an unprivileged one in place of root.

    Raises:
        ConfigError: this process is root and cannot become anybody else.
    """
    if os.geteuid() != 0:
        me = os.geteuid()
        return Account(_name(me), me, os.getegid(), foreign=False)
    entry = _first_known("postgres", "nobody")
    account = Account(entry.pw_name, entry.pw_uid, entry.pw_gid, foreign=True)
    try:
        subprocess.run(["true"], check=True, cwd="/", **account.as_child)
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigError(
            f"PostgreSQL refuses to run as root, and this root cannot become {account.name!r} ({error}): "
            "run HDQM as a normal user, or name a database with HDQM_DATABASE_URL"
        ) from error
    return account


def _first_known(*names: str) -> pwd.struct_passwd:
    for name in names:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ConfigError(
        f"PostgreSQL refuses to run as root, and this machine knows none of the users {', '.join(names)}: "
        "run HDQM as a normal user, or name a database with HDQM_DATABASE_URL"
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # containers run under numbers that no file knows
        return str(uid)
