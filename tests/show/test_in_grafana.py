"""Every dashboard in a real Grafana and a real browser: no fault, marks drawn, links that lead on when clicked."""

import re
import time
from threading import Thread
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from hdqm_ops import load
from hdqm_ops.show import ALARMS
from hdqm_ops.show._queries import SELECTION_NOTE

pytestmark = [pytest.mark.grafana, pytest.mark.slow]

CHARGE = "var-subsystem=Pixel&var-panel=group:Cluster%20charge%20by%20layer"
EVERYTHING = "".join(f"&var-options={name}" for name in ("fills", "errors", "mean", "range", "duration", "luminosity"))
AXES = ["even", "number", "date", "duration", "luminosity"]


@pytest.mark.parametrize(
    "path",
    [
        "/d/hdqm-home",
        "/d/hdqm-trends?var-subsystem=Pixel",
        "/d/hdqm-trends?var-subsystem=HCAL&var-show=trends&var-per_page=4&var-page=2",
        "/d/hdqm-trends?var-subsystem=Pixel&var-mode=golden&var-runs=Cert_2018_Golden",
        "/d/hdqm-trends?var-subsystem=Pixel&var-mode=where&var-runs=duration_s%20%3E%205000&var-class=Collisions18",
        f"/d/hdqm-trend?{CHARGE}",
        "/d/hdqm-run?var-subsystem=Pixel&var-run=324358&var-series=charge_layer1",
        "/d/hdqm-run?var-subsystem=Pixel",
        "/d/hdqm-correlation?var-subsystem=Pixel&var-x=charge_layer1&var-y=charge_layer2&var-z=OMS%20duration",
        "/d/hdqm-runs?var-find=721",
        "/d/hdqm-coverage",
        "/d/hdqm-coverage?var-subsystem=Pixel&var-run=324354",
        "/d/hdqm-pipeline",
    ],
)
def test_every_page_opens_without_a_fault(browse, path):
    page = browse(f"{path}{'&' if '?' in path else '?'}kiosk")
    assert page.faults() == []
    assert page.page.locator("[data-testid*='Panel header'], section[data-testid*='Panel']").count() > 1


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("drawn", ["&var-options=fills", EVERYTHING, "&var-options=outliers&var-oms=L1%20rate"])
def test_marks_are_drawn_on_every_axis(browse, axis, drawn):
    page = browse(f"/d/hdqm-trend?{CHARGE}&var-axis={axis}{drawn}")
    assert page.faults() == []
    assert page.marks()[0] > 300
    if "mean" not in drawn:  # the RMS of that line is zero
        assert page.page.get_by_text("0 e", exact=True).count() == 0  # no gap became one
    assert page.page.get_by_text("charge_layer4").count() > 0


@pytest.mark.parametrize("axis", AXES)
def test_a_page_of_plots_follows_the_axis(browse, axis):
    page = browse(f"/d/hdqm-trends?var-subsystem=Pixel&var-axis={axis}&var-per_page=4")
    assert page.faults() == []
    assert len(page.marks()) == 4
    assert min(page.marks()) > 50


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("var-mode=list&var-runs=5", "No run matches: list 5"),
        ("var-mode=range&var-runs=nonsense", "cannot read"),
        ("var-search=nothing%20like%20it", "has 'nothing like it' in its name or title"),
    ],
)
def test_an_empty_page_says_why(browse, query, said):
    page = browse(f"/d/hdqm-trends?var-subsystem=Pixel&{query}")
    assert page.faults() == []
    assert page.page.get_by_text(re.compile(re.escape(said))).count() > 0


def test_variables_are_chained(browse):
    page = browse("/d/hdqm-trends?var-subsystem=Pixel&var-pd=StreamExpress")
    assert parse_qs(urlsplit(page.page.url).query)["var-processing"] == ["Express"]
    assert page.faults() == []


