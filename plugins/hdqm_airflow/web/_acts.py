"""What a button does: in Airflow by its own API, with the rights of who pressed it; golden JSONs in the database."""

import re
from typing import Any

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hdqm_airflow.connections import writer_settings
from hdqm_airflow.web._guard import airflow_of, check_form, credentials, may_start, user_of
from hdqm_airflow.web._limit import TooLong
from hdqm_airflow.web._render import Refused, page
from hdqm_airflow.web._views import golden_page
from hdqm_ops import pipeline
from hdqm_ops.errors import ConfigError

__all__ = ["remove", "retry", "upload"]

_LONGEST_DAYS = 730


async def retry(request: Request) -> Response:
    """Try failed files again: those of one run, or all."""
    form = await _form(request)
    run = str(form.get("run") or "")
    if not re.fullmatch(r"[0-9]{0,9}", run):
        raise Refused(400, f"{run[:40]!r} is no run number")
    # One run is done from the ledger; for all of them it is worth to look what is there.
    dag, conf = ("hdqm_backfill", {"runs": run, "mode": "failed"}) if run else ("hdqm_ingest", {"mode": "failed"})
    answer = await _ask_airflow(request, f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})
    if not answer.is_success:
        raise Refused(answer.status_code, f"Airflow does not start {dag}: {_detail(answer)}")
    told = {"title": "Airflow tries again", "said": f"{dag} has begun: {answer.json()['dag_run_id']}"}
    return page(request, "said.html", told, 201)


async def upload(request: Request) -> Response:
    """Keep a golden JSON of one's own."""
    form = await _form(request)
    name, days, text = str(form.get("name") or ""), _days(form.get("days")), await _text(form)
    me = user_of(request).get_name()
    try:
        kept = await run_in_threadpool(
            lambda: pipeline.keep_golden_json(writer_settings(), name, text, owner=me, days=days)
        )
    except ConfigError as error:
        raise Refused(409 if "not yours" in str(error) else 400, str(error)) from error
    said = f"{name}: {kept['runs']} runs, {kept['lumisections']} lumisections, kept for {days} days"
    return await golden_page(request, said, 201)


async def remove(request: Request) -> Response:
    """Remove one's own."""
    form = await _form(request)
    name = str(form.get("name") or "")
    if "\0" in name:
        raise Refused(400, "no golden JSON has such a name")
    try:
        await run_in_threadpool(
            lambda: pipeline.remove_golden_json(writer_settings(), name, user_of(request).get_name())
        )
    except ConfigError as error:
        raise Refused(404, str(error)) from error
    return await golden_page(request, f"{name} is removed")


# -- parts -------------------------------------------------------------------------------------------------------------


async def _form(request: Request) -> FormData:
    """The fields of a form of ours, sent by somebody who may."""
    if not may_start(request):
        raise Refused(403, "your role in Airflow may look, not act: ask for the right to trigger hdqm_ingest")
    try:
        form = await request.form(max_files=1, max_fields=10)
    except TooLong:
        raise
    except HTTPException as error:
        raise Refused(400, f"the form cannot be read: {error.detail}") from error
    except UnicodeDecodeError as error:
        raise Refused(400, "the form is no UTF-8") from error
    # A script that brings a token of Airflow needs none of ours: no browser adds that header by itself.
    if "authorization" not in request.headers and (complaint := check_form(request, form.get("token"))):
        raise Refused(403, complaint)
    return form


def _days(given: object) -> int:
    text = str(given or "90")
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= _LONGEST_DAYS:
        raise Refused(400, f"days: a number from 1 to {_LONGEST_DAYS}, please, not {text[:40]!r}")
    return int(text)


async def _text(form: FormData) -> str:
    given = form.get("file")
    if not isinstance(given, UploadFile):
        raise Refused(400, "no file was sent: choose the golden JSON")
    try:
        return (await given.read()).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(400, f"the file is no UTF-8 text: {error.reason} at byte {error.start}") from error


async def _ask_airflow(request: Request, path: str, body: Any) -> httpx.Response:
    """Airflow's own API, in this very process: what the user may not do, it refuses."""
    transport = httpx.ASGITransport(app=airflow_of(request))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://airflow", timeout=60) as client:
        return await client.post(path, json=body, headers={"Authorization": credentials(request)})


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"it answered {answer.status_code}"
