"""Errors as problem documents (RFC 9457); to the predecessor's scripts also with its ``message``."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from hdqm_ops.errors import ConfigError, DatabaseUnavailable, HdqmError, MissingTool, TryAgain
from hdqm_ops.load import NotAnswered

__all__ = ["PROBLEMS", "Problem", "add_handlers", "problem_response"]

_log = logging.getLogger(__name__)
_RETRY_S = "5"
_MEDIA_TYPE = "application/problem+json"

_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "example": "about:blank"},
        "title": {"type": "string", "example": "Not Found"},
        "status": {"type": "integer", "example": 404},
        "detail": {"type": "string", "example": "there is no series 12"},
        "instance": {"type": "string", "example": "/api/v1/points"},
        "errors": {
            "type": "array",
            "description": "Parameters that cannot be read, and why.",
            "items": {"type": "object", "properties": {"where": {"type": "string"}, "what": {"type": "string"}}},
        },
    },
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {_MEDIA_TYPE: {"schema": _SCHEMA}}}
    for status, text in (
        (400, "The request cannot be understood."),
        (401, "Who asks is not known."),
        (404, "It does not exist."),
        (406, "It cannot be given in the form that is accepted."),
        (413, "The body is too long."),
        (414, "The address is too long."),
        (422, "A parameter cannot be read."),
        (429, "Too many requests; `Retry-After` says when again."),
        ("default", "Refused; `detail` says why."),
        (503, "The database does not answer, or not in time; `Retry-After` says when again."),
    )
}


class Problem(HdqmError):
    """A request that is refused.

    Attributes:
        status: of HTTP.
        detail: what is wrong, and how to mend it.
        headers: of the answer.
    """

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)
        self.status = status
        self.detail = detail
        self.headers = headers

    def __str__(self) -> str:
        return f"{self.status}: {self.detail}"


def problem_response(
    path: str, status: int, detail: str, headers: dict[str, str] | None = None, errors: Sequence[dict[str, str]] = ()
) -> Response:
    """The document about one request.

    Args:
        path: of the request, without its parameters.
        status: of HTTP.
        detail: what is wrong, and how to mend it.
        headers: of the answer.
        errors: parameters that cannot be read: ``where`` and ``what``.
    """
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": path,
    }
    if errors:
        document["errors"] = errors
    if "/api/v1/" not in path:
        document["message"] = detail  # where the predecessor's scripts look
    return Response(orjson.dumps(document), status, headers, media_type=_MEDIA_TYPE)


def add_handlers(app: FastAPI) -> None:
    """Let every error of ``app`` become a problem document."""
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(HdqmError, _ours)
    app.add_exception_handler(Exception, _fault)


async def _unreadable(request: Request, error: Exception) -> Response:
    """Parameters of wrong types, out of range, unknown."""
    assert isinstance(error, RequestValidationError)
    errors = [{"where": ".".join(map(str, one["loc"])), "what": _what(one)} for one in error.errors()[:20]]
    detail = "; ".join(f"{one['where']}: {one['what']}" for one in errors[:3])
    path = request.url.path
    return problem_response(path, 422 if "/api/v1/" in path else 400, detail, errors=errors)


def _what(error: dict[str, Any]) -> str:
    if error["type"] == "json_invalid":
        return f"the body is no JSON: {error['ctx']['error']}"
    return str(error["msg"]).removeprefix("Value error, ")


async def _refused(request: Request, error: Exception) -> Response:
    """What FastAPI refuses: unknown paths, methods, bodies that are no JSON."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        below = request.url.path.removeprefix(request.scope.get("root_path", ""))
        methods = request.app.openapi()["paths"].get(below, {})  # Starlette names those of the first route only
        headers["Allow"] = ", ".join(sorted(map(str.upper, methods))) or headers.get("Allow", "GET")
    return problem_response(request.url.path, error.status_code, str(error.detail), headers)


async def _ours(request: Request, error: Exception) -> Response:
    """Errors of ours, by who acts next."""
    path = request.url.path
    match error:
        case Problem():
            return problem_response(path, error.status, error.detail, error.headers)
        case NotAnswered():
            return problem_response(path, 400, str(error))
        case MissingTool():
            return problem_response(path, 406, str(error))
        case TryAgain():
            _log.warning("%s: %s", path, error)
            return problem_response(path, 503, _without_place(error), {"Retry-After": _RETRY_S})
        case ConfigError():  # of the server, not of who asks
            _log.error("%s: %s", path, error)
            return problem_response(path, 503, "the server is not set up; its log says more", {"Retry-After": "60"})
    return await _fault(request, error)


def _without_place(error: TryAgain) -> str:
    """What helps those who ask; where the database is does not."""
    return "the database does not answer: try again" if isinstance(error, DatabaseUnavailable) else str(error)


async def _fault(request: Request, error: Exception) -> Response:
    """A fault of the program: the log has the trace, the answer has not."""
    _log.error("%s: %s", request.url.path, type(error).__name__)
    return problem_response(request.url.path, 500, "a fault of the program; its log says more")
