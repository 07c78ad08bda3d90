"""A service account in Grafana for publishing, and its token as a connection of Airflow."""

from collections.abc import Callable
from typing import Any

import requests

from hdqm_ops.deploy._set_up import run_airflow
from hdqm_ops.deploy._settings import DeploySettings
from hdqm_ops.errors import ConfigError, HdqmError, TryAgain

__all__ = ["CONNECTION", "set_up_grafana"]

CONNECTION = "hdqm_grafana"
_ACCOUNT = "hdqm-publish"
_TIMEOUT_S = 30


def set_up_grafana(deploy: DeploySettings, say: Callable[[str], None]) -> None:
    """Give Airflow a token of Grafana: an account that may edit, a fresh token, the old ones removed.

    Args:
        deploy: where Grafana answers, and the password of its ``admin``.
        say: is told what was done.

    Raises:
        ConfigError: no password is given.
        TryAgain: Grafana does not answer.
        HdqmError: Grafana or Airflow refuses; with what was said.
    """
    if deploy.grafana_password is None:
        raise ConfigError("HDQM_DEPLOY_GRAFANA_PASSWORD is not set: Grafana's user admin makes the account")
    with requests.Session() as session:
        session.auth = ("admin", deploy.grafana_password.get_secret_value())
        session.trust_env = False
        grafana = _Grafana(session, deploy.grafana.rstrip("/"))
        account = grafana.account()
        token = grafana.fresh_token(account)
    run_airflow("connections", "delete", CONNECTION, may_fail=True)
    connection = ("--conn-type", "http", "--conn-host", deploy.grafana, "--conn-password", token)
    run_airflow("connections", "add", CONNECTION, *connection)
    say(f"Grafana: service account {_ACCOUNT}; its token is Airflow's connection {CONNECTION}")


class _Grafana:
    def __init__(self, session: requests.Session, address: str) -> None:
        self._session = session
        self._address = address

    def account(self) -> int:
        """Id of our service account; made where it is absent."""
        found = self._ask("GET", "serviceaccounts/search", params={"query": _ACCOUNT})["serviceAccounts"]
        known = [one["id"] for one in found if one["name"] == _ACCOUNT]
        if known:
            return int(known[0])
        return int(self._ask("POST", "serviceaccounts", json={"name": _ACCOUNT, "role": "Editor"})["id"])

    def fresh_token(self, account: int) -> str:
        """A new token; the earlier ones end, for nobody knows them any more."""
        for old in self._ask("GET", f"serviceaccounts/{account}/tokens"):
            self._ask("DELETE", f"serviceaccounts/{account}/tokens/{old['id']}")
        return str(self._ask("POST", f"serviceaccounts/{account}/tokens", json={"name": "airflow"})["key"])

    def _ask(self, method: str, path: str, **arguments: Any) -> Any:
        try:
            answer = self._session.request(method, f"{self._address}/api/{path}", timeout=_TIMEOUT_S, **arguments)
        except requests.RequestException as error:
            raise TryAgain(f"Grafana at {self._address} does not answer ({type(error).__name__})") from error
        if not answer.ok:
            raise HdqmError(f"Grafana refused {method} /api/{path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()
