import json
import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdqm_ops.config import check_report, count_codes, describe, read_selection, read_tree, render
from hdqm_ops.config._files import ConfigFile
from hdqm_ops.config._tree import _Reader
from hdqm_ops.errors import ConfigError
from hdqm_ops.model import MetricInfo


def plot(name, path="A/b", metric="basic.Mean()", title="y", more=""):
    return f"[plot:{name}]\nmetric = {metric}\nrelativePath = {path}\nyTitle = {title}\n{more}\n"


def codes(tree):
    return [problem.code for problem in tree.problems]


# -- one section -------------------------------------------------------------------------------------------------------


def test_a_section_is_read_with_all_its_keys(metrics, config_data):
    (trend,) = read_tree([config_data / "valid" / "all_keys.ini"], metrics).trends
    (alternative,) = trend.alternatives

    assert (trend.subsystem, trend.name, trend.title) == ("valid", "efficiency", "Hit efficiency of the first layer")
    assert (trend.y_title, trend.owner, trend.unit) == ("Hit efficiency", "Tracker experts", "%")
    assert (trend.low, trend.high, alternative.threshold) == (0.9, 1.0, 100)
    assert trend.description == (
        "Valid hits over valid and missing ones,\nof tracks that cross the layer.\n\nIt sinks where modules are off."
    )
    assert (alternative.metric.name, alternative.metric.version) == ("basic.PixelEfficiency", 2)
    assert alternative.paths == {
        "main": ("Tracker/Hits/valid", "Tracker/OldHits/valid"),
        "histo1": ("Tracker/Hits/missing", "Tracker/OldHits/missing"),
    }


def test_the_subsystem_is_the_folder_and_not_the_path(write_tree, metrics):
    tree = read_tree([write_tree({"HCAL/a.ini": plot("a", "Hcal/DigiTask/x")})], metrics)

    assert tree.trends[0].key == "HCAL/a"
    assert tree.subsystems == {"HCAL": 1}


@pytest.mark.parametrize("name", ["plot", "potlot", "t", "l_t", "pixelEfficiency_L1", "o+-_9", ":"])
def test_the_prefix_is_removed_and_no_letters_with_it(write_tree, metrics, name):
    tree = read_tree([write_tree({"S/a.ini": plot(name)})], metrics)

    assert [trend.name for trend in tree.trends] == ([name] if name != ":" else [])


def test_a_metric_that_appears_is_another_definition(write_tree, metrics):
    folder = write_tree({"S/a.ini": plot("a", metric="fits.LanGau(0)") + plot("b")})
    later = metrics | {"fits.LanGau": replace(metrics["fits.LanGau"], available=True)}
    (absent, same), (present, still) = (read_tree([folder], known).trends for known in (metrics, later))

    assert absent.definition_hash() != present.definition_hash()  # so that the gaps it left are computed
    assert same.definition_hash() == still.definition_hash()


def test_an_argument_too_much_is_dropped_from_the_definition(write_tree, metrics):
    four, five = "fits.LandauAroundMax(0,0.8,1.4,60000)", "fits.LandauAroundMax(0, 0.8, 1.4, 60000,15000)"
    tree = read_tree([write_tree({"S/a.ini": plot("a", metric=four) + plot("b", "A/c", metric=five)})], metrics)

    a, b = tree.trends
    assert a.alternatives[0].metric == b.alternatives[0].metric
    assert "extra-argument" in codes(tree)


def test_slashes_in_front_are_dropped_from_the_element_and_kept_in_what_was_written(write_tree, metrics):
    tree = read_tree([write_tree({"S/a.ini": plot("a", "/A/b") + plot("b", "A/b", "basic.Count()", "z")})], metrics)

    assert tree.monitor_elements == {"A/b"}
    assert tree.written_paths == {"/A/b", "A/b"}
    assert check_report(tree)["monitor_elements"] == 2


