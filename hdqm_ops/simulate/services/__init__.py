"""What CERN's services would answer: OMS, Run Registry and the sign-on in front of them, over one simulated world."""

from hdqm_ops.simulate.services._app import Simulation
from hdqm_ops.simulate.services._faults import KINDS, Fault, Faults
from hdqm_ops.simulate.services._replay import Replay, read_replay
from hdqm_ops.simulate.services._server import SimulatedServices, serve
from hdqm_ops.simulate.services._sso import SignOn
from hdqm_ops.simulate.services._world import Fill, Run, World

__all__ = [
    "KINDS",
    "Fault",
    "Faults",
    "Fill",
    "Replay",
    "Run",
    "SignOn",
    "SimulatedServices",
    "Simulation",
    "World",
    "read_replay",
    "serve",
]
