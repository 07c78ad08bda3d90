"""What requests may say: pages, names, and which runs; and what that means to the database."""

import base64
import binascii
import re
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from hdqm_ops.api._problems import Problem
from hdqm_ops.load import Condition

__all__ = [
    "Name",
    "Paging",
    "RunNumber",
    "Selection",
    "SeriesNumber",
    "Time",
    "conditions",
    "pack_cursor",
    "read_cursor",
]

Name: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=300)]
RunNumber: TypeAlias = Annotated[int, Field(ge=0, le=2_147_483_647)]
SeriesNumber: TypeAlias = Annotated[int, Field(ge=0, le=2_147_483_647)]


def _as_date(told: object) -> object:
    """A time as it was told, if it begins with a date: pydantic would take 2018 for seconds since 1970."""
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", str(told), re.ASCII):
        raise ValueError("write a time as in 2018-10-22T21:45:12Z")
    return told


Time: TypeAlias = Annotated[datetime, BeforeValidator(_as_date)]


class Paging(BaseModel):
    """How much of an answer, from where on, and in which form."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=100, ge=1, le=10_000, description="Rows of a page at most.")
    cursor: str | None = Field(default=None, max_length=4000, description="`next` of the page before.")
    format: Literal["json", "csv", "arrow", "parquet"] | None = Field(
        default=None, description="Wins over `Accept`, for those who cannot send it.", examples=["csv"]
    )


class Selection(BaseModel):
    """Which runs, as dashboards and the command line understand it; one of the first five, else the latest fifty."""

    MODES: ClassVar[tuple[str, ...]] = ("latest", "range", "runs", "golden", "where")

    latest: int | None = Field(default=None, ge=1, le=999_999, description="The newest N runs.", examples=[50])
    range: str | None = Field(
        default=None, max_length=100, description="First to last run.", examples=["324997-325170"]
    )
    runs: str | None = Field(
        default=None,
        max_length=16_000,
        description="These runs, whatever their quality.",
        examples=["324997 325000-325170"],
    )
    golden: Name | None = Field(
        default=None, description="Runs of a golden JSON, by name.", examples=["Cert_2018_Golden"]
    )
    where: str | None = Field(
        default=None,
        max_length=2000,
        description="Runs by what is known of them.",
        examples=["run_class = Collisions18"],
    )
    run_class: Name | None = Field(default=None, description="Only runs of this class.", examples=["Collisions18"])
    quality: Literal["default", "all"] = Field(
        default="default", description="`all`: also runs that Run Registry calls not significant."
    )

    @model_validator(mode="after")
    def _one_mode(self) -> "Selection":
        told = [mode for mode in self.MODES if getattr(self, mode) is not None]
        if len(told) > 1:
            raise ValueError(f"{' and '.join(told)} exclude each other: send one of {', '.join(self.MODES)}")
        return self

    @property
    def given(self) -> bool:
        """Whether runs are selected at all."""
        return any(getattr(self, mode) is not None for mode in self.MODES) or self.run_class is not None

    def parameters(self) -> dict[str, Any]:
        """Parameters of ``hdqm.checked_runs`` beside names of datasets."""
        mode = next((mode for mode in self.MODES if getattr(self, mode) is not None), None)
        value = str(getattr(self, mode)) if mode else "50"
        return {
            "mode": {"runs": "list", None: "latest"}.get(mode, mode),
            "runs": value,
            "run_class": self.run_class,
            "quality": self.quality,
        }


def conditions(asked: BaseModel, *but: str) -> list[Condition]:
    """What the fields of a request ask of columns of the same name.

    ``x_from`` and ``x_to`` are bounds of ``x``, ``search`` is part of a name, a list is any of its values.
    """
    passed = {*Paging.model_fields, *Selection.model_fields, *but}
    return [
        _condition(name, value)
        for name in type(asked).model_fields
        if name not in passed and (value := getattr(asked, name)) is not None and value != []
    ]


def _condition(name: str, value: str | float | datetime | list[Any]) -> Condition:
    if isinstance(value, list):
        return Condition(name, "in", value)
    if name.endswith("_from"):
        return Condition(name.removesuffix("_from"), ">=", value)
    if name.endswith("_to"):
        return Condition(name.removesuffix("_to"), "<=", value)
    return Condition("trend", "~", value) if name == "search" else Condition(name, "=", value)


def pack_cursor(after: tuple[Any, ...] | None) -> str | None:
    """The key of a row as it stands in addresses."""
    return None if after is None else base64.urlsafe_b64encode(orjson.dumps(after)).decode().rstrip("=")


def read_cursor(cursor: str | None, keys: int) -> list[str | int] | None:
    """The key that a cursor carries.

    Raises:
        Problem: 422, it is none of ours.
    """
    if cursor is None:
        return None
    try:
        after = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        after = None
    if not isinstance(after, list) or len(after) != keys or not all(type(part) in (str, int) for part in after):
        raise Problem(422, "this is no cursor: send `next` of the page before, as it was")
    return after
