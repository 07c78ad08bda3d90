"""What all dashboards share: links to one another, tags, time, style."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders.dashboard import Dashboard, DashboardLink, Panel, TimePicker
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from hdqm_ops.show._style import page_link
from hdqm_ops.show._variables import CARRIED, carried

__all__ = ["PAGES", "page"]

_COLUMNS = 24  # of a dashboard

PAGES = {
    "hdqm-home": "Home",
    "hdqm-trends": "Trends",
    "hdqm-trend": "One trend",
    "hdqm-run": "Run",
    "hdqm-correlation": "Correlation",
    "hdqm-runs": "Runs and fills",
    "hdqm-coverage": "Coverage",
    "hdqm-pipeline": "Pipeline",
}
"""UID → title. UIDs are in bookmarks and logbooks: they never change."""


def page(
    uid: str,
    description: str,
    variables: Sequence[Builder[models.VariableModel]],
    panels: Sequence[Panel],
    *,
    timed: bool = False,
    to_subsystem: str | None = None,
) -> models.Dashboard:
    """A dashboard in the style of all, which hands on what is chosen.

    Args:
        uid: of ``PAGES``.
        description: one sentence.
        variables: those of the page; what it hands on besides is added, hidden.
        panels: in the order of reading.
        timed: whether the time range counts.
        to_subsystem: the variable with the subsystem that links lead to, where ``subsystem`` is not it.
    """
    variables = [*variables, *carried([one.build().name for one in variables])]
    made = Dashboard(f"HDQM / {PAGES[uid]}").uid(uid).description(description).tags(["hdqm"]).readonly()
    made = made.time("now-24h", "now").timezone("utc").refresh("").timepicker(TimePicker().hidden(not timed))
    for other, title in PAGES.items():
        made = made.link(_to(other, title, here=other == uid, subsystem=to_subsystem))
    for variable in variables:
        made = made.with_variable(variable)
    floor = [0] * _COLUMNS
    for panel in panels:
        made = made.with_panel(_placed(panel, floor))
    built = made.build()
    built.editable = False
    return built


def _placed(panel: Panel, floor: list[int]) -> Panel:
    """Put a panel as high as it can stand on those before it, and there as far left; ``floor`` rises with it."""
    at = panel.build().grid_pos
    if at is None:
        raise AssertionError
    y, x = min((max(floor[x : x + at.w]), x) for x in range(_COLUMNS - at.w + 1))
    floor[x : x + at.w] = [y + at.h] * at.w
    return panel.grid_pos(models.GridPos(h=at.h, w=at.w, x=x, y=y))


def _to(uid: str, title: str, *, here: bool, subsystem: str | None) -> DashboardLink:
    """A link that keeps what is chosen."""
    shown = f"● {title}" if here else title
    made = DashboardLink(shown).type(models.DashboardLinkType.LINK).tooltip(f"HDQM / {title}").keep_time(False)
    if here or subsystem is None:
        return made.url(f"/d/{uid}").include_vars(True)
    kept = [name for name in (*CARRIED, "run") if name != "subsystem"]
    return made.url(page_link(uid, *kept, subsystem=f"${{{subsystem}}}")).include_vars(False)
