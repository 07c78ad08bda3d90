"""Folders and files of configurations: which there are, and their text."""

import codecs
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hdqm_ops.config._problems import ProblemList, quoted
from hdqm_ops.errors import ConfigError
from hdqm_ops.model import Place

__all__ = ["ConfigFile", "find_files", "read_text", "shown"]

GENERAL = "runs.ini"  # rules for runs of all subsystems
# The largest of the predecessor's files has 80 kB.
_MAX_BYTES = 16 * 1024 * 1024
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "UTF-8 with a byte order mark",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
# Tab, line feed and carriage return are the control characters of a text.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A configuration file that is to be read.

    Attributes:
        path: where it is.
        subsystem: name of its folder; empty for rules for all subsystems.
        alone: given by itself; the rest of its subsystem is perhaps not read.
    """

    path: Path
    subsystem: str
    alone: bool = False

    @property
    def general(self) -> bool:
        """It lies beside the subsystem folders."""
        return not self.subsystem and self.path.name == GENERAL


def shown(path: Path) -> str:
    """A path as text that can be printed and stored, also where its bytes are no UTF-8."""
    return os.fsencode(path).decode(errors="backslashreplace")


def find_files(roots: Sequence[Path], problems: ProblemList) -> list[ConfigFile]:
    """Files below ``roots``: root by root, in each by subsystem and file name; each file once.

    Raises:
        ConfigError: a root does not exist.
    """
    found: dict[Path, ConfigFile] = {}
    for root in roots:
        for file in _below(root, problems):
            found.setdefault(_real(file.path), file)
    return list(found.values())


def _below(root: Path, problems: ProblemList) -> list[ConfigFile]:
    if not os.path.lexists(root):
        raise ConfigError(f"{shown(root)}: no such file or folder")
    if not root.is_dir():
        return [ConfigFile(root, _real(root.parent).name, alone=True)]
    direct, folders = _list(root, problems)
    below = {folder: _list(folder, problems) for folder in folders}
    tree = [ConfigFile(path, folder.name) for folder, (paths, _) in below.items() for path in paths]
    if direct and not tree:
        return [ConfigFile(path, _real(root).name) for path in direct]
    for path in direct:
        if path.name != GENERAL:
            message = f"lies beside the subsystem folders, where only {GENERAL} is read"
            problems.add(Place(shown(path), 1), "stray-file", message)
    _check_deeper(root, [deeper for _, inner in below.values() for deeper in inner], bool(tree), problems)
    return [*(ConfigFile(path, "") for path in direct if path.name == GENERAL), *tree]


def _check_deeper(root: Path, folders: list[Path], has_files: bool, problems: ProblemList) -> None:
    deeper = [path for folder in folders for path in _list(folder, ProblemList())[0]]
    if has_files:
        for path in deeper:
            problems.add(Place(shown(path), 1), "stray-file", "lies deeper than <Subsystem>/*.ini: not read")
    else:
        hint = f"; did you mean {shown(deeper[0].parent.parent)}?" if deeper else ""
        message = f"no configuration here: neither *.ini nor <Subsystem>/*.ini{hint}"
        problems.add(Place(shown(root), 1), "no-files", message)


def _list(folder: Path, problems: ProblemList) -> tuple[list[Path], list[Path]]:
    """The .ini files and the folders in ``folder``, by name; hidden ones are editors' and git's business."""
    try:
        entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
        files = [entry for entry in entries if entry.suffix == ".ini"]
        return files, [entry for entry in entries if entry.suffix != ".ini" and _leads_down(entry)]
    except OSError as error:
        problems.add(Place(shown(folder), 1), "unreadable", f"the folder cannot be listed: {error.strerror}")
        return [], []


def _leads_down(entry: Path) -> bool:
    """True for a folder, unless it is a link to one that it lies in."""
    return entry.is_dir() and not (entry.is_symlink() and _real(entry.parent).is_relative_to(_real(entry)))


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a loop of links; reading the file will say so
        return path.absolute()


def read_text(file: ConfigFile, problems: ProblemList) -> str | None:
    """The text of a file; None where it cannot be read as text, and ``problems`` says why."""
    place = Place(shown(file.path), 1)
    try:
        content = _read_bytes(file.path)
    except OSError as error:
        problems.add(place, "unreadable", f"the file cannot be read: {error.strerror or error}")
        return None
    if content is None:
        problems.add(place, "too-large", f"larger than {_MAX_BYTES >> 20} MiB: no configuration is")
        return None
    if not content:
        problems.add(place, "empty-file", "the file has no content; was writing it interrupted?")
        return None
    return _decode(content, place, problems)


def _read_bytes(path: Path) -> bytes | None:
    """Content of a regular file, None where it is too large."""
    with open(path, "rb", opener=_open_at_once) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(0, "it is no file but a folder, a pipe or a device")
        content = stream.read(_MAX_BYTES + 1)
    return content if len(content) <= _MAX_BYTES else None


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # else a named pipe waits for its writer for ever


def _decode(content: bytes, place: Place, problems: ProblemList) -> str | None:
    for mark, name in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            problems.add(place, "encoding", f"the file is {name}; save it as UTF-8 without byte order mark")
            return None
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        place = Place(place.file, content.count(b"\n", 0, error.start) + 1)
        message = f"byte 0x{content[error.start]:02x} at offset {error.start} is not UTF-8; save the file as UTF-8"
        problems.add(place, "encoding", message)
        return None
    if odd := _CONTROL.search(text):
        place = Place(place.file, text.count("\n", 0, odd.start()) + 1)
        problems.add(place, "control-character", f"found {quoted(odd.group())}; a configuration is plain text")
        return None
    return text
