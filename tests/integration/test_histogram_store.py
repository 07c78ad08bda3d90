"""Histograms come back as they went in, bit by bit; SQL sees ROOT's contents and errors."""

from pathlib import Path

import numpy as np
import pytest
from loading import make_file, make_histogram, make_trend

from hdqm_ops import extract, load
from hdqm_ops.load import FileResult, Scope
from hdqm_ops.load._sql import query
from hdqm_ops.model import Axis, ElementProblem, Histogram, Measurement, Outcome, Reason, Scalar

DATA = Path(__file__).parent.parent / "data"
TYPES = {"C": np.int8, "S": np.int16, "I": np.int32, "L": np.int64, "F": np.float32, "D": np.float64}


def facts(content):
    """Everything that a content is made of, arrays as their type and bytes."""
    if not isinstance(content, Histogram):
        return content
    axes = [
        {
            name: _bits(value) if isinstance(value := getattr(axis, name), np.ndarray) else value
            for name in Axis.__dataclass_fields__
        }
        for axis in content.axes
    ]
    rest = {name: getattr(content, name) for name in Histogram.__dataclass_fields__ if name != "axes"}
    return axes, {name: _bits(value) if isinstance(value, np.ndarray) else value for name, value in rest.items()}


def _bits(array):
    native = array.astype(array.dtype.newbyteorder("="))
    return str(native.dtype), native.shape, native.tobytes()


@pytest.fixture
def keep(connection):
    """Stores elements as those of one file; answers what comes back."""

    def store(elements):
        trends = [make_trend(f"t{at}", path) for at, path in enumerate(elements)]
        definitions = load.apply_configuration(connection, trends, whole=True).definitions
        load.register_files(connection, [make_file()])
        (work,) = load.pending(connection, Scope(mode="all"))
        ok = Outcome(Reason.OK, Measurement(1.0, 0.0), 1.0, 0)
        outcomes = dict.fromkeys(definitions.values(), ok)
        load.load_file(connection, FileResult(work, outcomes, elements, list(elements), 325000))
        return load.stored_elements(connection, work.file_id, list(elements))

    return store


def same(kept, elements):
    assert {path: facts(content) for path, content in kept.items()} == {
        path: facts(content) for path, content in elements.items()
    }


def make(letter, dimension, generator, **options):
    shape = (4, 3, 2)[:dimension]
    size = int(np.prod([n + 2 for n in shape]))
    axes = tuple(Axis(n, -1.5, 2.0 + n) for n in shape)
    cells = (generator.normal(0, 50, size)).astype(TYPES[letter])
    return Histogram(f"TH{dimension}{letter}", "h", axes, cells, 17.5, tuple(generator.normal(size=4)), **options)


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("letter", TYPES)
def test_every_class_comes_back(keep, letter, dimension):
    generator = np.random.default_rng(7)
    plain = make(letter, dimension, generator)
    weighted = make(letter, dimension, generator, sumw2=generator.random(len(plain.cells)), title="ü")
    zero = Histogram(plain.class_name, "z", plain.axes, np.zeros_like(plain.cells), 0.0, (0.0,) * 4)
    zero_weighted = Histogram(
        plain.class_name, "w", plain.axes, np.zeros_like(plain.cells), 0.0, (), sumw2=np.zeros(len(plain.cells))
    )
    elements = {"X/plain": plain, "X/weighted": weighted, "X/zero": zero, "X/zero weighted": zero_weighted}

    kept = keep(elements)

    same(kept, elements)
    assert not kept["X/plain"].cells.flags.writeable


@pytest.mark.parametrize("dimension", [1, 2])
@pytest.mark.parametrize("mode", ["", "s", "i", "g"])
def test_profiles_come_back(keep, mode, dimension):
    generator = np.random.default_rng(8)
    base = make("D", dimension, generator)
    size = len(base.cells)
    options = {"error_mode": mode, "sumw2": generator.random(size), "bin_entries": generator.random(size)}
    name = "TProfile" if dimension == 1 else "TProfile2D"
    elements = {
        "X/plain": Histogram(name, "p", base.axes, base.cells, 3.0, base.sums, **options),
        "X/weighted": Histogram(
            name, "p", base.axes, base.cells, 3.0, base.sums, **options, bin_sumw2=generator.random(size)
        ),
    }

    same(keep(elements), elements)


