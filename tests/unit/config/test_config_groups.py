import pytest

from hdqm_ops.config import ConfigTree, import_display_groups, import_groups, read_tree
from hdqm_ops.errors import ConfigError

TRENDS = "".join(
    f"[plot:{name}]\nmetric = basic.Mean()\nrelativePath = A/{name}\nyTitle = title of {name}\n"
    for name in ("charge_inner", "charge_outer", "size_z")
)


def said(tree):
    return [(problem.place.line, problem.code) for problem in tree.problems]


def test_a_group_keeps_order_colours_and_titles(metrics, config_data):
    tree = read_tree([config_data / "valid" / "groups.ini"], metrics)

    first, second = tree.groups
    assert (first.name, first.title, first.y_title) == ("Charge : all layers", "Mean charge", "Charge (ke)")
    assert (first.trends, first.colours) == (("charge_inner", "charge_outer"), ("#d62728", "blue"))
    assert (second.title, second.correlation, second.trends) == (
        "inner against outer",
        True,
        ("charge_outer", "charge_inner"),
    )


def test_unknown_trends_are_errors_with_their_line_and_the_nearest_name(write_tree, metrics):
    text = TRENDS + "[group:g]\ntrends =\n    charge_inner\n    # a note\n    charge_uoter\n    zzz\n"
    tree = read_tree([write_tree({"S/a.ini": text})], metrics)

    assert said(tree) == [(17, "group-unknown-trend"), (18, "group-unknown-trend")]
    assert tree.problems[0].message == "[group:g] S has no trend 'charge_uoter'; did you mean charge_outer?"
    assert tree.problems[1].message == "[group:g] S has no trend 'zzz'"
    assert tree.groups[0].trends == ("charge_inner",)


def test_a_member_named_like_an_element_finds_the_trend_that_reads_it(write_tree, metrics):
    text = TRENDS.replace("plot:size_z", "plot:copied_name") + "[group:g]\ntrends = charge_inner\n size_z\n"

    (problem,) = read_tree([write_tree({"S/a.ini": text})], metrics).errors
    assert problem.message.endswith("S/copied_name reads a monitor element of this name")


def test_a_group_shows_trends_of_its_own_subsystem(write_tree, metrics):
    tree = read_tree([write_tree({"S/a.ini": TRENDS, "T/groups.ini": "[group:g]\ntrends = charge_inner\n"})], metrics)

    assert [problem.code for problem in tree.errors] == ["group-empty", "group-unknown-trend"]
    assert tree.groups == ()


def test_a_trend_named_twice_is_shown_once(write_tree, metrics):
    text = TRENDS + "[group:g]\ntrends = size_z red\n charge_inner\n size_z blue\n"
    tree = read_tree([write_tree({"S/a.ini": text})], metrics)

    assert said(tree) == [(16, "group-repeated-trend")]
    assert (tree.groups[0].trends, tree.groups[0].colours) == (("size_z", "charge_inner"), ("red", None))


def test_an_empty_group_is_an_error(write_tree, metrics):
    tree = read_tree([write_tree({"S/a.ini": TRENDS + "[group:g]\ntrends =\n"})], metrics)

    assert said(tree) == [(14, "empty-value")]


@pytest.mark.parametrize(("second", "code"), [("charge_inner", "duplicate-identical"), ("size_z", "duplicate-group")])
def test_a_group_in_two_files_is_one_group(write_tree, metrics, second, code):
    files = {
        "S/a.ini": TRENDS + "[group:g]\ntrends = charge_inner\n",
        "S/b.ini": f"[group:g]\ntrends = {second}\n",
        "S/c.ini": "[group:g2]\ntrends = charge_inner\n",
    }
    tree = read_tree([write_tree(files)], metrics)

    assert [(problem.place.file[-5:], problem.code) for problem in tree.problems] == [("b.ini", code)]
    assert [(group.name, group.trends) for group in tree.groups] == [
        ("g", ("charge_inner",)),
        ("g2", ("charge_inner",)),
    ]


def test_a_file_by_itself_is_not_asked_for_trends_of_other_files(write_tree, metrics):
    root = write_tree({"S/a.ini": TRENDS, "S/groups.ini": "[group:g]\ntrends = charge_inner\n"})

    assert read_tree([root / "S" / "groups.ini"], metrics).problems == ()
    assert len(read_tree([root / "S" / "groups.ini", root / "S" / "a.ini"], metrics).groups) == 1


@pytest.mark.parametrize("colour", ["#abc", "#A1B2C3", "#a1b2c3d4", "Red", "navy"])
def test_colours(write_tree, metrics, colour):
    tree = read_tree([write_tree({"S/a.ini": TRENDS + f"[group:g]\ntrends = size_z {colour}\n"})], metrics)

    assert tree.groups[0].colours == (colour,)


# -- the predecessor's file --------------------------------------------------------------------------------------------

SCRIPT = """\
// groups = [ nothing here ]
"use strict";
/* displayGroups = [
   {name: "commented_out"} ] */
const displayGroups = [
    {
        name: "charge",  // it's "quoted"
        plot_title: 'Charge // of all', y_title: "",
        subsystem: "S",
        correlation: false,
        series: ["charge_inner", "charge_outer",],
    },
    /* { name: "charge", series: [] }, */
    {name: "part", plot_title: "", y_title: "y", subsystem: "S", correlation: true,
     series: ["size_z", "size_y", "size_z"]},
    {"name": "dead", "plot_title": "D", "y_title": "y", "subsystem": "T", "correlation": false, "series": ["a/b"]},
];
function show() { return displayGroups[0]; }
"""