def test_a_path_that_the_metric_does_not_read_is_no_part_of_the_definition(write_tree, metrics):
    tree = read_tree([write_tree({"S/a.ini": plot("a", more="histo1Path = A/c")})], metrics)

    assert tree.trends[0].alternatives[0].paths == {"main": ("A/b",)}
    assert codes(tree) == ["unused-path"]


def test_a_reference_is_a_path_like_others(write_tree, metrics):
    tree = read_tree([write_tree({"S/a.ini": plot("a", metric="basic.MeanDiff()", more="reference = A/c")})], metrics)

    assert tree.trends[0].alternatives[0].paths == {"main": ("A/b",), "reference": ("A/c",)}


@given(
    facts=st.fixed_dictionaries(
        {
            "name": st.from_regex(r"[a-zA-Z0-9_+-]{1,30}", fullmatch=True),
            "path": st.sampled_from(["A/b c", "A/b/c, D/e"]),
        },
        optional={
            "threshold": st.integers(0, 10**9 - 1),
            "low": st.floats(-1e6, 0),
            "high": st.floats(0, 1e6),
            "unit": st.sampled_from(["%", "cm", "10^{6}/s"]),
            "owner": st.sampled_from(["me; you", "x = y", "[us]"]),
        },
    )
)
def test_what_is_written_comes_back(facts, tmp_path_factory):
    keys = "\n".join(f"{key} = {value}" for key, value in facts.items() if key not in ("name", "path"))
    root = tmp_path_factory.mktemp("tree") / "S" / "a.ini"
    root.parent.mkdir()
    root.write_text(plot(facts["name"], facts["path"], more=keys))
    (trend,) = read_tree([root], {"basic.Mean": MetricInfo("basic.Mean")}).trends

    assert trend.name == facts["name"]
    assert ", ".join(trend.alternatives[0].paths["main"]) == facts["path"]
    assert trend.alternatives[0].threshold == facts.get("threshold")
    assert (trend.low, trend.high) == (facts.get("low"), facts.get("high"))
    assert (trend.unit, trend.owner) == (facts.get("unit"), facts.get("owner"))


@given(st.binary(max_size=300))
def test_any_bytes_give_trends_or_problems(content):
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        file = Path(folder) / "a.ini"
        file.write_bytes(b"[plot:a]\n" + content)
        reader = _Reader({})
        reader.read(ConfigFile(file, "S"))
        tree = reader.tree()

    assert tree.problems
    assert tree.trends == ()


# -- one trend, several sections ---------------------------------------------------------------------------------------


def test_the_same_definition_in_two_files_is_one_trend(write_tree, metrics):
    root = write_tree({"S/a.ini": plot("x"), "S/b.ini": "\n" + plot("x", metric="basic.Mean( )", title="better")})

    tree = read_tree([root], metrics)

    (trend,) = tree.trends
    assert len(trend.alternatives) == 1
    assert trend.y_title == "better"
    (problem,) = tree.problems
    assert (problem.code, problem.place.line) == ("duplicate-identical", 2)
    assert str(root / "S" / "a.ini") + ":1" in problem.message


def test_another_definition_in_a_later_file_is_tried_first(write_tree, metrics):
    old, new = plot("x", "A/old", "basic.Count()", "old"), plot("x", "A/new", title="new")
    tree = read_tree([write_tree({"S/t0.ini": old, "S/t0_run3.ini": new})], metrics)

    (trend,) = tree.trends
    assert [alternative.paths["main"] for alternative in trend.alternatives] == [("A/new",), ("A/old",)]
    assert trend.y_title == "new"
    assert codes(tree) == ["duplicate-alternative"]
    assert [one.place.file.rpartition("/")[2] for one in tree.definitions["S/x"]] == ["t0_run3.ini", "t0.ini"]


def test_three_definitions_keep_their_order_and_repeat_nothing(write_tree, metrics):
    files = {"S/1.ini": plot("x", "A/1"), "S/2.ini": plot("x", "A/2"), "S/3.ini": plot("x", "A/1")}
    tree = read_tree([write_tree(files)], metrics)

    assert [a.paths["main"] for a in tree.trends[0].alternatives] == [("A/1",), ("A/2",)]
    assert sorted(codes(tree)) == ["duplicate-alternative", "duplicate-identical"]


