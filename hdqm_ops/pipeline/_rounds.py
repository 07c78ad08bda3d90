"""What is to do after all that was planned was tried: the next best of what failed, and what others had in hand."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from hdqm_ops import load
from hdqm_ops.pipeline._database import Database
from hdqm_ops.pipeline._plan import Plan
from hdqm_ops.pipeline._report import FileReport
from hdqm_ops.settings import Settings

__all__ = ["Rounds"]

log = logging.getLogger(__name__)

_MOST_TRIES = 5
"""Of one file in one request: more often nothing but another one's work comes in between."""
_MAKES_WAY = {"failed", "vanished", "waiting"}
_OPEN = {"held", "elsewhere", "lost", "stale"}
_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0


@dataclass(slots=True)
class Rounds:
    """Rounds of work. Iterate over them, and tell each outcome to ``settles``.

    Attributes:
        settings: which database, and how long claims last.
        plan: the first round.
        left: outcomes that nothing will change any more, and that ``settles`` had left open.
    """

    settings: Settings
    plan: Plan
    left: list[FileReport] = field(default_factory=list)
    _open: dict[int, FileReport] = field(default_factory=dict)
    _refused: set[int] = field(default_factory=set)
    _made_way: set[int] = field(default_factory=set)
    _tries: Counter[int] = field(default_factory=Counter)
    _expires: dict[int, float] = field(default_factory=dict)

    def __iter__(self) -> Iterator[tuple[load.Work, ...]]:
        """What is to do, as long as there is something; every item must be tried before the next round."""
        items = self.plan.work
        database = Database(self.settings)
        try:
            while items:
                yield items
                items = self._next(database) if self._open or self._made_way else ()
        finally:
            database.close()
        self.left += self._open.values()

    def settles(self, one: FileReport) -> bool:
        """Whether this is the last word on a file; else it is asked for again."""
        self._tries[one.file_id] += 1
        if one.state in _OPEN:
            self._open[one.file_id] = one
            return False
        if one.state in _MAKES_WAY and not one.passing:
            self._made_way.add(one.file_id)
            self._refused.add(one.file_id)
        return True

    def _next(self, database: Database) -> tuple[load.Work, ...]:
        """What the ledger says now of files that were left open, and of those that others made way for."""
        pause = _PAUSE_S
        while True:
            held = database.ask(lambda connection: load.holders(connection, list(self._open)))
            items = self._asked(database, held)
            if items or not self._waits(held):
                return items
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _asked(self, database: Database, held: dict[int, load.Held]) -> tuple[load.Work, ...]:
        ids = [file_id for file_id in self._open if file_id not in held]
        if self._made_way:
            ways = sorted(self._made_way)
            ids += database.ask(lambda connection: load.next_best(connection, ways))
            self._made_way.clear()
        if not ids:
            return ()
        scope = replace(self.plan.scope, file_ids=tuple(ids), refused=tuple(self._refused))
        found = database.ask(lambda connection: load.pending(connection, scope))
        items = tuple(item for item in found if self._is_to_be_tried(item.file_id))
        for file_id in {*ids} & {*self._open} - {item.file_id for item in items}:
            one = self._open.pop(file_id)  # nothing is left to do: the one that had it has done it
            self.left.append(replace(one, held=None))
        for item in items:
            self._open.pop(item.file_id, None)
        return items

    def _is_to_be_tried(self, file_id: int) -> bool:
        again = file_id in self._open or file_id not in self._tries
        return again and self._tries[file_id] < _MOST_TRIES

    def _waits(self, held: dict[int, load.Held]) -> bool:
        """Whether a file that is held may soon be free: until its claim expires, or was renewed by one who lives."""
        lease_s, now = self.settings.claim_s, time.monotonic()
        for file_id, one in held.items():
            if file_id not in self._expires:
                self._expires[file_id] = now + one.left_s
                log.info("%s is in the hands of %s", self._open[file_id].path, one.by)
        return any(
            one.left_s < 2 * lease_s and now + one.left_s < self._expires[file_id] + lease_s / 10
            for file_id, one in held.items()
        )
