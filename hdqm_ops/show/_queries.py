"""SQL of panels and variables, named by what it answers. The work is done by functions of schema ``hdqm``.

What a user chooses or writes comes in by ``${…:sqlstring}``, which quotes and escapes; those functions parse it.
"""

__all__: list[str] = []


def _text(variable: str) -> str:
    """What may hold a double quote: Grafana's format puts a backslash before it, which SQL takes as it is."""
    return f"replace(${{{variable}:sqlstring}}, '\\\"', '\"')"


_DATASET = "${subsystem:sqlstring}, ${pd:sqlstring}, ${processing:sqlstring}"
_RUNS = "${mode:sqlstring}, ${runs:sqlstring}, ${class:sqlstring}, ${quality:sqlstring}"
_SELECTION = f"{_DATASET}, {_RUNS}"
_ONE, _EACH = _text("panel"), _text("panels")  # the latter is the repeated panel of a page: one of many
_SEARCH = _text("search")
_PANEL = f"{_ONE}, {_SELECTION}"
_EACH_PANEL = f"{_EACH}, {_SELECTION}"

# -- variables ---------------------------------------------------------------------------------------------------------

SUBSYSTEMS = "SELECT subsystem FROM hdqm.choose_subsystem()"
SUBSYSTEMS_AND_ALL = "SELECT 'all' UNION ALL SELECT subsystem FROM hdqm.choose_subsystem()"
PRIMARY_DATASETS = "SELECT primary_dataset FROM hdqm.choose_primary_dataset(${subsystem:sqlstring})"
PROCESSINGS = "SELECT processing FROM hdqm.choose_processing(${subsystem:sqlstring}, ${pd:sqlstring})"
# of a page that shows all subsystems: where its links lead
SUBSYSTEM_TO = (
    "SELECT subsystem FROM hdqm.choose_subsystem() WHERE ${subsystem:sqlstring} IN ('all', subsystem) LIMIT 1"
)
RUN_CLASSES = "SELECT run_class FROM hdqm.choose_run_class()"
PAGES = f"SELECT page FROM hdqm.choose_page({_DATASET}, {_SEARCH}, ${{show:sqlstring}}, ${{per_page:sqlstring}})"
PANELS = (
    f"SELECT * FROM hdqm.choose_panel({_DATASET}, "
    f"{_SEARCH}, ${{show:sqlstring}}, ${{page:sqlstring}}, ${{per_page:sqlstring}})"
)
ALL_PANELS = f"SELECT __text, __value FROM hdqm.choose_any_panel({_DATASET})"
SERIES = f"SELECT __text, __value FROM hdqm.choose_measured({_DATASET}) WHERE __value NOT LIKE 'OMS %'"


def measurable(*, optional: bool, opens_on: int = 1) -> str:
    """What can be plotted against what; those before place ``opens_on`` stand at the end."""
    choices = f"hdqm.choose_measured({_DATASET}, {str(optional).lower()})"
    if opens_on == 1:
        return f"SELECT * FROM {choices}"
    return (
        f"SELECT __text, __value FROM {choices} WITH ORDINALITY AS m ORDER BY m.ordinality < {opens_on}, m.ordinality"
    )


# -- plots of trends ---------------------------------------------------------------------------------------------------


