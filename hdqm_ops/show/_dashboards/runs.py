"""Runs and fills: what OMS and Run Registry tell."""

from grafana_foundation_sdk.builders.dashboard import Panel
from grafana_foundation_sdk.models.dashboard import Dashboard

from hdqm_ops.show import _queries as queries
from hdqm_ops.show import _variables as variables
from hdqm_ops.show._dashboards._page import page
from hdqm_ops.show._style import WHOLE, bars, link, page_link, table
from hdqm_ops.show._target import Target
from hdqm_ops.show._variables import CARRIED

_UNFILTERED = {"custom.filterable": False}
_TO_RUN = page_link("hdqm-run", *CARRIED, run="${__data.fields.Run}")


def _luminosity() -> Panel:
    return bars(
        "Luminosity by fill",
        "Delivered and recorded luminosity of the runs that are listed below, summed up by fill.",
        Target(queries.LUMINOSITY, "A", ("fill", "delivered", "recorded")),
        x="fill",
        unit="1/pb",
        width=14,
        height=9,
        empty="No fill matches the search.",
    )


def _fills() -> Panel:
    return table(
        "Fills",
        "Fills of the runs that are listed below.",
        Target(queries.FILLS, "A", ("fill_number", "runs", "delivered_lumi_pb")),
        [
            ("^fill_number$", {"displayName": "Fill", **WHOLE}),
            ("^first_run$", {"displayName": "First run", **WHOLE}),
            ("^last_run$", {"displayName": "Last run", **WHOLE}),
            ("^runs$", {"displayName": "Runs"}),
            ("^start_time$", {"displayName": "Start (UTC)", "custom.width": 160}),
            ("^hours$", {"displayName": "Hours", "decimals": 1}),
            ("^delivered_lumi_pb$", {"displayName": "Delivered (1/pb)", "decimals": 2}),
            ("^recorded_lumi_pb$", {"displayName": "Recorded (1/pb)", "decimals": 2}),
            ("^injection_scheme$", {"displayName": "Injection scheme"}),
        ],
        width=10,
        height=9,
        filterable=False,
        empty="No fill matches the search.",
    )


def _runs() -> Panel:
    return table(
        "Runs",
        "All runs that HDQM knows, newest first. Empty cells: OMS or Run Registry has not told yet. "
        "Certified: lists of certified runs (golden JSON) that hold the run.",
        Target(queries.RUNS, "A", ("run_number", "start_time", "run_class_name", "certified")),
        [
            (
                "^run_number$",
                {"displayName": "Run", **WHOLE, "links": [link("This run", _TO_RUN)], "custom.width": 90},
            ),
            ("^start_time$", {"displayName": "Start (UTC)", "custom.width": 160, **_UNFILTERED}),
            ("^duration_s$", {"displayName": "Duration", "unit": "dthms", "custom.width": 90, **_UNFILTERED}),
            ("^fill_number$", {"displayName": "Fill", **WHOLE, "custom.width": 80}),
            ("^era$", {"displayName": "Era"}),
            ("^run_class_name$", {"displayName": "Class"}),
            ("^significant$", {"displayName": "Significant", "custom.width": 125}),
            (
                "^delivered_lumi_pb$",
                {"displayName": "Delivered (1/pb)", "decimals": 3, "custom.width": 130, **_UNFILTERED},
            ),
            (
                "^recorded_lumi_pb$",
                {"displayName": "Recorded (1/pb)", "decimals": 3, "custom.width": 130, **_UNFILTERED},
            ),
            ("^initial_lumi_1e34$", {"displayName": "Initial (10³⁴/cm²s)", "decimals": 3}),
            ("^end_lumi_1e34$", {"displayName": "End (10³⁴/cm²s)", "decimals": 3}),
            ("^b_field_t$", {"displayName": "Field (T)", "decimals": 2}),
            ("^energy_gev$", {"displayName": "Energy (GeV)", **WHOLE}),
            ("^l1_rate_hz$", {"displayName": "L1 (Hz)", **WHOLE}),
            ("^hlt_physics_rate_hz$", {"displayName": "HLT physics (Hz)", **WHOLE}),
            ("^hlt_key$", {"displayName": "HLT key"}),
            ("^l1_key$", {"displayName": "L1 key"}),
            ("^injection_scheme$", {"displayName": "Injection scheme"}),
            ("^files$", {"displayName": "Files"}),
            ("^certified$", {"displayName": "Certified"}),
        ],
        width=24,
        height=16,
        empty="No run matches the search.",
    )


def _golden() -> Panel:
    return table(
        "Lists of certified runs",
        "Golden JSON files that were imported; their names are what the mode Golden JSON takes. "
        "Of the runs the first twenty ranges.",
        Target(queries.GOLDEN, "A", ("name", "imported_at", "runs")),
        [
            ("^name$", {"displayName": "Name"}),
            ("^imported_at$", {"displayName": "Imported (UTC)", "custom.width": 170, "unit": "dateTimeAsIso"}),
            ("^runs$", {"displayName": "Runs", "custom.minWidth": 400}),
        ],
        width=24,
        height=6,
        empty="No list was imported yet.",
    )


def dashboard() -> Dashboard:
    """The page."""
    return page(
        "hdqm-runs",
        "What OMS and Run Registry tell of runs and fills.",
        [
            variables.search_runs(),
            variables.run_class(),
            variables.text_box("number", "Newest", "200", "How many runs are listed."),
        ],
        [_luminosity(), _fills(), _runs(), _golden()],
    )
