"""Reads thousands of DQM files that were damaged on purpose, and counts what became of them.

A file is taken from the test data (and from ``../shared/data``, where that is), damaged in one of the ways of
``DAMAGES``, and read whole. It must end as read, as ``UnreadableFile``, or with problems of single elements; within
10 seconds of the processor and 1 GiB; and where the damage is not in the contents themselves, every element that a
checksum protects and that is still read must be what it was. Anything else is printed with its seed and makes the exit
code 1.

    python tests/fuzz/fuzz_extract.py --count 10000 --seed 1
    python tests/fuzz/fuzz_extract.py --seed 4711 --count 1 --keep /tmp/damaged.root     one of them, to look at
"""

import argparse
import faulthandler
import json
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from hdqm_ops.errors import UnreadableFile
from hdqm_ops.extract import list_elements, read_file
from hdqm_ops.extract._elements import find_elements, open_run
from hdqm_ops.extract._file import RootFile
from hdqm_ops.extract._keys import Key
from hdqm_ops.extract._source import LocalFile
from hdqm_ops.model import ElementContent, ElementProblem, Histogram, Scalar

REPOSITORY = Path(__file__).parents[2]
SECONDS, BYTES = 10, 1 << 30
CHUNK = 250
"""Files that one process reads: its greatest memory is theirs."""
CHECKED = (b"ZL", b"XZ", b"L4")
"""Compressions with a checksum; as ROOT writes them, bare deflate and zstd have none."""
ODD_NUMBERS = (0, 1, -1, 2, 127, 255, 256, 0x3FFFFFFF, 0x40000000, 0x7FFFFFFF, -0x80000000, 1 << 24)


@dataclass(frozen=True)
class Original:
    """A sound file: its bytes, where its records are, and what is in it."""

    data: bytes
    keys: dict[str, Key]
    contents: dict[str, ElementContent]


@cache
def original(path: Path) -> Original:
    names = list_elements(path)
    with LocalFile(path) as source:
        file = RootFile(source)
        keys = find_elements(file, open_run(file)[1], names)
    return Original(path.read_bytes(), keys, dict(read_file(path, names).elements))


def originals(also: Path | None = None) -> list[Path]:
    """Small files more often: they are read faster, and are as hard."""
    ours = sorted((REPOSITORY / "tests" / "data").rglob("*.root"))
    shared = sorted((REPOSITORY.parent / "shared" / "data" / "real").rglob("*.root"))
    if also:
        return [path for path in sorted(also.rglob("*.root")) if readable(path)]
    return [path for path in ours + shared for _ in range(1 + 6 * (path.stat().st_size < 200_000))]


def readable(path: Path) -> bool:
    try:
        return bool(list_elements(path))
    except UnreadableFile:
        return False


# -- ways to damage a file ---------------------------------------------------------------------------------------------


def cut(data: bytearray, rng: random.Random, _: Original) -> None:
    del data[rng.randrange(len(data)) :]


def cut_and_say_so(data: bytearray, rng: random.Random, _: Original) -> None:
    """Cut, with a header that agrees."""
    del data[rng.randrange(100, len(data)) :]
    struct.pack_into(">i", data, 12, len(data))


def flip(data: bytearray, rng: random.Random, _: Original) -> None:
    for _ in range(rng.choice((1, 1, 1, 3, 20))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def overwrite(data: bytearray, rng: random.Random, _: Original) -> None:
    start, length = rng.randrange(len(data)), rng.choice((1, 4, 16, 200, 5000))
    data[start : start + length] = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length)))[
        : len(data) - start
    ]


def swap(data: bytearray, rng: random.Random, _: Original) -> None:
    length = rng.choice((1, 4, 30, 1000))
    one, two = rng.randrange(len(data) - length), rng.randrange(len(data) - length)
    data[one : one + length], data[two : two + length] = data[two : two + length], data[one : one + length]


def grow(data: bytearray, rng: random.Random, _: Original) -> None:
    place = rng.randrange(len(data))
    data[place:place] = rng.randbytes(rng.choice((1, 4, 100, 10_000)))
    if rng.random() < 0.5:
        struct.pack_into(">i", data, 12, len(data))


def odd_number(data: bytearray, rng: random.Random, place: int) -> None:
    number = rng.choice((*ODD_NUMBERS, rng.randrange(-(1 << 31), 1 << 31)))
    layout, bits = rng.choice(((">i", 32), (">h", 16), (">b", 8)))
    half = 1 << bits - 1
    if 0 <= place <= len(data) - 4:
        struct.pack_into(layout, data, place, (number + half) % (2 * half) - half)


def header(data: bytearray, rng: random.Random, _: Original) -> None:
    odd_number(data, rng, rng.randrange(4, 70))


