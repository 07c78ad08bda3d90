"""The switches of the simulated services: faults, clock, corrections. Addresses of our own, never faulty."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hdqm_ops.errors import ConfigError
from hdqm_ops.simulate.services._conditions import stamp
from hdqm_ops.simulate.services._faults import KINDS, Fault
from hdqm_ops.simulate.services._world import World

if TYPE_CHECKING:
    from hdqm_ops.simulate.services._app import Simulation

_Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def switches(simulation: "Simulation") -> list[Route]:
    """``/faults`` (GET, PUT, POST, DELETE), ``/clock`` (GET, PUT), ``/corrections`` (POST)."""
    return [
        Route("/faults", _complaining(_faults(simulation)), methods=["GET", "PUT", "POST", "DELETE"]),
        Route("/clock", _complaining(_clock(simulation)), methods=["GET", "PUT"]),
        Route("/corrections", _complaining(_corrections(simulation)), methods=["POST"]),
    ]


def _complaining(endpoint: _Endpoint) -> _Endpoint:
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ConfigError as error:
            return JSONResponse({"err": str(error)}, 400)

    return answer


def _faults(simulation: "Simulation") -> _Endpoint:
    async def faults(request: Request) -> Response:
        wanted = []
        if request.method in ("PUT", "POST"):
            told = await _json(request)
            wanted = [Fault.from_json(facts) for facts in (told if isinstance(told, list) else [told])]
        if request.method in ("PUT", "DELETE"):
            simulation.faults.clear()
        for fault in wanted:
            simulation.faults.arm(fault)
        return JSONResponse({"on": simulation.faults.as_json(), "known": dict(KINDS)})

    return faults


def _clock(simulation: "Simulation") -> _Endpoint:
    async def clock(request: Request) -> Response:
        if request.method == "PUT":
            simulation.clock = _moment(simulation.world, await _json(request))
        return JSONResponse({"time": stamp(simulation.clock)})

    return clock


def _corrections(simulation: "Simulation") -> _Endpoint:
    async def corrections(request: Request) -> Response:
        told = await _json(request)
        try:
            simulation.correct(told["resource"], told["id"], **told["attributes"])
        except (KeyError, TypeError):
            raise ConfigError(f"a correction has resource, id and attributes, not {told!r}") from None
        return JSONResponse({"told": len(simulation.corrections)})

    return corrections


def _moment(world: World, told: Any) -> float:
    """``{"time": "2018-05-01T00:00:00Z"}``, or ``{"run": 315257}`` for the middle of a run."""
    try:
        if "time" in told:
            return datetime.fromisoformat(told["time"]).timestamp()
        run = world.between(told["run"], told["run"])[0]
    except (IndexError, KeyError, TypeError, ValueError):
        raise ConfigError(f"a moment is a time (ISO, with zone) or a run that exists, not {told!r}") from None
    return (run.start + run.end) / 2


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError as error:
        raise ConfigError(f"the body is no JSON: {error}") from None
