"""DQM files for given trends: every element that they name, with drifts, steps, outliers and gaps."""

import hashlib
import math
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np

from hdqm_ops.model import Histogram, Scalar, Trend
from hdqm_ops.simulate._damage import damaged
from hdqm_ops.simulate._histograms import axis, counted, empty, filled
from hdqm_ops.simulate._root_file import dqm_file_bytes, replace_file
from hdqm_ops.simulate._scenario import Damage, FilePlan, Scenario, carries, plan_files
from hdqm_ops.simulate._shapes import Condition, Use, shape_for

__all__ = ["SimulatedFile", "simulate_dqm"]


@dataclass(frozen=True, slots=True)
class SimulatedFile:
    """What one file contains.

    Attributes:
        path: the file.
        run_number: of name and folder.
        dataset: ``/SingleMuon/Run2018D-PromptReco-v2/DQMIO``.
        dqm_version: the ``1`` of ``DQM_V0001``.
        size_bytes: size.
        elements: monitor elements of the trends that were written (before any damage).
        empty: those among them that have no entries.
        missing: monitor elements that a file of this dataset has and this one has not.
        damage: what is wrong with the file, None where nothing is.
    """

    path: str
    run_number: int
    dataset: str
    dqm_version: int
    size_bytes: int
    elements: tuple[str, ...]
    empty: tuple[str, ...]
    missing: tuple[str, ...]
    damage: Damage | None


def simulate_dqm(
    trends: Sequence[Trend],
    out: Path,
    scenario: Scenario,
    *,
    progress: Callable[[SimulatedFile], object] | None = None,
    jobs: int = 1,
) -> tuple[SimulatedFile, ...]:
    """Write the DQM files of a scenario below a folder, in the layout of EOS.

    The same trends, scenario and seed give the same bytes; a file that is there already with these bytes is left alone.

    Args:
        trends: what the files must contain.
        out: folder to write to.
        scenario: how much.
        progress: is called after each file; there are ``len(plan_files(scenario))`` of them.
        jobs: processes.
    """
    simulate = partial(_simulate_file, _elements(trends), out, scenario)
    plans = plan_files(scenario)
    files = []
    for file in map(simulate, plans) if jobs == 1 else _in_processes(simulate, plans, jobs):
        files.append(file)
        if progress is not None:
            progress(file)
    return tuple(files)


def _in_processes(
    simulate: Callable[[FilePlan], SimulatedFile], plans: Sequence[FilePlan], jobs: int
) -> Iterator[SimulatedFile]:
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(simulate, plans, chunksize=8)


# -- elements ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Element:
    """A monitor element: its path, the subsystems whose trends read it, and how."""

    path: str
    subsystems: frozenset[str]
    uses: frozenset[Use]


def _elements(trends: Sequence[Trend]) -> tuple[_Element, ...]:
    """Every element that the trends name, sorted by path."""
    subsystems: dict[str, set[str]] = {}
    uses: dict[str, set[Use]] = {}
    for trend in trends:
        for alternative in trend.alternatives:
            for role, paths in alternative.paths.items():
                for path in paths:
                    subsystems.setdefault(path, set()).add(trend.subsystem)
                    uses.setdefault(path, set()).add(_use(alternative.metric.name, alternative.metric.arguments, role))
    return tuple(_Element(path, frozenset(subsystems[path]), frozenset(uses[path])) for path in sorted(uses))


def _use(metric: str, arguments: tuple[object, ...], role: str) -> Use:
    return Use(metric, tuple(map(_hashable, arguments)), role)


def _hashable(value: object) -> object:
    """A literal of a metric expression as a member of a set."""
    if isinstance(value, list | tuple):
        return tuple(map(_hashable, value))
    return repr(value) if isinstance(value, dict | set) else value


# -- one file ----------------------------------------------------------------------------------------------------------


def _simulate_file(elements: Sequence[_Element], out: Path, scenario: Scenario, plan: FilePlan) -> SimulatedFile:
    due = [e for e in elements if any(carries(plan.primary_dataset, subsystem) for subsystem in e.subsystems)]
    content: dict[str, Histogram | Scalar] = {}
    for element in due:
        if not _missing(scenario, plan, element.path):
            content[element.path] = _histogram(scenario, plan, element)
    written = tuple(content)
    hollow = tuple(path for path, one in content.items() if isinstance(one, Histogram) and one.entries == 0)
    texts = _add_the_rest(scenario, plan, content)
    data = dqm_file_bytes(plan.run_number, content, texts=texts, written=_moment(plan.run_number))
    if plan.damage:
        data = damaged(data, plan.damage, scenario.seed)
    path = out / plan.path
    replace_file(path, data)
    return SimulatedFile(
        path=str(path),
        run_number=plan.run_number,
        dataset=plan.dataset,
        dqm_version=plan.dqm_version,
        size_bytes=len(data),
        elements=written,
        empty=hollow,
        missing=tuple(element.path for element in due if element.path not in written),
        damage=plan.damage,
    )


