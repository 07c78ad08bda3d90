"""What Run Registry says of each component, lumisection by lumisection: as spans of equal status."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hdqm_ops.simulate.services import _conditions as conditions
from hdqm_ops.simulate.services._world import Run

STATUSES = ("GOOD", "BAD", "STANDBY", "EXCLUDED", "NOTSET", "EMPTY")

# Columns of Run Registry → component that must take part, ready flags that must be up.
COLUMNS: Mapping[str, tuple[str | None, tuple[str, ...]]] = {
    "btag-btag": (None, ()),
    "castor-castor": ("CASTOR", ()),
    "cms-cms": (None, ()),
    "csc-csc": ("CSC", ("cscm_ready", "cscp_ready")),
    "ctpps-ctpps": ("CTPPS", ()),
    "dc-lowlumi": (None, ()),
    "dt-dt": ("DT", ("dtm_ready", "dtp_ready", "dt0_ready")),
    "ecal-ecal": ("ECAL", ("ebm_ready", "ebp_ready", "eem_ready", "eep_ready")),
    "ecal-es": ("ES", ("esm_ready", "esp_ready")),
    "egamma-egamma": ("ECAL", ()),
    "gem-gem": ("GEM", ()),
    "hcal-hcal": ("HCAL", ("hbhea_ready", "hbheb_ready", "ho_ready")),
    "hlt-hlt": (None, ()),
    "jetmet-jetmet": (None, ()),
    "l1t-l1tcalo": ("TRG", ()),
    "l1t-l1tmu": ("TRG", ()),
    "lumi-lumi": (None, ()),
    "muon-muon": (None, ()),
    "rpc-feb": ("RPC", ("rpc_ready",)),
    "rpc-hv": ("RPC", ("rpc_ready",)),
    "rpc-lv": ("RPC", ("rpc_ready",)),
    "rpc-rpc": ("RPC", ("rpc_ready",)),
    "tau-tau": (None, ()),
    "tracker-pixel": ("PIXEL", ("bpix_ready", "fpix_ready")),
    "tracker-strip": ("TRACKER", ("tibtid_ready", "tob_ready", "tecm_ready", "tecp_ready")),
    "tracker-track": (None, ()),
    "tracker-track_private": (None, ()),
}
_NOBODY_LOOKS = frozenset({"tracker-track_private", "rpc-lv"})
_CAUSES = ("", "HV trip", "Noisy channels", "Calibration")
EMPTY = {"status": "EMPTY", "comment": "", "cause": ""}


@dataclass(frozen=True, slots=True)
class Span:
    """Lumisections first to last have one status."""

    first: int
    last: int
    status: str
    comment: str = ""
    cause: str = ""

    def triplet(self) -> dict[str, str]:
        """The status as Run Registry writes it."""
        return {"status": self.status, "comment": self.comment, "cause": self.cause}


def overlaid(spans: Sequence[Span], new: Span) -> tuple[Span, ...]:
    """The spans with a new one over them, cut where it needs."""
    kept = []
    for span in spans:
        if span.first < new.first:
            kept.append(Span(span.first, min(span.last, new.first - 1), *_told(span)))
        if span.last > new.last:
            kept.append(Span(max(span.first, new.last + 1), span.last, *_told(span)))
    return tuple(sorted([*kept, new], key=lambda span: span.first))


def _told(span: Span) -> tuple[str, str, str]:
    return span.status, span.comment, span.cause


@lru_cache(maxsize=200_000)
def statuses(run: Run, dataset: str, column: str) -> tuple[Span, ...]:
    """Spans that cover all lumisections of a run, for one column of one of its datasets."""
    last = run.lumisections
    component, flags = COLUMNS[column]
    if last == 0:
        return ()
    if component is not None and component not in conditions.components(run):
        return (Span(1, last, "EXCLUDED"),)
    if column in _NOBODY_LOOKS:
        return (Span(1, last, "NOTSET"),)
    if column == "dc-lowlumi":
        return (Span(1, last, "GOOD" if run.fill and run.fill.special else "BAD"),)
    spans: tuple[Span, ...] = (Span(1, last, "GOOD"),)
    off = conditions.off_windows(run)
    for first, end in sorted({window for flag in flags for window in off.get(flag, ())}):
        spans = overlaid(spans, Span(first, min(end, last), "STANDBY"))
    return _with_moods(run, dataset, column, spans)


def _with_moods(run: Run, dataset: str, column: str, spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Some stretches are bad; what was found offline differs from what was seen online."""
    last = run.lumisections
    chance = run.random(f"{column} of {dataset}")
    if last > 3 and chance.random() < 0.06:
        first = chance.randrange(1, last - 1)
        cause = chance.choice(_CAUSES)
        spans = overlaid(
            spans, Span(first, min(last, first + chance.randrange(1, last)), "BAD", "seen by shift", cause)
        )
    return spans


def summary(spans: Sequence[Span]) -> dict[str, Any]:
    """Lumisections by status: a status is there when it has any, except EMPTY, which is always there."""
    counts: dict[str, Any] = {"EMPTY": 0}
    for span in spans:
        counts[span.status] = counts.get(span.status, 0) + span.last - span.first + 1
    comments = sorted({span.comment for span in spans if span.comment})
    return {**counts, "comments": comments, "causes": sorted({span.cause for span in spans if span.cause})}


def by_lumisection(columns: Mapping[str, Sequence[Span]], last: int) -> list[dict[str, dict[str, str]]]:
    """One dictionary of triplets a lumisection, holes filled with EMPTY."""
    rows: list[dict[str, dict[str, str]]] = [{} for _ in range(last)]
    for column, spans in columns.items():
        for row in rows:
            row[column] = EMPTY
        for span in spans:
            for index in range(span.first - 1, min(span.last, last)):
                rows[index][column] = span.triplet()
    return rows


def ranges(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Stretches of equal rows: the row, with its first and last lumisection."""
    found: list[dict[str, Any]] = []
    for number, row in enumerate(rows, start=1):
        if found and rows[number - 2] == row:
            found[-1]["end"] = number
        else:
            found.append({**row, "start": number, "end": number})
    return found
