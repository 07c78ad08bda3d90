"""Simulated OMS and Run Registry as a part of the stack, for demos: one process, and Airflow's connections to it."""

import os
import sys
from datetime import datetime
from typing import Any

import requests

from hdqm_ops.local._component import Component
from hdqm_ops.settings import Settings, as_environment

__all__ = ["Simulators"]

_CLIENT = "hdqm-demo"
_EMPTY = {"anonymous": False, "grant": None, "ca_bundle": None}  # the form shows the fields that are there


class Simulators:
    """OMS, Run Registry and sign-on of a simulated world, on one port of loopback.

    Args:
        settings: state folder and port (``simulator_port``).
        port: the port; None: they are not wanted.
    """

    def __init__(self, settings: Settings, port: int | None) -> None:
        self._settings = settings
        self.wanted = port is not None
        self._port = port or 0

    @property
    def address(self) -> str:
        """Of all three."""
        return f"http://127.0.0.1:{self._port}"

    def component(self) -> Component:
        """The process, for the stack."""
        return Component(
            name="simulators",
            home=self._settings.home.absolute(),
            command=(sys.executable, "-m", "hdqm_ops.cli", "simulate", "oms", "--port", str(self._port)),
            environment=lambda: {**os.environ, **as_environment(self._settings)},
            where=f"OMS {self.address}/agg/api/v1, Run Registry {self.address}/api; faults: {self.address}/faults",
            ailment=self._ailment,
            port=(self._port, "HDQM_SIMULATOR_PORT"),
        )

    def _ailment(self, _began: datetime) -> str:
        try:
            answer = requests.get(f"{self.address}/faults", timeout=5)
        except requests.RequestException:
            return "does not answer"
        return "" if answer.ok else f"answers {answer.status_code}"

    def settings(self) -> dict[str, str]:
        """Variables that let commands ask these services in place of CERN's."""
        return {
            "HDQM_SIMULATOR_PORT": str(self._port),
            "HDQM_OMS_URL": f"{self.address}/agg/api/v1",
            "HDQM_RR_URL": f"{self.address}/api",
            "HDQM_RR_AUDIENCE": "cmsrunregistry-sso-proxy",
            "HDQM_SSO_URL": f"{self.address}/auth/realms/cern",
            "SSO_CLIENT_ID": _CLIENT,
            "SSO_CLIENT_SECRET": _CLIENT,
        }

    def connections(self) -> list[dict[str, Any]]:
        """What Airflow has to know of both services; nothing where they are not wanted."""
        if not self.wanted:
            return []
        told = (("cms_oms", "/agg/api/v1", "cmsoms-prod"), ("cms_rr", "/api", "cmsrunregistry-sso-proxy"))
        return [
            {
                "connection_id": name,
                "conn_type": name,
                "description": "Simulated; made by `hdqm up`, which leaves it alone once this text is another.",
                "host": f"{self.address}{path}",
                "port": 0,  # what the form of the UI makes of no port; with none, its Test button is refused
                "login": _CLIENT,
                "password": _CLIENT,
                "extra": {**_EMPTY, "audience": audience, "sso_url": f"{self.address}/auth/realms/cern"},
            }
            for name, path, audience in told
        ]