def _histogram(scenario: Scenario, plan: FilePlan, element: _Element) -> Histogram:
    dice = _dice(scenario.seed, plan.run_number, plan.dataset, plan.dqm_version, element.path)
    condition = _condition(scenario, plan, element.path)
    histogram = shape_for(element.uses, condition, np.random.default_rng(dice))
    histogram = replace(histogram, name=_name(element.path), title=_name(element.path))
    return empty(histogram) if dice % 200 == 0 else histogram


def _condition(scenario: Scenario, plan: FilePlan, path: str) -> Condition:
    """State of an element in a run: mostly the detector's, a little the dataset's and the reconstruction's.

    It depends on the run's number and not on its place in the scenario, so that runs can be added later.
    """
    run, key = plan.run_number, _dice(scenario.seed, path) % 10**8
    scale = 1 + 0.05 * math.sin(run / (20 + key % 130) + key)
    if _dice(scenario.seed, path, run // 137) % 5 == 0:  # until the next intervention
        scale += 0.12
    if _dice(scenario.seed, path, run, "outlier") % 97 == 0:
        scale *= 1.6
    scale *= 1 + 0.005 * (_dice(path, plan.primary_dataset) % 5 - 2)
    if "12Nov2019" in plan.dataset:  # better calibrated
        scale = 1 + 0.8 * (scale - 1)
    share = plan.share * (0.5 if "Express" in plan.dataset else 1.0)
    box = _dice(scenario.seed, "dead box", run // 20)
    return Condition(
        key=key,
        scale=scale,
        entries=int((400 + key % 1600) * share),
        lumisections=40 + _dice(scenario.seed, run, "length") % 900,
        dead=box if box % 4 == 0 else 0,
    )


def _missing(scenario: Scenario, plan: FilePlan, path: str) -> bool:
    """One element in a hundred fails; now and then a whole detector is not in the run."""
    top = path.partition("/")[0]
    if top != "Info" and _dice(scenario.seed, plan.run_number, top, "out") % 97 == 0:
        return True
    return _dice(scenario.seed, plan.run_number, plan.dataset, plan.dqm_version, path, "missing") % 100 == 0


def _add_the_rest(scenario: Scenario, plan: FilePlan, content: dict[str, Histogram | Scalar]) -> list[tuple[str, str]]:
    """What a DQM file has besides the elements of trends; gives texts that are neither."""
    rng = np.random.default_rng(_dice(scenario.seed, plan.run_number, plan.dataset, "rest"))
    for top in sorted({path.partition("/")[0] for path in content} | {"Info"}):
        quality = round(float(rng.uniform(0.9, 1)), 4)
        content.setdefault(f"{top}/EventInfo/reportSummary", Scalar("reportSummary", quality))
        content.setdefault(f"{top}/EventInfo/iRun", Scalar("iRun", plan.run_number))
        content.setdefault(f"{top}/EventInfo/processName", Scalar("processName", "HARVESTING"))
        summary = counted("TH2F", [axis(4, 0, 4), axis(4, 0, 4)], np.full((4, 4), quality))
        content.setdefault(f"{top}/EventInfo/reportSummaryMap", replace(summary, name="reportSummaryMap"))
    for number in range(scenario.distractors):
        name = f"element {number}"
        histogram = replace(filled("TH1F", [axis(50, 0, 1)], rng.random(50)), name=name)
        content.setdefault(f"{_OTHERS[number % len(_OTHERS)]}/Folder{number % 23}/Sub{number % 7}/{name}", histogram)
    flagged = "HLT/EventInfo/reportSummaryMap"
    content.setdefault(flagged, content["Info/EventInfo/reportSummaryMap"])
    return [
        ("Info/ProvInfo/CMSSW", 's="CMSSW_10_2_5"'),
        ("Info/ProvInfo/runIsComplete", "f=1"),
        (flagged, "e=1"),
        (f"{flagged}.contents", "qr=st:100:1:Within the expected range"),
    ]


_OTHERS = ("EcalBarrel", "HLT", "Hcal", "JetMET", "Muons", "PixelPhase1", "SiStrip")


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _moment(run: int) -> datetime:
    """When a run's file was written: half an hour a run, from the beginning of 2018's data taking."""
    return datetime(2018, 4, 18, tzinfo=UTC) + timedelta(minutes=30) * min(max(run - 314472, 0), 100_000)


def _dice(*parts: object) -> int:
    """A number that belongs to these parts for ever."""
    text = "\0".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
