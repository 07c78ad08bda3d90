"""Histogram → measurement: the metrics, and what applies them to the monitor elements of a file.

A family of metrics is a module of this folder; every public one is found and imported here, so that a new family is a
new file and no list. Modules that begin with an underscore are the room's own.
"""

import importlib
import pkgutil

from hdqm_ops.reduce._reducer import Reducer, evaluate
from hdqm_ops.reduce._registry import METRICS, Metric, build, catalogue, metric

__all__ = ["METRICS", "Metric", "Reducer", "build", "catalogue", "evaluate", "metric"]

for _module in pkgutil.iter_modules(__path__):
    if not _module.name.startswith("_"):
        importlib.import_module(f"{__name__}.{_module.name}")