_DRAWN = "${axis:sqlstring}, ARRAY[${options:sqlstring}]::text[]"
_MORE = "${added:sqlstring}, ARRAY[${oms:sqlstring}]::text[]"
# as hdqm.trend_plot, which takes apart a third array that nobody draws
_MARKS = "SELECT x, unnest(series) AS series, unnest(value) AS value FROM hdqm.trend_marks({}) ORDER BY x, rank"
EACH_PLOT = _MARKS.format(f"{_EACH_PANEL}, {_DRAWN}, '', '{{}}'")
PLOT = _MARKS.format(f"{_PANEL}, {_DRAWN}, {_MORE}")
# a step begins at its place: without a last edge the newest hundred runs would have none
PANEL_HISTORY = (
    "WITH h AS MATERIALIZED ("
    f"SELECT x, curve, content FROM hdqm.panel_history({_ONE}, {_DATASET})"
    ") SELECT * FROM h UNION ALL SELECT x + 100, curve, content "
    "FROM (SELECT DISTINCT ON (curve) * FROM h ORDER BY curve, x DESC) AS last ORDER BY x"
)
# Runs stand at whole numbers; on a wide screen ticks fall between them too, and would be labelled as they are.
AXIS_TICKS = (
    f"SELECT tick, label, low, high FROM hdqm.axis_ticks(${{axis:sqlstring}}, {_SELECTION}) "
    "UNION ALL SELECT trim_scale(c)::text, U&'\\2009', NULL, NULL FROM (SELECT generate_series(1, 119, 2) / 2.0 "
    "UNION SELECT generate_series(1, 159, 2) * 2.5) AS between (c) WHERE ${axis:sqlstring} = 'even'"
)
EACH_SCALE = f"SELECT unit, low, high FROM hdqm.plot_scale({_EACH}, {_DATASET}, '', '')"
SCALE = f"SELECT unit, low, high FROM hdqm.plot_scale({_ONE}, {_DATASET}, ${{added:sqlstring}}, ${{yrange:sqlstring}})"


def _note(shown: str, listed: str) -> str:
    """The sentence at the top of plots; a dataset that is not there comes before all else."""
    return (
        f"SELECT left(coalesce('Nothing is shown: ' || hdqm.unknown_dataset({_DATASET}) "
        f"|| '. Choose one of those in the box.', {shown}), 500) AS note "
        f"FROM hdqm.selection_note({_SELECTION}, ${{axis:sqlstring}}, {listed})"
    )


SELECTION_NOTE = _note("note", f"{_SEARCH}, ${{show:sqlstring}}, ${{page:sqlstring}}, ${{per_page:sqlstring}}")
SELECTION_NOTE_OF_ONE = _note(
    f"regexp_replace(note, ' [0-9]+ plots?, page .*?\\.', '') "
    f"|| hdqm.unread_boxes({_DATASET}, ${{added:sqlstring}}, ${{yrange:sqlstring}})",
    "'', 'groups', '1', '8'",
)

# -- one trend ---------------------------------------------------------------------------------------------------------

VALUES = f"SELECT * FROM hdqm.trend_values({_PANEL}, ${{added:sqlstring}}, 20000)"
STATISTICS = f"SELECT * FROM hdqm.trend_statistics({_PANEL}, ${{added:sqlstring}})"
FACTS = f"SELECT * FROM hdqm.trend_facts({_ONE}, {_DATASET}, ${{added:sqlstring}})"
GAPS = f"SELECT * FROM hdqm.trend_gaps({_PANEL}, ${{added:sqlstring}})"
DISTRIBUTION = f"SELECT run_number, series, value FROM hdqm.plot_values({_PANEL}, ${{added:sqlstring}})"

# -- one run -----------------------------------------------------------------------------------------------------------

