"""Dashboards of a site: where they are written to, published to, and what they are told of the site."""

import logging
from collections.abc import Callable

from hdqm_ops import load, show
from hdqm_ops.errors import ConfigError
from hdqm_ops.pipeline._database import connect
from hdqm_ops.settings import Settings, revealed
from hdqm_ops.show import PublishChange

__all__ = ["has_grafana", "publish_dashboards", "record_addresses", "renew_dashboards", "write_site_dashboards"]

log = logging.getLogger(__name__)


def write_site_dashboards(settings: Settings, *, check: bool = False) -> list[str]:
    """Write a copy of the page of trends for each subsystem that has points, or with ``check`` only compare.

    Returns:
        Names of the files that changed, or differ.
    """
    with connect(settings) as connection:
        subsystems = load.shown_subsystems(connection)
    return show.write_site(show.site_folder(settings.home), subsystems, check=check)


def has_grafana(settings: Settings) -> bool:
    """Whether there is a Grafana to renew dashboards in: one to publish to, or a local one."""
    return _is_named(settings) or show.site_folder(settings.home).is_dir()


def renew_dashboards(settings: Settings, *, dry_run: bool = False, prune: bool = False) -> list[str]:
    """Bring the dashboards wherever this site has a Grafana, published to or local; what was changed.

    Raises:
        ServiceError: the Grafana to publish to does not answer, or refuses.
    """
    done: list[str] = []
    if show.site_folder(settings.home).is_dir():
        done += [f"write {name}" for name in write_site_dashboards(settings, check=dry_run)]
    if _is_named(settings):
        done += map(str, publish_dashboards(settings, dry_run=dry_run, prune=prune))
    log.info("%s", "; ".join(done) or "nothing to change")
    return done


def _is_named(settings: Settings) -> bool:
    return bool(settings.grafana_url and settings.grafana_token)


def publish_dashboards(
    settings: Settings,
    *,
    dry_run: bool = False,
    prune: bool = False,
    say: Callable[[PublishChange], None] = lambda _change: None,
) -> list[PublishChange]:
    """Bring dashboards and alarms into the Grafana of the settings. A second time changes nothing.

    Where the settings name a database, each of its subsystems gets a page of its own.

    Args:
        settings: address and token of Grafana; where it finds the database, whom it tells of alarms.
        dry_run: change nothing.
        prune: remove dashboards and alarms from our folder that are not ours any more.
        say: is told of each change when it is made.

    Raises:
        ConfigError: no Grafana or no token is named.
        ServiceError: Grafana does not answer, or refuses.
    """
    if settings.grafana_url is None:
        raise ConfigError("no Grafana is named: give --url, or set HDQM_GRAFANA_URL")
    if settings.grafana_token is None:
        raise ConfigError("no token for Grafana: set HDQM_GRAFANA_TOKEN to that of a service account (role Editor)")
    return show.publish(
        settings.grafana_url,
        settings.grafana_token.get_secret_value(),
        database_url=revealed(settings.grafana_database_url),
        subsystems=_subsystems(settings),
        contacts=show.Contacts(revealed(settings.alarm_webhook), settings.alarm_email),
        ca_bundle=settings.ca_bundle,
        dry_run=dry_run,
        prune=prune,
        say=say,
    )


def record_addresses(settings: Settings, **known: str) -> None:
    """Tell the dashboards where other pages are: what the settings say, and what is ``known`` of ``airflow_url``, ….

    What neither says stays as it is; an empty text removes a link.
    """
    told = {"api_url": settings.api_public_url}
    addresses = {**{name: address for name, address in told.items() if address is not None}, **known}
    if addresses:
        with connect(settings) as connection:
            load.record_addresses(connection, addresses)


def _subsystems(settings: Settings) -> list[str] | None:
    if settings.database_url is None:
        return None
    with connect(settings) as connection:
        return load.shown_subsystems(connection)
