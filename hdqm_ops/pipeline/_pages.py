"""What HDQM's page inside Airflow shows and keeps: the state of the system, runs, definitions, golden JSONs."""

from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeAlias

from hdqm_ops import load, services
from hdqm_ops.errors import ConfigError
from hdqm_ops.pipeline._database import connect, database_url
from hdqm_ops.run_index import read_run_index, run_index_file
from hdqm_ops.settings import Settings

__all__ = [
    "Overview",
    "find_trends",
    "golden_jsons",
    "golden_name",
    "keep_golden_json",
    "overview",
    "remove_golden_json",
    "run_page",
    "some_files",
]

Row: TypeAlias = dict[str, Any]
_SHOWN = 20
_LONGEST_NAME = 100
_CONNECTIONS = 4
_PATIENCE_S = 10


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of the system at a glance; rows as ``hdqm_ops.load.Pages`` gives them.

    Attributes:
        at: when it was asked.
        freshness: newest run, last ingested, last found.
        services: OMS and Run Registry.
        index: when the run index was written; a text where it cannot be read.
        late: runs that ended and are not ingested.
        states: state → DQM files.
        failures: files that failed, the newest runs first.
        recomputes: trends whose current definition was not computed for all files.
    """

    at: datetime
    freshness: Row
    services: list[Row]
    index: datetime | str
    late: list[Row]
    states: dict[str, int]
    failures: list[Row]
    recomputes: list[Row]

    def as_json(self) -> Row:
        """All of it."""
        return asdict(self)


def overview(settings: Settings, *, most: int = _SHOWN) -> Overview:
    """Ask for the state of the system; ``most`` rows of each list."""
    try:
        index: datetime | str = read_run_index(run_index_file(settings)).written_at
    except ConfigError as error:
        index = str(error)
    with _asking(settings) as ask:
        return Overview(
            at=datetime.now(UTC),
            freshness=ask.freshness(),
            services=ask.services(),
            index=index,
            late=ask.late(most),
            states=ask.states(),
            failures=ask.failures(most),
            recomputes=ask.recomputes(most),
        )


@cache
def _reader(url: str) -> load.Reader:
    """Connections that stay open between pages; only the api-server shows any, so only it has them."""
    return load.Reader(url, size=_CONNECTIONS, timeout_s=_PATIENCE_S)


def _asking(settings: Settings) -> AbstractContextManager[load.Pages]:
    return load.pages(_reader(database_url(settings)))


def run_page(settings: Settings, number: int) -> tuple[list[Row], list[Row]]:
    """Facts of a run, and its files."""
    with _asking(settings) as ask:
        return ask.run(number)


def find_trends(settings: Settings, text: str, *, most: int = _SHOWN) -> list[Row]:
    """Trends by a part of their name, title, metric or hash of the definition."""
    with _asking(settings) as ask:
        return ask.trends(text, most)


def some_files(settings: Settings, file_ids: list[int]) -> list[Row]:
    """Files of the ledger by their ids."""
    with _asking(settings) as ask:
        return ask.batch(file_ids)


# -- golden JSONs of people --------------------------------------------------------------------------------------------


def golden_jsons(settings: Settings) -> list[Row]:
    """Golden JSONs that can be chosen now, with owner and end."""
    with _asking(settings) as ask:
        return ask.golden_jsons()


def keep_golden_json(settings: Settings, name: str, text: str, *, owner: str, days: int) -> dict[str, int]:
    """Keep somebody's golden JSON for some days, in place of an earlier one of the same name and owner.

    Returns:
        Its ``runs`` and ``lumisections``.

    Raises:
        ConfigError: the name or the text cannot be used, with the reasons; or the name is somebody else's.
    """
    golden = services.GoldenJson.parse(text)
    if not golden:
        raise ConfigError("the golden JSON has no lumisection of any run")
    with connect(settings) as connection:
        load.store_golden_json(connection, golden_name(name), golden.multiranges(), owner=owner, days=days)
    return {"runs": len(golden), "lumisections": golden.lumisections}


def remove_golden_json(settings: Settings, name: str, owner: str) -> None:
    """Remove somebody's golden JSON.

    Raises:
        ConfigError: there is none of that name that is theirs.
    """
    with connect(settings) as connection:
        if not load.remove_golden_json(connection, name, owner):
            raise ConfigError(f"there is no golden JSON named {name!r} that is yours")


def golden_name(name: str) -> str:
    """A name that people can choose a golden JSON by.

    Raises:
        ConfigError: it is empty, too long, or holds what cannot be seen.
    """
    if not name or name != name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ConfigError(
            f"{name[:_LONGEST_NAME]!r} is no name for a golden JSON: 1 to {_LONGEST_NAME} visible characters, "
            "without blanks at its ends"
        )
    return name
