"""One test per file of tests/data/config: drop a file in, write the sentence you wish you had seen, make it true."""

import os
import socket
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hdqm_ops.config import CODES, ConfigTree, read_tree
from hdqm_ops.errors import ConfigError

DATA = Path(__file__).parents[2] / "data" / "config"
GOOD = "[plot:a]\nmetric = basic.Mean()\nrelativePath = A/b\nyTitle = y\n"


def said(tree, folder):
    return "\n".join(str(problem).replace(f"{folder}/", "") for problem in tree.problems)


@pytest.mark.parametrize("name", sorted(p.name for p in DATA.glob("valid/*.ini")))
def test_valid_file_has_no_problem(name, metrics):
    tree = read_tree([DATA / "valid" / name], metrics)

    assert said(tree, DATA / "valid") == ""
    assert tree.trends


@pytest.mark.parametrize(
    "name", sorted(f"{p.parent.name}/{p.name}" for kind in ("invalid", "odd") for p in DATA.glob(f"{kind}/*.ini"))
)
def test_bad_file_says_why(name, metrics):
    file = DATA / name

    tree = read_tree([file], metrics)

    assert said(tree, file.parent) == file.with_suffix(".error.txt").read_text(encoding="utf-8").strip()
    assert bool(tree.errors) == (file.parent.name == "invalid")


def test_every_code_has_an_example_or_a_test():
    examples = "".join(path.read_text(encoding="utf-8") for path in DATA.glob("*/*.error.txt"))
    here = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))

    assert [code for code in CODES if f" {code}: " not in examples + here and f'"{code}"' not in here] == []


def test_every_code_is_in_the_readme():
    import hdqm_ops.config

    table = (Path(hdqm_ops.config.__file__).parent / "README.md").read_text(encoding="utf-8")

    for code, (severity, meaning) in CODES.items():
        assert f"| `{code}` | {severity} | {meaning} |" in table


# -- the file system ---------------------------------------------------------------------------------------------------


def codes(tree):
    return [(Path(p.place.file).name, p.code) for p in tree.problems]


def test_one_bad_file_does_not_touch_the_others(write_tree, metrics):
    root = write_tree({"DT/a.ini": GOOD, "DT/b.ini": "no configuration", "CSC/c.ini": GOOD.replace("A/b", "A/c")})

    tree = read_tree([root], metrics)

    assert [trend.key for trend in tree.trends] == ["CSC/a", "DT/a"]
    assert [problem.code for problem in tree.errors] == ["syntax"]


def test_folders_named_like_files_loops_and_pipes_are_errors(write_tree, metrics):
    root = write_tree({"DT/good.ini": GOOD})
    (root / "DT" / "folder.ini").mkdir()
    (root / "DT" / "loop.ini").symlink_to(root / "DT" / "loop.ini")
    (root / "DT" / "gone.ini").symlink_to(root / "DT" / "nowhere")
    os.mkfifo(root / "DT" / "pipe.ini")
    (root / "up").symlink_to(root)

    tree = read_tree([root], metrics)

    assert codes(tree) == [(f"{name}.ini", "unreadable") for name in ("folder", "gone", "loop", "pipe")]
    assert len(tree.trends) == 1


def test_a_socket_is_an_error(write_tree, metrics, monkeypatch):
    root = write_tree({"DT/good.ini": GOOD})
    monkeypatch.chdir(root / "DT")  # a socket's address is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.ini")
        assert codes(read_tree([root], metrics)) == [("s.ini", "unreadable")]


@contextmanager
def as_nobody():
    """Root may read everything: be somebody else for a while."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_unreadable_permissions_are_errors(metrics):
    with TemporaryDirectory() as folder:  # not tmp_path, whose parents only its owner enters
        root = Path(folder)
        root.chmod(0o755)
        for name in ("DT/good.ini", "DT/secret.ini", "CSC/x.ini"):
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(GOOD)
        (root / "DT" / "secret.ini").chmod(0)
        (root / "CSC").chmod(0)

        with as_nobody():
            tree = read_tree([root], metrics)
        (root / "CSC").chmod(0o700)

    assert codes(tree) == [("CSC", "unreadable"), ("secret.ini", "unreadable")]
    assert len(tree.trends) == 1


def test_a_huge_file_is_an_error(write_tree, metrics):
    root = write_tree({"DT/huge.ini": ""})
    with (root / "DT" / "huge.ini").open("r+b") as file:
        file.truncate(17 * 1024 * 1024)

    assert codes(read_tree([root], metrics)) == [("huge.ini", "too-large")]


def test_hidden_files_are_editors_business(write_tree, metrics):
    tree = read_tree([write_tree({"DT/a.ini": GOOD, "DT/.#a.ini": "x", ".git/b.ini": "x"})], metrics)

    assert (tree.files, tree.problems) == (1, ())


def test_files_beside_and_below_the_subsystem_folders_are_named(write_tree, metrics):
    root = write_tree({"DT/a.ini": GOOD, "beside.ini": GOOD, "DT/old/below.ini": GOOD})

    tree = read_tree([root], metrics)

    assert codes(tree) == [("below.ini", "stray-file"), ("beside.ini", "stray-file")]
    assert (tree.files, len(tree.trends)) == (1, 1)


def test_an_empty_folder_says_where_the_tree_may_be(write_tree, metrics):
    root = write_tree({"cfg/DT/a.ini": GOOD})
    (root / "nothing").mkdir()

    assert read_tree([root], metrics).errors[0].message.endswith(f"did you mean {root / 'cfg'}?")
    assert codes(read_tree([root / "nothing"], metrics)) == [("nothing", "no-files")]


def test_a_root_that_is_not_there_is_refused(tmp_path, metrics):
    with pytest.raises(ConfigError, match="no such file or folder"):
        read_tree([tmp_path / "nowhere"], metrics)


def test_a_root_may_be_a_tree_a_subsystem_or_a_file(write_tree, metrics, monkeypatch):
    root = write_tree({"DT/a.ini": GOOD, "CSC/a.ini": GOOD.replace("plot:a", "plot:b")})

    def keys(*roots):
        return [trend.key for trend in read_tree(roots, metrics).trends]

    assert keys(root) == ["CSC/b", "DT/a"]
    assert keys(root / "DT") == keys(root / "DT" / "a.ini") == ["DT/a"]
    assert keys(root / "DT", root / "CSC" / "a.ini") == ["CSC/b", "DT/a"]
    monkeypatch.chdir(root / "DT")
    assert keys(Path()) == keys(Path("a.ini")) == ["DT/a"]


def test_a_file_that_two_roots_reach_is_read_once(write_tree, metrics):
    root = write_tree({"DT/a.ini": GOOD})

    tree = read_tree([root, root / "DT", root / "DT" / "a.ini"], metrics)

    assert (tree.files, tree.sections, tree.problems) == (1, 1, ())


def test_a_folder_whose_name_cannot_be_printed_is_no_subsystem(write_tree, metrics):
    tree = read_tree([write_tree({"D\nT/a.ini": GOOD, "D\udcffT/a.ini": GOOD})], metrics)

    assert [problem.code for problem in tree.problems] == ["bad-name", "bad-name"]
    assert tree.trends == ()
    assert str(tree.problems[1]).encode()


def test_no_roots_is_an_empty_tree(metrics):
    assert read_tree([], metrics) == ConfigTree()
