"""Imports once, in the scheduler, what its tasks need: they are forks of it, and would take 1.2 s each otherwise."""

import sys

if "scheduler" in sys.argv:
    import hdqm_airflow.prefork  # type: ignore[import-untyped]  # noqa: F401 - only to have it
