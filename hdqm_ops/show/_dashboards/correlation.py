"""Correlation: two series, or a series and a quantity of the runs, against one another; a third as size."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from hdqm_ops.show import _queries as queries
from hdqm_ops.show import _variables as variables
from hdqm_ops.show._dashboards._page import page
from hdqm_ops.show._style import WHOLE, link, page_link, scatter, sentence, table
from hdqm_ops.show._target import Target
from hdqm_ops.show._variables import CARRIED

_ANY = "a trend or a quantity of the runs; of another dataset, typed: Subsystem/trend@PrimaryDataset/processing."


def dashboard() -> Dashboard:
    """The page."""
    fit = sentence(
        "", "The least-squares line and the correlation coefficient r.", queries.CORRELATION_FIT, "equation", height=2
    )
    plot = scatter(
        "${y:text} against ${x:text}",
        "Each mark is a run in which both have a value, from the first (green) to the last (red); "
        "its size is the third quantity. "
        "The line is the least-squares line.",
        Target(queries.CORRELATION, "A", ("x", "y", "run_number", "size")),
        Target(queries.CORRELATION_LINE, "B", ("line_x", "line_y")),
        width=24,
        height=14,
    )
    to_run = page_link("hdqm-run", *CARRIED, run="${__data.fields.Run}", series="${y:percentencode}")
    values = table(
        "Values",
        "The pairs that are drawn. Panel menu, Inspect, Data, Download CSV saves them.",
        Target(queries.CORRELATION_VALUES, "A", ("run_number", "x", "y", "size")),
        [
            (
                "^run_number$",
                {"displayName": "Run", **WHOLE, "links": [link("This run", to_run)]},
            ),
            ("^x$", {"displayName": "${x:text}"}),
            ("^y$", {"displayName": "${y:text}"}),
            ("^size$", {"displayName": "${z:text}"}),
        ],
        width=24,
        height=9,
        empty="No run has a value of both.",
    )
    return page(
        "hdqm-correlation",
        "Two trends, or a trend and a quantity of the runs, against one another.",
        [
            *variables.dataset(),
            *variables.selection(),
            # not on what y opens on: a line y = x says nothing
            variables.measured("x", "x", f"Horizontal: {_ANY}", opens_on=2),
            variables.measured("y", "y", f"Vertical: {_ANY}"),
            variables.measured("z", "Size", f"Size of the marks: {_ANY}", optional=True),
        ],
        [fit, plot, values],
    )