_RUN = f"coalesce(nullif(${{run:sqlstring}}, ''), hdqm.newest_run({_DATASET})::text)"
_REFERENCE = (
    "coalesce(nullif(${reference:sqlstring}, ''), "
    f"(SELECT previous::text FROM hdqm.run_neighbours({_RUN}, ${{pd:sqlstring}}, ${{processing:sqlstring}})))"
)
RUN_FACTS = f"SELECT * FROM hdqm.run_facts({_RUN}, ${{series:sqlstring}}, {_DATASET})"
# back and forth: where a click leads; where there is no such run, nowhere else
RUN_NEIGHBOURS = (
    "SELECT previous, this, next, coalesce(previous, this) AS back, coalesce(next, this) AS forth "
    f"FROM hdqm.run_neighbours({_RUN}, ${{pd:sqlstring}}, ${{processing:sqlstring}})"
)
RUN_FILES = f"SELECT * FROM hdqm.run_files({_RUN})"
RUN_POINTS = (
    "SELECT trend, distance, value, error, middle, spread, status, title, low, high "
    f"FROM hdqm.run_points({_RUN}, {_DATASET}, {_SEARCH})"
)
RUN_LINKS = (
    f"SELECT page, url FROM hdqm.run_links({_RUN}, ${{series:sqlstring}}, {_DATASET}) UNION ALL "
    "SELECT 'Picture from the REST API', url FROM "
    f"hdqm.histogram_picture(${{series:sqlstring}}, {_DATASET}, {_RUN}, {_REFERENCE}, ${{input:sqlstring}}) AS url "
    "WHERE url IS NOT NULL"
)
HISTOGRAM_CURVE = (
    "SELECT x, curve, content "
    f"FROM hdqm.histogram_plot(${{series:sqlstring}}, {_DATASET}, {_RUN}, {_REFERENCE}, ${{input:sqlstring}})"
)
HISTOGRAM_MAP = (
    "SELECT x, y, content, size "
    f"FROM hdqm.histogram_map(${{series:sqlstring}}, {_DATASET}, {_RUN}, ${{input:sqlstring}})"
)
_AXES = f"hdqm.histogram_axes(${{series:sqlstring}}, {_DATASET}, {_RUN}, ${{input:sqlstring}})"
HISTOGRAM_X = f"SELECT x_label AS label FROM {_AXES}"
HISTOGRAM_Y = f"SELECT y_label AS label FROM {_AXES}"
HISTOGRAM_PICTURE = (
    "SELECT coalesce("
    f"hdqm.histogram_picture(${{series:sqlstring}}, {_DATASET}, {_RUN}, {_REFERENCE}, ${{input:sqlstring}}), '')"
)
HISTOGRAM_NOTE = (
    "SELECT left(note, 500) AS note "
    f"FROM hdqm.histogram_note(${{series:sqlstring}}, {_DATASET}, {_RUN}, ${{input:sqlstring}})"
)

# -- correlation -------------------------------------------------------------------------------------------------------

_THREE = f"${{x:sqlstring}}, ${{y:sqlstring}}, ${{z:sqlstring}}, {_SELECTION}"
# The chart gives marks a share of the span of all sizes, and draws none where there is no span. Two marks without a
# place make one; they are also what it needs where there is no row at all, for else it says "Err".
CORRELATION = (
    f"WITH c AS MATERIALIZED (SELECT x, y, run_number, coalesce(size, 1) AS size FROM hdqm.correlation({_THREE})) "
    "SELECT * FROM c UNION ALL SELECT 'NaN', 'NaN', NULL, coalesce(least, 0) + step "
    "FROM (SELECT min(size) AS least, max(size) AS most FROM c) AS span, unnest(ARRAY[-1, 10]) AS step "
    "WHERE least IS NOT DISTINCT FROM most"
)
CORRELATION_LINE = (
    f"WITH c AS MATERIALIZED (SELECT line_x, line_y FROM hdqm.correlation_line({_THREE})) "
    "SELECT * FROM c UNION ALL SELECT NULL, NULL WHERE NOT EXISTS (SELECT FROM c)"
)
CORRELATION_FIT = f"SELECT equation FROM hdqm.correlation_fit({_THREE})"
CORRELATION_VALUES = f"SELECT run_number, x, y, size FROM hdqm.correlation({_THREE}) ORDER BY run_number DESC"

# -- runs and fills ----------------------------------------------------------------------------------------------------

_FOUND = f"{_text('find')}, ${{class:sqlstring}}, ${{number:sqlstring}}"
RUNS = (
    "SELECT run_number, start_time, duration_s, fill_number, run_class_name, significant, delivered_lumi_pb, "
    "recorded_lumi_pb, certified, files, era, initial_lumi_1e34, end_lumi_1e34, b_field_t, energy_gev, l1_rate_hz, "
    f"hlt_physics_rate_hz, hlt_key, l1_key, injection_scheme FROM hdqm.run_table({_FOUND})"
)
FILLS = (
    "SELECT fill_number, runs, delivered_lumi_pb, recorded_lumi_pb, hours, start_time, first_run, last_run, "
    f"injection_scheme FROM hdqm.fill_table({_FOUND})"
)
LUMINOSITY = (
    'SELECT fill_number::text AS fill, delivered_lumi_pb AS "delivered", recorded_lumi_pb AS "recorded" '
    f"FROM hdqm.fill_table({_FOUND}) ORDER BY fill_number"
)
# of thousands of ranges the first twenty, written as the mode "list" takes them
GOLDEN = (
    "SELECT name, imported_at, array_to_string(parts[1:20], ', ') "
    "|| CASE WHEN cardinality(parts) > 20 THEN ' … to ' || upper(runs) - 1 ELSE '' END AS runs "
    "FROM hdqm.golden_json CROSS JOIN LATERAL (SELECT ARRAY("
    "SELECT concat_ws('-', lower(r), nullif(upper(r) - 1, lower(r))) FROM (SELECT unnest(runs) AS r LIMIT 21) AS f"
    ") AS parts) AS p ORDER BY name"
)

