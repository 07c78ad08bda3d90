"""The schedule of CMS runs: what the Backfill dialog gets, from a good index and from a bad one."""

from datetime import UTC, datetime, timedelta

import pytest

from hdqm_ops.run_index import write_run_index

pytestmark = pytest.mark.airflow

BEGAN = datetime(2018, 10, 19, tzinfo=UTC)


@pytest.fixture
def timetable(tmp_path, monkeypatch):
    monkeypatch.setenv("HDQM_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    from hdqm_airflow.timetable import CmsRuns

    return CmsRuns()


@pytest.fixture
def index(tmp_path):
    write_run_index(tmp_path / "run_index.json", [(325000 + n, BEGAN + timedelta(hours=6 * n)) for n in range(20)])
    return tmp_path / "run_index.json"


def between(timetable, first, last):
    return list(timetable.iter_partition_dagrun_infos(earliest=first, latest=last))


def test_each_run_between_two_dates_is_a_partition(timetable, index):
    found = between(timetable, BEGAN + timedelta(days=1), BEGAN + timedelta(days=2))

    assert [one.partition_key for one in found] == ["325004", "325005", "325006", "325007", "325008"]
    assert [one.partition_date for one in found] == [one.run_after for one in found]
    assert {one.data_interval for one in found} == {None}


def test_without_a_run_there_is_nothing_to_do(timetable, index):
    assert between(timetable, BEGAN - timedelta(days=9), BEGAN - timedelta(days=1)) == []


def test_it_survives_serialisation(timetable):
    assert type(timetable).deserialize(timetable.serialize()).summary == "CMS runs"
    assert timetable.next_dagrun_info_v2(last_dagrun_info=None, restriction=None) is None


def refusal():
    from airflow.models.backfill import InvalidBackfillDateRange

    return InvalidBackfillDateRange


def test_a_missing_index_is_refused_with_who_writes_it(timetable):
    with pytest.raises(refusal(), match=r"no run index .*hdqm_sync_oms writes it"):
        between(timetable, BEGAN, BEGAN)


def test_a_damaged_index_is_refused_with_what_is_wrong(timetable, index):
    index.write_bytes(index.read_bytes()[:-10])

    with pytest.raises(refusal(), match="is damaged"):
        between(timetable, BEGAN, BEGAN)


def test_an_old_index_serves_dates_before_it_and_refuses_later_ones(timetable, index):
    now = datetime.now(UTC)
    text = index.read_text()
    written = text.split('"written_at": "')[1].split('"')[0]
    index.write_text(text.replace(written, (now - timedelta(days=3)).isoformat()))

    assert between(timetable, BEGAN, BEGAN + timedelta(days=1))
    with pytest.raises(refusal(), match="does not know runs that came later: see why the Dag hdqm_sync_oms"):
        between(timetable, BEGAN, now - timedelta(days=1))


def test_a_fresh_index_serves_dates_up_to_tonight(timetable, index):
    assert len(between(timetable, BEGAN, datetime.now(UTC) + timedelta(hours=12))) == 20


def test_more_runs_than_a_browser_waits_for_are_refused_with_the_way_out(timetable, tmp_path):
    write_run_index(tmp_path / "run_index.json", [(n, BEGAN) for n in range(1, 1002)])

    with pytest.raises(refusal(), match=r"1001 runs .*press Trigger"):
        between(timetable, BEGAN, BEGAN)


def test_a_key_that_a_person_writes_is_checked_and_dated(timetable, index):
    from airflow.exceptions import InvalidPartitionKeyError

    assert timetable.resolve_partition_date("325004") == BEGAN + timedelta(days=1)
    assert timetable.resolve_partition_date("325004-325010") == BEGAN + timedelta(days=1)
    assert timetable.resolve_partition_date("1") is None
    for key in ("all", "", " ", "1-", "325004 OR true", "1" * 10):
        with pytest.raises(InvalidPartitionKeyError, match="is no run or range"):
            timetable.resolve_partition_date(key)


def test_a_key_is_taken_where_there_is_no_index(timetable):
    assert timetable.resolve_partition_date("325004") is None
