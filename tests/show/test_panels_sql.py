"""Every question of every dashboard to a filled database, as the role of Grafana."""

import random
import re
import statistics
from functools import partial
from itertools import pairwise
from typing import get_args

import psycopg
import pytest
from tables import UNCOVERED, miscounted

from hdqm_ops.model import Role
from hdqm_ops.show import ALARMS, dashboards
from hdqm_ops.show import _queries as queries
from hdqm_ops.show._queries import (
    COVERAGE_DATASETS,
    COVERAGE_GAPS,
    COVERAGE_SUBSYSTEMS,
    COVERAGE_TRENDS,
    PANEL_HISTORY,
)
from hdqm_ops.show._style import PALETTE

BOARDS = {board.uid: board for board in dashboards()}
TARGETS = [
    pytest.param(uid, target, id=f"{uid}-{panel.title or 'sentence'}-{target.ref}")
    for uid, board in BOARDS.items()
    for panel in board.panels
    for target in panel.targets or ()
]
CHARGE = "group:Cluster charge by layer"
PIXEL = ("Pixel", "SingleMuon", "PromptReco")


@pytest.fixture
def chosen(reader, filled_in):
    """Values of the variables of a dashboard: defaults, then the first that each query offers."""

    def values(uid, **given):
        known = dict(given)
        for variable in BOARDS[uid].templating.list_val or ():
            if variable.name in known:
                continue
            if variable.type_val != "query":
                known[variable.name] = variable.current.value
                continue
            rows = reader.execute(filled_in(variable.query, known)).fetchall()
            assert rows, f"{variable.name} has nothing to choose from"
            known[variable.name] = str(rows[0][-1])
        return known

    return values


def incomplete(reader, filled_in, chosen):
    """A run and dataset of which something is missing: of the newest there may be nothing to tell."""
    asked = filled_in(queries.COVERAGE_GAPS, chosen("hdqm-coverage", subsystem="Pixel", runs="60"))
    for run_number, dataset in reader.execute(f"SELECT run_number, dataset FROM ({asked}) AS gap").fetchall():
        found = {"run": str(run_number), "dataset": dataset}
        missing = filled_in(queries.COVERAGE_TRENDS, {"subsystem": "Pixel", **found})
        if reader.execute(missing).fetchone():
            return found
    raise AssertionError("nothing is missing anywhere")


@pytest.mark.parametrize(("uid", "target"), TARGETS)
def test_every_panel_finds_its_columns(reader, chosen, filled_in, uid, target):
    run = incomplete(reader, filled_in, chosen) if uid == "hdqm-coverage" else {}
    cursor = reader.execute(filled_in(target.sql, chosen(uid, subsystem="Pixel", runs="20", **run)))
    assert set(target.columns) <= {column.name for column in cursor.description}
    assert target.columns
    rows = cursor.fetchall()
    assert rows, "it promises nothing, if no page that opens shows any of it"


TABLES = [
    pytest.param(uid, panel, id=f"{uid}-{panel.title}")
    for uid, board in BOARDS.items()
    for panel in board.panels
    if panel.type_val == "table" and panel.options["showHeader"]
]


def headings(panel):
    """Column, as the pattern of an override names it → heading."""
    found = {}
    for override in panel.field_config.overrides:
        named = re.fullmatch(r"/\^(\w+)\$/", override.matcher.options)
        if named:
            texts = [one.value for one in override.properties if one.id_val == "displayName"]
            found[named[1]] = texts[0] if texts else named[1]
    return found


@pytest.mark.parametrize(("uid", "panel"), TABLES)
def test_headings_and_links_of_a_table_take_columns_that_are_there(reader, chosen, filled_in, uid, panel):
    """One that was renamed would show its bare name, and lead nowhere."""
    cursor = reader.execute(filled_in(panel.targets[0].sql, chosen(uid, subsystem="Pixel", runs="20")))
    columns = {column.name for column in cursor.description}
    named = headings(panel)
    assert set(named) <= columns
    if not panel.transformations:
        assert columns <= set(named), "a column without a heading"
    told = {str(one.value) for override in panel.field_config.overrides for one in override.properties}
    taken = {field for text in told for field in re.findall(r"\$\{__data\.fields\.(\w+)", text)}
    assert taken <= {named.get(column, column) for column in columns}


# Headings of numbers without unit: how many there are of something, versions, values whose unit the trend tells.
COUNTED = (
    "Trends|Datasets|Runs|Points|Gaps|Files|Tries|Missing|Expected|Failed|Waiting|Outside|Not ended|Version|"
    r"(Runs|Points|Gaps|Outside|Succeeded|Failed), 24 h|Entries|Value|Error|Expected low|Expected high|\$\{[xyz]:text\}"
)


@pytest.mark.parametrize(("uid", "panel"), TABLES)
def test_every_number_of_a_table_has_a_unit_or_counts_something(reader, chosen, filled_in, uid, panel):
    headings, units = {}, {}
    for override in panel.field_config.overrides:
        pattern = override.matcher.options.strip("/")
        for one in override.properties:
            if one.id_val in ("displayName", "unit"):
                {"displayName": headings, "unit": units}[one.id_val][pattern] = one.value
    cursor = reader.execute(filled_in(panel.targets[0].sql, chosen(uid, subsystem="Pixel", runs="20")))
    for column in cursor.description:
        if column.type_display not in ("float8", "float4", "int8", "int4", "int2", "numeric"):
            continue
        if any(pattern != "." and re.search(pattern, column.name) for pattern in units) or "." in units:
            continue
        heading = next((text for pattern, text in headings.items() if re.search(pattern, column.name)), column.name)
        assert re.fullmatch(rf"{COUNTED}|Hours|.* \(.+\)", heading), (column.name, heading)


ASKED = [(uid, target.sql) for uid, target in (one.values for one in TARGETS)]
ASKED += [(uid, v.query) for uid, b in BOARDS.items() for v in b.templating.list_val or () if v.type_val == "query"]
VARIABLES = sorted({(uid, name) for uid, sql in ASKED for name in re.findall(r"\$\{(\w+):", sql)})
HOSTILE = (
    # more than a text, to SQL and to what makes SQL of text
    *("'; DROP SCHEMA hdqm CASCADE; --", "\\", "1 or 1=1", "$(id)", '"', "%", "{}", "{1,2}", "NULL", "a|b", "$__all"),
    # numbers that are none, or too large
    *("", "999999999999", "12345678901234567890", "-5", "1e400", "NaN", "-Infinity", "1.5", "\u0663\u0664", "\u22121"),
    # long, deep, invisible
    *("x" * 100_000, "," * 5000, "((((((((a*)*)*)*)*)*)*)*)*$", "(a|aa)*b[", "\u200b\u202eü\u2066", "\x01\x7f\n\t"),
    # words that mean something elsewhere
    *(
        "0-999999999",
        "9-1",
        "-infinity .. infinity",
        "1e308 .. -1e308",
        "run_number = 1 and " * 999,
        "start_time < epoch",
    ),
    *(
        "group:",
        "trend:",
        "OMS ",
        "a@b/c",
        "Pixel/@/",
        "where",
        "golden",
        "charge_layer1 " * 999,
        "<script>",
        "xmin = 1",
    ),
)


