"""A schedule of CMS runs: nothing is started by it, but Airflow's Backfill dialog makes of two dates one Dag run a run.

It is asked in the api-server, in the scheduler and by the command line, so it reads a small file that the
synchronisation with OMS leaves behind, and nothing but the standard library and Airflow is imported for it.
"""

import re
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
from airflow.exceptions import InvalidPartitionKeyError
from airflow.timetables.base import DagRunInfo, DataInterval, Timetable

__all__ = ["CmsRuns"]

_OLD = timedelta(days=1)
_MOST = 1000  # Airflow makes all of them in one request of the browser, at 10 ms each
_KEY = re.compile(r"[0-9]{1,9}(-[0-9]{1,9})?")


class CmsRuns(Timetable):
    """One partition for each CMS run, named by its number and dated by its start."""

    description = "One partition for each CMS run: choose dates in the Backfill dialog"
    partitioned = True
    periodic = True
    can_be_scheduled = False

    @property
    def summary(self) -> str:
        """What the list of Dags shows."""
        return "CMS runs"

    def iter_partition_dagrun_infos(self, *, earliest: datetime, latest: datetime) -> Iterable[DagRunInfo]:
        """The runs that began between two times.

        Raises:
            InvalidBackfillDateRange: the run index is missing, damaged or too old for these dates, or they hold too
                many runs; the dialog and the API show the text.
        """
        index = _index_or_refusal()
        if latest > index.written_at and datetime.now(UTC) - index.written_at > _OLD:
            raise _refusal(
                f"the run index is of {index.written_at:%Y-%m-%d %H:%M} UTC and does not know runs that came later: "
                "see why the Dag hdqm_sync_oms does not run, or choose dates before"
            )
        found = index.between(earliest, latest)
        if len(found) > _MOST:
            raise _refusal(
                f"{len(found)} runs began between these dates; at most {_MOST} can be backfilled at once: choose fewer "
                "days, or press Trigger in place of Backfill and name runs, which are then done in one Dag run"
            )
        for run, start in found:
            began = pendulum.instance(start)
            yield DagRunInfo(run_after=began, data_interval=None, partition_date=began, partition_key=str(run))

    def _decode_partition_date(self, partition_key: str) -> datetime | None:
        """The start of the run that a person names as partition key; None where it is not known."""
        if not _KEY.fullmatch(partition_key.strip()):
            raise InvalidPartitionKeyError(f"{partition_key!r} is no run or range: write 324997 or 325000-325170")
        index = _index()
        starts = dict(index.runs) if index else {}
        start = starts.get(int(partition_key.partition("-")[0]))
        return start and pendulum.instance(start)

    def next_dagrun_info(self, **_question: Any) -> DagRunInfo | None:
        """Never: fresh files are the business of other Dags."""
        return None

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        """A moment: what is to do is named by the form or the key."""
        return DataInterval.exact(run_after)

    def generate_run_id(self, *, run_type: Any, run_after: datetime, data_interval: Any, **extra: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """The run's number in front, and something unique: a partition may be done again."""
        key = extra.get("partition_key") or run_after.strftime("%Y-%m-%dT%H:%M:%S")
        return str(run_type.generate_run_id(suffix=f"{key}__{uuid.uuid4().hex[:8]}"))


def _index_or_refusal() -> Any:
    # What the timetable needs to answer is imported when somebody asks: every component of Airflow imports this module.
    from hdqm_ops.errors import ConfigError  # noqa: PLC0415
    from hdqm_ops.run_index import read_run_index, run_index_file  # noqa: PLC0415
    from hdqm_ops.settings import Settings  # noqa: PLC0415

    try:
        return read_run_index(run_index_file(Settings()))
    except ConfigError as error:
        raise _refusal(str(error)) from error


def _index() -> Any:
    from airflow.models.backfill import InvalidBackfillDateRange  # noqa: PLC0415 - as above

    try:
        return _index_or_refusal()
    except InvalidBackfillDateRange:
        return None


def _refusal(text: str) -> Exception:
    """The error that Airflow's API answers with 422 and this text."""
    from airflow.models.backfill import InvalidBackfillDateRange  # noqa: PLC0415 - as above

    return InvalidBackfillDateRange(text)
