"""All errors of HDQM, sorted by who acts next.

::

    HdqmError
    ├── ConfigError           somebody edits a configuration or a command line
    │   └── MissingTool       somebody installs something; the message says what
    ├── NotReducible          nobody acts: the trend gets a gap with this reason
    ├── UnreadableFile        the file is marked failed, the others go on
    └── TryAgain              a passing fault: network, database, lock
        └── DatabaseUnavailable

Every error survives a pickle, because worker processes and Airflow carry them between processes:
the arguments are kept as given, and the message is composed in ``__str__``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hdqm_ops.model import Reason

__all__ = [
    "ConfigError",
    "DatabaseUnavailable",
    "HdqmError",
    "MissingTool",
    "NotReducible",
    "TryAgain",
    "UnreadableFile",
]


class HdqmError(Exception):
    """Base of all errors that are shown without a traceback."""


class ConfigError(HdqmError):
    """Something that a person wrote is wrong: the message says where, what was found, how to mend it."""


class MissingTool(ConfigError):
    """A program or a server is absent: the message names the ways to get one."""


class NotReducible(HdqmError):
    """A metric has no answer for a histogram: a gap with a reason, never a false zero."""

    def __init__(self, reason: "Reason", detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else str(self.reason)


class UnreadableFile(HdqmError):
    """A file is no readable ROOT file: says which, at what offset (bytes), and what was found there."""

    def __init__(self, path: str, found: str, offset: int | None = None) -> None:
        super().__init__(path, found, offset)
        self.path = path
        self.found = found
        self.offset = offset

    def __str__(self) -> str:
        where = "" if self.offset is None else f" at byte {self.offset}"
        return f"{self.path}: {self.found}{where}"


class TryAgain(HdqmError):
    """A passing fault: the same call may succeed in a while."""


class DatabaseUnavailable(TryAgain):
    """No database answers: the message says how to start or name one."""