@pytest.mark.parametrize(("uid", "name"), VARIABLES, ids=lambda value: value)
def test_no_question_fails_or_lasts_whatever_stands_in_a_variable(reader, chosen, filled_in, uid, name):
    """An error would be a red triangle in every panel. An address can give any variable any value, not boxes alone."""
    usual = chosen(uid, subsystem="Pixel", runs="20")
    modes = ("latest", "range", "list", "golden", "where") if name == "runs" else (usual.get("mode"),)
    typed = any(v.name == name and v.type_val == "textbox" for v in BOARDS[uid].templating.list_val)
    reader.execute("SET statement_timeout = '20s'")
    for sql in {sql for board, sql in ASKED if board == uid and f"${{{name}:" in sql}:
        for evil in HOSTILE if typed else HOSTILE[::3]:
            for mode in modes:
                reader.execute(filled_in(sql, {**usual, "mode": mode, name: evil})).fetchall()


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.uid)
def test_every_alarm_gives_one_number_a_row_and_texts_for_labels(reader, alarm):
    cursor = reader.execute(alarm.sql)
    kinds = {column.name: column.type_display for column in cursor.description}
    numbers = [name for name, kind in kinds.items() if kind != "text"]
    assert numbers == ["value"], kinds


def test_the_dashboards_cannot_change_anything(reader):
    for statement in (
        "DELETE FROM hdqm.point",
        "INSERT INTO hdqm.site VALUES ('api_url', 'x')",
        "CREATE TABLE hdqm.mine ()",
        "CREATE TEMP TABLE mine ()",
        "COPY hdqm.point TO PROGRAM 'id'",
        "SELECT pg_sleep(0)",
        "SELECT lo_create(0)",
        "SELECT pg_read_file('/etc/passwd')",
    ):
        reader.execute("RESET default_transaction_read_only")
        reader.execute("SET default_transaction_read_only = off")  # a session may do that: rights are the wall
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
            reader.execute(statement)


def test_every_function_and_column_is_explained(reader):
    silent = reader.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc AS p WHERE pronamespace = 'hdqm'::regnamespace "
        "AND obj_description(p.oid, 'pg_proc') IS NULL"
    ).fetchall()
    assert silent == []
    columns = reader.execute(
        "SELECT c.relname, a.attname FROM pg_class AS c "
        "JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT attisdropped "
        "WHERE c.relnamespace = 'hdqm'::regnamespace AND c.relname IN ('site', 'run', 'runs') "
        "AND col_description(c.oid, a.attnum) IS NULL"
    ).fetchall()
    assert columns == []


# -- variables ---------------------------------------------------------------------------------------------------------


def test_datasets_of_a_subsystem_are_chained(ask):
    assert [row["primary_dataset"] for row in ask("SELECT * FROM hdqm.choose_primary_dataset('Pixel')")] == [
        "SingleMuon",
        "StreamExpress",
        "ZeroBias",
    ]
    found = ask("SELECT * FROM hdqm.choose_processing('Pixel', 'SingleMuon')")
    assert [row["processing"] for row in found] == ["PromptReco", "12Nov2019_UL2018"]
    assert ask("SELECT * FROM hdqm.choose_primary_dataset('Nothing')") == []


def test_groups_come_first_in_the_configured_order_then_trends_that_are_in_none(ask):
    names = [row["name"] for row in ask("SELECT * FROM hdqm.panels(%s, %s, %s, '', 'groups')", *PIXEL)]
    assert names[0] == CHARGE
    assert all(name.startswith("trend:") for name in names[1:])
    assert "trend:charge_layer1" not in names


def test_single_trends_are_each_alone_with_titles_of_their_own(ask):
    rows = ask("SELECT * FROM hdqm.panels(%s, %s, %s, '', 'trends')", *PIXEL)
    assert "trend:charge_layer1" in [row["name"] for row in rows]
    assert len({row["title"] for row in rows}) == len(rows)


@pytest.mark.parametrize("words", ["CHARGE_LAYER2", "cluster charge", " layer2 "])
def test_search_finds_names_and_titles_of_groups_and_their_trends(ask, words):
    rows = ask("SELECT name FROM hdqm.panels(%s, %s, %s, %s, 'groups')", *PIXEL, words)
    assert CHARGE in [row["name"] for row in rows]


def test_pages_part_the_plots(ask):
    every = [row["name"] for row in ask("SELECT * FROM hdqm.panels(%s, %s, %s, '', 'trends')", *PIXEL)]
    pages = ask("SELECT * FROM hdqm.choose_page(%s, %s, %s, '', 'trends', '4')", *PIXEL)
    assert [row["page"] for row in pages] == [1, 2]
    shown = [
        row["__value"]
        for page in pages
        for row in ask("SELECT * FROM hdqm.choose_panel(%s, %s, %s, '', 'trends', %s, '4')", *PIXEL, str(page["page"]))
    ]
    assert shown == every


def test_a_plot_has_the_same_title_on_its_page_as_among_all(ask):
    """With its axis and unit; after the plots of the pages, each trend of a group alone."""
    paged = ask("SELECT * FROM hdqm.choose_panel(%s, %s, %s, '', 'groups', '1', '64')", *PIXEL)
    every = ask("SELECT * FROM hdqm.choose_any_panel(%s, %s, %s)", *PIXEL)
    alone = ask("SELECT * FROM hdqm.choose_panel(%s, %s, %s, '', 'trends', '1', '64')", *PIXEL)
    assert every[: len(paged)] == paged
    assert {row["__value"] for row in every[len(paged) :]} == {row["__value"] for row in alone} - {
        row["__value"] for row in paged
    }
    assert all(row["__text"].endswith(" (single trend)") for row in every[len(paged) :])


@pytest.mark.parametrize(
    ("title", "y_title", "unit", "written"),
    [
        ("Hits", "", None, "Hits"),
        ("Hits", "Mean hits", None, "Hits · Mean hits"),
        ("Mean hits of a track", "Mean hits", None, "Mean hits of a track"),
        ("Charge", "", "e", "Charge [e]"),
        ("Charge (e)", "", "e", "Charge (e)"),
        ("Charge", "Mean charge (e)", "e", "Charge · Mean charge (e)"),
    ],
)
def test_a_title_tells_axis_and_unit_once(ask, title, y_title, unit, written):
    [row] = ask("SELECT hdqm.title_with_unit(%s, %s, %s::text) AS written", title, y_title, unit)
    assert row["written"] == written


def test_a_group_whose_name_means_something_elsewhere_is_drawn_and_found(filled, chosen, filled_in):
    """As in a page: its plot, its scale, its facts, and the search for its name, with what Grafana makes of quotes."""
    odd = """1 '2' "3" \\ ${pd} $__all {a,b} | %41 <b>&amp;</b> [[x]]"""
    with psycopg.connect(filled) as owner:
        owner.execute("UPDATE hdqm.display_group SET name = %s WHERE name = 'Cluster charge by layer'", [odd])
        owner.execute("SET LOCAL ROLE hdqm_reader")
        values = chosen("hdqm-trends", subsystem="Pixel") | chosen("hdqm-trend", subsystem="Pixel")
        values |= {"panel": f"group:{odd}", "panels": f"group:{odd}", "search": odd, "page": "1"}

        def rows(sql):
            return owner.execute(filled_in(sql, values)).fetchall()

        for sql in (queries.PLOT, queries.EACH_PLOT):
            names = {series.translate({0x200B: None, 0x200C: None}) for _, series, _ in rows(sql)}
            assert {f"charge_layer{n}" for n in (1, 2, 3, 4)} <= names
        assert len(rows(queries.FACTS)) == 4
        assert rows(queries.SCALE)[0][0] == "suffix: e"
        assert [row[-1] for row in rows(queries.PANELS)] == [f"group:{odd}"]
        assert rows(queries.SELECTION_NOTE)[0][0].endswith("1 plot, page 1 of 1.")
        owner.rollback()


