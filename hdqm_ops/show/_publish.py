"""Data source, dashboards and alarms into a Grafana over its API: what is there already and equal stays untouched."""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from grafana_client import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException, GrafanaServerError, GrafanaUnauthorizedError

from hdqm_ops.errors import AuthenticationFailed, ConfigError, RequestRefused, ServiceUnavailable
from hdqm_ops.show._alarms import ALARMS, FOLDER, GROUP, GROUPED_BY, RECEIVER, Contacts, rule
from hdqm_ops.show._build import as_json
from hdqm_ops.show._dashboards import dashboards
from hdqm_ops.show._site import SITE_PREFIX, site_dashboards
from hdqm_ops.show._target import DATASOURCE_TYPE, DATASOURCE_UID

__all__ = ["PublishChange", "publish"]

_FOLDER_UID = "hdqm"
_SERVICE = "Grafana"
_TIMEOUT_S = 30.0
_NOBODY = Contacts()
_CURE = "make a service account of the role Editor (Admin, if the data source is published too) and give its token"


@dataclass(frozen=True, slots=True)
class PublishChange:
    """What was done, or with ``dry_run`` would be.

    Attributes:
        verb: ``create``, ``update`` or ``delete``.
        kind: ``folder``, ``data source``, ``dashboard``, ``contact point`` or ``alarm``.
        uid: of the thing.
    """

    verb: str
    kind: str
    uid: str

    def __str__(self) -> str:
        return f"{self.verb} {self.kind} {self.uid}"


def _tell_nobody(_change: PublishChange) -> None:
    """Stand in for a listener."""