# -- home, coverage, pipeline ------------------------------------------------------------------------------------------

HOME = (
    "SELECT subsystem, last_run, last_ingested, outside_last_day, gaps_last_day, points_last_day, runs_last_day, "
    "trends, primary_datasets FROM hdqm.home_subsystems()"
)
RECENT_RUNS = "SELECT * FROM hdqm.recent_runs(15)"
OUTSIDE = "SELECT * FROM hdqm.outside_range(3) LIMIT 200"
SITE_PAGES = "SELECT page, url FROM hdqm.site_pages()"

_COVERED = f"hdqm.coverage(${{subsystem:sqlstring}}, {_RUNS})"
# Not every run has every dataset: what has no file is not counted as missing but told. Rounded down, so that only what
# is complete is 100.
_SHARE = (
    "floor(100.0 * sum(with_value) FILTER (WHERE why <> 'no DQM file') "
    "/ sum(expected) FILTER (WHERE why <> 'no DQM file')) AS percent"
)
COVERAGE_SUBSYSTEMS = (
    f"SELECT run_number, subsystem_name, {_SHARE} "
    f"FROM {_COVERED} GROUP BY run_number, subsystem_name ORDER BY run_number DESC, subsystem_name"
)
COVERAGE_DATASETS = (
    f"SELECT run_number, dataset, {_SHARE} "
    f"FROM {_COVERED} GROUP BY run_number, dataset ORDER BY run_number DESC, dataset"
)
COVERAGE_GAPS = (
    "SELECT run_number, dataset, subsystem_name AS subsystem, expected - with_value AS missing, expected, "
    f"floor(percent) AS percent, why FROM {_COVERED} WHERE with_value < expected "
    "ORDER BY run_number DESC, why = 'no DQM file', dataset, subsystem"
)
COVERAGE_TRENDS = (
    "SELECT run_number, t.*, pd, processing FROM "
    "(SELECT split_part(${dataset:sqlstring}, ' / ', 1), split_part(${dataset:sqlstring}, ' / ', 2)) "
    "AS d (pd, processing) CROSS JOIN LATERAL (SELECT coalesce(nullif("
    "hdqm.whole_number(${run:sqlstring}, 0, 999999999, 0), 0), hdqm.newest_run("
    "${subsystem:sqlstring}, pd, processing)) AS run_number) AS r "
    "CROSS JOIN LATERAL hdqm.coverage_trends(run_number::text, ${subsystem:sqlstring}, pd, processing) AS t"
)
COVERAGE_CHOICE = "SELECT dataset FROM hdqm.choose_covered_dataset(${subsystem:sqlstring})"

FILES_BY_STATE = "SELECT state, files FROM hdqm.files_by_state()"
FAILED_FILES = "SELECT * FROM hdqm.failed_files(200)"
NOT_INGESTED = "SELECT * FROM hdqm.not_ingested()"
POINTS_PER_HOUR = (
    "SELECT time, points, files FROM hdqm.points_per_hour($__timeFrom()::timestamptz, $__timeTo()::timestamptz)"
)
DAGS = "SELECT * FROM hdqm.dag_overview()"
DAG_RUNS = "SELECT * FROM hdqm.recent_dag_runs(200)"
DATABASE_SIZES = "SELECT part, bytes FROM hdqm.database_sizes() WHERE bytes IS NOT NULL"
