"""The page of all metrics, made from their docstrings."""

import re
from collections.abc import Iterator, Mapping

from hdqm_ops.model import MetricInfo, Reason
from hdqm_ops.reduce._registry import METRICS, catalogue, documentation

__all__ = ["metrics_page"]

_KEYS = ("Value", "Error", "Gaps", "Quirk", "Example")
_FAMILIES = {
    "basic": "Means, widths, counts and fractions of one histogram, as the predecessor computes them",
    "fits": "Fits of curves, as the predecessor and ROOT do them",
    "L1T_metrics": "Efficiencies of the Level-1 trigger and their turn-on curves, as the predecessor computes them",
    "muon_metrics": "Muon chambers, as the predecessor computes them",
    "hcal_metrics": "Read-out boxes of the hadron calorimeter, as the predecessor computes them",
}

_INTRODUCTION = """# Metrics

A metric is written into a section of a .ini as `metric = family.Class(arguments)`.
The main monitor element is `relativePath`; others are `histo1Path`, `histo2Path` and `reference`.
Value and error make a trend point; where there is none, the point is a gap with a reason.

The families `basic`, `fits`, `L1T_metrics`, `muon_metrics` and `hcal_metrics` are the predecessor's 67 classes.
Under its names they give the numbers that its own classes give under ROOT, with their quirks.
A quirk names the class that does it right; all other families are new.

Words: c is the content of a bin, e its error, N the number of bins.
GetMean, Integral, FindBin and others mean exactly what ROOT's methods do.

This page is made from the code: `python -m hdqm_ops.reduce > docs/metrics.md`.
"""


def metrics_page() -> str:
    """All metrics by family, in Markdown."""
    infos = catalogue()
    families = dict.fromkeys(name.partition(".")[0] for name in infos)
    lines = [_INTRODUCTION, *_overview(families, infos)]
    for family in families:
        lines += [f"## {family}", ""]
        if family in _FAMILIES:
            lines += [f"{_FAMILIES[family]}.", ""]
        for name, info in infos.items():
            if name.startswith(f"{family}."):
                lines += _section(name, info)
    return "\n".join([*lines, *_reasons()]).rstrip() + "\n"


def _overview(families: Mapping[str, None], infos: Mapping[str, MetricInfo]) -> Iterator[str]:
    yield from ("| family | metrics |", "|---|---|")
    for family in families:
        names = [name.partition(".")[2] for name in infos if name.startswith(f"{family}.")]
        links = ", ".join(f"[{name}](#{family}{name})".lower().replace(name.lower(), name, 1) for name in names)
        yield f"| {family} | {links} |"
    yield ""


def _section(name: str, info: MetricInfo) -> Iterator[str]:
    text = documentation(METRICS[name])
    said = _facts(text)
    yield from (f"### {name}", "", _summary(text), "")
    arguments = _arguments(text)
    if info.parameters:
        yield from ("| argument | type | meaning |", "|---|---|---|")
        for parameter in info.parameters:
            types = " or ".join(one.__name__ for one in parameter.types if one is not list)
            optional = ", may be left out" if parameter.optional else ""
            yield f"| {parameter.name} | {types}{optional} | {arguments.get(parameter.name, '')} |"
        yield ""
    inputs = [*info.inputs, *(f"{role} where the arguments ask for it" for role in info.optional_inputs)]
    yield f"- Inputs: {', '.join(['the main element', *inputs])}."
    for key in _KEYS:
        if key in said:
            what = f"`metric = {said[key]}`" if key == "Example" else said[key]
            yield f"- {key}: {what}"
    yield ""


def _summary(text: str) -> str:
    """What stands before the arguments and the facts."""
    head = re.split(rf"\n\n(?:Attributes:|(?:{'|'.join(_KEYS)}): )", text, maxsplit=1)[0]
    return " ".join(head.split())


def _facts(text: str) -> dict[str, str]:
    """``Value: …`` and so on, each with its continuation lines."""
    found = re.findall(rf"^({'|'.join(_KEYS)}): (.*(?:\n[ ]+.*)*)", text, flags=re.MULTILINE)
    return {key: " ".join(said.split()) for key, said in found}


def _arguments(text: str) -> dict[str, str]:
    """Arguments as the section "Attributes" describes them."""
    block = re.search(r"^Attributes:\n((?:    .*\n?)+)", text, flags=re.MULTILINE)
    if block is None:
        return {}
    found = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", block[1], flags=re.MULTILINE)
    return {name: " ".join(said.split()) for name, said in found}


def _reasons() -> Iterator[str]:
    yield from ("## Reasons of gaps", "", "| reason | meaning |", "|---|---|")
    yield from (f"| {reason.code} | {reason.meaning} |" for reason in Reason if reason is not Reason.OK)
