"""Imports what tasks need; the scheduler imports this once, and its tasks are forks of it (LocalExecutor)."""

import iminuit  # noqa: F401 - only to have it, as the others
import numpy  # noqa: F401, ICN001
import scipy.special  # noqa: F401
import uproot  # noqa: F401
from airflow.sdk import task

import hdqm_airflow.connections
import hdqm_airflow.forms
import hdqm_airflow.ingest
import hdqm_airflow.patience
import hdqm_airflow.watch  # noqa: F401
import hdqm_ops.pipeline  # noqa: F401

_ = task.python  # looks once through all that is installed for what can be a task
