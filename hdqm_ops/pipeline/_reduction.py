"""One file → outcomes of all trends, without a database."""

import os
from collections.abc import Mapping

from hdqm_ops import extract, reduce
from hdqm_ops.config import ConfigTree
from hdqm_ops.model import ElementContent, Outcome

__all__ = ["FileReducer"]


class FileReducer:
    """Reads and reduces files by one configuration, compiled once.

    Attributes:
        elements: contents of the file reduced last, where they were asked to be kept.
    """

    def __init__(self, tree: ConfigTree) -> None:
        self._keys = [trend.key for trend in tree.trends]
        self._wanted = tree.monitor_elements
        self._reducer = reduce.Reducer(tree.trends)
        self.elements: Mapping[str, ElementContent] = {}

    def reduce(self, path: str | os.PathLike[str], *, keep_elements: bool = False) -> dict[str, Outcome]:
        """``Subsystem/name`` → outcome, in the order of the configuration.

        Raises:
            UnreadableFile: the file is damaged or no ROOT file.
        """
        extracted = extract.read_file(path, self._wanted)
        self.elements = extracted.elements if keep_elements else {}
        return dict(zip(self._keys, self._reducer.reduce(extracted.elements), strict=True))
