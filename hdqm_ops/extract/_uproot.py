"""Histograms as uproot deserialises them: the second opinion, and the reader of class versions that are not ours."""

import io
import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.extract._damage import Damaged
from hdqm_ops.extract._file import RootFile
from hdqm_ops.extract._source import Source
from hdqm_ops.model import Axis, Doubles, Histogram

__all__ = ["SecondReader", "from_model"]

_LARGEST = 4 << 20
"""Bytes of a payload; a list of as many nothings takes uproot some seconds."""
_ERROR_MODES = ("", "s", "i", "g")
_NO_LIMIT = -1111.0
_MOMENTS = (
    "fTsumw",
    "fTsumw2",
    "fTsumwx",
    "fTsumwx2",
    "fTsumwy",
    "fTsumwy2",
    "fTsumwxy",
    "fTsumwz",
    "fTsumwz2",
    "fTsumwxz",
    "fTsumwyz",
    "fTsumwt",
    "fTsumwt2",
)


class _Bytes(io.RawIOBase):
    """A source as the file object that uproot takes: it need not be local, and is not opened again."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._source.size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        left = max(self._source.size - self._at, 0)
        length = left if size is None or size < 0 else min(size, left)
        (view,) = self._source.read([(self._at, length)])
        self._at += length
        return bytes(view)


class SecondReader:
    """Lets uproot decode payloads by the class descriptions that the file carries; opens the file when first asked.

    The payload comes from our own reader, so that its limits hold; the descriptions are unpacked by it once before
    uproot may, for the same reason.
    """

    def __init__(self, file: RootFile) -> None:
        self._file = file
        self._opened: Any = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def histogram(self, class_name: str, payload: bytes, key_size: int) -> Histogram:
        """The histogram that a payload is.

        Raises:
            Damaged: uproot cannot make sense of it either.
        """
        import uproot  # noqa: PLC0415 -- takes longer to import than a file to read, and is hardly ever needed

        if len(payload) > _LARGEST:
            raise Damaged(f"a {class_name} of unknown version and {len(payload)} bytes")
        if self._opened is None:
            self._file.check_info()
        try:
            if self._opened is None:
                self._opened = self._stack.enter_context(uproot.open(_Bytes(self._file.source))).file
            chunk = uproot.source.chunk.Chunk.wrap(self._opened.source, np.frombuffer(payload, np.uint8))
            cursor = uproot.source.cursor.Cursor(0, origin=-key_size)
            model = self._opened.class_named(class_name)
            read = model.read(chunk, cursor, {"breadcrumbs": ()}, self._opened, self._opened.detached, None)
            _check_versions(read, self._opened.streamers)
            return from_model(read, class_name)
        except Damaged:
            raise
        except Exception as error:  # uproot raises whatever its steps raise
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise Damaged(f"no {class_name} that uproot understands: {reason}") from error


def _check_versions(model: Any, described: Mapping[str, Mapping[int, Any]]) -> None:
    """Raises ``Damaged`` where a part has a version that the file does not describe: uproot takes the next best one."""
    axes = [model.all_members[name] for name in ("fXaxis", "fYaxis", "fZaxis")]
    for part in (model, *_bases(model), *axes, *(base for axis in axes for base in _bases(axis))):
        version = part.instance_version
        if version is not None and part.classname in described and version not in described[part.classname]:
            raise Damaged(f"{part.classname} of version {version}, which the file does not describe")


def from_model(model: Any, class_name: str) -> Histogram:
    """What uproot made of a TH1, TH2, TH3 or profile of any version, as ``Histogram``."""
    dimension = int(class_name.removeprefix("TH")[0]) if class_name.startswith("TH") else _profile_dimension(class_name)
    members = model.all_members
    flow_counted = int(members.get("fStatOverflows", 0)) == 1
    axes = tuple(_axis(members[name], flow_counted) for name in ("fXaxis", "fYaxis", "fZaxis")[:dimension])
    profile = "fBinEntries" in members
    histogram = Histogram(
        class_name=class_name,
        name=str(members["fName"]),
        axes=axes,
        cells=_cells(model),
        entries=float(members["fEntries"]),
        sums=tuple(float(members[name]) for name in _MOMENTS if name in members),
        sumw2=_doubles(members["fSumw2"]),
        bin_entries=_doubles(members["fBinEntries"]) if profile else None,
        bin_sumw2=_doubles(members.get("fBinSumw2", ())) if profile else None,
        error_mode=_ERROR_MODES[int(members["fErrorMode"])] if profile else "",
        maximum=_limit(members["fMaximum"]),
        minimum=_limit(members["fMinimum"]),
        title=str(members["fTitle"]),
    )
    _check(histogram)
    return histogram


def _check(histogram: Histogram) -> None:
    """Raises ``Damaged`` where arrays and axes do not fit; uproot does not ask."""
    cells = math.prod(histogram.shape)
    arrays = (histogram.cells, histogram.sumw2, histogram.bin_entries, histogram.bin_sumw2)
    if any(axis.n < 1 or (axis.edges is not None and len(axis.edges) != axis.n + 1) for axis in histogram.axes):
        raise Damaged("an axis has no bins, or not as many edges as bins")
    if any(array is not None and len(array) != cells for array in arrays):
        raise Damaged(f"{cells} cells do not fit the axes")


def _profile_dimension(class_name: str) -> int:
    return {"TProfile": 1, "TProfile2D": 2, "TProfile3D": 3}[class_name]


def _axis(model: Any, flow_counted: bool) -> Axis:
    members = model.all_members
    labels: dict[int, str] = {}
    for label in members["fLabels"] or ():
        labels.setdefault(int(label.all_members["@fUniqueID"]), str(label))
    return Axis(
        n=int(members["fNbins"]),
        low=float(members["fXmin"]),
        high=float(members["fXmax"]),
        edges=_doubles(members["fXbins"]),
        labels=labels,
        first=int(members["fFirst"]),
        last=int(members["fLast"]),
        ranged=bool(int(members["@fBits"]) & 1 << 11),
        extendable=bool(int(members.get("fBits2", 0)) & 3),
        title=str(members["fTitle"]),
        flow_counted=flow_counted,
    )


def _bases(model: Any) -> Iterator[Any]:
    for base in model.bases:
        yield base
        yield from _bases(base)


def _cells(model: Any) -> NDArray[Any]:
    array = next(base for base in _bases(model) if base.classname.startswith("TArray"))
    cells = np.asarray(array)
    return cells.astype(cells.dtype.newbyteorder("="))


def _doubles(values: Any) -> Doubles | None:
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array if len(array) else None


def _limit(value: Any) -> float | None:
    return None if float(value) == _NO_LIMIT else float(value)
