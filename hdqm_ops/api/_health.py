"""Whether the API lives, and whether it can answer: for supervisors and proxies. Never asked for credentials."""

from typing import Any

from fastapi import APIRouter

from hdqm_ops.api._database import Database
from hdqm_ops.api._problems import PROBLEMS

__all__ = ["router"]

router = APIRouter(prefix="/health", tags=["health"])


def _told(**example: Any) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {"application/json": {"example": example}}}}


@router.get("/live", summary="The process answers", responses=_told(status="alive"))
async def live() -> dict[str, str]:
    """Say that the process lives, whatever the database does."""
    return {"status": "alive"}


@router.get(
    "/ready",
    summary="The database answers, and how old its newest data are",
    responses={
        **_told(
            status="ready",
            newest_file_age_s=412.0,
            newest_file_at="2018-10-22T21:45:12Z",
            oms_age_s=903.1,
            rr_age_s=None,
        ),
        503: PROBLEMS[503],
    },
)
def ready(database: Database) -> dict[str, Any]:
    """Ask the database for the age of the newest data: of DQM files, of OMS, of Run Registry.

    503 where it does not answer. Old data are no reason for 503: what is there can be shown.
    """
    return {"status": "ready", **database.ask("newest")[0]}
