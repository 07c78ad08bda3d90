"""Names of DQM files, both ways: ``DQM_V0001_R000355760__MinimumBias__Run2022C-PromptReco-v1__DQMIO.root``."""

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from hdqm_ops.errors import ConfigError
from hdqm_ops.model import DQMFile

__all__ = ["file_name", "parse_name"]

MULTI_RUN = 999999
"""Run number that stands for "harvested over many runs"."""

LARGEST = 2**31 - 1
"""Largest run number or version that the database's integers hold."""

_OFFLINE = re.compile(r"DQM_V(?P<version>[0-9]+)_R(?P<run>[0-9]+)__(?P<dataset>.+)\.root", re.DOTALL)
_ONLINE = re.compile(r"DQM_V(?P<version>[0-9]+)_(?P<subsystem>[A-Za-z][A-Za-z0-9]*)_R(?P<run>[0-9]+)\.root")
_PART = re.compile(r"[A-Za-z0-9._-]+")
_SUFFIX = re.compile(r"-v(?P<version>[0-9]{1,9})(?P<harvested>-[0-9]+-[0-9]+)?\Z")


class _Name(NamedTuple):
    """What the name says, before it is judged."""

    run_number: int
    dqm_version: int
    primary_dataset: str
    middle: str
    tier: str


class _Middle(NamedTuple):
    """The middle part of a dataset, taken apart."""

    era: str
    processing: str
    version: int
    harvested: str


class _NotDQM(Exception):
    """The name is none that a DQM file has; the message says what is odd about it."""


def parse_name(
    path: str | os.PathLike[str],
    *,
    aliases: Mapping[str, str] | None = None,
    multi_run: bool = False,
    relval: bool = False,
) -> DQMFile:
    """Read a DQM file's name; size and mtime stay 0. Never raises: a file that is not taken says why in ``ignored``.

    Args:
        path: the file; its folders play no part.
        aliases: processing strings that join another one.
        multi_run: take harvests over many runs too (run 999999, or a range of runs behind the version).
        relval: take release validation too.
    """
    path = os.fspath(path)
    try:
        name = _split(path.rpartition("/")[2])
    except _NotDQM as odd:
        return DQMFile(path, 0, "", "", "", "", 0, "", 0, ignored=f"not a DQM file name: {odd}")
    middle = _take_apart(name.middle)
    return DQMFile(
        path=path,
        run_number=name.run_number,
        dataset=f"/{name.primary_dataset}/{name.middle}/{name.tier}",
        primary_dataset=name.primary_dataset,
        processing=(aliases or {}).get(middle.processing, middle.processing),
        era=middle.era,
        processing_version=middle.version,
        tier=name.tier,
        dqm_version=name.dqm_version,
        ignored=_why_ignored(name, middle, multi_run=multi_run, relval=relval),
    )


def file_name(run_number: int, dataset: str, dqm_version: int = 1) -> str:
    """Name of the DQM file of a run and dataset, the inverse of ``parse_name``.

    ``/GEM/Online/DQM`` gives the online form. Raises ``ConfigError`` where no name can say so.
    """
    parts = tuple(dataset.removeprefix("/").split("/"))
    if parts[1:] == ("Online", "DQM"):
        name = f"DQM_V{dqm_version:04d}_{parts[0]}_R{run_number:09d}.root"
    else:
        name = f"DQM_V{dqm_version:04d}_R{run_number:09d}__{'__'.join(parts)}.root"
    try:
        said = _split(name)
    except _NotDQM as odd:
        message = f"no DQM file can be named for run {run_number} of dataset {dataset!r}: {odd}"
        raise ConfigError(message) from None
    if said != (run_number, dqm_version, *parts):  # "A_/B" would come back as "A/_B"
        raise ConfigError(f"no DQM file can be named for dataset {dataset!r}: an underscore stands beside a slash")
    return name


def _split(name: str) -> _Name:
    if offline := _OFFLINE.fullmatch(name):
        parts = offline["dataset"].split("__")
        if len(parts) != 3:
            raise _NotDQM(f"the dataset has {len(parts)} parts in place of three")
        for part in parts:
            if not _PART.fullmatch(part):
                raise _NotDQM(f"{part!r} is no part of a CMS dataset (letters, digits, '.', '_', '-')")
        return _Name(_number(offline, "run"), _number(offline, "version"), *parts)
    if online := _ONLINE.fullmatch(name):
        return _Name(_number(online, "run"), _number(online, "version"), online["subsystem"], "Online", "DQM")
    raise _NotDQM(
        "it looks neither like DQM_V0001_R000355760__Primary__Era-Processing-v1__TIER.root "
        "nor like DQM_V0001_GEM_R000335670.root"
    )


def _number(match: re.Match[str], what: str) -> int:
    digits = match[what].lstrip("0")
    if not digits:
        raise _NotDQM(f"{what} 0")
    if len(digits) > 10 or int(digits) > LARGEST:
        raise _NotDQM(f"{what} {digits:.20} is larger than {LARGEST}")
    return int(digits)


def _take_apart(middle: str) -> _Middle:
    """``Run2018D-12Nov2019_UL2018-v2``, with everything but the processing being optional."""
    version, harvested = 0, ""
    if (suffix := _SUFFIX.search(middle)) and suffix.start():
        middle = middle[: suffix.start()]
        version, harvested = int(suffix["version"]), suffix["harvested"] or ""
    era, dash, processing = middle.partition("-")
    if not (dash and era and processing):
        era, processing = "", middle
    # Harvests over different runs are different series: where they are taken, their range keeps them apart.
    return _Middle(era, processing + harvested, version, harvested)


def _why_ignored(name: _Name, middle: _Middle, *, multi_run: bool, relval: bool) -> str | None:
    if not multi_run:
        if name.run_number == MULTI_RUN:
            return f"harvest over many runs (run {MULTI_RUN})"
        if middle.harvested or "multirun" in name.middle.lower():
            return "harvest over many runs (by its dataset)"
    if not relval and (name.primary_dataset.startswith("RelVal") or middle.era.startswith("CMSSW_")):
        return "release validation (RelVal)"
    return None
