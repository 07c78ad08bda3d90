"""Clients of OMS and Run Registry: the only room that talks to CERN."""

from hdqm_ops.services._client import Client
from hdqm_ops.services._facts import (
    FILL_COLUMNS,
    LUMISECTION_COLUMNS,
    REGISTRY_COLUMNS,
    RUN_COLUMNS,
    dcs_facts,
    dcs_facts_of_summary,
    fill_facts,
    lumisection_facts,
    read_runs_file,
    registry_facts,
    run_facts,
)
from hdqm_ops.services._golden import GoldenCheck, GoldenJson, check_golden_json
from hdqm_ops.services._notebook import get_oms_api, get_oms_data, get_oms_response_attribute
from hdqm_ops.services._oms import OMS
from hdqm_ops.services._oms_query import Filter, Query
from hdqm_ops.services._oms_row import Row, Table
from hdqm_ops.services._plot import plot
from hdqm_ops.services._rr_filter import COLUMNS, server_filter
from hdqm_ops.services._run_registry import CreatedJson, RegistryDataset, RegistryRun, RunRegistry, StatusRange
from hdqm_ops.services._service import Credentials, Service, oms_service, run_registry_service, run_registry_target
from hdqm_ops.services._units import Quantity, normal_unit

__all__ = [
    "COLUMNS",
    "FILL_COLUMNS",
    "LUMISECTION_COLUMNS",
    "OMS",
    "REGISTRY_COLUMNS",
    "RUN_COLUMNS",
    "Client",
    "CreatedJson",
    "Credentials",
    "Filter",
    "GoldenCheck",
    "GoldenJson",
    "Quantity",
    "Query",
    "RegistryDataset",
    "RegistryRun",
    "Row",
    "RunRegistry",
    "Service",
    "StatusRange",
    "Table",
    "check_golden_json",
    "dcs_facts",
    "dcs_facts_of_summary",
    "fill_facts",
    "get_oms_api",
    "get_oms_data",
    "get_oms_response_attribute",
    "lumisection_facts",
    "normal_unit",
    "oms_service",
    "plot",
    "read_runs_file",
    "registry_facts",
    "run_facts",
    "run_registry_service",
    "run_registry_target",
    "server_filter",
]