def test_from_a_point_to_its_run_to_its_histogram_to_the_dqm_gui(browse):
    """By clicking, as a shifter does."""
    page = browse(
        "/d/hdqm-trend?var-subsystem=Pixel&var-panel=trend:dead_rocs_layer1&var-mode=list&var-runs=324354%20324358"
    )
    plot = page.page.locator(".u-over").first
    box = plot.bounding_box()
    link = page.page.get_by_text(re.compile(r"^Run 3243\d\d: facts, histogram, links"))
    for step in range(1, 40):  # the mark is where its value is: go down a column until the tooltip knows it
        plot.click(position={"x": box["width"] * 0.745, "y": box["height"] * step / 40})
        if link.count():
            break
        page.page.keyboard.press("Escape")
    link.first.click()
    page.settle()
    query = parse_qs(urlsplit(page.page.url).query)
    assert "/d/hdqm-run" in page.page.url
    assert query["var-run"][0] in ("324354", "324358")
    assert query["var-series"][0].translate({0x200B: None, 0x200C: None}) == "dead_rocs_layer1"
    gui = page.page.get_by_role("link", name=re.compile("^DQM GUI: ")).first
    gui.wait_for()
    address = gui.get_attribute("href")
    assert f"runnr={query['var-run'][0]};dataset=/SingleMuon/Run2018D-PromptReco-v2/DQMIO" in address
    assert page.faults() == []


def test_a_page_of_a_subsystem_opens_at_it(browse):
    page = browse("/d/hdqm-trends-Pixel?var-per_page=4")
    assert page.faults() == []
    assert page.page.get_by_text(re.compile("of Pixel in SingleMuon / PromptReco")).count() > 0
    assert min(page.marks()) > 50


@pytest.mark.parametrize("third", ["", "&var-z=OMS%20duration", "&var-z=OMS%20energy"])
def test_a_correlation_has_marks_whatever_gives_their_size(browse, third):
    """A third quantity that is the same in all runs, or none, leaves nothing to scale by."""
    page = browse(f"/d/hdqm-correlation?var-subsystem=Pixel&var-x=charge_layer1&var-y=charge_layer2{third}")
    assert page.faults() == []
    assert page.marks()[0] > 300


def test_a_map_is_drawn_without_gaps(browse):
    page = browse("/d/hdqm-run?var-subsystem=Pixel&var-run=324358&var-series=charge_layer1")
    assert page.faults() == []
    assert max(page.marks()) > 30_000


def test_searching_and_paging_by_hand(browse):
    """By typing and clicking, as a shifter does."""
    page = browse("/d/hdqm-trends?var-subsystem=Pixel&var-show=trends&var-per_page=4")
    assert page.page.get_by_text("8 plots, page 1 of 2.").count() == 1
    page.page.locator('[data-testid$="link text 1-input"]').click()
    page.page.get_by_role("option", name="2", exact=True).click()
    page.settle()
    assert page.page.get_by_text("8 plots, page 2 of 2.").count() == 1
    box = page.page.get_by_test_id("autosize-input").nth(1)  # the first one is that of the runs
    box.fill("layer2")
    box.press("Enter")
    page.settle()
    assert parse_qs(urlsplit(page.page.url).query)["var-search"] == ["layer2"]
    assert page.page.get_by_text(re.compile(r"\b[12] plots?, page 1 of 1")).count() == 1
    assert page.faults() == []


def test_from_home_to_the_trends_of_a_subsystem(browse):
    page = browse("/d/hdqm-home")
    page.page.get_by_role("link", name="Pixel", exact=True).first.click()
    page.settle()
    query = parse_qs(urlsplit(page.page.url).query)
    assert (query["var-subsystem"], query["var-pd"], query["var-processing"]) == (
        ["Pixel"],
        ["SingleMuon"],
        ["PromptReco"],
    )
    assert page.faults() == []
    assert max(page.marks()) > 50


def test_to_the_run_before_and_to_the_next(browse):
    page = browse("/d/hdqm-run?var-subsystem=Pixel&var-run=324358&var-series=charge_layer1")
    for label, run in (("324354", "324354"), ("324358", "324358"), ("none", "324358")):
        page.page.get_by_role("link", name=label, exact=True).first.click()
        page.settle()
        assert parse_qs(urlsplit(page.page.url).query)["var-run"] == [run]
        assert page.faults() == []


