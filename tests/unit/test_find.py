"""Finding DQM files in trees with all that is odd in the wild."""

import logging
import os

import pytest

from hdqm_ops.discover import exists, file_name, find, reachable
from hdqm_ops.errors import ConfigError

PROMPT = "/SingleMuon/Run2018D-PromptReco-v2/DQMIO"


def name(run, dataset=PROMPT, version=1):
    return file_name(run, dataset, version)


@pytest.fixture
def tree(tmp_path):
    """Three files as EOS keeps them, and one for another dataset."""
    for run, dataset in [
        (324997, PROMPT),
        (324998, PROMPT),
        (325000, PROMPT),
        (324997, "/ZeroBias/Run2018D-A-v1/DQMIO"),
    ]:
        folder = tmp_path / "Run2018D" / dataset.split("/")[1] / f"{run // 100:07d}xx"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name(run, dataset)).write_bytes(b"x" * (run - 324000))
    return tmp_path


@pytest.fixture
def told():
    return []


@pytest.fixture
def found(told):
    """Runs found, with why they are ignored where they are."""

    def search(*patterns, **settings):
        return list(find([str(pattern) for pattern in patterns], report=told.append, **settings))

    return search


def runs(files):
    return [file.run_number for file in files]


def test_glob_of_eos(tree, found, told):
    files = found(tree / "*/*/*/DQM*.root")

    assert runs(files) == [324997, 324998, 325000, 324997]
    assert [file.size_bytes for file in files] == [997, 998, 1000, 997]
    assert all(file.mtime > 1e9 and file.ignored is None for file in files)
    assert files[0].path == str(tree / "Run2018D/SingleMuon/0003249xx" / name(324997))
    assert told == []


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", [324997, 324998, 325000, 324997]),
        ("Run2018D/ZeroBias", [324997]),
        ("Run2018?/Single*", [324997, 324998, 325000]),
        ("**/*.root", [324997, 324998, 325000, 324997]),
        ("**", [324997, 324998, 325000, 324997]),
        ("**/SingleMuon/**", [324997, 324998, 325000]),
        ("**/*R00032499[78]*", [324997, 324998, 324997]),
        ("Run2018D/*/0003250xx/*", [325000]),
        ("Run2018D/ZeroBias/0003249xx/DQM*__DQMIO.root", [324997]),
    ],
)
def test_folders_and_globs(tree, found, told, pattern, expected):
    assert runs(found(tree / pattern)) == expected
    assert told == []


def test_relative_to_the_working_folder_and_given_absolute(tree, found, monkeypatch):
    monkeypatch.chdir(tree / "Run2018D")

    files = found("ZeroBias", "./SingleMuon/*/*325000*")

    assert runs(files) == [324997, 325000]
    assert all(file.path.startswith(str(tree)) for file in files)


def test_every_file_once(tree, found, monkeypatch):
    monkeypatch.chdir(tree)
    one = tree / "Run2018D/SingleMuon/0003249xx" / name(324997)

    files = found(one, "Run2018D", tree, "**/*.root", one, f"{tree}/Run2018D/../Run2018D/SingleMuon")

    assert runs(files) == [324997, 324998, 325000, 324997]


def test_links_to_a_file_are_that_file_unless_they_bear_another_name(tree, found):
    one = tree / "Run2018D/SingleMuon/0003249xx" / name(324997)
    links = tree / "links"
    links.mkdir()
    (links / one.name).symlink_to(one)
    (links / name(324997, version=2)).symlink_to(one)
    os.link(one, tree / "Run2018D" / one.name)

    files = found(tree)

    assert sorted((file.run_number, file.primary_dataset, file.dqm_version) for file in files) == [
        *((324997, "SingleMuon", 1), (324997, "SingleMuon", 2), (324997, "ZeroBias", 1)),
        *((324998, "SingleMuon", 1), (325000, "SingleMuon", 1)),
    ]


