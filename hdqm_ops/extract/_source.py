"""Where bytes come from: whatever can answer a list of (offset, length) in one go.

The reader asks in rounds: one for the header, two for each level of folders, then all payloads at once. A source
over a network answers a round with one vectored request; the local one with as few system calls as pay.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self, TypeAlias

from hdqm_ops.extract._damage import Damaged, Truncated

__all__ = ["LocalFile", "Range", "Source", "coalesce"]

Range: TypeAlias = tuple[int, int]
"""Offset and length in bytes."""

_WHOLE = 8 << 20
_GAP = 16 << 10
_CHUNK = 8 << 20


class Source(Protocol):
    """Random access to the bytes of one file."""

    path: str
    size: int

    def read(self, ranges: Sequence[Range]) -> list[memoryview]:
        """The bytes of each range, in the order asked for; ``Damaged`` where the file is too short for one."""
        ...


class LocalFile:
    """A file that the operating system opens, EOS mounts included.

    Read by ``pread`` and never mapped into memory: a file that shrinks while it is mapped kills the process.
    A small file is read whole at the first request, because one system call is cheaper than hundreds.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        # Without waiting: opening a pipe would block until somebody writes to it.
        self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(self._descriptor)
            raise Damaged("no regular file")
        self.size = status.st_size
        self._whole: memoryview | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def read(self, ranges: Sequence[Range]) -> list[memoryview]:
        """The bytes of each range, in the order asked for."""
        for offset, length in ranges:
            if offset < 0 or length < 0 or offset + length > self.size:
                raise Damaged(f"{length} bytes are wanted from a file of {self.size}", offset)
        if self._whole is None and self.size <= _WHOLE:
            self._whole = self._pread(0, self.size)
        if self._whole is not None:
            whole = self._whole
            return [whole[offset : offset + length] for offset, length in ranges]
        return self._read_coalesced(ranges)

    def _read_coalesced(self, ranges: Sequence[Range]) -> list[memoryview]:
        views = [memoryview(b"")] * len(ranges)
        for start, end, members in coalesce(ranges):
            block = self._pread(start, end - start)
            for index in members:
                offset, length = ranges[index]
                views[index] = block[offset - start : offset - start + length]
        return views

    def _pread(self, offset: int, length: int) -> memoryview:
        pieces = []
        while length:
            piece = os.pread(self._descriptor, length, offset)
            if not piece:
                raise Truncated(f"the file ends {length} bytes too early: it shrinks while it is read", offset)
            pieces.append(piece)
            offset, length = offset + len(piece), length - len(piece)
        return memoryview(pieces[0] if len(pieces) == 1 else b"".join(pieces))


def coalesce(ranges: Sequence[Range], gap: int = _GAP) -> Iterator[tuple[int, int, list[int]]]:
    """Joins ranges that are at most ``gap`` bytes apart: (start, end, indices of the ranges inside)."""
    start, end, members = 0, -1, list[int]()
    for index in sorted(range(len(ranges)), key=ranges.__getitem__):
        offset, length = ranges[index]
        if members and offset <= end + gap and max(end, offset + length) - start <= _CHUNK:
            end = max(end, offset + length)
            members.append(index)
            continue
        if members:
            yield start, end, members
        start, end, members = offset, offset + length, [index]
    if members:
        yield start, end, members
