"""The root command, and how errors become messages and exit codes."""

import logging
import os
import sys
from collections.abc import Sequence

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from hdqm_ops import __version__
from hdqm_ops.cli import (
    _api,
    _config,
    _database,
    _demo,
    _deploy,
    _files,
    _grafana,
    _ingest,
    _paths,
    _reduce,
    _services,
    _simulate,
    _stack,
    _sync,
)
from hdqm_ops.cli._output import NO_ROOM, OneLine, err, tell
from hdqm_ops.errors import ConfigError, HdqmError, MissingTool, TryAgain
from hdqm_ops.settings import stack_file

__all__ = ["app", "main"]

_LISTS = {"-r": "-r", "--runs": "-r", "--run": "-r", "-c": "-c", "--configs": "-c", "-f": "-f", "--files": "-f"}
_WITH_LISTS = {"extract", "calculate", "ingest", "files", "sync"}

app = typer.Typer(
    name="hdqm",
    help="Historic data quality monitoring for CMS: DQM files to trends.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(_api.app, name="api")
app.add_typer(_config.app, name="config")
app.add_typer(_database.app, name="db")
app.add_typer(_grafana.app, name="grafana")
app.add_typer(_simulate.app, name="simulate")
app.add_typer(_services.oms, name="oms")
app.add_typer(_services.rr, name="rr")
app.add_typer(_services.golden, name="json")
app.add_typer(_sync.app, name="sync")
app.add_typer(_sync.runs, name="runs")
app.add_typer(_deploy.app, name="deploy")
_sync.register_golden(_services.golden)
_services.register_simulators(_simulate.app)
_reduce.register(app)
_ingest.register(app)
_files.register(app)
_stack.register(app)
_demo.register(app)
_paths.register(app)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"hdqm {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Say more in the log."),
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Set up logging: to stderr, so that stdout carries results only."""
    del version
    level = logging.INFO if verbose else logging.WARNING
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])


def spread(arguments: Sequence[str]) -> list[str]:
    """Let one ``-r``, ``-c`` or ``-f`` take several values: ``-r 1 2 3`` becomes ``-r 1 -r 2 -r 3``."""
    if not any(argument in _WITH_LISTS for argument in arguments):
        return list(arguments)
    spreaded: list[str] = []
    option: str | None = None
    fresh = False
    for argument in arguments:
        if argument.startswith("-") and argument != "-":
            option, fresh = _LISTS.get(argument), True
            spreaded.append(argument)
        elif option and not fresh:
            spreaded += [option, argument]
        else:
            spreaded.append(argument)
            fresh = False
    return spreaded


def exit_code(error: HdqmError) -> int:
    """Exit code of an error: who has to act (see the room's docstring)."""
    match error:
        case TryAgain() | MissingTool():
            return 3
        case ConfigError():
            return 2
        case _:
            return 1


def _settings_error(error: ValidationError | SettingsError) -> str:
    """Name the variable, what it says, and what it may say."""
    if isinstance(error, SettingsError):
        return f"a HDQM_… variable (or {stack_file()}) cannot be read: {error}; lists and tables are written as JSON"
    lines = [f"HDQM_{'_'.join(map(str, one['loc'])).upper()}={one['input']!r}: {one['msg']}" for one in error.errors()]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of ``hdqm``."""
    try:
        app(spread(sys.argv[1:] if arguments is None else arguments))
    except HdqmError as error:
        err.print(f"hdqm: {error}", markup=False, style="red")
        sys.exit(exit_code(error))
    except (ValidationError, SettingsError) as error:
        err.print(f"hdqm: {_settings_error(error)}", markup=False, style="red")
        sys.exit(2)
    except KeyboardInterrupt:
        err.print("hdqm: interrupted; what was done is kept, the same command goes on from there")
        sys.exit(130)
    except BrokenPipeError:
        # The reader of a pipe went away (`| head`): no error, and nothing more may be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing of it can be written at exit either
        tell(
            f"hdqm: {error.strerror}: {error.filename or 'the output, or HDQM_HOME'}; make room, and say it again",
            "red",
        )
        sys.exit(3)
