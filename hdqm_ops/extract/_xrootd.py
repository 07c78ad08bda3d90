"""Bytes of a file behind ``root://``: every round of the reader is one vectored question."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from hdqm_ops.extract._damage import Damaged, Truncated
from hdqm_ops.extract._source import Range, coalesce
from hdqm_ops.xrootd import RemoteFile

__all__ = ["XrootdFile"]

_HEAD = 64 << 10
_SMALL = 2 << 20
"""A file up to this size is read at once: one question costs as much as a hundred kilobytes anyway."""
_MEMBERS = 1024
_GAP = 16 << 10


class XrootdFile:
    """A ``Source`` over a network. Its beginning is kept: header and top folder are asked for first, one by one."""

    def __init__(self, address: str) -> None:
        self.path = address
        self._file = RemoteFile(address)
        self.size = self._file.size
        self._head: memoryview | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)

    @property
    def requests(self) -> int:
        """How many questions the server was asked: open and stat, then one a round."""
        return self._file.requests

    def read(self, ranges: Sequence[Range]) -> list[memoryview]:
        """The bytes of each range, in the order asked for."""
        for offset, length in ranges:
            if offset < 0 or length < 0 or offset + length > self.size:
                raise Damaged(f"{length} bytes are wanted from a file of {self.size}", offset)
        if self._head is None:
            self._head = self._fetched([(0, self.size if self.size <= _SMALL else _HEAD)])[0]
        head, known = self._head, len(self._head)
        far = [index for index, (offset, length) in enumerate(ranges) if offset + length > known]
        views = [head[offset : offset + length] for offset, length in ranges]
        for start, view, members in self._blocks([ranges[index] for index in far]):
            for member in members:
                offset, length = ranges[far[member]]
                views[far[member]] = view[offset - start : offset - start + length]
        return views

    def _blocks(self, ranges: Sequence[Range]) -> list[tuple[int, memoryview, list[int]]]:
        """What covers the ranges, few enough blocks for one question: gaps are cheaper than another round trip."""
        gap = _GAP
        blocks = list(coalesce(ranges, gap))
        while len(blocks) > _MEMBERS and gap < _SMALL:
            gap *= 2
            blocks = list(coalesce(ranges, gap))
        views = self._fetched([(start, end - start) for start, end, _ in blocks]) if blocks else []
        return [(start, view, members) for (start, _, members), view in zip(blocks, views, strict=True)]

    def _fetched(self, places: Sequence[Range]) -> list[memoryview]:
        read = self._file.read(places)
        for (offset, length), piece in zip(places, read, strict=True):
            if len(piece) != length:
                missing = length - len(piece)
                raise Truncated(f"the file ends {missing} bytes too early: it shrinks while it is read", offset)
        return [memoryview(piece) for piece in read]
