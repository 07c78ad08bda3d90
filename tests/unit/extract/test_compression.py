"""Blocks of every kind, whole and damaged."""

import lzma
import random
import struct
import zlib
from contextlib import suppress

import cramjam
import pytest
import xxhash
import zstandard

from hdqm_ops.extract._compression import inflate
from hdqm_ops.extract._damage import Damaged

DATA = random.Random(1).randbytes(300) * 40


def deflate(data):
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


def lz4(data):
    body = bytes(cramjam.lz4.compress_block(data, store_size=False))
    return struct.pack(">Q", xxhash.xxh64_intdigest(body)) + body


ENCODERS = {
    b"ZL": zlib.compress,
    b"CS": deflate,
    b"XZ": lzma.compress,
    b"L4": lz4,
    b"ZS": zstandard.compress,
}
CHECKED = [b"ZL", b"XZ", b"L4"]


def block(letters, data, body=None):
    body = ENCODERS[letters](data) if body is None else body
    return letters + b"\x01" + len(body).to_bytes(3, "little") + len(data).to_bytes(3, "little") + body


@pytest.fixture(params=list(ENCODERS), ids=bytes.decode)
def letters(request):
    return request.param


def test_round_trip(letters):
    assert inflate(block(letters, DATA), len(DATA)) == DATA


def test_a_chain_of_blocks(letters):
    chain = block(letters, DATA[:5000]) + block(letters, DATA[5000:])
    assert inflate(chain, len(DATA)) == DATA


@pytest.mark.parametrize("letters", CHECKED, ids=bytes.decode)
def test_every_flipped_byte_is_noticed_where_there_is_a_checksum(letters):
    whole = block(letters, DATA)
    for place in range(9, len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 0x10
        # A few bits of a header mean nothing: then the data are as they were.
        with suppress(Damaged):
            assert inflate(flipped, len(DATA)) == DATA


def test_a_cut_block(letters):
    whole = block(letters, DATA)
    for length in (0, 8, 9, 20, len(whole) - 1):
        with pytest.raises(Damaged):
            inflate(whole[:length], len(DATA))


def test_more_than_was_announced(letters):
    """A bomb gives what its block declares, at most."""
    bomb = block(letters, bytes(1000), ENCODERS[letters](bytes(15_000_000)))
    with pytest.raises(Damaged):
        inflate(bomb, 1000)


def test_less_than_was_announced(letters):
    with pytest.raises(Damaged):
        inflate(block(letters, DATA, ENCODERS[letters](DATA[:-3])), len(DATA))


def test_blocks_that_do_not_add_up(letters):
    with pytest.raises(Damaged, match="a compressed block is longer than its object"):
        inflate(block(letters, DATA), len(DATA) - 1)
    with pytest.raises(Damaged, match="compressed blocks end after 12000 of 12001 bytes"):
        inflate(block(letters, DATA), len(DATA) + 1)


def test_a_zstd_frame_that_lies_about_its_size():
    body = bytearray(zstandard.ZstdCompressor(write_content_size=True).compress(bytes(100_000)))
    place = body.index((100_000).to_bytes(4, "little"))
    body[place : place + 4] = (4_000_000_000).to_bytes(4, "little")
    with pytest.raises(Damaged, match="its frame declares 4000000000 bytes in place of 100000"):
        inflate(block(b"ZS", bytes(100_000), bytes(body)), 100_000)


def test_an_lz4_block_without_its_checksum():
    with pytest.raises(Damaged, match="no room for a checksum"):
        inflate(block(b"L4", b"abc", b"1234567"), 3)
