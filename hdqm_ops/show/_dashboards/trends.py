"""Trends: all plots of a subsystem, page by page."""

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import Dashboard

from hdqm_ops.show import _queries as queries
from hdqm_ops.show import _variables as variables
from hdqm_ops.show._dashboards._page import page
from hdqm_ops.show._style import page_link, sentence, trend_plot
from hdqm_ops.show._variables import CARRIED


def dashboard() -> Dashboard:
    """The page."""
    note = sentence("", "What is shown, or why nothing is.", queries.SELECTION_NOTE, "note", height=2)
    plots = trend_plot(
        "${panels:text}",
        "One display group or trend over the chosen runs. Each mark is a run; no mark means a gap, and the page "
        "of the trend says why. Click a mark for the run; the title's menu opens the plot at full size.",
        queries.EACH_PLOT,
        queries.AXIS_TICKS,
        queries.EACH_SCALE,
        width=24,
        height=10,
    )
    full = DashboardLink("Full size, statistics, gaps, definition").url(
        page_link("hdqm-trend", *CARRIED, panel="${panels:percentencode}")
    )
    plots = plots.repeat("panels").repeat_direction("h").max_per_row(2).links([full])
    return page(
        "hdqm-trends",
        "All trends of a subsystem, in its display groups.",
        [
            *variables.dataset(),
            *variables.selection(),
            variables.axis(),
            variables.options(),
            variables.search(),
            variables.show(),
            variables.per_page(),
            variables.page(),
            variables.panels(),
        ],
        [note, plots],
    )
