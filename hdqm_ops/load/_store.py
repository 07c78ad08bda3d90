"""One file, one transaction: points, gaps, histograms and the file's line in the ledger."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.pq import TransactionStatus

from hdqm_ops.load._connection import Connection, in_transaction, translated
from hdqm_ops.load._files import forget_series, unload
from hdqm_ops.load._histograms import TYPES, row
from hdqm_ops.load._sql import query
from hdqm_ops.load._work import FileResult, LoadCounts
from hdqm_ops.model import Outcome, Reason

__all__ = ["CODES", "POINT_TYPES", "intern", "load_file", "point_rows"]

POINT_TYPES = ("int4", "int2", "float8", "float4", "float4", "float4", "float8", "int2")
_LARGEST_REAL = 3.4028234663852886e38
CODES = {reason.number: reason.code for reason in Reason}
_COUNTS = (
    "ingested",
    "vanished",
    "discovered",
    "waiting",
)  # a loaded file in such a state is not displaced by a lesser one


def load_file(connection: Connection, result: FileResult) -> LoadCounts:
    """Store what came of one file, whole or not at all; storing the same again changes no row.

    A file that is outranked by one already loaded is marked as superseded, and nothing of it is stored. One that
    outranks the loaded one takes its place. Nothing is stored either of a file that changed, or whose claim another one
    took over; where something is, the claim is given back with it.

    Args:
        connection: from ``connect``; not within a transaction.
        result: outcomes and monitor elements of the file.

    Raises:
        TryAgain: other loads crossed this one again and again.
        DatabaseUnavailable: the connection was lost; nothing was stored.
    """
    assert connection.info.transaction_status == TransactionStatus.IDLE, "a load is a transaction of its own"
    with translated():
        _prepare(connection)
        elements = _element_ids(connection, result)
    return in_transaction(connection, lambda: _Load(connection, result, elements).run())


def _prepare(connection: Connection) -> None:
    staged = connection.execute(query("store", "is_staged")).fetchone()
    if not (staged and staged[0]):
        connection.execute(query("store", "stage"))


def _element_ids(connection: Connection, result: FileResult) -> dict[str, int]:
    """Ids of all monitor elements that the result names; new ones are made, ahead and for good."""
    paths = sorted({*result.looked_for, *(result.elements or ())})
    known = _known_elements(connection, paths)
    if len(known) < len(paths):
        connection.execute(query("store", "add_elements"), {"paths": [path for path in paths if path not in known]})
        known = _known_elements(connection, paths)
    return known


def _known_elements(connection: Connection, paths: Sequence[str]) -> dict[str, int]:
    return dict(connection.execute(query("store", "elements"), {"paths": paths}).fetchall()) if paths else {}


@dataclass(frozen=True, slots=True)
class _Ledger:
    """The file's line in the ledger before the load."""

    primary_dataset_id: int
    processing_id: int
    run_number: int
    name_run_number: int
    folder_run_number: int | None
    size_bytes: int
    mtime: float
    state: str
    loaded: bool
    definition_set_id: int | None
    elements: Sequence[int] | None
    missing_elements: Sequence[int] | None
    claims: int
    range_version: int | None
    range_version_now: int


@dataclass(frozen=True, slots=True)
class _Rival:
    """Another file of the same run, primary dataset and processing."""

    file_id: int
    state: str
    loaded: bool
    outranks: bool


