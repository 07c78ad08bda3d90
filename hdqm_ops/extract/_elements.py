"""Where monitor elements are: ``A/B/C`` of a configuration is ``DQMData/Run N/A/Run summary/B/C`` in the file.

Folders are read level by level, and only those that lead to something wanted, so that a source over a network needs two
rounds for each level, however many folders there are.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from hdqm_ops.extract._damage import Damaged
from hdqm_ops.extract._file import FOLDER_CLASSES, Folder, RootFile
from hdqm_ops.extract._keys import Key, keys_in
from hdqm_ops.extract._text import text

__all__ = ["SCALAR_CLASS", "all_elements", "find_elements", "open_run"]

SCALAR_CLASS = b"TObjString"

_TOP = b"DQMData"
_RUN = re.compile(rb"Run (\d{1,10})")
_RUN_OF_NAME = re.compile(r"_R(\d{9})(?:__|\.)[^/]*\Z")
_SUMMARY = b"Run summary"
_SCALAR_KINDS = (b"i=", b"f=", b"s=")
_MAX_ELEMENTS = 2_000_000


def open_run(file: RootFile) -> tuple[int, Folder | None]:
    """Run number of the folder ``DQMData/Run N``, and that folder.

    Raises:
        Damaged: there is no such folder, or there are several and none is of the run that the file's name says.
    """
    data = _folders_in(file, file.top()).get(_TOP)
    if data is None:
        raise Damaged("no DQM file: it has no folder DQMData")
    inside = _folders_in(file, file.folders([data])[0])
    runs = {int(match[1]): key for name, key in inside.items() if (match := _RUN.fullmatch(name))}
    run = _choose(sorted(runs), file.source.path)
    return run, file.folders([runs[run]])[0]


def _choose(runs: list[int], path: str) -> int:
    if not runs:
        raise Damaged("no DQM file: there is no folder 'Run N' in DQMData")
    if len(runs) == 1:
        return runs[0]
    named = _RUN_OF_NAME.search(path)
    if named is None or int(named[1]) not in runs:
        some = ", ".join(map(str, runs[:5]))
        raise Damaged(f"there are {len(runs)} folders 'Run N' ({some}, …), and the file's name says none of them")
    return int(named[1])


def find_elements(file: RootFile, start: Folder | None, wanted: Iterable[str]) -> dict[str, Key]:
    """Monitor element → its key, for those of ``wanted`` that are in the folder of a run."""
    found: dict[str, Key] = {}
    _search(file, start, _plan(wanted, found))
    return found


def all_elements(file: RootFile, start: Folder | None) -> Mapping[str, str]:
    """Monitor element → its class, for all that are in the folder of a run."""
    found: dict[str, str] = {}
    _search(file, start, _Everything(found))
    return found


class _Selection(Protocol):
    """What is looked for in one folder, and where it goes when it is found."""

    @property
    def names(self) -> Collection[bytes] | None:
        """Names of objects and folders to look at; None for all."""

    def below(self, name: bytes) -> "_Selection | None":
        """What is looked for in a folder of this one, None where nothing is."""

    def take(self, name: bytes, key: Key) -> None:
        """Here is an object: a monitor element of this name."""


class _Wanted:
    """Some elements."""

    def __init__(self, found: dict[str, Key]) -> None:
        self.names: set[bytes] = set()
        self.folders: dict[bytes, _Wanted] = {}
        self.elements: dict[bytes, str] = {}
        self.found = found

    def below(self, name: bytes) -> "_Wanted | None":
        return self.folders.get(name)

    def take(self, name: bytes, key: Key) -> None:
        element = self.elements.get(name)
        if element is None:
            return
        # The highest cycle of a name counts, the first of equal ones; an object goes before a scalar of its name.
        known = self.found.get(element)
        if known is None or _rank(key) > _rank(known):
            self.found[element] = key


class _Everything:
    """All elements. ``level`` counts the folders from that of the run: subsystems, 'Run summary', the rest."""

    names = None

    def __init__(self, found: dict[str, str], prefix: str = "", level: int = 0) -> None:
        self._found, self._prefix, self._level = found, prefix, level

    def below(self, name: bytes) -> "_Everything | None":
        if self._level != 1:
            return _Everything(self._found, f"{self._prefix}{text(name)}/", self._level + 1)
        return _Everything(self._found, self._prefix, 2) if name == _SUMMARY else None

    def take(self, name: bytes, key: Key) -> None:
        if self._level < 2:
            return
        self._found.setdefault(self._prefix + text(name), text(key.class_name))
        if len(self._found) > _MAX_ELEMENTS:
            raise Damaged(f"more than {_MAX_ELEMENTS} elements: beyond all measure", key.seek)


def _plan(wanted: Iterable[str], found: dict[str, Key]) -> _Wanted:
    """The tree of folders that lead to the wanted elements."""
    top = _Wanted(found)
    known: dict[str, _Wanted] = {}
    for element in wanted:
        path, _, name = element.rpartition("/")
        if not path:
            continue
        folder = known.get(path)
        if folder is None:
            subsystem, *rest = path.encode().split(b"/")
            folder = known[path] = _open_folder(top, [subsystem, _SUMMARY, *rest])
        folder.names.add(encoded := name.encode())
        folder.elements[encoded] = element
    return top


def _open_folder(top: _Wanted, names: Iterable[bytes]) -> _Wanted:
    folder = top
    for name in names:
        inside = folder.folders.get(name)
        if inside is None:
            folder.names.add(name)
            inside = folder.folders[name] = _Wanted(folder.found)
        folder = inside
    return folder


def _search(file: RootFile, start: Folder | None, selection: _Selection) -> None:
    level = [(selection, start)] if start is not None else []
    while level:
        below: list[tuple[_Selection, Key]] = []
        listings = file.key_lists([folder for _, folder in level])
        for (chosen, folder), listing in zip(level, listings, strict=True):
            below += _look(chosen, keys_in(listing, folder.seek_keys, chosen.names))
        folders = file.folders([key for _, key in below])
        level = [(chosen, folder) for (chosen, _), folder in zip(below, folders, strict=True) if folder is not None]


def _look(chosen: _Selection, keys: Iterable[Key]) -> Iterable[tuple[_Selection, Key]]:
    """Hands the elements among the keys to the selection, gives the folders that lead on."""
    folders: dict[bytes, tuple[_Selection, Key]] = {}
    for key in keys:
        if key.class_name in FOLDER_CLASSES:
            inside = chosen.below(key.name)
            known = folders.get(key.name)
            if inside is not None and (known is None or key.cycle > known[1].cycle):
                folders[key.name] = inside, key
        elif key.class_name != SCALAR_CLASS:
            chosen.take(key.name, key)
        elif name := _scalar_name(key.name):
            chosen.take(name, key)
    return folders.values()


def _scalar_name(tagged: bytes) -> bytes | None:
    """``name`` of ``<name>i=5</name>``; None for quality reports (``qr=``), flags (``e=``) and other texts."""
    name = tagged[tagged.rfind(b"</") + 2 : -1]
    kind = tagged[len(name) + 2 : len(name) + 4]
    return name if kind in _SCALAR_KINDS and tagged.startswith(b"<" + name + b">") and tagged[-1:] == b">" else None


def _rank(key: Key) -> tuple[bool, int]:
    return key.class_name != SCALAR_CLASS, key.cycle


def _folders_in(file: RootFile, folder: Folder | None) -> dict[bytes, Key]:
    """The folders in a folder."""
    found: dict[bytes, Key] = {}
    if folder is None:
        return found
    for key in keys_in(file.key_lists([folder])[0], folder.seek_keys):
        known = found.get(key.name)
        if key.class_name in FOLDER_CLASSES and (known is None or key.cycle > known.cycle):
            found[key.name] = key
    return found
