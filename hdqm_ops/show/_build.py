"""Dashboards and alarms as the JSON files that are committed and that Grafana reads."""

import json
from collections.abc import Mapping
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from hdqm_ops.errors import ConfigError
from hdqm_ops.settings import checkout, shipped
from hdqm_ops.show._alarms import alarm_rules
from hdqm_ops.show._dashboards import dashboards

__all__ = ["as_json", "build", "grafana_folder", "rendered"]


def grafana_folder() -> Path:
    """The folder ``grafana``: that of the checkout, else the copy that the wheel carries."""
    return shipped("grafana")


def as_json(value: Dashboard | object) -> str:
    """JSON as it is committed: sorted, indented, ending in a line break."""
    return json.dumps(value, cls=JSONEncoder, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def rendered() -> Mapping[str, str]:
    """File below ``grafana/`` → its content, for all files that are generated."""
    files = {f"dashboards/{board.uid}.json": as_json(board) for board in dashboards()}
    files["provisioning/alerting/rules.json"] = as_json(alarm_rules())
    return files


def build(folder: Path | None = None, *, check: bool = False) -> list[str]:
    """Write the generated files, or only compare them with what is there.

    Args:
        folder: in place of ``grafana/`` of the checkout.
        check: change nothing.

    Returns:
        Files that were written, or with ``check`` those that differ; dashboards that are no longer generated count.

    Raises:
        ConfigError: this is no checkout, so there is nowhere to write to.
    """
    if folder is None and checkout() is None:
        raise ConfigError("dashboards are built in a checkout; an installed HDQM carries them already")
    target = folder or grafana_folder()
    wanted = rendered()
    changed = [name for name, content in wanted.items() if not _holds(target / name, content)]
    left = [
        f"dashboards/{path.name}"
        for path in target.glob("dashboards/*.json")
        if f"dashboards/{path.name}" not in wanted
    ]
    if not check:
        for name in changed:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_text(wanted[name], encoding="utf-8")
        for name in left:
            (target / name).unlink()
    return sorted([*changed, *left])


def _holds(path: Path, content: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == content