def choices(uid, name):
    """Values of a list that is written into the dashboard."""
    (variable,) = [one for one in BOARDS[uid].templating.list_val if one.name == name]
    return [option.value for option in variable.options]


@pytest.mark.parametrize("mode", choices("hdqm-trends", "mode"))
def test_each_mode_of_choosing_runs_is_understood(ask, mode):
    written = {
        "latest": "9",
        "range": "1-999999",
        "list": "324354",
        "golden": "Cert_2018_Golden",
        "where": "era = 2018D",
    }
    assert runs_of(ask, mode, written[mode])


def test_each_quality_is_understood(ask):
    few, all_ = (set(runs_of(ask, "range", "1-999999", quality=one)) for one in choices("hdqm-trends", "quality"))
    assert few < all_


@pytest.mark.parametrize("name", choices("hdqm-trend", "options"))
def test_each_thing_to_draw_changes_the_plot(plot, name):
    assert plot(runs="110", options=[name]) != plot(runs="110")


def test_each_histogram_that_a_metric_may_read_can_be_chosen():
    assert choices("hdqm-run", "input") == list(get_args(Role))


def test_each_axis_is_another(ask):
    ticks = "SELECT array_agg(t) AS ticks FROM hdqm.axis_ticks(%s, %s, %s, %s, 'latest', '40', 'all', 'default') AS t"
    axes = choices("hdqm-trend", "axis")
    assert len({str(ask(ticks, axis, *PIXEL)) for axis in axes}) == len(axes) == 5


@pytest.mark.parametrize("name", choices("hdqm-trend", "oms")[1:])
def test_each_quantity_of_the_runs_is_drawn(plot, name):
    added = {row["series"] for row in plot(oms=[name])} - {row["series"] for row in plot()}
    assert [series.startswith(f"OMS {name}") for series in added] == [True]


def test_groups_are_shown_or_single_trends_as_many_as_asked_for(ask):
    asked = "SELECT __value FROM hdqm.choose_panel(%s, %s, %s, '', %s, '1', %s)"
    groups, trends = (ask(asked, *PIXEL, show, "64") for show in choices("hdqm-trends", "show"))
    assert len(groups) < len(trends)
    for per_page in choices("hdqm-trends", "per_page"):
        assert len(ask(asked, *PIXEL, "trends", per_page)) == min(int(per_page), len(trends))


# -- selections --------------------------------------------------------------------------------------------------------


def runs_of(ask, mode, value, run_class="all", quality="default"):
    rows = ask("SELECT * FROM hdqm.selected_runs(%s, %s, %s, %s, %s, %s, %s)", *PIXEL, mode, value, run_class, quality)
    return [next(iter(row.values())) for row in rows]


def test_the_latest_of_a_class_are_counted_within_the_class(ask):
    cosmics = runs_of(ask, "latest", "5", "Cosmics18", "all")
    assert len(cosmics) == 5
    classes = ask("SELECT DISTINCT run_class FROM hdqm.runs WHERE run_number = ANY (%s)", cosmics)
    assert classes == [{"run_class": "Cosmics18"}]


def test_a_golden_json_selects_its_runs(ask):
    chosen = runs_of(ask, "golden", "Cert_2018_Golden")
    assert chosen
    assert all(324000 <= run < 324180 or 324210 <= run < 324300 for run in chosen)


def test_a_selection_that_cannot_be_read_is_empty_and_the_note_says_why(ask):
    assert runs_of(ask, "range", "5; drop") == []
    ((note,),) = [tuple(row.values()) for row in ask(note_sql(), *PIXEL, "range", "5; drop", "even", "")]
    assert "cannot read" in note
    assert "325000-325170" in note


def note_sql():
    return "SELECT note FROM hdqm.selection_note(%s, %s, %s, %s, %s, 'all', 'default', %s, %s, 'groups', '1', '8')"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("latest", "50", "even", ""), r"^50 runs, \d+ to \d+, of Pixel in .*\. 5 plots, page 1 of 1\.$"),
        (("list", "5", "even", ""), "^No run matches: list 5"),
        (("latest", "50", "even", "nothing like it"), "has 'nothing like it' in its name"),
        (("latest", "50", "date", ""), "of the runs have no start time in OMS"),
    ],
)
def test_the_note_says_what_is_shown(ask, given, said):
    (row,) = ask(note_sql(), *PIXEL, *given)
    assert re.search(said, row["note"]), row["note"]


def note_of(reader, chosen, filled_in, uid, **given):
    """What stands at the top of a page."""
    board = BOARDS[uid]
    (sql,) = [target.sql for panel in board.panels for target in panel.targets or () if "selection_note" in target.sql]
    ((note,),) = reader.execute(filled_in(sql, chosen(uid, **given))).fetchall()
    return note


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"added": "charge_layer2, Tracking/vertices@ZeroBias/PromptReco", "yrange": "1 .. 2"}, r"PromptReco\.$"),
        (
            {"added": "nonsense charge_layer2 Pixel/@/"},
            r"Not added, for no series of that name has points: nonsense, Pixel",
        ),
        ({"added": "," * 5000}, r"PromptReco\.$"),
        ({"added": "x" * 5000}, r"points: x{60}\.$"),
        ({"yrange": "nan .. 1"}, r"The y range 'nan \.\. 1' is not read: write two numbers, the lower one first"),
        ({"yrange": "5 .. 1"}, "is not read"),
        ({"yrange": "-infinity .. infinity"}, "is not read"),
        ({"yrange": "  "}, r"PromptReco\.$"),
    ],
)
def test_the_note_of_one_trend_says_what_of_its_boxes_cannot_be_read(reader, chosen, filled_in, given, said):
    note = note_of(reader, chosen, filled_in, "hdqm-trend", subsystem="Pixel", **given)
    assert note.startswith("50 runs, ")
    assert re.search(said, note), note


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("Nonsense", "", ""), "no subsystem 'Nonsense' has trends with points"),
        (("Pixel", "Nonsense", ""), "Pixel has no points in the primary dataset 'Nonsense'"),
        (("Pixel", "SingleMuon", "Ü"), "Pixel has no points in SingleMuon with the processing string 'Ü'"),
    ],
)
def test_an_address_of_what_is_not_there_says_so(reader, chosen, filled_in, given, said):
    rest = {"panel": "group:x", "panels": "group:x", "page": "1"}
    dataset = dict(zip(("subsystem", "pd", "processing"), given, strict=True))
    for uid in ("hdqm-trends", "hdqm-trend"):
        note = note_of(reader, chosen, filled_in, uid, **dataset, **rest)
        assert note == f"Nothing is shown: {said}. Choose one of those in the box."


# -- plots -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def plot(ask):
    """Rows of a plot of the newest runs."""

    def rows(axis="even", options=(), *, panel=CHARGE, runs="40", mode="latest", dataset=PIXEL, added="", oms=()):
        return ask(
            "SELECT * FROM hdqm.trend_plot(%s, %s, %s, %s, %s, %s, 'all', 'default', %s, %s, %s, %s)",
            panel,
            *dataset,
            mode,
            runs,
            axis,
            list(options),
            added,
            list(oms),
        )

    return rows


