"""Ports for servers of the tests: nobody takes one between the moment it is chosen and the moment it is bound."""

import random
import socket

__all__ = ["free_port"]

_LOWEST, _HIGHEST = 10_000, 32_767


def free_port() -> int:
    """A port of loopback that this process, its children and other runs of these tests get only once.

    By default the kernel gives none of these to who names no port, least of all to the near end of a connection.
    The UDP port of the same number, held until this process ends, tells others that it is taken.
    """
    for port in random.sample(range(_LOWEST, _HIGHEST), _HIGHEST - _LOWEST):
        if _reserved(port):
            return port
    raise AssertionError(f"no port from {_LOWEST} to {_HIGHEST} is free")


def _reserved(port: int) -> bool:
    note = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        note.bind(("127.0.0.1", port))
        with socket.socket() as probe:
            probe.bind(("", port))
    except OSError:
        note.close()
        return False
    note.detach()  # for as long as the process lives
    return True
