"""Pages that only read."""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hdqm_airflow.connections import reader_settings
from hdqm_airflow.web._guard import user_of
from hdqm_airflow.web._render import Refused, page
from hdqm_ops import pipeline
from hdqm_ops.settings import Settings

__all__ = ["batch", "dashboard", "definition", "golden", "home", "plots", "run"]

T = TypeVar("T")

_MOST_FILES = 1000
_DASHBOARDS = {"home": "hdqm-home", "coverage": "hdqm-coverage", "pipeline": "hdqm-pipeline"}


async def home(request: Request) -> Response:
    """The state of the system at a glance."""
    return page(request, "home.html", {"state": await _asked(pipeline.overview)})


async def run(request: Request) -> Response:
    """What is known of a run, and its files."""
    number = _written(request, "run")
    if not number:
        return page(request, "run.html", {"run": None, "facts": [], "files": [], "grafana": ""})
    if not re.fullmatch(r"[0-9]{1,9}", number):
        raise Refused(400, f"{number[:40]!r} is no run number: write it as in 324997")
    facts, files = await _asked(pipeline.run_page, int(number))
    told = {"run": int(number), "facts": facts, "files": files, "grafana": _grafana()}
    known = bool(files) or all(fact["value"] != "HDQM does not know this run" for fact in facts)
    return page(request, "run.html", told, 200 if known else 404)


async def definition(request: Request) -> Response:
    """Trends by a part of their name, title, metric or hash."""
    text = _written(request, "text")
    found = await _asked(pipeline.find_trends, text) if text else []
    return page(request, "definition.html", {"text": text, "found": found, "grafana": _grafana()})


async def golden(request: Request) -> Response:
    """Golden JSONs, and a form for one's own."""
    return await golden_page(request, "")


async def golden_page(request: Request, said: str, status: int = 200) -> Response:
    """The same after something was done."""
    found = await _asked(pipeline.golden_jsons)
    return page(request, "golden.html", {"found": found, "me": user_of(request).get_name(), "said": said}, status)


async def batch(request: Request) -> Response:
    """Files that a task handled, with their runs and dashboards."""
    found = await _files(request)
    return page(request, "batch.html", {"files": found, "grafana": _grafana(), "plots": str(request.url.query)})


async def plots(request: Request) -> Response:
    """On to the dashboard of trends, with the runs of a task chosen."""
    found = await _files(request)
    if not found:
        raise Refused(404, "none of these files is known: the ledger may have been made anew since")
    chosen = {"pd": found[0]["primary_dataset"], "processing": found[0]["processing"], "mode": "list"}
    same = [row for row in found if (row["primary_dataset"], row["processing"]) == tuple(chosen.values())[:2]]
    return _leave("hdqm-trends", **chosen, runs=_runs(row["run_number"] for row in same))


async def dashboard(request: Request) -> Response:
    """On to one of Grafana's pages; what the menu of Airflow shows in a frame."""
    name = request.path_params["page"]
    if name not in _DASHBOARDS:
        raise Refused(404, f"there is no dashboard {name[:40]!r} here; there are {', '.join(_DASHBOARDS)}")
    return _leave(_DASHBOARDS[name])


# -- parts -------------------------------------------------------------------------------------------------------------


async def _asked(question: Callable[..., T], *arguments: Any) -> T:
    """Ask beside the loop that serves all of Airflow."""
    return await run_in_threadpool(lambda: question(reader_settings(), *arguments))


def _written(request: Request, name: str) -> str:
    text = request.query_params.get(name, "").strip()
    if "\0" in text or len(text) > 200:
        raise Refused(400, f"{name}: up to 200 visible characters, please")
    return text


async def _files(request: Request) -> list[dict[str, Any]]:
    return await _asked(pipeline.some_files, _ids(request.query_params.get("files", "")))


def _ids(text: str) -> list[int]:
    """``3-7,9`` as ids of files."""
    if not re.fullmatch(r"[0-9]{1,9}(-[0-9]{1,9})?(,[0-9]{1,9}(-[0-9]{1,9})?)*", text):
        raise Refused(400, f"files: {text[:40]!r} are no ids of the ledger: write them as in 3-7,9")
    ids: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if int(last or first) - int(first) >= _MOST_FILES or len(ids) >= _MOST_FILES:
            raise Refused(400, f"files: at most {_MOST_FILES} at once")
        ids += range(int(first), int(last or first) + 1)
    return ids


def _runs(numbers: Iterable[int]) -> str:
    return " ".join(str(number) for number in sorted(set(numbers)))


def _grafana() -> str:
    """Address of Grafana; empty where none is set."""
    return (getattr(Settings(), "grafana_url", None) or "").rstrip("/")


def _leave(uid: str, **variables: str) -> Response:
    grafana = _grafana()
    if not grafana:
        raise Refused(404, "no Grafana is named: set HDQM_GRAFANA_URL to its address, as a browser reaches it")
    chosen = urlencode({f"var-{name}": value for name, value in variables.items()})
    return RedirectResponse(f"{grafana}/d/{uid}?{chosen}{'&' if chosen else ''}kiosk", 302)
