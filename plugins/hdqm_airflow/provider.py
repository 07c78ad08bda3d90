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
            }
        ],
    }
