"""Templates into answers, and errors into sentences."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from hdqm_airflow.web._guard import form_token, may_start, user_of
from hdqm_ops.errors import HdqmError, TryAgain

__all__ = ["Refused", "handlers", "page"]

_HEADERS = {
    # Nothing runs on our pages; Airflow's own page is the only one that may frame them.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; "
        "form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


_LONG_AGO_S = 60 * 86400


class Refused(HTTPException):
    """What was asked cannot be done; the detail says why."""


def _ago(then: datetime | None) -> str:
    """``3 h ago``; the exact time stands in the title of the element."""
    if then is None:
        return "never"
    seconds = (datetime.now(UTC) - then).total_seconds()
    if seconds > _LONG_AGO_S:
        return f"{then.astimezone(UTC):%Y-%m-%d}"
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return "now" if seconds >= 0 else "in the future"


def _when(then: datetime | None) -> str:
    return "" if then is None else f"{then.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("hdqm_airflow.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(ago=_ago, when=_when)
    return made


_environment_ = _environment()


def page(request: Request, template: str, facts: Mapping[str, Any], status: int = 200) -> Response:
    """An answer; templates know the user's rights and where we are."""
    allowed = may_start(request)
    known = {
        "root": request.scope.get("root_path", ""),
        "user": user_of(request).get_name(),
        "allowed": allowed,
        "token": form_token(request) if allowed else "",
        "at": datetime.now(UTC),
    }
    text = _environment_.get_template(template).render({**known, **facts})
    return HTMLResponse(text, status, headers=_HEADERS)


def _told(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        refused = _said(request, error.status_code, error.detail)
        refused.headers.update(error.headers or {})
        return refused
    return _said(request, 503 if isinstance(error, TryAgain) else 400, str(error))


def _said(request: Request, status: int, said: str) -> Response:
    titles = {503: "Not now", 404: "Not found", 403: "Not allowed", 405: "Not possible", 409: "Taken"}
    return page(request, "said.html", {"title": titles.get(status, "Not understood"), "said": said}, status)


def handlers() -> dict[Any, Any]:
    """Which errors become pages."""
    return {HTTPException: _told, HdqmError: _told}
