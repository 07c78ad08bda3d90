"""docker-compose.yml as Compose would resolve it: variables filled in, anchors merged. No engine is needed for that."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).parent.parent
COMPOSE_FILE = CHECKOUT / "docker-compose.yml"

_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<sign>:?[-?])(?P<text>[^}]*))?\})")


class MissingVariable(Exception):
    """A variable that must be set is not."""


def resolved(environment: Mapping[str, str]) -> dict[str, Any]:
    """The services, networks and volumes with these variables."""
    document = _filled_in(yaml.safe_load(COMPOSE_FILE.read_text()), environment)
    return {key: part for key, part in document.items() if not key.startswith("x-")}


def _filled_in(value: Any, environment: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {key: _filled_in(part, environment) for key, part in value.items()}
        case list():
            return [_filled_in(part, environment) for part in value]
        case str():
            return _VARIABLE.sub(lambda found: _value(found, environment), value)
        case _:
            return value


def _value(found: re.Match[str], environment: Mapping[str, str]) -> str:
    if found["name"] is None:
        return "$"  # written $$
    value, sign = environment.get(found["name"]), found["sign"] or "-"
    if value is None or (not value and sign.startswith(":")):
        if sign.endswith("?"):
            raise MissingVariable(f"{found['name']}: {found['text']}")
        return found["text"] or ""
    return value


def parsed_environment(text: str) -> dict[str, str]:
    """The variables of a file ``.env``."""
    lines = (line.partition("=") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: value for name, _, value in lines}
