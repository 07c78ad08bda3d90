"""Units as OMS writes them, read into a number and one unit for each kind of quantity."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

INTEGRATED = "pb^-1"
LUMINOSITY = "10^34 cm^-2 s^-1"
SPECIFIC = "10^30 cm^-2 s^-1 (10^11 p)^-2"

_PREFIXES = {"": 1e-12, "k": 1e-15, "m": 1e-9, "u": 1e-6, "n": 1e-3, "p": 1.0, "f": 1e3, "a": 1e6}
_INVERSE_BARN = re.compile(r"/?(?P<prefix>[kmunpfa]?)b(?:\^-1)?")
_RATE = re.compile(r"(?:10\^(?P<power>-?\d+))?cm\^-2s\^-1(?P<specific>\(10\^11p\)\^-2)?")

# Everything else: what it is called there → factor, what it is called here.
_OTHERS: Mapping[str, tuple[float, str]] = MappingProxyType(
    {
        "T": (1.0, "T"),
        "MeV": (1e-3, "GeV"),
        "GeV": (1.0, "GeV"),
        "TeV": (1e3, "GeV"),
        "Hz": (1.0, "Hz"),
        "kHz": (1e3, "Hz"),
        "MHz": (1e6, "Hz"),
        "ms": (1e-3, "s"),
        "s": (1.0, "s"),
        "sec": (1.0, "s"),
        "min": (60.0, "s"),
        "h": (3600.0, "s"),
        "mm": (0.1, "cm"),
        "cm": (1.0, "cm"),
        "m": (100.0, "cm"),
        "urad": (1.0, "urad"),
        "mrad": (1e3, "urad"),
        "%": (1.0, "%"),
        "B": (1e-9, "GB"),
        "kB": (1e-6, "GB"),
        "MB": (1e-3, "GB"),
        "GB": (1.0, "GB"),
        "TB": (1e3, "GB"),
        "kB/s": (1e-6, "GB/s"),
        "MB/s": (1e-3, "GB/s"),
        "GB/s": (1.0, "GB/s"),
        "10^11": (1.0, "10^11"),
        "10^10": (0.1, "10^11"),
    }
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and its unit; the unit is one of ours, the same for every quantity of that kind."""

    number: float
    unit: str

    def __str__(self) -> str:
        return f"{self.number:g} {self.unit}"


def normal_unit(unit: str) -> tuple[float, str] | None:
    """Factor to our unit of that kind, and that unit; None where the unit is not known.

    >>> normal_unit("10^{30}cm^{-2}s^{-1}")
    (0.0001, '10^34 cm^-2 s^-1')
    """
    plain = unit.translate(str.maketrans("", "", " {}\\")).replace("μ", "u").replace("µ", "u").replace("mu", "u")
    if plain in _OTHERS:
        return _OTHERS[plain]
    if (rate := _RATE.fullmatch(plain)) is not None:
        base, name = (30, SPECIFIC) if rate["specific"] else (34, LUMINOSITY)
        return float(f"1e{int(rate['power'] or 0) - base}"), name
    if (barn := _INVERSE_BARN.fullmatch(plain)) is not None and plain.startswith("/") != plain.endswith("^-1"):
        return _PREFIXES[barn["prefix"]], INTEGRATED
    return None