def test_circles_of_links_end(tree, found, told):
    (tree / "Run2018D/ZeroBias/again").symlink_to(tree)
    (tree / "Run2018D/itself").symlink_to("itself")
    (tree / "Run2018D/DQM_itself.root").symlink_to("DQM_itself.root")

    files = found(tree)

    assert sorted(run for run in runs(files) if run) == [324997, 324997, 324998, 325000]
    assert [file.ignored for file in files if not file.run_number] == [
        "cannot be looked at: Too many levels of symbolic links"
    ]
    assert sorted(run for run in runs(found(tree / "**/DQM_V*.root")) if run) == [324997, 324997, 324998, 325000]
    assert told == []


def test_odd_things_have_their_reason(tmp_path, found):
    (tmp_path / name(1)).mkdir()
    (tmp_path / name(1) / name(2)).touch()  # not looked into
    (tmp_path / name(3)).symlink_to("nowhere")
    os.mkfifo(tmp_path / name(4))
    (tmp_path / "DQM notes.root").touch()
    (tmp_path / "DQM_V0001_R000000005__Single\nMuon__A__B.root").touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "other.root").touch()
    (tmp_path / name(999999)).touch()

    files = found(tmp_path)

    assert [(file.path.rpartition("/")[2], file.ignored.partition(":")[0]) for file in files] == [
        ("DQM notes.root", "not a DQM file name"),
        (name(1), "a folder"),
        (name(3), "a link to nothing"),
        (name(4), "neither a file nor a folder"),
        ("DQM_V0001_R000000005__Single\nMuon__A__B.root", "not a DQM file name"),
        (name(999999), "harvest over many runs (run 999999)"),
    ]


@pytest.mark.parametrize("folder", ["with blank", "new\nline", "Straße ☃", "x" * 255, "[x]", "a*b", "#hash", "-r"])
def test_odd_folders(tmp_path, found, folder, monkeypatch):
    (tmp_path / folder).mkdir()
    (tmp_path / folder / name(7)).touch()

    assert runs(found(tmp_path)) == [7]
    assert runs(found(tmp_path / folder)) == [7]
    assert runs(found(tmp_path / folder / name(7))) == [7]
    monkeypatch.chdir(tmp_path / folder)
    assert runs(found("*.root")) == [7]


def test_path_that_is_not_utf8_is_ignored_and_printable(tmp_path, found):
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    (folder / name(7)).touch()

    (file,) = found(tmp_path)

    assert (file.run_number, file.ignored) == (7, "its path is not UTF-8")
    assert file.path.encode() == os.fsencode(tmp_path) + rb"/\xff/" + name(7).encode()


def test_hidden_folders_are_not_searched(tree, found):
    hidden = tree / ".sys.v#.x"
    hidden.mkdir()
    (hidden / name(1)).touch()

    assert 1 not in runs(found(tree)) + runs(found(tree / "**/*.root")) + runs(found(tree / "*/*.root"))
    assert runs(found(hidden)) == [1]


def test_pattern_without_a_match_is_reported(tree, found, told):
    (tree / "empty").mkdir()

    assert found(tree / "Run2018D/*/*/*.toor", tree / "Run2017/*/DQM*.root", tree / "empty") == []
    assert [sentence.replace(str(tree), "") for sentence in told] == [
        "no DQM files: nothing matches '/Run2018D/*/*/*.toor'",
        "no DQM files: nothing matches '/Run2017/*/DQM*.root' (there is no '/Run2017')",
        "no DQM files: nothing matches '/empty'",
    ]


def test_report_goes_to_the_log_by_default(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        assert list(find([tmp_path / "*.root"])) == []

    assert "nothing matches" in caplog.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_unreadable_folder_is_reported(tree, found, told):
    locked = tree / "Run2018D/ZeroBias"
    locked.chmod(0)
    try:
        assert runs(found(tree)) == [324997, 324998, 325000]
    finally:
        locked.chmod(0o755)
    assert told == [f"the folder '{locked}' cannot be read: Permission denied"]


def test_folder_that_cannot_be_read_is_reported(tree, found, told, monkeypatch):
    locked = str(tree / "Run2018D/ZeroBias")
    scandir = os.scandir

    def refuse(folder):
        if folder == locked:
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)

    assert runs(found(tree)) == [324997, 324998, 325000]
    assert told == [f"the folder '{locked}' cannot be read: Permission denied"]


