"""Configuration: text of ``.ini`` files in, trends and display groups out, every problem with its place.

Nothing that people write is run; metrics are known here by their ``MetricInfo`` only.
"""

from hdqm_ops.config._expression import parse_metric
from hdqm_ops.config._import import GroupImport, ImportedGroup, import_display_groups, import_groups
from hdqm_ops.config._problems import CODES
from hdqm_ops.config._report import check_report, count_codes, describe, render
from hdqm_ops.config._tree import ConfigTree, read_selection, read_tree

__all__ = [
    "CODES",
    "ConfigTree",
    "GroupImport",
    "ImportedGroup",
    "check_report",
    "count_codes",
    "describe",
    "import_display_groups",
    "import_groups",
    "parse_metric",
    "read_selection",
    "read_tree",
    "render",
]
