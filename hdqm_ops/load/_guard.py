"""Sessions of readers that last too long. Who may look at a dashboard may send any SQL, and lift its time-out."""

from dataclasses import dataclass

from hdqm_ops.load._connection import Connection, translated
from hdqm_ops.load._sql import query

__all__ = ["EndedSession", "end_long_sessions"]


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A session that was ended.

    Attributes:
        pid: of its process at the server.
        role: who had logged in.
        address: from where.
        seconds: how long it had worked.
        text: the beginning of what it had asked.
    """

    pid: int
    role: str
    address: str
    seconds: float
    text: str

    def __str__(self) -> str:
        return f"ended session {self.pid} of {self.role} from {self.address} after {self.seconds:.0f} s: {self.text}"


def end_long_sessions(connection: Connection, seconds: float) -> list[EndedSession]:
    """End sessions of role ``hdqm_reader`` that have worked for longer, whatever time-out they gave themselves.

    Args:
        connection: as a role that may end sessions of ``hdqm_reader``: the owner may.
        seconds: how long one question, or one transaction, may last.

    Raises:
        ConfigError: this role may not.
    """
    with translated():
        rows = connection.execute(query("guard", "end_long_sessions"), {"seconds": seconds}).fetchall()
    return [EndedSession(*row) for row in rows]
