"""Tells from listings that follow one another which files came or changed, and are no longer being written."""

from collections.abc import Iterable

from hdqm_ops.model import DQMFile

__all__ = ["Watch"]

_Identity = tuple[int, float]


class Watch:
    """Compares each listing with the one before.

    Args:
        since: when somebody looked last, in seconds since 1970: what was there before is no news. None: nothing that
            the first listing shows is.
    """

    def __init__(self, since: float | None = None) -> None:
        self._since = since
        self._told: dict[str, _Identity] | None = None
        self._moving: dict[str, _Identity] = {}

    def news(self, files: Iterable[DQMFile]) -> list[DQMFile]:
        """Files that are new or changed, and are in this listing as they were in the last; each is told once."""
        listed = {file.path: file for file in files if file.ignored is None}
        if self._told is None:
            self._told = {path: _identity(file) for path, file in listed.items() if not self._is_late(file)}
        still = self._moving
        self._moving = {}
        ready = []
        for path, file in listed.items():
            identity = _identity(file)
            if self._told.get(path) == identity:
                continue
            if still.get(path) == identity:
                ready.append(file)
                self._told[path] = identity
            else:
                self._moving[path] = identity
        self._told = {path: identity for path, identity in self._told.items() if path in listed}
        return ready

    def _is_late(self, file: DQMFile) -> bool:
        """It came while nobody looked."""
        return self._since is not None and file.mtime > self._since


def _identity(file: DQMFile) -> _Identity:
    return file.size_bytes, file.mtime
