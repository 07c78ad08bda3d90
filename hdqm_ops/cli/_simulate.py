"""``hdqm simulate``: DQM files for demos and tests. CERN's services are in ``_services``."""

from pathlib import Path
from typing import Annotated

import typer

from hdqm_ops.cli._output import out, print_json, progress
from hdqm_ops.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Make what CERN would give: DQM files, OMS, Run Registry.")


@app.command()
def dqm(
    folder: Annotated[Path, typer.Option("-o", "--out", help="Folder to write to, in the layout of EOS.")],
    *,
    configs: Annotated[
        list[str] | None,
        typer.Option("-c", "--config", help="Configurations whose elements are written; default: the shipped tree."),
    ] = None,
    scenario: Annotated[str, typer.Option(help="How much: demo or full.")] = "demo",
    seed: Annotated[int, typer.Option(help="Same seed, same files.")] = 1,
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, help="Processes at once.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Write simulated DQM files: drifts, steps, outliers, gaps, versions out of order, a few broken files."""
    from hdqm_ops import pipeline

    tree = pipeline.read_selection(Settings(), configs or ())
    total = pipeline.simulated_files(scenario, seed=seed)
    with progress("simulate", total) as advance:
        report = pipeline.simulate_files(tree, folder, scenario, seed=seed, jobs=jobs, advance=advance)
    if as_json:
        print_json(report)
    else:
        size = report["bytes"] / 1e6
        out.print(f"{report['files']} files ({report['broken']} broken on purpose), {size:.1f} MB, in {folder}")
