"""Airflow's login before every address, and its rights before every act.

All that we take from inside of Airflow's API server is imported in this module: it is no public interface.
"""

import html
from urllib.parse import quote, urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from fastapi import HTTPException
from fastapi.security import HTTPBearer
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Guard", "airflow_of", "check_form", "credentials", "form_token", "may_start", "user_of"]

_bearer = HTTPBearer(auto_error=False)
_SAFE = ("GET", "HEAD", "OPTIONS")
_PATIENCE_S = 12 * 3600  # a shift leaves its page open


class Guard:
    """Lets in whom Airflow knows: by a token, or by the cookie of its login and then from its own pages only.

    Args:
        app: what is behind it. It finds the user and Airflow's application in the scope.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 or 403, or let in."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope)
        try:
            user = await get_user(request, None, await _bearer(request))
        except HTTPException as error:
            await _refusal(request, error.status_code, str(error.detail))(scope, receive, send)
            return
        if request.method not in _SAFE and "authorization" not in request.headers and not _from_here(request):
            await _refusal(request, 403, "the request comes from the page of another site")(scope, receive, send)
            return
        known = {"hdqm.user": user, "hdqm.airflow": scope.get("app")}
        await self._app({**scope, **known}, receive, send)


def _from_here(request: Request) -> bool:
    """Whether a browser sent it from one of Airflow's own pages. Browsers tell; who tells nothing is no browser."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _refusal(request: Request, status: int, reason: str) -> Response:
    headers = {"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"}
    if "text/html" in request.headers.get("accept", ""):
        back = quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""), safe="")
        login = f"{_root(request)}/auth/login?next={back}"
        text = (
            f"<!doctype html><title>HDQM</title><p>{html.escape(reason)}. "
            f'<a href="{html.escape(login)}">Log in to Airflow</a>, then come back.'
        )
        return HTMLResponse(text, status, headers={**headers, "Content-Security-Policy": "default-src 'none'"})
    told = {"type": "about:blank", "title": "Not allowed", "status": status, "detail": reason}
    return JSONResponse(told, status, headers=headers, media_type="application/problem+json")


def _root(request: Request) -> str:
    """Where Airflow is mounted: the path of ``[api] base_url``, without our own prefix."""
    return str(request.scope.get("root_path", "")).removesuffix("/hdqm")


def user_of(request: Request) -> BaseUser:
    """Who asks."""
    user: BaseUser = request.scope["hdqm.user"]
    return user


def airflow_of(request: Request) -> ASGIApp:
    """Airflow's own application, whose API can be asked without a network."""
    found: ASGIApp = request.scope["hdqm.airflow"]
    return found


def credentials(request: Request) -> str:
    """The token with which the user came, as Airflow's API wants it."""
    given = request.headers.get("authorization")
    return given or f"Bearer {request.cookies.get(COOKIE_NAME_JWT_TOKEN, '')}"


def may_start(request: Request, dag_id: str = "hdqm_ingest") -> bool:
    """Whether the user may start runs of a Dag: who may, sees buttons and keeps golden JSONs."""
    return get_auth_manager().is_authorized_dag(
        method="POST", access_entity=DagAccessEntity.RUN, details=DagDetails(id=dag_id), user=user_of(request)
    )


# -- forms -------------------------------------------------------------------------------------------------------------


def _serializer(request: Request) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(airflow_of(request).state.secret_key, salt="hdqm-form")  # type: ignore[attr-defined]


def form_token(request: Request) -> str:
    """What a form of ours carries, so that no other page can send it: signed, for this user, for some hours."""
    return _serializer(request).dumps(user_of(request).get_id())


def check_form(request: Request, token: object) -> str:
    """Why a form is refused; empty where it is one of ours."""
    try:
        owner = _serializer(request).loads(str(token), max_age=_PATIENCE_S)
    except SignatureExpired:
        return "the page is older than twelve hours: load it again"
    except BadSignature:
        return "the form does not come from this page: load it again"
    return "" if owner == user_of(request).get_id() else "somebody else has logged in since: load the page again"
