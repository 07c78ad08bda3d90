"""Simulated DQM files for a configuration."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hdqm_ops.config import ConfigTree

__all__ = ["simulate_files", "simulated_files", "simulated_runs"]


def simulated_runs(count: int, era: str) -> tuple[int, ...]:
    """The last runs of an era with collisions that the simulated OMS and Run Registry tell of: all hangs together."""
    from hdqm_ops.simulate.services import World  # noqa: PLC0415 - a second, and only demos need it

    lit = [run.number for run in World().all_runs if run.kind == "collisions" and run.period.era == era]
    return tuple(lit[-count:])


def simulated_files(name: str, *, seed: int = 1, runs: Sequence[int] | None = None) -> int:
    """Number of files of a scenario, of its own runs or of these."""
    from hdqm_ops import simulate  # noqa: PLC0415 - uproot takes a second to import, and only this writes files

    return len(simulate.plan_files(simulate.scenario(name, seed=seed, runs=runs)))


def simulate_files(
    tree: ConfigTree,
    out: Path,
    name: str,
    *,
    seed: int,
    jobs: int,
    advance: Callable[[str], None],
    runs: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Write the files of a scenario (``demo`` or ``full``) with the elements that ``tree`` names; counts."""
    from hdqm_ops import simulate  # noqa: PLC0415 - see above

    files = simulate.simulate_dqm(
        tree.trends,
        out,
        simulate.scenario(name, seed=seed, runs=runs),
        progress=lambda file: advance(Path(file.path).name),
        jobs=jobs,
    )
    return {
        "folder": str(out),
        "files": len(files),
        "broken": sum(file.damage is not None for file in files),
        "bytes": sum(file.size_bytes for file in files),
        "elements": sum(len(file.elements) for file in files),
    }
