"""NumPy arrays in PostgreSQL's binary form, there and back, without a Python object for each number."""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["from_binary", "to_binary"]

_HEADER = struct.Struct(">iii")  # dimensions, whether any is NULL, type of the elements
_EXTENT = struct.Struct(">ii")  # length, number of the first
_OIDS = {"int16": 21, "int32": 23, "int64": 20, "float32": 700, "float64": 701}
_TYPES = {oid: np.dtype(name) for name, oid in _OIDS.items()}


def _element(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """An element as it travels: its length in bytes, then the number, both with the high byte first."""
    return np.dtype([("length", ">i4"), ("number", dtype.newbyteorder(">"))])


def to_binary(array: NDArray[Any]) -> bytes:
    """A flat array of a type that PostgreSQL has too, ready to be copied into an array column of that type."""
    dtype = array.dtype.newbyteorder("=")
    header = _HEADER.pack(int(array.size > 0), 0, _OIDS[dtype.name])
    if not array.size:
        return header
    packed = np.empty(array.size, _element(dtype))
    packed["length"] = dtype.itemsize
    packed["number"] = array
    return header + _EXTENT.pack(array.size, 1) + packed.tobytes()


def from_binary(data: bytes | bytearray | memoryview) -> NDArray[Any]:
    """The flat array that a binary array column holds."""
    dimensions, _, oid = _HEADER.unpack_from(data)
    dtype = _TYPES[oid]
    if not dimensions:
        return np.empty(0, dtype)
    packed = np.frombuffer(data, _element(dtype), offset=_HEADER.size + _EXTENT.size)
    return packed["number"].astype(dtype)
