"""The nouns of HDQM: what the rooms hand to one another. Cheap to import, needs NumPy only."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Alternative",
    "Axis",
    "DQMFile",
    "DisplayGroup",
    "ElementContent",
    "ElementProblem",
    "ExtractedFile",
    "Histogram",
    "Measurement",
    "MetricCall",
    "MetricInfo",
    "Outcome",
    "Parameter",
    "Place",
    "Problem",
    "QualityRule",
    "Reason",
    "Role",
    "Scalar",
    "Trend",
]

Role: TypeAlias = Literal["main", "histo1", "histo2", "reference"]
Doubles: TypeAlias = NDArray[np.float64]


# -- why a point has no value ------------------------------------------------------------------------------------------


class Reason(Enum):
    """Status of a trend point: ``OK``, or why it has no value.

    Closed; the database keeps the number, users see the code.
    Each member is (number, sentence for users). Numbers are permanent: never reuse one.
    """

    OK = 0, "The point has a value."
    ELEMENT_MISSING = 1, "The DQM file does not contain the monitor element (nor any of its alternatives)."
    INPUT_MISSING = 2, "The monitor element is there, but a second one that the metric needs is not."
    WRONG_CLASS = (
        3,
        "The monitor element is of a class that the metric cannot read, as a text or a map where a curve is wanted.",
    )
    ELEMENT_UNREADABLE = 4, "The monitor element is in the file, but its bytes are damaged."
    HISTOGRAM_EMPTY = 5, "The histogram has no entries to reduce."
    TOO_FEW_ENTRIES = 6, "The histogram has fewer entries than the metric or the trend demands."
    NOT_APPLICABLE = 7, "The metric has no meaning here, as for a detector part that does not have the depth asked for."
    NO_DENOMINATOR = 8, "The ratio that the metric forms has a zero below its line."
    OUT_OF_RANGE = 9, "The result lies outside of the range in which the metric calls it good."
    NOT_FINITE = 10, "The result is infinite or not a number."
    FIT_FAILED = 11, "The fit did not converge, ended on a limit, or had too few points."
    NO_TURN_ON = 12, "The efficiency has no turn-on point, or it is too uncertain there."
    METRIC_RAISED = 13, "The metric stopped with an error; the log names it."
    METRIC_NOT_AVAILABLE = 14, "The metric is known by name but cannot be computed by this version of HDQM."

    def __init__(self, number: int, meaning: str) -> None:
        self.number = number
        self.meaning = meaning

    @property
    def code(self) -> str:
        """The code that SQL, API and logs show: ``ok``, ``element_missing``, …."""
        return self.name.lower()

    def __str__(self) -> str:
        return self.code


# -- histograms --------------------------------------------------------------------------------------------------------


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array = np.asarray(array)
    array.flags.writeable = False
    return array


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """One axis of a histogram, with ROOT's numbering: bins 1…n in range, 0 underflow, n + 1 overflow.

    Attributes:
        n: number of bins in range.
        low: lower edge of bin 1.
        high: upper edge of bin n.
        edges: n + 1 edges where the bins have different widths, else None.
        labels: bin number → label (bins without a label are absent).
        first: first bin of the active range (``fFirst``); 0 where none is set.
        last: last bin of the active range (``fLast``); 0 where none is set.
        ranged: the active range counts (``TAxis::kAxisRange``).
        extendable: the axis may grow (``TH1::CanExtendAllAxes`` for this axis) or is alphanumeric.
        title: axis title.
        flow_counted: flow takes part in statistics that are computed from bins (``TH1::SetStatOverflows``), as long as
            no active range counts.
    """

    n: int
    low: float
    high: float
    edges: Doubles | None = None
    labels: Mapping[int, str] = field(default_factory=dict)
    first: int = 0
    last: int = 0
    ranged: bool = False
    extendable: bool = False
    title: str = ""
    flow_counted: bool = False

    def bin_edges(self) -> Doubles:
        """All n + 1 bin edges."""
        if self.edges is not None:
            return self.edges
        width = (self.high - self.low) / self.n
        edges = self.low + width * np.arange(self.n + 1)
        edges[-1] = self.high
        return _frozen(edges)

    def centers(self) -> Doubles:
        """Centres of bins 0…n + 1 as ``TAxis::GetBinCenter`` gives them, flow bins included (shape n + 2)."""
        width = (self.high - self.low) / self.n
        if self.edges is None:
            return np.asarray(self.low + (np.arange(self.n + 2) - 0.5) * width, dtype=np.float64)
        inside = 0.5 * (self.edges[:-1] + self.edges[1:])
        below, above = self.low - 0.5 * width, self.low + (self.n + 0.5) * width
        return np.concatenate(([below], inside, [above]))

    def find_bin(self, x: float) -> int:
        """Bin of ``x`` as ``TAxis::FindFixBin``: 0 below, n + 1 at or above the upper end (and for NaN)."""
        if x < self.low:
            return 0
        if not x < self.high:
            return self.n + 1
        if self.edges is None:
            return 1 + int(self.n * (x - self.low) / (self.high - self.low))
        return int(np.searchsorted(self.edges, x, side="right"))

    def find_label(self, label: str) -> int | None:
        """Bin number of a label, None where no bin carries it."""
        return next((number for number, text in self.labels.items() if text == label), None)


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """A histogram or profile as ROOT stored it: cells with flow, stored moments, axes. All arrays are read-only.

    Attributes:
        class_name: ROOT class, ``TH1F``, ``TProfile2D``, ….
        name: name in the file.
        axes: one to three axes, x first.
        cells: contents of all cells with flow, flat, in ROOT's global bin order (x runs fastest), in their native
            type; for a profile ``fArray``, the weighted sums of the profiled quantity. Length Π(n + 2).
        entries: ``fEntries``.
        sums: stored moments in ROOT's order of ``GetStats`` (Σw, Σw², Σwx, Σwx², then as far as the class has them
            Σwy, Σwy², Σwxy, Σwz, Σwz², Σwxz, Σwyz; a TProfile ends with Σwy, Σwy², a TProfile2D with Σwz, Σwz²).
        sumw2: ``fSumw2`` per cell, None where not stored (for a profile Σwy² per cell, always stored).
        bin_entries: profiles only: Σw per cell.
        bin_sumw2: profiles only: Σw² per cell, None where not stored.
        error_mode: profiles only: ``""``, ``"s"``, ``"i"`` or ``"g"`` (``fErrorMode``).
        maximum: ``fMaximum`` where a user set one, else None.
        minimum: ``fMinimum`` where a user set one, else None.
        title: histogram title.
    """

    class_name: str
    name: str
    axes: tuple[Axis, ...]
    cells: NDArray[Any]
    entries: float
    sums: tuple[float, ...]
    sumw2: Doubles | None = None
    bin_entries: Doubles | None = None
    bin_sumw2: Doubles | None = None
    error_mode: str = ""
    maximum: float | None = None
    minimum: float | None = None
    title: str = ""

    def __post_init__(self) -> None:
        for array in (self.cells, self.sumw2, self.bin_entries, self.bin_sumw2):
            if array is not None:
                array.flags.writeable = False

    @property
    def dimension(self) -> int:
        """Number of axes."""
        return len(self.axes)

    @property
    def is_profile(self) -> bool:
        """True for TProfile, TProfile2D, TProfile3D."""
        return self.bin_entries is not None

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells per axis with flow, x first: (nx + 2, ny + 2, …)."""
        return tuple(axis.n + 2 for axis in self.axes)

    def grid(self, flat: NDArray[Any]) -> NDArray[Any]:
        """View of a flat array of cells, indexed [ix], [ix, iy] or [ix, iy, iz] with ROOT's bin numbers."""
        return flat.reshape(self.shape[::-1]).T

    def contents(self) -> Doubles:
        """``GetBinContent`` of every cell, as ``grid``; for a profile the bin means, 0 where a bin has no entries."""
        if self.bin_entries is None:
            return self.grid(self.cells.astype(np.float64))
        filled = self.bin_entries != 0
        means = np.divide(self.cells, self.bin_entries, out=np.zeros(len(self.cells)), where=filled)
        return self.grid(means)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A monitor element that is one number or text: ``<name>i=5</name>``, ``f=``, ``s=``."""

    name: str
    value: int | float | str


@dataclass(frozen=True, slots=True)
class ElementProblem:
    """A monitor element that is in the file and could not be read."""

    reason: Reason
    detail: str


ElementContent: TypeAlias = Histogram | Scalar | ElementProblem


@dataclass(frozen=True, slots=True, eq=False)
class ExtractedFile:
    """What was read from one DQM file.

    Attributes:
        path: the file.
        run_number: run number of the folder in the file, which is trusted where the name says another.
        elements: monitor element → content; elements that the file does not have are absent.
    """

    path: str
    run_number: int
    elements: Mapping[str, ElementContent]


# -- measurements ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Measurement:
    """Answer of a metric: value and one-sigma error; both sides where the error is asymmetric.

    ``error`` is the mean of both sides then.
    """

    value: float
    error: float
    error_low: float | None = None
    error_high: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one trend in one file: a measurement, or a gap with its reason.

    Attributes:
        reason: ``Reason.OK`` or why there is no value.
        measurement: None where there is no value.
        entries: entries of the main histogram, None where there is none.
        alternative: index of the alternative that was used, None where no element was found.
        detail: a sentence for the log.
    """

    reason: Reason
    measurement: Measurement | None = None
    entries: float | None = None
    alternative: int | None = None
    detail: str = ""