def test_one_and_one_point_zero_are_different_definitions(write_tree, metrics):
    first, second = "fits.Landau(0, 15., 25., (20., 2.))", "fits.Landau(0, 15, 25., (20., 2.))"
    tree = read_tree([write_tree({"S/a.ini": plot("x", metric=first), "S/b.ini": plot("x", metric=second)})], metrics)

    assert len(tree.trends[0].alternatives) == 2


def test_a_later_root_comes_before_an_earlier_one(write_tree, metrics):
    root = write_tree({"one/S/b.ini": plot("x", "A/1"), "two/S/a.ini": plot("x", "A/2")})

    tree = read_tree([root / "one", root / "two"], metrics)

    assert [a.paths["main"] for a in tree.trends[0].alternatives] == [("A/2",), ("A/1",)]


def test_blanks_and_order_of_keys_do_not_change_the_definition(write_tree, metrics):
    other = "[plot:x]\nyTitle=another\nthreshold = 5\nrelativePath=A/b\nMETRIC: basic.Mean()\n"
    root = write_tree({"S/a.ini": plot("x", more="threshold = 5"), "T/a.ini": other})

    a, b = read_tree([root], metrics).trends
    assert a.definition_hash() == b.definition_hash()


def test_a_name_in_two_subsystems_is_two_trends_and_a_warning(write_tree, metrics):
    tree = read_tree([write_tree({"CSC/a.ini": plot("x"), "GEM/a.ini": plot("x", "A/c")})], metrics)

    assert [trend.key for trend in tree.trends] == ["CSC/x", "GEM/x"]
    assert codes(tree) == ["shared-name"]


def test_the_tree_goes_through_a_pickle(write_tree, metrics):
    tree = read_tree([write_tree({"S/a.ini": plot("x")})], metrics)

    assert pickle.loads(pickle.dumps(tree)) == tree


# -- selecting ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def root(write_tree):
    group = "[group:g]\ntrends = mean_1\n count_1\n"
    return write_tree(
        {
            "DT/a.ini": plot("mean_1", "A/1")
            + plot("mean_2", "A/2", title="z")
            + plot("count_1", "A/3", title="n")
            + group,
            "CSC/a.ini": plot("mean_csc", "A/4"),
            "CSC/b.ini": plot("mean_csc_b", "A/5", title="b", more="colour = red"),
        }
    )


@pytest.mark.parametrize(
    ("selectors", "keys"),
    [
        (["DT/mean*"], ["DT/mean_1", "DT/mean_2"]),
        (["DT/mean_1"], ["DT/mean_1"]),
        (["*/mean*"], ["CSC/mean_csc", "CSC/mean_csc_b", "DT/mean_1", "DT/mean_2"]),
        (["CSC"], ["CSC/mean_csc", "CSC/mean_csc_b"]),
        (["CSC/*_b", "DT/c*"], ["CSC/mean_csc_b", "DT/count_1"]),
        (["{root}/DT"], ["DT/count_1", "DT/mean_1", "DT/mean_2"]),
        (["{root}/CSC/b.ini"], ["CSC/mean_csc_b"]),
    ],
)
def test_selection(root, metrics, selectors, keys):
    selectors = [selector.format(root=root) for selector in selectors]
    tree = read_tree([root], metrics)

    assert [trend.key for trend in tree.select(selectors).trends] == keys
    assert [trend.key for trend in read_selection(selectors, [root], metrics).trends] == keys


def test_a_selection_is_cut_to_what_belongs_to_it(root, metrics):
    part = read_tree([root], metrics).select(["DT/mean*"])

    assert (part.files, part.sections, part.problems) == (1, 2, ())
    assert [(group.name, group.trends, group.colours) for group in part.groups] == [("g", ("mean_1",), (None,))]
    assert part.monitor_elements == part.written_paths == {"A/1", "A/2"}


