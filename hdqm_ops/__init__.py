"""HDQM: historic data quality monitoring for CMS.

DQM files → chosen histograms → trend points → TimescaleDB → Grafana.
The rooms and the arrows between them are drawn in ``README.md`` beside this file.
"""

from importlib import metadata

__all__ = ["__version__"]

__version__ = metadata.version("hdqm-ops")  # from the git tag, when it was built or installed