# -- configuration -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parameter:
    """A constructor argument of a metric: its name, the Python types it takes, and whether it may be left out."""

    name: str
    types: tuple[type, ...]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """What a configuration needs to know of a metric class, without the class.

    Attributes:
        name: as a .ini writes it, ``basic.Mean``.
        version: from 1, raised when the class begins to give other numbers; part of the definition hash.
        parameters: constructor arguments in order.
        inputs: histograms it must get beside the main one (a tuple that depends on the arguments is given by
            ``inputs_for``).
        optional_inputs: histograms it may get.
        summary: first sentence of its documentation.
        ignored_arguments: number of extra trailing arguments that old configurations carry and that are dropped.
        available: False where the name is known and the numbers are not; its calls have version 0.
    """

    name: str
    version: int = 1
    parameters: tuple[Parameter, ...] = ()
    inputs: tuple[Role, ...] = ()
    optional_inputs: tuple[Role, ...] = ()
    summary: str = ""
    ignored_arguments: int = 0
    available: bool = True

    def inputs_for(self, arguments: tuple[Any, ...]) -> tuple[Role, ...]:
        """The histograms that are needed beside the main one when called with ``arguments``."""
        del arguments
        return self.inputs

    def problem_with(self, arguments: tuple[Any, ...]) -> str | None:
        """What is wrong with ``arguments`` whose number and types are right, in words; None where nothing is."""
        del arguments
        return None

    def always_zero(self, arguments: tuple[Any, ...]) -> str | None:
        """Why a call with ``arguments`` can never see anything, None where it can; configurations are warned of it."""
        del arguments
        return None


