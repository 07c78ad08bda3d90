"""``hdqm config``: check, show, apply."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hdqm_ops.cli._context import with_database
from hdqm_ops.cli._output import err, out, print_json, table
from hdqm_ops.errors import ConfigError
from hdqm_ops.settings import Settings

if TYPE_CHECKING:
    from hdqm_ops.config import ConfigTree

_FEW = 40

app = typer.Typer(no_args_is_help=True, help="Read, check and apply trend configurations.")

Folder = Annotated[
    Path | None, typer.Argument(help="Folder of configurations; default: HDQM_CONFIGS, else the tree that is shipped.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


def _roots(folder: Path | None) -> tuple[Path, ...]:
    from hdqm_ops import pipeline

    return (folder,) if folder else pipeline.config_roots(Settings())


@app.command()
def check(
    folder: Folder = None,
    *,
    verbose: Annotated[bool, typer.Option("--all", help="Every problem, not only the first of each kind.")] = False,
    as_json: AsJson = False,
) -> None:
    """Report every problem with file and line. Exit code 1 if there is an error."""
    from hdqm_ops import config, pipeline

    tree = pipeline.read_configuration(_roots(folder))
    if as_json:
        print_json(config.check_report(tree))
    else:
        _print_problems(tree, verbose=verbose)
        out.print(table("Trends by subsystem", ("subsystem", "trends"), sorted(tree.subsystems.items())))
        out.print(
            f"{tree.files} files, {tree.sections} sections, {len(tree.trends)} trends, "
            f"{len(tree.written_paths)} monitor elements: "
            f"{len(tree.errors)} errors, {len(tree.warnings)} warnings"
        )
    raise typer.Exit(1 if tree.errors else 0)


def _print_problems(tree: "ConfigTree", *, verbose: bool) -> None:
    """All errors; of each kind of warning the number and the first, or all of them where they are few."""
    from hdqm_ops import config

    for problem in tree.errors:
        err.print(str(problem), markup=False, style="red")
    if verbose or len(tree.warnings) <= _FEW:
        for problem in tree.warnings:
            err.print(str(problem), markup=False, style="yellow")
        return
    for severity, code, number, first in config.count_codes(tree):
        if severity == "warning":
            err.print(f"{number} × {code}, the first: {first.place}: {first.message}", markup=False, style="yellow")
    err.print("(`--all` shows every one)")


@app.command()
def show(
    trend: Annotated[str, typer.Argument(help="Subsystem/name")],
    folder: Folder = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Print one trend as it was understood, with its definition hash."""
    from hdqm_ops import config, pipeline

    tree = pipeline.read_configuration(_roots(folder)).select([trend])
    if len(tree.trends) != 1:
        raise ConfigError(f"{trend!r} names {len(tree.trends)} trends; name one, as Subsystem/name")
    facts = config.describe(tree.trends[0], tree)
    if as_json:
        print_json(facts)
    else:
        out.print(config.render(facts), markup=False)


@app.command()
def apply(folder: Folder = None, *, as_json: AsJson = False) -> None:
    """Bring a whole tree into the database: new and changed trends, retired ones, display groups."""
    from hdqm_ops import pipeline

    changes = pipeline.apply_configuration(with_database(), pipeline.read_configuration(_roots(folder)))
    if as_json:
        print_json(changes)
    else:
        # the ids of all definitions are for programs
        out.print(", ".join(f"{number} {what}" for what, number in changes.items() if what != "definitions"))


@app.command("import-groups")
def import_groups(
    file: Annotated[Path, typer.Argument(help="The predecessor's displayConfig.js, or the same as JSON.")],
    folder: Folder = None,
    *,
    to: Annotated[Path | None, typer.Option("--out", help="Folder to write our own format to.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read the predecessor's display groups, say which are whole, and write them in our own format."""
    from hdqm_ops import config, pipeline

    tree = pipeline.read_configuration(_roots(folder))
    report = config.import_groups(file, tree, to)
    if as_json:
        print_json(report.as_json())
    else:
        out.print(str(report), markup=False)
