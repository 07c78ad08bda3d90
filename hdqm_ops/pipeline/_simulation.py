"""Simulated DQM files for a configuration."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hdqm_ops.config import ConfigTree

__all__ = ["simulate_files", "simulated_files"]


def simulated_files(name: str, *, seed: int = 1) -> int:
    """Number of files of a scenario."""
    from hdqm_ops import simulate  # noqa: PLC0415 - uproot takes a second to import, and only this writes files

    return len(simulate.plan_files(simulate.scenario(name, seed=seed)))


def simulate_files(
    tree: ConfigTree, out: Path, name: str, *, seed: int, jobs: int, advance: Callable[[str], None]
) -> dict[str, Any]:
    """Write the files of a scenario (``demo`` or ``full``) with the elements that ``tree`` names; counts."""
    from hdqm_ops import simulate  # noqa: PLC0415 - see above

    files = simulate.simulate_dqm(
        tree.trends,
        out,
        simulate.scenario(name, seed=seed),
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
