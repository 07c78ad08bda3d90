"""The calls that change Run Registry for everybody: switched off unless they were allowed in so many words."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote

from hdqm_ops.errors import ConfigError, RequestRefused, ServiceError
from hdqm_ops.services._client import Client
from hdqm_ops.services._http import Answer

EXPERTS = "cms-dqm-runregistry-experts"
WAITING = "waiting dqm gui"
RUN_STATES = ("OPEN", "SIGNOFF", "COMPLETED")
DATASET_STATES = (*RUN_STATES, WAITING)
STATUSES = ("GOOD", "BAD", "STANDBY", "EXCLUDED", "NOTSET")


class Changes:
    """Changes by hand, for those who may: each needs a client whose account is in an e-group."""

    def __init__(self, client: Client, *, may_change: bool) -> None:
        self.client = client
        self.may_change = may_change

    def move_runs(self, source: str, target: str, runs: Iterable[int]) -> list[dict[str, Any]]:
        """Move runs from one state to another (OPEN, SIGNOFF, COMPLETED)."""
        path = f"runs/move_run/{_one_of(RUN_STATES, source)}/{_one_of(RUN_STATES, target)}"
        return self._each(runs, lambda run: self._change("POST", path, EXPERTS, {"run_number": run}))

    def make_significant_runs(self, runs: Iterable[int]) -> list[dict[str, Any]]:
        """Mark runs as significant, so that they are certified."""
        return self._each(runs, lambda run: self._change("POST", "runs/mark_significant", EXPERTS, {"run_number": run}))

    def reset_rr_attributes_and_refresh_runs(self, runs: Iterable[int]) -> list[dict[str, Any]]:
        """Forget what was set by hand for runs that are OPEN, and copy OMS anew."""
        return self._each(runs, lambda run: self._change("POST", f"runs/reset_and_refresh_run/{run}", EXPERTS))

    def manually_refresh_components_statuses_for_runs(self, runs: Iterable[int]) -> list[dict[str, Any]]:
        """Compute the statuses anew of runs that are OPEN, except where shifters have set them."""
        return self._each(runs, lambda run: self._change("POST", f"runs/refresh_run/{run}", EXPERTS))

    def edit_rr_lumisections(
        self,
        run: int,
        lumisections: tuple[int, int],
        component: str,
        status: str,
        *,
        comment: str = "",
        cause: str = "",
        dataset_name: str = "online",
    ) -> dict[str, Any]:
        """Set the status of a column (``tracker-strip``) in lumisections first to last."""
        first, last = lumisections
        if not 1 <= first <= last:
            raise ConfigError(f"lumisections go from 1 upwards, first to last, not {first} to {last}")
        told = {"start": first, "end": last, "status": _one_of(STATUSES, status), "comment": comment, "cause": cause}
        body = {
            "new_lumisection_range": told,
            "run_number": run,
            "dataset_name": dataset_name,
            "component": component,
        }
        egroup = f"cms-dqm-runregistry-offline-{component.partition('-')[0]}-certifiers or {EXPERTS}"
        return self._change("PUT", "lumisections/edit_rr_lumisections", egroup, body)

    def move_datasets(
        self, source: str, target: str, dataset_name: str, runs: Iterable[int], *, workspace: str = "global"
    ) -> list[dict[str, Any]]:
        """Move a dataset of runs from one state to another, in one workspace."""
        states = quote(_one_of(DATASET_STATES, source)), quote(_one_of(DATASET_STATES, target))
        path = f"datasets/{quote(workspace, safe='')}/move_dataset/{states[0]}/{states[1]}"
        egroup = f"cms-dqm-runregistry-offline-{workspace}-certifiers or {EXPERTS}"
        body = {"dataset_name": dataset_name, "workspace": workspace}
        return self._each(runs, lambda run: self._change("POST", path, egroup, {"run_number": run, **body}))

    def change_run_class(self, runs: Iterable[int], new_class: str) -> list[dict[str, Any]]:
        """Give runs that are OPEN another class."""
        return self._each(
            runs, lambda run: self._change("PUT", f"manual_run_edit/{run}/class", EXPERTS, {"class": new_class})
        )

    def _change(self, method: str, path: str, egroup: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        if not self.may_change:
            found = f"this changes Run Registry for everybody and needs the e-group {egroup}"
            raise RequestRefused("Run Registry", path, found, "allow it with RunRegistry(…, may_change=True)")
        accept = frozenset({200, 201, 204})  # 204: there was nothing to change
        answer = self.client.ask(method, path, document=body, repeatable=False, accept=accept)
        return _told(answer)

    def _each(self, runs: Iterable[int], change: Callable[[int], dict[str, Any]]) -> list[dict[str, Any]]:
        """One after another; an error says which are done already."""
        wanted = list(runs)
        if not wanted or not all(type(run) is int for run in wanted):
            raise ConfigError(f"run numbers are wanted, not {wanted!r}")
        done: list[dict[str, Any]] = []
        for index, run in enumerate(wanted):
            try:
                done.append(change(run))
            except ServiceError as error:
                if not index:
                    raise
                found = f"{error.found} (done before: {', '.join(map(str, wanted[:index]))})"
                raise type(error)(error.service, error.place, found, error.cure, error.status) from None
        return done


def _told(answer: Answer) -> dict[str, Any]:
    told = answer.json() if answer.body else {}
    return told if isinstance(told, dict) else {"answer": told}


def _one_of(known: tuple[str, ...], name: str) -> str:
    if name not in known:
        near = get_close_matches(name.upper(), known, n=1)
        hint = "".join(f"; did you mean {one}?" for one in near)
        raise ConfigError(f"{name!r} is none of {', '.join(known)}{hint}")
    return name
