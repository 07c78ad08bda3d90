"""Ways to hurt an ingest. Each gives a sentence of what became of it; what follows is the same for all."""

import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass

from chaos.line import Fault, Line
from chaos.world import place, through

ENDS = {0: "done", 1: "done", 3: "gave up, exit code 3", -9: "killed"}
AWAY = 1e9

FAULTS = {
    "cut before a message": ("cut before", "", 0.3),
    "cut within a message": ("cut within", "", 0.3),
    "cut after a message": ("cut after", "", 0.3),
    "cut, and away for good": ("cut after", "", AWAY),
    "delay": ("delay", "", 1.5),
    "error 40001": ("error", "40001", 0),
    "error 40P01": ("error", "40P01", 0),
    "error 57014": ("error", "57014", 0),
    "error 53100": ("error", "53100", 0),
    "error 57P01": ("error", "57P01", 0),
}
"""Name → what the line does, SQLSTATE, seconds. A delay is longer than a claim."""


@dataclass(frozen=True)
class Outcome:
    """What became of one trial."""

    kind: str
    ended: str
    whole: bool


def said(ingest):
    code = ingest.wait()
    return ENDS.get(code, f"exit code {code}")


def at_some_time(world, chance, ingest):
    """Wait for a moment within the time that an ingest takes, or for its end."""
    end = time.monotonic() + chance.uniform(0.1, 1.0) * world.seconds
    while time.monotonic() < end and ingest.lives:
        time.sleep(0.005)


# -- the ways ----------------------------------------------------------------------------------------------------------


def hurt_line(world, url, chance, kind):
    """One message of the line to the database, any of them, is hurt."""
    jobs = chance.choice(["1", "2"])
    do, code, seconds = FAULTS[kind]
    fault = Fault(do, chance.randrange(world.messages[world.start]), code, seconds)
    with Line(place(url), fault) as line:
        ended = said(world.ingest(through(url, line), "-j", jobs))
        return ended if line.struck.is_set() else "not struck"


def kill_worker(world, url, chance, _kind):
    """All of an ingest is killed."""
    ingest = world.ingest(url, "-j", chance.choice(["1", "2"]))
    at_some_time(world, chance, ingest)
    ingest.kill()
    return said(ingest)


def kill_child(world, url, chance, _kind):
    """One process of a pool is killed."""
    ingest = world.ingest(url, "-j", "2")
    at_some_time(world, chance, ingest)
    if children := ingest.children():
        with suppress(ProcessLookupError):
            os.kill(chance.choice(children), signal.SIGKILL)
    return said(ingest)


def stop_worker(world, url, chance, _kind):
    """An ingest is stopped until another one has done its work, and then goes on."""
    zombie = world.ingest(url, "-j", chance.choice(["1", "2"]))
    at_some_time(world, chance, zombie)
    zombie.send(signal.SIGSTOP)
    world.calm(url)
    zombie.send(signal.SIGCONT)
    return said(zombie)


def two_at_once(world, url, chance, _kind):
    """Two ingests at once, of which one may be killed."""
    one, other = world.ingest(url, "-j", "2"), world.ingest(url)
    if chance.random() < 0.5:
        at_some_time(world, chance, one)
        one.kill()
    return f"{said(one)}; {said(other)}"


def kill_database(world, url, chance, kind):
    """The server ends without farewell and is started again, soon or not before the ingest has given up."""
    patience = {} if kind.endswith("late") else {"DATABASE_WAIT_S": "120"}
    ingest = world.ingest(url, "-j", chance.choice(["1", "2"]), **patience)
    at_some_time(world, chance, ingest)
    world.crash_server()
    if kind.endswith("late"):
        ended = said(ingest)
        world.start_server()
        return ended
    world.start_server()
    return said(ingest)


WAYS = {
    **{kind: (weight, hurt_line) for kind, weight in zip(FAULTS, (10, 8, 10, 5, 8, 8, 4, 3, 3, 3), strict=True)},
    "worker killed": (12, kill_worker),
    "child killed": (6, kill_child),
    "worker stopped, replaced, woken": (8, stop_worker),
    "two at once": (4, two_at_once),
}
"""Kind → weight, function."""
DATABASE = {"database killed, back soon": (5, kill_database), "database killed, back late": (3, kill_database)}


def run(world, seed, ways):
    """One trial, and what always follows: undisturbed ingests, and a look at the tables."""
    chance = random.Random(seed)
    kind = chance.choices(list(ways), [weight for weight, _ in ways.values()])[0]
    world.start = chance.choice([*world.starts])
    with world.database(world.start) as url:
        ended = ways[kind][1](world, url, chance, kind)
        world.calm(url)
        return Outcome(kind, ended, world.is_whole(url))


def count_messages(world):
    """How many messages an ingest sends, from each of the databases it may begin with."""
    world.messages = {}
    for start in world.starts:
        with world.database(start) as url, Line(place(url)) as line:
            world.calm(through(url, line))
            world.messages[start] = line.count
