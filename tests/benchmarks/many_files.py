"""DQM files of many runs, made of one: what the larger benchmarks work on."""

import re
from pathlib import Path

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
LEGACY = SHARED / "centralhdqm" / "cfg"
FILE = SHARED / "dqm" / "DQM_V0001_R000324997__SingleMuon__Run2018D-12Nov2019_UL2018-v2__DQMIO.root"
RUN = re.compile(rb"Run 324997")


def copies(folder: Path, number: int, first_run: int = 300_001) -> list[Path]:
    """``number`` copies of a file, each of another run: a run's number has six digits, and its folder is not packed."""
    data = FILE.read_bytes()
    assert RUN.search(data)
    paths = []
    for run in range(first_run, first_run + number):
        path = folder / FILE.name.replace("000324997", f"{run:09d}")
        path.write_bytes(RUN.sub(b"Run %06d" % run, data))
        paths.append(path)
    return paths
