"""Reads what is wanted of a DQM file: opens once, three kinds of rounds, closes."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from hdqm_ops.errors import TruncatedFile, UnreadableFile
from hdqm_ops.extract._damage import Damaged, Truncated, Unfamiliar
from hdqm_ops.extract._decode import CLASSES, decode, decode_text
from hdqm_ops.extract._elements import SCALAR_CLASS, all_elements, find_elements, open_run
from hdqm_ops.extract._faults import fault
from hdqm_ops.extract._file import RootFile
from hdqm_ops.extract._keys import Key
from hdqm_ops.extract._source import LocalFile, Source
from hdqm_ops.extract._text import text
from hdqm_ops.extract._uproot import SecondReader
from hdqm_ops.extract._xrootd import XrootdFile
from hdqm_ops.model import ElementContent, ElementProblem, ExtractedFile, Reason, Scalar
from hdqm_ops.xrootd import is_address

__all__ = ["list_elements", "read_file"]

_ROUND = 32 << 20
"""Bytes that are read at once."""
_MAX_WANTED = 384 << 20
"""Bytes that all wanted elements of a file may have in memory; more is taken for a bomb."""
_MAX_SECONDS = 5
"""Processor time for the elements of a file; what is sound and within the other limits takes two seconds."""
_NO_HISTOGRAM = "no histogram and no scalar"
_OTHER_CLASSES = {"TH2Poly": "its bins are polygons, which no metric reads"}
_SCALARS: dict[str, Callable[[str], int | float | str]] = {"i=": int, "f=": float, "s=": str}


def read_file(path: str | os.PathLike[str], wanted: Iterable[str]) -> ExtractedFile:
    """Reads the wanted monitor elements of a DQM file, and nothing else.

    Args:
        path: the file.
        wanted: paths of monitor elements as a configuration gives them, ``PixelPhase1/Tracks/ntracks``.

    Returns:
        What the file has of them. Elements that it has not are absent; one that is damaged, or is no histogram and no
        scalar, is an ``ElementProblem`` and does not touch the others.

    Raises:
        UnreadableFile: it is no DQM file, or is damaged beyond single elements; ``TruncatedFile`` where it ends too
            early, ``AbsentFile`` where there is none.
        TryAgain: the file system or the server does not answer now.
    """
    name = os.fspath(path)
    try:
        with _opened(name) as source:
            return _extract(source, dict.fromkeys(wanted))
    except Damaged as damage:
        kind = TruncatedFile if isinstance(damage, Truncated) else UnreadableFile
        raise kind(name, damage.found, damage.offset) from damage
    except OSError as error:
        raise fault(name, error) from error


def list_elements(path: str | os.PathLike[str]) -> Mapping[str, str]:
    """All monitor elements of a DQM file: path → ROOT class (``TObjString`` for scalars).

    Raises:
        UnreadableFile: it is no DQM file, or its folders are damaged.
        TryAgain: the file system or the server does not answer now.
    """
    name = os.fspath(path)
    try:
        with _opened(name) as source:
            file = RootFile(source)
            return all_elements(file, open_run(file)[1])
    except Damaged as damage:
        kind = TruncatedFile if isinstance(damage, Truncated) else UnreadableFile
        raise kind(name, damage.found, damage.offset) from damage
    except OSError as error:
        raise fault(name, error) from error


def _opened(name: str) -> LocalFile | XrootdFile:
    return XrootdFile(name) if is_address(name) else LocalFile(name)


def _extract(source: Source, wanted: Iterable[str]) -> ExtractedFile:
    file = RootFile(source)
    run, folder = open_run(file)
    keys = find_elements(file, folder, wanted)
    total = sum(key.object_size for key in keys.values())
    if total > _MAX_WANTED:
        raise Damaged(f"the wanted elements say that they are {total} bytes: taken for a bomb")
    elements: dict[str, ElementContent] = {}
    readable: list[tuple[str, Key]] = []
    for name, key in keys.items():
        problem = _refuse(file, name, key)
        if problem is None:
            readable.append((name, key))
        else:
            elements[name] = problem
    began = time.thread_time()
    with SecondReader(file) as second:
        for name, key, record in _records(source, readable):
            elements[name] = _content(second, name, key, record)
            if time.thread_time() - began > _MAX_SECONDS:
                raise Damaged(
                    f"{name} and others take more than {_MAX_SECONDS} s to unpack: taken for a bomb", key.seek
                )
    return ExtractedFile(source.path, run, elements)


def _records(source: Source, keys: list[tuple[str, Key]]) -> Iterator[tuple[str, Key, memoryview]]:
    """The records of the keys, read in rounds of a bounded size."""
    start, size = 0, 0
    for stop, (_, key) in enumerate(keys, start=1):
        size += key.size
        if size > _ROUND or stop == len(keys):
            batch = keys[start:stop]
            for (name, each), view in zip(batch, source.read([(key.seek, key.size) for _, key in batch]), strict=True):
                yield name, each, view
            start, size = stop, 0


def _refuse(file: RootFile, name: str, key: Key) -> ElementProblem | None:
    """Why an element need not be read at all."""
    if key.class_name != SCALAR_CLASS and key.class_name.decode("latin-1") not in CLASSES:
        class_name = text(key.class_name)
        why = _OTHER_CLASSES.get(class_name, _NO_HISTOGRAM)
        return ElementProblem(Reason.WRONG_CLASS, f"{name} is a {class_name}: {why}")
    try:
        file.check(key)
    except Damaged as damage:
        return ElementProblem(Reason.ELEMENT_UNREADABLE, f"{name}: {damage}")
    return None


def _content(second: SecondReader, name: str, key: Key, record: memoryview) -> ElementContent:
    try:
        payload = RootFile.payload(key, record)
        if key.class_name == SCALAR_CLASS:
            return _scalar(name, decode_text(payload))
        try:
            return decode(key.class_name.decode(), payload, key.key_size)
        except Unfamiliar:
            return second.histogram(key.class_name.decode(), payload, key.key_size)
    except Damaged as damage:
        return ElementProblem(Reason.ELEMENT_UNREADABLE, f"{name}: {damage}")


def _scalar(name: str, tagged: str) -> Scalar:
    """The number or text in ``<name>i=5</name>``."""
    value_end = tagged.rfind("</")
    tag = tagged[value_end + 2 : -1]
    start = len(tag) + 2
    kind, value = tagged[start : start + 2], tagged[start + 2 : value_end]
    convert = _SCALARS.get(kind)
    if convert is None or not tagged.startswith(f"<{tag}>") or not tagged.endswith(">"):
        raise Damaged(f"{tagged[:80]!r} is no scalar")
    try:
        return Scalar(name.rpartition("/")[2], convert(value))
    except ValueError:
        raise Damaged(f"{tagged[:80]!r} is no number") from None
