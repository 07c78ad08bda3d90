"""The asset of the trend configuration: an event says that what the database knows of it has changed."""

from typing import Any

from airflow.sdk import Asset, AssetAlias

__all__ = ["CONFIGURATION", "OUTLET", "tell_if_changed"]

CONFIGURATION = Asset(name="hdqm_configuration", uri="hdqm://configuration", group="hdqm")

OUTLET = AssetAlias("hdqm_configuration")
"""What a task names that may change it; an outlet without an alias would tell of a change whenever the task ends."""


def tell_if_changed(outlet_events: Any, changed: bool) -> None:
    """Tell of a change where there was one."""
    if changed:
        outlet_events[OUTLET].add(CONFIGURATION)
