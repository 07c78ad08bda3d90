"""The database as routes ask for it."""

from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from hdqm_ops.load import Reader

__all__ = ["Database"]


def _reader(request: Request) -> Reader:
    reader = request.app.state.reader
    assert isinstance(reader, Reader)
    return reader


Database: TypeAlias = Annotated[Reader, Depends(_reader)]
