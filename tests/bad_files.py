"""A folder of everything that a file system and its users do to DQM files, with what the ledger must say of it."""

import importlib.util
import os
import random
import string
from dataclasses import dataclass
from pathlib import Path

from hdqm_ops.discover import file_name

[SAMPLE] = (Path(__file__).parent / "data" / "dqm").glob("*.root")
OLD = 1.6e9
RUN = 324997  # what the folder inside of the sample says


@dataclass(frozen=True)
class Odd:
    """One thing in the folder.

    Attributes:
        path: where it is.
        states: states that it may end in.
        why: a part of the reason.
    """

    path: Path
    states: tuple[str, ...]
    why: str = ""


class Folder:
    """Makes them; each file has a primary dataset of its own, so that none stands in another's way."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.whole = SAMPLE.read_bytes()
        self.odds: list[Odd] = []

    def path(self, dataset, run=RUN, version=1, folder="."):
        place = self.top / folder
        place.mkdir(parents=True, exist_ok=True)
        return place / file_name(run, f"/{dataset}/Run2018D-PromptReco-v1/DQMIO", version)

    def add(self, path, data, states, why="", mtime=OLD):
        path.write_bytes(data)
        os.utime(path, (mtime, mtime))
        self.odds.append(Odd(path, states, why))
        return path

    def note(self, path, states, why=""):
        self.odds.append(Odd(path, states, why))


def make(top: Path) -> list[Odd]:
    """Fill a folder; what is in it."""
    folder = Folder(top)
    for step in (good, damaged, no_root_files, odd_names, no_files, links, rivals, contradictions):
        step(folder)
    return folder.odds


def good(folder):
    folder.add(folder.path("Good"), folder.whole, ("ingested",))


def damaged(folder):
    """In each way that the fuzz test of the reader knows: what is left is read, or the file fails."""
    fuzz = fuzzer()
    known = fuzz.original(SAMPLE)
    for number, damage in enumerate(dict.fromkeys(fuzz.DAMAGES)):
        data = bytearray(known.data)
        damage(data, random.Random(number), known)
        name = f"Fuzz{''.join(part.title() for part in damage.__name__.split('_'))}"
        folder.add(folder.path(name), data, ("failed", "ingested"))


def fuzzer():
    place = Path(__file__).parent / "fuzz" / "fuzz_extract.py"
    specification = importlib.util.spec_from_file_location("fuzz_extract", place)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def no_root_files(folder):
    whole, failed = folder.whole, ("failed",)
    folder.add(folder.path("NoBytes"), b"", failed, "empty")
    folder.add(folder.path("Page"), b"<html><body>404 Not Found</body></html>\n" * 20, failed, "no ROOT file")
    folder.add(folder.path("Zeros"), bytes(len(whole)), failed, "no ROOT file")
    folder.add(folder.path("HeaderOnly"), whole[:40], failed, "header")
    folder.add(folder.path("Truncated"), whole[:700_000], failed, "truncated: 700000 of")
    folder.add(folder.path("Holes"), whole[:300] + bytes(len(whole) - 300), failed)
    forbidden = folder.add(folder.path("Forbidden"), whole, failed, "Permission denied")
    forbidden.chmod(0)


def odd_names(folder):
    """Names that are no DQM file's are not taken; long paths of good names are."""
    longest = f"DQM{'x' * 247}.root"  # 255 bytes: what file systems allow
    for name in ("DQM a b.root", "DQM\nnew line.root", "DQM_\u00fc_\u2713.root", "DQM_\x1b[31mred.root", longest):
        folder.add(folder.top / name, folder.whole, ("ignored",), "name")
    latin = os.fsdecode(os.fsencode(folder.top) + b"/DQM_\xfc.root")
    Path(latin).write_bytes(folder.whole)
    folder.note(Path(latin), ("ignored",), "UTF-8")
    rng = random.Random(1)
    deep = "/".join("".join(rng.choices(string.ascii_letters, k=250)) for _ in range(12))
    for number, below in enumerate(
        ("with blanks", "new\nline", "\u00fcml\u00e4\u00fct \u2713", f"{'d' * 255}/{'e' * 255}")
    ):
        folder.add(folder.path(f"In{number}", folder=below), folder.whole, ("ingested",))
    folder.add(folder.path("TooDeep", folder=deep), folder.whole, ("ignored",), "longer than")


def no_files(folder):
    place = folder.path("Folder")
    place.mkdir()
    folder.note(place, ("ignored",), "a folder")
    pipe = folder.path("Pipe")
    os.mkfifo(pipe)
    folder.note(pipe, ("ignored",), "neither a file nor a folder")


def links(folder):
    (folder.top / "circle").symlink_to(folder.top)
    for name, target, why in (("Dangling", "nowhere", "a link to nothing"), ("Itself", None, "symbolic links")):
        link = folder.path(name)
        link.symlink_to(target or link.name)
        folder.note(link, ("ignored",), why)


def rivals(folder):
    """Two files of one run, dataset and version: the younger one counts."""
    older, younger = folder.path("Rival", folder="a"), folder.path("Rival", folder="b")
    folder.add(older, folder.whole, ("superseded",))
    folder.add(younger, folder.whole, ("ingested",), mtime=OLD + 5)


def contradictions(folder):
    why = f"its folder says run {RUN}, its name run 325010: the folder is trusted"
    folder.add(folder.path("OtherRun", run=325010), folder.whole, ("ingested",), why)
