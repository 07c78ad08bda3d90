"""Questions to OMS: how they look, how they are refused, and how an answer proves that it is whole."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from hdqm_ops.errors import BadAnswer, ConfigError, IncompleteAnswer, RequestRefused, ServiceUnavailable
from hdqm_ops.services import OMS, Filter, Row, Service


@pytest.fixture
def runs(oms, world):
    """A question for forty runs, ten a page."""
    numbers = [run.number for run in world.all_runs[100:140]]
    return oms.query("runs").between("run_number", numbers[0], numbers[-1]).fields("run_number", "hlt_key").paged(10)


def asked_pages(journal):
    return [address for _, address in journal.requests if "page[offset]" in address]


# -- how it looks ------------------------------------------------------------------------------------------------------


def test_url_can_be_looked_at_before_anything_is_sent():
    oms = OMS(Service(name="OMS", url="https://cmsoms.cern.ch/agg/api/v1"))

    url = (
        oms.query("l1algorithmtriggers")
        .fields("name", "bit")
        .filter("run_number", 324997)
        .filter("name", "L1_#&x", "like")
        .sort("bit", descending=True)
        .include("meta")
        .group("lumisection", size=10)
        .url()
    )

    assert url == (
        "https://cmsoms.cern.ch/agg/api/v1/l1algorithmtriggers?fields=name%2Cbit&filter%5Brun_number%5D%5BEQ%5D=324997"
        "&filter%5Bname%5D%5BLIKE%5D=L1_%23%26x&sort=-bit&include=meta&page%5Boffset%5D=0&page%5Blimit%5D=1000"
        "&group%5Bgranularity%5D=lumisection&group%5Bsize%5D=10"
    )
    assert oms.client.transport.requests_sent == 0


def test_pages_are_sorted_by_key_unless_told_otherwise(oms):
    assert ("sort", "run_number,lumisection_number") in oms.query("lumisections").parameters()
    assert ("sort", "-start_time") in oms.query("runs").sort("start_time", descending=True).parameters()
    assert "sort" not in dict(oms.query("lumisections").group("run").parameters())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (None, "null"),
        (3.8, "3.8"),
        (datetime(2018, 10, 21, 12, tzinfo=UTC), "2018-10-21T12:00:00Z"),
        (datetime(2018, 10, 21, 12, tzinfo=timezone(timedelta(hours=2))), "2018-10-21T10:00:00Z"),
    ],
)
def test_values_as_oms_wants_them(value, text):
    assert Filter("x", value).text() == text


@pytest.mark.parametrize("value", [datetime(2018, 10, 21), [1, 2], {"a": 1}])  # noqa: DTZ001 - that is the mistake
def test_values_that_are_none(value):
    with pytest.raises(ConfigError, match="start_time"):
        Filter("start_time", value)


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("run_number=324997", Filter("run_number", "324997")),
        (" b_field >= 3.7 ", Filter("b_field", "3.7", "GE")),
        ("hlt_key~%cosmic%", Filter("hlt_key", "%cosmic%", "LIKE")),
        ("components~~CSC", Filter("components", "CSC", "CT")),
        ("end_time=null", Filter("end_time", None)),
        ("stable_beam!=true", Filter("stable_beam", value=True, operator="NEQ")),
        ("hlt_key=a=b", Filter("hlt_key", "a=b")),
    ],
)
def test_filters_as_typed(text, item):
    assert Filter.parse(text) == item


@pytest.mark.parametrize("text", ["", "run_number", "=3", "run number=3"])
def test_what_is_typed_and_no_filter(text):
    with pytest.raises(ConfigError, match="is no filter: write field"):
        Filter.parse(text)


def test_unknown_operator():
    with pytest.raises(ConfigError, match="OMS knows no operator 'IN'; it is one of EQ, NEQ"):
        Filter("run_number", 1, "IN")


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "found"),
    [
        (lambda query: query.fields("fil_number"), "no field 'fil_number'; did you mean fill_number?"),
        (lambda query: query.filter("run_numbre", 1), "no filter on 'run_numbre'; did you mean run_number?"),
        (lambda query: query.sort("start_tme"), "no sort by 'start_tme'; did you mean start_time?"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(oms, journal, build, found):
    with pytest.raises(RequestRefused, match=rf"OMS, runs: {found.replace('?', '.')}"):
        build(oms.query("runs")).rows()

    assert asked_pages(journal) == []


def test_names_are_asked_for_once(oms, runs, journal):
    runs.rows()
    runs.rows()

    assert [address for _, address in journal.requests].count("/agg/api/v1/runs/meta") == 1


def test_a_list_that_cannot_be_had_does_not_widen_the_question(oms, runs, faults, journal):
    faults.add("server_error", path="/meta")

    with pytest.raises(ServiceUnavailable):
        runs.rows()

    assert asked_pages(journal) == []


def test_without_a_list_of_names_oms_and_the_answer_decide(oms, runs, faults, caplog):
    faults.add("no_fields")

    assert len(runs.rows()) == 40
    assert "OMS does not list the fields of runs" in caplog.text
    with pytest.raises(RequestRefused, match="HTTP 400"):
        runs.filter("nix", 1).rows()


def test_unchecked_names_are_left_to_oms(oms):
    with pytest.raises(RequestRefused, match="HTTP 400: runs has no attribute 'nix'"):
        oms.query("runs").fields("nix").unchecked().rows()


def test_unknown_resource(oms):
    with pytest.raises(RequestRefused, match="HTTP 404: resource 'nix' does not exist"):
        oms.query("nix").unchecked().rows()


# -- whole answers -----------------------------------------------------------------------------------------------------


def test_all_pages_come(runs, world, journal):
    table = runs.rows()

    assert [row["run_number"] for row in table] == [run.number for run in world.all_runs[100:140]]
    assert set(table[0]) == {"run_number", "hlt_key"}
    assert len(asked_pages(journal)) == 4


def test_pages_that_the_server_makes_smaller(runs, services, world):
    services.simulation.page_cap = 7
    try:
        assert len(runs.rows()) == 40
    finally:
        services.simulation.page_cap = None


@pytest.mark.parametrize("times", [1, None])
def test_short_pages_lose_nothing(runs, faults, times):
    faults.add("short_page", times=times, path="page[offset]=10")

    assert len(runs.rows()) == 40


def test_a_short_last_page_is_asked_for_again(runs, faults, journal):
    faults.add("short_page", times=1, path="page[offset]=30")

    assert len(runs.rows()) == 40
    assert len(asked_pages(journal)) == 8


def test_a_last_page_that_stays_short_is_an_error(runs, faults):
    faults.add("short_page", path="page[offset]=30")

    with pytest.raises(IncompleteAnswer, match="35 rows came of the 40 that OMS counts"):
        runs.rows()


def test_rows_that_come_in_between_are_noticed(runs, faults):
    faults.add("rows_inserted", times=1)

    assert len(runs.rows()) == 40


def test_rows_that_keep_coming_in_are_an_error(runs, faults):
    faults.add("rows_inserted")

    with pytest.raises(IncompleteAnswer, match="OMS counted 40 rows, and 41 a page later"):
        runs.rows()


def test_rows_that_come_twice_are_noticed_where_nothing_is_counted(runs, faults):
    faults.add("no_count")
    faults.add("rows_inserted")

    with pytest.raises(IncompleteAnswer, match=r"row \d+ came twice"):
        runs.rows()


def test_without_a_count_an_empty_page_is_the_end(runs, faults, journal):
    faults.add("no_count")

    assert len(runs.rows()) == 40
    assert len(asked_pages(journal)) == 5


def test_without_a_count_a_short_last_page_is_noticed(runs, faults):
    faults.add("no_count")
    faults.add("short_page", path="page[offset]=30", times=1)

    assert len(runs.rows()) == 40


def test_rows_that_nobody_asked_for_are_an_error(runs, faults):
    faults.add("wrong_rows")

    with pytest.raises(BadAnswer, match=r"row \d+ has run_number=\d+, though run_number GE \d+ was asked for"):
        runs.rows()


def test_an_ignored_filter_is_noticed_though_its_field_was_not_asked_for(oms, faults):
    faults.add("wrong_rows")

    with pytest.raises(BadAnswer, match="has sequence='PRIVATE-GLOBAL-CALO', though sequence EQ GLOBAL-RUN"):
        oms.query("runs").filter("sequence", "GLOBAL-RUN").fields("hlt_key").rows()


@pytest.mark.parametrize("text", ["[]", '{"errors": []}', '{"data": 5}', '{"data": [{"id": 1}]}', '{"data": [null]}'])
def test_what_is_no_page_is_a_bad_answer(text):
    import json

    from hdqm_ops.services._oms_query import read_page

    with pytest.raises(BadAnswer, match="no page of rows"):
        read_page("runs", json.loads(text), "GET /runs", 10)


def test_an_empty_answer_is_whole(oms):
    assert len(oms.query("runs").between("run_number", 1, 2).rows()) == 0


def test_first_rows_only(oms, journal):
    assert len(oms.query("runs").first(25).rows) == 25
    assert len(oms.query("runs").paged(10).first(25).rows) == 25
    assert len(oms.query("runs").filter("run_number", 1).first(3).rows) == 0


def test_count(oms, runs, faults):
    assert runs.count() == 40
    faults.add("no_count")
    assert runs.count() == 40


def test_one_row_by_its_identifier(oms, lit_run):
    assert oms.one("lumisections", f"{lit_run.number}_2")["lumisection_number"] == 2
    assert oms.one("runs", 1) is None


def test_an_object_in_place_of_a_list_is_one_row(oms, lit_run):
    table = oms.query("datasetrates/datasets").filter("run_number", lit_run.number).rows()

    assert "SingleMuon" in table[0]["dataset_names"]


# -- filters against rows ----------------------------------------------------------------------------------------------

ROW = Row(
    "runs",
    "1",
    {
        "run_number": 5,
        "b_field": 3.7999999,
        "stable_beam": True,
        "hlt_key": "/cdaq/physics/V2",
        "end_time": None,
        "start_time": "2018-10-21T12:00:00Z",
        "components": ["DT"],
    },
)


@pytest.mark.parametrize(
    ("item", "broken"),
    [
        (Filter("run_number", 5), False),
        (Filter("run_number", "5"), False),
        (Filter("run_number", 6), True),
        (Filter("run_number", 5, "LT"), True),
        (Filter("run_number", 5, "LE"), False),
        (Filter("run_number", 4, "GT"), False),
        (Filter("run_number", 5, "NEQ"), True),
        (Filter("run_number", 6, "NEQ"), False),
        (Filter("b_field", 3.79999990000001), False),
        (Filter("stable_beam", value=True), False),
        (Filter("stable_beam", "false"), True),
        (Filter("hlt_key", "%physics%", "LIKE"), False),
        (Filter("hlt_key", "%PHYSICS%", "LIKE"), False),
        (Filter("hlt_key", "physics%", "LIKE"), True),
        (Filter("hlt_key", "cosmics", "CT"), True),
        (Filter("hlt_key", "physics", "CT"), False),
        (Filter("end_time", None), False),
        (Filter("end_time", None, "NEQ"), True),
        (Filter("start_time", None), True),
        (Filter("end_time", "2018-01-01T00:00:00Z", "GE"), True),
        (Filter("start_time", datetime(2018, 10, 21, tzinfo=UTC), "GE"), False),
        (Filter("start_time", datetime(2018, 10, 22, tzinfo=UTC), "GE"), True),
        (Filter("start_time", "last"), False),  # OMS has words for times: they cannot be checked
        (Filter("components", "CSC"), False),  # nobody says what that means
        (Filter("elsewhere", 1), False),
    ],
    ids=str,
)
def test_filter_against_row(item, broken):
    assert item.broken_by(ROW) == broken