def test_unusual_axes_and_numbers_come_back(keep):
    edges = np.array([0.0, 0.1, 0.30000000000000004, 7.0])
    axis = Axis(
        3,
        0.0,
        7.0,
        edges,
        {1: "a", 3: "ü '\"\\"},
        first=2,
        last=3,
        ranged=True,
        extendable=True,
        title="x",
        flow_counted=True,
    )
    odd = np.array([-0.0, np.inf, -np.inf, np.nan, 5e-324])
    minus_zero = np.array([0.0, 0.0, -0.0, 0.0, 0.0])
    elements = {
        "X/odd": Histogram("TH1D", "n", (axis,), odd, np.inf, (1e308, 0.1), maximum=-0.0, minimum=1e-300),
        "X/minus": Histogram("TH1D", "n", (axis,), minus_zero, 0.0, (), sumw2=odd),
        "X/big endian": Histogram("TH1F", "n", (axis,), odd.astype(">f4"), 0.0, ()),
    }

    same(keep(elements), elements)


def test_scalars_and_problems_come_back(keep):
    elements = {
        "X/int": Scalar("int", 2**60 + 1),
        "X/float": Scalar("float", 0.1),
        "X/infinite": Scalar("infinite", float("-inf")),
        "X/text": Scalar("text", "a=5</x> ü \n"),
        "X/empty": Scalar("empty", ""),
        "X/broken": ElementProblem(Reason.ELEMENT_UNREADABLE, "found nothing at byte 7"),
    }

    assert keep(elements) == elements


def test_what_is_no_character_is_replaced(keep):
    cells = np.zeros(3, np.float32)
    odd = Histogram("TH1F", "n\0m", (Axis(1, 0.0, 1.0, labels={1: "a\0"}, title="\udcff"),), cells, 0.0, (), title="\0")

    kept = keep({"X/odd": odd})["X/odd"]

    assert (kept.name, kept.title, kept.axes[0].labels, kept.axes[0].title) == (
        "n\ufffdm",
        "\ufffd",
        {1: "a\ufffd"},
        "?",
    )


def test_absent_elements_stay_absent(keep, connection):
    keep({"X/a": Scalar("a", 1)})

    assert load.stored_elements(connection, 1, ["X/b", "X/c"]) == {}
    assert load.stored_elements(connection, 99, ["X/a"]) == {}


@pytest.fixture
def many_files(connection):
    """Ids of files with many monitor elements each, that the planner knows the number of."""
    trends = [make_trend(f"t{at}") for at in range(60)]
    definitions = load.apply_configuration(connection, trends, whole=True).definitions
    load.register_files(connection, [make_file(325000 + at) for at in range(30)])
    works = load.pending(connection, Scope(mode="all"))
    outcomes = dict.fromkeys(definitions.values(), Outcome(Reason.OK, Measurement(1.0, 0.0), 1.0, 0))
    elements = {f"Tracker/t{at}": make_histogram(at) for at in range(60)}
    for work in works:
        load.load_file(connection, FileResult(work, outcomes, elements, list(elements), work.file.run_number))
    connection.execute("ANALYZE hdqm.histogram")
    return [work.file_id for work in works]


def scans(plan):
    """What is read of tables, below a node of a plan."""
    if plan.get("Relation Name", "").startswith("_hyper"):
        yield plan
    for below in plan.get("Plans", ()):
        yield from scans(below)


def rows_read(scan):
    return (scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)) * scan["Actual Loops"]


def test_one_element_of_many_files_is_read_without_the_others(connection, many_files):
    (element,) = connection.execute("SELECT id FROM hdqm.element WHERE path = 'Tracker/t7'").fetchone()
    asked = {"file_ids": many_files, "elements": [element], "first": 325000, "last": 325029}

    text = b"EXPLAIN (ANALYZE, FORMAT JSON) " + query("histograms", "stored")
    ((answer,),) = connection.execute(text, asked).fetchall()

    assert sum(map(rows_read, scans(answer[0]["Plan"]))) == len(many_files)


