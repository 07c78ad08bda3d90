import io
import math
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree as ET

import numpy as np
import psycopg
import pytest
from fix_api import served
from loading import ingest, make_file, make_trend

from hdqm_ops import load
from hdqm_ops.api import create_app
from hdqm_ops.model import Axis, Histogram
from hdqm_ops.settings import Settings

RUNS = (325000, 325001)
NAMES = {"subsystem": "Tracker", "primary_dataset": "SingleMuon", "processing": "PromptReco"}
EDGES = np.array([0.5, 1.0, 2.0, 4.0, 10.0])


def kinds(seed):
    """One of each that has a picture, and one that has none."""
    random = np.random.default_rng(seed)
    labelled = Axis(4, 0.0, 4.0, labels={1: "B+1", 2: "<&>", 4: "$x_{2}$"}, title="#phi [rad]")
    edged = Axis(4, 0.5, 10.0, EDGES)
    plain = Axis(5, -1.0, 1.0, title="x")
    one = random.poisson(50, 6).astype(np.float32)
    weights = random.poisson(9, 7).astype(float)
    weights[3] = 0
    plane = random.poisson(3, 42).astype(float)
    sums = (1.0,) * 4
    return {
        "TH1F": Histogram("TH1F", "h1", (labelled,), one, 300.0, sums, title="a $ title <b>"),
        "TH1D weighted": Histogram("TH1D", "h2", (edged,), one.astype(float), 9.0, sums, sumw2=one.astype(float) * 2),
        "TProfile": Histogram(
            "TProfile", "p1", (plain,), weights * 2.5, 50.0, (1.0,) * 6, weights * 7.0, weights, error_mode=""
        ),
        "TProfile s": Histogram(
            "TProfile", "p2", (plain,), weights * 2.5, 50.0, (1.0,) * 6, weights * 7.0, weights, error_mode="s"
        ),
        "TProfile i": Histogram(
            "TProfile", "p3", (plain,), weights * 2.0, 50.0, (1.0,) * 6, weights * 4.0, weights, weights, error_mode="i"
        ),
        "TProfile g": Histogram(
            "TProfile", "p4", (plain,), weights * 2.5, 50.0, (1.0,) * 6, weights * 7.0, weights, error_mode="g"
        ),
        "TH2D": Histogram("TH2D", "h2", (plain, labelled), plane, 80.0, (1.0,) * 7),
        "TProfile2D": Histogram(
            "TProfile2D", "p2", (plain, labelled), plane * 2, 80.0, (1.0,) * 9, plane * 5, plane, error_mode=""
        ),
        "empty": Histogram("TH1F", "e", (plain,), np.zeros(7, np.float32), 5.0, sums),
    }


@pytest.fixture(scope="module")
def drawn_database(make_database, migrated_template):
    with make_database(migrated_template) as url:
        trends = [make_trend(name) for name in (*kinds(1), "TH3F", "number")]
        contents = {}
        for number, run in enumerate(RUNS):
            elements = {f"Tracker/{name}": one for name, one in kinds(number).items()}
            box = tuple(Axis(2, 0.0, 1.0) for _ in range(3))
            elements["Tracker/TH3F"] = Histogram("TH3F", "b", box, np.ones(64, np.float32), 8.0, (1.0,) * 11)
            elements["Tracker/number"] = Histogram(
                "TH1F", "n", (Axis(1, 0.0, 1.0),), np.ones(3, np.float32), 1.0, (1.0,) * 4
            )
            contents[make_file(run).path] = elements
        with load.connect(url) as connection:
            load.register_files(connection, [make_file(run) for run in RUNS])
            ingest(connection, trends, contents)
        with psycopg.connect(url) as connection:
            connection.execute(
                "UPDATE hdqm.histogram SET scalar = '5', class_name = 'int', cells_real = NULL "
                "WHERE element_id = (SELECT id FROM hdqm.element WHERE path = 'Tracker/number')"
            )
        yield url


@pytest.fixture(scope="module")
def drawn(drawn_database):
    with served(create_app(Settings(database_url=drawn_database))) as client:
        yield client


@pytest.mark.parametrize("kind", kinds(1))
def test_contents_and_errors_are_those_that_sql_and_root_give(drawn, drawn_database, kind):
    answer = drawn.get("/api/v1/histograms", params=NAMES | {"trend": kind, "run": RUNS[0]}).json()
    with psycopg.connect(drawn_database) as connection:
        bins = connection.execute(
            "SELECT x_low, x_high, y_low, content, error FROM hdqm.histogram_bins('Tracker', %s, 'SingleMuon', "
            "'PromptReco', %s) ORDER BY x_low, y_low NULLS FIRST",
            [kind, RUNS[0]],
        ).fetchall()

    contents, errors = np.array(answer["contents"], float), np.array(answer["errors"], float)
    assert contents.shape == tuple(len(axis["edges"]) - 1 for axis in answer["axes"])
    np.testing.assert_allclose(contents.ravel(), [one[3] for one in bins], rtol=1e-12)
    np.testing.assert_allclose(errors.ravel(), [math.nan if one[4] is None else one[4] for one in bins], rtol=1e-12)
    assert answer["axes"][0]["edges"][:-1] == pytest.approx(sorted({one[0] for one in bins}))
    assert (answer["element"], answer["run_number"]) == (f"Tracker/{kind}", RUNS[0])


