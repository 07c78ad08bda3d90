"""What panels look like: one function a kind of panel. Which panels there are is the dashboards' business."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from grafana_foundation_sdk.builders.dashboard import Panel
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue

from hdqm_ops.show._target import Target, datasource
from hdqm_ops.show._variables import CARRIED

__all__ = [
    "ADDRESS",
    "HIDDEN_ADDRESS",
    "PALETTE",
    "WHOLE",
    "bars",
    "columns",
    "curve",
    "distribution",
    "hidden",
    "hours",
    "link",
    "map_2d",
    "page_link",
    "picture",
    "scatter",
    "sentence",
    "table",
    "text",
    "trend_plot",
]

GRAFANA = "12.3.3"
"""Panels say for which version they are written; without it the XY chart takes itself for one of 2023."""

PALETTE = (
    *("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf"),
    *("#6a9fd8", "#ffb347", "#77c96f", "#ff8a80", "#b99be0", "#b98b7f", "#f4a8d4", "#a6a6a6", "#d9d957", "#6fd3e0"),
    *("#0000ff", "#008000", "#ff0000", "#ffa500", "#800080", "#00ffff", "#ff00ff", "#00ff00", "#ffff00", "#000080"),
    *("#008080", "#808000", "#800000", "#808080", "#c0c0c0", "#000000", "#ffffff", "#5b8c00", "#c41d7f", "#08979c"),
)
"""The colours of ``hdqm.palette()``: a series tells its own by characters without width at the end of its name."""

WHOLE = {"unit": "none", "decimals": 0}
"""A number of something: a run, a fill."""

_GREY = "#8e8e8e"
_ABSENT = "–"
"""For a missing value; plots put a number, and an empty text counts as zero, in the place of every gap."""

_PLAIN = "none"
"""A number without unit, or one whose unit only the label can tell."""

_NOTHING = "Nothing to show: no chosen run has a value."

Json = Any
Override = tuple[str, Mapping[str, Json]]


# -- what all panels share ---------------------------------------------------------------------------------------------


def _panel(kind: str, title: str, description: str, *targets: Target, width: int, height: int) -> Panel:
    panel = Panel().type(kind).plugin_version(GRAFANA).title(title).description(description)
    panel = panel.span(width).height(height).datasource(datasource())
    return panel.targets(list(targets)) if targets else panel


def _override(panel: Panel, overrides: Sequence[Override]) -> Panel:
    """Override fields whose name matches a regular expression."""
    for pattern, properties in overrides:
        values = [DynamicConfigValue(id_val=name, value=value) for name, value in properties.items()]
        panel = panel.override_by_regexp(f"/{pattern}/", values)
    return panel


def _legend(*, table: bool = False, shown: bool = True, calcs: Sequence[str] = ()) -> Json:
    mode = "table" if table else "list"
    return {"displayMode": mode, "placement": "bottom", "showLegend": shown, "calcs": list(calcs)}


def link(title: str, url: str, *, new_tab: bool = False) -> Json:
    """A link of a field or cell."""
    return {"title": title, "url": url, "targetBlank": new_tab}


def page_link(uid: str, *variables: str, **fixed: str) -> str:
    """Address of one of our dashboards that takes over variables of this one, and sets others.

    What is fixed may hold Grafana's own ``${…}``.
    """
    taken = [f"${{{name}:queryparam}}" for name in variables]
    given = [f"var-{name}={quote(value, safe='${}._:')}" for name, value in fixed.items()]
    return f"/d/{uid}?{'&'.join([*given, *taken])}"


# -- plots of trends ---------------------------------------------------------------------------------------------------

_AS_MATRIX = "x\\series"


def _mark(number: int) -> str:
    """The characters without width that name a colour (``hdqm.colour_mark``), as a pattern."""
    return "".join(("\\u200b", "\\u200c")[int(bit)] for bit in f"{number:06b}")


def _colours() -> list[Override]:
    return [
        (_mark(number), {"color": {"mode": "fixed", "fixedColor": colour}}) for number, colour in enumerate(PALETTE)
    ]


_HIDDEN_AXIS = {"custom.axisPlacement": "hidden"}
_RIGHT = {"custom.axisPlacement": "right", "unit": "none", "min": None, "max": None}
_NO_POINTS = {"custom.showPoints": "never"}
_EVERYWHERE_BUT_PLOT = {"legend": True, "tooltip": False, "viz": True}

_LUMI = " [10³⁴/(cm² s)]"
_UNITS = {
    "duration": " [h]",
    "delivered luminosity": " [1/pb]",
    "recorded luminosity": " [1/pb]",
    "initial luminosity": _LUMI,
    "end luminosity": _LUMI,
    "magnetic field": " [T]",
    "energy": " [GeV]",
    "HLT physics rate": " [Hz]",
    "L1 rate": " [Hz]",
}

_MARKS: list[Override] = [
    (
        "±$",  # error bars: almost upright strokes
        {
            "custom.lineWidth": 1,
            **_NO_POINTS,
            "custom.hideFrom": {"legend": True, "tooltip": True, "viz": False},
            "links": [],
        },
    ),
    (
        "^run$",
        {
            "unit": "none",
            "decimals": 0,
            "min": None,
            "max": None,
            **_HIDDEN_AXIS,
            "custom.hideFrom": _EVERYWHERE_BUT_PLOT,
        },
    ),
    (
        "^fill$",
        {
            "unit": "none",
            "min": 0,
            "max": 1,
            **_HIDDEN_AXIS,
            **_NO_POINTS,
            "custom.hideFrom": {"legend": True, "tooltip": True, "viz": False},
            "custom.lineInterpolation": "stepAfter",
            "custom.lineWidth": 0,
            "custom.fillOpacity": 12,
            "custom.spanNulls": True,
            "color": {"mode": "fixed", "fixedColor": "#4fbeff"},
            "links": [],
        },
    ),
    (
        "^run d",  # run duration, run delivered
        {
            **_RIGHT,
            "min": 0,
            **_NO_POINTS,
            "decimals": 2,
            "custom.axisGridShow": False,
            "custom.lineInterpolation": "stepAfter",
            "custom.lineWidth": 0,
            "custom.fillOpacity": 18,
            "custom.spanNulls": True,
            "color": {"mode": "fixed", "fixedColor": _GREY},
            "links": [],
        },
    ),
    (
        r"^(mean$|mean . RMS$|expected )",  # no trend: its name may begin alike, but ends in the mark of its colour
        {
            **_NO_POINTS,
            "custom.spanNulls": True,
            "custom.lineWidth": 1,
            "custom.lineStyle": {"fill": "dash", "dash": [8, 6]},
            "color": {"mode": "fixed", "fixedColor": _GREY},
            "links": [],
        },
    ),
    ("^run duration", {"custom.axisLabel": "run duration [h]"}),
    ("^run delivered", {"custom.axisLabel": "delivered luminosity [1/pb]"}),
    ("^mean$", {"custom.lineStyle": {"fill": "solid"}, "custom.lineWidth": 1}),
    ("^expected ", {"color": {"mode": "fixed", "fixedColor": "#37872D"}}),
    ("^expected high$", {"custom.fillBelowTo": "expected low", "custom.fillOpacity": 8}),
    ("^OMS ", {**_RIGHT, "custom.axisGridShow": False, "links": []}),
    # a label of its own makes an axis of its own; colours that are not those of the first ten series
    *(
        (
            f"^OMS {name} ?",
            {"custom.axisLabel": f"OMS {name}{unit}", "color": {"mode": "fixed", "fixedColor": PALETTE[10 + number]}},
        )
        for number, (name, unit) in enumerate(_UNITS.items())
    ),
]


def trend_plot(title: str, description: str, plot: str, ticks: str, scale: str, *, width: int, height: int) -> Panel:
    """A plot of trends over runs.

    ``plot`` gives x, series, value; ``ticks`` tick, label, low, high; ``scale`` unit, low, high.
    """
    panel = _panel(
        "trend",
        title,
        description,
        Target(plot, "A", ("x", "series", "value")),
        Target(ticks, "B", ("tick", "label", "low", "high")),
        Target(scale, "C", ("unit", "low", "high")),
        width=width,
        height=height,
    )
    to_run = page_link("hdqm-run", *CARRIED, run="${__data.fields.run}", series="${__field.name:percentencode}")
    # where the trends of a plot share a unit, scale brings it; the others may differ from one another
    panel = panel.transformations(_TO_MATRIX).no_value(_ABSENT).custom(_POINTS).unit(_PLAIN)
    panel = panel.options(
        {
            "xField": _AS_MATRIX,
            "legend": _legend(
                table=height > 10, calcs=["mean", "stdDev", "min", "max"] if height > 10 else ["mean", "stdDev"]
            ),
            "tooltip": {"mode": "single", "sort": "none", "hoverProximity": 30, "maxHeight": 600},
        }
    )
    links = [
        DynamicConfigValue(id_val="links", value=[link("Run ${__data.fields.run}: facts, histogram, links", to_run)])
    ]
    panel = panel.override_by_regexp("/./", links)
    panel = panel.override_by_name(
        _AS_MATRIX,
        [
            DynamicConfigValue(id_val="decimals", value=0),
            DynamicConfigValue(id_val="unit", value="none"),
            DynamicConfigValue(id_val="displayName", value="at"),
            DynamicConfigValue(id_val="custom.axisLabel", value="${axis:text}"),
        ],
    )
    return _override(panel, [*_colours(), *_MARKS])


_POINTS = {
    "drawStyle": "line",
    "lineWidth": 2,
    "showPoints": "always",
    "pointSize": 6,
    "fillOpacity": 0,
    "spanNulls": False,
    "axisPlacement": "auto",
    "axisLabel": "",
    "axisColorMode": "text",
    "axisBorderShow": True,
    "lineInterpolation": "linear",
    "scaleDistribution": {"type": "linear"},
    "hideFrom": {"legend": False, "tooltip": False, "viz": False},
}


def _as_number(field: str) -> DataTransformerConfig:
    conversion = {"targetField": field, "destinationType": "number"}
    return DataTransformerConfig(id_val="convertFieldType", options={"conversions": [conversion], "fields": {}})


def _named(ref: str, field: str) -> DataTransformerConfig:
    """Name a field as the answer ``ref`` says; an axis without a label of its own is labelled by the name."""
    name = {"fieldName": "label", "handlerKey": "displayName", "reducerId": "lastNotNull"}
    options = {"configRefId": ref, "applyTo": {"id": "byName", "options": field}, "mappings": [name]}
    return DataTransformerConfig(id_val="configFromData", options=options)


# The order counts: a matrix is only made where one answer is left, and settings of a field go on to its columns.
_TO_MATRIX = [
    DataTransformerConfig(
        id_val="configFromData",
        options={
            "configRefId": "B",
            "applyTo": {"id": "byName", "options": "x"},
            "mappings": [
                {"fieldName": "tick", "handlerKey": "mappings.value", "reducerId": "allValues"},
                {"fieldName": "label", "handlerKey": "mappings.text", "reducerId": "allValues"},
                {"fieldName": "low", "handlerKey": "min", "reducerId": "lastNotNull"},
                {"fieldName": "high", "handlerKey": "max", "reducerId": "lastNotNull"},
            ],
        },
    ),
    DataTransformerConfig(
        id_val="configFromData",
        options={
            "configRefId": "C",
            "applyTo": {"id": "byName", "options": "value"},
            "mappings": [
                {"fieldName": "unit", "handlerKey": "unit", "reducerId": "lastNotNull"},
                {"fieldName": "low", "handlerKey": "min", "reducerId": "lastNotNull"},
                {"fieldName": "high", "handlerKey": "max", "reducerId": "lastNotNull"},
            ],
        },
    ),
    DataTransformerConfig(
        id_val="groupingToMatrix",
        options={"columnField": "series", "rowField": "x", "valueField": "value", "emptyValue": "null"},
    ),
    _as_number(_AS_MATRIX),
]


# -- other plots -------------------------------------------------------------------------------------------------------


def curve(
    title: str,
    description: str,
    sql: str,
    *,
    x_label: str,
    width: int,
    height: int,
    y_label: str = "Entries",
    empty: str = "No one-dimensional histogram is stored for this trend and run.",
) -> Panel:
    """Step curves over a numeric x, long: x, curve, content."""
    target = Target(sql, "A", ("x", "curve", "content"))
    panel = _panel("trend", title, description, target, width=width, height=height)
    matrix = {"columnField": "curve", "rowField": "x", "valueField": "content", "emptyValue": "null"}
    panel = panel.transformations(
        [DataTransformerConfig(id_val="groupingToMatrix", options=matrix), _as_number("x\\curve")]
    )
    panel = panel.options(
        {"xField": "x\\curve", "legend": _legend(), "tooltip": {"mode": "multi", "sort": "none", "maxHeight": 600}}
    ).no_value(empty)
    panel = panel.unit(_PLAIN).custom(
        {
            **_POINTS,
            "showPoints": "never",
            "lineInterpolation": "stepAfter",
            "lineWidth": 1,
            "axisLabel": y_label,
            "spanNulls": True,
        }
    )
    panel = panel.override_by_name(
        "x\\curve",
        [
            DynamicConfigValue(id_val="custom.axisLabel", value=x_label),
            DynamicConfigValue(id_val="displayName", value="x"),
        ],
    )
    return _override(
        panel,
        [
            ("^run ", {"custom.fillOpacity": 30, "color": {"mode": "fixed", "fixedColor": PALETTE[0]}}),
            ("^reference run", {"custom.lineWidth": 2, "color": {"mode": "fixed", "fixedColor": PALETTE[3]}}),
        ],
    )


def scatter(title: str, description: str, points: Target, line: Target, *, width: int, height: int) -> Panel:
    """Points x, y, coloured by run_number and sized by size, and a line."""
    panel = _panel("xychart", title, description, points, line, width=width, height=height)
    panel = panel.options(
        {
            "mapping": "manual",
            "series": [
                {
                    "name": {"fixed": "runs"},
                    "frame": {"matcher": {"id": "byIndex", "options": 0}},
                    "x": {"matcher": {"id": "byName", "options": "x"}},
                    "y": {"matcher": {"id": "byName", "options": "y"}},
                    "color": {"matcher": {"id": "byName", "options": "run_number"}},
                    "size": {"matcher": {"id": "byName", "options": "size"}},
                },
                {
                    "name": {"fixed": "least squares"},
                    "frame": {"matcher": {"id": "byIndex", "options": 1}},
                    "x": {"matcher": {"id": "byName", "options": "line_x"}},
                    "y": {"matcher": {"id": "byName", "options": "line_y"}},
                },
            ],
            "legend": _legend(),
            "tooltip": {"mode": "single", "sort": "none"},
        }
    )
    panel = panel.unit(_PLAIN).custom(
        {"show": "points", "pointSize": {"fixed": 8, "min": 5, "max": 25}, "pointShape": "circle", "fillOpacity": 80}
    )
    to_run = page_link("hdqm-run", *CARRIED, run="${__data.fields.run_number}", series="${y:percentencode}")
    return _override(
        panel.no_value("No run has a value of both. The line above says more."),
        [
            ("^x$", {"custom.axisLabel": "${x:text}"}),
            ("^y$", {"custom.axisLabel": "${y:text}", "links": [link("Run ${__data.fields.run_number}", to_run)]}),
            ("^run_number$", {"color": {"mode": "continuous-GrYlRd"}, **WHOLE}),
            (
                "^line_",
                {"custom.show": "lines", "custom.lineWidth": 2, "color": {"mode": "fixed", "fixedColor": _GREY}},
            ),
        ],
    )


def map_2d(title: str, description: str, cells: str, x_label: str, y_label: str, *, width: int, height: int) -> Panel:
    """Cells of a two-dimensional histogram as coloured squares.

    ``cells`` gives x, y, content, size; ``x_label`` and ``y_label`` give label, which also says that there is none.
    """
    panel = _panel(
        "xychart",
        title,
        description,
        Target(cells, "A", ("x", "y", "content", "size")),
        Target(x_label, "B", ("label",)),
        Target(y_label, "C", ("label",)),
        width=width,
        height=height,
    ).transformations([_named("B", "x"), _named("C", "y")])
    panel = panel.options(
        {
            "mapping": "manual",
            "series": [
                {
                    "name": {"fixed": "content"},
                    "frame": {"matcher": {"id": "byIndex", "options": 0}},
                    "x": {"matcher": {"id": "byName", "options": "x"}},
                    "y": {"matcher": {"id": "byName", "options": "y"}},
                    "color": {"matcher": {"id": "byName", "options": "content"}},
                    "size": {"matcher": {"id": "byName", "options": "size"}},
                }
            ],
            "legend": _legend(shown=False),
            "tooltip": {"mode": "single", "sort": "none"},
        }
    ).no_value("No two-dimensional histogram is stored for this trend and run.")
    panel = panel.unit(_PLAIN).custom(
        {
            "show": "points",
            "pointSize": {"fixed": 9, "min": 1, "max": 100},  # the span that hdqm.histogram_map reckons with
            "pointShape": "square",
            "fillOpacity": 100,
            "pointStrokeWidth": 0,
        }
    )
    return _override(
        panel,
        [
            ("^content$", {"color": {"mode": "continuous-BlYlRd"}}),
            ("^size$", {"custom.hideFrom": {"legend": True, "tooltip": True, "viz": False}}),
        ],
    )


def distribution(title: str, description: str, target: Target, *, width: int, height: int) -> Panel:
    """How the values of each series are distributed; ``target`` gives run_number, series, value."""
    panel = _panel("histogram", title, description, target, width=width, height=height)
    matrix = {"columnField": "series", "rowField": "run_number", "valueField": "value", "emptyValue": "null"}
    panel = panel.transformations(
        [
            DataTransformerConfig(id_val="groupingToMatrix", options=matrix),
            DataTransformerConfig(id_val="organize", options={"excludeByName": {"run_number\\series": True}}),
        ]
    )
    panel = panel.options(
        {"legend": _legend(), "tooltip": {"mode": "single", "sort": "none"}, "combine": False, "bucketCount": 40}
    )
    return panel.unit(_PLAIN).custom({"fillOpacity": 35, "lineWidth": 1}).no_value(_NOTHING)


def bars(
    title: str, description: str, target: Target, *, x: str, unit: str, width: int, height: int, empty: str
) -> Panel:
    """Bars side by side, one group for each text in column ``x``."""
    panel = _panel("barchart", title, description, target, width=width, height=height).no_value(empty)
    panel = (
        panel.options(
            {
                "xField": x,
                "orientation": "auto",
                "showValue": "never",
                "stacking": "none",
                "groupWidth": 0.8,
                "barWidth": 0.95,
                "xTickLabelRotation": -45,
                "xTickLabelSpacing": 80,
                "legend": _legend(),
                "tooltip": {"mode": "multi", "sort": "none"},
            }
        )
        .unit(f"suffix: {unit}")
        .custom({"fillOpacity": 70, "lineWidth": 0, "axisLabel": unit})
    )
    # else every label below the bars had the unit too, and those that have no room the words for no data
    return _override(panel, [(f"^{x}$", {"unit": "string", "noValue": " ", "custom.axisLabel": x.capitalize()})])


def hours(title: str, description: str, target: Target, *, width: int, height: int) -> Panel:
    """Bars over time."""
    panel = _panel("timeseries", title, description, target, width=width, height=height)
    panel = panel.options({"legend": _legend(), "tooltip": {"mode": "multi", "sort": "none"}})
    panel = panel.custom(
        {"drawStyle": "bars", "fillOpacity": 60, "lineWidth": 0, "barAlignment": 1, "axisLabel": "points per hour"}
    )
    right = {
        "custom.axisPlacement": "right",
        "custom.axisLabel": "files per hour",
        "custom.drawStyle": "line",
        "custom.lineWidth": 2,
        "custom.fillOpacity": 0,
    }
    return _override(panel.unit("short").min(0).no_value("Nothing was ingested in this time."), [("^files$", right)])


# -- words and tables --------------------------------------------------------------------------------------------------


def sentence(title: str, description: str, sql: str, field: str, *, width: int = 24, height: int = 3) -> Panel:
    """One sentence from the database."""
    panel = _panel("table", title, description, Target(sql, "A", (field,)), width=width, height=height)
    panel = panel.options({"showHeader": False, "cellHeight": "sm", "footer": {"show": False}}).transparent(True)
    return panel.custom({"align": "left", "cellOptions": {"type": "auto", "wrapText": True}, "wrapText": True})


def picture(title: str, description: str, variable: str, *, width: int, height: int) -> Panel:
    """A picture whose address is the value of a variable, as large as the panel."""
    content = f'<img src="${{{variable}}}" style="width:100%;height:100%;object-fit:contain">'
    panel = Panel().type("text").plugin_version(GRAFANA).title(title).description(description)
    return panel.span(width).height(height).options({"mode": "html", "content": content})


def text(title: str, markdown: str, *, width: int, height: int) -> Panel:
    """Fixed words in Markdown."""
    return (
        Panel()
        .type("text")
        .plugin_version(GRAFANA)
        .title(title)
        .description("How to use these pages.")
        .span(width)
        .height(height)
        .options({"mode": "markdown", "content": markdown})
    )


ADDRESS = "${__data.fields.Address:raw}"
"""A link to the address in that column: the database has encoded it, Grafana would encode its per cents once more."""


def hidden(column: str, heading: str | None = None, **properties: Json) -> Override:
    """A column that only links of the others read."""
    return f"^{column}$", {"displayName": heading or column, **properties, "custom.hideFrom.viz": True}


HIDDEN_ADDRESS = hidden("url", "Address")
"""The column that links of the others lead to."""


def columns(**texts: str | Mapping[str, Json]) -> list[Override]:
    """Overrides of table columns: a heading, or properties of which ``name`` is the heading."""
    made: list[Override] = []
    for field, wanted in texts.items():
        properties = {"displayName": wanted} if isinstance(wanted, str) else dict(wanted)
        if "name" in properties:
            properties["displayName"] = properties.pop("name")
        made.append((f"^{field}$", properties))
    return made


def table(
    title: str,
    description: str,
    target: Target,
    overrides: Sequence[Override] = (),
    *,
    width: int,
    height: int,
    empty: str,
    sort: str | None = None,
    header: bool = True,
    filterable: bool = True,
) -> Panel:
    """A table, that can be sorted, filtered, and saved as CSV (panel menu: inspect, data).

    Without filters headings are narrower: for few rows, and for many columns that a laptop shall show.
    """
    panel = _panel("table", title, description, target, width=width, height=height)
    by = [{"displayName": sort, "desc": True}] if sort else []
    panel = panel.options({"showHeader": header, "cellHeight": "sm", "footer": {"show": False}, "sortBy": by})
    cells = {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": filterable, "inspect": False}
    panel = panel.custom({**cells, "minWidth": 90 if filterable else 70})
    # what the panel says when it has no row, it would also say in every empty cell
    roomy = [(pattern, _with_room(properties, filterable=filterable)) for pattern, properties in overrides]
    return _override(panel.no_value(empty), [(".", {"noValue": _ABSENT}), *roomy])


_ROOM = {
    **dict.fromkeys(("Trend", "Series"), 210),
    **dict.fromkeys(("Title", "Meaning", "Description", "HLT key", "Files that hold it"), 300),
    **dict.fromkeys(("Owner", "Certified"), 180),
    **dict.fromkeys(("Reason", "Next try", "L1 key", "Definition"), 240),
    **dict.fromkeys(("Metric", "Monitor elements", "Path", "DQM file", "Injection scheme"), 340),
    **dict.fromkeys(("Ingested", "Class", "Processing", "Dataset", "Era"), 140),
}
"""Pixels that columns of text need; a narrow panel scrolls."""

_WRAPPED = {"Reason", "Meaning", "Owner", "Certified"}
"""Columns of sentences, which go on below where they are too long."""


def _with_room(properties: Mapping[str, Json], *, filterable: bool) -> Mapping[str, Json]:
    """A column at least as wide as its heading, with the sign for filtering beside it, and as its texts need."""
    heading = properties.get("displayName")
    if heading is None or heading.startswith("$"):
        return properties
    wrapped = {"custom.wrapText": True} if heading in _WRAPPED else {}
    if "custom.width" in properties:
        return {**wrapped, **properties}
    width = 8 * len(heading) + (44 if filterable else 22)
    return {"custom.minWidth": max(_ROOM.get(heading, 90 if filterable else 70), width), **wrapped, **properties}