AXES = ["even", "number", "date", "duration", "luminosity"]
EVERYTHING = ["errors", "mean", "range", "outliers", "fills", "duration", "luminosity"]


def named(rows, series):
    return [row for row in rows if row["series"].translate({0x200B: None, 0x200C: None}) == series]


@pytest.mark.parametrize("axis", AXES)
def test_x_ascends_and_no_series_has_two_values_at_one_place(plot, axis):
    rows = plot(axis, EVERYTHING, oms=["duration", "L1 rate"], added="dead_rocs_layer1")
    assert [row["x"] for row in rows] == sorted(row["x"] for row in rows)
    places = [(row["x"], row["series"]) for row in rows if row["kind"] not in ("order", "run")]
    values = {}
    for place, row in zip(places, [row for row in rows if row["kind"] not in ("order", "run")], strict=True):
        assert values.setdefault(place, row["value"]) == row["value"], place


def test_runs_are_evenly_spaced_and_points_are_what_is_stored(plot, ask):
    rows = plot()
    points = [row for row in named(rows, "charge_layer1") if row["kind"] == "point"]
    assert {row["x"] for row in points} <= set(range(1, 41))
    stored = ask(
        "SELECT run_number, value FROM hdqm.trend_points WHERE subsystem = 'Pixel' AND trend = 'charge_layer1' "
        "AND primary_dataset = 'SingleMuon' AND processing = 'PromptReco' AND value IS NOT NULL"
    )
    by_run = {row["run_number"]: row["value"] for row in stored}
    assert len(points) > 30
    assert all(by_run[row["run_number"]] == row["value"] for row in points)


def test_series_keep_the_configured_order_and_colours(plot):
    order = [row["series"] for row in plot() if row["kind"] == "order"]
    bare = [name.translate({0x200B: None, 0x200C: None}) for name in order]
    assert bare == [f"charge_layer{n}" for n in (1, 2, 3, 4)]
    marks = [int(name[-6:].replace("\u200b", "0").replace("\u200c", "1"), 2) for name in order]
    assert [PALETTE[mark] for mark in marks] == ["#d62728", "#1f77b4", "#2ca02c", "#9467bd"]


def test_the_palette_of_sql_and_of_the_dashboards_is_one(ask):
    (row,) = ask("SELECT hdqm.palette() AS palette")
    assert tuple(row["palette"]) == PALETTE


@pytest.mark.parametrize(
    ("colour", "found"),
    [("#1f77b5", "#1f77b4"), ("Red", "#ff0000"), ("#0f0", "#00ff00"), (None, "#ff7f0e"), ("mauve", "#ff7f0e")],
)
def test_colours_are_the_nearest_of_the_palette(ask, colour, found):
    (row,) = ask("SELECT hdqm.colour_number(2, %s) AS n", colour)
    assert PALETTE[row["n"]] == found


def test_an_error_bar_goes_from_below_to_above_through_its_point(plot):
    rows = plot(options=["errors"])
    by_run = {}
    for row in named(rows, "charge_layer1 ±"):
        by_run.setdefault(row["run_number"], []).append(row["value"])
    points = {row["run_number"]: row for row in named(rows, "charge_layer1") if row["kind"] == "point"}
    assert by_run.keys() == points.keys()
    for run, (low, high) in by_run.items():
        value, error = points[run]["value"], points[run]["error"]
        assert (low, high) == pytest.approx((value - error, value + error))


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("axis", AXES)
def test_both_ends_of_an_error_bar_are_in_rows_beside_one_another(plot, ask, axis, many):
    """A row between them, of whichever series, would cut the bar; and one in which its run has no value, the run."""
    more = ask("SELECT subsystem || '/' || trend AS label FROM hdqm.trends ORDER BY 1 LIMIT 25") if many else []
    added = " ".join(row["label"] for row in more)
    rows = plot(axis, ["errors", "fills", "mean"], runs="120" if many else "40", added=added)
    places = sorted({row["x"] for row in rows})
    order = {x: place for place, x in enumerate(places)}
    span = places[-1] - places[0]
    ends, values = {}, {}
    for row in rows:
        if row["kind"] in ("error", "point"):
            known = ends if row["kind"] == "error" else values
            known.setdefault((row["series"].removesuffix(" ±"), row["run_number"]), []).append(row["x"])
    assert len(ends) > (1500 if many else 100)
    for key, (first, second) in ends.items():
        assert order[second] == order[first] + 1, key
        assert 0 < second - first < span / 1000, key
        if axis in ("date", "duration", "luminosity"):
            here = values[key]
            assert [order[x] for x in here] == [*range(order[here[0]], order[here[0]] + len(here))], key
            assert len(here) == (2 if many else 4)


@pytest.mark.parametrize("axis", ["date", "duration", "luminosity"])
def test_on_wide_axes_runs_are_lines_that_do_not_touch(plot, axis):
    rows = plot(axis)
    ends = {}
    for row in named(rows, "charge_layer1"):
        if row["kind"] == "point":
            ends.setdefault(row["run_number"], []).append(row["x"])
    spans = sorted(ends.values())
    assert all(len(span) == 2 and span[0] < span[1] for span in spans)
    gaps = sorted(row["x"] for row in rows if row["series"] == "run")
    for (_, end), (begin, _) in pairwise(spans):
        assert any(end < gap < begin for gap in gaps)


def test_every_second_fill_is_a_band(plot, ask):
    bands = [(row["x"], row["value"]) for row in plot(options=["fills"]) if row["series"] == "fill"]
    assert [value for _, value in bands] == [1, 0] * (len(bands) // 2)
    assert len(bands) >= 4
    fills = ask("SELECT count(DISTINCT fill_number) AS n FROM hdqm.runs")[0]["n"]
    assert len(bands) / 2 <= fills


def test_mean_and_rms_are_those_of_all_drawn_values(plot):
    rows = plot(options=["mean"])
    values = [row["value"] for row in rows if row["kind"] == "point"]
    mean = sum(values) / len(values)
    rms = (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5
    for name, level in (("mean", mean), ("mean + RMS", mean + rms), ("mean − RMS", mean - rms)):
        assert [row["value"] for row in named(rows, name)] == pytest.approx([level, level])


def test_outliers_are_left_out_when_asked(plot):
    plots = plot(runs="110"), plot(runs="110", options=["outliers"])
    every, most = ([row["value"] for row in rows if row["kind"] == "point"] for rows in plots)
    middle = statistics.median(every)
    reach = 5 * 1.4826 * statistics.median(abs(value - middle) for value in every)
    assert sorted(most) == sorted(value for value in every if abs(value - middle) <= reach)
    assert 0.9 * len(every) < len(most) < len(every)


@pytest.mark.parametrize("size", [*range(1, 13), 400, 401])
@pytest.mark.parametrize("kind", ["spread", "tied", "equal", "far apart"])
def test_the_median_deviation_is_looked_up_in_sorted_values(ask, size, kind):
    dice = random.Random(f"{size} {kind}")
    values = {
        "spread": [dice.gauss(3, 2) for _ in range(size)],
        "tied": [float(dice.randrange(4)) for _ in range(size)],
        "equal": [7.25] * size,
        "far apart": [dice.choice([-1e300, -1e-300, 0.0, 1e300]) for _ in range(size)],
    }[kind]
    (found,) = ask("SELECT * FROM hdqm.median_and_deviation(%s::double precision[])", sorted(values))
    middle = statistics.median(values)
    assert found["median"] == pytest.approx(middle, rel=1e-15)
    assert found["deviation"] == pytest.approx(statistics.median(abs(value - middle) for value in values), rel=1e-15)


def test_no_values_have_no_median(ask):
    assert ask("SELECT * FROM hdqm.median_and_deviation('{}')") == [{"median": None, "deviation": None}]


def test_the_expected_range_is_drawn_where_all_trends_share_it(plot):
    rows = plot(options=["range"])
    assert {row["value"] for row in named(rows, "expected low")} == {18000}
    assert {row["value"] for row in named(rows, "expected high")} == {36000}


def test_series_of_other_datasets_and_quantities_of_runs_can_be_added(plot):
    rows = plot(added="Tracking/vertices@ZeroBias/PromptReco, dead_rocs_layer1 nonsense", oms=["L1 rate", "nonsense"])
    names = {row["series"].translate({0x200B: None, 0x200C: None}) for row in rows}
    assert {"Tracking/vertices@ZeroBias/PromptReco", "dead_rocs_layer1", "OMS L1 rate [Hz]"} <= names
    assert not any("nonsense" in name for name in names)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mode": "list", "runs": "5"}, "No run matches the selection"),
        ({"mode": "range", "runs": "'; --"}, "No run matches the selection"),
        ({"panel": "trend:nonsense"}, "No trend of this plot has points in this dataset"),
        ({"mode": "list", "runs": "324048", "axis": "date"}, "OMS has not told the date of any chosen run"),
    ],
)
def test_a_plot_without_anything_says_why(plot, given, said):
    (row,) = plot(**given)
    assert (row["kind"], row["series"], row["value"]) == ("note", said, None)