def test_elements_of_many_files_are_those_of_each(connection, many_files):
    paths = ["Tracker/t1", "Tracker/t2", "Tracker/none"]
    together = load.stored_elements_of_files(connection, [*many_files, 10**6], paths)

    assert together.pop(10**6) == {}
    for file_id in many_files:
        assert set(together[file_id]) == set(paths[:2])
        same(together[file_id], load.stored_elements(connection, file_id, paths))


@pytest.mark.parametrize("path", sorted(DATA.glob("**/*.root")), ids=lambda path: path.stem[:24])
def test_histograms_written_by_root_come_back(keep, path):
    elements = dict(extract.read_file(path, extract.list_elements(path)).elements)
    assert len(elements) > 30

    same(keep(elements), elements)


def test_empty_histograms_take_no_room(keep, connection):
    big = Histogram("TH2F", "n", (Axis(1000, 0.0, 1.0), Axis(100, 0.0, 1.0)), np.zeros(1002 * 102, np.float32), 0.0, ())

    same(keep({"X/big": big}), {"X/big": big})
    assert connection.execute("SELECT sum(pg_column_size(h.*)) FROM hdqm.histogram h").fetchone()[0] < 300


def test_arrays_are_compressed_by_lz4(keep, connection):
    steps = Histogram("TH1D", "n", (Axis(9998, 0.0, 1.0),), np.repeat(np.arange(10.0), 1000), 0.0, ())

    keep({"X/steps": steps})

    assert connection.execute("SELECT pg_column_compression(cells_double) FROM hdqm.histogram").fetchone() == ("lz4",)


# -- bins for drawing --------------------------------------------------------------------------------------------------


def bins(connection, trend="t0", **more):
    extra = "".join(f", {name} => '{value}'" for name, value in more.items())
    return connection.execute(
        f"SELECT * FROM hdqm.histogram_bins('Tracker', %s, 'SingleMuon', 'PromptReco', 325000{extra})", [trend]
    ).fetchall()


def test_bins_of_one_dimension(keep, connection):
    cells = np.array([9, 4, 0, -16, 9], np.float32)

    keep({"X/a": Histogram("TH1F", "h", (Axis(3, 0.0, 0.3),), cells, 4.0, ())})

    assert bins(connection) == [
        (0.0, pytest.approx(0.1), None, None, 4.0, 2.0),
        (pytest.approx(0.1), pytest.approx(0.2), None, None, 0.0, 0.0),
        (pytest.approx(0.2), 0.3, None, None, -16.0, 4.0),
    ]


def test_bins_with_stored_errors_and_edges(keep, connection):
    axis = Axis(2, 0.0, 10.0, np.array([0.0, 1.0, 10.0]))

    keep({"X/a": Histogram("TH1D", "h", (axis,), np.arange(4.0), 4.0, (), sumw2=np.array([0.0, 9.0, 0.25, 0.0]))})

    assert bins(connection) == [(0.0, 1.0, None, None, 1.0, 3.0), (1.0, 10.0, None, None, 2.0, 0.5)]


def test_bins_of_two_dimensions_run_along_x_first(keep, connection):
    cells = np.arange(4 * 5, dtype=np.int16)

    keep({"X/a": Histogram("TH2S", "h", (Axis(2, 0.0, 2.0), Axis(3, -3.0, 0.0)), cells, 4.0, ())})

    assert [row[:5] for row in bins(connection)] == [
        (0.0, 1.0, -3.0, -2.0, 5.0),
        (1.0, 2.0, -3.0, -2.0, 6.0),
        (0.0, 1.0, -2.0, -1.0, 9.0),
        (1.0, 2.0, -2.0, -1.0, 10.0),
        (0.0, 1.0, -1.0, 0.0, 13.0),
        (1.0, 2.0, -1.0, 0.0, 14.0),
    ]


