"""Listing and ledger side by side: what came, what changed, what is gone."""

import logging
import time
from collections.abc import Sequence

from hdqm_ops import discover, load
from hdqm_ops.model import DQMFile
from hdqm_ops.pipeline._request import Request
from hdqm_ops.settings import Settings

__all__ = ["register"]

log = logging.getLogger(__name__)


def register(
    connection: load.Connection, settings: Settings, request: Request, files: Sequence[DQMFile]
) -> load.Registered:
    """Bring a listing into the ledger, and mark files of the ledger that it should have brought and that are gone.

    Raises:
        ServiceUnavailable: an xrootd server went away; what is not seen is not taken for gone then.
    """
    young = None if request.files else time.time() - settings.wait_s  # a watcher has looked twice already
    registered = load.register_files(connection, files, young=young)
    gone = [] if request.hints else _gone(connection, request.files or settings.files, files)
    vanished = load.record_vanished(connection, gone) if gone else 0
    log.info(
        "%d files listed: %d new, %d changed or due again, %d vanished",
        len(files), registered.new, registered.changed, vanished,
    )  # fmt: skip
    return registered


def _gone(connection: load.Connection, where: Sequence[str], files: Sequence[DQMFile]) -> list[int]:
    """Ids of files that are no more. Each is asked for by itself: a listing may miss a file for other reasons."""
    reachable = discover.reachable(where)
    absent = load.not_listed(connection, [file.path for file in files])
    return [file_id for file_id, path in absent if reachable(path) and not discover.exists(path)]
