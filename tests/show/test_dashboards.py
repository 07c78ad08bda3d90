"""The dashboards as they are generated, without a Grafana and without a database."""

import json
import re
from importlib import import_module
from urllib.parse import unquote

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard, RowPanel

from hdqm_ops import show
from hdqm_ops.show import (
    ALARMS,
    alarm_rules,
    build,
    contact_points,
    dashboards,
    rendered,
    site_dashboards,
    write_site,
)
from hdqm_ops.show._style import _UNITS, ADDRESS
from hdqm_ops.show._variables import CARRIED, QUANTITIES

UIDS = ["home", "trends", "trend", "run", "correlation", "runs", "coverage", "pipeline"]
BOARDS = dashboards()
PANELS = [(board.uid, panel) for board in BOARDS for panel in board.panels]
SQL = [(board.uid, target.sql) for board in BOARDS for panel in board.panels for target in panel.targets or ()]
SQL += [(board.uid, v.query) for board in BOARDS for v in (board.templating.list_val or ()) if v.type_val == "query"]


def titled(panel):
    return f"{panel[0]}: {panel[1].title or 'sentence'}"


def as_dict(board):
    return json.loads(json.dumps(board, cls=JSONEncoder))


def strings(value):
    """All texts in a JSON value."""
    if isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def test_there_are_eight_with_uids_that_never_change():
    assert [board.uid for board in BOARDS] == [f"hdqm-{name}" for name in UIDS]


def test_what_is_committed_is_what_is_generated():
    assert build(check=True) == []


def test_building_writes_what_is_missing_and_removes_what_is_left_over(tmp_path):
    assert build(tmp_path, check=True) == sorted(rendered())
    assert build(tmp_path) == sorted(rendered())
    assert build(tmp_path) == []
    (tmp_path / "dashboards" / "old.json").write_text("{}")
    (tmp_path / "dashboards" / "hdqm-run.json").write_text("{}")
    assert build(tmp_path, check=True) == ["dashboards/hdqm-run.json", "dashboards/old.json"]
    assert (tmp_path / "dashboards" / "old.json").exists()
    assert build(tmp_path) == ["dashboards/hdqm-run.json", "dashboards/old.json"]
    assert build(tmp_path, check=True) == []


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_the_schema_knows_every_field(board):
    written = as_dict(board)
    read = json.loads(json.dumps(Dashboard.from_json(written), cls=JSONEncoder))
    for panel, again in zip(written["panels"], read["panels"], strict=True):
        # the schema has no class for our data source: it passes targets on as they are
        assert {key: panel[key] for key in panel if key != "targets"} == {
            key: again[key] for key in again if key != "targets"
        }
    assert {key: written[key] for key in written if key != "panels"} == {
        key: read[key] for key in read if key != "panels"
    }


# known to Grafana 12 (public/app/plugins/panel/*/panelcfg.cue), and not yet to the models, which are those of 11.6
NEWER = {"tooltip.hoverProximity", "wrapText", "wrapHeaderText", "hideFrom"}


def unknown(given, model):
    """Paths in a JSON value that a model of the schema drops or changes; what it adds are defaults."""
    read = as_dict(model.from_json(given))

    def differing(written, again, path):
        if isinstance(written, dict) and isinstance(again, dict):
            for name, item in written.items():
                yield from differing(item, again.get(name), (*path, name))
        elif written != again:
            yield ".".join(path)

    return {*differing(given, read, ())} - NEWER


@pytest.mark.parametrize("panel", PANELS, ids=titled)
def test_the_schema_knows_the_options_of_every_panel(panel):
    """That of its kind; Grafana's own judgement of a dashboard (test_publish_to_grafana.py) leaves them out."""
    written = as_dict(panel[1])
    models = import_module(f"grafana_foundation_sdk.models.{written['type']}")
    assert unknown(written["options"], models.Options) == set()

    defaults = written.get("fieldConfig", {}).get("defaults", {}).get("custom", {})
    overrides = written.get("fieldConfig", {}).get("overrides", [])
    custom = {
        one["id"].removeprefix("custom."): one["value"]
        for override in overrides
        for one in override["properties"]
        if one["id"].startswith("custom.")
    }
    for name, value in {**defaults, **custom}.items():
        outer, _, inner = name.partition(".")
        assert unknown({outer: {inner: value} if inner else value}, models.FieldConfig) == set(), name


@pytest.mark.parametrize("panel", PANELS, ids=titled)
def test_every_panel_explains_itself_and_says_its_version(panel):
    _, panel = panel
    assert not isinstance(panel, RowPanel)
    assert panel.description
    assert panel.plugin_version == "12.3.3"


