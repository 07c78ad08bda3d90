"""The dashboards, one module each: which panels there are and where."""

from collections.abc import Callable

from grafana_foundation_sdk.models.dashboard import Dashboard

from hdqm_ops.show._dashboards.correlation import dashboard as correlation
from hdqm_ops.show._dashboards.coverage import dashboard as coverage
from hdqm_ops.show._dashboards.home import dashboard as home
from hdqm_ops.show._dashboards.pipeline import dashboard as pipeline
from hdqm_ops.show._dashboards.run import dashboard as run
from hdqm_ops.show._dashboards.runs import dashboard as runs
from hdqm_ops.show._dashboards.trend import dashboard as trend
from hdqm_ops.show._dashboards.trends import dashboard as trends

__all__ = ["dashboards"]


def dashboards() -> list[Dashboard]:
    """All of them, in the order of the links at their top."""
    pages: tuple[Callable[[], Dashboard], ...] = (home, trends, trend, run, correlation, runs, coverage, pipeline)
    return [page() for page in pages]