def test_a_plot_of_gaps_counts_their_reasons(plot, ask):
    gaps = ask(
        "SELECT run_number FROM hdqm.trend_points WHERE subsystem = 'Pixel' AND trend = 'dead_rocs_layer1' "
        "AND primary_dataset = 'SingleMuon' AND processing = 'PromptReco' AND status = 'histogram_empty'"
    )
    runs = ",".join(str(row["run_number"]) for row in gaps)
    (row,) = plot(panel="trend:dead_rocs_layer1", mode="list", runs=runs)
    assert row["series"] == f"No value in any of the {len(gaps)} runs: {len(gaps)} × histogram_empty"


@pytest.mark.parametrize("axis", AXES)
def test_ticks_are_named_and_both_ends_are_told(ask, axis):
    rows = ask("SELECT * FROM hdqm.axis_ticks(%s, %s, %s, %s, 'latest', '40', 'all', 'default')", axis, *PIXEL)
    assert len({row["tick"] for row in rows}) == len(rows)
    (ends,) = {(row["low"], row["high"]) for row in rows}
    assert ends[0] < ends[1]
    labels = {row["tick"]: row["label"] for row in rows}
    assert labels[repr(ends[1]).removesuffix(".0")].strip("\u2007") == ""
    if axis == "even":
        assert labels["1"].isdigit()
        assert labels["40"].isdigit()
    if axis == "date":
        assert any(re.fullmatch(r"2018-\d\d-\d\d", label) for label in labels.values())


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [
        ("0.2 .. 0.5", 0.2, 0.5),
        ("-1e3, 2", -1000, 2),
        ("1;2", 1, 2),
        ("", None, None),
        ("a b", None, None),
        ("1", None, None),
        ("5 .. 1", None, None),
        ("1 .. 1", None, None),
        ("1e400 .. nan", None, None),
    ],
)
def test_a_range_of_y_is_two_numbers(ask, written, low, high):
    (row,) = ask("SELECT * FROM hdqm.plot_scale(%s, %s, %s, %s, '', %s)", CHARGE, *PIXEL, written)
    assert (row["unit"], row["low"], row["high"]) == ("suffix: e", low, high)


# -- one run, correlation, coverage ------------------------------------------------------------------------------------


def test_a_run_tells_its_facts_with_units(ask):
    facts = {
        row["fact"]: row["value"]
        for row in ask("SELECT * FROM hdqm.run_facts('324358', 'charge_layer1', %s, %s, %s)", *PIXEL)
    }
    assert len(facts) >= 19
    assert facts["Delivered luminosity"].endswith(" 1/pb")
    assert facts["Magnetic field"] == "3.800 T"
    assert re.fullmatch(r"\d\d:\d\d:\d\d", facts["Duration"])
    unknown = {
        row["fact"]: row["value"] for row in ask("SELECT * FROM hdqm.run_facts('324048', '', %s, %s, %s)", *PIXEL)
    }
    assert unknown["Duration"] == "OMS has not told yet"
    never = {row["fact"]: row["value"] for row in ask("SELECT * FROM hdqm.run_facts('1', '', %s, %s, %s)", *PIXEL)}
    assert never["Duration"] == "HDQM does not know this run"


def test_points_of_a_run_are_ranked_by_how_unusual_they_are(ask):
    rows = ask("SELECT * FROM hdqm.run_points('324358', %s, %s, %s)", *PIXEL)
    distances = [row["distance"] for row in rows if row["distance"] is not None]
    assert distances == sorted(distances, reverse=True)
    assert [row["status"] for row in rows][: len(distances)] == ["ok"] * len(distances)
    for row in rows[: len(distances)]:
        assert row["distance"] == pytest.approx(abs(row["value"] - row["middle"]) / row["spread"])


def test_links_name_the_run_dataset_and_element(ask):
    links = {
        row["page"]: row["url"]
        for row in ask("SELECT * FROM hdqm.run_links('324358', 'charge_layer1', %s, %s, %s)", *PIXEL)
    }
    assert links["DQM GUI: Pixel/OnTrackClusters/BarrelLayer1/charge"] == (
        "https://cmsweb.cern.ch/dqm/offline/start?runnr=324358;dataset=/SingleMuon/Run2018D-PromptReco-v2/DQMIO;workspace=Everything;"
        "root=Pixel/OnTrackClusters/BarrelLayer1;focus=Pixel/OnTrackClusters/BarrelLayer1/charge;zoom=yes;"
    )
    assert links["OMS"].endswith("cms_run=324358")
    assert links["Run Registry"].endswith("run_number=324358")


def test_a_plus_sign_in_a_link_stays_one(ask):
    assert ask("SELECT hdqm.url_part('a+b c/d') AS part") == [{"part": "a%2Bb%20c/d"}]


@pytest.fixture
def drawn(ask):
    """Series whose histogram is stored in one dimension, in two."""
    rows = ask(
        "SELECT DISTINCT t.trend, h.y_bins "
        "FROM hdqm.trends AS t, jsonb_array_elements(t.alternatives) AS a, hdqm.histograms AS h "
        "WHERE t.subsystem = 'Pixel' AND h.element = a -> 'paths' -> 'main' ->> 0 AND h.run_number = 324358"
    )
    return next(r["trend"] for r in rows if r["y_bins"] is None), next(r["trend"] for r in rows if r["y_bins"])


