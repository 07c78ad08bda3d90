"""The plugin: what Airflow's components load at their start. Its pages and the API are imported with the first request.

Scheduler, triggerer, Dag processor and every worker import this module, too, so it imports next to nothing.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

from hdqm_airflow.dag_runs import DagRunTeller
from hdqm_airflow.timetable import CmsRuns

__all__ = ["HdqmPlugin"]

PREFIX = "/hdqm"


class _Later:
    """An ASGI application that is imported with the first request, by the one component that gets one."""

    def __init__(self, module: str) -> None:
        self._module = module

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Answer."""
        module = await asyncio.to_thread(importlib.import_module, self._module)
        await module.app(scope, receive, send)


def _view(name: str, route: str, address: str) -> dict[str, Any]:
    """An entry of the menu that shows one of our addresses in a frame; dashboards are a redirection further."""
    return {"name": name, "href": _below(address), "destination": "nav", "category": "HDQM", "url_route": route}


def _below(address: str) -> str:
    """One of our addresses, wherever Airflow itself is mounted."""
    return f"{urlsplit(conf.get('api', 'base_url', fallback='')).path.rstrip('/')}{PREFIX}/{address}"


class HdqmPlugin(AirflowPlugin):
    """Pages, links, the schedule of CMS runs, and what tells the dashboards of Dag runs."""

    name = "hdqm"
    timetables = (CmsRuns,)
    listeners = (DagRunTeller(),)
    fastapi_apps = ({"app": _Later("hdqm_airflow.web"), "url_prefix": PREFIX, "name": "HDQM"},)
    external_views = (
        {**_view("HDQM", "hdqm", ""), "category": None, "nav_top_level": True, "icon": _below("static/hdqm.svg")},
        _view("Dashboards", "hdqm-dashboards", "view/home"),
        _view("Coverage", "hdqm-coverage", "view/coverage"),
        _view("Pipeline", "hdqm-pipeline", "view/pipeline"),
        {"name": "HDQM's API", "href": _below("docs"), "destination": "nav", "category": "HDQM"},
    )
