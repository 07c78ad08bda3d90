# ruff: noqa: PTH100, PTH109, PTH111, PTH114, PTH116, PTH118, PTH119, PTH208 -- paths are texts here: a Path for each costs more
"""DQM files by globs, folders, lists and names: one listing per folder, one stat per file.

What counts as the same file: a file that several patterns reach is given once. So is one that is reached through links
(symbolic or hard) under the same base name: the first way found is kept, in the order of the patterns and then of
names. A link with another base name says another run, dataset or version, and is a file of its own.
"""

import fnmatch
import glob
import logging
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import NamedTuple

from hdqm_ops import xrootd
from hdqm_ops.discover._filename import parse_name
from hdqm_ops.discover._remote import RemoteWalk
from hdqm_ops.discover._walk import MAGIC, Reached, Report, Status, Walk, looks_like_file
from hdqm_ops.errors import ConfigError
from hdqm_ops.model import DQMFile

__all__ = ["exists", "find", "reachable"]

log = logging.getLogger(__name__)

_SHOWN = 5
_LONGEST = 2000
"""Bytes of a path: the ledger finds files by it, and an index of PostgreSQL takes no entry over 2704."""


def find(
    patterns: Iterable[str | os.PathLike[str]],
    *,
    aliases: Mapping[str, str] | None = None,
    multi_run: bool = False,
    relval: bool = False,
    report: Report = log.warning,
) -> Iterator[DQMFile]:
    """Find DQM files, each once, with size and time of modification; those that are not taken say why (``ignored``).

    Args:
        patterns: globs (``*``, ``?``, ``[…]``, and ``**`` for any depth; a folder that a glob ends at is searched),
            folders (searched to any depth for ``DQM*.root``), files, and ``@list.txt`` (one of these per line, relative
            to the list's folder; blank lines and lines that begin with ``#`` are passed over). Hidden folders are not
            searched: EOS keeps old versions of files in them. ``root://server//path`` may stand for a path.
        aliases: processing strings that join another one.
        multi_run: take harvests over many runs too.
        relval: take release validation too.
        report: is told of patterns that match nothing and of folders that cannot be read.

    Raises ``ConfigError``, before anything is given, that names every file, folder or list which was named and does not
    exist; ``ServiceUnavailable`` where an xrootd server does not answer.
    """
    targets = _targets(patterns)
    naming = partial(parse_name, aliases=aliases, multi_run=multi_run, relval=relval)
    return _Search(naming, report, Walk(report), RemoteWalk(report)).run(targets)


def reachable(patterns: Iterable[str | os.PathLike[str]]) -> Callable[[str], bool]:
    """Tells of a path whether ``find`` with these patterns might come upon it; rather yes than no."""
    places: set[str] = set()
    ways: list[re.Pattern[str]] = []
    for text, folder, place in _lines(patterns):
        path = _absolute(text, folder, place)
        places.add(path)  # a list names files by the hundred thousand
        if MAGIC.search(path):
            ways += [re.compile(fnmatch.translate(one)) for one in (path, f"{path.rstrip('/')}/*")]
    return lambda path: any(one in places for one in _upwards(path)) or any(way.match(path) for way in ways)


def _upwards(path: str) -> Iterator[str]:
    """A path, its folder, the folder of that, …."""
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield "/"


def exists(path: str) -> bool:
    """False only where the file system, or the server, says that there is none.

    Raises:
        ServiceUnavailable: an xrootd server does not answer.
    """
    try:
        _ = xrootd.status(path) if xrootd.is_address(path) else os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


# -- what was asked for ------------------------------------------------------------------------------------------------


class _Target(NamedTuple):
    """One thing to look for: ``status`` is None for a glob."""

    path: str
    said: str
    status: os.stat_result | None


def _targets(patterns: Iterable[str | os.PathLike[str]]) -> list[_Target]:
    """Every pattern as an absolute path; what was named outright must exist."""
    targets: list[_Target] = []
    missing: list[tuple[str, str]] = []
    for text, folder, place in _lines(patterns):
        path = _absolute(text, folder, place)
        said = f"{text!r}{place}"
        if xrootd.is_address(path) and MAGIC.search(path):
            targets.append(_Target(path, said, None))
            continue
        if MAGIC.search(text) and not os.path.lexists(path):
            # the folder that a glob is relative to may itself be called "[x]"
            path = _absolute(text, glob.escape(folder or os.getcwd()), place)
            targets.append(_Target(path, said, None))
            continue
        try:
            targets.append(_Target(path, said, xrootd.status(path) if xrootd.is_address(path) else os.stat(path)))
        except OSError as error:
            missing.append((path, f"{said}: {error.strerror or error}"))
    if missing:
        sentences = [f"{sentence}{_nearest(path)}" for path, sentence in missing[:_SHOWN]]
        if len(missing) > _SHOWN:
            sentences.append(f"… and {len(missing) - _SHOWN} more")
        raise ConfigError("DQM files that were named cannot be found:\n" + "\n".join(sentences))
    return targets


