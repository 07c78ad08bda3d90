"""A line to PostgreSQL that knows where messages begin, and can be hurt at any one of them."""

import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

_SYNC = b"S\0\0\0\4"
_COPY_FAIL = b"f" + struct.pack("!i", 4 + len(b"chaos\0")) + b"chaos\0"


@dataclass(frozen=True)
class Fault:
    """What happens at one message of the client.

    Attributes:
        kind: ``cut before`` it arrives, ``cut within`` it, ``cut after`` it (it is obeyed, unheard), ``delay``,
            or ``error`` (it is answered by an error, and the server rolls back).
        number: which message of all connections, counted from 0.
        code: SQLSTATE of the error.
        seconds: how long the delay is; after a cut, how long nobody answers.
    """

    kind: str
    number: int
    code: str = ""
    seconds: float = 0.0


class Line:
    """Listens on a port of its own and hands everything on to ``target``; ``count`` says how many messages went by."""

    def __init__(self, target, fault=None):
        self.target, self.fault = target, fault
        self.count = 0
        self.struck = threading.Event()
        self.away_until = 0.0
        self._lock = threading.Lock()
        self._wires = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._door.close()
        for wire in self._wires:
            wire.close()

    def _serve(self):
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                if time.monotonic() < self.away_until:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(self.target)
                except OSError:
                    near.close()
                    continue
                self._wires.append(_Wire(self, near, far))

    def strikes(self):
        """Count one message; its fault, where it has one."""
        with self._lock:
            number, self.count = self.count, self.count + 1
        if self.fault is not None and number == self.fault.number:
            self.struck.set()
            return self.fault
        return None

    def cut(self, seconds):
        """Cut all wires, and let nobody in for some seconds."""
        self.away_until = time.monotonic() + seconds
        for wire in list(self._wires):
            wire.cut()


class _Wire:
    """One connection."""

    def __init__(self, line, near, far):
        self._line, self._near, self._far = line, near, far
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._status = b"I"
        self._copying = self._deaf = self._skipping = False
        self._swallow, self._instead = 0, b""
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._outward, self._inward)]
        for thread in self._threads:
            thread.start()

    def cut(self):
        for end in (self._near, self._far):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.cut()
        for thread in self._threads:
            thread.join(10)
        self._near.close()
        self._far.close()

    def _outward(self):
        with suppress(OSError, EOFError):
            self._far.sendall(_startup(self._near))
            while True:
                message = _message(self._near)
                if message[:1] in b"pX" or not self._hurts(message):
                    self._far.sendall(message)
        self.cut()

    def _hurts(self, message):
        """Whether the message is not to be handed on."""
        kind = message[:1]
        if self._skipping:  # the rest of a group that was answered by an error
            self._skipping = kind != b"S"
            return True
        fault = self._line.strikes()
        if fault is None:
            return False
        if fault.kind == "delay":
            time.sleep(fault.seconds)
            return False
        if fault.kind == "error":
            return self._answer_with_an_error(message, fault.code)
        if fault.kind == "cut within":
            self._far.sendall(message[: max(1, len(message) // 2)])
        if fault.kind == "cut after":
            self._deaf = True
            self._far.sendall(message)
            time.sleep(0.1)
        self._line.cut(fault.seconds)
        raise EOFError

    def _answer_with_an_error(self, message, code):
        if self._copying:
            self._far.sendall(_COPY_FAIL)
            return True
        kind = message[:1]
        open_group = kind != b"Q"
        was_open = self._status != b"I"
        ends = message[5:].upper().startswith((b"COMMIT", b"ROLLBACK"))
        self._instead = _error(code) + b"Z\0\0\0\5" + (b"E" if was_open and not ends else b"I")
        self._skipping = open_group and kind != b"S"
        self._swallow = 2 if open_group else 1
        self._far.sendall((_SYNC if open_group else b"") + _query("ROLLBACK"))
        return True

    def _inward(self):
        with suppress(OSError, EOFError):
            while True:
                message = _message(self._far)
                kind = message[:1]
                self._copying = kind == b"G" or (self._copying and kind not in b"CEZ")
                if kind == b"Z":
                    self._status = message[5:6]
                if self._swallow:
                    if kind == b"Z":
                        self._swallow -= 1
                        if not self._swallow:
                            self._near.sendall(self._instead)
                elif not self._deaf:
                    self._near.sendall(message)
        self.cut()


def _exactly(source, number):
    parts = bytearray()
    while len(parts) < number:
        part = source.recv(number - len(parts))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def _startup(source):
    head = _exactly(source, 4)
    return head + _exactly(source, struct.unpack("!i", head)[0] - 4)


def _message(source):
    head = _exactly(source, 5)
    return head + _exactly(source, struct.unpack("!i", head[1:])[0] - 4)


def _query(text):
    return b"Q" + struct.pack("!i", 5 + len(text)) + text.encode() + b"\0"


def _error(code):
    fields = b"SERROR\0VERROR\0C" + code.encode() + b"\0Mchaos\0\0"
    return b"E" + struct.pack("!i", 4 + len(fields)) + fields