@pytest.mark.parametrize("panel", [one for one in PANELS if one[1].targets], ids=titled)
def test_every_panel_says_why_it_is_empty(panel):
    """Never just "No data"; sentences and plots of trends get their reason as a row (tests of the SQL)."""
    _, panel = panel
    said = panel.field_config.defaults.no_value
    if panel.type_val == "table" and panel.options["showHeader"] is False:
        return
    if panel.title in {"${panels:text}", "${panel:text}"}:
        assert said == "–"
    else:
        assert re.fullmatch(r"[A-Z].{4,}[.)]", said), said


@pytest.mark.parametrize("panel", [one for one in PANELS if one[1].type_val in ("trend", "xychart")], ids=titled)
def test_plots_have_legend_and_tooltip_options(panel):
    """Without them, also when switched off, these panels break."""
    _, panel = panel
    assert {"legend", "tooltip"} <= panel.options.keys()


@pytest.mark.parametrize("panel", [one for one in PANELS if one[1].type_val == "trend"], ids=titled)
def test_gaps_stay_gaps(panel):
    """Where the text for no value is a number, and the empty text is one, it is drawn in the place of every gap."""
    _, panel = panel
    assert re.search(r"[^\s\d.]", panel.field_config.defaults.no_value)
    if panel.title in {"${panels:text}", "${panel:text}"}:
        assert panel.field_config.defaults.custom["spanNulls"] is False


def needed(panel):
    """Columns that a panel names, with the letter of the answer: of its transformations, axes, marks."""
    for one in panel.get("transformations", []):
        options = one["options"]
        if one["id"] == "groupingToMatrix":
            yield from (("A", options[key]) for key in ("columnField", "rowField", "valueField"))
        if one["id"] == "configFromData":
            yield from ((options["configRefId"], mapping["fieldName"]) for mapping in options["mappings"])
    options = panel["options"]
    for series in options.get("series", []):
        letter = "AB"[series["frame"]["matcher"]["options"]]
        yield from ((letter, series[key]["matcher"]["options"]) for key in ("x", "y", "color", "size") if key in series)
    matrix = [one["options"] for one in panel.get("transformations", []) if one["id"] == "groupingToMatrix"]
    if "xField" in options and matrix:  # its first column is called by both
        assert options["xField"] == f"{matrix[0]['rowField']}\\{matrix[0]['columnField']}"
    elif "xField" in options:
        yield "A", options["xField"]


@pytest.mark.parametrize("panel", [one for one in PANELS if one[1].targets], ids=titled)
def test_panels_name_columns_that_their_questions_promise(panel):
    """Which these keep: test_panels_sql.py asks them."""
    _, panel = panel
    promised = {target.ref: set(target.columns) for target in panel.targets}
    for letter, column in needed(as_dict(panel)):
        assert column in promised[letter], (letter, column)


PLOTS = [one for one in PANELS if one[1].type_val in ("trend", "xychart", "histogram", "barchart", "timeseries")]
# Plots whose numbers carry no unit by themselves, and what tells it instead.
PLAIN = {
    "${panels:text}": "the unit that its trends share comes with the data; else it stands in the title or the legend",
    "${panel:text}": "the same",
    "Distribution of the values": "values as in the plot beside it, and numbers of runs",
    "The whole history": "values as in the plot above it, over run numbers",
    "Histogram of ${series:text}": "entries, over the units of the histogram",
    "Map of ${series:text}": "entries, over the units of the histogram",
    "${y:text} against ${x:text}": "the labels of both axes are names of trends, or of OMS quantities with their units",
    "Points per hour": "numbers an hour, as the labels say",
}


@pytest.mark.parametrize("panel", PLOTS, ids=titled)
def test_every_axis_has_a_unit_or_a_reason_to_have_none(panel):
    _, panel = panel
    unit = panel.field_config.defaults.unit
    assert unit, "say none where there is none"
    if unit in {"none", "short"}:
        assert PLAIN[panel.title]
    for override in panel.field_config.overrides:
        properties = {one.id_val: one.value for one in override.properties}
        label = properties.get("custom.axisLabel")
        if label is not None:
            known = re.search(r"\[.+\]|\(.+\)|per hour|^Runs$|^Run number$|^\$\{\w+:text\}$", label)
            assert known or label.startswith("$") or properties.get("unit"), label


