"""Imports once, in the scheduler, what its tasks need: tasks are forks of it, and would take 1.2 s each otherwise."""

import sys

if "scheduler" in sys.argv:
    import numpy  # noqa: F401, ICN001 - only to have it
    import uproot  # noqa: F401

    import hdqm_ops.pipeline  # noqa: F401
