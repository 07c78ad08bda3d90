"""``hdqm reduce``: trend values of DQM files, without a database."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hdqm_ops.cli._output import err, out, print_json, table
from hdqm_ops.errors import UnreadableFile
from hdqm_ops.settings import Settings

if TYPE_CHECKING:
    from hdqm_ops.config import ConfigTree
    from hdqm_ops.model import Outcome

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(reduce)


def reduce(
    files: Annotated[list[str], typer.Argument(help="DQM files, paths or root://….", metavar="FILE...")],
    *,
    configs: Annotated[
        list[str] | None,
        typer.Option("-c", "--config", help="A folder, a file or Subsystem/pattern*; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Draw the monitor element of each trend as text.")] = False,
) -> None:
    """Reduce DQM files and print value, error or reason of each trend. Nothing is stored.

    This is how to try a new plot before it is added: hdqm reduce FILE -c my.ini --show
    """
    from hdqm_ops import pipeline

    tree = pipeline.read_selection(Settings(), configs or ())
    for problem in tree.problems:
        err.print(str(problem), markup=False, style="red" if problem.severity == "error" else "yellow")
    answers: dict[str, Any] = {}
    failed = bool(tree.errors)
    reducer = pipeline.FileReducer(tree)
    for file in files:
        try:
            outcomes = reducer.reduce(file, keep_elements=show)
        except UnreadableFile as error:
            err.print(str(error), markup=False, style="red")
            answers[file] = {"error": str(error)}
            failed = True
            continue
        answers[file] = {key: _as_json(outcome) for key, outcome in outcomes.items()}
        if not as_json:
            _print_outcomes(file, tree, outcomes)
            if show:
                _print_elements(reducer, tree)
    if as_json:
        print_json(answers)
    raise typer.Exit(1 if failed else 0)


def _as_json(outcome: "Outcome") -> dict[str, Any]:
    measured = outcome.measurement
    answer: dict[str, Any] = {
        "value": measured.value if measured else None,
        "error": measured.error if measured else None,
        "status": outcome.reason.code,
    }
    if outcome.detail and not measured:
        answer["detail"] = outcome.detail
    return answer


def _print_outcomes(file: str, tree: "ConfigTree", outcomes: "dict[str, Outcome]") -> None:
    rows = []
    for trend in tree.trends:
        outcome = outcomes[trend.key]
        measured = outcome.measurement
        rows.append(
            (
                trend.key,
                str(trend.alternatives[outcome.alternative or 0].metric),
                measured.value if measured else None,
                measured.error if measured else None,
                outcome.reason.code
                if measured
                else f"{outcome.reason.code}: {outcome.detail or outcome.reason.meaning}",
            )
        )
    out.print(table(file.rpartition("/")[2], ("trend", "metric", "value", "error", "status"), rows))


def _print_elements(reducer: "Any", tree: "ConfigTree") -> None:
    from hdqm_ops.cli._drawing import draw

    for path in sorted(tree.monitor_elements):
        out.print(draw(path, reducer.elements.get(path)), markup=False)
