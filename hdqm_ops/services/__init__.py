"""Clients of OMS and Run Registry: the only room that talks to CERN."""

from hdqm_ops.services._client import Client
from hdqm_ops.services._service import Credentials, Service, oms_service, run_registry_service, run_registry_target

__all__ = [
    "Client",
    "Credentials",
    "Service",
    "oms_service",
    "run_registry_service",
    "run_registry_target",
]