def _lines(patterns: Iterable[str | os.PathLike[str]]) -> Iterator[tuple[str, str, str]]:
    """Pattern, folder that it is relative to, and where it was said (for messages)."""
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        text = os.fspath(pattern)
        if not text.startswith("@"):
            yield text, "", ""
            continue
        listing = Path(os.path.abspath(os.path.expanduser(text[1:])))
        for number, raw in enumerate(_read_list(listing).split("\n"), 1):
            line = raw.strip(" \t\r")
            if line.startswith("@"):
                raise ConfigError(f"{listing}:{number}: a list names files, folders and globs, not lists: {line!r}")
            if line and not line.startswith("#"):
                yield line, str(listing.parent), f" ({listing}:{number})"


def _read_list(listing: Path) -> str:
    try:
        return listing.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise ConfigError(f"the list of files {listing}: {error.strerror}{_nearest(str(listing))}") from error


def _absolute(text: str, folder: str, place: str) -> str:
    if not text.strip():
        raise ConfigError(f"an empty text names no DQM files{place}")
    if "\0" in text:
        raise ConfigError(f"no path contains a NUL: {text!r}{place}")
    if xrootd.is_address(text):
        return xrootd.normal(text)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text):
        raise ConfigError(
            f"{text!r}{place}: only root:// of all URLs is read; or give the path where the files are mounted (/eos/…)"
        )
    return os.path.abspath(os.path.join(folder, os.path.expanduser(text)))


def _nearest(path: str) -> str:
    """Where the path ends to exist, and what is nearest to it there."""
    if xrootd.is_address(path):
        return ""  # its server has said it
    folder, wanted = Path(path).parent, Path(path).name
    while not folder.is_dir() and folder != folder.parent:
        folder, wanted = folder.parent, folder.name
    try:
        close = get_close_matches(wanted, os.listdir(folder), n=1)
    except OSError:
        close = []
    hint = f"; the nearest name there is {close[0]!r}" if close else ""
    return f"; {str(folder)!r} has no {wanted!r}{hint}"


# -- looking -----------------------------------------------------------------------------------------------------------


@dataclass
class _Search:
    """One search: remembers what was given already."""

    naming: Callable[[str], DQMFile]
    report: Report
    walk: Walk
    remote: RemoteWalk
    paths: set[str] = field(default_factory=set)
    files: set[tuple[int, int, str]] = field(default_factory=set)

    def run(self, targets: list[_Target]) -> Iterator[DQMFile]:
        for target in targets:
            matched = False
            for path, status in self._reached(target):
                matched = True
                if path not in self.paths:
                    self.paths.add(path)
                    yield from self._given(path, status)
            if not matched:
                self.report(f"no DQM files: nothing matches {target.said}{_nearest_folder(target)}")

    def _reached(self, target: _Target) -> Iterator[Reached]:
        status = target.status
        walk = self.remote if xrootd.is_address(target.path) else self.walk
        if status is None:
            return walk.glob(target.path)
        if _is_folder(target.path, status):
            return walk.folder(target.path)
        return iter([(target.path, lambda: status)])

    def _given(self, path: str, status: Status) -> Iterator[DQMFile]:
        """The file as it is given, or nothing where it was given already or has gone."""
        try:
            found = status()
        except FileNotFoundError:
            if os.path.islink(path):
                yield self._ignored(path, "a link to nothing")
            return
        except OSError as error:
            yield self._ignored(path, f"cannot be looked at: {error.strerror}")
            return
        if not stat.S_ISREG(found.st_mode):
            yield self._ignored(path, "a folder" if stat.S_ISDIR(found.st_mode) else "neither a file nor a folder")
            return
        identity = (found.st_dev, found.st_ino, os.path.basename(path))
        if found.st_ino and identity in self.files:  # some network file systems number no files
            return
        self.files.add(identity)
        file = replace(self.naming(path), size_bytes=found.st_size, mtime=found.st_mtime)
        why = _why_no_key(path)
        yield self._ignored(path, why, file) if why else file

    def _ignored(self, path: str, reason: str, file: DQMFile | None = None) -> DQMFile:
        return replace(file or self.naming(path), path=_as_key(path), ignored=reason)


def _is_folder(path: str, status: os.stat_result) -> bool:
    """A folder to search; one that is named as a file is not."""
    return stat.S_ISDIR(status.st_mode) and not looks_like_file(path)


def _why_no_key(path: str) -> str:
    """Why the ledger cannot know a file by its path; empty where it can."""
    try:
        return f"its path is longer than {_LONGEST} bytes" if len(path.encode()) > _LONGEST else ""
    except UnicodeEncodeError:
        return "its path is not UTF-8"


def _as_key(path: str) -> str:
    """A path as the ledger can have it: odd bytes written out, the middle of a long one left out."""
    half = _LONGEST // 2 - 2
    whole = path.encode(errors="surrogateescape").decode(errors="backslashreplace").encode()
    if len(whole) <= _LONGEST:
        return whole.decode()
    return f"{whole[:half].decode(errors='ignore')}…{whole[-half:].decode(errors='ignore')}"


def _nearest_folder(target: _Target) -> str:
    """For a glob, the first folder of its fixed beginning that does not exist."""
    if xrootd.is_address(target.path):
        return ""
    fixed = Path("/")
    for part in target.path.split("/")[1:]:
        if MAGIC.search(part):
            break
        fixed /= part
        if not fixed.exists():
            return f" (there is no {str(fixed)!r})"
    return ""
