"""Bodies of POST: read quickly, and given up early where they are wrong, because all others wait meanwhile."""

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, model_validator
from starlette.responses import Response

__all__ = ["JsonRoute", "KnownKeys", "whole_numbers"]

_SHOWN = 5


class _JsonRequest(Request):
    """A request whose JSON is read by orjson: several times as fast, and what is no UTF-8 is refused."""

    async def json(self) -> Any:
        """The document.

        Raises:
            JSONDecodeError: it is none.
        """
        if not hasattr(self, "_json"):
            self._json = orjson.loads(await self.body())
        return self._json


class JsonRoute(APIRoute):
    """A route that reads its body so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As FastAPI wants it."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            return await handle(_JsonRequest(request.scope, request.receive))

        return handler


def whole_numbers(told: Any) -> Any:
    """A list of whole numbers as it is; what is in it else is one error: pydantic makes one of each.

    Raises:
        ValueError: names the first that is none.
    """
    wrong = (
        next((place for place, one in enumerate(told) if type(one) is not int), None)
        if isinstance(told, list)
        else None
    )
    if wrong is not None:
        raise ValueError(f"{str(told[wrong])[:50]!r} at place {wrong} is no whole number")
    return told


class KnownKeys(BaseModel):
    """Refuses keys that are not its own, in one error for all of them."""

    @model_validator(mode="before")
    @classmethod
    def _known(cls, told: Any) -> Any:
        unknown = [key for key in told if key not in cls.model_fields] if isinstance(told, dict) else []
        if unknown:
            shown = ", ".join(repr(key[:50]) for key in unknown[:_SHOWN])
            more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
            raise ValueError(f"there is no {shown}{more}; there are {', '.join(cls.model_fields)}")
        return told
