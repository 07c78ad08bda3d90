"""Grafana: dashboards and alarms as Python, written as JSON and published. Asks no database; the panels do."""

from hdqm_ops.show._alarms import ALARMS, Alarm, Contacts, alarm_rules, contact_points
from hdqm_ops.show._build import as_json, build, grafana_folder, rendered
from hdqm_ops.show._dashboards import dashboards
from hdqm_ops.show._publish import PublishChange, publish
from hdqm_ops.show._site import site_dashboards, site_folder, write_site

__all__ = [
    "ALARMS",
    "Alarm",
    "Contacts",
    "PublishChange",
    "alarm_rules",
    "as_json",
    "build",
    "contact_points",
    "dashboards",
    "grafana_folder",
    "publish",
    "rendered",
    "site_dashboards",
    "site_folder",
    "write_site",
]
