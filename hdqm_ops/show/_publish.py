"""Data source, dashboards and alarms into a Grafana over its API: what is there already and equal stays untouched."""

import json
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from grafana_client import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException, GrafanaServerError, GrafanaUnauthorizedError

from hdqm_ops.errors import (
    AuthenticationFailed,
    ConfigError,
    HdqmError,
    NotFound,
    RequestRefused,
    ServiceUnavailable,
    UntrustedServer,
)
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
_FOLDER_CURE = f"give the account the permission Edit on the folder {FOLDER} ({_FOLDER_UID}), or the role Editor"
_ELSEWHERE = "is it the address of Grafana itself, with its path and without a sign-on page before it?"

Json = dict[str, Any]

log = logging.getLogger(__name__)


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
    ca_bundle: Path | None = None,
    dry_run: bool = False,
    prune: bool = False,
    say: Callable[[PublishChange], None] = _tell_nobody,
) -> list[PublishChange]:
    """Bring dashboards and alarms into a Grafana. A second time changes nothing.

    What that Grafana reads from files by itself (provisioning) its API cannot change: it stays, and a warning in the
    log names what differs.

    Args:
        url: address of Grafana.
        token: of a service account.
        database_url: PostgreSQL as ``hdqm_reader``, as Grafana reaches it; None leaves the data source alone.
        subsystems: each gets a page of its own; None leaves those pages alone.
        contacts: who is told of alarms; nobody leaves it to the policy that Grafana has.
        ca_bundle: certificate authorities to trust; None for those of certifi.
        dry_run: change nothing.
        prune: remove dashboards and alarms from our folder that are not ours any more.
        say: is told of each change before it is made, so that what was done is known if a later one fails.

    Returns:
        What was changed, or would be, in the order in which it was done.

    Raises:
        AuthenticationFailed: Grafana does not take the token.
        NotFound: something else than a Grafana answers.
        RequestRefused: the account may not do it, or Grafana does not understand it.
        ServiceUnavailable: no Grafana answers.
        UntrustedServer: its certificate is not to be trusted.
    """
    place = _place(url)
    with _translated(place):
        publisher = _Publisher(_client(place, token, ca_bundle), place, say, dry_run=dry_run)
        return publisher.publish(database_url, subsystems, contacts, prune=prune)


def _place(url: str) -> str:
    """The address without user, password and query, ending in a slash."""
    try:
        parts = urlsplit(url)
        readable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, half a bracket
        readable = False
    if not readable:
        raise ConfigError(f"{url!r} is no address of a Grafana: write it as in https://grafana.example.org")
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, path=parts.path.rstrip("/") + "/", query="", fragment="").geturl()


def _client(place: str, token: str, ca_bundle: Path | None) -> GrafanaApi:
    if ca_bundle is not None and not ca_bundle.is_file():
        raise ConfigError(f"Grafana: there is no file of certificate authorities at {ca_bundle}")
    made = GrafanaApi.from_url(place, token, timeout=_TIMEOUT_S)
    if ca_bundle is not None:
        made.client.verify = str(ca_bundle)
    return made


@contextmanager
def _translated(place: str) -> Iterator[None]:
    """Turn the client's errors into ours, by who acts next."""
    try:
        yield
    except GrafanaException as error:
        raise _refusal(place, error) from error
    except requests.JSONDecodeError as error:
        raise _no_grafana(place) from error
    except requests.exceptions.SSLError as error:
        cure = "is it https there? Name the authority of its certificate by HDQM_CA_BUNDLE"
        raise UntrustedServer(_SERVICE, place, "no trusted connection can be made", cure) from error
    except requests.RequestException as error:
        found = f"it does not answer ({type(error).__name__})"
        raise ServiceUnavailable(_SERVICE, place, found, "is the address right, and is Grafana running?") from error


def _refusal(place: str, error: GrafanaException) -> HdqmError:
    status = error.status_code
    if isinstance(error, GrafanaUnauthorizedError):
        return AuthenticationFailed(_SERVICE, place, "it does not take this token", _CURE, status)
    if not isinstance(error.response, dict):  # a page of some web server, for people
        return _no_grafana(place, status)
    said = f"{status} {error.response.get('message', error.response)}"
    if isinstance(error, GrafanaServerError):
        return ServiceUnavailable(_SERVICE, place, said, "try again", status)
    return RequestRefused(_SERVICE, place, said, _CURE if status == 403 else "", status)


def _no_grafana(place: str, status: int | None = None) -> NotFound:
    return NotFound(_SERVICE, place, "what answers there is no Grafana", _ELSEWHERE, status)


