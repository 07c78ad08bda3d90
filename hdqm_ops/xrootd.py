"""Files behind ``root://``: the xrootd client, and what its answers mean to those who called.

Two rooms look there, ``discover`` and ``extract``, so it belongs to neither. The client is an extra of the package
(``hdqm-ops[xrootd]``) and is loaded when the first address is met.
"""

import atexit
import errno
import gc
import os
import posixpath
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import TracebackType
from typing import Any, Self

from hdqm_ops.errors import AuthenticationFailed, ConfigError, MissingTool, ServiceUnavailable
from hdqm_ops.settings import Settings

__all__ = ["Entry", "RemoteFile", "is_address", "listing", "normal", "status"]

_ADDRESS = re.compile(r"(?P<server>roots?://[^/]+)/+(?P<path>.*)", re.DOTALL)
_CHUNKS = 1024
_CHUNK = 2_000_000
_LOGIN_FAILED = {203, 204}  # errLoginFailed, errAuthFailed
_ERROR_RESPONSE = 400  # errErrorResponse: the server answered, and says why not
_SAID = {
    3005: errno.EIO,  # kXR_FSError
    3007: errno.EIO,  # kXR_IOError
    3010: errno.EACCES,  # kXR_NotAuthorized
    3011: errno.ENOENT,  # kXR_NotFound
    3015: errno.ENOTDIR,  # kXR_NotFile
    3016: errno.EISDIR,  # kXR_isDirectory
    3019: errno.EIO,  # kXR_ChkSumErr
}


def is_address(path: str) -> bool:
    """True for ``root://…`` and ``roots://…``."""
    return path.startswith(("root://", "roots://"))


def normal(address: str) -> str:
    """The one way in which we write an address: two slashes behind the server, no ``..``, none at the end.

    Raises:
        ConfigError: it names no server or no path.
    """
    match = _ADDRESS.fullmatch(address)
    if not match:
        raise ConfigError(f"{address!r} names no file or folder of an xrootd server: root://server//path")
    return f"{match['server']}/{posixpath.normpath('/' + match['path'])}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder on a server; ``identity`` tells folders apart where links lead in circles."""

    address: str
    name: str
    status: os.stat_result
    identity: str

    @property
    def is_folder(self) -> bool:
        """True for folders."""
        return stat.S_ISDIR(self.status.st_mode)


def status(address: str) -> os.stat_result:
    """Size, time and kind of one file or folder.

    Raises:
        OSError: the server has none such, or does not show it.
        ServiceUnavailable: the server does not answer.
    """
    server, path = _split(address)
    answer, info = _client().FileSystem(server).stat(path, timeout=_timeout())
    _check(answer, address)
    return _entry(address, path, info).status


def listing(address: str) -> list[Entry]:
    """What a folder contains, by name, with sizes and times: one question for all of it.

    Raises:
        OSError: the server has no such folder, or does not show it.
        ServiceUnavailable: the server does not answer.
    """
    client = _client()
    server, path = _split(address)
    answer, found = client.FileSystem(server).dirlist(path, client.flags.DirListFlags.STAT, timeout=_timeout())
    _check(answer, address)
    entries = (_entry(f"{address.rstrip('/')}/{one.name}", one.name, one.statinfo) for one in found if one.statinfo)
    return sorted(entries, key=lambda entry: entry.name)


class RemoteFile:
    """One open file; ``requests`` counts the questions that were put to the server."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.requests = 2
        client = _client()
        self._file = client.File()
        _check(self._file.open(address, client.flags.OpenFlags.READ, timeout=_timeout())[0], address)
        answer, info = self._file.stat(timeout=_timeout())
        _check(answer, address)
        self.size: int = info.size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Nothing was written, so a server that does not answer any more takes nothing with it.
        self._file.close(timeout=_timeout())

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of ranges (offset, length), as few as 1024 to a question; fewer where the file ends.

        Raises:
            OSError: the server cannot read there.
            ServiceUnavailable: the server does not answer.
        """
        pieces = [piece for offset, length in ranges for piece in _pieces(offset, length)]
        read: list[bytes] = []
        for start in range(0, len(pieces), _CHUNKS):
            self.requests += 1
            answer, chunks = self._file.vector_read(pieces[start : start + _CHUNKS], timeout=_timeout())
            _check(answer, self.address)
            read += [chunk.buffer for chunk in chunks.chunks]
        parts = iter(read)
        return [b"".join(next(parts) for _ in _pieces(offset, length)) for offset, length in ranges]