@pytest.fixture
def tree(write_tree, metrics):
    return read_tree([write_tree({"S/a.ini": TRENDS})], metrics)


def test_a_javascript_literal_with_comments_is_read(tree):
    found = import_display_groups(SCRIPT, tree)

    whole, partly, dead = found.groups
    assert [one.state for one in found.groups] == ["whole", "partly", "dead"]
    assert (whole.group.name, whole.group.title) == ("charge", "Charge // of all")
    assert whole.group.trends == ("charge_inner", "charge_outer")
    assert (partly.group.title, partly.group.correlation, partly.unknown) == ("y", True, ("size_y",))
    assert (dead.group.subsystem, dead.unknown) == ("T", ("a/b",))
    assert [one.place.line for one in found.groups] == [7, 14, 16]


def test_what_is_odd_is_reported(tree):
    found = import_display_groups(SCRIPT, tree, "displayConfig.js")

    assert [str(problem) for problem in found.problems] == [
        "displayConfig.js:14: warning group-repeated-trend: S/part names 'size_z' 2 times",
        "displayConfig.js:14: warning group-partly: S/part: 1 of 2 trends do not exist: 'size_y'; did you mean size_z?",
        "displayConfig.js:16: warning group-dead: T/dead: 1 of 1 trends do not exist: 'a/b'",
    ]
    assert found.as_json() == {
        "groups": 3,
        "whole": 1,
        "partly": 1,
        "dead": 1,
        "problems": [
            {"group": "S/part", "state": "partly", "unknown": ["size_y"]},
            {"group": "T/dead", "state": "dead", "unknown": ["a/b"]},
        ],
        "warnings": [str(problem) for problem in found.problems],
        "files": [],
    }
    assert str(found).endswith("\n3 display groups: 1 whole, 1 partly, 1 dead")


def test_groups_come_back_from_what_was_written(tree, metrics, tmp_path):
    (tmp_path / "displayConfig.js").write_text(SCRIPT)

    found = import_groups(tmp_path / "displayConfig.js", tree, tmp_path / "out")
    again = read_tree([tmp_path / "tree", tmp_path / "out"], metrics)

    assert found.files == (tmp_path / "out" / "S" / "groups.ini", tmp_path / "out" / "T" / "groups.ini")
    assert again.errors == ()
    assert list(again.groups) == [one.group for one in found.groups if one.state != "dead"]
    assert "    size_z\n    # no such trend: size_y\n" in found.files[0].read_text()
    assert "# [group:dead]" in found.files[1].read_text()


def test_nothing_is_written_over(tree, tmp_path):
    (tmp_path / "displayConfig.js").write_text(SCRIPT)
    import_groups(tmp_path / "displayConfig.js", tree, tmp_path / "out")

    with pytest.raises(ConfigError, match="exists already"):
        import_groups(tmp_path / "displayConfig.js", tree, tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no list of display groups"),
        ("// displayGroups = []", "no list of display groups"),
        ("displayGroups = {}", "no list of display groups"),
        ("displayGroups = [\n{name: 'x'},\n{name: }]", "f.js:3: no list"),
        ("displayGroups = [alert(1)]", "f.js:1: no list"),
        ("displayGroups = [require('fs')]", "f.js:1: no list"),
        ("[" * 100_000, "f.js:1: no list"),
        ("[\x00]", "f.js:1: no list"),
        ("[1]", "display group 1 is no object but 1"),
        ("[{}]", "name of display group 1 is a str, found nothing"),
        ("[{name: 5, subsystem: 'S', series: []}]", "name of display group 1 is a str, found 5"),
        ("[{name: 'x', subsystem: 'S', series: {}}]", "series of display group 1 is a list"),
        ("[{name: 'x', subsystem: 'S', series: [1]}]", "series of display group 1 are names of trends"),
        ("[{name: '', subsystem: 'S', series: []}]", "a name or subsystem that is not allowed"),
        ("[{name: 'a\\nb', subsystem: 'S', series: []}]", "a name or subsystem that is not allowed"),
        ("[" + " " * 17_000_000 + "]", "larger than 16 MiB"),
        ("'" * 5_000_000, "no list of display groups"),
        ('"\\"' * 1_000_000, "no list of display groups"),
    ],
    ids=lambda text: text[:30],
)
def test_what_is_no_list_of_groups_is_refused_in_words(text, message):
    with pytest.raises(ConfigError) as error:
        import_display_groups(text, ConfigTree(), "f.js")

    assert message in str(error.value)
    assert len(str(error.value)) < 300


def test_a_name_given_twice_counts_once(tree):
    one = '{name: "x", subsystem: "S", series: ["size_z"]}'
    found = import_display_groups(f"[{one},\n{one}]", tree, "f.js")

    assert len(found.groups) == 1
    assert [problem.code for problem in found.problems] == ["duplicate-group"]


@pytest.mark.parametrize(("content", "message"), [(b"\xff[", "is not UTF-8"), (None, "cannot be read")])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "f.js").write_bytes(content)

    with pytest.raises(ConfigError, match=message):
        import_groups(tmp_path / "f.js", ConfigTree())


@pytest.mark.parametrize("subsystem", ["../up", "a/b", ".."])
def test_no_file_is_written_outside_of_the_folder(tmp_path, subsystem):
    (tmp_path / "f.js").write_text(f"[{{name: 'x', subsystem: '{subsystem}', series: []}}]")

    with pytest.raises(ConfigError, match="cannot be the name of a folder"):
        import_groups(tmp_path / "f.js", ConfigTree(), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["f.js"]
