"""Which DQM files a simulated detector leaves behind, in the order in which they arrive."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from hdqm_ops.errors import ConfigError

__all__ = ["DATASETS", "Damage", "FilePlan", "Scenario", "carries", "plan_files", "scenario"]

_TRACKS = ("Tracker", "Tracking")  # the predecessor's name of a subsystem, and that of our own trends
_STRIPS = ("SiStrips", "Strips")

DATASETS: dict[str, frozenset[str] | None] = {
    "StreamExpress": None,
    "SingleMuon": frozenset({"Muons", "DT", "CSC", "RPC", "GEM", "L1T", "PixelPhase1", "Pixel", *_TRACKS, *_STRIPS}),
    "ZeroBias": frozenset({"HCAL", "ECAL", "PixelPhase1", "Pixel", "Reco", "L1T", "DT", *_TRACKS, *_STRIPS}),
    "DoubleMuon": frozenset({"Muons", "CSC", "DT", "RPC", "GEM"}),
    "EGamma": frozenset({"ECAL", "L1T", "Reco", *_TRACKS}),
    "JetHT": frozenset({"JetMET", "HCAL", "Reco", *_TRACKS}),
    "MET": frozenset({"JetMET", "HCAL", "ECAL"}),
    "MinimumBias": frozenset({"PixelPhase1", "Pixel", *_TRACKS, *_STRIPS}),
    "HcalNZS": frozenset({"HCAL"}),
    "Cosmics": frozenset({"DT", "CSC", "RPC", "Reco", *_TRACKS, *_STRIPS}),
}
"""Primary dataset → subsystems whose elements it carries; None for all."""

_KNOWN = frozenset[str]().union(*(subsystems for subsystems in DATASETS.values() if subsystems))

_ERAS = {"A": (315252, 316995, 3), "B": (317080, 319310, 2), "C": (319337, 320065, 3), "D": (320673, 325175, 2)}
"""Era of 2018 → first run, last run, version of the prompt reconstruction."""

_UL = "12Nov2019_UL2018"


class Damage(Enum):
    """What can have happened to a file."""

    TRUNCATED = "truncated"
    EMPTY = "no bytes"
    HTML = "an HTML page under the name of a DQM file"
    GARBAGE = "random bytes in the middle"


@dataclass(frozen=True, slots=True)
class FilePlan:
    """One file to write.

    Attributes:
        run_number: of name and folder.
        dataset: ``/SingleMuon/Run2018D-PromptReco-v2/DQMIO``.
        dqm_version: the ``1`` of ``DQM_V0001``.
        damage: what is wrong with the file, None where nothing is.
        share: part of the run's events that it has seen.
    """

    run_number: int
    dataset: str
    dqm_version: int = 1
    damage: Damage | None = None
    share: float = 1.0

    @property
    def primary_dataset(self) -> str:
        """First part of the dataset."""
        return self.dataset.split("/")[1]

    @property
    def path(self) -> str:
        """Path below the output folder, as on EOS: ``Run2018/SingleMuon/0003249xx/DQM_V0001_R…root``."""
        _, primary, middle, tier = self.dataset.split("/")
        version, run = f"DQM_V{self.dqm_version:04d}", f"R{self.run_number:09d}"
        name = f"{version}_{primary}_{run}" if middle == "Online" else f"{version}_{run}__{primary}__{middle}__{tier}"
        year = re.match(r"Run[0-9]{4}", middle)
        top = year[0] if year else middle.split("-")[0]
        return f"{top}/{primary}/{self.run_number // 100:07d}xx/{name}.root"


@dataclass(frozen=True, slots=True)
class Scenario:
    """How much is simulated.

    Attributes:
        name: what it is called.
        runs: the runs, in order.
        sparse: datasets other than the three main ones come in every n-th run.
        broken: of their files, every n-th is damaged; 0 for none.
        distractors: elements per file that no trend asks for.
        seed: same seed, same files.
    """

    name: str
    runs: tuple[int, ...]
    sparse: int
    broken: int
    distractors: int
    seed: int = 1


def scenario(name: str, *, seed: int = 1, runs: Sequence[int] | None = None) -> Scenario:
    """A scenario by name: ``demo`` (some hundred files of twenty runs) or ``full`` (some 1600 of 300 runs).

    ``runs`` replaces the runs of the scenario.
    """
    sizes = {
        "demo": lambda: Scenario(name, _some_runs(324747, 20), sparse=7, broken=5, distractors=80, seed=seed),
        "full": lambda: Scenario(name, _some_runs(315252, 300), sparse=3, broken=100, distractors=500, seed=seed),
    }
    if name not in sizes:
        raise ConfigError(f"there is no scenario {name!r}: choose one of {', '.join(sizes)}")
    made = sizes[name]()
    if runs is None:
        return made
    return Scenario(name, tuple(sorted(set(runs))), made.sparse, made.broken, made.distractors, seed)


def carries(primary_dataset: str, subsystem: str) -> bool:
    """True where the dataset has the subsystem's elements; a subsystem that is not known here is in the main three."""
    subsystems = DATASETS.get(primary_dataset, frozenset({primary_dataset}))
    if subsystems is None or subsystem in subsystems:
        return True
    return subsystem not in _KNOWN and primary_dataset in _MAIN