def test_links_to_other_pages_keep_the_choice(browse):
    page = browse("/d/hdqm-trends?var-subsystem=Tracking&var-pd=ZeroBias&var-axis=number")
    page.page.get_by_role("link", name="Correlation").first.click()
    page.settle()
    query = parse_qs(urlsplit(page.page.url).query)
    assert (query["var-subsystem"], query["var-pd"]) == (["Tracking"], ["ZeroBias"])


def test_the_choice_goes_through_pages_that_have_no_box_for_it(browse):
    """Each page is loaded anew: Grafana remembers a dashboard as it was left."""
    page = browse("/d/hdqm-trends?var-subsystem=Tracking&var-pd=ZeroBias&var-axis=number&var-runs=7&var-options=errors")
    for title in ("Run", "Runs and fills", "Coverage", "Pipeline", "Trends"):
        page.page.get_by_role("link", name=title, exact=True).first.click()
        page.settle()
        query = parse_qs(urlsplit(page.page.url).query)
        chosen = [query[f"var-{name}"] for name in ("subsystem", "pd", "processing", "axis", "runs", "options")]
        assert chosen == [["Tracking"], ["ZeroBias"], ["PromptReco"], ["number"], ["7"], ["errors"]], title
        page.page.goto(page.page.url)
        page.settle()
    assert page.page.get_by_text(re.compile("^7 runs, .* of Tracking in ZeroBias")).count() == 1
    assert page.faults() == []


def test_from_the_coverage_of_all_to_a_missing_trend_and_to_the_trends_of_one(browse):
    page = browse("/d/hdqm-coverage?var-run=324354&var-dataset=SingleMuon%20/%20PromptReco")
    page.page.set_viewport_size({"width": 1600, "height": 2500})  # panels out of view are not asked for
    page.settle()
    link = page.page.locator('a[href*="var-panel=trend:"]').first
    trend = link.inner_text()
    link.click()
    page.settle()
    query = parse_qs(urlsplit(page.page.url).query)
    assert (query["var-panel"], query["var-pd"]) == ([f"trend:{trend}"], ["SingleMuon"])
    assert max(page.marks()) > 50
    page.page.goto(page.page.url.partition("/d/")[0] + "/d/hdqm-coverage")
    page.settle()
    page.page.get_by_role("link", name="Trends", exact=True).first.click()
    page.settle()
    assert parse_qs(urlsplit(page.page.url).query)["var-subsystem"] != ["all"]
    assert page.faults() == []
    assert max(page.marks()) > 50


def test_addresses_are_opened_as_the_database_has_written_them(browse, ask):
    page = browse("/d/hdqm-pipeline")
    [last] = ask("SELECT url FROM hdqm.dag_overview() WHERE dag_id = 'hdqm_sync_oms'")
    assert "%3A" in last["url"]
    assert page.page.get_by_role("link", name="hdqm_sync_oms", exact=True).first.get_attribute("href") == last["url"]


HOSTILE = [
    "'; DROP SCHEMA hdqm CASCADE; --",
    "') UNION SELECT passwd FROM pg_shadow --",
    "1; SELECT pg_sleep(100)",
    "COPY hdqm.point TO PROGRAM 'id'",
    "SET statement_timeout = 0",
    "$(id) ${__user.login} %00 \\",
    "<img src=x onerror=alert(1)>",
]


@pytest.mark.parametrize("evil", HOSTILE)
def test_what_is_written_into_an_address_changes_nothing(browse, ask, evil):
    before = ask("SELECT count(*) AS n FROM hdqm.trend_points")
    boxes = "".join(
        f"&var-{name}={quote(evil)}" for name in ("runs", "search", "added", "yrange", "page", "class", "mode")
    )
    for uid in ("trends", "trend"):
        page = browse(f"/d/hdqm-{uid}?var-subsystem=Pixel{boxes}")
        assert page.faults() == []
        assert page.page.get_by_text(re.compile("^Nothing is shown: there is no mode ")).count() == 1
    assert ask("SELECT count(*) AS n FROM hdqm.trend_points") == before


