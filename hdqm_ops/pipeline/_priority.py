"""Who goes first where processors are few: people who ask for a plot, and fresh files, before work in bulk."""

import os
from contextlib import suppress
from pathlib import Path

from hdqm_ops.settings import Settings

__all__ = ["give_way"]


def give_way(settings: Settings) -> None:
    """Let others go first: this process, what it starts, and the sessions that a local database opens for it.

    A process can seldom take that back, so it is for those that do nothing but work in bulk. It is as quick as before
    while nobody else wants the processors.
    """
    tasks = Path("/proc/self/task")  # to Linux each thread has a priority of its own; elsewhere 0 is the process
    for thread in [int(one.name) for one in tasks.iterdir()] if tasks.is_dir() else [0]:
        with suppress(ProcessLookupError):  # it has ended
            if os.getpriority(os.PRIO_PROCESS, thread) < settings.nice:
                os.setpriority(os.PRIO_PROCESS, thread, settings.nice)
