"""``hdqm paths``: where the parts of this installation lie."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

import hdqm_ops
from hdqm_ops.cli._output import out, print_json
from hdqm_ops.errors import ConfigError
from hdqm_ops.settings import Settings, shipped

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(paths)


def paths(
    part: Annotated[str | None, typer.Argument(help="Only the path of this part: dags, grafana, sql, …")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Print where Dags, SQL, dashboards and example configurations of this installation lie."""
    parts = _parts()
    if part is not None:
        if part not in parts:
            raise ConfigError(f"there is no part {part!r}: choose one of {', '.join(parts)}")
        out.print(str(parts[part]), markup=False)
    elif as_json:
        print_json({name: str(path) for name, path in parts.items()})
    else:
        width = max(map(len, parts))
        out.print("\n".join(f"{name:{width}}  {path}" for name, path in parts.items()), markup=False)


def _parts() -> dict[str, Path]:
    package = Path(hdqm_ops.__file__).parent
    plugin = find_spec("hdqm_airflow")
    return {
        "package": package,
        "plugin": Path(plugin.origin).parent if plugin and plugin.origin else Path("not installed"),
        "dags": shipped("dags"),
        "sql": shipped("sql"),
        "grafana": shipped("grafana"),
        "trends": package / "trends",
        "home": Settings().home.absolute(),
    }
