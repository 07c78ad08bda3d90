"""Pipeline: Dag runs, files, failures, freshness, size."""

from grafana_foundation_sdk.builders.dashboard import Panel
from grafana_foundation_sdk.models.dashboard import Dashboard

from hdqm_ops.show import _queries as queries
from hdqm_ops.show._dashboards._page import page
from hdqm_ops.show._style import ADDRESS, HIDDEN_ADDRESS, WHOLE, hours, link, page_link, table
from hdqm_ops.show._target import Target

_RUN = (
    "^run_number$",
    {
        "displayName": "Run",
        **WHOLE,
        "custom.width": 90,
        "links": [link("This run", page_link("hdqm-run", run="${__data.fields.Run}"))],
    },
)
_BAD = {
    "mode": "absolute",
    "steps": [{"color": "text", "value": None}, {"color": "orange", "value": 12}, {"color": "red", "value": 48}],
}
_STATES = [
    {
        "type": "value",
        "options": {
            state: {"color": colour, "index": index}
            for index, (state, colour) in enumerate(
                (("success", "green"), ("running", "blue"), ("queued", "text"), ("failed", "red"))
            )
        },
    }
]
_STATE = {"mappings": _STATES, "custom.cellOptions": {"type": "color-text"}, "custom.width": 95}
_FAILED = {
    "custom.cellOptions": {"type": "color-text"},
    "color": {"mode": "thresholds"},
    "thresholds": {"mode": "absolute", "steps": [{"color": "text", "value": None}, {"color": "red", "value": 1}]},
}
_NOT_TOLD = "Airflow has not told of any Dag run: it does not run, or its scheduler does not load HDQM's plugin."
_AIRFLOW = link("This run in Airflow", ADDRESS, new_tab=True)


def _dags() -> tuple[Panel, Panel]:
    """What Airflow's scheduler told: each Dag on one line, and the newest runs."""
    overview = table(
        "Dags",
        "Each of HDQM's Dags: its last run, when one last succeeded, how many runs ended in the last 24 hours, and the "
        "median time of those that succeeded. Click a Dag for its last run in Airflow.",
        Target(queries.DAGS, "A", ("dag_id", "last_state", "last_success", "failed", "url")),
        [
            ("^dag_id$", {"displayName": "Dag", "links": [_AIRFLOW], "custom.minWidth": 190}),
            ("^last_state$", {"displayName": "Last run", **_STATE}),
            ("^last_start$", {"displayName": "Began", "unit": "dateTimeFromNow", "custom.width": 150}),
            ("^last_success$", {"displayName": "Last success", "unit": "dateTimeFromNow", "custom.width": 150}),
            ("^succeeded$", {"displayName": "Succeeded, 24 h", "custom.width": 140}),
            ("^failed$", {"displayName": "Failed, 24 h", "custom.width": 115, **_FAILED}),
            ("^running$", {"displayName": "Not ended"}),
            ("^seconds$", {"displayName": "Takes", "unit": "s", "decimals": 1}),
            HIDDEN_ADDRESS,
        ],
        width=24,
        height=8,
        filterable=False,
        empty=_NOT_TOLD,
    )
    runs = table(
        "Dag runs",
        "The newest 200 runs of HDQM's Dags, waiting ones first. Click a run for its tasks and logs in Airflow.",
        Target(queries.DAG_RUNS, "A", ("dag_id", "state", "start_time", "run_id", "url")),
        [
            ("^dag_id$", {"displayName": "Dag", "custom.width": 200}),
            ("^state$", {"displayName": "State", **_STATE}),
            ("^start_time$", {"displayName": "Began (UTC)", "custom.width": 170, "unit": "dateTimeAsIso"}),
            ("^duration_s$", {"displayName": "Took", "unit": "s", "decimals": 1, "custom.width": 110}),
            ("^run_type$", {"displayName": "Why", "custom.width": 120}),
            ("^run_id$", {"displayName": "Run in Airflow", "links": [_AIRFLOW], "custom.minWidth": 400}),
            HIDDEN_ADDRESS,
        ],
        width=24,
        height=9,
        empty=_NOT_TOLD,
    )
    return overview, runs


