"""What somebody asks for: a command line, a form in Airflow, a script."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Mode", "Request", "Stage"]

Stage = Literal["ingest", "extract", "calculate"]
Mode = Literal["missing", "failed", "all"]


class Request(BaseModel):
    """What to do, for which runs, datasets and trends. Empty means all.

    Attributes:
        stage: ``ingest`` does both halves, ``extract`` and ``calculate`` one each.
        runs: runs and ranges, ``324997 325000-325170``.
        datasets: primary datasets.
        subsystems: subsystems.
        configs: files, folders, ``Subsystem/pattern*``; a subset does only its own and retires nothing.
        files: files, folders, globs, ``@list.txt``; empty: those of the settings.
        hints: the files were seen to come and to stay as they are, by the watcher: those that are gone meanwhile are
            passed over, and those that are truncated wait.
        look: look for files; else only those that the ledger knows are done.
        mode: ``missing`` what was never done, ``failed`` also files that failed, ``all`` everything anew.
        batch_size: files of one batch; None: as the settings say.
        dry_run: only plan.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: Stage = "ingest"
    runs: str = ""
    datasets: tuple[str, ...] = ()
    subsystems: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    hints: bool = False
    look: bool = True
    mode: Mode = "missing"
    batch_size: int | None = Field(default=None, ge=1, le=500)
    dry_run: bool = False

    @property
    def judged_at_once(self) -> bool:
        """Files that a person named are never left to wait for their writer."""
        return bool(self.files) and not self.hints