def test_a_histogram_is_drawn_with_that_of_the_reference_run_scaled_to_it(ask, drawn):
    rows = ask("SELECT * FROM hdqm.histogram_plot(%s, %s, %s, %s, '324358', '324354')", drawn[0], *PIXEL)
    curves = {}
    for row in rows:
        curves.setdefault(row["curve"], []).append(row["content"] or 0)
    assert set(curves) == {"run 324358", "reference run 324354"}
    assert len(curves["run 324358"]) == 41
    assert sum(curves["run 324358"]) == pytest.approx(sum(curves["reference run 324354"]))
    (none,) = ask("SELECT * FROM hdqm.histogram_plot(%s, %s, %s, %s, '324000', '324354')", drawn[0], *PIXEL)
    assert none["curve"].startswith("No one-dimensional histogram")


def test_a_map_is_drawn_cell_by_cell(ask, drawn):
    rows = ask("SELECT * FROM hdqm.histogram_cells(%s, %s, %s, %s, '324358')", drawn[1], *PIXEL)
    assert 100 < len(rows) <= 800
    assert ask("SELECT * FROM hdqm.histogram_cells(%s, %s, %s, %s, '324358')", drawn[0], *PIXEL) == []


def test_the_axes_of_a_map_have_the_titles_of_its_histogram_or_say_that_there_is_none(filled, drawn):
    question = "SELECT * FROM hdqm.histogram_axes(%s, %s, %s, %s, '324358')"
    note = "SELECT note FROM hdqm.histogram_note(%s, %s, %s, %s, '324358')"
    with psycopg.connect(filled) as owner:
        axes = ("x (units of the histogram)", "y (units of the histogram)")
        assert owner.execute(question, (drawn[1], *PIXEL)).fetchall() == [axes]
        assert owner.execute(question, (drawn[0], *PIXEL)).fetchall() == [("No map of this trend in this run", " ")]
        assert owner.execute(question, ("nothing", *PIXEL)).fetchall() == [("No map of this trend in this run", " ")]
        details = '[{"title": "ieta"}, {"title": "", "labels": {"1": "a"}}]'
        owner.execute("UPDATE hdqm.histogram SET axis_details = %s", [details])
        assert owner.execute(question, (drawn[1], *PIXEL)).fetchall() == [("ieta", "y (units of the histogram)")]
        assert owner.execute(note, (drawn[1], *PIXEL)).fetchone()[0].endswith("; x: ieta")
        owner.rollback()


def test_the_line_of_a_correlation_is_that_of_least_squares(ask):
    import numpy as np

    dataset = "'Pixel', 'SingleMuon', 'PromptReco'"
    call = f"('charge_layer1', 'charge_layer2', 'none', {dataset}, 'latest', '100', 'all', 'default')"
    rows = ask(f"SELECT * FROM hdqm.correlation{call}")
    x, y = np.array([row["x"] for row in rows]), np.array([row["y"] for row in rows])
    slope, intercept = np.polyfit(x, y, 1)
    (fit,) = ask(f"SELECT * FROM hdqm.correlation_fit{call}")
    assert (fit["slope"], fit["intercept"], fit["r"]) == pytest.approx((slope, intercept, np.corrcoef(x, y)[0, 1]))
    read = re.match(r"y = (−?)(\d+\.?\d*) x ([+−]) (\d+\.?\d*)  ·  r = (−?)(0\.\d{3})  ·  (\d+) runs", fit["equation"])
    assert read, fit["equation"]
    told = (float(f"{read[1]}{read[2]}".replace("−", "-")), float(f"{read[3]}{read[4]}".replace("−", "-")))
    assert told == pytest.approx((slope, intercept), rel=1e-3)
    assert int(read[7]) == len(rows)
    line = ask(f"SELECT * FROM hdqm.correlation_line{call}")
    assert [row["line_y"] for row in line] == pytest.approx([slope * x.min() + intercept, slope * x.max() + intercept])


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0"),
        (-0.81714, "−0.8171"),
        (52099.7, "52100"),
        (1234567.8, "1234568"),
        (2.5, "2.5"),
        (-0.000123456, "−0.0001235"),
        (0.0000987, "9.870e-05"),
        (-3e12, "−3.000e+12"),
        (5e-324, "4.941e-324"),
    ],
)
def test_numbers_of_an_equation_are_written_as_people_do(ask, number, written):
    assert ask("SELECT hdqm.readable_number(%s) AS written", number)[0]["written"] == written


def test_a_series_is_correlated_with_a_quantity_of_the_runs_and_a_third_thing(ask):
    rows = ask(
        "SELECT c.*, r.l1_rate_hz, r.duration_s FROM hdqm.correlation('charge_layer1', 'OMS L1 rate', "
        "'OMS duration', 'Pixel', 'SingleMuon', "
        "'PromptReco', 'latest', '30', 'all', 'default') AS c JOIN hdqm.runs AS r USING (run_number)"
    )
    assert len(rows) > 20
    assert all(row["y"] == row["l1_rate_hz"] and row["size"] == row["duration_s"] / 3600 for row in rows)


def test_a_correlation_opens_on_two_different_things(ask):
    """Grafana takes the first of each list where nobody has chosen."""
    [board] = [board for board in dashboards() if board.uid == "hdqm-correlation"]
    queries = {
        variable.name: str(variable.query) for variable in board.templating.list_val if variable.type_val == "query"
    }
    pixel = {"subsystem": "'Pixel'", "pd": "'SingleMuon'", "processing": "'PromptReco'"}
    first = {}
    for name in "xy":
        sql = re.sub(r"\$\{(\w+):sqlstring\}", lambda found: pixel[found[1]], queries[name])
        rows = ask(sql)
        first[name] = rows[0]["__value"]
        assert len(rows) == len(ask("SELECT * FROM hdqm.choose_measured('Pixel', 'SingleMuon', 'PromptReco')"))
    assert first["x"] != first["y"]


def test_coverage_says_what_is_there_and_why_the_rest_is_not(ask):
    rows = ask("SELECT * FROM hdqm.coverage('all', 'latest', '60', 'all', 'all')")
    by = partial(lambda why: [row for row in rows if row["why"].startswith(why)])
    assert {row["percent"] for row in by("complete")} == {100}
    assert {row["percent"] for row in by("no DQM file")} == {0}
    assert all(row["percent"] < 100 for row in by("histogram_empty") + by("element_missing"))
    assert by("failed: the file is no ROOT file")
    row = by("histogram_empty")[0]
    trends = ask(
        "SELECT * FROM hdqm.coverage_trends(%s, %s, %s, %s)",
        str(row["run_number"]),
        row["subsystem_name"],
        row["primary_dataset"],
        row["processing"],
    )
    assert len(trends) == row["expected"] - row["with_value"]


def test_what_has_no_file_is_told_and_not_counted_as_missing(ask, chosen, filled_in):
    """A run need not have every dataset; and only what is complete is 100 %."""
    given = chosen("hdqm-coverage", runs="60", quality="all")
    rows = ask("SELECT * FROM hdqm.coverage('all', 'latest', '60', 'all', 'all')")
    datasets = ask(filled_in(COVERAGE_DATASETS, given))
    without = {(row["run_number"], row["dataset"]) for row in rows if row["why"] == "no DQM file"}
    assert without
    assert {(row["run_number"], row["dataset"]) for row in datasets if row["percent"] is None} == without
    partly = {(row["run_number"], row["dataset"]) for row in rows if row["with_value"] < row["expected"]} - without
    complete = {(row["run_number"], row["dataset"]) for row in datasets if row["percent"] == 100}
    assert partly
    assert not complete & partly
    subsystems = ask(filled_in(COVERAGE_SUBSYSTEMS, given))
    assert any(row["percent"] == 100 and row["run_number"] in {run for run, _ in without} for row in subsystems)
    gaps = ask(filled_in(COVERAGE_GAPS, given))
    for one, other in pairwise(gaps):  # what can be mended stands before what may be as it should be
        if one["run_number"] == other["run_number"]:
            assert (one["why"] == "no DQM file") <= (other["why"] == "no DQM file")