def test_every_quantity_of_the_runs_has_its_unit_on_its_axis():
    assert set(QUANTITIES) == set(_UNITS)
    (plot,) = [panel for uid, panel in PANELS if (uid, panel.title) == ("hdqm-trend", "${panel:text}")]
    labels = {
        one.value
        for override in plot.field_config.overrides
        for one in override.properties
        if "axisLabel" in one.id_val
    }
    assert {f"OMS {name}{unit}" for name, unit in _UNITS.items()} <= labels


@pytest.mark.parametrize("name", ["mean", "mean_pt", "run", "run-d", "fill", "expected", "OMS", "at", "x", "a+b_c-1"])
def test_a_trend_is_drawn_as_one_whatever_its_name_begins_with(name):
    """Means, bands and axes are told by their names; that of a trend ends in the mark of its colour."""
    plots = [panel for _, panel in PANELS if panel.title in ("${panel:text}", "${panels:text}")]
    for plot in plots:
        for label in (name, f"Pixel/{name}", f"Pixel/{name}@ZeroBias/PromptReco"):
            marked = f"{label}\u200b\u200b\u200b\u200c\u200b\u200c"  # the fifth colour
            patterns = [one.matcher.options.strip("/") for one in plot.field_config.overrides[1:]]
            found = [pattern for pattern in patterns if re.search(pattern, marked)]
            assert len(found) == 1, (label, found)
            assert found[0].startswith("\\u200")


def test_panels_do_not_overlap():
    for board in BOARDS:
        taken = set()
        for panel in board.panels:
            at = panel.grid_pos
            cells = {(x, y) for x in range(at.x, at.x + at.w) for y in range(at.y, at.y + at.h)}
            assert at.x + at.w <= 24
            assert not taken & cells, (board.uid, panel.title)
            taken |= cells


def test_what_users_write_is_always_quoted():
    for uid, sql in SQL:
        assert all(form == "sqlstring" for form in re.findall(r"\$\{\w+:?(\w*)\}", sql)), (uid, sql)
        assert not re.search(r"\$(?!\{|__timeFrom\(\)|__timeTo\(\))", sql), (uid, sql)
        assert "[[" not in sql
    for content in rendered().values():
        # addresses that the database has made and encoded, see the test of links in a Grafana
        assert ":raw" not in content.replace(ADDRESS, "")


def test_every_variable_that_is_asked_for_exists():
    for board in BOARDS:
        known = {variable.name for variable in board.templating.list_val or ()}
        used = set()
        for uid, sql in SQL:
            if uid == board.uid:
                used |= set(re.findall(r"\$\{(\w+):sqlstring\}", sql))
        assert used <= known, board.uid
        for panel in board.panels:
            texts = " ".join(strings(json.loads(json.dumps(panel, cls=JSONEncoder))))
            assert set(re.findall(r"\$\{(\w+):(?:queryparam|text)\}", texts)) <= known, panel.title


def test_links_lead_to_our_pages_and_set_variables_that_these_have():
    known = {board.uid: {variable.name for variable in board.templating.list_val or ()} for board in BOARDS}
    links = {text for board in BOARDS for text in strings(as_dict(board)) if text.startswith("/d/")}
    assert len(links) > 10
    for link in links:
        uid, _, query = link.removeprefix("/d/").partition("?")
        assert uid in known
        assert set(re.findall(r"var-(\w+)=", unquote(query))) <= known[uid], link


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_every_page_hands_on_what_is_chosen(board):
    """Whether it has a box for it or not; only where all subsystems are shown, links name the one that they lead to."""
    has = {variable.name: variable for variable in board.templating.list_val}
    assert set(CARRIED) <= has.keys()
    for link in board.links:
        if not link.include_vars:
            assert board.uid == "hdqm-coverage"
            assert set(re.findall(r"\$\{(\w+):queryparam\}", link.url)) == {*CARRIED, "run"} - {"subsystem"}
            assert "var-subsystem=${to}&" in link.url
    assert board.uid == "hdqm-coverage" or "'all'" not in str(has["subsystem"].query)


def test_colour_schemes_are_known_to_grafana():
    """One that is not takes a whole dashboard down."""
    schemes = "GrYlRd RdYlGr BlYlRd YlRd BlPu YlBl blues reds greens purples"
    known = {"fixed", "thresholds", "palette-classic", "palette-classic-by-name"}
    known |= {f"continuous-{name}" for name in schemes.split()}
    for board in BOARDS:
        text = json.dumps(as_dict(board))
        modes = re.findall(r'"color": \{[^{}]*"mode": "([^"]+)"', text)
        modes += re.findall(r'"id": "color", "value": \{[^{}]*"mode": "([^"]+)"', text)
        assert set(modes) <= known
        assert set(re.findall(r'"(?:continuous|palette)-[^"]*"', text)) <= {f'"{mode}"' for mode in known}


