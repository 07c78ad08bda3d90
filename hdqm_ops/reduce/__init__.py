"""Histogram → measurement: the metrics, and what applies them to the monitor elements of a file.

A family of metrics is a module of this folder; every public one is found and imported here, so that a new family is a
new file and no list. Modules that begin with an underscore are the room's own.
Metrics of others are loaded from modules that the setting ``HDQM_METRICS`` or entry points of the group
``hdqm.metrics`` name, when the registry is first asked.
"""

import importlib
import pkgutil

from hdqm_ops.reduce import _foreign, _registry
from hdqm_ops.reduce._page import metrics_page
from hdqm_ops.reduce._reducer import Reducer, evaluate
from hdqm_ops.reduce._registry import METRICS, Metric, build, catalogue, metric
from hdqm_ops.settings import Settings

__all__ = ["METRICS", "Metric", "Reducer", "build", "catalogue", "evaluate", "metric", "metrics_page"]

for _module in pkgutil.iter_modules(__path__):
    if not _module.name.startswith("_"):
        importlib.import_module(f"{__name__}.{_module.name}")


def _load_metrics_of_others() -> None:
    _foreign.load_modules(Settings().metrics)


_registry.pending.append(_load_metrics_of_others)