@dataclass(frozen=True, slots=True)
class MetricCall:
    """A metric expression as it was parsed: ``fits.Landau(0, 15., 25., (20., 2.))``. Never evaluated."""

    name: str
    arguments: tuple[Any, ...] = ()
    version: int = 1

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(repr, self.arguments))})"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a configuration says something: file and line (from 1)."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to get a trend: a metric and, for each of its inputs, the monitor elements to try in order.

    Attributes:
        metric: the call.
        paths: role → paths without leading slash; the first that the file has is taken.
        place: section that said so; not part of the definition.
        threshold: entries that the section asks for; kept, and used only by metrics that say so.
    """

    metric: MetricCall
    paths: Mapping[Role, tuple[str, ...]]
    threshold: int | None = None
    place: Place | None = field(default=None, compare=False)

    def canonical(self) -> dict[str, Any]:
        """The facts that make the definition, for hashing."""
        return {
            "metric": self.metric.name,
            "version": self.metric.version,
            "arguments": _typed(self.metric.arguments),
            "paths": {role: list(paths) for role, paths in self.paths.items()},
            "threshold": self.threshold,
        }


def _typed(value: Any) -> Any:
    """JSON form of a literal that keeps 1, 1.0, True and (1,) apart from one another (hex for exact floats)."""
    match value:
        case list() | tuple():
            return [type(value).__name__, *map(_typed, value)]
        case float():
            return ["float", value.hex()]
        case _:
            return [type(value).__name__, value]


@dataclass(frozen=True, slots=True)
class Trend:
    """A trend as configured: (subsystem, name), its ordered alternatives, and what people say of it.

    ``low`` and ``high`` are the expected range in units of the value.
    """

    subsystem: str
    name: str
    alternatives: tuple[Alternative, ...]
    y_title: str
    plot_title: str | None = None
    unit: str | None = None
    description: str | None = None
    owner: str | None = None
    low: float | None = None
    high: float | None = None

    SEPARATOR: ClassVar[str] = "/"

    @property
    def key(self) -> str:
        """``Subsystem/name``, unique in a configuration."""
        return f"{self.subsystem}{self.SEPARATOR}{self.name}"

    @property
    def title(self) -> str:
        """What to write above a plot: ``plotTitle``, else ``yTitle``, else the name."""
        return self.plot_title or self.y_title or self.name

    @property
    def monitor_elements(self) -> frozenset[str]:
        """Every path that any alternative names."""
        return frozenset(
            path for alternative in self.alternatives for paths in alternative.paths.values() for path in paths
        )

    def canonical_definition(self) -> str:
        """Canonical JSON of the ordered alternatives: blanks and order of keys do not matter."""
        facts = [alternative.canonical() for alternative in self.alternatives]
        return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def definition_hash(self) -> bytes:
        """SHA-256 of the canonical definition (32 bytes)."""
        return hashlib.sha256(self.canonical_definition().encode()).digest()


@dataclass(frozen=True, slots=True)
class DisplayGroup:
    """Trends of one subsystem that are drawn in one plot, in this order.

    ``colours`` are CSS colours or None, one for each of ``trends``.
    """

    subsystem: str
    name: str
    title: str
    y_title: str
    trends: tuple[str, ...]
    colours: tuple[str | None, ...] = ()
    correlation: bool = False


@dataclass(frozen=True, slots=True)
class QualityRule:
    """Which runs count for the trends of a subsystem; what nobody has told of a run never leaves it out.

    Attributes:
        subsystem: empty for all that have no rule of this name of their own.
        name: ``collisions``, ``cosmics``.
        datasets: patterns of the primary datasets that it is for; without any, for those that no other rule is for.
        classes: patterns of classes in Run Registry, one of which has to fit; without any, every class does.
        significant: Run Registry has to call the run significant.
        dcs: detectors that have to have been on; of several such sets one is enough.
        min_duration_s: seconds.
        min_recorded_lumi_pb: 1/pb.
        not_hlt_keys: patterns of HLT keys that leave a run out.
    """

    subsystem: str
    name: str
    datasets: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    significant: bool = False
    dcs: tuple[tuple[str, ...], ...] = ()
    min_duration_s: float | None = None
    min_recorded_lumi_pb: float | None = None
    not_hlt_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that ``hdqm config check`` reports."""

    place: Place
    severity: Literal["error", "warning"]
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.severity} {self.code}: {self.message}"


# -- files -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DQMFile:
    """One DQM file: what its name says and what the file system says.

    Attributes:
        path: as found.
        run_number: from the name.
        dataset: ``/SingleMuon/Run2018D-12Nov2019_UL2018-v2/DQMIO``.
        primary_dataset: ``SingleMuon``.
        processing: ``12Nov2019_UL2018``, after aliases.
        era: ``Run2018D``; empty where the name has none.
        processing_version: the ``2`` of ``-v2``; 0 where the name has none.
        tier: ``DQMIO``, ``DQM``, ``RECO``, ….
        dqm_version: the ``1`` of ``DQM_V0001``.
        size_bytes: size.
        mtime: modification time, seconds since the epoch.
        ignored: why this file is not taken, None where it is.
    """

    path: str
    run_number: int
    dataset: str
    primary_dataset: str
    processing: str
    era: str
    processing_version: int
    tier: str
    dqm_version: int
    size_bytes: int = 0
    mtime: float = 0.0
    ignored: str | None = None

    def rank(self) -> tuple[bool, int, int, float, str]:
        """Of the files of one (run, primary dataset, processing) the one with the highest rank counts."""
        return (self.tier == "DQMIO", self.processing_version, self.dqm_version, self.mtime, self.path)
