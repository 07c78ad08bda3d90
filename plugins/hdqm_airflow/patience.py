"""How long a task waits for what is away, and what it does not wait for: one answer for all Dags that load."""

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from hdqm_ops.settings import Settings

__all__ = ["patient"]

_TRIES = 10
_LONGEST = timedelta(minutes=15)

# Whatever is neither of these is tried again too: a FUSE mount that hangs, an API server that starts anew. A task whose
# process was killed is not even asked.
_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule("hdqm_ops.errors.TryAgain", RetryAction.RETRY, reason="a passing fault: the same may succeed later"),
        RetryRule("hdqm_ops.errors.HdqmError", RetryAction.FAIL, reason="trying again would not mend it"),
        RetryRule(
            "airflow.sdk.exceptions.AirflowNotFoundException", RetryAction.FAIL, reason="trying again would not find it"
        ),
    ]
)


def patient() -> dict[str, Any]:
    """Arguments of tasks that wait for a database, a network or a file system, for somewhat more than an hour.

    The first pause is ``HDQM_TASK_PAUSE_S`` long; each is twice the last, and none is longer than a quarter of an hour.
    """
    return {
        "owner": "hdqm",
        "retries": _TRIES - 1,
        "retry_delay": timedelta(seconds=Settings().task_pause_s),
        "retry_exponential_backoff": True,
        "max_retry_delay": _LONGEST,
        "retry_policy": _POLICY,
    }
