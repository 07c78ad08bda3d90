"""Which DQM files exist, what their names say, and which runs are asked for.

(Watching a folder, xrootd, growing and vanishing files belong here too; they are not built yet.)
"""

from hdqm_ops.discover._filename import file_name, parse_name
from hdqm_ops.discover._find import find
from hdqm_ops.discover._runs import RunRanges, parse_runs

__all__ = ["RunRanges", "file_name", "find", "parse_name", "parse_runs"]
