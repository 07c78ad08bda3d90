"""Reads what is wanted of a DQM file."""

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from hdqm_ops.errors import UnreadableFile
from hdqm_ops.extract._uproot import from_model
from hdqm_ops.model import ElementContent, ElementProblem, ExtractedFile, Reason, Scalar

__all__ = ["list_elements", "read_file"]

_SCALAR = re.compile(r"<(.*)>([ifs])=(.*)</\1>", re.DOTALL)


def read_file(path: str | os.PathLike[str], wanted: Iterable[str]) -> ExtractedFile:
    """Reads the wanted monitor elements of a DQM file."""
    run, found = _elements(path)
    return ExtractedFile(str(path), run, {name: _content(name, found[name]) for name in wanted if name in found})


def list_elements(path: str | os.PathLike[str]) -> Mapping[str, str]:
    """Monitor elements of a file and their classes."""
    return {name: key.fClassName for name, key in _elements(path)[1].items()}


def _elements(path: str | os.PathLike[str]) -> tuple[int, dict[str, Any]]:
    import uproot  # noqa: PLC0415 -- heavy

    try:
        file = uproot.open(path)
        (run,) = file["DQMData"].keys(recursive=False, cycle=False)
    except Exception as error:
        raise UnreadableFile(str(path), str(error).strip().splitlines()[0]) from error
    found: dict[str, Any] = {}
    for subsystem, folder in file["DQMData"][run].items(recursive=False, cycle=False):
        for name, inner in folder.items(recursive=False, cycle=False):
            if name == "Run summary":
                _walk(inner, subsystem, found)
    return int(run.removeprefix("Run ")), found


def _walk(folder: Any, prefix: str, found: dict[str, Any]) -> None:
    for key in folder._keys:  # noqa: SLF001 -- names may hold a semicolon
        if key.fClassName.startswith("TDirectory"):
            _walk(key.get(), f"{prefix}/{key.fName}", found)
        elif match := _SCALAR.fullmatch(key.fName):
            found[f"{prefix}/{match[1]}"] = key
        else:
            found[f"{prefix}/{key.fName}"] = key


def _content(name: str, key: Any) -> ElementContent:
    if match := _SCALAR.fullmatch(key.fName):
        kind = {"i": int, "f": float, "s": str}[match[2]]
        return Scalar(name.rpartition("/")[2], kind(match[3]))
    if not key.fClassName.startswith(("TH1", "TH2", "TH3", "TProfile")) or key.fClassName == "TH2Poly":
        return ElementProblem(Reason.WRONG_CLASS, f"{name} is a {key.fClassName}")
    try:
        return from_model(key.get(), key.fClassName)
    except Exception as error:  # noqa: BLE001 -- whatever is wrong concerns this element alone
        return ElementProblem(Reason.ELEMENT_UNREADABLE, f"{name}: {error}")
