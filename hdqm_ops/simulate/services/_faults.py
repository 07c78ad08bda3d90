"""Faults that the simulated services can be told to show, while they run."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from hdqm_ops.errors import ConfigError

ServiceName: TypeAlias = Literal["oms", "rr", "sso"]

# What goes wrong between a service and its client.
TRANSPORT_FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "expired_token": "401; the token that was sent is good for nothing from now on",
        "redirect_to_login": "302 to the login page",
        "login_page": "the login page, with status 200",
        "too_many_requests": "429 with Retry-After: `seconds` (default 0)",
        "server_error": "500 with a sentence in JSON",
        "bad_gateway": "502 with a page of HTML, as a proxy makes it",
        "gateway_timeout": "504 with a page of HTML",
        "cut_chunk": "the connection ends in the middle of a chunked body",
        "broken_connection": "the connection ends before half of the promised body has come",
        "slow_body": "the body drips, a piece every tenth of a second, for `seconds` (default 5)",
        "hang": "nothing for `seconds` (default 60), then the answer",
        "not_json": "status 200, type JSON, and text that is none",
    }
)
# What is wrong with the data themselves.
DATA_FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "short_page": "a page has half of its rows, and says nothing of it",
        "rows_inserted": "a row has come in before the second and later pages",
        "wrong_rows": "the filter is ignored",
        "no_fields": "OMS does not list the fields of its resources (404)",
        "no_count": "OMS does not count the rows (no totalResourceCount)",
        "null_fields": "the `fields` of the `runs` are null (default: hlt_key, l1_rate, luminosities, fill_number)",
        "unit_change": "luminosities come in other units; in `unit` where one is given",
        "lumisection_gap": "lumisections 3 to 5 of the `runs` are missing",
        "run_open": "the `runs` have not ended yet",
        "manual_update": "Run Registry's copy of the `runs` is old and says that it needs a manual update",
    }
)
KINDS: Mapping[str, str] = MappingProxyType({**TRANSPORT_FAULTS, **DATA_FAULTS})


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what, where, and how often.

    Attributes:
        kind: a name of `KINDS`.
        service: ``oms``, ``rr``, ``sso``; None for all.
        path: only requests whose path and query contain this.
        skip: let so many matching requests pass first.
        times: show so often; None for ever.
        seconds: for the kinds that take time.
        runs: run numbers, for the kinds that concern runs; empty for all.
        fields: names, for ``null_fields``.
        unit: for ``unit_change``.
    """

    kind: str
    service: ServiceName | None = None
    path: str = ""
    skip: int = 0
    times: int | None = None
    seconds: float | None = None
    runs: tuple[int, ...] = ()
    fields: tuple[str, ...] = ()
    unit: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            near = get_close_matches(self.kind, KINDS, n=1)
            raise ConfigError(f"there is no fault {self.kind!r}" + "".join(f"; did you mean {name}?" for name in near))

    def concerns(self, run_number: int) -> bool:
        """Whether a run is among those of the fault."""
        return not self.runs or run_number in self.runs

    @classmethod
    def from_json(cls, facts: Any) -> "Fault":
        """A fault from a JSON object; a bare string is its kind."""
        if isinstance(facts, str):
            return cls(facts)
        names = {item.name for item in fields(cls)}
        if not isinstance(facts, dict) or "kind" not in facts or not set(facts) <= names:
            raise ConfigError(f"a fault is an object with {', '.join(sorted(names))}; this is {facts!r}")
        given: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in facts.items()}
        return cls(**given)


class _Armed:
    """A fault and how often it met a request."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.met = 0

    def shows(self, service: ServiceName, address: str) -> bool:
        """Count a request; whether the fault shows in it."""
        fault = self.fault
        if (fault.service not in (None, service)) or fault.path not in address:
            return False
        self.met += 1
        shown = self.met - fault.skip
        return shown > 0 and (fault.times is None or shown <= fault.times)


class Faults:
    """The faults that are switched on. Threads may switch them while requests run."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []
        self.set(faults)

    def set(self, faults: Iterable[Fault | str]) -> None:
        """Switch on exactly these."""
        armed = [_Armed(Fault(fault) if isinstance(fault, str) else fault) for fault in faults]
        with self._lock:
            self._armed = armed

    def add(self, kind: str, **facts: Any) -> None:
        """Switch on one more."""
        self.arm(Fault(kind, **facts))

    def arm(self, fault: Fault) -> None:
        """Switch on one more."""
        with self._lock:
            self._armed.append(_Armed(fault))

    def clear(self) -> None:
        """Switch all off."""
        self.set(())

    def met_by(self, service: ServiceName, address: str) -> tuple[Fault, ...]:
        """The faults that a request meets, each counted once; call it once for each request."""
        with self._lock:
            return tuple(armed.fault for armed in self._armed if armed.shows(service, address))

    def as_json(self) -> list[dict[str, Any]]:
        """What is switched on, with the number of matching requests so far."""
        with self._lock:
            return [{**asdict(armed.fault), "met": armed.met} for armed in self._armed]
