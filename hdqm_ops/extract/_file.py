"""The structure of a ROOT file: header, records, keys of a folder. Nothing of what the objects mean.

Everything is big endian. A record begins with its key: fNbytes, fVersion, fObjlen, fDatime, fKeylen, fCycle, fSeekKey,
fSeekPdir, then class, name and title as strings. A folder is a record that says where its list of keys is; the list is
a record that repeats the keys of all that is in the folder. Positions take 8 bytes in place of 4 where the version
is above 1000 (files beyond 2 GiB).
"""

import struct
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from hdqm_ops.extract._compression import MAX_OBJECT, inflate
from hdqm_ops.extract._damage import Damaged, Truncated
from hdqm_ops.extract._source import Range, Source

__all__ = ["FOLDER_CLASSES", "Folder", "Key", "RootFile", "keys_in"]

FOLDER_CLASSES = frozenset({b"TDirectory", b"TDirectoryFile"})

_BIG = 1000
_BIG_FILE = 1_000_000
_HEADER = struct.Struct(">4sii ii i i i B i i i")
_HEADER_BIG = struct.Struct(">4sii qq i i i B i q i")
_KEY = struct.Struct(">ihiIhhiiB")
_KEY_BIG = struct.Struct(">ihiIhhqqB")
_FOLDER = struct.Struct(">hIIiiiii")
_FOLDER_BIG = struct.Struct(">hIIiiqqq")
_COUNT = struct.Struct(">i")
_LONG = struct.Struct(">I")
_LONG_TEXT = 255
_MAX_KEYS = 64 << 20


class Key(NamedTuple):
    """One entry in a folder's list of keys. ``raw`` are its bytes, which its record repeats."""

    class_name: bytes
    name: bytes
    cycle: int
    seek: int
    size: int
    key_size: int
    object_size: int
    raw: bytes


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
        key = _header_key(bytes(record), self._info[0])
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


def keys_in(listing: bytes, place: int, names: Collection[bytes] | None = None) -> Iterator[Key]:
    """The keys of a folder's list, scalars (``<…``) and those of ``names``; all where ``names`` is None.

    Raises:
        Damaged: the list contradicts itself; ``place`` is its position in the file.
    """
    try:
        yield from _keys_in(listing, place, names)
    except (struct.error, IndexError) as error:
        raise Damaged("a folder's list of keys ends in the middle of a key", place) from error


def _keys_in(listing: bytes, place: int, names: Collection[bytes] | None) -> Iterator[Key]:
    size, _, _, _, position, _, _, _, _ = _KEY.unpack_from(listing)
    if size != len(listing) or position < _KEY.size:
        raise Damaged("there is no list of keys where a folder says", place)
    (count,) = _COUNT.unpack_from(listing, position)
    position += _COUNT.size
    for _ in range(count):
        start = position
        # Of most keys no more is looked at than their lengths and their names: these lists are long.
        position += listing[start + 14] << 8 | listing[start + 15]
        class_at = start + (_KEY.size if listing[start + 4] == 0 else _KEY_BIG.size)
        class_end = class_at + listing[class_at - 1]
        name_end = class_end + 1 + listing[class_end]
        if name_end + 1 + listing[name_end] != position or listing[class_end] == _LONG_TEXT:
            class_at, class_end, name_at, name_end = _long_strings(listing, class_at - 1, position, place)
            name = listing[name_at:name_end]
        else:
            name = listing[class_end + 1 : name_end]
        if names is None or name in names or name[:1] == b"<":
            yield _key(listing[start:position], listing[class_at:class_end], name)
    if position > len(listing) or listing[position:].strip(b"\0"):
        # Some writers reserve room for more keys, and leave zeros there.
        raise Damaged(f"a folder's list has not {count} keys, as it says", place)


def _key(raw: bytes, class_name: bytes, name: bytes) -> Key:
    layout = _KEY if raw[4] == 0 else _KEY_BIG
    size, _, object_size, _, key_size, cycle, seek, _, _ = layout.unpack_from(raw)
    return Key(class_name, name, cycle, seek, size, key_size, object_size, raw)


def _header_key(record: bytes, place: int) -> Key:
    """The key that a record begins with, as if a folder had listed it."""
    try:
        layout = _KEY if record[4] == 0 else _KEY_BIG  # the high byte of the version
        _, _, object_size, _, key_size, cycle, _, _, _ = layout.unpack_from(record)
    except (struct.error, IndexError) as error:
        raise Damaged("a record ends within its key", place) from error
    if not layout.size <= key_size <= len(record):
        raise Damaged("a record contradicts itself", place)
    return Key(b"", b"", cycle, place, len(record), key_size, object_size, record[:key_size])


def _long_strings(listing: bytes, position: int, end: int, place: int) -> tuple[int, int, int, int]:
    """Start and end of class and name, where any string may be longer than 254 bytes; the title must end at ``end``."""
    places = []
    for _ in range(3):
        length, position = listing[position], position + 1
        if length == _LONG_TEXT:
            (length,) = _LONG.unpack_from(listing, position)
            position += _LONG.size
        places += [position, position + length]
        position += length
    if position != end:
        raise Damaged("a key in a folder's list contradicts itself", place + position)
    return places[0], places[1], places[2], places[3]