@pytest.mark.parametrize("kind", kinds(1))
def test_uhi_has_flow_and_the_storage_of_its_kind(drawn, kind):
    accept = {"Accept": "application/vnd.uhi+json"}
    answer = drawn.get("/api/v1/histograms", params=NAMES | {"trend": kind, "run": RUNS[0]}, headers=accept).json()
    truth = kinds(0)[kind]

    storage = answer["storage"]
    assert answer["uhi_schema"] == 1
    expected = "weighted_mean" if truth.is_profile else "double" if truth.sumw2 is None else "weighted"
    assert storage["type"] == expected
    np.testing.assert_allclose(storage["values"], truth.contents())
    for axis, other in zip(answer["axes"], truth.axes, strict=True):
        assert (axis["underflow"], axis["overflow"]) == (True, True)
        edges = (
            axis["edges"] if axis["type"] == "variable" else np.linspace(axis["lower"], axis["upper"], axis["bins"] + 1)
        )
        np.testing.assert_allclose(edges, other.bin_edges())
    if truth.is_profile:
        np.testing.assert_allclose(storage["sum_of_weights"], truth.grid(truth.bin_entries))
        _check_mean_errors(storage, truth)


def _check_mean_errors(storage, truth):
    """The error of a mean, as boost-histogram computes it of this storage, is ROOT's but for n against n - 1."""
    from hdqm_ops.api._histograms import bin_errors

    weights = np.array(storage["sum_of_weights"])
    many = weights > 1
    spread = np.sqrt(np.array(storage["variances"])[many] * (weights[many] - 1) / weights[many])
    if truth.error_mode == "":
        np.testing.assert_allclose(spread / np.sqrt(weights[many]), bin_errors(truth)[many])


@pytest.mark.parametrize("more", [{}, {"reference_run": RUNS[1], "normalise": "true"}, {"log": ["x", "y", "z"]}])
@pytest.mark.parametrize("kind", ["TH1F", "TProfile", "TH2D", "TProfile2D", "empty"])
def test_pictures_are_pictures_of_the_size_that_was_asked_for(drawn, kind, more):
    from PIL import Image

    asked = NAMES | {"trend": kind, "run": RUNS[0], "width": 640, "height": 400} | more
    svg = drawn.get("/api/v1/histograms", params=asked, headers={"Accept": "image/svg+xml"})
    png = drawn.get("/api/v1/histograms", params=asked, headers={"Accept": "image/png"})

    assert (svg.status_code, png.status_code) == (200, 200), svg.text
    assert ET.fromstring(svg.content).tag.endswith("svg")
    with Image.open(io.BytesIO(png.content)) as picture:
        assert picture.size == (640, 400)
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 10


def test_a_reference_changes_the_picture_and_the_same_question_does_not(drawn):
    asked = NAMES | {"trend": "TH1F", "run": RUNS[0], "format": "svg"}
    alone, again = (drawn.get("/api/v1/histograms", params=asked) for _ in range(2))
    beside = drawn.get("/api/v1/histograms", params=asked | {"reference_run": RUNS[1]})

    assert alone.headers["ETag"] == again.headers["ETag"] != beside.headers["ETag"]


def test_pictures_drawn_at_once_are_those_drawn_one_after_the_other(drawn):
    def tag(kind):
        return drawn.get("/api/v1/histograms", params=NAMES | {"trend": kind, "run": RUNS[0], "format": "svg"}).content

    names = ["TH1F", "TProfile", "TH2D"]
    alone = [tag(kind) for kind in names]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(tag, names)) == alone


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ({"trend": "TH3F", "run": RUNS[0], "format": "png"}, 406, "three dimensions"),
        ({"trend": "number", "run": RUNS[0], "format": "svg"}, 406, "number or text 5"),
        ({"trend": "TH1F", "run": 1}, 404, "no histogram is stored"),
        ({"trend": "TH1F", "run": RUNS[0], "input": "histo2"}, 404, "input histo2"),
        ({"trend": "TH1F", "run": RUNS[0], "reference_run": 1, "format": "png"}, 404, "run 1"),
        ({"run": RUNS[0], "series_id": 999_999}, 404, "there is no series 999999"),
        ({"run": RUNS[0]}, 422, "send series_id"),
        ({"trend": "TH1F", "run": RUNS[0], "width": 99999, "format": "png"}, 422, "width"),
        ({"trend": "TH1F", "run": RUNS[0], "format": "csv"}, 422, "format"),
    ],
)
def test_what_cannot_be_given_is_refused_with_a_reason(drawn, asked, status, says):
    answer = drawn.get("/api/v1/histograms", params=NAMES | asked)

    assert answer.status_code == status
    assert says in answer.json()["detail"]


def test_a_number_is_given_as_a_number(drawn):
    answer = drawn.get("/api/v1/histograms", params=NAMES | {"trend": "number", "run": RUNS[0]}).json()

    assert (answer["value"], answer["class_name"]) == (5, "int")