class _Load:
    """The transaction of one file."""

    def __init__(self, connection: Connection, result: FileResult, elements: Mapping[str, int]) -> None:
        self._connection = connection
        self._result = result
        self._element_ids = elements
        self._file_id = result.work.file_id
        self._facts: dict[str, Any] = {"file_id": self._file_id, "missing": Reason.ELEMENT_MISSING.number}

    def _run(self, name: str, **facts: Any) -> int:
        return self._connection.execute(query("store", name), {**self._facts, **facts}).rowcount

    def _fetch(self, name: str, **facts: Any) -> tuple[Any, ...] | None:
        return self._connection.execute(query("store", name), {**self._facts, **facts}).fetchone()

    def run(self) -> LoadCounts:
        """Stage everything, then take the lock of the dataset, decide, and write."""
        self._stage()
        self._run("lock")
        rivals = self._lock_rivals()
        before = self._read_ledger()
        if before is None:
            return LoadCounts("stale")
        if self._result.work.claim not in {None, before.claims}:
            return LoadCounts("lost")  # the work was begun anew by another: what this one knows is old
        if any(rival.loaded and rival.outranks and rival.state in _COUNTS for rival in rivals):
            self._run("supersede")
            return LoadCounts("superseded")
        before = self._leave_other_run(before)
        changed = self._write_histograms()
        if not self._result.outcomes:
            self._note(before, calculated=False)
            return LoadCounts("extracted", histograms=len(self._result.elements or ()), changed=changed)
        self._displace(rivals, before)
        changed += self._write_points()
        if any(rival.loaded for rival in rivals) or (
            before.loaded and before.range_version != before.range_version_now
        ):
            self._run("compare_with_ranges")
        self._note(before, calculated=True)
        return self._counts(changed)

    # -- staging -------------------------------------------------------------------------------------------------------

    def _stage(self) -> None:
        self._copy("copy_points", POINT_TYPES, point_rows(self._result.outcomes))
        elements = self._result.elements or {}
        self._copy(
            "copy_histograms", TYPES, (row(self._element_ids[path], content) for path, content in elements.items())
        )

    def _copy(self, name: str, types: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        with self._connection.cursor() as cursor, cursor.copy(query("store", name)) as copy:
            copy.set_types(types)
            for one in rows:
                copy.write_row(one)

    # -- deciding ------------------------------------------------------------------------------------------------------

    def _lock_rivals(self) -> list[_Rival]:
        rows = self._connection.execute(
            query("store", "rivals"), {"file_id": self._file_id, "run_number": self._result.run_number}
        )
        return [rival for rival in (_Rival(*found) for found in rows) if rival.file_id != self._file_id]

    def _read_ledger(self) -> _Ledger | None:
        """The ledger's line; None where the file is no longer the one that was worked on."""
        found = self._fetch("file")
        if found is None:
            return None
        ledger, file = _Ledger(*found), self._result.work.file
        if (ledger.size_bytes, ledger.mtime) != (file.size_bytes, file.mtime) or ledger.state == "ignored":
            return None
        self._facts["primary_dataset_id"] = ledger.primary_dataset_id
        self._facts["processing_id"] = ledger.processing_id
        self._facts["run_number"] = self._result.run_number or ledger.run_number
        return ledger

    def _leave_other_run(self, before: _Ledger) -> _Ledger:
        """Take away what was stored under another run, where the folder of the file now says another one."""
        if self._facts["run_number"] == before.run_number:
            return before
        self._run("know_run")
        unload(self._connection, self._file_id)
        return self._read_ledger() or before

    def _displace(self, rivals: Sequence[_Rival], before: _Ledger) -> None:
        """All lesser files make way, and one that is loaded although it counts no more."""
        lesser = [rival.file_id for rival in rivals if not rival.outranks]
        outranked = [rival.file_id for rival in rivals if rival.loaded or not rival.outranks]
        if not outranked:
            return
        if self._run("displace", outranked=outranked, lesser=lesser):
            self._run("displace_history", outranked=outranked)
        elements = [*(before.elements or ()), *self._looked_for()]
        self._run("remove_outranked_histograms", outranked=outranked, elements=elements)

    # -- histograms ----------------------------------------------------------------------------------------------------

    def _write_histograms(self) -> int:
        if self._result.elements is None:
            return 0
        changed = self._run("upsert_histograms")
        missing = self._missing()
        return changed + (self._run("remove_missing_histograms", missing_elements=missing) if missing else 0)

    def _looked_for(self) -> list[int]:
        return sorted(self._element_ids.values())

    def _missing(self) -> list[int]:
        elements = self._result.elements or {}
        return sorted(number for path, number in self._element_ids.items() if path not in elements)

    # -- points --------------------------------------------------------------------------------------------------------

    def _write_points(self) -> int:
        self._run("make_series")
        self._run("plan")
        births, moves, removals, history, losses = self._fetch("outline") or (False, False, False, False, [])
        changed = self._run("move_to_history") if moves else 0
        if history:
            self._run("leave_history")
        changed += self._run("upsert_points")
        changed += self._run("remove_points") if removals else 0
        if births:
            self._run("bear_series")
            changed += self._run("fill_earlier_gaps")
        forget_series(self._connection, losses)
        return changed

    # -- the ledger ----------------------------------------------------------------------------------------------------

    def _note(self, before: _Ledger, *, calculated: bool) -> None:
        extracted = self._result.elements is not None
        elements, missing = set(before.elements or ()), set(before.missing_elements or ())
        if extracted:
            elements |= set(self._looked_for())
            missing = (missing - set(self._looked_for())) | set(self._missing())
        known = bool(elements) or before.elements is not None or extracted
        state = "discovered" if before.state == "failed" else before.state
        folder = self._result.run_number or before.folder_run_number
        self._run(
            "note",
            extracted=extracted,
            calculated=calculated,
            state="ingested" if calculated and state != "vanished" else state,
            loaded=calculated or before.loaded,
            reason=_folder_remark(before.name_run_number, folder),
            folder_run_number=folder,
            element_set_id=intern(self._connection, "element_set", sorted(elements)) if known else None,
            missing_elements=sorted(missing) if known else None,
            definition_set_id=self._definitions(before) if calculated else before.definition_set_id,
            # as it was before points were written: where it has changed meanwhile, they are looked at again by who asks
            range_version=before.range_version_now if calculated else before.range_version,
        )

    def _definitions(self, before: _Ledger) -> int:
        found = self._fetch("definitions_now", definition_set_id=before.definition_set_id)
        return intern(self._connection, "definition_set", found[0] if found else [])

    def _counts(self, changed: int) -> LoadCounts:
        found: dict[int, int] = dict(self._connection.execute(query("store", "counts"), self._facts).fetchall())
        gaps = {CODES[status]: number for status, number in sorted(found.items()) if status}
        histograms = len(self._result.elements or ())
        return LoadCounts("ingested", found.get(Reason.OK.number, 0), gaps, histograms, changed)


def intern(connection: Connection, kind: str, ids: Sequence[int]) -> int:
    """Id of a set; another load may add the same one, so it is looked for, added, and looked for again."""
    for _ in range(2):
        found = connection.execute(query("store", f"find_{kind}"), {"ids": list(ids)}).fetchone()
        if found is not None:
            return int(found[0])
        connection.execute(query("store", f"add_{kind}"), {"ids": list(ids)})
    found = connection.execute(query("store", f"find_{kind}"), {"ids": list(ids)}).fetchone()
    assert found is not None
    return int(found[0])


def _folder_remark(name_run: int, folder_run: int | None) -> str | None:
    if folder_run is None or folder_run == name_run:
        return None
    return f"its folder says run {folder_run}, its name run {name_run}: the folder is trusted"


def point_rows(outcomes: Mapping[int, Outcome]) -> Iterator[tuple[Any, ...]]:
    """A row of ``POINT_TYPES`` for each outcome."""
    for definition_id, outcome in outcomes.items():
        measured = outcome.measurement
        numbers = (
            (None, None, None, None)
            if measured is None
            else (measured.value, _real(measured.error), _real(measured.error_low), _real(measured.error_high))
        )
        yield (definition_id, outcome.reason.number, *numbers, _finite(outcome.entries), outcome.alternative)


def _real(value: float | None) -> float | None:
    """A number that four bytes hold, or None: an error beyond them says nothing."""
    return value if value is not None and abs(value) <= _LARGEST_REAL else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