def test_missing_trends_are_those_of_the_newest_run_until_one_is_chosen(ask, chosen, filled_in):
    given = chosen("hdqm-coverage", runs="60", quality="all")
    given["dataset"] = "SingleMuon / PromptReco"
    [newest] = ask("SELECT hdqm.newest_run('all', 'SingleMuon', 'PromptReco')::text AS run")
    rows = ask(filled_in(COVERAGE_TRENDS, given))
    assert rows == ask(filled_in(COVERAGE_TRENDS, {**given, "run": newest["run"]}))
    assert {(str(row["run_number"]), row["pd"], row["processing"]) for row in rows} == {
        (newest["run"], "SingleMuon", "PromptReco")
    }
    assert {row["subsystem_name"] for row in rows} <= {row["subsystem"] for row in ask("TABLE hdqm.trends")}
    assert "no_point" not in {row["status"] for row in rows}


def changed(_owner):
    """Nothing is changed."""


def changed_file(owner):
    """A file that changed: what was computed for it is not known; its points stay until they are computed anew."""
    owner.execute("UPDATE hdqm.dqm_file SET definition_set_id = NULL WHERE id IN (40, 41, 42)")


def earlier_configuration(owner):
    """Some files were computed before some trends came."""
    few = "SELECT array_agg(id ORDER BY id) FROM hdqm.definition WHERE trend_id % 3 > 0"
    owner.execute(f"INSERT INTO hdqm.definition_set (sha256, ids) SELECT sha256('few'), ({few})")
    chosen = "SELECT id FROM hdqm.dqm_file WHERE loaded AND run_number % 5 = 0"
    owner.execute(
        f"UPDATE hdqm.dqm_file SET definition_set_id = (SELECT max(id) FROM hdqm.definition_set) WHERE id IN ({chosen})"
    )
    owner.execute(
        "DELETE FROM hdqm.point AS p USING hdqm.series AS s "
        f"WHERE s.id = p.series_id AND s.trend_id % 3 = 0 AND p.dqm_file_id IN ({chosen})"
    )


def retired_trend(owner):
    """A trend that is no longer configured counts no more."""
    owner.execute("UPDATE hdqm.trend SET active = false WHERE id IN (1, 2)")


@pytest.mark.parametrize("what", [changed, changed_file, earlier_configuration, retired_trend])
def test_coverage_counts_what_points_say_without_counting_them(filled, what):
    with psycopg.connect(filled) as owner:  # a transaction that is not committed
        what(owner)
        assert owner.execute(UNCOVERED).fetchone() == (0,)
        both = owner.execute(
            "SELECT sum(expected), sum(with_value) "
            "FROM hdqm.file_coverage(ARRAY(SELECT id FROM hdqm.dqm_file), 'Pixel')"
        ).fetchone()
        assert 100 < both[1] < both[0]
        owner.rollback()


# whoever writes, and however: each statement with what must have changed in the counts, lest it proves nothing
WRITES = {
    "values become gaps": (
        "UPDATE hdqm.point SET value = NULL, error = NULL, status = 3 WHERE series_id % 4 = 0 AND run_number % 3 = 0",
        "SELECT sum(points) FROM hdqm.gap_count",
    ),
    "gaps have another reason": (
        "UPDATE hdqm.point SET status = 4 WHERE status <> 0 AND run_number % 2 = 0",
        "SELECT array_agg(g ORDER BY g) FROM hdqm.gap_count AS g WHERE points > 0",
    ),
    "points go": (
        "DELETE FROM hdqm.point WHERE series_id % 3 = 0 OR run_number % 5 = 0",
        "SELECT sum(points) FROM hdqm.gap_count",
    ),
    "values leave their range": (
        "UPDATE hdqm.point SET value = 1e6 WHERE value IS NOT NULL AND series_id % 5 = 0 AND run_number % 2 = 0",
        "SELECT count(*) FROM hdqm.point_outside",
    ),
    "series lose and gain values": (
        "UPDATE hdqm.series SET has_value = NOT has_value WHERE id % 2 = 0",
        "SELECT sum(with_value) FROM hdqm.series_count",
    ),
    "series come": (
        (
            "INSERT INTO hdqm.series (trend_id, primary_dataset_id, processing_id, has_value) "
            "SELECT t.id, d.id, c.id, t.id % 2 = 0 FROM hdqm.trend t, hdqm.primary_dataset d, hdqm.processing c "
            "ON CONFLICT DO NOTHING"
        ),
        "SELECT sum(series) FROM hdqm.series_count",
    ),
    "ranges change": (
        "UPDATE hdqm.trend SET low = 0, high = CASE WHEN id % 2 = 0 THEN 1 ELSE 1e9 END",
        "SELECT version FROM hdqm.expected_range",
    ),
    "trends retire": (
        "UPDATE hdqm.trend SET active = false WHERE id % 3 = 0",
        "SELECT version FROM hdqm.expected_range",
    ),
    "files have other states": (
        "UPDATE hdqm.dqm_file SET state = 'vanished' WHERE id % 3 = 0",
        "SELECT sum(files) FROM hdqm.file_tally WHERE state = 'vanished'",
    ),
    "files are ingested on another day, by another configuration": (
        (
            "UPDATE hdqm.dqm_file SET ingested_at = ingested_at - interval '3 days', "
            "definition_set_id = CASE WHEN id % 2 = 0 THEN definition_set_id END WHERE id % 5 > 0"
        ),
        "SELECT array_agg(t ORDER BY t) FROM hdqm.file_tally AS t",
    ),
}


@pytest.mark.parametrize("what", WRITES)
def test_what_triggers_count_is_what_the_tables_hold(filled, what):
    write, count = WRITES[what]
    with psycopg.connect(filled) as owner:  # a transaction that is not committed
        assert miscounted(owner) == {}
        before = owner.execute(count).fetchone()
        owner.execute(write)
        assert owner.execute(count).fetchone() != before
        assert miscounted(owner) == {}
        for other, _ in WRITES.values():  # and on top of it everything else
            owner.execute(other)
        assert miscounted(owner) == {}
        owner.rollback()


def test_the_tally_of_files_is_gathered(filled):
    with psycopg.connect(filled) as owner:
        owner.execute("INSERT INTO hdqm.file_tally VALUES ('failed', NULL, 1, 0), ('failed', NULL, -1, 0)")
        assert miscounted(owner) == {}
        owner.execute("SELECT hdqm.gather_tally()")
        once = owner.execute("SELECT count(*) = count(DISTINCT (state, day)) FROM hdqm.file_tally").fetchone()
        assert once == (True,)
        assert miscounted(owner) == {}
        owner.rollback()


def test_counts_can_be_made_anew(filled):
    with psycopg.connect(filled) as owner:
        owner.execute("DELETE FROM hdqm.gap_count; DELETE FROM hdqm.series_count; DELETE FROM hdqm.file_tally")
        owner.execute("INSERT INTO hdqm.point_outside SELECT run_number, 1 FROM hdqm.run")
        assert set(miscounted(owner)) >= {"gaps", "series", "states", "days"}
        owner.execute("SELECT hdqm.count_anew()")
        assert miscounted(owner) == {}
        owner.rollback()