def test_nothing_is_refreshed_by_itself_or_edited():
    for board in BOARDS:
        assert (board.refresh, board.editable, board.timezone, board.tags) == ("", False, "utc", ["hdqm"])


# -- pages of single subsystems ---------------------------------------------------------------------------------------


def test_a_page_of_a_subsystem_is_the_generic_one_opened_there():
    pages = site_dashboards(["Pixel", "PixelPhase1"])

    assert list(pages) == ["hdqm-trends-Pixel", "hdqm-trends-PixelPhase1"]
    generic = as_dict(next(board for board in BOARDS if board.uid == "hdqm-trends"))
    for (uid, page), name in zip(pages.items(), ("Pixel", "PixelPhase1"), strict=True):
        assert (page["uid"], page["title"]) == (uid, f"HDQM / Trends / {name}")
        assert page["panels"] == generic["panels"]
        chosen = {one["name"]: one.get("current") for one in page["templating"]["list"]}
        assert chosen["subsystem"]["value"] == name


def test_names_that_are_no_uid_get_one_of_their_own():
    uids = list(site_dashboards(["A b", "A/b", "A-b", "x" * 60, "x" * 61]))

    assert len(set(uids)) == 5
    assert all(re.fullmatch(r"hdqm-trends-[A-Za-z0-9_-]+", uid) and len(uid) <= 40 for uid in uids)


def test_pages_of_subsystems_are_written_and_removed(tmp_path):
    folder = tmp_path / "site"
    both = ["hdqm-trends-CSC.json", "hdqm-trends-DT.json"]

    assert write_site(folder, ["CSC", "DT"], check=True) == both
    assert not folder.exists()
    assert write_site(folder, ["CSC", "DT"]) == both
    assert write_site(folder, ["CSC", "DT"]) == []
    assert write_site(folder, ["CSC"], check=True) == ["hdqm-trends-DT.json"]
    assert write_site(folder, ["CSC"]) == ["hdqm-trends-DT.json"]
    assert [path.name for path in folder.iterdir()] == ["hdqm-trends-CSC.json"]


# -- alarms ------------------------------------------------------------------------------------------------------------


def test_alarms_say_what_to_do_without_data():
    (group,) = alarm_rules()["groups"]
    chosen = {alarm.uid: (alarm.above, alarm.no_data) for alarm in ALARMS}
    assert chosen == {  # as docs/dashboards.md tells it
        "hdqm-fresh": (24, "NoData"),
        "hdqm-failed": (0, "NoData"),
        "hdqm-outside": (0, "OK"),
        "hdqm-gaps": (20, "OK"),
    }
    assert {rule["uid"] for rule in group["rules"]} == {"hdqm-fresh", "hdqm-failed", "hdqm-outside", "hdqm-gaps"}
    for rule in group["rules"]:
        assert rule["noDataState"] in {"OK", "NoData"}
        assert rule["execErrState"] == "Error"
        assert not re.search(r"\$(?!labels|values)", " ".join(strings(rule)))
        assert "{{ " in rule["annotations"]["summary"]


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.uid)
def test_alarms_lead_to_our_pages_and_say_only_what_their_question_tells(alarm):
    """tests/show/test_alarms_fire.py opens them."""
    known = {board.uid: {variable.name for variable in board.templating.list_val or ()} for board in BOARDS}
    address, _, query = alarm.page.partition("?")
    uid = address.removeprefix("{{ externalURL }}d/")
    assert set(re.findall(r"var-(\w+)=", query)) <= known[uid]
    used = set(re.findall(r"\$labels\.(\w+)", alarm.page + alarm.summary))
    assert used <= set(re.findall(r"\w+", alarm.sql.partition(" FROM ")[0]))


def test_the_alarm_of_a_point_names_subsystem_trend_and_owner():
    (alarm,) = [one for one in ALARMS if one.uid == "hdqm-outside"]
    assert re.match(r"SELECT subsystem, trend, owner, ", alarm.sql)


def test_contact_points_are_those_that_are_set():
    assert contact_points() == {"apiVersion": 1}
    made = contact_points(webhook="https://example.org/a$b", email="a@example.org;b@example.org")
    (point,) = made["contactPoints"]
    assert [receiver["type"] for receiver in point["receivers"]] == ["webhook", "email"]
    assert point["receivers"][0]["settings"] == {"url": "https://example.org/a$$b"}
    assert made["policies"][0]["receiver"] == point["name"]


def test_the_front_door_is_complete():
    assert all(hasattr(show, name) for name in show.__all__)
