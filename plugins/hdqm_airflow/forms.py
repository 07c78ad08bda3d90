"""Fields that the forms of several Dags have in common."""

from airflow.sdk import Param

from hdqm_ops.settings import Settings

__all__ = ["ingest_fields", "runs", "several", "sync_fields"]

_RUNS = r"^\s*(\d{1,9}(\s*-\s*\d{1,9})?([\s,]+|$))*$"


def runs(description: str, title: str = "Runs") -> Param:
    """A field for runs and ranges of runs, or nothing."""
    return Param(None, type=["null", "string"], pattern=_RUNS, title=title, description=description)


def several(title: str, description: str) -> Param:
    """A field of the form that takes one value a line, or nothing."""
    return Param(None, type=["null", "array"], items={"type": "string"}, title=title, description=description)


def ingest_fields(run_description: str, **own: Param) -> dict[str, Param]:
    """The form of a Dag that ingests; ``own`` fields stand before the size of batches."""
    return {
        "runs": runs(run_description),
        "datasets": several("Primary datasets", "SingleMuon, one a line; empty: all"),
        "subsystems": several("Subsystems", "Tracking, one a line; empty: all"),
        "mode": Param(
            "missing",
            type="string",
            enum=["missing", "failed", "all"],
            values_display={"missing": "only missing", "failed": "missing and failed", "all": "everything anew"},
            title="What to do",
        ),
        **own,
        "batch_size": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            maximum=500,
            title="Files per task",
            description="empty: HDQM_BATCH_SIZE",
        ),
        "dry_run": Param(default=False, type="boolean", title="Dry run", description="Only say what would be done"),
    }


def sync_fields(settings: Settings, everything: str, **own: Param) -> dict[str, Param]:
    """The form of a Dag that asks a service; ``everything`` says what all of it is, ``own`` fields come last."""
    return {
        "runs": runs("324997 325000-325170; empty: what is due"),
        "since": _day("From day", "Runs that began on this day (UTC) or later"),
        "until": _day("To day", "Runs that began on this day (UTC) or earlier"),
        "days": Param(
            settings.sync_days, type="integer", minimum=1, title="Sweep", description="Days that a sweep goes back"
        ),
        "everything": Param(default=False, type="boolean", title="Everything", description=everything),
        **own,
    }


def _day(title: str, description: str) -> Param:
    return Param(None, type=["null", "string"], format="date", title=title, description=description)