class _Publisher:
    """One publication.

    Args:
        api: client of the Grafana.
        place: its address, for errors.
        say: is told of each change.
        dry_run: change nothing.
    """

    def __init__(self, api: GrafanaApi, place: str, say: Callable[[PublishChange], None], *, dry_run: bool) -> None:
        self._api = api
        self._place = place
        self._say = say
        self._dry_run = dry_run
        self._changes: list[PublishChange] = []

    def publish(
        self, database_url: str | None, subsystems: Sequence[str] | None, contacts: Contacts, *, prune: bool
    ) -> list[PublishChange]:
        """Do it, in the order in which one thing needs another."""
        self._introduce()
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

    def _to_do(self, kind: str, uid: str, there: Json | None, wanted: Json, place: Json, *, by_file: Any) -> str:
        """Note what is to be done: ``create``, ``update``, or nothing.

        What Grafana reads from a file may stand in another place, and is not changed over its API.
        """
        if there is None:
            return "create" if self._note("create", kind, uid) else ""
        if _contains(there, wanted) and (by_file or _contains(there, place)):
            return ""
        if by_file:
            log.warning("%s %s is not as this version has it, and stays: this Grafana reads it from a file", kind, uid)
            return ""
        return "update" if self._note("update", kind, uid) else ""

    # -- account, folder, data source ----------------------------------------------------------------------------------

    def _introduce(self) -> None:
        """Ask who we are: where anonymous people may look, Grafana takes a false token for none and goes on."""
        if not isinstance(self._api.user.get_actual_user(), dict):
            raise _no_grafana(self._place)

    def _folder(self) -> None:
        there = self._found_folder()
        if there is None:
            if self._note("create", "folder", _FOLDER_UID):
                self._create_folder()
        elif not there.get("canSave") and not self._dry_run:
            raise self._no_right(f"this account may only look into the folder {FOLDER}")

    def _create_folder(self) -> None:
        try:
            self._api.folder.create_folder(FOLDER, _FOLDER_UID)
        except GrafanaClientError as error:
            if error.status_code in (409, 412):
                raise self._no_right(f"this account may not see the folder {FOLDER}, which is there") from error
            raise

    def _no_right(self, found: str) -> RequestRefused:
        return RequestRefused(_SERVICE, self._place, found, _FOLDER_CURE, 403)

    def _found_folder(self) -> Any:
        """Our folder; None where it is absent, of which Grafana says to an Editor that it may not be read."""
        try:
            return _absent_is_none(self._api.folder.get_folder, _FOLDER_UID)
        except GrafanaClientError as error:
            if error.status_code == 403:
                return None
            raise

    def _datasource(self, database_url: str) -> None:
        wanted = _datasource(database_url)
        there = _absent_is_none(self._api.datasource.get_datasource_by_uid, DATASOURCE_UID)
        # Grafana never tells a password: a new one alone is not seen, and needs another change or a new data source
        told = {name: item for name, item in wanted.items() if name != "secureJsonData"}
        by_file = there is not None and there.get("readOnly")
        match self._to_do("data source", DATASOURCE_UID, there, told, {}, by_file=by_file):
            case "create":
                self._api.datasource.create_datasource(wanted)
            case "update":
                self._api.datasource.update_datasource_by_uid(DATASOURCE_UID, wanted)

    # -- dashboards ----------------------------------------------------------------------------------------------------

    def _dashboards(self, subsystems: Sequence[str] | None, *, prune: bool) -> None:
        wanted = {str(board.uid): json.loads(as_json(board)) for board in dashboards()}
        wanted |= site_dashboards(subsystems or ())
        for uid, board in wanted.items():
            there = _absent_is_none(self._api.dashboard.get_dashboard, uid)
            about = {} if there is None else there["meta"]
            found = None if there is None else {**there["dashboard"], "folderUid": about.get("folderUid")}
            place = {"folderUid": _FOLDER_UID}
            if self._to_do("dashboard", uid, found, board, place, by_file=about.get("provisioned")):
                self._api.dashboard.update_dashboard({"dashboard": board, **place, "overwrite": True})
        if prune and (self._dry_run is False or self._found_folder() is not None):
            self._prune(wanted.keys(), with_site=subsystems is not None)

    def _prune(self, wanted: Collection[str], *, with_site: bool) -> None:
        for found in self._api.search.search_dashboards(tag="hdqm", type_="dash-db"):
            uid = str(found["uid"])
            ours = found.get("folderUid") == _FOLDER_UID and (with_site or not uid.startswith(SITE_PREFIX))
            if ours and uid not in wanted and self._note("delete", "dashboard", uid):
                self._api.dashboard.delete_dashboard(uid)

    # -- alarms --------------------------------------------------------------------------------------------------------

    def _contacts(self, contacts: Contacts) -> None:
        wanted = [{**receiver, "name": RECEIVER} for receiver in contacts.receivers()]
        there = {one["uid"]: one for one in self._api.alertingprovisioning.get_contactpoints()} if wanted else {}
        for one in wanted:
            uid, found = one["uid"], there.get(one["uid"])
            match self._to_do("contact point", uid, found, one, {}, by_file=_by_file(found)):
                case "create":
                    self._api.alertingprovisioning.create_contactpoint(one)
                case "update":
                    self._api.alertingprovisioning.update_contactpoint(uid, one)

    def _alarms(self, *, told: bool, prune: bool) -> None:
        there = {one["uid"]: one for one in self._api.alertingprovisioning.get_alertrules_all()}
        place: Json = {"folderUID": _FOLDER_UID, "ruleGroup": GROUP}
        if told:  # by name, past the policies: those of a Grafana that others use too are not ours to write
            place["notification_settings"] = {"receiver": RECEIVER, "group_by": list(GROUPED_BY)}
        wanted = {alarm.uid: rule(alarm) for alarm in ALARMS}
        for uid, one in wanted.items():
            found = there.get(uid)
            match self._to_do("alarm", uid, found, one, place, by_file=_by_file(found)):
                case "create":
                    self._api.alertingprovisioning.create_alertrule({**one, **place})
                case "update":
                    self._api.alertingprovisioning.update_alertrule(uid, {**one, **place})
        if prune:
            for uid, found in there.items():
                ours = found.get("folderUID") == _FOLDER_UID and uid not in wanted
                if ours and self._note("delete", "alarm", uid):
                    self._api.alertingprovisioning.delete_alertrule(uid)


def _by_file(found: Json | None) -> bool:
    """Whether Grafana reads an alarm or a contact point from a file."""
    return found is not None and found.get("provenance") == "file"


def _absent_is_none(ask: Any, uid: str) -> Any:
    """What is there under this UID; None where nothing is."""
    try:
        return ask(uid)
    except GrafanaClientError as error:
        if error.status_code == 404:
            return None
        raise


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
