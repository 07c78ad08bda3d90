"""The composition root: the only place that knows all rooms. Commands and Dags call its functions and nothing else."""

from hdqm_ops.pipeline._configuration import config_roots, read_configuration, read_selection
from hdqm_ops.pipeline._dashboards import (
    has_grafana,
    publish_dashboards,
    record_addresses,
    renew_dashboards,
    write_site_dashboards,
)
from hdqm_ops.pipeline._database import (
    maintenance,
    migrate,
    migration_status,
    query,
    select_runs,
    summary,
    summary_rows,
)
from hdqm_ops.pipeline._files import STATES, file_events, list_files, retry_files
from hdqm_ops.pipeline._guard import end_long_sessions, guard
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
from hdqm_ops.pipeline._priority import give_way
from hdqm_ops.pipeline._reduction import FileReducer
from hdqm_ops.pipeline._report import FileReport, Report
from hdqm_ops.pipeline._request import Request
from hdqm_ops.pipeline._simulation import simulate_files, simulated_files, simulated_runs
from hdqm_ops.pipeline._sync import (
    SyncReport,
    Wanted,
    create_golden_json,
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
    "Wanted",
    "Watcher",
    "add_up",
    "apply_configuration",
    "config_roots",
    "create_golden_json",
    "end_long_sessions",
    "file_events",
    "find_trends",
    "give_way",
    "golden_jsons",
    "guard",
    "has_grafana",
    "import_golden_json",
    "import_runs",
    "ingest_batch",
    "keep_golden_json",
    "list_files",
    "maintenance",
    "migrate",
    "migration_status",
    "oms_is_configured",
    "overview",
    "plan",
    "publish_dashboards",
    "query",
    "read_configuration",
    "read_selection",
    "record_addresses",
    "remove_golden_json",
    "renew_dashboards",
    "retry_files",
    "rr_is_configured",
    "run_page",
    "select_runs",
    "simulate_files",
    "simulated_files",
    "simulated_runs",
    "some_files",
    "summary",
    "summary_rows",
    "sync_oms",
    "sync_rr",
    "work",
    "write_site_dashboards",
]