def folder(data: bytearray, rng: random.Random, _: Original) -> None:
    """A number in a folder's description or its list of keys."""
    places = []
    start = data.find(b"\x0aTDirectory")
    while start >= 0:
        places.append(start)
        start = data.find(b"\x0aTDirectory", start + 1)
    for _ in range(rng.choice((1, 1, 3))):
        odd_number(data, rng, rng.choice(places) + rng.randrange(-26, 70))


def listing_of(data: bytearray, chosen: Key) -> int:
    """Where a folder lists a key: the place of its bytes that is not its record."""
    place = data.rfind(chosen.raw)
    return place if place != chosen.seek else data.find(chosen.raw)


def key(data: bytearray, rng: random.Random, known: Original) -> None:
    """A number in the key of an element, in its folder or in its record."""
    chosen = rng.choice(list(known.keys.values()))
    listed = listing_of(data, chosen)
    place = rng.choice((listed, chosen.seek))
    odd_number(data, rng, place + rng.randrange(len(chosen.raw)))
    if rng.random() < 0.5:  # the same in both places
        data[listed : listed + len(chosen.raw)] = data[place : place + len(chosen.raw)]
        data[chosen.seek : chosen.seek + len(chosen.raw)] = data[place : place + len(chosen.raw)]


def block(data: bytearray, rng: random.Random, known: Original) -> None:
    """The head of a compressed block, or the beginning of what follows."""
    chosen = rng.choice(list(known.keys.values()))
    odd_number(data, rng, chosen.seek + chosen.key_size + rng.randrange(24))


def content(data: bytearray, rng: random.Random, known: Original) -> None:
    """Some element's payload is damaged before it is compressed: all checksums are right."""
    chosen = rng.choice(list(known.keys.values()))
    payload = bytearray(RootFile.payload(chosen, memoryview(known.data)[chosen.seek : chosen.seek + chosen.size]))
    for _ in range(rng.choice((1, 1, 2, 5))):
        way = rng.choice((flip, overwrite, number_early, number_early, number_early, cut, grow_early))
        if payload:
            way(payload, rng, known)
    body = zlib.compress(payload)
    stored = b"ZL\x08" + len(body).to_bytes(3, "little") + min(len(payload), 0xFFFFFF).to_bytes(3, "little") + body
    if len(stored) >= len(payload):
        stored = bytes(payload)
    # The new record goes to the end of the file, and the key in the folder is told so.
    size, _, announced, *_, seek = struct.unpack_from(">ihiIhhi", chosen.raw)
    del size, announced, seek
    head = bytearray(chosen.raw)
    struct.pack_into(">i", head, 0, len(head) + len(stored))
    struct.pack_into(">i", head, 6, len(payload))
    struct.pack_into(">i", head, 18, len(data))
    listed = listing_of(data, chosen)
    data[listed : listed + len(head)] = head
    data += head + stored
    struct.pack_into(">i", data, 12, len(data))


def number_early(data: bytearray, rng: random.Random, _: Original) -> None:
    """In the part before the contents, where the lengths are."""
    odd_number(data, rng, rng.randrange(min(len(data), 700)))


def grow_early(data: bytearray, rng: random.Random, _: Original) -> None:
    place = rng.randrange(min(len(data), 700))
    data[place:place] = rng.randbytes(rng.choice((1, 2, 4, 8)))


DAMAGES: tuple[Callable[[bytearray, random.Random, Original], None], ...] = (
    cut, cut_and_say_so, flip, flip, overwrite, swap, grow, header, folder, folder, key, key, block, block,
    content, content, content, content,
)  # fmt: skip


# -- what becomes of it ------------------------------------------------------------------------------------------------


