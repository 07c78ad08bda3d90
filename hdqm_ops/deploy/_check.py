"""Signs of life, for the health checks of containers: one question over HTTP, one sentence as answer."""

from typing import Any

import requests

__all__ = ["check"]


def check(address: str, part: str | None = None, timeout_s: float = 5) -> str:
    """Ask an address how it is.

    Args:
        address: must answer with 2xx.
        part: a part of Airflow (``scheduler``, ``dag_processor``, ``triggerer``), of which the answer must say
            ``healthy``; the address is that of Airflow's ``/api/v2/monitor/health``.
        timeout_s: how long it may take.

    Returns:
        What is wrong; empty if nothing.
    """
    try:
        with requests.Session() as session:
            session.trust_env = False  # a container asks itself or its neighbour, never through a proxy
            answer = session.get(address, timeout=timeout_s)
    except requests.RequestException as error:
        return f"{address} does not answer ({type(error).__name__})"
    if not answer.ok:
        return f"{address} answers {answer.status_code}: {answer.text[:200]}"
    return "" if part is None else _ailment(answer, part)


def _ailment(answer: requests.Response, part: str) -> str:
    try:
        facts: dict[str, Any] = answer.json()[part]
    except (ValueError, KeyError, TypeError):
        return f"{answer.url} says nothing of {part}: {answer.text[:200]}"
    if facts["status"] == "healthy":
        return ""
    return f"{part} is {facts['status']}, last heartbeat {facts.get(f'latest_{part}_heartbeat') or 'never'}"
