"""Ports for servers of the tests: nobody takes one between the moment it is chosen and the moment it is bound."""

import random
import socket
from pathlib import Path

__all__ = ["free_port"]

_LOWEST = 10_000


def free_port() -> int:
    """A port of loopback that this process, its children and other runs of these tests get only once.

    It is none of those that the kernel gives to whoever names no port, least of all to the near end of a connection.
    The UDP port of the same number, held until this process ends, tells others that it is taken.
    """
    highest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0]) - 1
    for port in random.sample(range(_LOWEST, highest), highest - _LOWEST):
        if _reserved(port):
            return port
    raise AssertionError(f"no port from {_LOWEST} to {highest} is free")


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
