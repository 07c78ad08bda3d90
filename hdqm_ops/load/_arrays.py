"""NumPy arrays in PostgreSQL's binary form, there and back, without a Python object for each number."""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["from_binary", "to_binary"]

_HEADER = struct.Struct(">iii")  # dimensions, whether any is NULL, type of the elements
_EXTENT = struct.Struct(">ii")  # length, number of the first
_OIDS = {"i2": 21, "i4": 23, "i8": 20, "f4": 700, "f8": 701}
_TYPES = {oid: np.dtype(code) for code, oid in _OIDS.items()}
# An element as it travels: its length in bytes, then the number, both with the high byte first.
_ELEMENTS = {oid: np.dtype([("length", ">i4"), ("number", f">{code}")]) for code, oid in _OIDS.items()}


def to_binary(array: NDArray[Any]) -> bytes:
    """A flat array of a type that PostgreSQL has too, ready to be copied into an array column of that type."""
    oid = _OIDS[array.dtype.str[1:]]  # in whatever byte order
    header = _HEADER.pack(int(array.size > 0), 0, oid)
    if not array.size:
        return header
    packed = np.empty(array.size, _ELEMENTS[oid])
    packed["length"] = array.itemsize
    packed["number"] = array
    return header + _EXTENT.pack(array.size, 1) + packed.tobytes()


def from_binary(data: bytes | bytearray | memoryview) -> NDArray[Any]:
    """The flat array that a binary array column holds."""
    dimensions, _, oid = _HEADER.unpack_from(data)
    if not dimensions:
        return np.empty(0, _TYPES[oid])
    packed = np.frombuffer(data, _ELEMENTS[oid], offset=_HEADER.size + _EXTENT.size)
    return packed["number"].astype(_TYPES[oid])
