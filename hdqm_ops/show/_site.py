"""A page of its own for each subsystem of a site: the page of trends, opened at that subsystem. For bookmarks."""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hdqm_ops.show._build import as_json
from hdqm_ops.show._dashboards import dashboards

__all__ = ["SITE_PREFIX", "site_dashboards", "site_folder", "write_site"]

SITE_PREFIX = "hdqm-trends-"
"""UIDs of these pages begin with it, and no other page's does."""

_LONGEST_UID = 40  # of Grafana


def site_folder(home: Path) -> Path:
    """Where the Grafana of a state folder looks for them."""
    return home.absolute() / "grafana" / "site"


def site_dashboards(subsystems: Sequence[str]) -> dict[str, dict[str, Any]]:
    """UID → page as JSON; the same panels as the generic page has, so that both always show the same."""
    generic = next(board for board in dashboards() if board.uid == "hdqm-trends")
    return {_uid(name): _copy(json.loads(as_json(generic)), name) for name in subsystems}


def _copy(board: dict[str, Any], subsystem: str) -> dict[str, Any]:
    board["uid"] = _uid(subsystem)
    board["title"] = f"{board['title']} / {subsystem}"
    board["description"] = f"All trends of {subsystem}, in its display groups."
    (variable,) = (one for one in board["templating"]["list"] if one["name"] == "subsystem")
    variable["current"] = {"selected": True, "text": subsystem, "value": subsystem}
    return board


def _uid(subsystem: str) -> str:
    """The name where it can be a UID, else what can of it and letters that tell it from a similar one."""
    plain = SITE_PREFIX + re.sub(r"[^A-Za-z0-9_-]", "-", subsystem)
    if plain == SITE_PREFIX + subsystem and len(plain) <= _LONGEST_UID:
        return plain
    digest = hashlib.sha256(subsystem.encode()).hexdigest()[:6]
    return f"{plain[: _LONGEST_UID - 7]}-{digest}"


def write_site(folder: Path, subsystems: Sequence[str], *, check: bool = False) -> list[str]:
    """Write these pages, and remove those of subsystems that are gone.

    Returns:
        Names of the files that were changed, or with ``check``, which changes nothing, would be.
    """
    wanted = {f"{uid}.json": as_json(board) for uid, board in site_dashboards(subsystems).items()}
    left = {path.name for path in folder.glob("*.json")} - wanted.keys()
    changed = [name for name, text in wanted.items() if not _holds(folder / name, text)]
    if not check:
        folder.mkdir(parents=True, exist_ok=True)
        for name in changed:
            partial = (folder / name).with_suffix(".partial")  # Grafana reads at any moment
            partial.write_text(wanted[name], encoding="utf-8")
            partial.replace(folder / name)
        for name in left:
            (folder / name).unlink()
    return sorted([*changed, *left])


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text
