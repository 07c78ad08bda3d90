"""Stand-ins for what CERN gives: DQM files (and, in a room of their own, its services)."""

from hdqm_ops.simulate._dqm import SimulatedFile, simulate_dqm
from hdqm_ops.simulate._root_file import write_dqm_file
from hdqm_ops.simulate._scenario import Damage, FilePlan, Scenario, plan_files, scenario

__all__ = [
    "Damage",
    "FilePlan",
    "Scenario",
    "SimulatedFile",
    "plan_files",
    "scenario",
    "simulate_dqm",
    "write_dqm_file",
]
