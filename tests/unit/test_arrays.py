"""Arrays in PostgreSQL's binary form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hdqm_ops.load._arrays import from_binary, to_binary

KINDS = ("int16", "int32", "int64", "float32", "float64")


def test_bytes_are_those_that_array_recv_reads():
    dimensions, nulls, int2, length, first = (bytes([0, 0, 0, n]) for n in (1, 0, 21, 2, 1))
    numbers = b"\0\0\0\2\0\7" + b"\0\0\0\2\xff\xfe"

    assert to_binary(np.array([7, -2], np.int16)) == dimensions + nulls + int2 + length + first + numbers
    assert to_binary(np.array([], np.int16)) == nulls + nulls + int2


@pytest.mark.parametrize("kind", KINDS)
def test_bits_in_bits_out(kind):
    @given(arrays(kind, st.integers(0, 40)))
    def check(array):
        again = from_binary(to_binary(array))
        assert (again.dtype, again.tobytes()) == (array.dtype, array.tobytes())

    check()


def test_byte_order_does_not_matter():
    assert to_binary(np.array([1.5, -2], ">f4")) == to_binary(np.array([1.5, -2], "<f4"))
