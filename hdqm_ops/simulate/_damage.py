"""What becomes of DQM files on their way."""

import numpy as np

from hdqm_ops.simulate._scenario import Damage

__all__ = ["damaged"]

_PAGE = b"""<!DOCTYPE html>
<html><head><title>Sign in with your CERN account</title></head>
<body><h1>Sign in with your CERN account</h1><p>Your session has expired.</p></body></html>
"""


def damaged(data: bytes, damage: Damage, seed: int) -> bytes:
    """The bytes of a file after the damage; the same seed gives the same."""
    match damage:
        case Damage.TRUNCATED:
            return data[: len(data) * 2 // 3]
        case Damage.EMPTY:
            return b""
        case Damage.HTML:
            return _PAGE
        case Damage.GARBAGE:
            rng = np.random.default_rng(seed)
            start, length = len(data) // 2, max(len(data) // 20, 64)
            return data[:start] + rng.bytes(length) + data[start + length :]
