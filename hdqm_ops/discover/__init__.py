"""Which DQM files exist, what their names say, and which runs are asked for."""

from hdqm_ops.discover._filename import file_name, parse_name
from hdqm_ops.discover._find import exists, find, reachable
from hdqm_ops.discover._runs import RunRanges, parse_runs
from hdqm_ops.discover._watch import Watch

__all__ = ["RunRanges", "Watch", "exists", "file_name", "find", "parse_name", "parse_runs", "reachable"]
