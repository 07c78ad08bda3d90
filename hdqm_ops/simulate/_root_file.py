"""Writes DQM files as CMSSW does, with uproot: ``DQMData/Run N/Subsystem/Run summary/Folder/element``.

The same elements give the same bytes: dates and identifiers, which uproot takes from the clock, are set.
"""

import hashlib
import io
import os
import struct
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import uproot
import uproot.writing.identify as to_root

from hdqm_ops.errors import ConfigError
from hdqm_ops.model import Axis, Histogram, Scalar

__all__ = ["dqm_file_bytes", "replace_file", "write_dqm_file"]

_EPOCH = datetime(2018, 10, 22, tzinfo=UTC)


def write_dqm_file(
    path: str | os.PathLike[str],
    run_number: int,
    elements: Mapping[str, Histogram | Scalar],
    *,
    texts: Iterable[tuple[str, str]] = (),
    written: datetime = _EPOCH,
) -> int:
    """Write a DQM file in one go, so that nobody sees half of it; give its size in bytes.

    Args:
        path: the file; its folder is made, an older file is replaced.
        run_number: run of the folder in the file.
        elements: path of the monitor element (``GEM/EventInfo/reportSummary``) → content.
        texts: more keys that are texts, as (path, payload): ``("A/B/h", "e=1")`` gives the key ``<h>e=1</h>``.
        written: date of all that is in the file.
    """
    data = dqm_file_bytes(run_number, elements, texts=texts, written=written)
    replace_file(Path(path), data)
    return len(data)


def dqm_file_bytes(
    run_number: int,
    elements: Mapping[str, Histogram | Scalar],
    *,
    texts: Iterable[tuple[str, str]] = (),
    written: datetime = _EPOCH,
) -> bytes:
    """The content of a DQM file."""
    root = _Folder({}, [])
    for path, content in elements.items():
        folder, name = _place(root, run_number, path)
        folder.keys.append(_key(name, content))
    for path, payload in texts:
        folder, name = _place(root, run_number, path)
        folder.keys.append(_text_key(name, payload))
    numbers = iter(range(1 << 62))
    buffer = io.BytesIO()
    with uproot.recreate(
        buffer,
        initial_directory_bytes=root.key_list_bytes(),
        initial_streamers_bytes=_streamer_bytes(root),
        uuid_function=lambda: uuid.uuid5(uuid.NAMESPACE_OID, f"HDQM {run_number} {next(numbers)}"),
        compression=uproot.ZLIB(1),
    ) as file:
        streamers: list[Any] = []
        _fill(file, root, streamers)
        file.file.update_streamers(streamers)
        data = bytearray(buffer.getvalue())
    _set_dates(data, written)
    _set_identifier(data)
    return bytes(data)


def replace_file(path: Path, data: bytes) -> None:
    """Put a file in its place at once; one that has these bytes already is left alone, with its date."""
    if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name[:200]}.part")
    partial.write_bytes(data)
    partial.replace(path)


# -- the tree of folders -----------------------------------------------------------------------------------------------


class _Key(NamedTuple):
    """A key to write: its name and uproot's model of the object."""

    name: str
    model: Any
    title: str

    def size(self) -> int:
        """Bytes of the key in the list of its folder."""
        return _key_size(self.model.classname, self.name, self.title)


class _Folder(NamedTuple):
    """A folder of the file to be, known whole before the first byte is written.

    uproot moves a folder's list of keys each time it outgrows its place; a list that fits at once is written once.
    """

    folders: "dict[str, _Folder]"
    keys: list[_Key]

    def key_list_bytes(self) -> int:
        below = sum(_key_size("TDirectory", name, name) for name in self.folders)
        return 4 + below + sum(key.size() for key in self.keys)

    def all_keys(self) -> Iterator[_Key]:
        yield from self.keys
        for folder in self.folders.values():
            yield from folder.all_keys()


def _key_size(*texts: str) -> int:
    lengths = [len(text.encode()) for text in texts]
    return 26 + sum(length + (1 if length < 255 else 5) for length in lengths)


def _place(root: _Folder, run_number: int, path: str) -> tuple[_Folder, str]:
    """Folder and name of a monitor element in the file; the folder is made."""
    subsystem, *folders = path.split("/")
    if not folders or not all((subsystem, *folders)):
        raise ConfigError(f"{path!r} is no path of a monitor element: write Subsystem/Folder/name")
    folder = root
    for part in ("DQMData", f"Run {run_number}", subsystem, "Run summary", *folders[:-1]):
        folder = folder.folders.setdefault(part, _Folder({}, []))
    return folder, folders[-1]


def _fill(directory: Any, folder: _Folder, streamers: list[Any]) -> None:
    for name, below in folder.folders.items():
        _fill(directory.mkdir(name, initial_directory_bytes=below.key_list_bytes()), below, streamers)
    for key in folder.keys:
        # not directory[name] = …, which takes a slash in "<runId>i=1</runId>" for a folder
        to_root.add_to_directory(key.model, key.name, directory, streamers)


def _streamer_bytes(root: _Folder) -> int:
    models = {type(key.model): key.model for key in root.all_keys()}
    infos = {info for model in models.values() for info in model.class_rawstreamers}
    return 64 + sum(len(info[1]) for info in infos)


# -- objects -----------------------------------------------------------------------------------------------------------


def _key(name: str, content: Histogram | Scalar) -> _Key:
    match content:
        case Scalar(value=int(value)):
            return _text_key(name, f"i={value}")
        case Scalar(value=float(value)):
            return _text_key(name, f"f={value!r}")
        case Scalar(value=str(value)):
            return _text_key(name, f"s={value}")
        case Histogram():
            return _Key(name, _model(content), content.title)
    raise ConfigError(f"{name!r} is neither a histogram nor a scalar: {type(content).__name__}")


