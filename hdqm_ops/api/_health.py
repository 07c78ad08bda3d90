"""Whether the API lives, and whether it can answer: for supervisors and proxies. Never asked for credentials."""

from typing import Any

from fastapi import APIRouter

from hdqm_ops.api._database import Database
from hdqm_ops.api._problems import PROBLEMS

__all__ = ["router"]

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live", summary="The process answers")
async def live() -> dict[str, str]:
    """Say that the process lives, whatever the database does."""
    return {"status": "alive"}


@router.get("/ready", summary="The database answers, and how old its newest data are", responses={503: PROBLEMS[503]})
def ready(database: Database) -> dict[str, Any]:
    """Ask the database for the age of the newest data: of DQM files, of OMS, of Run Registry.

    503 where it does not answer. Old data are no reason for 503: what is there can be shown.
    """
    return {"status": "ready", **database.ask("newest")[0]}
