"""Who works on which file. Claims expire unless they are renewed; their numbers tell a late worker from the last."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hdqm_ops.load._connection import Connection, in_transaction, translated
from hdqm_ops.load._sql import query
from hdqm_ops.load._work import Work

__all__ = ["Held", "claim_work", "holders", "next_best", "release_claim", "renew_claim"]


@dataclass(frozen=True, slots=True)
class Held:
    """A claim of somebody else.

    Attributes:
        by: who.
        claim: its number.
        left_s: seconds until it expires, unless it is renewed.
    """

    by: str
    claim: int
    left_s: float


def claim_work(
    connection: Connection, work: Work, holder: str, lease_s: float, *, dead: str | None = None
) -> Work | Held | None:
    """Claim a file before it is read.

    Args:
        connection: where the ledger is.
        work: what was planned.
        holder: who claims it; a name of its own for each worker.
        lease_s: seconds until the claim expires, unless it is renewed.
        dead: a holder that is known to be no more: its claims count for nothing.

    Returns:
        The work with its claim; or who has it; or None where the file is no longer as it was when this was planned:
        another one did it, or it changed.
    """
    definition_set, element_set, state = work.seen or (None, None, None)
    facts = {
        "file_id": work.file_id,
        "holder": holder,
        "lease_s": lease_s,
        "dead": dead,
        "size_bytes": work.file.size_bytes,
        "mtime": work.file.mtime,
        "definition_set": definition_set,
        "element_set": element_set,
        "state": state,
    }
    found = in_transaction(connection, lambda: connection.execute(query("claims", "claim"), facts).fetchone())
    if found is not None:
        return replace(work, claim=int(found[0]))
    return holders(connection, [work.file_id], holder).get(work.file_id)


def holders(connection: Connection, file_ids: Sequence[int], holder: str = "") -> dict[int, Held]:
    """Which of these files others than ``holder`` work on at this moment."""
    with translated():
        rows = connection.execute(query("claims", "holders"), {"ids": list(file_ids), "holder": holder}).fetchall()
    return {file_id: Held(*facts) for file_id, *facts in rows}


def renew_claim(connection: Connection, file_id: int, claim: int, lease_s: float) -> bool:
    """Let a claim last for ``lease_s`` seconds from now; False where it is no longer ours."""
    return _change(connection, "renew", {"file_id": file_id, "claim": claim, "lease_s": lease_s})


def release_claim(connection: Connection, file_id: int, claim: int) -> bool:
    """Give a file back; False where the claim is no longer ours, or was given back with the load."""
    return _change(connection, "release", {"file_id": file_id, "claim": claim})


def _change(connection: Connection, name: str, facts: dict[str, Any]) -> bool:
    return in_transaction(connection, lambda: connection.execute(query("claims", name), facts).rowcount) > 0


def next_best(connection: Connection, file_ids: Sequence[int]) -> list[int]:
    """Other files of the same runs, primary datasets and processings: of them one counts if these cannot be done."""
    with translated():
        rows = connection.execute(query("claims", "next_best"), {"ids": list(file_ids)}).fetchall()
    return [file_id for (file_id,) in rows]