def test_points_outside_are_found_whether_or_not_their_files_know_the_ranges(filled):
    """A file knows with which ranges it was compared; where that is not known, points are looked at."""
    found = "SELECT array_agg(o ORDER BY o) FROM hdqm.outside_range(50) AS o"
    with psycopg.connect(filled) as owner:
        owner.execute("UPDATE hdqm.point SET value = -1e6 WHERE value IS NOT NULL AND series_id % 7 = 0")
        owner.execute("UPDATE hdqm.dqm_file SET range_version = NULL")
        live = owner.execute(found).fetchone()
        owner.execute("UPDATE hdqm.dqm_file SET range_version = (SELECT version FROM hdqm.expected_range)")
        owner.execute(
            "SELECT hdqm.compare_with_ranges(run_number, primary_dataset_id, processing_id) "
            "FROM hdqm.dqm_file WHERE loaded"
        )
        assert owner.execute(found).fetchone() == live
        assert len(live[0]) > 10
        owner.rollback()


@pytest.mark.parametrize("days", [3, 200])
def test_points_per_hour_add_up(filled, days):
    """Of a long time the mean of each day is given, which has 24 hours."""
    with psycopg.connect(filled) as owner:
        # at noon, so that no range of days cuts one in two
        owner.execute(
            "UPDATE hdqm.dqm_file SET ingested_at = date_trunc('day', ingested_at, 'UTC') + interval '12 hours'"
        )
        since = owner.execute("SELECT date_trunc('day', now(), 'UTC') - %s * interval '1 day'", [days]).fetchone()[0]
        [row] = owner.execute(
            "SELECT sum(points), sum(files), (SELECT sum(cardinality(k.ids)) FROM hdqm.dqm_file f "
            "JOIN hdqm.definition_set k ON k.id = f.definition_set_id WHERE f.ingested_at >= %(since)s) "
            "FROM hdqm.points_per_hour(%(since)s, now() + interval '2 days')",
            {"since": since},
        ).fetchall()
        hours = 24 if days > 62 else 1
        assert row[1] > 0
        assert row[0] * hours == pytest.approx(row[2])
        owner.rollback()


def test_pages_open_on_a_dataset_that_has_something_to_show(filled, ask):
    """Not on the first by name, whose runs Run Registry may all call not significant; the others stay to be chosen."""
    assert ask("SELECT * FROM hdqm.choose_primary_dataset('Pixel')")[0] == {"primary_dataset": "SingleMuon"}
    with psycopg.connect(filled) as owner:
        owner.execute(
            "UPDATE hdqm.run SET significant = false WHERE run_number IN (SELECT f.run_number FROM hdqm.dqm_file AS f "
            "JOIN hdqm.primary_dataset AS d ON d.id = f.primary_dataset_id AND d.name = 'SingleMuon')"
        )
        owner.execute("UPDATE hdqm.run SET significant = true WHERE run_number % 3 = 0")
        owner.execute("DELETE FROM hdqm.dqm_file WHERE run_number % 3 = 0 AND primary_dataset_id = 1")
        question = "SELECT array_agg(primary_dataset) FROM hdqm.choose_primary_dataset('Pixel')"
        assert owner.execute(question).fetchone() == (["StreamExpress", "SingleMuon", "ZeroBias"],)
        assert owner.execute("SELECT count(*) FROM hdqm.choose_subsystem()").fetchone() == (
            len(ask("SELECT * FROM hdqm.choose_subsystem()")),
        )
        owner.execute("UPDATE hdqm.run SET significant = false")
        assert owner.execute(question).fetchone() == (["SingleMuon", "StreamExpress", "ZeroBias"],)
        owner.rollback()


def test_home_counts_what_the_last_day_brought(ask):
    rows = {row["subsystem"]: row for row in ask("SELECT * FROM hdqm.home_subsystems()")}
    assert rows["Pixel"]["trends"] == 8
    assert rows["Pixel"]["last_run"] == ask("SELECT max(run_number) AS n FROM hdqm.dqm_files WHERE loaded")[0]["n"]
    assert rows["Pixel"]["points_last_day"] > 100


def test_the_last_runs_are_those_that_have_files(filled):
    """OMS tells of many short runs that nobody reconstructs."""
    with psycopg.connect(filled) as owner:
        owner.execute("INSERT INTO hdqm.run (run_number) SELECT generate_series(400000, 400100)")
        runs = [row[0] for row in owner.execute("SELECT run_number FROM hdqm.recent_runs(15)")]
        known = "SELECT DISTINCT run_number FROM hdqm.dqm_file ORDER BY run_number DESC LIMIT 15"
        assert runs == [row[0] for row in owner.execute(known)]
        owner.rollback()


def test_pages_open_on_the_dataset_with_most_runs_among_those_with_most_trends(filled):
    question = "SELECT primary_dataset FROM hdqm.choose_primary_dataset('Pixel')"
    with psycopg.connect(filled) as owner:
        assert owner.execute(question).fetchone() == ("SingleMuon",)
        owner.execute(
            "DELETE FROM hdqm.dqm_file AS f USING hdqm.primary_dataset AS d "
            "WHERE d.id = f.primary_dataset_id AND d.name <> 'ZeroBias' AND f.run_number NOT IN (SELECT r.run_number "
            "FROM hdqm.run AS r WHERE r.significant ORDER BY r.run_number DESC LIMIT 5)"
        )
        assert owner.execute(question).fetchone() == ("ZeroBias",)
        owner.rollback()


def test_the_newest_hundred_runs_of_a_history_have_a_step_too(ask, chosen, filled_in):
    rows = ask(filled_in(PANEL_HISTORY, chosen("hdqm-trend", subsystem="Pixel", panel=CHARGE)))
    assert [row["x"] for row in rows] == sorted(row["x"] for row in rows)
    for curve in {row["curve"] for row in rows}:
        *_, begin, end = (row for row in rows if row["curve"] == curve)
        assert end["x"] - begin["x"] == 100
        assert end["content"] == begin["content"]


def test_a_table_of_points_shows_the_newest_runs_whole(ask):
    every = "SELECT run_number, series FROM hdqm.trend_values(%s, %s, %s, %s, 'latest', '30', 'all', 'default', '')"
    some = every.replace("'')", "'', 42)")
    rows, newest = ask(every, CHARGE, *PIXEL), ask(some, CHARGE, *PIXEL)
    runs = sorted({row["run_number"] for row in newest}, reverse=True)
    assert len(runs) == 10  # of four series
    assert newest == [row for row in rows if row["run_number"] >= runs[-1]]


def test_addresses_of_a_site_are_links_only_where_they_are_addresses(filled, ask):
    with psycopg.connect(filled, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO hdqm.site VALUES ('airflow_url', 'https://airflow.example.org/'), "
            "('api_url', 'javascript:alert(1)')"
        )
        try:
            pages = {row["page"]: row["url"] for row in ask("SELECT * FROM hdqm.site_pages()")}
        finally:
            owner.execute("DELETE FROM hdqm.site WHERE name IN ('airflow_url', 'api_url')")
    assert pages["Airflow: all Dags"] == "https://airflow.example.org/dags"
    assert "REST API" not in pages
