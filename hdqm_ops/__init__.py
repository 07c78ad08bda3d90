"""HDQM: historic data quality monitoring for CMS.

DQM files → chosen histograms → trend points → TimescaleDB → Grafana.
The rooms and the arrows between them are drawn in ``README.md`` beside this file.
"""

__version__ = "0.1.0"
