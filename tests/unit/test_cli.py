import pytest

from hdqm_ops.cli._main import exit_code, spread
from hdqm_ops.errors import ConfigError, DatabaseUnavailable, MissingTool, UnreadableFile


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("ingest -r 324997 324998 325000-325170", "ingest -r 324997 -r 324998 -r 325000-325170"),
        ("ingest -c a.ini b.ini -f x.root -j 2", "ingest -c a.ini -c b.ini -f x.root -j 2"),
        ("calculate -r 1 2 --json", "calculate -r 1 -r 2 --json"),
        ("-v extract --files a b --runs 1", "-v extract --files a -f b --runs 1"),
        ("ingest -r 1 -r 2", "ingest -r 1 -r 2"),
        ("ingest --runs=1 -j 4", "ingest --runs=1 -j 4"),
        ("reduce -c my.ini FILE", "reduce -c my.ini FILE"),
        ("ingest", "ingest"),
        ("sync oms -r 1 2-3", "sync oms -r 1 -r 2-3"),
    ],
)
def test_one_flag_takes_several_values(typed, understood):
    assert spread(typed.split()) == understood.split()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 2),
        (MissingTool("x"), 3),
        (DatabaseUnavailable("x"), 3),
        (UnreadableFile("a.root", "zeros", 0), 1),
    ],
)
def test_the_exit_code_says_who_has_to_act(error, code):
    assert exit_code(error) == code
