"""Passwords and keys of a local stack: random, made once, in a file that only its owner reads."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hdqm_ops.errors import ConfigError

__all__ = ["Secrets", "locked", "write_private"]


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold ``file`` as a lock; a second process waits here. A killed holder leaves no lock behind."""
    with _private(file, "a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class Secrets:
    """The secrets in ``secrets.json`` of a state folder. Asking for one makes it where it is absent."""

    def __init__(self, home: Path) -> None:
        self._file = home / "secrets.json"

    def __getitem__(self, name: str) -> str:
        """The secret of that name, safe to stand in an address."""
        known = self._read()
        if name not in known:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with locked(self._file.with_suffix(".lock")):
                known = self._read()
                known.setdefault(name, secrets.token_urlsafe(48))
                write_private(self._file, json.dumps(known, indent=1))
        return known[name]

    def _read(self) -> dict[str, str]:
        try:
            return dict(json.loads(self._file.read_bytes()))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise ConfigError(
                f"{self._file} is damaged ({error}): remove it, and the next start makes it anew"
            ) from error


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, at once or not at all."""
    partial = file.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with _private(partial, "x") as handle:
        handle.write(text)
    partial.rename(file)


def _private(file: Path, mode: str) -> IO[str]:
    """Open ``file`` so that it is for its owner alone from the first moment."""
    return open(file, mode, opener=lambda path, flags: os.open(path, flags, mode=0o600))
