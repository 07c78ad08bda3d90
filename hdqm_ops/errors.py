"""All errors of HDQM, sorted by who acts next.

::

    HdqmError
    ├── ConfigError           somebody edits a configuration or a command line
    │   ├── MissingTool       somebody installs something; the message says what
    │   ├── RequestRefused    a service understood and said no: the request or a right is missing
    │   │   └── NotFound      it does not have what was asked for
    │   ├── AuthenticationFailed  a service does not believe who we are: credentials, audience, expired secret
    │   └── UntrustedServer   a service's certificate is signed by nobody we know: name a CA bundle
    ├── NotReducible          nobody acts: the trend gets a gap with this reason
    ├── UnreadableFile        the file is marked failed, the others go on
    │   ├── TruncatedFile     it may still be written: where it is young, it waits
    │   └── AbsentFile        it is marked vanished; its points stay
    ├── BadAnswer             a service told what cannot be: nothing is stored, somebody looks
    └── TryAgain              a passing fault: network, database, lock
        ├── DatabaseUnavailable
        ├── IncompleteAnswer  pages that do not make a whole: rows moved while they were read
        └── ServiceUnavailable

What services cause is a ``ServiceError`` too, whoever acts: it carries the service, the place and the cure.

Every error survives a pickle, because worker processes and Airflow carry them between processes:
the arguments are kept as given, and the message is composed in ``__str__``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hdqm_ops.model import Reason

__all__ = [
    "AbsentFile",
    "AuthenticationFailed",
    "BadAnswer",
    "ConfigError",
    "DatabaseUnavailable",
    "HdqmError",
    "IncompleteAnswer",
    "MissingTool",
    "NotFound",
    "NotReducible",
    "RequestRefused",
    "ServiceError",
    "ServiceUnavailable",
    "TruncatedFile",
    "TryAgain",
    "UnreadableFile",
    "UntrustedServer",
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

    @property
    def reason(self) -> str:
        """The message without the path, for where that stands already."""
        return self.found if self.offset is None else f"{self.found} at byte {self.offset}"

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class TruncatedFile(UnreadableFile):
    """A file ends before its end, or was not closed by its writer."""


class AbsentFile(UnreadableFile):
    """A file was there when files were listed, and is not when it is to be read."""


class TryAgain(HdqmError):
    """A passing fault: the same call may succeed in a while."""


class DatabaseUnavailable(TryAgain):
    """No database answers: the message says how to start or name one."""


# -- what services cause -----------------------------------------------------------------------------------------------


class ServiceError(HdqmError):
    """Something between us and a service: says which, where, what was found there, and what helps.

    ``place`` is an address without secrets or the name of a call; ``status`` the HTTP status where there was one.
    """

    def __init__(self, service: str, place: str, found: str, cure: str = "", status: int | None = None) -> None:
        super().__init__(service, place, found, cure, status)
        self.service = service
        self.place = place
        self.found = found
        self.cure = cure
        self.status = status

    def __str__(self) -> str:
        return f"{self.service}, {self.place}: {self.found}" + (f"; {self.cure}" if self.cure else "")


class RequestRefused(ServiceError, ConfigError):
    """A service understood the request and said no; or we did, before it was sent."""


class NotFound(RequestRefused):
    """A service does not have what was asked for."""


class AuthenticationFailed(ServiceError, ConfigError):
    """A service does not believe who we are: no credentials, wrong ones, or for another audience."""


class UntrustedServer(ServiceError, ConfigError):
    """The certificate of a service is not signed by anybody that this machine knows."""


class BadAnswer(ServiceError):
    """A service answered what cannot be true or understood: nothing of it is kept."""


class IncompleteAnswer(ServiceError, TryAgain):
    """The pages of an answer do not make a whole, as when rows come or go between two pages."""


class ServiceUnavailable(ServiceError, TryAgain):
    """A service does not answer, or not now; everything that patience can do was done."""
