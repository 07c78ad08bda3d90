"""The trigger behind the asset of DQM files: it runs in the triggerer, so it may neither block nor die."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from hdqm_ops.errors import HdqmError
from hdqm_ops.settings import Settings

if TYPE_CHECKING:
    from hdqm_ops.pipeline import Watcher

__all__ = ["NewDqmFiles"]

_MARK = "looked_at"
_AT_ONCE = 200


class NewDqmFiles(BaseEventTrigger):
    """Tells of DQM files that came or changed and are closed; where it looks, and how often, the settings say.

    Its events are hints: who gets them asks the ledger what is to do, and the daily listing finds what it missed.
    """

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Where Airflow finds the class again."""
        return "hdqm_airflow.watch.NewDqmFiles", {}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, tell, sleep."""
        settings = Settings()
        store = self.asset_state_store
        mark = None if store is None else await store.aget(_MARK, None)
        # Who never looked leaves what is there to the daily listing, but not what comes until the first look has ended.
        since = time.time() - 2 * settings.watch_s if mark is None else float(mark)
        watcher = await asyncio.to_thread(_watcher, settings, since)
        said = ""
        while True:
            began = time.time()
            try:
                found = await asyncio.to_thread(watcher.look)
            except HdqmError as error:
                if str(error) != said:
                    self.log.warning("the watcher cannot look: %s", error)
                said = str(error)
            else:
                said = ""
                for paths in _parts(found):
                    self.log.info("%d DQM files came or changed, the first: %s", len(paths), paths[0])
                    yield TriggerEvent({"files": paths})
                # Files may have come during the two looks that it takes to see that they stay.
                if store is not None:
                    await store.aset(_MARK, began - 2 * settings.watch_s - (time.time() - began))
            await asyncio.sleep(settings.watch_s)


def _watcher(settings: Settings, since: float) -> "Watcher":
    # Imported late and beside the loop: every parse of the Dag imports this module, and the rooms take half a second.
    from hdqm_ops.pipeline import Watcher  # noqa: PLC0415

    return Watcher(settings, since)


def _parts(paths: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(paths), _AT_ONCE):
        yield paths[start : start + _AT_ONCE]
