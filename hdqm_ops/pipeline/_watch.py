"""Watching the folders of the settings, one look at a time."""

from hdqm_ops import discover
from hdqm_ops.settings import Settings

__all__ = ["Watcher"]


class Watcher:
    """Looks again and again where DQM files come, without a database.

    Args:
        settings: where to look.
        since: when somebody looked last, seconds since 1970; None: nobody ever did, and all that is there is no news.
    """

    def __init__(self, settings: Settings, since: float | None = None) -> None:
        self._settings = settings
        self._watch = discover.Watch(since)
        self.remarks: list[str] = []

    def look(self) -> list[str]:
        """Paths of files that came or changed, and stayed as they are since the last look.

        Raises:
            ConfigError: a folder that the settings name does not exist.
            ServiceUnavailable: an xrootd server does not answer.
        """
        self.remarks = []
        settings = self._settings
        files = discover.find(
            settings.watch or settings.files,
            aliases=settings.processing_aliases,
            multi_run=settings.multi_run,
            relval=settings.relval,
            report=self.remarks.append,
        )
        return [file.path for file in self._watch.news(files)]
