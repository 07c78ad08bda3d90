"""The composition root: the only place that knows all rooms. Commands and Dags call its functions and nothing else."""

from hdqm_ops.pipeline._configuration import config_roots, read_configuration, read_selection
from hdqm_ops.pipeline._database import migrate, migration_status, query, select_runs, summary, summary_rows
from hdqm_ops.pipeline._files import STATES, file_events, list_files, retry_files
from hdqm_ops.pipeline._pages import (
    Overview,
    find_trends,
    golden_jsons,
    keep_golden_json,
    overview,
    remove_golden_json,
    run_page,
    some_files,
)
from hdqm_ops.pipeline._plan import Batch, Plan, apply_configuration, plan
from hdqm_ops.pipeline._reduction import FileReducer
from hdqm_ops.pipeline._report import FileReport, Report
from hdqm_ops.pipeline._request import Request
from hdqm_ops.pipeline._simulation import simulate_files, simulated_files
from hdqm_ops.pipeline._sync import (
    SyncReport,
    import_golden_json,
    import_runs,
    oms_is_configured,
    rr_is_configured,
    sync_oms,
    sync_rr,
)
from hdqm_ops.pipeline._watch import Watcher
from hdqm_ops.pipeline._work import add_up, ingest_batch, work

__all__ = [
    "STATES",
    "Batch",
    "FileReducer",
    "FileReport",
    "Overview",
    "Plan",
    "Report",
    "Request",
    "SyncReport",
    "Watcher",
    "add_up",
    "apply_configuration",
    "config_roots",
    "file_events",
    "find_trends",
    "golden_jsons",
    "import_golden_json",
    "import_runs",
    "ingest_batch",
    "keep_golden_json",
    "list_files",
    "migrate",
    "migration_status",
    "oms_is_configured",
    "overview",
    "plan",
    "query",
    "read_configuration",
    "read_selection",
    "remove_golden_json",
    "retry_files",
    "rr_is_configured",
    "run_page",
    "select_runs",
    "simulate_files",
    "simulated_files",
    "some_files",
    "summary",
    "summary_rows",
    "sync_oms",
    "sync_rr",
    "work",
]
