"""The stack on one machine: database, guard, API, Airflow, Grafana. Started, asked, stopped together, in order."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from hdqm_ops import load, show
from hdqm_ops.errors import HdqmError
from hdqm_ops.local._airflow import USER, Airflow
from hdqm_ops.local._api import Api
from hdqm_ops.local._client import AirflowClient
from hdqm_ops.local._component import Component
from hdqm_ops.local._database import database_of
from hdqm_ops.local._grafana import Grafana, find_grafana
from hdqm_ops.local._place import make_home
from hdqm_ops.local._postgres import Postgres
from hdqm_ops.local._secrets import locked
from hdqm_ops.local._simulators import Simulators
from hdqm_ops.settings import Settings, as_environment

__all__ = ["Part", "Stack", "StackStatus"]

_HEALTHY_S = 180  # four Python programs that import much, on a busy machine


def _tell_nobody(_line: str) -> None:
    """Stand in for a listener."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is known of one part of the stack.

    Attributes:
        name: its name.
        state: ``healthy``, ``stopped``, or what is wrong.
        where: address, folders, what it does.
        pid: its process; None where it does not live here.
    """

    name: str
    state: str
    where: str
    pid: int | None


@dataclass(frozen=True, slots=True)
class StackStatus:
    """What is known of the stack.

    Attributes:
        database: the database.
        others: the other parts, in the order in which they start.
    """

    database: Part
    others: tuple[Part, ...]

    @property
    def database_up(self) -> bool:
        """Whether the database answers."""
        return self.database.state == "healthy"

    @property
    def healthy(self) -> bool:
        """Whether every part is healthy."""
        return all(part.state == "healthy" for part in (self.database, *self.others))

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, state and place of each part."""
        return [(part.name, part.state, part.where) for part in (self.database, *self.others)]

    def as_json(self) -> dict[str, Any]:
        """All of it, for machines."""
        return {"healthy": self.healthy, "parts": [asdict(part) for part in (self.database, *self.others)]}


class Stack:
    """The stack of one state folder.

    Args:
        settings: folders and ports.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._home = settings.home.absolute()
        self._database = database_of(settings)
        self._grafana = Grafana(settings, find_grafana(settings.grafana_home), self._database)
        self._airflow = Airflow(self._linked(settings), self._database)
        self._api = Api(settings, self._database)
        self._simulators = Simulators(settings, settings.simulator_port)

    def _linked(self, settings: Settings) -> Settings:
        """The settings with the address that Airflow's pages show dashboards from: the local one, if none is named."""
        if settings.grafana_url is None and self._grafana.startable:
            return settings.model_copy(update={"grafana_url": self._grafana.address})
        return settings

    def airflow(self, user: str = USER) -> AirflowClient:
        """A client of this stack's Airflow, with the rights of a user; by default with all."""
        return self._airflow.client(user)

    def _components(self) -> list[Component]:
        """All but the database, in the order in which they start; some only where they are wanted, or still run."""
        simulators, grafana = self._simulators.component(), self._grafana.component()
        shown = self._grafana.startable or grafana.wanted
        others = (self._api.component(), *self._airflow.components())
        first = [simulators] if self._simulators.wanted or simulators.wanted else []
        return [*first, self._guard(), *others, *([grafana] if shown else [])]

    def _guard(self) -> Component:
        def environment() -> dict[str, str]:
            login = self._database.reader_login
            known = {"HDQM_READER_URL": login} if login is not None else {}
            return {**os.environ, **as_environment(self._settings), **known}

        return Component(
            name="guard",
            home=self._home,
            command=(sys.executable, "-m", "hdqm_ops.cli", "db", "guard"),
            environment=environment,
            where=f"ends questions of readers after {self._settings.guard_after_s} s",
            ailment=lambda _began: "",  # it waits for a database that is away
        )

    # -- up ------------------------------------------------------------------------------------------------------------

    def up(self, say: Callable[[str], None] = _tell_nobody) -> None:
        """Start what does not run, and wait until all of it is healthy. A second time is harmless, or mends.

        Args:
            say: is told what is being done.

        Raises:
            ConfigError: a port is taken, a tool is missing.
            HdqmError: a part does not become healthy; with the end of its log.
        """
        database = database_of(self._settings, say)
        with self._locked():
            database.start()
            database.migrate(self._settings.reader_timeout_s)
            database.prepare_airflow()
            self._airflow.prepare(say)
            self._prepare_grafana(say)
            components = [component for component in self._components() if component.command]
            started = [component.name for component in components if component.start()]
            if started:
                say(f"starting {', '.join(started)}")
            for component in components:
                self._await_health(component, say, fresh=component.name in started)
            self._airflow.finish()
            for connection in self._simulators.connections():
                self._airflow.client().set_connection(connection)

    def _prepare_grafana(self, say: Callable[[str], None]) -> None:
        """Write what Grafana reads at its start, and tell the dashboards where the other pages are."""
        addresses = {
            "airflow_url": self._airflow.address,
            "api_url": self._settings.api_public_url or self._api.address,
        }
        with load.connect(self._database.url) as connection:
            load.record_addresses(connection, addresses)
            subsystems = load.shown_subsystems(connection)
        if self._grafana.startable:
            self._grafana.prepare()
            show.write_site(show.site_folder(self._home), subsystems)
        elif self._grafana.complaint:
            say(self._grafana.complaint)

    @staticmethod
    def _await_health(component: Component, say: Callable[[str], None], *, fresh: bool) -> None:
        try:
            component.await_health(_HEALTHY_S)
        except HdqmError as error:
            if fresh:
                raise
            say(f"{error}\nstarting {component.name} again")
            component.stop()
            component.start()
            component.await_health(_HEALTHY_S)

    def welcome(self) -> str:
        """Addresses and how to log in."""
        lines = [
            f"Airflow      {self._airflow.address}  (user {USER}, password {self._airflow.password})",
            f"REST API     {self._api.address}/docs",
            f"TimescaleDB  {self._database.where()['address']}  (hdqm db psql)",
        ]
        if self._simulators.wanted:
            lines.append(f"OMS, RR      {self._simulators.address}  (simulated)")
        if self._grafana.startable:
            lines.append(f"Dashboards   {self._grafana.home_page}  (to look needs no login)")
        return "\n".join(lines)

    # -- down ----------------------------------------------------------------------------------------------------------

    def down(self, say: Callable[[str], None] = _tell_nobody) -> None:
        """Stop everything, the scheduler first and the database last; data stay. Harmless where nothing runs.

        Args:
            say: is told what is being done.
        """
        if not self._home.exists():
            return
        with self._locked():
            for component in reversed(self._components()):
                if component.wanted:
                    say(f"stopping {component.name} (within {component.patience_s:.0f} s)")
                    component.stop()
            embedded = Postgres(self._settings)  # also one from before HDQM_DATABASE_URL was set
            if embedded.running:
                say("stopping TimescaleDB")
                embedded.stop()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let only one of several commands change the stack at a time."""
        make_home(self._home)
        with locked(self._home / "stack.lock"):
            yield

    # -- status --------------------------------------------------------------------------------------------------------

    def status(self) -> StackStatus:
        """What is true now."""
        facts = self._database.where()
        data = f", data in {facts['data']}" if facts["data"] else ""
        database = Part("TimescaleDB", self._database.state(), f"{facts['address']}{data}", facts["pid"])
        return StackStatus(database, tuple(_part(component) for component in self._components()))


def _part(component: Component) -> Part:
    process = component.process()
    return Part(component.name, component.state(), component.where, process.pid if process else None)
