"""Home: how each subsystem stands, the last runs, how to go on."""

from grafana_foundation_sdk.builders.dashboard import Panel
from grafana_foundation_sdk.models.dashboard import Dashboard

from hdqm_ops.show import _queries as queries
from hdqm_ops.show._dashboards._page import page
from hdqm_ops.show._style import WHOLE, link, page_link, table, text
from hdqm_ops.show._target import Target

_HOW_TO = """
**Look at trends**: click a subsystem. Choose dataset, processing and runs at the top of the page; the address of the
page keeps the choice, so send or bookmark it. **A point looks wrong?** Click it, then *Run …*: facts of the run, the
histogram behind the point, links to DQM GUI, OMS and Run Registry. **A point is missing?** *Coverage* says why.
**Everything is old?** *Pipeline* says what waits and what failed. A *gap* is a run without a value, always with a
reason; zero is a measurement.
"""

# without a dataset: the page opens on one that has runs to show
_OPEN_SUBSYSTEM = page_link("hdqm-trends", subsystem="${__data.fields.Subsystem:percentencode}")
_ALARM = {"mode": "absolute", "steps": [{"color": "text", "value": None}, {"color": "orange", "value": 1}]}
_COLOUR = {"custom.cellOptions": {"type": "color-text"}, "thresholds": _ALARM}
_TO_COVERAGE = page_link("hdqm-coverage", run="${__data.fields.Run}")
_TO_TREND = page_link(
    "hdqm-trend",
    subsystem="${__data.fields.Subsystem:percentencode}",
    pd="${__data.fields.Dataset:percentencode}",
    processing="${__data.fields.Processing:percentencode}",
    panel="trend:${__data.fields.Trend:percentencode}",
)


def _subsystems() -> Panel:
    return table(
        "Subsystems",
        "Freshness, size, and what the last 24 hours of ingestion brought. Click a name to see its trends. "
        "Outside: points outside of the expected range that is configured for their trend.",
        Target(queries.HOME, "A", ("subsystem", "trends", "last_run", "last_ingested", "points_last_day")),
        [
            ("^subsystem$", {"displayName": "Subsystem", "links": [link("Trends", _OPEN_SUBSYSTEM)]}),
            ("^last_run$", {"displayName": "Last run", **WHOLE}),
            ("^last_ingested$", {"displayName": "Ingested", "unit": "dateTimeFromNow", "custom.width": 140}),
            ("^outside_last_day$", {"displayName": "Outside, 24 h", "custom.width": 130, **_COLOUR}),
            ("^gaps_last_day$", {"displayName": "Gaps, 24 h"}),
            ("^points_last_day$", {"displayName": "Points, 24 h", "custom.width": 125}),
            ("^runs_last_day$", {"displayName": "Runs, 24 h"}),
            ("^trends$", {"displayName": "Trends"}),
            ("^primary_datasets$", {"displayName": "Datasets"}),
        ],
        width=24,
        height=10,
        filterable=False,
        empty="There are no trends yet: apply a configuration (hdqm config apply) and ingest a DQM file (hdqm ingest).",
    )


def _runs() -> Panel:
    return table(
        "Last runs",
        "The newest runs with DQM files: how many files are ingested, failed, or still wait.",
        Target(queries.RECENT_RUNS, "A", ("run_number", "ingested", "failed", "open")),
        [
            (
                "^run_number$",
                {
                    "displayName": "Run",
                    **WHOLE,
                    "links": [link("Coverage of this run", _TO_COVERAGE)],
                },
            ),
            ("^start_time$", {"displayName": "Start (UTC)", "custom.width": 170, "noValue": "not known to OMS yet"}),
            ("^run_class$", {"displayName": "Class", "custom.width": 190, "noValue": "not in Run Registry yet"}),
            ("^fill_number$", {"displayName": "Fill", **WHOLE}),
            ("^recorded_lumi_pb$", {"displayName": "Recorded (1/pb)", "decimals": 2, "custom.width": 150}),
            ("^ingested$", {"displayName": "Files"}),
            ("^failed$", {"displayName": "Failed", **_COLOUR}),
            ("^open$", {"displayName": "Waiting"}),
            ("^last_ingested$", {"displayName": "Ingested", "unit": "dateTimeFromNow", "custom.width": 140}),
        ],
        width=24,
        height=11,
        filterable=False,
        empty="No run yet: no DQM file was found.",
    )


def _outside() -> Panel:
    return table(
        "Outside of the expected range, last three runs",
        "Points below the low or above the high end that the configuration expects of their trend.",
        Target(queries.OUTSIDE, "A", ("subsystem", "trend", "run_number", "value")),
        [
            ("^subsystem$", {"displayName": "Subsystem"}),
            ("^trend$", {"displayName": "Trend", "links": [link("This trend", _TO_TREND)], "custom.minWidth": 180}),
            ("^owner$", {"displayName": "Owner", "custom.width": 150}),
            ("^primary_dataset$", {"displayName": "Dataset", "custom.width": 120}),
            ("^processing$", {"displayName": "Processing", "custom.width": 140}),
            ("^run_number$", {"displayName": "Run", **WHOLE, "custom.width": 80}),
            *(
                (f"^{end.lower()}$", {"displayName": end, "unit": "none", "custom.width": 85})
                for end in ("Value", "Low", "High")
            ),
        ],
        width=24,
        height=7,
        filterable=False,
        empty="None: all points of the last three runs are where they are expected, or no range is configured.",
    )


def dashboard() -> Dashboard:
    """The page."""
    return page(
        "hdqm-home",
        "How the trends of each subsystem stand, and where to go on.",
        [],
        [text("How to", _HOW_TO, width=24, height=4), _subsystems(), _outside(), _runs()],
    )
