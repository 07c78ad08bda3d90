"""Coverage: what is there, what is missing, why."""

from grafana_foundation_sdk.builders.dashboard import Panel
from grafana_foundation_sdk.models.dashboard import Dashboard, DataTransformerConfig

from hdqm_ops.show import _queries as queries
from hdqm_ops.show import _variables as variables
from hdqm_ops.show._dashboards._page import page
from hdqm_ops.show._style import WHOLE, hidden, link, page_link, table
from hdqm_ops.show._target import Target

_GREY = "#6b6e75"
_SHARE = {
    "mode": "absolute",
    "steps": [
        {"color": "dark-red", "value": None},
        {"color": "orange", "value": 50},
        {"color": "yellow", "value": 90},
        {"color": "green", "value": 99.9},
    ],
}


def _matrix(title: str, description: str, sql: str, column: str, *, room: int, width: int) -> Panel:
    """Runs down, ``column`` across, coloured percentages."""
    rows = f"run_number\\{column}"
    cell = {
        "unit": "percent",
        "decimals": 0,
        "thresholds": _SHARE,
        "noValue": "no file",
        "mappings": [{"type": "special", "options": {"match": "null", "result": {"text": "no file", "color": _GREY}}}],
        "custom.cellOptions": {"type": "color-background", "mode": "basic"},
        "custom.align": "center",
        "custom.minWidth": room,
        "custom.wrapHeaderText": True,
    }
    here = page_link(
        "hdqm-coverage", "subsystem", "mode", "runs", "class", "quality", "dataset", run="${__value.numeric}"
    )
    panel = table(
        title,
        description,
        Target(sql, "A", ("run_number", column, "percent")),
        [
            (".", cell),
            (
                f"^run_number.{column}$",
                {
                    "displayName": "Run",
                    **WHOLE,
                    "custom.width": 90,
                    "custom.cellOptions": {"type": "auto"},
                    "links": [link("Missing trends of this run", here)],
                },
            ),
        ],
        width=width,
        height=12,
        filterable=False,
        empty="No run matches the selection, or it cannot be read.",
    )
    options = {"columnField": column, "rowField": "run_number", "valueField": "percent", "emptyValue": "null"}
    convert = {"conversions": [{"targetField": rows, "destinationType": "number"}], "fields": {}}
    return panel.transformations(
        [
            DataTransformerConfig(id_val="groupingToMatrix", options=options),
            DataTransformerConfig(id_val="convertFieldType", options=convert),
        ]
    )


def dashboard() -> Dashboard:
    """The page."""
    what = (
        "Percent of the series that ever had a value which have one in this run, in the datasets of which a DQM file "
        "of the run was found. Green: complete. Click a run for what it misses."
    )
    subsystems = _matrix("Run × subsystem", what, queries.COVERAGE_SUBSYSTEMS, "subsystem_name", room=98, width=24)
    datasets = _matrix("Run × dataset", what, queries.COVERAGE_DATASETS, "dataset", room=150, width=24)
    here = page_link(
        "hdqm-coverage",
        "mode",
        "runs",
        "class",
        "quality",
        run="${__data.fields.Run}",
        dataset="${__data.fields.Dataset:percentencode}",
        subsystem="${__data.fields.Subsystem:percentencode}",
    )
    gaps = table(
        "What is missing, and why",
        "One line for each run, dataset and subsystem that is not complete, with the commonest reason.",
        Target(queries.COVERAGE_GAPS, "A", ("run_number", "dataset", "subsystem", "missing", "why")),
        [
            (
                "^run_number$",
                {
                    "displayName": "Run",
                    **WHOLE,
                    "custom.width": 90,
                    "links": [link("Which trends", here)],
                },
            ),
            ("^dataset$", {"displayName": "Dataset", "custom.minWidth": 250}),
            ("^subsystem$", {"displayName": "Subsystem"}),
            ("^missing$", {"displayName": "Missing", "custom.width": 105}),
            ("^expected$", {"displayName": "Expected", "custom.width": 110}),
            ("^percent$", {"displayName": "There", "custom.width": 90, "unit": "percent", "decimals": 0}),
            ("^why$", {"displayName": "Reason"}),
        ],
        width=24,
        height=10,
        empty="Nothing is missing in the chosen runs.",
    )
    to_trend = page_link(
        "hdqm-trend",
        "mode",
        "runs",
        "class",
        "quality",
        subsystem="${__data.fields.Subsystem:percentencode}",
        pd="${__data.fields.pd:percentencode}",
        processing="${__data.fields.processing:percentencode}",
        panel="trend:${__data.fields.Trend:percentencode}",
    )
    trends = table(
        "Missing trends of one run and dataset",
        "Trends that have no value in the run and dataset in detail (boxes above; without a run: the newest), and why. "
        "Click a trend for its plot.",
        Target(queries.COVERAGE_TRENDS, "A", ("run_number", "subsystem_name", "trend", "title", "status", "meaning")),
        [
            ("^run_number$", {"displayName": "Run", **WHOLE, "custom.width": 90}),
            ("^subsystem_name$", {"displayName": "Subsystem", "custom.width": 125}),
            ("^trend$", {"displayName": "Trend", "links": [link("This trend", to_trend)]}),
            ("^title$", {"displayName": "Title", "custom.minWidth": 210}),
            ("^status$", {"displayName": "Reason", "custom.width": 150}),
            ("^meaning$", {"displayName": "Meaning"}),
            hidden("pd"),
            hidden("processing"),
        ],
        width=24,
        height=10,
        empty="Nothing is missing in this run and dataset, or the subsystem never had a value in it.",
    )
    return page(
        "hdqm-coverage",
        "What is there, what is missing, and why.",
        [
            variables.any_subsystem(),
            *variables.selection(),
            variables.text_box("run", "Run in detail", "", "Run whose missing trends are listed."),
            variables.covered_dataset(),
            *variables.carried_from_all(),
        ],
        [subsystems, datasets, gaps, trends],
        to_subsystem="to",
    )
