"""Does what the Dockerfile says without a Docker engine, layer by layer, and prints what each layer weighs.

By hand, as root, on Linux with overlayfs. The base image is a folder with Debian and Python, for instance

    debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv trixie /srv/slim MIRROR
    python tests/deploy/build_without_docker.py /srv/slim /srv/image

The result can be entered: `chroot --userspec 50000:0 /srv/image/final /opt/hdqm/entrypoint hdqm --version`. What it
does not show: that the official image of Python has what Debian's has, and Docker's own ways with users and signals.
"""

# ruff: noqa: T201 - it prints for people

import argparse
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
HANDED_IN = ("PIP_CERT", "SSL_CERT_FILE", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "https_proxy", "http_proxy", "no_proxy")
LENT = tuple(
    map(Path, ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt"))
)  # files of this machine, only while a RUN works


@dataclass
class Stage:
    """One FROM: its layers, lowest first, and what ENV, ARG, WORKDIR said."""

    place: Path
    base: Path
    layers: list[Path] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    folder: str = "/"

    @property
    def root(self) -> Path:
        """Where its files are seen while a layer is made."""
        return self.place / "root"

    def filled_in(self, text: str) -> str:
        """``$NAME`` and ``${NAME#prefix}``, as a Dockerfile fills them in; the shell does it for RUN."""
        known = {**self.arguments, **self.environment}
        return re.sub(r"\$\{?(\w+)\}?", lambda found: known.get(found[1], found[0]), text)


def instructions(text: str) -> list[tuple[str, str]]:
    """Keyword and rest of each instruction; comments and continued lines resolved."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def weight(folder: Path) -> int:
    """Bytes of the files below."""
    told = subprocess.run(["du", "-sb", folder], capture_output=True, text=True, check=True).stdout
    return int(told.split()[0])


def mount(stage: Stage) -> Path:
    """Begin a layer on top of those that are there."""
    number = len(stage.layers)
    upper, work = stage.place / f"layer{number}", stage.place / f"work{number}"
    for folder in (upper, work, stage.root):
        folder.mkdir(parents=True, exist_ok=True)
    lower = ":".join(map(str, [*reversed(stage.layers), stage.base]))
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, stage.root], check=True)
    return upper


def unmount(stage: Stage, upper: Path) -> None:
    """End the layer."""
    subprocess.run(["umount", stage.root], check=True)
    stage.layers.append(upper)


def run(stage: Stage, command: str) -> None:
    """RUN: in a shell, with the network of this machine."""
    for inside in ("proc", "dev"):
        (stage.root / inside).mkdir(exist_ok=True)
        subprocess.run(["mount", "--bind", f"/{inside}", stage.root / inside], check=True)
    lent = [
        Path("/etc/resolv.conf"),
        Path("/etc/hosts"),
        Path("/etc/pip.conf"),
        Path("/etc/ssl/certs/ca-certificates.crt"),
    ]
    kept = {file: (stage.root / str(file)[1:]) for file in lent if file.is_file()}
    saved = {inside: inside.read_bytes() if inside.is_file() else None for inside in kept.values()}
    for outside, inside in kept.items():
        inside.unlink(missing_ok=True)
        shutil.copy(outside, inside)
    handed = {name: os.environ[name] for name in HANDED_IN if name in os.environ}
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root", **handed}
    environment |= {**stage.arguments, **stage.environment}
    try:
        shell = f"cd {shlex.quote(stage.folder)} && {command}"
        subprocess.run(["chroot", stage.root, "/bin/sh", "-c", shell], env=environment, check=True)
    finally:
        for inside, content in saved.items():
            inside.unlink(missing_ok=True)
            if content is not None:
                inside.write_bytes(content)
        for inside in ("proc", "dev"):
            subprocess.run(["umount", stage.root / inside], check=True)


def copy(stage: Stage, words: list[str], context: Path, stages: dict[str, Stage]) -> None:
    """COPY [--from=stage] what… where."""
    source = context
    if words[0].startswith("--from="):
        other = stages[words[0].partition("=")[2]]
        source = other.place / "final"
        words = words[1:]
    *what, where = words
    target = stage.root / str(Path(stage.folder) / stage.filled_in(where)).lstrip("/")
    for name in what:
        found = source / stage.filled_in(name).lstrip("/")
        if found.is_dir():
            shutil.copytree(found, target, symlinks=True, dirs_exist_ok=True)
        else:
            goal = target / found.name if where.endswith("/") or len(what) > 1 else target
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, goal)


def begin(rest: str, number: int, base: Path, place: Path, given: dict[str, str]) -> tuple[str, Stage]:
    """FROM image [AS name]: always on the same base."""
    name = rest.split(" AS ")[1].strip() if " AS " in rest else "final"
    stage = Stage(place / f"{number}-{name}", base, arguments=dict(given))
    stage.environment["PATH"] = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    return name, stage


def finish(stage: Stage, place: Path) -> None:
    """Show all layers of a stage in ``final``, for COPY --from and for people."""
    (place / "final").mkdir(parents=True, exist_ok=True)
    lower = ":".join(map(str, [*reversed(stage.layers), stage.base]))
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower}", place / "final"], check=True)


def build(base: Path, place: Path, context: Path, given: dict[str, str]) -> None:
    """All stages; prints a line a layer."""
    stages: dict[str, Stage] = {}
    stage: Stage | None = None
    for keyword, rest in instructions((context / "Dockerfile").read_text()):
        if keyword == "FROM":
            if stage is not None:
                finish(stage, stage.place)
            name, stage = begin(rest, len(stages), base, place, {})
            stages[name] = stage
            print(f"FROM {rest}")
        elif stage is not None:
            upper = mount(stage)
            try:
                obey((keyword, rest), stage, context, stages, given)
            finally:
                unmount(stage, upper)
            if keyword in ("RUN", "COPY"):
                print(f"{weight(upper) / 1e6:9.1f} MB  {keyword} {rest[:90]}", flush=True)
    assert stage is not None
    finish(stage, place)
    print(f"image: {sum(map(weight, stage.layers)) / 1e6:.0f} MB on top of a base of {weight(base) / 1e6:.0f} MB")


def obey(
    instruction: tuple[str, str], stage: Stage, context: Path, stages: dict[str, Stage], given: dict[str, str]
) -> None:
    """One instruction of a stage."""
    keyword, rest = instruction
    match keyword:
        case "RUN":
            run(stage, rest)
        case "COPY":
            copy(stage, rest.split(), context, stages)
        case "ENV":
            told = dict(re.findall(r"(\w+)=(\S+)", rest))
            stage.environment |= {name: stage.filled_in(value) for name, value in told.items()}
        case "ARG":
            name, _, default = rest.strip().partition("=")
            stage.arguments[name] = given.get(name, default)
        case "WORKDIR":
            stage.folder = rest.strip()
            (stage.root / stage.folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
        case "USER" | "LABEL" | "EXPOSE" | "ENTRYPOINT" | "CMD":
            pass  # facts about the image; files stay
        case _:
            raise ValueError(f"the Dockerfile says {keyword}, which this script cannot do")


def main() -> None:
    """Build the committed state of the checkout."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("base", type=Path)
    words.add_argument("place", type=Path)
    words.add_argument("--version", default="0.1.0")
    told = words.parse_args()
    context = told.place / "context"
    context.mkdir(parents=True)
    archive = subprocess.run(["git", "-C", CHECKOUT, "archive", "HEAD"], capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", context], input=archive, check=True)
    build(told.base, told.place, context, {"VERSION": told.version})


if __name__ == "__main__":
    main()
