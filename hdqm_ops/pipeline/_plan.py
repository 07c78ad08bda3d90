"""What there is to do: configuration and files into the ledger, and from the ledger the work that is missing."""

import logging
import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from hdqm_ops import discover, load
from hdqm_ops.config import ConfigTree
from hdqm_ops.errors import ConfigError
from hdqm_ops.model import DQMFile
from hdqm_ops.pipeline._configuration import read_selection
from hdqm_ops.pipeline._database import Database, connect
from hdqm_ops.pipeline._listing import register
from hdqm_ops.pipeline._request import Request
from hdqm_ops.settings import Settings

__all__ = ["Batch", "Plan", "apply_configuration", "plan", "plan_batch"]

log = logging.getLogger(__name__)

_MOST_BATCHES = 1000
_WORTH_A_TASK = 10
"""Files below which a batch is not made smaller: a task costs about as much as loading ten small files."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Files that one task takes.

    Attributes:
        label: runs and datasets, for people.
        file_ids: their ids in the ledger.
    """

    label: str
    file_ids: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """For Airflow's messages between tasks."""
        return {"label": self.label, "file_ids": list(self.file_ids)}


@dataclass(frozen=True, slots=True)
class Plan:
    """The work that a request comes to.

    Attributes:
        request: what was asked.
        tree: the configuration it was asked for.
        scope: the question to the ledger.
        work: its answer, one item a file.
        remarks: what a person should know: ignored files, patterns without files, errors in the configuration.
        batch_size: files of one batch, at most.
        at_once: batches that are done beside one another.
        changed: the database did not know the configuration like that.
    """

    request: Request
    tree: ConfigTree
    scope: load.Scope
    work: tuple[load.Work, ...]
    remarks: tuple[str, ...]
    batch_size: int
    at_once: int = 1
    changed: bool = False

    @property
    def batches(self) -> list[Batch]:
        """The work in batches of the same size: files by run, for runs take about as long; stored ones by dataset.

        As many as are done at once, or twice as many, …: so all who work end together. They are larger than asked for
        where there would be more of them than Airflow maps (``max_map_length``).
        """
        if not self.work:
            return []
        ordered = sorted(self.work, key=_place)
        needed = math.ceil(len(ordered) / self.batch_size)
        evenly = math.ceil(needed / self.at_once) * self.at_once
        worth = max(needed, len(ordered) // _WORTH_A_TASK)
        number = min(evenly, worth, _MOST_BATCHES)
        ends = [len(ordered) * at // number for at in range(number + 1)]
        return [_batch(ordered[start:end]) for start, end in pairwise(ends)]


def plan(settings: Settings, request: Request) -> Plan:
    """Bring the configuration and the files that exist into the ledger; say what is to do.

    Raises:
        ConfigError: the request names runs, files or trends that cannot be understood or do not exist.
        DatabaseUnavailable: no database answers, or it went away for longer than the settings allow.
    """
    remarks: list[str] = []
    runs = discover.parse_runs(request.runs)
    tree = _read(settings, request)
    files = _find(settings, request, remarks) if request.look and request.stage != "calculate" else None
    remarks += [f"{problem} (the other trends are done)" for problem in tree.errors]
    scope = load.Scope(
        stage=request.stage,
        mode=request.mode,
        runs=() if runs.everything else runs.ranges,
        datasets=request.datasets,
        trends=tuple(trend.key for trend in tree.trends),
        paths=tuple(file.path for file in files or ()) if request.files else (),
    )
    whole = _is_whole(request, tree)
    nothing_left = request.hints and not files  # no paths would mean all
    with closing(Database(settings)) as database:
        database.open()
        changes = database.ask(
            lambda to: load.apply_configuration(to, tree.trends, tree.groups, tree.rules, whole=whole)
        )
        if files is not None:
            database.ask(lambda to: register(to, settings, request, files))
        work = () if nothing_left else tuple(database.ask(lambda to: load.pending(to, scope)))
    log.info("%d files to do for %d trends, %s", len(work), len(tree.trends), runs)
    size, at_once = request.batch_size or settings.batch_size, settings.airflow_tasks
    return Plan(request, tree, scope, work, tuple(remarks), size, at_once, changes.any)


def plan_batch(settings: Settings, request: Request, file_ids: Sequence[int]) -> Plan:
    """What is still to do of the files of a batch; the configuration and the files are in the ledger already."""
    tree = _read(settings, request)
    scope = load.Scope(
        stage=request.stage,
        mode=request.mode,
        trends=tuple(trend.key for trend in tree.trends),
        file_ids=tuple(file_ids),
    )
    with connect(settings) as connection:
        return Plan(request, tree, scope, tuple(load.pending(connection, scope)), (), settings.batch_size)


def apply_configuration(settings: Settings, tree: ConfigTree) -> dict[str, int]:
    """Bring a whole configuration into the database; how many trends are new, changed, retired, unchanged.

    Raises:
        ConfigError: the configuration has errors; nothing is applied then.
    """
    if tree.errors:
        raise ConfigError("\n".join(["nothing is applied, because of these errors:", *map(str, tree.errors)]))
    with connect(settings) as connection:
        changes = load.apply_configuration(connection, tree.trends, tree.groups, tree.rules, whole=True)
    return asdict(changes)


def _read(settings: Settings, request: Request) -> ConfigTree:
    tree = read_selection(settings, request.configs)
    return tree.select(request.subsystems) if request.subsystems else tree


def _is_whole(request: Request, tree: ConfigTree) -> bool:
    """Only a whole tree retires trends; a trend whose section has an error is not in it and must stay, too."""
    return not (request.configs or request.subsystems or tree.errors)


def _find(settings: Settings, request: Request, remarks: list[str]) -> list[DQMFile]:
    where = request.files or settings.files
    if request.hints:
        where = tuple(path for path in where if discover.exists(path))
    found = list(
        discover.find(
            where,
            aliases=settings.processing_aliases,
            multi_run=settings.multi_run,
            relval=settings.relval,
            report=remarks.append,
        )
    )
    if not found and not request.hints:
        raise ConfigError(f"no DQM file in {', '.join(where)}: name files or folders with -f, or set HDQM_FILES")
    remarks += [f"ignored: {file.path}: {file.ignored}" for file in found if file.ignored]
    return found


def _place(item: load.Work) -> tuple[bool, str, int, str]:
    dataset = _dataset(item)
    return item.stored, dataset if item.stored else "", item.file.run_number, dataset


def _dataset(item: load.Work) -> str:
    return f"{item.file.primary_dataset}/{item.file.processing}"


def _batch(items: Sequence[load.Work]) -> Batch:
    """Labelled with its runs and datasets: ``324997-325170 SingleMuon/PromptReco``."""
    runs, datasets = {item.file.run_number for item in items}, {_dataset(item) for item in items}
    label = f"{min(runs)}-{max(runs)}" if len(runs) > 1 else str(min(runs))
    label += f" {datasets.pop()}" if len(datasets) == 1 else f", {len(datasets)} datasets"
    return Batch(label, tuple(item.file_id for item in items))
