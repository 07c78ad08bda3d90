"""Faults of the operating system while a file is read: which are the file's own, and which pass."""

import errno

from hdqm_ops.errors import AbsentFile, TryAgain, UnreadableFile

__all__ = ["fault"]

_PASSING = {
    errno.EAGAIN,
    errno.ECONNABORTED,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.EMFILE,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.ENFILE,
    errno.ENOLINK,
    errno.ENOMEM,
    errno.ENOTCONN,  # the process behind a FUSE mount ended
    errno.ESTALE,  # a network file system forgot what it had opened for us
    errno.ETIMEDOUT,
}


def fault(path: str, error: OSError) -> TryAgain | UnreadableFile:
    """What an error of the operating system means to those who wanted the file.

    A read error of the disk (``EIO``) is taken as the file's own: it would hold up all others if it were tried at once,
    and failed files are tried again later anyway.
    """
    said = error.strerror or str(error)
    if error.errno in _PASSING:
        return TryAgain(f"{path}: {said}: the file system does not answer now")
    absent = error.errno in {errno.ENOENT, errno.ENOTDIR}
    return AbsentFile(path, said) if absent else UnreadableFile(path, said)
