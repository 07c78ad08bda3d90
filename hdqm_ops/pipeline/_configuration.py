"""Configuration joined with the registry of metrics."""

from collections.abc import Sequence
from pathlib import Path

from hdqm_ops import config, reduce
from hdqm_ops.config import ConfigTree
from hdqm_ops.settings import Settings

__all__ = ["config_roots", "read_configuration", "read_selection"]


def config_roots(settings: Settings) -> tuple[Path, ...]:
    """Folders of configurations: those of the settings, else the tree that the package ships."""
    return settings.configs or (Path(__file__).parent.parent / "trends",)


def read_configuration(roots: Sequence[Path]) -> ConfigTree:
    """Read whole trees, checked against the registry of metrics; problems are in the answer."""
    return config.read_tree(roots, reduce.catalogue())


def read_selection(settings: Settings, selectors: Sequence[str]) -> ConfigTree:
    """Read what ``-c`` names: files, folders, ``Subsystem/pattern*`` of the default tree; nothing named is all of it.

    Raises:
        ConfigError: a selector matches nothing; the message names what is near.
    """
    roots = config_roots(settings)
    if not selectors:
        return read_configuration(roots)
    return config.read_selection(selectors, roots, reduce.catalogue())
