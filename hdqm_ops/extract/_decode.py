"""Bytes of a streamed histogram → ``Histogram``, straight into numpy.

ROOT streams a class as byte count (with bit 30 set), version, base classes, members. What follows is that order for the
classes and versions that ROOT has written since 5.22 (CMSSW 3), as ``struct`` formats for all that has a fixed
length between two things that have not. Every byte count that is met must come out exactly, and so must every array
length; where one does not, the object is damaged. A version that is not in ``_VERSIONS`` is not
damage: uproot reads it by the description that the file itself carries.

The members that no metric asks for (colours, contours, functions, axes beyond the dimension) are stepped over by
their byte counts.
"""

import itertools
import math
import struct
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hdqm_ops.extract._damage import Damaged, Unfamiliar
from hdqm_ops.extract._text import text
from hdqm_ops.model import Axis, Doubles, Histogram

__all__ = ["CLASSES", "decode", "decode_text"]

_COUNTED = 0x40000000
_NEW_CLASS = 0xFFFFFFFF
_CLASS_REFERENCE = 0x80000000
_MAP_OFFSET = 2  # TBufferFile::kMapOffset: references count from two bytes before the key
_REFERENCED = 1 << 4  # TObject::kIsReferenced: two more bytes follow
_RANGED = 1 << 11  # TAxis::kAxisRange, in fBits
_MAY_GROW = 0b11  # TAxis::kAlphanumeric and kCanExtend, in fBits2
_NO_LIMIT = -1111.0
_ERROR_MODES = ("", "s", "i", "g")

_CELLS = {"C": "i1", "S": "i2", "I": "i4", "L": "i8", "F": "f4", "D": "f8"}
_VERSIONS: dict[str, frozenset[int]] = {
    "TNamed": frozenset({1}),
    "TH1": frozenset({6, 7, 8}),
    "TH2": frozenset({4, 5}),
    "TH3": frozenset({5, 6}),
    "TProfile": frozenset({5, 6, 7}),
    "TProfile2D": frozenset({6, 7, 8}),
    "TProfile3D": frozenset({6, 7, 8}),
    **{f"TH1{kind}": frozenset({1, 2, 3}) for kind in "CSIFD"},
    **{f"TH{n}{kind}": frozenset({3, 4}) for n in "23" for kind in "CSIFD"},
    **{f"TH{n}L": frozenset({0, 1}) for n in "123"},
}
_AXIS_VERSIONS = frozenset({9, 10})
_LOOKS_VERSION = 4  # of TAttAxis
_HAS_CHANGED_LABELS = 10  # version of TAxis
_MAX_LABELS = 200_000
_LIST_VERSION = 5
_TEXT_VERSION = 1
_BINS_HAVE_SUMW2 = {"TProfile": 6, "TProfile2D": 7, "TProfile3D": 7}
_HAS_BINNED_ERRORS, _HAS_STAT_OVERFLOWS = 7, 8  # versions of TH1
_FLOW_COUNTS = 1  # TH1::kConsider, in fStatOverflows

_ATTRIBUTES = struct.Struct(">I8xI6xI10xi")  # TAttLine, TAttFill, TAttMarker, fNcells
_ATTRIBUTE_COUNTS = (_COUNTED | 8, _COUNTED | 6, _COUNTED | 10)
_OBJECT = struct.Struct(">IHHII")  # count and version of a class, then its base TObject
_AXIS = struct.Struct(">IHIHHII")  # TAxis, TNamed, TObject
_AXIS_BODY = struct.Struct(">IH34xiddiiiHx")  # TAttAxis, fNbins, fXmin, fXmax, length of fXbins; as _AXIS_RANGE
_LOOKS_COUNT = _COUNTED | 36  # of TAttAxis
_PLAIN_ENDS = {9: bytes(5), 10: bytes(9)}  # of a TAxis without time format, labels and changed labels, by version
_AXIS_RANGE = struct.Struct(">iiHx")  # fFirst, fLast, fBits2, fTimeDisplay
_STATISTICS = struct.Struct(">hh8di")  # fBarOffset … fNormFactor, length of fContour
_BUFFER = struct.Struct(">i?")  # fBufferSize, whether fBuffer follows
_MOMENTS = {2: struct.Struct(">8x3d"), 3: struct.Struct(">6x7d")}
_EMPTY_CLASS = struct.pack(">I", _COUNTED | 2)
_PROFILE = struct.Struct(">i4d")  # fErrorMode, two limits, two moments
_INT, _COUNT, _COUNT_TAG = struct.Struct(">i"), struct.Struct(">I"), struct.Struct(">II")
_FIRST_DOUBLE = struct.Struct(">d")
_LONG_TEXT = 255
_NOTHING = bytes(4)
_BIG_DOUBLE, _DOUBLE = np.dtype(">f8"), np.dtype("f8")


