"""The simulated services as one web application: addresses to functions, and the switches to play with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from hdqm_ops.simulate.services._faults import Faults
from hdqm_ops.simulate.services._oms import OMS, BadRequest
from hdqm_ops.simulate.services._oms_tables import View
from hdqm_ops.simulate.services._registry import Changes
from hdqm_ops.simulate.services._registry_jsons import Portal
from hdqm_ops.simulate.services._registry_routes import RunRegistry
from hdqm_ops.simulate.services._sso import SignOn
from hdqm_ops.simulate.services._switches import switches
from hdqm_ops.simulate.services._trouble import LOGIN_PAGE, Journal, Trouble
from hdqm_ops.simulate.services._world import World


@dataclass
class Simulation:
    """Everything that the services know, to be changed while they run.

    Attributes:
        world: fills and runs.
        faults: what goes wrong.
        sign_on: who gets tokens.
        tokens_required: OMS and Run Registry believe nobody without a token.
        page_cap: most rows that OMS gives at once.
        journal: what was asked.
        corrections: (resource, id) → attributes that OMS tells otherwise now than before.
        egroups: client id → e-groups whose rights it has in Run Registry.
        changes: what was changed in Run Registry by hand.
        portal: JSONs that were asked of Run Registry.
    """

    world: World = field(default_factory=World)
    faults: Faults = field(default_factory=Faults)
    sign_on: SignOn = field(default_factory=SignOn)
    tokens_required: bool = False
    page_cap: int | None = None
    journal: Journal = field(default_factory=Journal)
    corrections: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    egroups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)
    portal: Portal = field(default_factory=Portal)
    _clock: float | None = None

    @property
    def clock(self) -> float:
        """Now, in the simulated world (seconds since the epoch): runs that begin later do not exist yet."""
        return self.world.default_clock if self._clock is None else self._clock

    @clock.setter
    def clock(self, moment: float) -> None:
        self._clock = moment

    def view(self) -> View:
        """The world as it is now."""
        return View(self.world, self.clock, self.corrections)

    def correct(self, resource: str, key: str | int, **attributes: Any) -> None:
        """Let OMS tell something otherwise from now on."""
        self.corrections.setdefault((resource, str(key)), {}).update(attributes)

    def app(self) -> Starlette:
        """The web application."""
        routes = [*_oms_routes(self), *_sign_on_routes(self), *switches(self), *RunRegistry(self).routes()]
        app = Starlette(routes=routes)
        app.add_middleware(GZipMiddleware, compresslevel=1)
        app.add_middleware(Trouble, faults=self.faults, sign_on=self.sign_on, journal=self.journal)
        return app


# -- OMS ---------------------------------------------------------------------------------------------------------------


def _oms_routes(simulation: Simulation) -> list[Route]:
    oms = OMS(simulation.view, simulation.page_cap)

    async def ask(path: str, parameters: list[tuple[str, str]], request: Request) -> Response:
        if simulation.tokens_required and not simulation.sign_on.believed(_authorization(request)):
            return JSONResponse({"error": "invalid_token", "message": "Unauthorized"}, 401)
        host, faults = request.headers.get("host", ""), request.scope.get("faults", ())
        try:
            answer = await run_in_threadpool(oms.answer, path, parameters, host, faults)
        except BadRequest as error:
            return JSONResponse(error.document, error.status)
        return PlainTextResponse(answer, media_type="text/csv") if isinstance(answer, str) else JSONResponse(answer)

    async def direct(request: Request) -> Response:
        return await ask(request.path_params["path"], parse_qsl(request.url.query, keep_blank_values=True), request)

    async def proxied(request: Request) -> Response:
        """As DIALS hands questions on: the resource is a parameter."""
        parameters = parse_qsl(request.url.query, keep_blank_values=True)
        path = next((text for key, text in parameters if key == "endpoint"), "")
        return await ask(path, [pair for pair in parameters if pair[0] != "endpoint"], request)

    async def workspaces(_: Request) -> Response:
        return JSONResponse({"data": [{"id": "cms", "type": "workspaces", "attributes": {"title": "CMS"}}]})

    return [
        Route("/agg/api/workspaces", workspaces),
        Route("/agg/api/v1/{path:path}", direct),
        Route("/api/v1/oms-proxy/", proxied),
        Route("/api/v1/oms-proxy", proxied),
    ]


def _authorization(request: Request) -> str:
    return request.headers.get("authorization", "")


# -- sign-on -----------------------------------------------------------------------------------------------------------


def _sign_on_routes(simulation: Simulation) -> list[Route]:
    sign_on = simulation.sign_on

    async def api_access(request: Request) -> Response:
        status, document = sign_on.api_access(await _form(request), _authorization(request))
        return JSONResponse(document, status)

    async def openid_connect(request: Request) -> Response:
        status, document = sign_on.openid_connect(await _form(request), _authorization(request))
        return JSONResponse(document, status)

    async def login(_: Request) -> Response:
        return HTMLResponse(LOGIN_PAGE)

    realm = "/auth/realms/cern"
    return [
        Route(f"{realm}/api-access/token", api_access, methods=["POST"]),
        Route(f"{realm}/protocol/openid-connect/token", openid_connect, methods=["POST"]),
        Route("/oauth2/start", login),
    ]


async def _form(request: Request) -> Mapping[str, str]:
    return dict(parse_qsl((await request.body()).decode()))