ALL_PLOTS = r"^50 runs, .* of Pixel in SingleMuon / PromptReco\. \d plots, page 1 of 1\.$"
STRANGE = {
    "trends": [
        (
            "var-search=" + quote("((((((((a*)*)*)*)*)*)*)*)*$"),
            "has '((((((((a*)*)*)*)*)*)*)*)*$' in its name or title.",
        ),
        ("var-search=" + quote("\u200b\u202e\u2066abc"), "abc' in its name or title."),
        ("var-search=%ED%A0%80%E0%A4%A", "in its name or title."),  # half a pair, half a sign
        (
            "var-search=" + quote("${subsystem} $__all [[pd]] {{x}}"),
            "has '${subsystem} $__all [[pd]] {{x}}' in its name",
        ),
        ("var-page=-1", re.compile(ALL_PLOTS)),
        ("var-page=99999999999999999999", re.compile(ALL_PLOTS)),
        ("var-per_page=1000000", re.compile(ALL_PLOTS)),
        ("var-per_page=", re.compile(ALL_PLOTS)),
        ("var-options=nonsense&var-axis=nonsense&var-show=nonsense", re.compile(ALL_PLOTS)),
        ("var-subsystem=HCAL&var-mode=latest&var-mode=range", re.compile(ALL_PLOTS)),
        ("from=nonsense&to=-1&var-nonsense=1", re.compile(ALL_PLOTS)),
        ("var-quality=nonsense", "there is no quality 'nonsense'; there are default and all"),
        ("var-pd=nonsense", "Pixel has no points in the primary dataset 'nonsense'"),
    ],
    "trend": [
        ("var-panel=nonsense", "No trend of this plot has points in this dataset"),
        ("var-added=nonsense" + "%2C" * 2000, "Not added, for no series of that name has points: nonsense."),
        ("var-yrange=-1e308..Infinity", "The y range '-1e308..Infinity' is not read: write two numbers"),
        ("var-yrange=-1e400..1e400", "The y range '-1e400..1e400' is not read: write two numbers"),
        ("var-oms=nonsense", re.compile("^50 runs, ")),
    ],
    "run": [
        ("var-series=" + "%2C" * 2000, re.compile("^No main histogram of ,{100,}")),
        ("var-run=12345678901234567890", "HDQM does not know this run"),
        ("var-run=-324358&var-reference=1e3", "HDQM does not know this run"),
        ("var-input=nonsense", "No nonsense histogram of"),
    ],
    "correlation": [("var-x=nonsense&var-z=nonsense", "No run has both: see the boxes above.")],
    "coverage": [("var-mode=list&var-runs=" + "9" * 20, "No run matches the selection, or it cannot be read.")],
    "runs": [("var-number=1000000000&var-find=" + quote("<b>"), "No run matches the search.")],
    "pipeline": [("from=0&to=99999999999999", "Points per hour")],
}


@pytest.mark.parametrize(("uid", "query", "said"), [(uid, *one) for uid, many in STRANGE.items() for one in many])
def test_a_strange_address_breaks_no_page_and_is_answered_by_a_sentence(browse, uid, query, said):
    page = browse(f"/d/hdqm-{uid}?var-subsystem=Pixel&{query}")
    assert page.faults() == []
    assert page.page.get_by_text(said if isinstance(said, re.Pattern) else re.compile(re.escape(said))).count() > 0


@pytest.fixture
def post(grafana):
    """Send SQL past the dashboards, as anybody can who may look."""
    import requests

    def send(sql):
        target = {"refId": "A", "datasource": {"uid": "hdqm-timescaledb"}, "rawSql": sql, "format": "table"}
        query = {"queries": [target], "from": "now-1h", "to": "now"}
        return requests.post(f"{grafana.address}/api/ds/query", json=query, timeout=120)

    return send