@dataclass
class Report:
    """Tally of many files."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0
    memory: int = 0

    def add(self, other: "Report") -> None:
        self.outcomes += other.outcomes
        self.failures += other.failures
        self.slowest = max(self.slowest, other.slowest)
        self.memory = max(self.memory, other.memory)


def same(one: ElementContent, other: ElementContent) -> bool:
    if not isinstance(one, Histogram) or not isinstance(other, Histogram):
        return one == other
    arrays = ("cells", "sumw2", "bin_entries", "bin_sumw2")
    return (one.entries, one.sums) == (other.entries, other.sums) and all(
        np.array_equal(mine, theirs)
        if (mine := getattr(one, name)) is not None and theirs is not None
        else mine is theirs
        for name in arrays
        for theirs in (getattr(other, name),)
    )


def consistent(content: ElementContent) -> bool:
    """What metrics take for granted."""
    if not isinstance(content, Histogram):
        return isinstance(content, Scalar | ElementProblem)
    cells = int(np.prod(content.shape))
    arrays = (content.cells, content.sumw2, content.bin_entries, content.bin_sumw2)
    return all(array is None or (len(array) == cells and not array.flags.writeable) for array in arrays)


def changed(known: Original, found: Mapping[str, ElementContent]) -> Iterable[str]:
    """Elements that are protected by a checksum, are read, and are not what they were."""
    for name, content in found.items():
        before = known.keys.get(name)
        if before is None or isinstance(content, ElementProblem):
            continue
        start = before.seek + before.key_size
        protected = known.data[start : start + 2] in CHECKED and before.object_size > before.size - before.key_size
        if protected and not same(content, known.contents[name]):
            yield name


def damaged_file(seed: int, pool: list[Path]) -> tuple[str, Original, bytearray]:
    rng = random.Random(seed)
    known = original(rng.choice(pool))
    damage = rng.choice(DAMAGES)
    data = bytearray(known.data)
    damage(data, rng, known)
    return damage.__name__, known, data


def try_one(seed: int, pool: list[Path], folder: Path, report: Report) -> None:
    damage, known, data = damaged_file(seed, pool)
    path = folder / "DQM_V0001_R000000007__Damaged__Run2024A-PromptReco-v1__DQMIO.root"
    path.write_bytes(data)
    start = time.process_time()
    try:
        names = {*list_elements(path), *known.keys}
        found = dict(read_file(path, names).elements)
        few = read_file(
            path, random.Random(seed).sample(sorted(known.keys), 2)
        ).elements  # these are found in another way
    except UnreadableFile:
        outcome = "unreadable file"
    except Exception as error:  # noqa: BLE001 -- that is what is looked for
        outcome = "FAILED"
        report.failures.append(f"seed {seed}, {damage}: {type(error).__name__}: {error}")
    else:
        problems = sum(isinstance(content, ElementProblem) for content in found.values())
        before = sum(isinstance(content, ElementProblem) for content in known.contents.values())
        outcome = "read, with problems of elements" if problems > before else "read"
        if not all(map(consistent, found.values())):
            report.failures.append(f"seed {seed}, {damage}: a histogram contradicts itself")
        wrong = [] if damage == "content" else [*changed(known, found), *changed(known, few)]
        if wrong:
            report.failures.append(f"seed {seed}, {damage}: {wrong[0]} is read, and is another one")
    report.outcomes[f"{damage}: {outcome}"] += 1
    report.slowest = max(report.slowest, time.process_time() - start)


def allow_seconds() -> None:
    """End this process after so many more seconds of the processor, or a hundred times as many on the clock.

    On a machine that is busy elsewhere the clock alone tells nothing.
    """
    soft, hard = int(time.process_time()) + SECONDS + 1, resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
    faulthandler.dump_traceback_later(100 * SECONDS, exit=True)


def try_many(seeds: range, pool: list[Path]) -> Report:
    report = Report()
    faulthandler.register(signal.SIGXCPU, chain=True)
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            allow_seconds()
            try_one(seed, pool, Path(folder), report)
    faulthandler.cancel_dump_traceback_later()
    report.memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if report.memory > BYTES:
        report.failures.append(f"seeds {seeds}: {report.memory >> 20} MiB of memory")
    return report


def in_a_process(seeds: range, pool: list[Path]) -> Report:
    """A crash, or a hang that no signal ends, ends a child."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        report = try_many(seeds, pool)
        facts = [report.outcomes, report.failures, report.slowest, report.memory]
        with os.fdopen(writer, "w") as pipe:
            json.dump(facts, pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        answer = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status or not answer:
        return Report(Counter(), [f"seeds {seeds}: the process ended with {status}"])
    outcomes, failures, slowest, memory = json.loads(answer)
    return Report(Counter(outcomes), failures, slowest, memory)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first file; the others count on from it")
    parser.add_argument("--keep", type=Path, help="write the file of --seed here and end")
    parser.add_argument("--originals", type=Path, help="take the files of this folder, as those of hdqm simulate dqm")
    arguments = parser.parse_args()
    pool = originals(arguments.originals)
    if arguments.keep:
        damage, _, data = damaged_file(arguments.seed, pool)
        arguments.keep.write_bytes(data)
        say(f"{arguments.keep}: {damage}")
        return 0
    total = Report()
    end = arguments.seed + arguments.count
    for start in range(arguments.seed, end, CHUNK):
        total.add(in_a_process(range(start, min(start + CHUNK, end)), pool))
        sys.stderr.write(f"\r{min(start + CHUNK, end) - arguments.seed} files")
    sys.stderr.write("\n")
    for outcome, count in sorted(total.outcomes.items()):
        say(f"{count:7}  {outcome}")
    slowest, memory = f"{total.slowest:.2f} s of the processor", f"{total.memory >> 20} MiB"
    say(f"slowest {slowest}, most memory {memory}, {len(total.failures)} failures")
    for failure in total.failures:
        say(failure)
    return int(bool(total.failures))


if __name__ == "__main__":
    sys.exit(main())