def _pieces(offset: int, length: int) -> list[tuple[int, int]]:
    """A range in pieces that servers accept."""
    end = offset + length
    return [(start, min(_CHUNK, end - start)) for start in range(offset, end, _CHUNK)]


def _split(address: str) -> tuple[str, str]:
    match = _ADDRESS.fullmatch(address)
    assert match, address
    return match["server"], "/" + match["path"]


def _entry(address: str, name: str, info: Any) -> Entry:
    is_folder, is_other = bool(info.flags & 2), bool(info.flags & 4)
    kind = stat.S_IFDIR if is_folder else stat.S_IFIFO if is_other else stat.S_IFREG
    # No inode: the server's ids are its own, and two servers may give the same one.
    told = os.stat_result((kind, 0, 0, 1, 0, 0, info.size, info.modtime, info.modtime, info.modtime))
    return Entry(address, name, told, str(info.id))


def _check(answer: Any, address: str) -> None:
    """Raise what an answer means: a file's own fault as ``OSError``, a passing one as ``ServiceUnavailable``."""
    if answer.ok:
        return
    said = " ".join(answer.message.split()).removeprefix("[ERROR] ").removeprefix("[FATAL] ")
    server = _split(address)[0]
    if answer.code in _LOGIN_FAILED:
        raise AuthenticationFailed(
            "xrootd", server, said, "get a ticket with kinit, or name a keytab in the connection cms_eos"
        )
    if answer.code == _ERROR_RESPONSE and answer.errno in _SAID:
        raise OSError(_SAID[answer.errno], said, address)
    raise ServiceUnavailable("xrootd", server, said, "is the server up, and is it reached from here?")


def _timeout() -> int:
    return _settings().xrootd_timeout_s


@cache
def _settings() -> Settings:
    return Settings()


@cache
def _client() -> Any:
    """The client, told to give up in our time in place of its own half hour; ``XRD_*`` of the environment win."""
    try:
        client: Any = import_module("XRootD.client")
    except ImportError as error:
        raise MissingTool("root:// addresses need the xrootd client: pip install 'hdqm-ops[xrootd]'") from error
    _end_ourselves()
    patience, connecting = _settings().xrootd_timeout_s, max(1, round(_settings().connect_timeout_s))
    limits = {
        "ConnectionWindow": connecting,
        "ConnectionRetry": 2,
        "RequestTimeout": patience,
        "StreamTimeout": patience,
        "StreamErrorWindow": 0,  # a broken connection is our caller's to repeat
        "TimeoutResolution": 1,
    }
    for name, value in limits.items():
        client.EnvPutInt(name, value)
    return client


@cache
def _end_ourselves() -> None:
    """Put ``_end`` in the place of what the client does when the process ends.

    That asks every object of the process for its class. Proxies answer by loading what they stand for: those of Airflow
    then complain of packages that are not there, or raise, and the client's threads are never stopped.
    """
    atexit.unregister(import_module("XRootD.client.finalize").finalize)
    atexit.register(_end)


def _end() -> None:
    """Close what is open, whoever opened it, and stop the client's threads: they must not outlive the interpreter."""
    file: type = import_module("XRootD.client").File
    for one in gc.get_objects():
        if issubclass(type(one), file) and one.is_open():  # the type, not the class that an object says it has
            one.close(timeout=_timeout())
    import_module("pyxrootd.client").__XrdCl_Stop_Threads()  # noqa: SLF001 - it has no other name
