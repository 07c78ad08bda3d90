"""``hdqm oms``, ``hdqm rr``, ``hdqm json``, and the simulated services to practise on."""

import csv
import json
import signal
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from hdqm_ops.cli._output import err, out, print_json, table
from hdqm_ops.errors import ConfigError
from hdqm_ops.settings import Settings

if TYPE_CHECKING:
    from hdqm_ops.services import GoldenJson, Table

__all__ = ["golden", "oms", "read_argument", "register_simulators", "rr"]

_WIDE = 10

oms = typer.Typer(no_args_is_help=True, help="Ask OMS.")
rr = typer.Typer(no_args_is_help=True, help="Ask Run Registry.")
golden = typer.Typer(no_args_is_help=True, help="Check, combine and count golden JSONs.")

Numbers = Annotated[list[str], typer.Argument(help="Numbers and ranges: 324997 325000-325170.")]
Run = Annotated[int, typer.Argument(help="Run number.", min=1)]
Fields = Annotated[str, typer.Option("--fields", help="Only these fields: run_number,fill_number.")]
Filters = Annotated[
    list[str] | None,
    typer.Option("--filter", help="field, one of = != > < >= <= ~ (like) ~~ (contains), value; may be repeated."),
]
By = Annotated[str, typer.Option("--by", help="run or lumisection.")]
Stretch = Annotated[str, typer.Option("--ls", help="Lumisections first-last.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="CSV with a header on stdout.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Out = Annotated[Path | None, typer.Option("-o", "--out", help="File to write to; default: stdout.")]


# -- OMS ---------------------------------------------------------------------------------------------------------------


@oms.command("runs")
def oms_runs(
    numbers: Numbers, *, fields: Fields = "", filters: Filters = None, as_csv: AsCsv = False, as_json: AsJson = False
) -> None:
    """Runs by number."""
    _print(_numbered("runs", numbers, _names(fields), filters or ()), as_csv=as_csv, as_json=as_json)


@oms.command("fills")
def oms_fills(
    numbers: Numbers, *, fields: Fields = "", filters: Filters = None, as_csv: AsCsv = False, as_json: AsJson = False
) -> None:
    """Fills by number."""
    _print(_numbered("fills", numbers, _names(fields), filters or ()), as_csv=as_csv, as_json=as_json)


@oms.command("lumisections")
def oms_lumisections(
    run: Run, *, fields: Fields = "", stretch: Stretch = "", as_csv: AsCsv = False, as_json: AsJson = False
) -> None:
    """Lumisections of a run, with pileup, luminosities and detector flags."""
    from hdqm_ops.services import OMS

    with OMS.from_settings(Settings()) as client:
        found = client.lumisections(run, _stretch(stretch), fields=_names(fields))
    _print(found, as_csv=as_csv, as_json=as_json)


@oms.command("l1-rates")
def oms_l1_rates(
    run: Run, *, by: By = "run", stretch: Stretch = "", as_csv: AsCsv = False, as_json: AsJson = False
) -> None:
    """Level-1 rates, with what would have been accepted without dead time and what was."""
    _print(_question("l1_trigger_rates", run, by=by, stretch=stretch), as_csv=as_csv, as_json=as_json)


@oms.command("hlt-info")
def oms_hlt_info(
    run: Run,
    path: Annotated[str | None, typer.Argument(help="Only this path.")] = None,
    *,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """What HLT paths of a run passed and accepted."""
    from hdqm_ops.services import OMS

    with OMS.from_settings(Settings()) as client:
        _print(client.hlt_path_info(run, path), as_csv=as_csv, as_json=as_json)


@oms.command("hlt-rates")
def oms_hlt_rates(
    run: Run,
    path: Annotated[str | None, typer.Argument(help="Only this path.")] = None,
    *,
    by: By = "run",
    stretch: Stretch = "",
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Rates of HLT paths of a run."""
    _print(_question("hlt_path_rates", run, path, by=by, stretch=stretch), as_csv=as_csv, as_json=as_json)


@oms.command("query")
def oms_query(
    resource: Annotated[str, typer.Argument(help="runs, lumisections, l1algorithmtriggers, datasetrates, …")],
    *,
    filters: Filters = None,
    fields: Fields = "",
    sort: Annotated[str, typer.Option(help="Fields to sort by; a minus before one turns it round.")] = "",
    group: Annotated[str, typer.Option(help="Rates by run or lumisection, or of so many lumisections.")] = "",
    custom: Annotated[list[str] | None, typer.Option(help="Any other parameter, key=value; may be repeated.")] = None,
    first: Annotated[int | None, typer.Option(min=1, help="Only so many rows.")] = None,
    show_url: Annotated[bool, typer.Option("--show-url", help="Print the address; ask nothing.")] = False,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Ask anything, whole or not at all."""
    from hdqm_ops.services import OMS, Filter

    with OMS.from_settings(Settings()) as client:
        query = client.query(resource).fields(*_names(fields)).where(*map(Filter.parse, filters or ()))
        for name in _names(sort):
            query = query.sort(name.lstrip("-"), descending=name.startswith("-"))
        if group:
            query = (
                query.group("lumisection", size=int(group)) if group.isdecimal() else query.group(_granularity(group))
            )
        for key, value in map(_pair, custom or ()):
            query = query.custom(key, value)
        if show_url:
            out.print(query.url(), markup=False)
        else:
            _print(query.rows() if first is None else query.first(first), as_csv=as_csv, as_json=as_json)


@oms.command("plot")
def oms_plot(
    question: Annotated[str, typer.Argument(help="runs, fills, lumisections, l1_trigger_rates, hlt_path_rates, …")],
    number: Annotated[str, typer.Argument(help="Run number; for runs and fills a range.")],
    *,
    columns: Annotated[str, typer.Option(help="Columns to draw: post_deadtime_rate,pre_deadtime_rate.")],
    file: Annotated[Path, typer.Option("-o", "--out", help="Picture: .png, .pdf, .svg.")],
    path: Annotated[str | None, typer.Option(help="HLT path, for hlt_path_rates.")] = None,
    by: By = "lumisection",
    stretch: Stretch = "",
) -> None:
    """Draw columns of an answer: a line each, a panel a unit."""
    from hdqm_ops.services import plot

    if question in ("runs", "fills"):
        found = _numbered(question, [number], (), ())
    elif number.isdecimal():
        found = _question(question, int(number), path, by=by, stretch=stretch)
    else:
        raise ConfigError(f"{number!r} is no run number; only runs and fills take a range")
    plot(found, _names(columns), file, title=f"{question.replace('_', ' ')} {number} {path or ''}".rstrip())
    err.print(f"{len(found)} rows drawn into {file}", markup=False)


_QUESTIONS = (
    *("lumisections", "l1_trigger_rates", "l1_algorithms", "hlt_path_rates"),
    *("dataset_rates", "streams", "deadtimes"),
)


def _question(name: str, run: int, path: str | None = None, *, by: str, stretch: str) -> "Table":
    """One of the ready-made questions about one run."""
    from hdqm_ops.services import OMS

    if name not in _QUESTIONS:
        near = "".join(f"; did you mean {one}?" for one in get_close_matches(name, _QUESTIONS, n=1))
        raise ConfigError(f"there is no question {name!r}{near}; there are runs, fills, {', '.join(_QUESTIONS)}")
    lumisections = _stretch(stretch)
    with OMS.from_settings(Settings()) as client:
        if name == "lumisections":
            return client.lumisections(run, lumisections)
        if name == "hlt_path_rates":
            return client.hlt_path_rates(run, path, _granularity(by), lumisections)
        answer: Table = getattr(client, name)(run, _granularity(by), lumisections)
        return answer


def _numbered(resource: str, numbers: Sequence[str], fields: Sequence[str], filters: Sequence[str]) -> "Table":
    """Runs or fills of some ranges, one question each."""
    from hdqm_ops.discover import parse_runs
    from hdqm_ops.services import OMS, Filter, Table

    where = [Filter.parse(text) for text in filters]
    with OMS.from_settings(Settings()) as client:
        ask = client.runs if resource == "runs" else client.fills
        found = [ask(first, last, fields=fields, where=where) for first, last in parse_runs(*numbers).ranges]
    return Table(tuple(row for part in found for row in part), found[0].url)


def _granularity(text: str) -> Literal["run", "lumisection"]:
    if text == "run":
        return "run"
    if text == "lumisection":
        return "lumisection"
    raise ConfigError(f"rates are by run or by lumisection, not by {text!r}")


def _stretch(text: str) -> tuple[int | None, int | None]:
    """``10-20``, ``10-`` or ``7``, or nothing for all."""
    if not text:
        return None, None
    first, dash, last = text.partition("-")
    if not all(part.isdecimal() or (not part and dash) for part in (first, last or first)) or text == "-":
        raise ConfigError(f"{text!r} are no lumisections: write 10-20, 10-, -20 or 7")
    low, high = int(first) if first else None, int(last) if last else None
    return low, high if dash else low


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not (key and sign):
        raise ConfigError(f"{text!r} is no parameter: write key=value")
    return key, value


# -- Run Registry ------------------------------------------------------------------------------------------------------

RegistryRuns = Annotated[list[str] | None, typer.Argument(help="Runs and ranges; none: all that the filter leaves.")]
RegistryFilter = Annotated[
    str, typer.Option("--filter", help='A filter as JSON: {"class": "Collisions18", "tracker-strip": "GOOD"}.')
]


@rr.command("runs")
def rr_runs(
    numbers: RegistryRuns = None, *, wanted: RegistryFilter = "", as_csv: AsCsv = False, as_json: AsJson = False
) -> None:
    """Runs with their class, state and significance."""
    columns = ("run_number", "class", "significant", "state", "stop_reason", "run_needs_to_be_updated_manually")
    _print_registry("runs", numbers, wanted, columns, as_csv=as_csv, as_json=as_json)


@rr.command("datasets")
def rr_datasets(
    numbers: RegistryRuns = None, *, wanted: RegistryFilter = "", as_csv: AsCsv = False, as_json: AsJson = False
) -> None:
    """Datasets with how far their certification is."""
    _print_registry("datasets", numbers, wanted, ("run_number", "name", "class"), as_csv=as_csv, as_json=as_json)


@rr.command("ranges")
def rr_ranges(
    run: Run,
    dataset: Annotated[str, typer.Argument(help="/PromptReco/Collisions2018D/DQM, …")] = "online",
    *,
    component: Annotated[list[str] | None, typer.Option(help="Only these columns: tracker-strip.")] = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Stretches of lumisections with one status, for each component."""
    from hdqm_ops.services import RunRegistry

    with RunRegistry.from_settings(Settings()) as client:
        found = client.get_lumisection_ranges_by_component(run, dataset)
    for name in component or ():
        if name not in found:
            near = "".join(f"; did you mean {one}?" for one in get_close_matches(name, found, n=1))
            raise ConfigError(f"{dataset} of run {run} has no component {name!r}{near}")
    rows = [
        {"component": name, **{key: getattr(one, key) for key in ("start", "end", "status", "comment", "cause")}}
        for name, ranges in found.items()
        if not component or name in component
        for one in ranges
    ]
    _print_rows(rows, as_csv=as_csv, as_json=as_json)


@rr.command("json")
def rr_json(
    rule: Annotated[str, typer.Argument(help="Rule in json-logic, or @FILE with one.")],
    datasets: Annotated[str, typer.Argument(help="Names of datasets, as SQL's SIMILAR TO.")],
    *,
    file: Out = None,
    deadline_s: Annotated[float, typer.Option("--deadline", help="Give up after so many seconds.")] = 3600,
    poll_s: Annotated[float, typer.Option("--poll", help="Seconds between two questions.")] = 15,
) -> None:
    """Have Run Registry make a golden JSON."""
    from hdqm_ops.services import RunRegistry

    text = read_argument(rule)
    with RunRegistry.from_settings(Settings()) as client:
        created = client.create_json(text, datasets, deadline_s=deadline_s, poll_s=poll_s)
    err.print(f"Run Registry made JSON {created.id}: {_counted(created.golden)}", markup=False)
    _write(created.golden, file)


def read_argument(text: str) -> str:
    """An argument, or what the file holds that it names with ``@``."""
    return _read(Path(text[1:])) if text.startswith("@") else text


def _print_registry(
    kind: Literal["runs", "datasets"],
    numbers: list[str] | None,
    text: str,
    columns: Sequence[str],
    *,
    as_csv: bool,
    as_json: bool,
) -> None:
    from hdqm_ops.discover import parse_runs
    from hdqm_ops.services import RunRegistry

    wanted = _filter(text)
    if not numbers and not wanted:
        raise ConfigError(f"all {kind} of Run Registry are many: name runs, or a filter")
    rows: list[dict[str, Any]] = []
    with RunRegistry.from_settings(Settings()) as client:
        ask = client.get_runs if kind == "runs" else client.get_datasets
        for first, last in parse_runs(*numbers).ranges if numbers else ((0, 0),):
            some = {"run_number": {"and": [{">=": first}, {"<=": last}]}} if numbers else {}
            rows += ask({**wanted, **some})
    if as_json:
        print_json(rows)
    else:
        _print_rows([_chosen(row, columns) for row in rows], as_csv=as_csv, as_json=False)


def _chosen(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """Some columns, and the states of the workspaces in which a dataset is."""
    chosen = {name: row.get(name) for name in columns}
    states = row.get("dataset_attributes") or {}
    told = [f"{name.removesuffix('_state')} {state}" for name, state in states.items() if name.endswith("_state")]
    return {**chosen, "states": ", ".join(told)} if states else chosen


def _filter(text: str) -> dict[str, Any]:
    try:
        wanted = json.loads(text or "{}")
    except ValueError as error:
        raise ConfigError(f"--filter: no JSON: {error}") from None
    if not isinstance(wanted, dict):
        raise ConfigError(f"--filter: an object is wanted, not {text}")
    return wanted


# -- golden JSONs ------------------------------------------------------------------------------------------------------

Files = Annotated[list[Path], typer.Argument(help="Golden JSONs.")]


@golden.command()
def check(files: Files, *, as_json: AsJson = False) -> None:
    """Report everything that is wrong with golden JSONs, and what is untidy. Exit code 1 if there is an error."""
    from hdqm_ops.services import check_golden_json

    found = {str(file): check_golden_json(_read(file)) for file in files}
    if as_json:
        print_json({name: {"errors": one.errors, "warnings": one.warnings} for name, one in found.items()})
    else:
        for name, one in found.items():
            for problem in one.errors:
                err.print(f"{name}: {problem}", markup=False, style="red")
            for problem in one.warnings:
                err.print(f"{name}: {problem}", markup=False, style="yellow")
            out.print(f"{name}: {len(one.errors)} errors, {len(one.warnings)} warnings", markup=False)
    raise typer.Exit(1 if any(one.errors for one in found.values()) else 0)


@golden.command("and")
def in_all(files: Files, *, file: Out = None) -> None:
    """Lumisections that are in all of them."""
    _write(reduce(lambda here, there: here & there, _golden(files)), file)


@golden.command("or")
def in_any(files: Files, *, file: Out = None) -> None:
    """Lumisections that are in any of them."""
    _write(reduce(lambda here, there: here | there, _golden(files)), file)


@golden.command()
def minus(files: Files, *, file: Out = None) -> None:
    """Lumisections of the first that are in none of the others."""
    _write(reduce(lambda here, there: here - there, _golden(files)), file)


@golden.command()
def count(files: Files, *, as_json: AsJson = False) -> None:
    """Count runs and lumisections."""
    found = dict(zip(map(str, files), _golden(files), strict=True))
    if as_json:
        print_json({name: {"runs": len(one), "lumisections": one.lumisections} for name, one in found.items()})
    for name, one in {} if as_json else found.items():
        out.print(f"{name}: {_counted(one)}", markup=False)


def _golden(files: Iterable[Path]) -> list["GoldenJson"]:
    from hdqm_ops.services import GoldenJson

    return [GoldenJson.read(file) for file in files]


def _counted(one: "GoldenJson") -> str:
    return f"{len(one)} runs, {one.lumisections} lumisections"


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from None


def _write(one: "GoldenJson", file: Path | None) -> None:
    if file is None:
        sys.stdout.write(one.text())
        return
    one.write(file)
    err.print(f"{file}: {_counted(one)}", markup=False)


# -- simulators --------------------------------------------------------------------------------------------------------

Seed = Annotated[int, typer.Option(help="Same seed, same world.")]
Many = Annotated[int, typer.Option("--runs", min=1, help="About how many runs.")]
Replay = Annotated[Path | None, typer.Option(help="Folder of *.csv of runs and *fills*.json to answer with.")]
Host = Annotated[str, typer.Option(help="Where to listen; loopback, but in a container.")]


def register_simulators(app: typer.Typer) -> None:
    """Add ``oms`` and ``rr`` to ``hdqm simulate``."""
    app.command("oms")(simulate_oms)
    app.command("rr")(simulate_rr)


def simulate_oms(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: a free one.")] = 9600,
    host: Host = "127.0.0.1",
    seed: Seed = 1,
    runs: Many = 5_000,
    replay: Replay = None,
) -> None:
    """Answer as OMS, Run Registry and the sign-on would, until interrupted. Faults: GET /faults."""
    _simulate((host, port), seed, runs, replay)


def simulate_rr(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: a free one.")] = 9500,
    host: Host = "127.0.0.1",
    seed: Seed = 1,
    runs: Many = 5_000,
    replay: Replay = None,
) -> None:
    """Answer the same, on the port where Run Registry's own client looks for a local one."""
    _simulate((host, port), seed, runs, replay)


def _simulate(where: tuple[str, int], seed: int, runs: int, replay: Path | None) -> None:
    from hdqm_ops.simulate.services import SimulatedServices, Simulation, World, read_replay

    world = World(seed, runs, read_replay(replay) if replay else None)
    # handlers of our own: a shell starts what it puts into the background with SIGINT ignored
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with SimulatedServices(Simulation(world), where[1], host=where[0]) as services:
        err.print(f"{len(world.all_runs)} runs of {len(world.fills)} fills; ask them with", markup=False)
        out.print(f"export HDQM_OMS_URL={services.oms_url} HDQM_OMS_AUDIENCE=", markup=False)
        out.print(f"export HDQM_RR_URL={services.rr_url}", markup=False)
        sys.stdout.flush()
        stopped.wait()
    err.print("the simulated services have stopped")


# -- what is printed ---------------------------------------------------------------------------------------------------


def _print(found: "Table", *, as_csv: bool, as_json: bool) -> None:
    """An answer of OMS, with its units beside the names where people read it."""
    if as_csv:
        sys.stdout.write(found.csv())
        return
    units = {} if as_json else found.units()
    rows = [{_headed(name, units): value for name, value in row.items()} for row in found.dicts()]
    _print_rows(rows, as_csv=False, as_json=as_json)


def _headed(name: str, units: Mapping[str, str]) -> str:
    return f"{name} [{units[name]}]" if name in units else name


def _print_rows(rows: Sequence[Mapping[str, Any]], *, as_csv: bool, as_json: bool) -> None:
    """A table, or one line a field where there are too many fields for one."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if as_json:
        print_json(list(rows))
    elif as_csv:
        written = csv.DictWriter(sys.stdout, names, lineterminator="\n")
        written.writeheader()
        written.writerows(rows)
    elif not rows:
        err.print("nothing of that kind")
    elif len(names) <= _WIDE:
        out.print(table("", [escape(name) for name in names], ([row.get(name) for name in names] for row in rows)))
    else:
        for row in rows:
            out.print(
                "\n".join(f"{name:<36} {'–' if row[name] is None else row[name]}" for name in row), "", markup=False
            )
    if not (as_json or as_csv):
        err.print(f"{len(rows)} rows")
