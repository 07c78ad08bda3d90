"""Keys: what a folder lists of each object in it, and what the object's record begins with.

fNbytes, fVersion, fObjlen, fDatime, fKeylen, fCycle, fSeekKey, fSeekPdir, then class, name and title as strings: a
length byte each, and where that is 255 four bytes with the length. Positions take 8 bytes in place of 4 where the
version is above 1000, which its high byte tells: other versions are small.
"""

import struct
from collections.abc import Collection, Iterator
from typing import NamedTuple

from hdqm_ops.extract._damage import Damaged

__all__ = ["Key", "header_key", "keys_in"]

_KEY = struct.Struct(">ihiIhhiiB")
_KEY_BIG = struct.Struct(">ihiIhhqqB")
_COUNT = struct.Struct(">i")
_LONG = struct.Struct(">I")
_LONG_TEXT = 255
_MANY = 8
"""Keys for each wanted name from which on looking for the names is faster than walking along the keys."""
_CLASS_SIZES = range(3, 40)


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


def keys_in(listing: bytes, place: int, names: Collection[bytes] | None = None) -> Iterator[Key]:
    """The keys of a folder's list: those of ``names`` and of scalars with these names; all where ``names`` is None.

    Others may be given too.

    Raises:
        Damaged: the list contradicts itself; ``place`` is its position in the file.
    """
    try:
        size, _, _, _, first, _, _, _, _ = _KEY.unpack_from(listing)
        if size != len(listing) or first < _KEY.size:
            raise Damaged("there is no list of keys where a folder says", place)
        (count,) = _COUNT.unpack_from(listing, first)
        if not 0 <= count <= len(listing) // _KEY.size:
            raise Damaged(f"a folder's list cannot have {count} keys", place)
        if names is None or count < _MANY * len(names) or max(map(len, names), default=0) >= _LONG_TEXT - 2:
            yield from _walk(listing, place, first + _COUNT.size, count, names)
        else:
            yield from _look_for(listing, names)
    except (struct.error, IndexError) as error:
        raise Damaged("a folder's list of keys ends in the middle of a key", place) from error


def _walk(listing: bytes, place: int, position: int, count: int, names: Collection[bytes] | None) -> Iterator[Key]:
    """One key after the other; of most no more is looked at than their lengths and their names."""
    for _ in range(count):
        start = position
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


def _look_for(listing: bytes, names: Collection[bytes]) -> Iterator[Key]:
    """The keys around each place where a name stands; a name may also stand in a title, or within another one."""
    for name in names:
        for begin, length_at in ((bytes([len(name)]) + name, 0), (b"<" + name + b">", -1)):
            place = listing.find(begin)
            while place >= 0:
                key = _key_around(listing, place + length_at)
                if key is not None:
                    yield key
                place = listing.find(begin, place + 1)


def _key_around(listing: bytes, name_at: int) -> Key | None:
    """The key whose name has its length byte here; None where the bytes around are something else."""
    title_at = name_at + 1 + listing[name_at]
    end = title_at + 1 + listing[title_at] if title_at < len(listing) else len(listing) + 1
    if end > len(listing):
        return None
    for class_size in _CLASS_SIZES:
        class_at = name_at - class_size
        if class_at < _KEY.size or listing[class_at - 1] != class_size:
            continue
        for layout in (_KEY, _KEY_BIG):
            start = max(class_at - layout.size, 0)
            fits = listing[start + 14] << 8 | listing[start + 15] == end - start
            if fits and (listing[start + 4] == 0) == (layout is _KEY):
                return _key(listing[start:end], listing[class_at:name_at], listing[name_at + 1 : title_at])
    return None


def _key(raw: bytes, class_name: bytes, name: bytes) -> Key:
    layout = _KEY if raw[4] == 0 else _KEY_BIG
    size, _, object_size, _, key_size, cycle, seek, _, _ = layout.unpack_from(raw)
    return Key(class_name, name, cycle, seek, size, key_size, object_size, raw)


def header_key(record: bytes, place: int) -> Key:
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
