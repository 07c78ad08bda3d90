"""Variables: what a reader of a dashboard chooses. Names are short, because they are in every link."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders.dashboard import CustomVariable, QueryVariable, TextBoxVariable
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    VariableHide,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from hdqm_ops.show import _queries as queries
from hdqm_ops.show._target import datasource

__all__ = [
    "CARRIED",
    "added",
    "any_subsystem",
    "axis",
    "carried",
    "carried_from_all",
    "covered_dataset",
    "dataset",
    "histogram_input",
    "measured",
    "options",
    "page",
    "panel",
    "panels",
    "per_page",
    "picture",
    "quantities",
    "reference",
    "run",
    "run_class",
    "search",
    "search_runs",
    "selection",
    "series",
    "show",
    "text_box",
    "y_range",
]

Variable = Builder[VariableModel]

CARRIED = ("subsystem", "pd", "processing", "mode", "runs", "class", "quality", "axis", "options")
"""What every page takes over from the one before and hands on, whether it has a box for it or not."""

AXES = {
    "Evenly spaced runs": "even",
    "Run number": "number",
    "Date (UTC)": "date",
    "Width by duration": "duration",
    "Width by luminosity": "luminosity",
}
OPTIONS = {
    "Fill bands": "fills",
    "Error bars": "errors",
    "Mean and RMS": "mean",
    "Expected range": "range",
    "Hide outliers (5 RMS)": "outliers",
    "Run duration": "duration",
    "Run luminosity": "luminosity",
}
MODES = {
    "Latest N": "latest",
    "Range A-B": "range",
    "List of runs": "list",
    "Golden JSON (name)": "golden",
    "Filter on run fields": "where",
}
QUANTITIES = (
    "duration",
    "delivered luminosity",
    "recorded luminosity",
    "initial luminosity",
    "end luminosity",
    "magnetic field",
    "energy",
    "HLT physics rate",
    "L1 rate",
)


# -- kinds -------------------------------------------------------------------------------------------------------------


def _query(name: str, label: str, sql: str, description: str) -> QueryVariable:
    return (
        QueryVariable(name)
        .label(label)
        .description(description)
        .datasource(datasource())
        .query(sql)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.DISABLED)
    )


def text_box(name: str, label: str, default: str, description: str) -> TextBoxVariable:
    """A box that takes any text. Panels hand it to SQL functions that parse it."""
    chosen = VariableOption(text=default, value=default, selected=True)
    return (
        TextBoxVariable(name)
        .label(label)
        .description(description)
        .default_value(default)
        .current(chosen)
        .options([chosen])
    )


def _choice(
    name: str, label: str, choices: Mapping[str, str], chosen: Sequence[str], description: str, *, multi: bool = False
) -> CustomVariable:
    texts = {value: text for text, value in choices.items()}
    current = (
        VariableOption(text=[texts[value] for value in chosen], value=list(chosen))
        if multi
        else VariableOption(text=texts[chosen[0]], value=chosen[0])
    )
    options = [VariableOption(text=text, value=value, selected=value in chosen) for text, value in choices.items()]
    return (
        CustomVariable(name)
        .label(label)
        .description(description)
        .values(", ".join(f"{text} : {value}" for text, value in choices.items()))
        .options(options)
        .current(current)
        .multi(multi)
        .allow_custom_value(False)
    )


# -- which data --------------------------------------------------------------------------------------------------------


def dataset() -> list[Variable]:
    """Subsystem, primary dataset, processing string; each depends on those before it."""
    return [
        _query("subsystem", "Subsystem", queries.SUBSYSTEMS, "Detector subsystem, as in the configuration."),
        _query("pd", "Primary dataset", queries.PRIMARY_DATASETS, "Those in which the subsystem has points."),
        _query("processing", "Processing", queries.PROCESSINGS, "Processing string: PromptReco, Express, …."),
    ]


def run_class() -> Variable:
    """Class of the runs."""
    return _query(
        "class", "Run class", queries.RUN_CLASSES, "Class in Run Registry; latest N counts runs of the class."
    )


def selection() -> list[Variable]:
    """Which runs: one box for the mode, one for the value, class and quality."""
    return [
        _choice("mode", "Runs", MODES, ["latest"], "How the next box is read."),
        text_box(
            "runs",
            "are",
            "50",
            "Latest: 50. Range: 325000-325170. List: 324997 325000-325170. Golden JSON: its name. "
            "Filter: run_class = Collisions18 and duration_s > 600",
        ),
        run_class(),
        _choice(
            "quality",
            "Quality",
            {"Significant runs": "default", "All runs": "all"},
            ["default"],
            "Significant: without runs that Run Registry calls not significant. A list of runs is never filtered.",
        ),
    ]


# -- how it is drawn ---------------------------------------------------------------------------------------------------


def axis() -> Variable:
    """The horizontal axis."""
    return _choice("axis", "Axis", AXES, ["even"], "What the horizontal axis counts.")


def options() -> Variable:
    """What is drawn beside the points."""
    return _choice("options", "Draw", OPTIONS, ["fills"], "What is drawn beside the points.", multi=True)


def search() -> Variable:
    """Part of a name or title."""
    return text_box("search", "Search", "", "Part of a name or title, of a group or of a trend in it.")


def show() -> Variable:
    """Groups, or each trend alone."""
    choices = {"Display groups": "groups", "Single trends": "trends"}
    return _choice("show", "Show", choices, ["groups"], "Display groups as configured, or each trend alone.")


def per_page() -> Variable:
    """Plots on a page."""
    choices = {number: number for number in ("4", "8", "16", "32")}
    return _choice("per_page", "Per page", choices, ["8"], "Plots on a page.")


def page() -> Variable:
    """Which page."""
    return _query("page", "Page", queries.PAGES, "Page of plots.")


def panels() -> Variable:
    """The plots of a page; a repeated panel draws all of them."""
    chosen = VariableOption(text=["All"], value=["$__all"])
    return (
        _query("panels", "Plots", queries.PANELS, "Plots of this page.")
        .multi(True)
        .include_all(True)
        .current(chosen)
        .hide(VariableHide.HIDE_VARIABLE)
    )


def panel() -> Variable:
    """One plot."""
    return _query("panel", "Plot", queries.ALL_PANELS, "Display group or trend.")


def y_range() -> Variable:
    """Range of the vertical axis."""
    return text_box("yrange", "Y range", "", "Two numbers, as in: 0.2 .. 0.5. Empty: as the values need it.")


def added() -> Variable:
    """More series in the plot."""
    return text_box(
        "added",
        "Add series",
        "",
        "Labels with blanks between: trend, Subsystem/trend, or Subsystem/trend@PrimaryDataset/processing.",
    )


def quantities() -> Variable:
    """Quantities of the runs on a second axis."""
    choices = {name: name for name in ("none", *QUANTITIES)}
    return _choice(
        "oms", "Add from OMS", choices, ["none"], "Quantities of the runs, on an axis at the right.", multi=True
    )


def carried(known: Sequence[str]) -> list[Variable]:
    """What a page hands on without a box for it, given the variables that it has."""
    every = [*dataset(), *selection(), axis(), options()]
    return [_hidden(one) for one in every if one.build().name not in known]


def carried_from_all() -> list[Variable]:
    """The same for a page whose subsystem may be ``all``, which others do not know: ``to`` is what they open on."""
    to = _query("to", "To", queries.SUBSYSTEM_TO, "Where links lead.")
    of_dataset = [
        _query(name, name, sql.replace("${subsystem:", "${to:"), "Dataset of pages that show one.")
        for name, sql in (("pd", queries.PRIMARY_DATASETS), ("processing", queries.PROCESSINGS))
    ]
    return [_hidden(one) for one in (to, *of_dataset)]


def _hidden(variable: Variable) -> Variable:
    built = variable.build()
    built.hide = VariableHide.HIDE_VARIABLE
    return _Built(built)


@dataclass(frozen=True)
class _Built(Builder[VariableModel]):
    """A variable that is built already."""

    built: VariableModel

    def build(self) -> VariableModel:
        return self.built


# -- one run, one series -----------------------------------------------------------------------------------------------


def run() -> Variable:
    """A run number."""
    return text_box("run", "Run", "", "Run number. Empty: the newest run of the dataset.")


def reference() -> Variable:
    """A run to compare with."""
    return text_box("reference", "Reference run", "", "Run whose histogram is drawn too. Empty: the run before.")


def series() -> Variable:
    """A series of the dataset."""
    return _query("series", "Trend", queries.SERIES, "Trend whose point, histogram and links are shown.")


def measured(name: str, label: str, description: str, *, optional: bool = False, opens_on: int = 1) -> Variable:
    """A series or a quantity of the runs; a page without a choice opens on the one at this place.

    A label of another subsystem or dataset can be typed too.
    """
    return _query(name, label, queries.measurable(optional=optional, opens_on=opens_on), description)


def picture() -> Variable:
    """Address of the picture of the histogram; empty without a REST API."""
    told = "Address of the picture that the REST API draws."
    return _query("picture", "Picture", queries.HISTOGRAM_PICTURE, told).hide(VariableHide.HIDE_VARIABLE)


def histogram_input() -> Variable:
    """Which of the histograms that the metric read."""
    choices = {name: name for name in ("main", "histo1", "histo2", "reference")}
    return _choice("input", "Histogram", choices, ["main"], "The main histogram, or another one that the metric reads.")


# -- other pages -------------------------------------------------------------------------------------------------------


def search_runs() -> Variable:
    """Part of what is known of a run."""
    words = "Part of a run number, fill, era, class, key or injection scheme."
    return text_box("find", "Search", "", words)


def any_subsystem() -> Variable:
    """A subsystem, or all."""
    return _query("subsystem", "Subsystem", queries.SUBSYSTEMS_AND_ALL, "One subsystem, or all.")


def covered_dataset() -> Variable:
    """A dataset of the chosen runs."""
    return _query("dataset", "Dataset in detail", queries.COVERAGE_CHOICE, "Dataset whose missing trends are listed.")