@pytest.mark.parametrize(
    "sql",
    [
        "DROP SCHEMA hdqm CASCADE",
        "SET default_transaction_read_only = off; DELETE FROM hdqm.point",
        "SELECT pg_sleep(100)",
        "COPY hdqm.point TO PROGRAM 'id'",
        "SELECT pg_read_file('/etc/passwd')",
        "CREATE TEMP TABLE mine ()",
        "SELECT lo_create(0)",
        "SELECT pg_advisory_lock(1)",
        "SET TRANSACTION READ WRITE; UPDATE hdqm.trend SET owner = 'me'",
        "SET TRANSACTION READ WRITE; SELECT hdqm.count_anew()",
        "SELECT query_to_xml('DELETE FROM hdqm.point', true, true, '')",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
        "SELECT setval('hdqm.definition_id_seq', 1)",
        "SET ROLE postgres",
        "SELECT rolpassword FROM pg_authid",
        "SELECT 'a\0b'",
    ],
)
def test_direct_questions_change_nothing(post, ask, sql):
    before = ask("SELECT count(*) AS n FROM hdqm.trend_points")
    answer = post(sql)
    assert answer.status_code >= 400, answer.text
    assert answer.elapsed.total_seconds() < 20
    assert ask("SELECT count(*) AS n FROM hdqm.trend_points") == before


@pytest.mark.parametrize("text", ["1 " * 500_000, "'" * 1_000_000, "a" * 1_000_000, "(" * 1_000_000])
@pytest.mark.parametrize("mode", ["list", "where", "golden"])
def test_a_megabyte_in_a_box_is_read_in_time(post, filled_in, mode, text):
    chosen = {"subsystem": "Pixel", "pd": "SingleMuon", "processing": "PromptReco", "class": "all", "quality": "all"}
    drawn = {"axis": "even", "search": "", "show": "groups", "page": "1", "per_page": "8"}
    answer = post(filled_in(SELECTION_NOTE, {**chosen, **drawn, "mode": mode, "runs": text}))
    assert answer.ok, answer.text[:500]
    ((said,),) = answer.json()["results"]["A"]["frames"][0]["data"]["values"]
    assert len(said) <= 500
    assert answer.elapsed.total_seconds() < 20


def test_what_lifts_its_time_out_is_ended_by_the_guard(post, filled):
    """Anybody who may look may send this; the statement timeout does not end it, the guard does."""
    loop = "DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$"
    answers = []
    asking = Thread(target=lambda: answers.append(post(f"SET statement_timeout = 0; {loop}")))
    asking.start()
    ended = []
    with load.connect(filled, role=None) as owner:
        deadline = time.monotonic() + 90
        while asking.is_alive():  # Grafana asks once or twice more, for it takes the end for a broken line
            assert time.monotonic() < deadline
            ended += load.end_long_sessions(owner, 1)
            time.sleep(0.2)
    assert {one.role for one in ended} == {"hdqm_reader"}
    assert "LOOP PERFORM 1" in ended[0].text
    assert answers[0].status_code >= 400
    assert post("SELECT 1").ok


def test_what_a_reader_changes_of_its_role_the_guard_puts_back(post, filled, reader_url):
    """PostgreSQL lets every role do it; sessions that are open go on, new ones would find another password."""
    for change in ("PASSWORD 'mine'", "SET timezone = 'Asia/Tokyo'"):
        assert post(f"BEGIN READ WRITE; ALTER ROLE hdqm_reader {change}; COMMIT").ok
    with load.connect(filled, role=None) as owner:
        settings, password = load.restore_reader(owner, 30, reader_url)
        assert settings == "put settings of hdqm_reader back: TimeZone"
        assert password == "put the password of hdqm_reader back"
    load.connect(reader_url, role=None).close()
    assert post("SELECT 1").ok


def test_the_data_source_answers_and_alarms_are_provisioned(grafana, post):
    import requests

    assert post("SELECT count(*) FROM hdqm.trends").ok
    admin = ("admin", grafana.password)
    rules = requests.get(f"{grafana.address}/api/v1/provisioning/alert-rules", auth=admin, timeout=120).json()
    assert {rule["uid"] for rule in rules} == {alarm.uid for alarm in ALARMS}
    (said,) = [rule["annotations"]["summary"] for rule in rules if rule["uid"] == "hdqm-outside"]
    assert said.startswith("{{ $labels.subsystem }}/{{ $labels.trend }}")
