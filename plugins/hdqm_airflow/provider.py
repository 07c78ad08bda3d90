"""What makes this package a provider of Airflow: connection types, which a plugin cannot bring."""

from typing import Any

__all__ = ["get_provider_info"]


def get_provider_info() -> dict[str, Any]:
    """The connection types, with the fields of their forms."""
    return {
        "package-name": "hdqm-ops",
        "name": "HDQM",
        "description": "Historic data quality monitoring for CMS.",
        "connection-types": [
            {
                "connection-type": "cms_eos",
                "hook-class-name": "hdqm_airflow.eos.EosHook",
                "hook-name": "CMS EOS (Kerberos)",
                "ui-field-behaviour": {
                    "hidden-fields": ["host", "port", "schema", "password"],
                    "relabeling": {"login": "Principal"},
                    "placeholders": {"login": "hdqm@CERN.CH"},
                },
                "conn-fields": {
                    "keytab": {"label": "Keytab (path on the workers)", "schema": {"type": "string"}},
                    "ccache": {
                        "label": "Ticket cache (empty: Kerberos' own)",
                        "schema": {"type": ["string", "null"], "default": None},
                    },
                },
            },
            _service("cms_oms", "OmsHook", "CMS OMS", "https://cmsoms.cern.ch/agg/api/v1"),
            _service("cms_rr", "RunRegistryHook", "CMS Run Registry", "production"),
        ],
    }


def _service(kind: str, hook: str, name: str, address: str) -> dict[str, Any]:
    return {
        "connection-type": kind,
        "hook-class-name": f"hdqm_airflow.services.{hook}",
        "hook-name": name,
        "ui-field-behaviour": {
            "hidden-fields": ["schema"],
            "relabeling": {
                "host": "Address",
                "port": "Port (0: as in the address)",  # left empty, Airflow's Test button refuses
                "login": "Client id",
                "password": "Client secret",
            },
            "placeholders": {"host": address, "port": "0"},
        },
        "conn-fields": {
            "audience": _text("Audience (empty: the one that belongs to the address)"),
            "anonymous": {"label": "Without sign-on, as inside of P5", "schema": {"type": "boolean", "default": False}},
            "sso_url": _text("Sign-on realm (empty: CERN's)"),
            "grant": _text("Grant: api-access (empty) or token-exchange"),
            "ca_bundle": _text("File of certificate authorities (path on the workers)"),
        },
    }


def _text(label: str) -> dict[str, Any]:
    return {"label": label, "schema": {"type": ["string", "null"], "default": None}}
