"""The structure of a ROOT file: header, folders, records. Nothing of what the objects mean.

Everything is big endian. A record begins with its key. A folder is a record that says where its list of keys is; the
list is a record that repeats the keys of all that is in the folder. Positions take 8 bytes in place of 4 where the
version is above 1000 (files beyond 2 GiB).
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from hdqm_ops.extract._compression import MAX_OBJECT, inflate
from hdqm_ops.extract._damage import Damaged, Truncated
from hdqm_ops.extract._keys import Key, header_key
from hdqm_ops.extract._source import Range, Source

__all__ = ["FOLDER_CLASSES", "Folder", "RootFile"]

FOLDER_CLASSES = frozenset({b"TDirectory", b"TDirectoryFile"})

_BIG = 1000
_BIG_FILE = 1_000_000
_HEADER = struct.Struct(">4sii ii i i i B i i i")
_HEADER_BIG = struct.Struct(">4sii qq i i i B i q i")
_FOLDER = struct.Struct(">hIIiiiii")
_FOLDER_BIG = struct.Struct(">hIIiiqqq")
_MAX_KEYS = 64 << 20


class Folder(NamedTuple):
    """Where a folder's list of keys is."""

    seek_keys: int
    keys_size: int


class RootFile:
    """Header and folders of one file.

    Every list of keys may be read once: in a sound file they do not overlap, so all of them together are smaller than
    the file, and a folder that leads back to itself cannot keep the reader busy for ever.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.begin, self._top, self._info = self._read_header()
        self._seen: set[int] = set()
        self._keys_size = 0

    def _read_header(self) -> tuple[int, int, Range]:
        """Position of the first record, of the top folder's description, and of the class descriptions."""
        size = self.source.size
        if not size:
            raise Truncated("the file is empty", 0)
        (start,) = self.source.read([(0, min(size, 80))])
        if bytes(start[:4]) != b"root":
            raise Damaged(f"no ROOT file: it begins with {bytes(start[:4])!r}", 0)
        layout = _HEADER_BIG if len(start) > 8 and int.from_bytes(start[4:8], "big") >= _BIG_FILE else _HEADER
        if len(start) < layout.size:
            raise Truncated(f"the file ends within its header, after {size} bytes", size)
        _, _, begin, end, _, _, _, name_size, _, _, info, info_size = layout.unpack_from(start)
        if end > size:
            raise Truncated(f"truncated: {size} of {end} bytes are there", size)
        if not (layout.size <= begin <= begin + name_size < end and name_size > 0):
            raise Damaged("the header contradicts itself", 0)
        return begin, begin + name_size, (info, info_size)

    def top(self) -> Folder:
        """The folder that everything is in. Like ROOT, refuses a file whose descriptions of classes are damaged."""
        length = min(_FOLDER_BIG.size, self.source.size - self._top)
        described = self._info[0] > self.begin
        view, *infos = self.source.read([(self._top, length)] + [self._info] * described)
        for info in infos:
            self._unpack_info(info)
        folder = self._folder(view, self._top)
        if folder is None:
            raise Truncated("the file was not closed by its writer: it has no list of keys", self._top)
        return folder

    def check_info(self) -> None:
        """Raises ``Damaged`` where the file does not carry sound descriptions of its classes."""
        if self._info[0] <= self.begin:
            raise Damaged("the file has no descriptions of its classes", self._info[0])
        self._unpack_info(*self.source.read([self._info]))

    def _unpack_info(self, record: memoryview) -> None:
        key = header_key(bytes(record), self._info[0])
        self.check(key)
        self.payload(key, record)

    def folders(self, keys: Sequence[Key]) -> list[Folder | None]:
        """What the folders behind some keys say, in one round; None for one that was never filled."""
        for key in keys:
            self.check(key)
        places = [(key.seek + key.key_size, key.object_size) for key in keys]
        views = self.source.read(places)
        return [self._folder(view, place) for view, (place, _) in zip(views, places, strict=True)]

    def _folder(self, view: memoryview, place: int) -> Folder | None:
        layout = _FOLDER_BIG if len(view) > 2 and view[0] << 8 | view[1] > _BIG else _FOLDER
        if len(view) < layout.size:
            raise Damaged(f"{len(view)} bytes are too few for a folder", place)
        _, _, _, keys_size, _, _, _, seek_keys = layout.unpack_from(view)
        if seek_keys == 0 and keys_size == 0:
            return None
        if keys_size <= 0 or seek_keys < self.begin or seek_keys + keys_size > self.source.size:
            raise Damaged(f"a folder's list of keys ({keys_size} bytes at {seek_keys}) lies outside of the file", place)
        return Folder(seek_keys, keys_size)

    def key_lists(self, folders: Sequence[Folder]) -> list[bytes]:
        """The raw key lists of some folders, in one round."""
        for folder in folders:
            if folder.seek_keys in self._seen:
                raise Damaged("two folders share one list of keys: a loop", folder.seek_keys)
            self._seen.add(folder.seek_keys)
            self._keys_size += folder.keys_size
            if self._keys_size > min(self.source.size, _MAX_KEYS):
                raise Damaged("the lists of keys overlap, or are beyond all measure", folder.seek_keys)
        return [bytes(view) for view in self.source.read(folders)]

    def check(self, key: Key) -> None:
        """Raises ``Damaged`` where a key cannot be right."""
        if key.seek < self.begin or key.size < key.key_size or key.seek + key.size > self.source.size:
            raise Damaged(f"a key points outside of the file ({key.size} bytes at {key.seek})", key.seek)
        if key.object_size < 0 or key.object_size > MAX_OBJECT:
            raise Damaged(f"an object of {key.object_size} bytes is announced", key.seek)

    @staticmethod
    def payload(key: Key, record: memoryview) -> bytes:
        """The bytes of an object from its record, decompressed.

        Raises:
            Damaged: the record is another one than the key says, or its compression is broken.
        """
        raw = bytes(record)
        if not raw.startswith(key.raw):
            raise Damaged("the record is not the one that its folder lists", key.seek)
        stored = raw[key.key_size :]
        if key.object_size <= len(stored):
            return stored[: key.object_size]
        try:
            return inflate(stored, key.object_size)
        except Damaged as damage:
            raise Damaged(damage.found, key.seek + key.key_size + (damage.offset or 0)) from damage
