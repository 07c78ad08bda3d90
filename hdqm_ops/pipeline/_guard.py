"""The guard: it watches over those who read, for as long as it is let."""

import logging
import time
from collections.abc import Callable

from hdqm_ops import load
from hdqm_ops.errors import TryAgain
from hdqm_ops.load import EndedSession
from hdqm_ops.pipeline._database import database_url
from hdqm_ops.settings import Settings, revealed

__all__ = ["end_long_sessions", "guard"]

log = logging.getLogger(__name__)

_NAME = "hdqm guard"


def end_long_sessions(settings: Settings) -> list[EndedSession]:
    """Look once, and end sessions of readers that work on one question for longer than the settings allow."""
    with load.connect(database_url(settings), role=None, application_name=_NAME) as connection:
        return load.end_long_sessions(connection, settings.guard_after_s)


def guard(settings: Callable[[], Settings], pause_s: float) -> None:
    """Look again and again, until the process is ended; a database that is away is waited for.

    What a reader changed of its role is put back too: its settings, and its password where the settings tell it.

    Args:
        settings: asked anew whenever the database was away: it may have moved.
        pause_s: seconds between two looks.
    """
    said = ""
    while True:
        try:
            current = settings()
            with load.connect(database_url(current), role=None, application_name=_NAME) as connection:
                said = ""
                while True:
                    for ended in load.end_long_sessions(connection, current.guard_after_s):
                        log.warning("%s", ended)
                    login = revealed(current.reader_url)
                    for restored in load.restore_reader(connection, current.reader_timeout_s, login):
                        log.warning("%s", restored)
                    time.sleep(pause_s)
        except TryAgain as error:
            if str(error) != said:
                log.warning("%s", error)
            said = str(error)
        time.sleep(pause_s)