def _text_key(name: str, payload: str) -> _Key:
    text = f"<{name}>{payload}</{name}>"
    return _Key(text, to_root.to_TObjString(text), "Collectable string class")  # uproot gives that title


def _model(histogram: Histogram) -> Any:
    """Uproot's model of a histogram."""
    axes = [_axis(f"{letter}axis", axis) for letter, axis in zip("xyz", histogram.axes, strict=False)]
    dimension = histogram.dimension
    more: dict[str, Any] = {}
    if histogram.is_profile:
        more["fBinEntries"] = histogram.bin_entries
        more["fBinSumw2"] = _NONE if histogram.bin_sumw2 is None else histogram.bin_sumw2
        more["fErrorMode"] = ("", "s", "i", "g").index(histogram.error_mode)
    maker = _MAKERS.get((histogram.is_profile, dimension))
    if maker is None or not histogram.class_name.startswith("TProfile" if histogram.is_profile else f"TH{dimension}"):
        raise ConfigError(f"{histogram.name!r}: uproot does not write a {histogram.class_name} of {dimension} axes")
    function, sums = maker
    return function(
        fName=histogram.name,
        fTitle=histogram.title,
        data=histogram.cells,
        fEntries=float(histogram.entries),
        fSumw2=histogram.sumw2,
        fMaximum=-1111.0 if histogram.maximum is None else histogram.maximum,
        fMinimum=-1111.0 if histogram.minimum is None else histogram.minimum,
        **dict(zip(sums, map(float, histogram.sums), strict=True)),
        **dict(zip(("fXaxis", "fYaxis", "fZaxis"), axes, strict=False)),
        **more,
    )


_NONE = np.empty(0)
_X = ("fTsumw", "fTsumw2", "fTsumwx", "fTsumwx2")
_XY = (*_X, "fTsumwy", "fTsumwy2", "fTsumwxy")
_MAKERS: Mapping[tuple[bool, int], tuple[Any, tuple[str, ...]]] = {
    (False, 1): (to_root.to_TH1x, _X),
    (False, 2): (to_root.to_TH2x, _XY),
    (False, 3): (to_root.to_TH3x, (*_XY, "fTsumwz", "fTsumwz2", "fTsumwxz", "fTsumwyz")),
    (True, 1): (to_root.to_TProfile, (*_X, "fTsumwy", "fTsumwy2")),
    (True, 2): (to_root.to_TProfile2D, (*_XY, "fTsumwz", "fTsumwz2")),
}
"""Is it a profile, and of how many axes → uproot's constructor, and its names for ``Histogram.sums``."""


def _axis(name: str, axis: Axis) -> Any:
    if axis.ranged:
        raise ConfigError(f"{name}: uproot does not write the active range of an axis")
    return to_root.to_TAxis(
        fName=name,
        fTitle=axis.title,
        fNbins=axis.n,
        fXmin=float(axis.low),
        fXmax=float(axis.high),
        fXbins=axis.edges,
        fFirst=axis.first,
        fLast=axis.last,
        fBits2=3
        if axis.extendable
        else 0,  # kAlphanumeric and kCanExtend, as ROOT sets them where all bins are labelled
        fLabels=_labels(axis.labels) if axis.labels else None,
    )


def _labels(labels: Mapping[int, str]) -> Any:
    """A list of texts that know their bin by ``fUniqueID``."""
    texts = []
    for number, label in sorted(labels.items()):
        text = to_root.to_TObjString(label)
        text._bases[0]._members["@fUniqueID"] = number  # noqa: SLF001 -- uproot offers no public way
        texts.append(text)
    return to_root.to_THashList(texts)


# -- dates and identifier ----------------------------------------------------------------------------------------------

_RECORD = struct.Struct(">ihiIhhii")
_FOLDER = struct.Struct(">hIIiiiii")


def _set_dates(data: bytearray, written: datetime) -> None:
    """Give every record and every folder of a ROOT file (small format, as uproot wrote it) the same date."""
    day = (written.year - 1995) << 9 | written.month << 5 | written.day
    date = struct.pack(">I", day << 17 | written.hour << 12 | written.minute << 6 | written.second)
    first, _, free, _, _, name_bytes = struct.unpack_from(">iiiiii", data, 8)
    (streamers,) = struct.unpack_from(">i", data, 37)
    for record in (first, free, streamers):
        data[record + 10 : record + 14] = date
    folders = [first + name_bytes]
    while folders:
        folder = folders.pop()
        data[folder + 2 : folder + 10] = date * 2
        keys = _FOLDER.unpack_from(data, folder)[7]
        data[keys + 10 : keys + 14] = date
        folders.extend(_set_key_dates(data, keys, date))


def _set_identifier(data: bytearray) -> None:
    """Give the file an identifier of its own: readers, uproot among them, keep objects by it."""
    data[47:63] = bytes(16)
    data[47:63] = hashlib.blake2b(data, digest_size=16).digest()


def _set_key_dates(data: bytearray, record: int, date: bytes) -> Iterator[int]:
    """Set the dates of a folder's keys and of their records; give the folders among them."""
    at = record + _RECORD.unpack_from(data, record)[4]
    (count,) = struct.unpack_from(">i", data, at)
    at += 4
    for _ in range(count):
        *_, length, _cycle, seek, _parent = _RECORD.unpack_from(data, at)
        for key in (at, seek):
            data[key + 10 : key + 14] = date
        if data[at + 26 : at + 37] == b"\x0aTDirectory":
            yield seek + length
        at += length