def test_an_empty_histogram_has_bins_of_zero(keep, connection):
    keep({"X/a": Histogram("TH1F", "h", (Axis(2, 0.0, 2.0),), np.zeros(4, np.float32), 0.0, ())})

    assert [row[4:] for row in bins(connection)] == [(0.0, 0.0), (0.0, 0.0)]


# ROOT 6.40: TProfile p("p", "", 4, 0, 4, option); Sumw2(); Fill(x, y, w) of these; contents and errors that it gives.
FILLS = [(0.5, 1, 1), (0.5, 2, 1), (0.5, 4, 1), (1.5, 3, 2), (1.5, 5, 0.5), (2.5, 7, 1), (2.5, 7, 1)]
ROOT_PROFILE = {
    "": [(2.3333333333333335, 0.7200822998230954), (3.4, 0.659696900098826), (7.0, 0.0), (0.0, 0.0)],
    "s": [(2.3333333333333335, 1.2472191289246466), (3.4, 0.8000000000000004), (7.0, 0.0), (0.0, 0.0)],
    "i": [(2.3333333333333335, 0.7200822998230954), (3.4, 0.659696900098826), (7.0, 0.20412414523193154), (0.0, 0.0)],
    "g": [(2.3333333333333335, 0.5773502691896258), (3.4, 0.6324555320336759), (7.0, 0.7071067811865475), (0.0, 0.0)],
}


@pytest.mark.parametrize("mode", ROOT_PROFILE)
def test_bins_of_a_profile_are_those_of_root(keep, connection, mode):
    cells, sumw2, entries, bin_sumw2 = np.zeros((4, 6))
    for x, y, w in FILLS:
        at = int(x) + 1
        cells[at] += w * y
        sumw2[at] += w * y * y
        entries[at] += w
        bin_sumw2[at] += w * w
    options = {"sumw2": sumw2, "bin_entries": entries, "bin_sumw2": bin_sumw2, "error_mode": mode}

    keep({"X/a": Histogram("TProfile", "p", (Axis(4, 0.0, 4.0),), cells, 7.0, (), **options)})

    for (*_, content, error), expected in zip(bins(connection), ROOT_PROFILE[mode], strict=True):
        assert (content, error) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_other_inputs_and_alternatives(connection):
    from dataclasses import replace

    from hdqm_ops.model import Alternative, MetricCall

    first = Alternative(MetricCall("basic.Mean"), {"main": ("X/absent",)})
    second = Alternative(MetricCall("basic.Mean"), {"main": ("X/none", "X/b"), "histo1": ("X/c",)})
    trend = replace(make_trend("t0"), alternatives=(first, second))
    load.apply_configuration(connection, [trend], whole=True)
    load.register_files(connection, [make_file()])
    (work,) = load.pending(connection, Scope())
    elements = {
        path: Histogram("TH1F", "h", (Axis(1, 0.0, 1.0),), np.array([0, n, 0], np.float32), 1.0, ())
        for n, path in enumerate(["X/b", "X/c"], 1)
    }
    outcome = Outcome(Reason.OK, Measurement(1.0, 0.0), 1.0, 1)
    load.load_file(
        connection,
        FileResult(work, {work.definitions["Tracker/t0"]: outcome}, elements, trend.monitor_elements, 325000),
    )

    assert [row[4] for row in bins(connection)] == [1.0]
    assert [row[4] for row in bins(connection, input="histo1")] == [2.0]
    assert bins(connection, input="reference") == []
    assert bins(connection, trend="unknown") == []


def test_what_cannot_be_drawn_is_refused(keep, connection):
    from psycopg import errors

    axis = Axis(1, 0.0, 1.0)
    keep({"X/a": Histogram("TH3F", "h", (axis, axis, axis), np.zeros(27, np.float32), 0.0, ())})

    with pytest.raises(errors.InvalidParameterValue, match="TH3F: three dimensions"):
        bins(connection)
    with pytest.raises(errors.InvalidParameterValue, match="no input 'side'; there are main, histo1"):
        bins(connection, input="side")