class _Class(NamedTuple):
    """How a histogram class is streamed: classes from the outermost to TNamed, then what its members add."""

    dimension: int
    chain: tuple[str, ...]
    head: struct.Struct
    stored: np.dtype[Any]
    native: np.dtype[Any]
    profile: bool
    versions: frozenset[tuple[int, ...]]
    named_at: int


_Moments: TypeAlias = tuple[float, ...]
_Statistics: TypeAlias = tuple[float, _Moments, Doubles | None, float | None, float | None, bool]
"""Entries, moments, fSumw2, maximum, minimum, whether flow counts."""
_Profile: TypeAlias = tuple[Doubles | None, Doubles | None, str]
"""Entries and squared weights of the bins, error mode."""


def _histogram_class(name: str) -> _Class:
    profile = name.startswith("TProfile")
    inner = f"TH{name.removeprefix('TProfile')[:1] or 1}D" if profile else name
    dimension = int(inner[2])
    chain = (name,) * profile + (inner,) + (f"TH{dimension}",) * (dimension > 1) + ("TH1", "TNamed")
    cells = _CELLS[inner[3]]
    head = struct.Struct(">" + "IH" * len(chain) + "HII")
    versions = frozenset(itertools.product(*(_VERSIONS[link] for link in chain)))
    return _Class(
        dimension, chain, head, np.dtype(">" + cells), np.dtype(cells), profile, versions, len(chain) * 6 - 2 - _COUNTED
    )


CLASSES: dict[str, _Class] = {
    name: _histogram_class(name)
    for name in (*(f"TH{n}{kind}" for n in "123" for kind in _CELLS), "TProfile", "TProfile2D", "TProfile3D")
}
"""The classes that can be decoded."""


def decode(class_name: str, data: bytes, key_size: int) -> Histogram:
    """The histogram that a payload is; ``key_size`` is the length of its key, which references in it count from.

    Raises:
        Damaged: lengths in the payload contradict one another.
        Unfamiliar: a class has a version, or a list a content, that is not known here.
    """
    try:
        return _Stream(data, key_size).histogram(class_name, CLASSES[class_name])
    except (struct.error, IndexError, ValueError) as error:
        raise Damaged(f"the {class_name} ends too early") from error


def decode_text(data: bytes) -> str:
    """The text of a TObjString."""
    stream = _Stream(data, 0)
    try:
        _, found = stream.text_object()
    except (struct.error, IndexError) as error:
        raise Damaged("the TObjString ends too early") from error
    except Unfamiliar as unfamiliar:
        raise Damaged(str(unfamiliar)) from unfamiliar
    stream.expect(len(data), "TObjString")
    return found