@pytest.mark.parametrize(
    ("selector", "hint"),
    [("DT/maen_1", "DT/mean_1"), ("dt/mean_1", "DT/mean_1"), ("CSD", "CSC"), ("no/such.ini", None), ("/nowhere", None)],
)
def test_a_selector_that_matches_nothing_names_the_nearest(root, metrics, selector, hint):
    for select in (read_tree([root], metrics).select, lambda selectors: read_selection(selectors, [root], metrics)):
        with pytest.raises(ConfigError) as error:
            select([selector])
        assert f"no trend matches {selector!r}" in str(error.value)
        assert ("did you mean " + hint + "?" in str(error.value)) if hint else ("did you mean" not in str(error.value))


def test_no_selector_is_the_whole_default_tree(root, metrics):
    assert read_selection([], [root], metrics) == read_tree([root], metrics)


def test_a_file_that_is_named_counts_before_the_default_tree(root, metrics, tmp_path):
    mine = tmp_path / "DT" / "my.ini"
    mine.parent.mkdir()
    mine.write_text(plot("mean_1", "A/mine") + plot("new", "A/new", title="n"))

    tree = read_selection([str(mine), "DT/mean*"], [root], metrics)

    assert [trend.key for trend in tree.trends] == ["DT/mean_1", "DT/mean_2", "DT/new"]
    assert tree.trends[0].alternatives[0].paths["main"] == ("A/mine",)
    assert tree.files == 2


def test_errors_of_a_file_that_is_named_are_kept(root, metrics, tmp_path):
    mine = tmp_path / "my.ini"
    mine.write_text("[plot:x]\n")

    assert set(codes(read_selection([str(mine), "CSC"], [root], metrics))) == {"missing-key", "unknown-key"}


# -- reports -----------------------------------------------------------------------------------------------------------


def test_the_report_has_its_keys_and_no_others(root, metrics):
    report = check_report(read_tree([root], metrics))

    assert report == {
        "files": 3,
        "sections": 5,
        "trends": 5,
        "monitor_elements": 5,
        "subsystems": {"CSC": 2, "DT": 3},
        "problems": [
            {
                "file": str(root / "CSC" / "b.ini"),
                "line": 5,
                "severity": "warning",
                "code": "unknown-key",
                "message": "[plot:mean_csc_b] unknown key 'colour'",
            }
        ],
    }
    assert json.loads(json.dumps(report)) == report


def test_codes_are_counted_errors_first(write_tree, metrics):
    text = plot("a", "/A/b") + plot("b", "/A/c", title="z") + "[plot:c]\nmetric = basic.Mean()\nyTitle = c\n"
    tree = read_tree([write_tree({"S/a.ini": text})], metrics)

    assert [row[:3] for row in count_codes(tree)] == [("error", "missing-key", 1), ("warning", "leading-slash", 2)]


def test_a_trend_is_described_as_it_was_understood(root, metrics):
    tree = read_tree([root], metrics)
    (trend,) = tree.select(["DT/mean_1"]).trends

    facts = describe(trend, tree)

    assert facts["trend"] == "DT/mean_1"
    assert facts["definition"] == trend.definition_hash().hex()
    assert facts["groups"] == ["g"]
    assert facts["places"] == [f"{root}/DT/a.ini:1"]
    assert facts["alternatives"] == [
        {
            "metric": "basic.Mean()",
            "version": 1,
            "relativePath": ["A/1"],
            "threshold": None,
            "place": f"{root}/DT/a.ini:1",
        }
    ]
    assert json.loads(json.dumps(facts)) == facts
    assert "metric          basic.Mean()\n" in render(facts)


def test_alternatives_are_rendered_in_their_order(write_tree, metrics):
    files = {"S/a.ini": plot("x", "A/old", "basic.Count()"), "S/b.ini": plot("x", "A/new, A/newer")}
    (trend,) = read_tree([write_tree(files)], metrics).trends

    text = render(describe(trend))

    assert text.index("alternative 1   basic.Mean()") < text.index("alternative 2   basic.Count()")
    assert "  relativePath  A/new\n                else A/newer\n" in text
