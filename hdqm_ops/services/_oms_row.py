"""Rows of OMS: attributes as they came, and numbers in units that are the same for all rows."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from hdqm_ops.errors import BadAnswer, MissingTool
from hdqm_ops.services._oms_fields import PAIRED, SCALED, fixed_unit
from hdqm_ops.services._units import Quantity, normal_unit

_CURE = "if the unit is good, it belongs in hdqm_ops/services/_units.py"


@dataclass(frozen=True, slots=True)
class Row(Mapping[str, Any]):
    """One row: a mapping of its attributes as OMS gave them.

    Attributes:
        resource: ``runs``, ``lumisections``, ….
        id: OMS's identifier.
        attributes: as they came.
        units: attribute → unit, for those whose unit came with the row.
    """

    resource: str
    id: str
    attributes: Mapping[str, Any]
    units: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.attributes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.attributes)

    def __len__(self) -> int:
        return len(self.attributes)

    def quantity(self, name: str) -> Quantity | None:
        """A number with its unit, in the unit that we use for that kind; None where OMS has no value.

        Raises:
            BadAnswer: the unit is missing where the row has to tell it, or is not known.
        """
        value = self.attributes[name]
        if value is None or isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        unit = self.units.get(name) or fixed_unit(self.resource, name)
        if unit is None:
            return self._without_unit(name, value)
        known = normal_unit(unit)
        if known is None or known[1] != SCALED.get(name, known[1]):
            raise self._bad(f"{name} is {value} in {unit!r}, which is no unit that we know for it")
        factor, normal = known
        return Quantity(value if factor == 1.0 else value * factor, normal)

    def _without_unit(self, name: str, value: float) -> Quantity:
        """Nothing is nothing in every unit; any other luminosity needs its own."""
        if name in SCALED and value != 0:
            raise self._bad(f"{name} is {value} without a unit")
        return Quantity(value, SCALED.get(name, ""))

    def normalised(self) -> dict[str, Any]:
        """All attributes, numbers in our units."""
        found = dict(self.attributes)
        for name in self.attributes:
            if (quantity := self.quantity(name)) is not None:
                found[name] = quantity.number
        return found

    def document(self) -> dict[str, Any]:
        """The row as OMS's own JSON has it."""
        document: dict[str, Any] = {"id": self.id, "type": self.resource, "attributes": dict(self.attributes)}
        if self.units:
            document["meta"] = {"row": {name: {"units": unit} for name, unit in self.units.items()}}
        return document

    def _bad(self, found: str) -> BadAnswer:
        return BadAnswer("OMS", f"{self.resource}/{self.id}", found, _CURE)


@dataclass(frozen=True, slots=True)
class Table(Sequence[Row]):
    """The whole answer to a question, and the ways to take it further.

    Attributes:
        rows: all rows.
        url: address of the first page, for looking at it.
    """

    rows: tuple[Row, ...]
    url: str = ""

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> "Table": ...
    def __getitem__(self, index: int | slice) -> "Row | Table":
        return Table(self.rows[index], self.url) if isinstance(index, slice) else self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def units(self) -> dict[str, str]:
        """Column → unit of the numbers in `dicts`, `csv` and `frame`; columns without one are absent."""
        found: dict[str, str] = {}
        for row in self.rows:
            for name, value in row.items():
                if isinstance(value, dict):
                    found.update({f"{name}_{part}": unit for part, unit in PAIRED.items() if part in value})
                    continue
                quantity = None if name in found else row.quantity(name)
                if quantity is not None and quantity.unit:
                    found[name] = quantity.unit
        return found

    def dicts(self) -> list[dict[str, Any]]:
        """One flat dictionary a row, numbers in our units; ``{"l1a": {"rate": 1}}`` becomes ``{"l1a_rate": 1}``."""
        return [_flat(row.normalised()) for row in self.rows]

    def csv(self) -> str:
        """Text with a header line; what OMS does not know is empty."""
        dicts = self.dicts()
        names = list(dict.fromkeys(name for told in dicts for name in told))
        text = io.StringIO()
        table = csv.DictWriter(text, names, lineterminator="\n")
        table.writeheader()
        table.writerows(dicts)
        return text.getvalue()

    def frame(self) -> Any:
        """A pandas DataFrame; its ``attrs["units"]`` has the units."""
        try:
            import pandas as pd  # noqa: PLC0415 - optional, and slow to import
        except ImportError:
            raise MissingTool("data frames need pandas: pip install 'hdqm-ops[pandas]'") from None
        frame = pd.DataFrame(self.dicts())
        frame.attrs["units"] = self.units()
        return frame


def _flat(told: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in told.items():
        if isinstance(value, dict):
            found.update({f"{name}_{key}": inner for key, inner in _flat(value).items()})
        else:
            found[name] = ",".join(map(str, value)) if isinstance(value, list) else value
    return found