class _Stream:
    """A payload and the place up to which it is read."""

    __slots__ = ("_classes", "_key_size", "at", "data")

    def __init__(self, data: bytes, key_size: int) -> None:
        self.data = data
        self.at = 0
        self._key_size = key_size
        self._classes: dict[int, bytes] = {}

    def expect(self, end: int, what: str) -> None:
        """The byte count of a class that ends here must have said so."""
        if self.at != end:
            raise Damaged(f"the byte count of {what} is wrong: it says {end}", self.at)

    def histogram(self, name: str, layout: _Class) -> Histogram:
        """The whole payload as a histogram."""
        *levels, object_version, _, bits = layout.head.unpack_from(self.data)
        versions = tuple(levels[1::2])
        if versions not in layout.versions or object_version != 1:
            raise Unfamiliar(f"{name} of versions {versions}")
        self.at = layout.head.size + 2 * bool(bits & _REFERENCED)
        own_name, title = self._text(), self._text()
        # Byte counts count from where they stand, six bytes after one another, and have bit 30 set.
        self.expect(levels[-2] + layout.named_at, "TNamed")
        cells = self._attributes()
        axes = self._axes(layout.dimension)
        if math.prod([axis.n + 2 for axis in axes]) != cells:
            raise Damaged(f"{cells} cells do not fit the axes", self.at)
        entries, sums, sumw2, maximum, minimum, flow_counted = self._statistics(cells, versions[-2])
        if flow_counted:
            axes = tuple([replace(axis, flow_counted=True) for axis in axes])
        self.expect(levels[-4] + layout.named_at - 6, "TH1")
        if layout.dimension > 1:
            sums += self._more_moments(layout.dimension)
            self.expect(levels[-6] + layout.named_at - 12, layout.chain[-3])
        contents = self._array(layout.stored, layout.native, cells)
        profile: _Profile = (None, None, "")
        if layout.profile:
            self.expect(levels[2] + 10 - _COUNTED, layout.chain[1])
            more, profile = self._profile(cells, has_sumw2=versions[0] >= _BINS_HAVE_SUMW2[name])
            sums += more
        if self.at != len(self.data) or levels[0] != self.at - 4 + _COUNTED or (sumw2 is None and layout.profile):
            raise Damaged(f"{name} has a wrong length, or parts that contradict one another", self.at)
        return Histogram(name, own_name, axes, contents, entries, sums, sumw2, *profile, maximum, minimum, title)

    def _attributes(self) -> int:
        """Steps over line, fill and marker; number of cells."""
        line, fill, marker, cells = _ATTRIBUTES.unpack_from(self.data, self.at)
        if (line, fill, marker) != _ATTRIBUTE_COUNTS:
            raise Damaged("line, fill or marker attributes have a wrong byte count", self.at)
        self.at += _ATTRIBUTES.size
        return int(cells)

    def _statistics(self, cells: int, version: int) -> _Statistics:
        """The second half of TH1, after the axes."""
        _, _, entries, w, w2, wx, wx2, maximum, minimum, _, contours = _STATISTICS.unpack_from(self.data, self.at)
        self.at += _STATISTICS.size + 8 * _length(contours)
        sumw2 = self._doubles(cells)
        self._skip_text()  # fOption
        self._step_over()  # fFunctions
        size, filled = _BUFFER.unpack_from(self.data, self.at)
        self.at += _BUFFER.size
        if filled and size > 0 and _FIRST_DOUBLE.unpack_from(self.data, self.at)[0]:
            raise Damaged("fills still wait in ROOT's buffer: it was written without BufferEmpty()", self.at)
        self.at += 8 * _length(size) * filled
        self.at += 4 * (version >= _HAS_BINNED_ERRORS)
        flow_counted = version >= _HAS_STAT_OVERFLOWS and _INT.unpack_from(self.data, self.at)[0] == _FLOW_COUNTS
        self.at += 4 * (version >= _HAS_STAT_OVERFLOWS)
        return (
            entries,
            (w, w2, wx, wx2),
            sumw2,
            None if maximum == _NO_LIMIT else maximum,
            None if minimum == _NO_LIMIT else minimum,
            flow_counted,
        )

    def _more_moments(self, dimension: int) -> tuple[float, ...]:
        """The moments with y and z; before them fScalefactor of TH2, or TAtt3D of TH3, which has nothing inside."""
        if dimension == 3 and self.data[self.at : self.at + 4] != _EMPTY_CLASS:
            raise Damaged("the byte count of TAtt3D is wrong", self.at)
        layout = _MOMENTS[dimension]
        sums = layout.unpack_from(self.data, self.at)
        self.at += layout.size
        return sums

    def _profile(self, cells: int, *, has_sumw2: bool) -> tuple[_Moments, _Profile]:
        """What a profile adds after its cells."""
        bin_entries = self._array(_BIG_DOUBLE, _DOUBLE, cells)
        mode, _, _, *sums = _PROFILE.unpack_from(self.data, self.at)
        self.at += _PROFILE.size
        if not 0 <= mode < len(_ERROR_MODES):
            raise Damaged(f"a profile has no error mode {mode}", self.at)
        bin_sumw2 = self._doubles(cells) if has_sumw2 else None
        return tuple(sums), (bin_entries, bin_sumw2, _ERROR_MODES[mode])

    def _axes(self, dimension: int) -> tuple[Axis, ...]:
        """All three are always there."""
        axes = tuple([self._axis() for _ in range(dimension)])
        for _ in range(3 - dimension):
            self._step_over()
        return axes

    def _axis(self) -> Axis:
        data, start = self.data, self.at
        count, version, named, named_version, object_version, _, bits = _AXIS.unpack_from(data, start)
        if version not in _AXIS_VERSIONS or named_version != 1 or object_version != 1:
            raise Unfamiliar(f"TAxis of version {version}")
        self.at = start + _AXIS.size + 2 * bool(bits & _REFERENCED)
        self._skip_text()
        title = self._text()
        self.expect(start + 10 + (named ^ _COUNTED), "TNamed")
        looks, looks_version, n, low, high, edge_count, first, last, more_bits = _AXIS_BODY.unpack_from(data, self.at)
        if looks_version != _LOOKS_VERSION:
            raise Unfamiliar(f"TAttAxis of version {looks_version}")
        if looks != _LOOKS_COUNT or n < 1 or not math.isfinite(high - low):
            raise Damaged(f"an axis of {n} bins from {low} to {high} cannot be", self.at)
        self.at += _AXIS_BODY.size
        edges = None
        if edge_count:  # they stand before the range
            self.at -= _AXIS_RANGE.size + 4
            edges = self._array(_BIG_DOUBLE, _DOUBLE, n + 1)
            first, last, more_bits = _AXIS_RANGE.unpack_from(data, self.at)
            self.at += _AXIS_RANGE.size
        ranged = bool(bits & _RANGED)
        if ranged and not (0 <= first <= n + 1 and 0 <= last <= n + 1):
            raise Damaged(f"bins {first} to {last} are no range of {n} bins", self.at)
        labels = self._decorations(start + 4 + (count ^ _COUNTED), n, version)
        return Axis(n, low, high, edges, labels, first, last, ranged, bool(more_bits & _MAY_GROW), title)

    def _decorations(self, end: int, bins: int, version: int) -> dict[int, str]:
        """The end of an axis: fTimeFormat, fLabels, fModLabs; mostly there is none of them."""
        if self.data[self.at : end] == _PLAIN_ENDS[version]:
            self.at = end
            return {}
        self._skip_text()
        labels = self._labels(bins) if self._is_there() else {}
        if version >= _HAS_CHANGED_LABELS and self._is_there():
            self._step_over()
        self.expect(end, "TAxis")
        return labels

    def _labels(self, bins: int) -> dict[int, str]:
        """fLabels: a THashList of TObjString whose fUniqueID is the bin; the first one of a bin counts."""
        start = self.at
        (count,) = _COUNT.unpack_from(self.data, start)
        if self._class_name() != b"THashList":
            raise Unfamiliar("labels that are not in a THashList")
        self._list_head()
        labels: dict[int, str] = {}
        (number,) = _INT.unpack_from(self.data, self.at)
        self.at += 4
        if number > _MAX_LABELS:
            raise Damaged(f"an axis of {number} labels is beyond all measure", self.at)
        for _ in range(number):
            if self._class_name() != b"TObjString":
                raise Unfamiliar("a label that is no TObjString")
            bin_number, label = self.text_object()
            if 1 <= bin_number <= bins:
                labels.setdefault(bin_number, label)
            self.at += 1 + self.data[self.at]  # an option for drawing
        self.expect(start + 4 + (count ^ _COUNTED), "THashList")
        return labels

    def _class_name(self) -> bytes:
        """Class of the object that a pointer leads to: spelled the first time, a reference later."""
        count, tag = _COUNT_TAG.unpack_from(self.data, self.at)
        if not count & _COUNTED:
            raise Unfamiliar("a list that has one object twice, or none in a place")
        self.at += _COUNT_TAG.size
        if tag != _NEW_CLASS:
            try:
                return self._classes[tag ^ _CLASS_REFERENCE]
            except KeyError:
                raise Unfamiliar("an object whose class is spelled in a part that is not read") from None
        end = self.data.index(0, self.at)
        name = self.data[self.at : end]
        self._classes[self.at - 4 + self._key_size + _MAP_OFFSET] = name
        self.at = end + 1
        return name

    def _list_head(self) -> None:
        _, version, _, _, bits = _OBJECT.unpack_from(self.data, self.at)
        if version != _LIST_VERSION:
            raise Unfamiliar(f"TList of version {version}")
        self.at += _OBJECT.size + 2 * bool(bits & _REFERENCED)
        self._skip_text()

    def text_object(self) -> tuple[int, str]:
        """FUniqueID and text of a TObjString."""
        start = self.at
        count, version, _, unique, bits = _OBJECT.unpack_from(self.data, start)
        if version != _TEXT_VERSION:
            raise Unfamiliar(f"TObjString of version {version}")
        self.at += _OBJECT.size + 2 * bool(bits & _REFERENCED)
        found = self._text()
        self.expect(start + 4 + (count ^ _COUNTED), "TObjString")
        return unique, found

    def _text(self) -> str:
        """A TString: one byte with the length, or 255 and four bytes with it."""
        start = self.at + 1
        length = self.data[self.at]
        if not length:
            self.at = start
            return ""
        if length == _LONG_TEXT:
            (length,) = _COUNT.unpack_from(self.data, start)
            start += 4
        self.at = start + length
        return text(self.data[start : self.at])

    def _skip_text(self) -> None:
        length = self.data[self.at]
        self.at += 1 + length
        if length == _LONG_TEXT:
            (length,) = _COUNT.unpack_from(self.data, self.at - length)
            self.at += 4 + length - _LONG_TEXT

    def _is_there(self) -> bool:
        """Whether a pointer or an array has something; steps over a nothing."""
        if self.data[self.at : self.at + 4] != _NOTHING:
            return True
        self.at += 4
        return False

    def _step_over(self) -> None:
        """Skips a class or the object of a pointer by its byte count."""
        (count,) = _COUNT.unpack_from(self.data, self.at)
        if not count & _COUNTED:
            raise Damaged("there is no byte count where a class begins", self.at)
        self.at += 4 + (count & ~_COUNTED)

    def _array(self, stored: np.dtype[Any], native: np.dtype[Any], length: int) -> NDArray[Any]:
        """A TArray of a length that is known beforehand."""
        (found,) = _INT.unpack_from(self.data, self.at)
        if found != length:
            raise Damaged(f"an array has {found} values in place of {length}", self.at)
        start = self.at + 4
        self.at = start + length * stored.itemsize
        return np.frombuffer(self.data, stored, length, start).astype(native)

    def _doubles(self, length: int) -> Doubles | None:
        """A TArrayD that is empty where something is not stored."""
        return self._array(_BIG_DOUBLE, _DOUBLE, length) if self._is_there() else None


def _length(number: int) -> int:
    if number < 0:
        raise Damaged(f"an array cannot have {number} values")
    return number
