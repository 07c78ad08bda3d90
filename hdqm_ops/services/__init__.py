"""Clients of OMS and Run Registry: the only room that talks to CERN."""

from hdqm_ops.services._client import Client
from hdqm_ops.services._notebook import get_oms_api, get_oms_data, get_oms_response_attribute
from hdqm_ops.services._oms import OMS
from hdqm_ops.services._oms_query import Filter, Query
from hdqm_ops.services._oms_row import Row, Table
from hdqm_ops.services._service import Credentials, Service, oms_service, run_registry_service, run_registry_target
from hdqm_ops.services._units import Quantity, normal_unit

__all__ = [
    "OMS",
    "Client",
    "Credentials",
    "Filter",
    "Quantity",
    "Query",
    "Row",
    "Service",
    "Table",
    "get_oms_api",
    "get_oms_data",
    "get_oms_response_attribute",
    "normal_unit",
    "oms_service",
    "run_registry_service",
    "run_registry_target",
]
