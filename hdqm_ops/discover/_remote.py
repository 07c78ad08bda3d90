"""Walks folders and globs of xrootd servers: one question per folder, which brings sizes and times too."""

import fnmatch
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from hdqm_ops import xrootd
from hdqm_ops.discover._walk import MAGIC, Reached, Report, looks_like_file

__all__ = ["RemoteWalk"]


@dataclass(frozen=True)
class RemoteWalk:
    """Ways to reach files by address, as ``Walk`` does by path.

    A server that does not answer ends the search with ``ServiceUnavailable``: what was not seen is not gone.
    """

    report: Report

    def glob(self, pattern: str) -> Iterator[Reached]:
        match = re.fullmatch(r"(roots?://[^/]+)//(.*)", pattern, re.DOTALL)
        assert match, pattern
        top = xrootd.Entry(f"{match[1]}//", "", xrootd.status(f"{match[1]}//"), "")
        for entry in self._expanded(top, match[2].split("/")):
            if entry.is_folder and not looks_like_file(entry.name):
                yield from self.folder(entry.address)
            else:
                yield entry.address, partial(_told, entry)

    def _expanded(self, folder: xrootd.Entry, parts: list[str]) -> Iterator[xrootd.Entry]:
        part, rest = parts[0], parts[1:]
        if part == "**":
            for below, _ in self._tree(folder) if rest else [(folder, None)]:
                yield from self._expanded(below, rest) if rest else [below]
            return
        if not MAGIC.search(part):
            yield from self._straight(folder, parts)
            return
        matches = re.compile(fnmatch.translate(part)).match
        for entry in self._scan(folder):
            if not matches(entry.name) or (entry.name.startswith(".") and not part.startswith(".")):
                continue
            if not rest:
                yield entry
            elif entry.is_folder:
                yield from self._expanded(entry, rest)

    def _straight(self, folder: xrootd.Entry, parts: list[str]) -> Iterator[xrootd.Entry]:
        """Down the parts without a wildcard, asking for the last of them only."""
        plain = next((n for n, part in enumerate(parts) if MAGIC.search(part)), len(parts))
        address = f"{folder.address.rstrip('/') if folder.name else folder.address}/{'/'.join(parts[:plain])}"
        address = xrootd.normal(address)
        try:
            status = xrootd.status(address)
        except FileNotFoundError:
            return
        entry = xrootd.Entry(address, parts[plain - 1], status, address)
        if rest := parts[plain:]:
            yield from self._expanded(entry, rest)
        else:
            yield entry

    def folder(self, top: str) -> Iterator[Reached]:
        """``DQM*.root`` in a folder and all below it."""
        for _, entries in self._tree(xrootd.Entry(top, "", xrootd.status(top), top)):
            for entry in entries:
                if entry.name.startswith("DQM") and looks_like_file(entry.name):
                    yield entry.address, partial(_told, entry)

    def _tree(self, top: xrootd.Entry) -> Iterator[tuple[xrootd.Entry, list[xrootd.Entry]]]:
        entered: set[str] = set()
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            if folder.identity in entered:
                continue  # links may form circles
            entered.add(folder.identity)
            entries = self._scan(folder)
            yield folder, entries
            waiting.extend(entry for entry in reversed(entries) if _is_searched(entry))

    def _scan(self, folder: xrootd.Entry) -> list[xrootd.Entry]:
        try:
            return xrootd.listing(folder.address)
        except (FileNotFoundError, NotADirectoryError):
            return []  # gone meanwhile
        except OSError as error:
            self.report(f"the folder {folder.address!r} cannot be read: {error.strerror}")
            return []


def _is_searched(entry: xrootd.Entry) -> bool:
    return entry.is_folder and not entry.name.startswith(".") and not looks_like_file(entry.name)


def _told(entry: xrootd.Entry) -> os.stat_result:
    return entry.status
