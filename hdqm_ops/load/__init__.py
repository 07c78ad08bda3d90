"""Rows into TimescaleDB and out of it again; the only room with psycopg. Its schema is in ``sql/``."""

from hdqm_ops.load._claims import Held, claim_work, holders, next_best, release_claim, renew_claim
from hdqm_ops.load._configuration import Changes, apply_configuration
from hdqm_ops.load._connection import Connection, connect
from hdqm_ops.load._dag_runs import DagRun, record_dag_runs
from hdqm_ops.load._files import Registered, Retry, record_failure, register_files
from hdqm_ops.load._guard import EndedSession, end_long_sessions
from hdqm_ops.load._histograms import element_behind_point, stored_elements, stored_elements_of_files
from hdqm_ops.load._ledger import (
    FileFilter,
    file_events,
    list_files,
    not_listed,
    record_vanished,
    record_waiting,
    requeue_files,
)
from hdqm_ops.load._maintenance import maintain, open_runs
from hdqm_ops.load._migrate import MigrationStatus, migrate, migration_status, restrict_reader
from hdqm_ops.load._pages import Pages, pages
from hdqm_ops.load._pending import pending
from hdqm_ops.load._points import SeriesPoints, read_points
from hdqm_ops.load._priority import follow_priority
from hdqm_ops.load._reader import Condition, NotAnswered, Page, Reader
from hdqm_ops.load._reader_role import restore_reader
from hdqm_ops.load._recompute import load_recomputed
from hdqm_ops.load._runs import (
    RunCounts,
    first_run_of_days,
    record_absent_runs,
    record_asked_runs,
    record_runs,
    record_schemes,
    run_starts,
    runs_to_ask,
)
from hdqm_ops.load._selection import Selection, left_out_runs, selected_runs
from hdqm_ops.load._services import (
    GoldenOrigin,
    SyncState,
    record_certification,
    record_fills,
    record_lumisections,
    record_sync,
    record_sync_failure,
    record_sync_progress,
    remove_golden_json,
    store_golden_json,
    sync_state,
)
from hdqm_ops.load._site import record_addresses, shown_subsystems
from hdqm_ops.load._store import load_file
from hdqm_ops.load._summary import Summary, ask, summary
from hdqm_ops.load._work import FileResult, LoadCounts, Scope, Work

__all__ = [
    "Changes",
    "Condition",
    "Connection",
    "DagRun",
    "EndedSession",
    "FileFilter",
    "FileResult",
    "GoldenOrigin",
    "Held",
    "LoadCounts",
    "MigrationStatus",
    "NotAnswered",
    "Page",
    "Pages",
    "Reader",
    "Registered",
    "Retry",
    "RunCounts",
    "Scope",
    "Selection",
    "SeriesPoints",
    "Summary",
    "SyncState",
    "Work",
    "apply_configuration",
    "ask",
    "claim_work",
    "connect",
    "element_behind_point",
    "end_long_sessions",
    "file_events",
    "first_run_of_days",
    "follow_priority",
    "holders",
    "left_out_runs",
    "list_files",
    "load_file",
    "load_recomputed",
    "maintain",
    "migrate",
    "migration_status",
    "next_best",
    "not_listed",
    "open_runs",
    "pages",
    "pending",
    "read_points",
    "record_absent_runs",
    "record_addresses",
    "record_asked_runs",
    "record_certification",
    "record_dag_runs",
    "record_failure",
    "record_fills",
    "record_lumisections",
    "record_runs",
    "record_schemes",
    "record_sync",
    "record_sync_failure",
    "record_sync_progress",
    "record_vanished",
    "record_waiting",
    "register_files",
    "release_claim",
    "remove_golden_json",
    "renew_claim",
    "requeue_files",
    "restore_reader",
    "restrict_reader",
    "run_starts",
    "runs_to_ask",
    "selected_runs",
    "shown_subsystems",
    "store_golden_json",
    "stored_elements",
    "stored_elements_of_files",
    "summary",
    "sync_state",
]
