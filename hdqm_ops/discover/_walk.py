# ruff: noqa: PTH112, PTH116 -- paths are texts here: a Path for each costs more than its stat
"""Walks folders and globs: lists each folder once, and leaves the question for size and time to the caller."""

import fnmatch
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

__all__ = ["MAGIC", "Reached", "Report", "Status", "Walk", "looks_like_file"]

Report = Callable[[str], None]
"""Takes one sentence about something that was looked for in vain or could not be looked at."""

Status = Callable[[], os.stat_result]
"""Asks the file system for size and time, when they are wanted and not before."""

Reached = tuple[str, Status]

MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Walk:
    """Ways to reach files; ``report`` hears of folders that cannot be read."""

    report: Report

    def glob(self, pattern: str) -> Iterator[Reached]:
        for path, status in self._expanded("/", pattern.split("/")[1:]):
            # A glob may end at a folder. Only there the question costs a stat of its own: entries know their kind.
            if looks_like_file(path):
                yield path, status
            elif os.path.isdir(path):
                yield from self.folder(path)
            elif os.path.lexists(path):
                yield path, status

    def _expanded(self, folder: str, parts: list[str]) -> Iterator[Reached]:
        """Every path that matches the parts of a glob below a folder."""
        part, rest = parts[0], parts[1:]
        if part == "**":
            if not rest:
                yield folder, partial(os.stat, folder)
                return
            for below, _ in self._tree(folder):
                yield from self._expanded(below, rest)
        elif not MAGIC.search(part):
            path = _join(folder, part)
            if rest:
                yield from self._expanded(path, rest)
            elif os.path.lexists(path):
                yield path, partial(os.stat, path)
        else:
            yield from self._matching(folder, part, rest)

    def _matching(self, folder: str, part: str, rest: list[str]) -> Iterator[Reached]:
        matches = re.compile(fnmatch.translate(part)).match
        for entry in self._scan(folder):
            if not matches(entry.name) or (entry.name.startswith(".") and not part.startswith(".")):
                continue
            if not rest:
                yield entry.path, entry.stat
            elif _is_dir(entry):
                yield from self._expanded(entry.path, rest)

    def folder(self, top: str) -> Iterator[Reached]:
        """``DQM*.root`` in a folder and all below it."""
        for _, entries in self._tree(top):
            for entry in entries:
                if _is_dqm(entry.name):
                    yield entry.path, entry.stat

    def _tree(self, top: str) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
        """A folder and all below it, each once (links may form circles), with what they contain."""
        entered: set[tuple[int, int]] = set()
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            try:
                status = os.stat(folder)
            except OSError:
                continue  # gone meanwhile
            if (identity := (status.st_dev, status.st_ino)) in entered:
                continue
            entered.add(identity)
            entries = self._scan(folder)
            yield folder, entries
            waiting.extend(entry.path for entry in reversed(entries) if _is_searched(entry))

    def _scan(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return []  # a glob asks for folders that need not exist everywhere
        except OSError as error:
            self.report(f"the folder {folder!r} cannot be read: {error.strerror}")
            return []


def _is_dqm(name: str) -> bool:
    return name.startswith("DQM") and name.endswith(".root")


def looks_like_file(path: str) -> bool:
    return path.endswith(".root")


def _is_searched(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".") and not looks_like_file(entry.name) and _is_dir(entry)


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads to itself


def _join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"