_MAIN = ("StreamExpress", "SingleMuon", "ZeroBias")


def plan_files(scenario: Scenario) -> tuple[FilePlan, ...]:
    """All files of a scenario, in the order of their arrival."""
    plans = [plan for rank, run in enumerate(scenario.runs) for plan in _main_files(run, rank)]
    plans.extend(_other_files(scenario))
    plans.extend(_reprocessed(scenario.runs))
    plans.extend(_odd_files(scenario.runs))
    return tuple(plans)


def _main_files(run: int, rank: int) -> Iterator[FilePlan]:
    """Express and prompt of a run; now and then more than one DQM version, and not in order."""
    express, muons, zero_bias = (
        _dataset("StreamExpress", run, "Express"),
        _dataset("SingleMuon", run),
        _dataset("ZeroBias", run),
    )
    if rank % 20 == 9:  # a transfer that broke, and its repetition
        yield FilePlan(run, express, 1, Damage.TRUNCATED)
        yield FilePlan(run, express, 2)
    else:
        yield FilePlan(run, express)
    if rank % 8 == 3:  # the first version had seen 60 % of the events, and arrives late
        yield FilePlan(run, muons, 2)
        yield FilePlan(run, muons, 1, share=0.6)
    else:
        yield FilePlan(run, muons)
    if rank % 7 != 5:
        yield FilePlan(run, zero_bias, share=0.6 if rank % 8 == 6 else 1.0)
    if rank % 8 == 6:
        yield FilePlan(run, zero_bias, 17)


def _other_files(scenario: Scenario) -> Iterator[FilePlan]:
    others = [name for name in DATASETS if name not in _MAIN]
    chosen = [
        (run, name)
        for rank, run in enumerate(scenario.runs)
        for index, name in enumerate(others)
        if (rank + index) % scenario.sparse == 0
    ]
    kinds = list(Damage)
    for number, (run, name) in enumerate(chosen, 1):
        broken = scenario.broken and number % scenario.broken == 0
        damage = kinds[number // scenario.broken % len(kinds)] if broken else None
        yield FilePlan(run, _dataset(name, run), damage=damage)


def _reprocessed(runs: Sequence[int]) -> Iterator[FilePlan]:
    for rank, run in enumerate(runs):
        if rank % 3 == 0:
            if rank % 9 == 0:
                yield FilePlan(run, _dataset("SingleMuon", run, _UL, 1), share=0.9)
            yield FilePlan(run, _dataset("SingleMuon", run, _UL, 2))
        if rank % 7 == 1:
            yield FilePlan(run, _dataset("ZeroBias", run, f"{_UL}_rsb"))


def _odd_files(runs: Sequence[int]) -> Iterator[FilePlan]:
    """One with an online name, and two that are to be ignored: a harvest over many runs, and release validation."""
    if runs:
        era = _era(runs[0])[0]
        yield FilePlan(runs[-1], "/GEM/Online/DQM")
        yield FilePlan(999999, f"/ZeroBias/{era}-{_UL}-v1-{runs[0]}-{runs[-1]}/DQMIO")
        yield FilePlan(1, "/RelValTTbar_14TeV/CMSSW_10_2_5-102X_upgrade2018_realistic_v12-v1/DQMIO")


def _dataset(primary: str, run: int, processing: str = "PromptReco", version: int | None = None) -> str:
    era, prompt = _era(run)
    if version is None:
        version = prompt if processing == "PromptReco" else 1
    return f"/{primary}/{era}-{processing}-v{version}/DQMIO"


def _era(run: int) -> tuple[str, int]:
    """Era of a run, and version of its prompt reconstruction; the last begun where the run lies between."""
    begun = [(f"Run2018{letter}", version) for letter, (first, _, version) in _ERAS.items() if first <= run]
    return begun[-1] if begun else ("Run2018A", 3)


def _some_runs(first: int, count: int) -> tuple[int, ...]:
    """Runs as a year gives them: a few per fill, gaps between fills, longer ones between eras."""
    rng = np.random.default_rng(first)
    spread = 2 if count < 100 else (_ERAS["D"][1] - first) // count  # few runs lie near to one another
    runs = [first]
    while len(runs) < count:
        step = int(rng.integers(1, 3) if rng.random() < 0.5 else rng.integers(2, 4 * max(spread, 2)))
        run = runs[-1] + step
        if any(begin <= run <= end for begin, end, _ in _ERAS.values()):
            runs.append(run)
        else:
            runs.append(next((begin for begin, _, _ in _ERAS.values() if begin > run), run))
    return tuple(runs)
