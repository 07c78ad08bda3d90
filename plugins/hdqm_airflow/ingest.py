"""What the Dags that ingest have in common: planning, adding up, and tasks that link to the runs they handled."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import BaseOperatorLink, conf, get_current_context
from airflow.sdk.bases.decorator import DecoratedOperator, task_decorator_factory
from airflow.sdk.exceptions import AirflowFailException

from hdqm_airflow.configuration import OUTLET, tell_if_changed

__all__ = ["OUTLET", "add_up", "batch_page", "ingest_task", "plan"]

if TYPE_CHECKING:
    from hdqm_ops.pipeline import Plan

log = logging.getLogger(__name__)

_CHANGED = "configuration_changed"
_MOST_REMARKS = 100


def plan(**asked: Any) -> list[dict[str, Any]]:
    """Bring configuration and files into the ledger; batches of what is to do, none of them in a dry run.

    Args:
        asked: fields of ``hdqm_ops.pipeline.Request``; those that are empty keep their default.

    Raises:
        AirflowFailException: what is asked for makes no sense, and would make none the next time.
    """
    from hdqm_airflow.connections import settings  # noqa: PLC0415 - Dag files import this module to be parsed
    from hdqm_ops import pipeline  # noqa: PLC0415
    from hdqm_ops.errors import ConfigError  # noqa: PLC0415

    given = {name: value for name, value in asked.items() if value not in (None, "", [])}
    try:
        planned = pipeline.plan(settings(), pipeline.Request(**given))
    except ConfigError as error:
        raise AirflowFailException(str(error)) from error
    get_current_context()["ti"].xcom_push(_CHANGED, planned.changed)
    _log_remarks(planned.remarks)
    if planned.request.dry_run:
        _log_what_would_be_done(planned)
        return []
    return [batch.as_json() for batch in planned.batches]


def _log_remarks(remarks: Sequence[str]) -> None:
    """What a person should know of the files and the configuration; the ledger has all of it."""
    from hdqm_ops.printable import printable  # noqa: PLC0415 - as above

    for line in remarks[:_MOST_REMARKS]:
        log.warning("%s", printable(line))
    if len(remarks) > _MOST_REMARKS:
        log.warning("… and %d more remarks: `hdqm files --state ignored` lists files", len(remarks) - _MOST_REMARKS)


def _log_what_would_be_done(planned: "Plan") -> None:
    batches = planned.batches
    for batch in islice(batches, _MOST_REMARKS):
        log.info("would be done: %s: %d files", batch.label, len(batch.file_ids))
    if len(batches) > _MOST_REMARKS:
        log.info("… and %d more batches", len(batches) - _MOST_REMARKS)
    log.info("dry run: %d files in %d batches would be done", len(planned.work), len(batches))


def add_up(planned: Sequence[Any] | None, counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Add up what the batches did, and tell of a configuration that planning found changed (``outlets=[OUTLET]``).

    Raises:
        AirflowFailException: a batch failed; a Dag run is only as green as its last task.
    """
    from hdqm_ops import pipeline  # noqa: PLC0415 - as above

    done = counts[:] if planned else []  # a slice is one question to Airflow, walking along is one a batch
    if planned is None:
        raise AirflowFailException("planning failed; see its log, then clear it")
    if len(done) != len(planned):
        raise AirflowFailException(
            f"{len(planned) - len(done)} of {len(planned)} batches failed; see their logs, then clear them"
        )
    context = get_current_context()
    tell_if_changed(context["outlet_events"], bool(context["ti"].xcom_pull(task_ids="plan", key=_CHANGED)))
    return pipeline.add_up(done)


# -- links -------------------------------------------------------------------------------------------------------------


class _BatchLink(BaseOperatorLink):
    """A button beside a task; the address is kept when the task has ended, well or not."""

    name = "Runs and dashboards"
    view = ""

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """Address of our page about the files of the batch."""
        return batch_page(operator.op_kwargs["file_ids"], self.view)


class _PlotsLink(_BatchLink):
    name = "Plots of these runs"
    view = "plots"


class _IngestOperator(DecoratedOperator, PythonOperator):
    """``@task`` with links."""

    custom_operator_name = "@task.ingest"
    template_fields: Sequence[str] = ("templates_dict", "op_args", "op_kwargs")
    template_fields_renderers = {"templates_dict": "json", "op_args": "py", "op_kwargs": "py"}  # noqa: RUF012 - Airflow's
    operator_extra_links = (_BatchLink(), _PlotsLink())

    def __init__(self, *, python_callable: Callable[..., Any], op_args: Any, op_kwargs: Any, **rest: Any) -> None:
        told = {"python_callable": python_callable, "op_args": op_args, "op_kwargs": op_kwargs}
        super().__init__(kwargs_to_upstream=told, **told, **rest)


def ingest_task(**options: Any) -> Any:
    """``@task`` for functions that take ``file_ids``: beside their task instances are links to runs and dashboards.

    Their counts are one message: Airflow would send a dictionary in pieces, each a question to the api-server.
    """
    return task_decorator_factory(decorated_operator_class=_IngestOperator, multiple_outputs=False, **options)


def batch_page(file_ids: Iterable[int], view: str = "") -> str:
    """Address of HDQM's page about some files of the ledger, or of the plots of their runs."""
    place = conf.get("api", "base_url", fallback="").rstrip("/")
    return f"{place}/hdqm/batch{'/' if view else ''}{view}?files={_stretches(file_ids)}"


def _stretches(numbers: Iterable[int]) -> str:
    """``3-7,9``: 500 ids in a row are no longer an address than two."""
    ordered = sorted(set(numbers))
    if not ordered:
        return ""
    ends = [first for first, after in pairwise(ordered) if after != first + 1]
    starts = [after for first, after in pairwise(ordered) if after != first + 1]
    pairs = zip([ordered[0], *starts], [*ends, ordered[-1]], strict=True)
    return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in pairs)
