"""One trend, or one display group, with all that is known of it."""

from grafana_foundation_sdk.builders.dashboard import Panel
from grafana_foundation_sdk.models.dashboard import Dashboard

from hdqm_ops.show import _queries as queries
from hdqm_ops.show import _variables as variables
from hdqm_ops.show._dashboards._page import page
from hdqm_ops.show._style import WHOLE, curve, distribution, link, page_link, sentence, table, trend_plot
from hdqm_ops.show._target import Target
from hdqm_ops.show._variables import CARRIED

_TO_RUN = page_link("hdqm-run", *CARRIED, run="${__data.fields.Run}", series="${__data.fields.Series:percentencode}")
_RUN = (
    "^run_number$",
    {"displayName": "Run", **WHOLE, "links": [link("This run", _TO_RUN)], "custom.width": 90},
)
_NUMBER = {"unit": "none"}


def _note() -> Panel:
    return sentence("", "What is shown, or why nothing is.", queries.SELECTION_NOTE_OF_ONE, "note", height=2)


def _plot() -> Panel:
    return trend_plot(
        "${panel:text}",
        "The group or trend over the chosen runs, with series and quantities that were added. "
        "Click a mark for the run.",
        queries.PLOT,
        queries.AXIS_TICKS,
        queries.SCALE,
        width=24,
        height=16,
    )


def _statistics() -> Panel:
    return table(
        "Statistics of the shown runs",
        "Each series over the shown runs. RMS: standard deviation of the values, gaps left out. "
        "Outside: points outside of the expected range.",
        Target(queries.STATISTICS, "A", ("series", "points", "mean", "rms")),
        [
            ("^series$", {"displayName": "Series", "custom.width": 200}),
            ("^points$", {"displayName": "Points"}),
            ("^gaps$", {"displayName": "Gaps"}),
            ("^mean$", {"displayName": "Mean", **_NUMBER}),
            ("^rms$", {"displayName": "RMS", **_NUMBER}),
            ("^median$", {"displayName": "Median", **_NUMBER}),
            ("^minimum$", {"displayName": "Minimum", **_NUMBER}),
            ("^maximum$", {"displayName": "Maximum", **_NUMBER}),
            ("^last$", {"displayName": "Last", **_NUMBER}),
            ("^outside$", {"displayName": "Outside"}),
        ],
        width=24,
        height=8,
        empty="No series of this plot has points in the chosen runs.",
    )


def _spread() -> Panel:
    return distribution(
        "Distribution of the values",
        "How often each value occurs among the shown runs.",
        Target(queries.DISTRIBUTION, "A", ("run_number", "series", "value")),
        width=10,
        height=9,
    )


def _history() -> Panel:
    return curve(
        "The whole history",
        "Means of a hundred run numbers each, over all runs that there are, whatever is chosen above. A single trend "
        "comes with its lowest and highest values.",
        queries.PANEL_HISTORY,
        x_label="Run number",
        y_label="Mean value",
        width=14,
        height=9,
        empty="No series of this plot has points in this dataset.",
    )


def _gaps() -> Panel:
    return table(
        "What is missing, and why",
        "Runs of the selection in which a series has no value, with the reason.",
        Target(queries.GAPS, "A", ("run_number", "series", "why", "meaning")),
        [
            _RUN,
            ("^series$", {"displayName": "Series", "custom.width": 200}),
            ("^why$", {"displayName": "Reason", "custom.width": 150}),
            ("^meaning$", {"displayName": "Meaning"}),
        ],
        width=24,
        height=7,
        empty="Nothing is missing.",
    )


def _facts() -> Panel:
    return table(
        "Definition, source and owner",
        "Where the numbers come from: metric, monitor elements, owner, expected range, since when it is so.",
        Target(queries.FACTS, "A", ("series", "metric", "elements", "expected", "owner")),
        [
            ("^series$", {"displayName": "Series", "custom.width": 200}),
            ("^title$", {"displayName": "Title"}),
            ("^metric$", {"displayName": "Metric"}),
            ("^elements$", {"displayName": "Monitor elements"}),
            ("^expected$", {"displayName": "Expected"}),
            ("^owner$", {"displayName": "Owner"}),
            ("^description$", {"displayName": "Description"}),
            ("^active$", {"displayName": "Active"}),
            ("^defined_at$", {"displayName": "Defined", "unit": "dateTimeAsIso"}),
            ("^definition$", {"displayName": "Definition"}),
        ],
        width=24,
        height=8,
        empty="No series of this plot has points in this dataset.",
    )


def _values() -> Panel:
    return table(
        "Values",
        "Points of the shown runs, gaps included: those of the newest runs, up to 20 000 points; choose fewer runs, or "
        "ask the REST API, for others. Panel menu, Inspect, Data, Download CSV saves them.",
        Target(queries.VALUES, "A", ("run_number", "series", "value", "error", "status")),
        [
            _RUN,
            ("^series$", {"displayName": "Series", "custom.width": 200}),
            ("^value$", {"displayName": "Value", "decimals": 6, "custom.minWidth": 140}),
            ("^error$", {"displayName": "Error", "decimals": 6, "custom.minWidth": 120}),
            ("^status$", {"displayName": "Status"}),
            ("^meaning$", {"displayName": "Meaning"}),
            ("^entries$", {"displayName": "Entries", "decimals": 0}),
            ("^start_time$", {"displayName": "Start (UTC)", "custom.width": 160}),
            ("^fill_number$", {"displayName": "Fill", **WHOLE}),
            ("^duration_s$", {"displayName": "Duration", "unit": "s"}),
            ("^delivered_lumi_pb$", {"displayName": "Delivered (1/pb)", "decimals": 3}),
            ("^path$", {"displayName": "DQM file"}),
        ],
        width=24,
        height=10,
        empty="No series of this plot has points in the chosen runs.",
    )


def dashboard() -> Dashboard:
    """The page."""
    return page(
        "hdqm-trend",
        "One display group or trend at full size, with statistics, gaps, definition and values.",
        [
            *variables.dataset(),
            variables.panel(),
            *variables.selection(),
            variables.axis(),
            variables.options(),
            variables.y_range(),
            variables.added(),
            variables.quantities(),
        ],
        [_note(), _plot(), _statistics(), _spread(), _history(), _gaps(), _facts(), _values()],
    )
