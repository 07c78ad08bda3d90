"""One run: its facts, its files, its points by how unusual they are, the histogram behind one of them."""

from grafana_foundation_sdk.builders.dashboard import Panel
from grafana_foundation_sdk.models.dashboard import Dashboard

from hdqm_ops.show import _queries as queries
from hdqm_ops.show import _variables as variables
from hdqm_ops.show._dashboards._page import page
from hdqm_ops.show._style import (
    ADDRESS,
    HIDDEN_ADDRESS,
    WHOLE,
    Override,
    curve,
    hidden,
    link,
    map_2d,
    page_link,
    picture,
    sentence,
    table,
)
from hdqm_ops.show._target import Target
from hdqm_ops.show._variables import CARRIED

_DISTANCE = {
    "mode": "absolute",
    "steps": [{"color": "green", "value": None}, {"color": "orange", "value": 3}, {"color": "red", "value": 5}],
}
_WRAPPED = {"displayName": "Value", "custom.wrapText": True, "custom.inspect": True}
_HERE = page_link(
    "hdqm-run", *CARRIED, "run", "input", "reference", "search", series="${__data.fields.Trend:percentencode}"
)
_TO_TREND = page_link("hdqm-trend", *CARRIED, panel="trend:${__data.fields.Trend:percentencode}")


def _neighbours() -> Panel:
    def other(column: str, heading: str, field: str) -> Override:
        there = page_link("hdqm-run", *CARRIED, "series", "input", "search", run=f"${{__data.fields.{field}}}")
        shown = {"displayName": heading, **WHOLE, "noValue": "none"}
        return f"^{column}$", {**shown, "links": [link("Go there", there)]}

    return table(
        "Runs of this dataset before and after",
        "Click to go to the previous or next run that has this dataset.",
        Target(queries.RUN_NEIGHBOURS, "A", ("previous", "this", "next", "back", "forth")),
        [
            other("previous", "◀ previous", "back"),
            ("^this$", {"displayName": "this run", **WHOLE}),
            other("next", "next ▶", "forth"),
            hidden("back", unit="none"),
            hidden("forth", unit="none"),
        ],
        width=8,
        height=6,
        filterable=False,
        empty="No run of this dataset.",
    )


def _links() -> Panel:
    return table(
        "Elsewhere",
        "The same run, dataset and monitor element in DQM GUI, OMS and Run Registry.",
        Target(queries.RUN_LINKS, "A", ("page", "url")),
        [
            (
                "^page$",
                {
                    "displayName": "Page",
                    "links": [link("Open ${__data.fields.Page}", ADDRESS, new_tab=True)],
                },
            ),
            HIDDEN_ADDRESS,
        ],
        width=16,
        height=6,
        header=False,
        empty="No links: the site has set no addresses.",
    )


def _facts() -> Panel:
    return table(
        "Facts",
        "What OMS and Run Registry tell of the run, and the chosen trend in it.",
        Target(queries.RUN_FACTS, "A", ("fact", "value")),
        [("^fact$", {"displayName": "Fact", "custom.width": 180}), ("^value$", _WRAPPED)],
        width=8,
        height=25,
        filterable=False,
        empty="HDQM does not know this run.",
    )


def _note() -> Panel:
    return sentence(
        "The histogram behind the point", "Which histogram it is.", queries.HISTOGRAM_NOTE, "note", width=16, height=3
    )


def _curves() -> Panel:
    return curve(
        "Histogram of ${series:text}",
        "The one-dimensional histogram that the point was computed from, and that of the reference run, "
        "scaled to the same sum.",
        queries.HISTOGRAM_CURVE,
        x_label="x (units of the histogram)",
        width=8,
        height=11,
    )


def _cells() -> Panel:
    return map_2d(
        "Map of ${series:text}",
        "The two-dimensional histogram that the point was computed from; at most 100 × 100 cells, empty ones left out.",
        queries.HISTOGRAM_MAP,
        queries.HISTOGRAM_X,
        queries.HISTOGRAM_Y,
        width=8,
        height=11,
    )


def _points() -> Panel:
    return table(
        "Points of this run, the most unusual first",
        "Distance: from the median of the hundred runs around it, in robust RMS. "
        "Click a trend to see its histogram here, or its history. Gaps come last, with their reason.",
        Target(queries.RUN_POINTS, "A", ("trend", "value", "error", "status", "distance")),
        [
            ("^trend$", {"displayName": "Trend", "links": [link("Histogram here", _HERE), link("History", _TO_TREND)]}),
            ("^title$", {"displayName": "Title"}),
            ("^value$", {"displayName": "Value", "unit": "none"}),
            ("^error$", {"displayName": "Error", "unit": "none"}),
            ("^status$", {"displayName": "Status"}),
            ("^middle$", {"displayName": "Median", "unit": "none"}),
            ("^spread$", {"displayName": "Robust RMS", "unit": "none"}),
            (
                "^distance$",
                {
                    "displayName": "Distance (RMS)",
                    "decimals": 1,
                    "thresholds": _DISTANCE,
                    "custom.cellOptions": {"type": "color-background", "mode": "basic"},
                },
            ),
            ("^low$", {"displayName": "Expected low", "unit": "none"}),
            ("^high$", {"displayName": "Expected high", "unit": "none"}),
        ],
        width=16,
        height=11,
        empty="This run has no points of this subsystem in this dataset. Coverage says why.",
    )


def _files() -> Panel:
    return table(
        "DQM files of this run",
        "Every file of the run that was found, and what became of it.",
        Target(queries.RUN_FILES, "A", ("dataset", "state", "reason", "path")),
        [
            ("^dataset$", {"displayName": "Dataset", "custom.minWidth": 340}),
            ("^dqm_version$", {"displayName": "Version"}),
            ("^state$", {"displayName": "State"}),
            ("^reason$", {"displayName": "Reason"}),
            ("^tries$", {"displayName": "Tries"}),
            ("^ingested_at$", {"displayName": "Ingested (UTC)", "custom.width": 170, "unit": "dateTimeAsIso"}),
            ("^size_bytes$", {"displayName": "Size", "unit": "decbytes"}),
            ("^path$", {"displayName": "Path"}),
        ],
        width=24,
        height=8,
        empty="No DQM file of this run was found.",
    )


def _drawn() -> Panel:
    return picture(
        "The histogram as the REST API draws it",
        "With errors, labels and the reference run. Empty where the site has no REST API (HDQM_API_PUBLIC_URL).",
        "picture",
        width=24,
        height=14,
    )


def dashboard() -> Dashboard:
    """The page."""
    return page(
        "hdqm-run",
        "One run: facts, files, points by how unusual they are, the histograms behind them.",
        [
            *variables.dataset(),
            variables.run(),
            variables.series(),
            variables.histogram_input(),
            variables.reference(),
            variables.search(),
            variables.picture(),
        ],
        [_neighbours(), _links(), _facts(), _note(), _curves(), _cells(), _points(), _files(), _drawn()],
    )