def _states() -> Panel:
    return table(
        "Files by state",
        "discovered: known, to be read. waiting: still being written. ingested: its points count. "
        "superseded: another file of the run counts. failed: could not be read. ignored: on purpose. "
        "vanished: gone, its points stay.",
        Target(queries.FILES_BY_STATE, "A", ("state", "files")),
        [("^state$", {"displayName": "State"}), ("^files$", {"displayName": "Files"})],
        width=6,
        height=9,
        empty="No DQM file was found yet.",
    )


def _speed() -> Panel:
    return hours(
        "Points per hour",
        "Trends computed and files ingested in each hour of the chosen time; "
        "of more than 62 days, the mean of each day.",
        Target(queries.POINTS_PER_HOUR, "A", ("time", "points", "files"), time_series=True),
        width=12,
        height=9,
    )


def _sizes() -> Panel:
    return table(
        "Size of the database",
        "The whole database and its large tables, with their indexes.",
        Target(queries.DATABASE_SIZES, "A", ("part", "bytes")),
        [("^part$", {"displayName": "Part"}), ("^bytes$", {"displayName": "Size", "unit": "decbytes"})],
        width=6,
        height=9,
        empty="The size cannot be read.",
    )


def _late() -> Panel:
    return table(
        "Runs that ended and are not ingested",
        "Runs that ended in OMS and of which no DQM file is ingested, newest first; "
        "without those that Run Registry calls not significant.",
        Target(queries.NOT_INGESTED, "A", ("run_number", "end_time", "hours_ago", "why")),
        [
            _RUN,
            ("^end_time$", {"displayName": "Ended (UTC)", "custom.width": 160}),
            (
                "^hours_ago$",
                {
                    "displayName": "Ago",
                    "unit": "h",
                    "decimals": 1,
                    "thresholds": _BAD,
                    "custom.cellOptions": {"type": "color-text"},
                },
            ),
            ("^run_class$", {"displayName": "Class"}),
            ("^recorded_lumi_pb$", {"displayName": "Recorded (1/pb)", "decimals": 3}),
            ("^why$", {"displayName": "Reason"}),
        ],
        width=24,
        height=8,
        empty="None: every run that OMS knows is ingested.",
    )


def _failures() -> Panel:
    return table(
        "Files that failed",
        "Files that could not be read, why, and when they are tried again.",
        Target(queries.FAILED_FILES, "A", ("run_number", "dataset", "reason", "tries", "next_try")),
        [
            _RUN,
            ("^dataset$", {"displayName": "Dataset", "custom.minWidth": 330}),
            ("^reason$", {"displayName": "Reason"}),
            ("^tries$", {"displayName": "Tries", "custom.width": 85}),
            ("^since$", {"displayName": "Since (UTC)", "custom.width": 170, "unit": "dateTimeAsIso"}),
            ("^next_try$", {"displayName": "Next try"}),
            ("^path$", {"displayName": "Path"}),
        ],
        width=24,
        height=10,
        empty="No DQM file failed.",
    )


def _links() -> Panel:
    return table(
        "Elsewhere",
        "Airflow, our API, and CERN's pages, as far as the site has set their addresses.",
        Target(queries.SITE_PAGES, "A", ("page", "url")),
        [
            ("^page$", {"displayName": "Page", "links": [link("Open", ADDRESS, new_tab=True)]}),
            ("^url$", {"displayName": "Address"}),
        ],
        width=24,
        height=6,
        empty="The site has set no addresses (table hdqm.site).",
    )


def dashboard() -> Dashboard:
    """The page."""
    return page(
        "hdqm-pipeline",
        "How the pipeline stands: Dag runs, files, failures, freshness, size.",
        [],
        [_states(), _speed(), _sizes(), *_dags(), _late(), _failures(), _links()],
        timed=True,
    )