def test_named_files_that_do_not_exist_are_an_error_before_anything_is_given(tree):
    wrong = tree / "Run2018D/SingleMuon/0003249xx" / name(324990)

    with pytest.raises(ConfigError) as caught:
        find([tree, wrong, tree / "Run2018E/x/y.root"])

    assert f"has no '{name(324990)}'; the nearest name there is '{name(324998)}'" in str(caught.value)
    assert "has no 'Run2018E'; the nearest name there is 'Run2018D'" in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("https://eoscms.cern.ch//eos/cms/x.root", "only root:// of all URLs"),
        ("", "an empty text"),
        ("a\0b", "NUL"),
        ("@nowhere.txt", "the list of files"),
    ],
)
def test_patterns_that_cannot_be_meant(pattern, said):
    with pytest.raises(ConfigError, match=said):
        find([pattern])


def test_list_of_files(tree, found, told):
    lists = tree / "lists"
    lists.mkdir()
    (lists / "files.txt").write_text(
        "\ufeff# SingleMuon\r\n\r\n"
        f"  ../Run2018D/SingleMuon/0003249xx/{name(324998)}\r\n"
        "# a glob and a folder\n"
        "../Run2018D/*/0003250xx/*.root\n"
        f"{tree}/Run2018D/ZeroBias\n"
    )

    assert runs(found(f"@{lists}/files.txt")) == [324998, 325000, 324997]
    assert told == []


def test_list_errors_say_the_line(tree):
    listing = tree / "files.txt"
    listing.write_text(f"# one\nRun2018D\n{name(1)}\n")
    with pytest.raises(ConfigError, match=r"files\.txt:3\): No such file"):
        find([f"@{listing}"])

    listing.write_text("@files.txt\n")
    with pytest.raises(ConfigError, match=r"files\.txt:1: a list names files, folders and globs, not lists"):
        find([f"@{listing}"])


def test_settings_reach_the_names(tmp_path, found):
    (tmp_path / name(999999)).touch()
    (tmp_path / name(5, "/RelValA/B-C-v1/D")).touch()
    (tmp_path / name(6, "/A/B-C_rsb-v1/D")).touch()

    files = found(tmp_path, aliases={"C_rsb": "C"}, multi_run=True, relval=True)

    assert [(file.run_number, file.processing, file.ignored) for file in files] == [
        *((5, "C", None), (6, "C", None), (999999, "PromptReco", None))
    ]


def test_one_stat_a_file(tree, found, monkeypatch):
    """``os.stat`` is asked of folders only; entries answer for files themselves."""
    asked = []
    real = os.stat
    monkeypatch.setattr(os, "stat", lambda path, *args, **more: asked.append(str(path)) or real(path, *args, **more))

    assert len(found(tree)) == 4
    assert not [path for path in asked if path.endswith(".root")]


def test_what_a_pattern_may_reach(tmp_path):
    reached = reachable([str(tmp_path / "a" / "*" / "DQM*.root"), str(tmp_path / "b"), "root://h//c"])

    assert reached(str(tmp_path / "a" / "x" / "DQM1.root"))
    assert reached(str(tmp_path / "b" / "deep" / "below" / "DQM1.root"))
    assert reached("root://h//c/DQM1.root")
    assert not reached(str(tmp_path / "c" / "DQM1.root"))
    assert not reached(str(tmp_path / "bb" / "DQM1.root"))


def test_only_what_is_surely_absent_does_not_exist(tmp_path):
    there = tmp_path / "there"
    there.touch()
    (tmp_path / "circle").symlink_to("circle")

    assert exists(str(there))
    assert not exists(str(tmp_path / "nothing"))
    assert not exists(str(there / "below"))
    assert exists(str(tmp_path / "circle"))
    assert exists(str(tmp_path / ("x" * 300)))  # the file system does not say that it is absent
