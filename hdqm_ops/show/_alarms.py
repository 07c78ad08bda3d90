"""Alarm rules. They are generic: thresholds and owners come from the database, each row of an answer is an alarm."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from hdqm_ops.show._target import DATASOURCE_UID

__all__ = ["ALARMS", "Alarm", "Contacts", "alarm_rules", "contact_points"]

FOLDER = "HDQM"
GROUP = "hdqm"
INTERVAL_S = 300
RECEIVER = "hdqm"
GROUPED_BY = ("alertname", "subsystem", "owner")
_EXPRESSION = "__expr__"


@dataclass(frozen=True)
class Alarm:
    """One rule.

    Attributes:
        uid: fixed, for links and for publishing again.
        title: what has happened.
        sql: one number a row; columns of text become labels.
        above: the rule fires where the number is greater.
        lasting: for how long, before it fires.
        summary: one sentence, with ``{{ $labels.… }}`` and ``{{ $values.A }}``.
        page: address of the dashboard that explains it, whole, with labels filled in.
        no_data: state where the answer has no rows.
        labels: fixed labels, to route by.
    """

    uid: str
    title: str
    sql: str
    above: float
    lasting: str
    summary: str
    page: str
    no_data: Literal["OK", "NoData", "Alerting"]
    labels: dict[str, str] = field(default_factory=dict)


ALARMS = (
    Alarm(
        "hdqm-fresh",
        "Collision runs are not ingested",
        "SELECT hours AS value, run FROM hdqm.alarm_freshness()",
        above=24,
        lasting="10m",
        summary="No collision run is ingested any more since run {{ $labels.run }}, "
        'which ended {{ printf "%.0f" $values.A.Value }} hours ago.',
        page="{{ externalURL }}d/hdqm-pipeline",
        no_data="NoData",  # it always answers one row: none means that something else is wrong
        labels={"severity": "critical"},
    ),
    Alarm(
        "hdqm-failed",
        "DQM files failed",
        "SELECT count(*) AS value FROM hdqm.dqm_files "
        "WHERE state = 'failed' AND discovered_at > now() - interval '3 days'",
        above=0,
        lasting="30m",
        summary='{{ printf "%.0f" $values.A.Value }} DQM files of the last three days could not be read.',
        page="{{ externalURL }}d/hdqm-pipeline",
        no_data="NoData",
        labels={"severity": "warning"},
    ),
    Alarm(
        "hdqm-outside",
        "Points outside of the expected range",
        "SELECT subsystem, trend, owner, primary_dataset, processing, run, runs, points AS value "
        "FROM hdqm.alarm_outside()",
        above=0,
        lasting="0s",
        summary="{{ $labels.subsystem }}/{{ $labels.trend }} is outside of its expected range in run {{ $labels.run }} "
        "({{ $labels.primary_dataset }}, {{ $labels.processing }}).",
        page="{{ externalURL }}d/hdqm-trend?var-subsystem={{ urlquery $labels.subsystem }}"
        "&var-pd={{ urlquery $labels.primary_dataset }}&var-processing={{ urlquery $labels.processing }}"
        "&var-panel=trend:{{ urlquery $labels.trend }}&var-mode=range&var-runs={{ $labels.runs }}"
        "&var-options=fills&var-options=range",
        no_data="OK",  # no row: every point is where it is expected
        labels={"severity": "warning"},
    ),
    Alarm(
        "hdqm-gaps",
        "Gaps are growing",
        "SELECT subsystem, share AS value FROM hdqm.alarm_gaps()",
        above=20,
        lasting="30m",
        summary='In {{ $labels.subsystem }} {{ printf "%.0f" $values.A.Value }} % more points than usual have no value '
        "in the newest ten runs.",
        page="{{ externalURL }}d/hdqm-coverage?var-subsystem={{ urlquery $labels.subsystem }}",
        no_data="OK",  # no row: no points yet
        labels={"severity": "warning"},
    ),
)


def alarm_rules(alarms: Sequence[Alarm] = ALARMS) -> dict[str, Any]:
    """The file that Grafana provisions rules from. Annotations and questions it takes as they are, dollars included."""
    group = {
        "orgId": 1,
        "name": GROUP,
        "folder": f"{FOLDER} alarms",  # found by title: that of the dashboards' folder would make a second one of it
        "interval": f"{INTERVAL_S}s",
        "rules": [rule(alarm) for alarm in alarms],
    }
    return {"apiVersion": 1, "groups": [group]}


@dataclass(frozen=True, slots=True)
class Contacts:
    """Who is told of alarms.

    Attributes:
        webhook: address that alarms are posted to.
        email: addresses with semicolons between.
    """

    webhook: str | None = None
    email: str | None = None

    def receivers(self) -> list[dict[str, Any]]:
        """As Grafana keeps them."""
        made: list[dict[str, Any]] = []
        if self.webhook:
            made.append({"uid": "hdqm-webhook", "type": "webhook", "settings": {"url": self.webhook}})
        if self.email:
            made.append({"uid": "hdqm-email", "type": "email", "settings": {"addresses": self.email}})
        return made


def rule(alarm: Alarm) -> dict[str, Any]:
    """One rule as Grafana's API takes it."""
    return {
        "uid": alarm.uid,
        "title": alarm.title,
        "condition": "C",
        "for": alarm.lasting,
        "noDataState": alarm.no_data,
        "execErrState": "Error",  # a broken question is an alarm of its own, not silence
        "labels": {"application": "hdqm", **alarm.labels},
        "annotations": {"summary": alarm.summary, "dashboard": alarm.page},
        "data": [_question(alarm.sql), _threshold(alarm.above)],
    }


def _question(sql: str) -> dict[str, Any]:
    model = {"refId": "A", "rawSql": sql, "format": "table", "rawQuery": True, "editorMode": "code"}
    return {
        "refId": "A",
        "datasourceUid": DATASOURCE_UID,
        "relativeTimeRange": {"from": 600, "to": 0},
        "model": model,
    }


def _threshold(above: float) -> dict[str, Any]:
    condition = {"evaluator": {"type": "gt", "params": [above]}}
    model = {
        "refId": "C",
        "type": "threshold",
        "expression": "A",
        "datasource": {"type": _EXPRESSION, "uid": _EXPRESSION},
        "conditions": [condition],
    }
    return {"refId": "C", "datasourceUid": _EXPRESSION, "relativeTimeRange": {"from": 0, "to": 0}, "model": model}


def _escaped(value: Any) -> Any:
    match value:
        case str():
            return value.replace("$", "$$")
        case list():
            return [_escaped(item) for item in value]
        case dict():
            return {name: _escaped(item) for name, item in value.items()}
        case _:
            return value


def contact_points(webhook: str | None = None, email: str | None = None) -> dict[str, Any]:
    """The file that Grafana provisions contact points and their policy from; without any it keeps its own.

    Args:
        webhook: address that alarms are posted to.
        email: addresses with semicolons between.
    """
    receivers = Contacts(webhook, email).receivers()
    if not receivers:
        return {"apiVersion": 1}
    point = {"orgId": 1, "name": RECEIVER, "receivers": [_escaped(receiver) for receiver in receivers]}
    policy = {"orgId": 1, "receiver": RECEIVER, "group_by": list(GROUPED_BY)}
    return {"apiVersion": 1, "contactPoints": [point], "policies": [policy]}
