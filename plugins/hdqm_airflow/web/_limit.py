"""Bodies of our own forms are small; what is longer is refused before it is read."""

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["MOST_BYTES", "BodyLimit", "TooLong"]

MOST_BYTES = 8 << 20  # the golden JSON of all of 2016–2018 has 0.1 MB
_SAID = f"the body is longer than {MOST_BYTES >> 20} MB, or does not tell its length in figures"


class TooLong(HTTPException):
    """A body goes on beyond the limit."""

    def __init__(self) -> None:
        super().__init__(413, _SAID, headers={"Connection": "close"})


class BodyLimit:
    """Refuses bodies of more than ``MOST_BYTES``: unread where their length is told, else when they come to it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413, or go on."""
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if not told.isdigit() or int(told) > MOST_BYTES:
            await PlainTextResponse(_SAID, 413, headers={"Connection": "close"})(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MOST_BYTES:
                raise TooLong
            return message

        await self._app(scope, counted, send)