def publish(
    url: str,
    token: str,
    *,
    database_url: str | None = None,
    subsystems: Sequence[str] | None = None,
    contacts: Contacts = _NOBODY,
    dry_run: bool = False,
    prune: bool = False,
    say: Callable[[PublishChange], None] = _tell_nobody,
) -> list[PublishChange]:
    """Bring dashboards and alarms into a Grafana. A second time changes nothing.

    Args:
        url: address of Grafana.
        token: of a service account.
        database_url: PostgreSQL as ``hdqm_reader``, as Grafana reaches it; None leaves the data source alone.
        subsystems: each gets a page of its own; None leaves those pages alone.
        contacts: who is told of alarms; nobody leaves it to the policy that Grafana has.
        dry_run: change nothing.
        prune: remove dashboards and alarms from our folder that are not ours any more.
        say: is told of each change before it is made, so that what was done is known if a later one fails.

    Returns:
        What was changed, or would be, in the order in which it was done.

    Raises:
        AuthenticationFailed: Grafana does not take the token.
        RequestRefused: the account may not do it, or Grafana does not understand it.
        ServiceUnavailable: no Grafana answers.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise ConfigError(f"{url!r} is no address of a Grafana: write it as in https://grafana.example.org")
    with _translated(url):
        publisher = _Publisher(GrafanaApi.from_url(url, token, timeout=_TIMEOUT_S), say, dry_run=dry_run)
        return publisher.publish(database_url, subsystems, contacts, prune=prune)


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Turn the client's errors into ours, by who acts next."""
    place = urlsplit(url)._replace(query="", netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()
    try:
        yield
    except GrafanaUnauthorizedError as error:
        raise AuthenticationFailed(_SERVICE, place, "it does not take this token", _CURE, 401) from error
    except GrafanaServerError as error:
        raise ServiceUnavailable(_SERVICE, place, str(error), "try again", error.status_code) from error
    except GrafanaException as error:
        raise RequestRefused(_SERVICE, place, str(error), _CURE, error.status_code) from error
    except requests.RequestException as error:
        raise ServiceUnavailable(_SERVICE, place, f"it does not answer ({type(error).__name__})") from error


class _Publisher:
    """One publication.

    Args:
        api: client of the Grafana.
        say: is told of each change.
        dry_run: change nothing.
    """

    def __init__(self, api: GrafanaApi, say: Callable[[PublishChange], None], *, dry_run: bool) -> None:
        self._api = api
        self._say = say
        self._dry_run = dry_run
        self._changes: list[PublishChange] = []

    def publish(
        self, database_url: str | None, subsystems: Sequence[str] | None, contacts: Contacts, *, prune: bool
    ) -> list[PublishChange]:
        """Do it, in the order in which one thing needs another."""
        self._folder()
        if database_url is not None:
            self._datasource(database_url)
        self._dashboards(subsystems, prune=prune)
        self._contacts(contacts)
        self._alarms(told=bool(contacts.receivers()), prune=prune)
        return self._changes

    def _note(self, verb: str, kind: str, uid: str) -> bool:
        """Note a change; whether it is to be made."""
        change = PublishChange(verb, kind, uid)
        self._changes.append(change)
        self._say(change)
        return not self._dry_run

    # -- folder and data source ----------------------------------------------------------------------------------------

    def _folder(self) -> None:
        if _absent_is_none(self._api.folder.get_folder, _FOLDER_UID) is None and self._note(
            "create", "folder", _FOLDER_UID
        ):
            self._api.folder.create_folder(FOLDER, _FOLDER_UID)

    def _datasource(self, database_url: str) -> None:
        wanted = _datasource(database_url)
        there = _absent_is_none(self._api.datasource.get_datasource_by_uid, DATASOURCE_UID)
        if there is None:
            if self._note("create", "data source", DATASOURCE_UID):
                self._api.datasource.create_datasource(wanted)
            return
        # Grafana never tells a password: a new one alone is not seen, and needs another change or a new data source
        told = {name: item for name, item in wanted.items() if name != "secureJsonData"}
        if not _contains(there, told) and self._note("update", "data source", DATASOURCE_UID):
            self._api.datasource.update_datasource_by_uid(DATASOURCE_UID, wanted)

    # -- dashboards ----------------------------------------------------------------------------------------------------

    def _dashboards(self, subsystems: Sequence[str] | None, *, prune: bool) -> None:
        wanted = {str(board.uid): json.loads(as_json(board)) for board in dashboards()}
        wanted |= site_dashboards(subsystems or ())
        for uid, board in wanted.items():
            there = _absent_is_none(self._api.dashboard.get_dashboard, uid)
            if there is not None and _same_dashboard(there, board):
                continue
            if self._note("create" if there is None else "update", "dashboard", uid):
                self._api.dashboard.update_dashboard({"dashboard": board, "folderUid": _FOLDER_UID, "overwrite": True})
        if prune and (self._dry_run is False or self._has_folder()):
            self._prune(wanted.keys(), with_site=subsystems is not None)

    def _prune(self, wanted: Collection[str], *, with_site: bool) -> None:
        for found in self._api.search.search_dashboards(tag="hdqm", type_="dash-db"):
            uid = str(found["uid"])
            ours = found.get("folderUid") == _FOLDER_UID and (with_site or not uid.startswith(SITE_PREFIX))
            if ours and uid not in wanted and self._note("delete", "dashboard", uid):
                self._api.dashboard.delete_dashboard(uid)

    def _has_folder(self) -> bool:
        return _absent_is_none(self._api.folder.get_folder, _FOLDER_UID) is not None

    # -- alarms --------------------------------------------------------------------------------------------------------

    def _contacts(self, contacts: Contacts) -> None:
        wanted = [{**receiver, "name": RECEIVER} for receiver in contacts.receivers()]
        there = {one["uid"]: one for one in self._api.alertingprovisioning.get_contactpoints()} if wanted else {}
        for one in wanted:
            uid = one["uid"]
            if uid not in there:
                if self._note("create", "contact point", uid):
                    self._api.alertingprovisioning.create_contactpoint(one)
            elif not _contains(there[uid], one) and self._note("update", "contact point", uid):
                self._api.alertingprovisioning.update_contactpoint(uid, one)

    def _alarms(self, *, told: bool, prune: bool) -> None:
        there = {one["uid"]: one for one in self._api.alertingprovisioning.get_alertrules_all()}
        place = {"folderUID": _FOLDER_UID, "ruleGroup": GROUP}
        # by name, past the policies: those of a Grafana that others use too are not ours to write
        told_to = {"notification_settings": {"receiver": RECEIVER, "group_by": list(GROUPED_BY)}} if told else {}
        wanted = {alarm.uid: {**rule(alarm), **place, **told_to} for alarm in ALARMS}
        for uid, one in wanted.items():
            if uid not in there:
                if self._note("create", "alarm", uid):
                    self._api.alertingprovisioning.create_alertrule(one)
            elif not _contains(there[uid], one) and self._note("update", "alarm", uid):
                self._api.alertingprovisioning.update_alertrule(uid, one)
        if prune:
            for uid, found in there.items():
                ours = found.get("folderUID") == _FOLDER_UID and uid not in wanted
                if ours and self._note("delete", "alarm", uid):
                    self._api.alertingprovisioning.delete_alertrule(uid)


def _absent_is_none(ask: Any, uid: str) -> Any:
    """What is there under this UID; None where nothing is."""
    try:
        return ask(uid)
    except GrafanaClientError as error:
        if error.status_code == 404:
            return None
        raise


def _same_dashboard(there: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return there["meta"].get("folderUid") == _FOLDER_UID and _contains(there["dashboard"], wanted)


def _contains(there: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there; Grafana adds fields of its own, and drops those that are empty."""
    match wanted:
        case dict():
            return isinstance(there, dict) and all(_contains(there.get(name), item) for name, item in wanted.items())
        case list():
            return (
                isinstance(there, list)
                and len(there) == len(wanted)
                and all(_contains(*pair) for pair in zip(there, wanted, strict=True))
            ) or (there is None and not wanted)
        case None:
            return True
        case _:
            return bool(there == wanted) or (there is None and not wanted)


def _datasource(database_url: str) -> dict[str, Any]:
    """The data source as Grafana keeps it."""
    parts = urlsplit(database_url)
    if parts.scheme not in ("postgresql", "postgres") or not parts.hostname:
        raise ConfigError("the data source needs an address like postgresql://hdqm_reader:password@host:5432/hdqm")
    return {
        "uid": DATASOURCE_UID,
        "name": "HDQM",
        "type": DATASOURCE_TYPE,
        "access": "proxy",
        "url": f"{parts.hostname}:{parts.port or 5432}",
        "user": unquote(parts.username or ""),
        "jsonData": {
            "database": parts.path.lstrip("/"),
            "sslmode": "require" if "sslmode=require" in parts.query else "disable",
            "postgresVersion": 1700,
            "timescaledb": True,
        },
        "secureJsonData": {"password": unquote(parts.password or "")},
    }
