"""The run index: whole or not at all, and clear about what is wrong with it."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from hdqm_ops.errors import ConfigError
from hdqm_ops.run_index import read_run_index, run_index_file, write_run_index
from hdqm_ops.settings import Settings

BEGAN = datetime(2018, 10, 19, 2, tzinfo=UTC)


def test_what_is_written_is_read_in_the_order_of_the_starts(tmp_path):
    geneva = timezone(timedelta(hours=2))
    file = tmp_path / "new" / "runs.json"

    write_run_index(file, [(324998, BEGAN + timedelta(hours=1)), (324997, BEGAN.astimezone(geneva))])

    index = read_run_index(file)
    assert index.runs == ((324997, BEGAN), (324998, BEGAN + timedelta(hours=1)))
    assert datetime.now(UTC) - index.written_at < timedelta(minutes=1)


def test_both_ends_of_a_stretch_are_in_it(tmp_path):
    write_run_index(tmp_path / "runs.json", [(n, BEGAN + timedelta(hours=n)) for n in range(1, 6)])

    index = read_run_index(tmp_path / "runs.json")

    found = index.between(BEGAN + timedelta(hours=2), BEGAN + timedelta(hours=4))
    assert [run for run, _ in found] == [2, 3, 4]


def test_who_reads_while_it_is_written_sees_a_whole_one(tmp_path):
    file = tmp_path / "runs.json"
    sizes = (10, 20_000)
    write_run_index(file, [(n, BEGAN) for n in range(1, sizes[0] + 1)])
    done = threading.Event()

    def write():
        for turn in range(20):
            write_run_index(file, [(n, BEGAN) for n in range(1, sizes[turn % 2] + 1)])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(len(read_run_index(file).runs))
    writer.join()

    assert seen <= set(sizes)
    assert list(tmp_path.iterdir()) == [file]


def test_none_says_who_writes_it(tmp_path):
    with pytest.raises(ConfigError, match=r"no run index .*runs\.json: the Dag hdqm_sync_oms writes it"):
        read_run_index(tmp_path / "runs.json")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "\xff\xfe",
        '{"format": 2, "written_at": "2018-10-19T02:00:00+00:00", "runs": []}',
        '{"format": 1, "written_at": "2018-10-19T02:00:00", "runs": []}',
        '{"format": 1, "runs": []}',
        '{"format": 1, "written_at": "2018-10-19T02:00:00+00:00", "runs": [[true, "2018-10-19T02:00:00+00:00"]]}',
        '{"format": 1, "written_at": "2018-10-19T02:00:00+00:00", "runs": [[1, "yesterday"]]}',
        '{"format": 1, "written_at": "2018-10-19T02:00:00+00:00", "runs": [[1]]}',
        "[" * 100_000,
    ],
)
def test_a_damaged_one_says_so(tmp_path, text):
    (tmp_path / "runs.json").write_bytes(text.encode("latin-1"))

    with pytest.raises(ConfigError, match=r"runs\.json is damaged .*remove it"):
        read_run_index(tmp_path / "runs.json")


def test_a_place_that_cannot_be_written_names_the_setting(tmp_path):
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(ConfigError, match="HDQM_RUN_INDEX names another place"):
        write_run_index(tmp_path / "file" / "runs.json", [])


def test_it_lies_where_the_settings_say(tmp_path):
    assert run_index_file(Settings(home=tmp_path)) == tmp_path / "run_index.json"
    assert run_index_file(Settings(home=tmp_path, run_index=tmp_path / "shared")) == tmp_path / "shared"
