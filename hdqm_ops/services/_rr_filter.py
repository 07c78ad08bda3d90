"""Filters for Run Registry: what people write, into what its server understands; nothing is dropped or guessed."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from operator import eq, ge, gt, le, lt, ne
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from hdqm_ops.errors import RequestRefused

Kind: TypeAlias = Literal["runs", "datasets"]
Filter: TypeAlias = Mapping[str, Any]

STATUSES = ("GOOD", "BAD", "STANDBY", "EXCLUDED", "NOTSET", "EMPTY")
OPERATORS = ("=", "<>", ">", ">=", "<", "<=", "like", "notlike")
_JOINS = ("and", "or")

_RR = frozenset({"class", "state", "significant", "stop_reason", "short_run", "run_needs_to_be_updated_manually"})
_OWN: Mapping[Kind, frozenset[str]] = MappingProxyType(
    {
        "runs": frozenset({"run_number", "version", "deleted"}),
        "datasets": frozenset({"run_number", "name", "version", "deleted", "datasets_in_gui"}),
    }
)
_PREFIXES: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {
        "runs": ("rr_attributes.", "oms_attributes.", "triplet_summary."),
        "datasets": ("rr_attributes.", "oms_attributes.", "triplet_summary.", "dataset_attributes."),
    }
)
_WORKSPACES = (
    *("global", "btag", "castor", "cms", "csc", "ctpps", "dt", "ecal", "egamma", "gem", "hcal", "hlt", "jetmet"),
    *("l1t", "lumi", "muon", "rpc", "tau", "tracker"),
)
_DATASET = frozenset({"appeared_in", *(f"{workspace}_state" for workspace in _WORKSPACES)})
_INCLUDED = (
    *("castor", "cow", "csc", "csc_efed", "ctpps", "ctpps_tot", "daq", "dcs", "dqm", "dt", "dt_efed", "ecal"),
    *("ecal_efed", "efed", "es", "gem", "hcal", "hcal_efed", "hf", "hflumi", "ltc", "lumi", "pixel", "pixel_up"),
    *("rpc", "rpc_efed", "scal", "tcds", "totem", "tracker", "tracker_efed", "trg", "trg_efed"),
)
_OMS = frozenset(
    {
        *("b_field", "beamactive_total_deadtime", "beams_present_and_stable", "beta_star_start", "beta_star_stop"),
        *("clock_type", "cmssw_version", "components", "components_out", "crossing_angle_start"),
        *("crossing_angle_stop", "delivered_lumi", "duration", "end_lumi", "end_time", "energy", "era"),
        *("fill_number", "fill_type_party1", "fill_type_party2", "fill_type_runtime", "hlt_key"),
        *("hlt_physics_counter", "hlt_physics_rate", "hlt_physics_size", "hlt_physics_throughput", "init_lumi"),
        *("initial_prescale_index", "injection_scheme", "l1_hlt_mode", "l1_hlt_mode_stripped", "l1_key"),
        *("l1_key_stripped", "l1_menu", "l1_rate", "l1_triggers_counter", "last_lumisection_number", "last_update"),
        *("ls_duration", "recorded_lumi", "sequence", "stable_beam", "start_time", "tier0_transfer", "trigger_mode"),
        *(f"{name}_included" for name in _INCLUDED),
    }
)
_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "btag": "btag",
        "castor": "castor",
        "cms": "cms infrastructure",
        "csc": "csc csctf ddus efficiency gasgains integrity mem mep occupancy pedestals resolution segments strips "
        "tf timing triggergpe triggerpe",
        "ctpps": "ctpps rp45_210 rp45_220 rp45_cyl rp56_210 rp56_220 rp56_cyl",
        "dc": "lowlumi",
        "dt": "dt",
        "ecal": "analysis collisions ebm ebp ecal eem eep es esm esp laser noise preshower timing tpg",
        "egamma": "egamma es",
        "gem": "gem",
        "hcal": "hb hb_ls hbls hcal he he_ls hels hf hf_ls hfls ho0 ho0ls ho12 ho12_ls ho12ls hoO_ls",
        "hlt": "bjets electrons global hlt hlt_global jetmet muons photons tau technical",
        "jetmet": "jetmet",
        "l1t": "bcs_tech bptx_tech e_gamma energy_sums hf_rings hf_tech hg_rings jet l1t l1tcalo l1tmu muon muon_csc "
        "muon_dt muon_rpc rpc_tech software",
        "lumi": "lumi",
        "muon": "muon",
        "rpc": "elog feb hv lv noise rpc strip",
        "tau": "tau",
        "tracker": "pix pixel strip track track_private",
    }
)
COLUMNS = frozenset(f"{workspace}-{name}" for workspace, names in _COLUMNS.items() for name in names.split())


def server_filter(kind: Kind, wanted: Filter) -> dict[str, Any]:
    """What the server understands, from what people write. The argument is left as it is.

    Names stand for themselves (``class``, ``hlt_key``, ``dataset_name``, ``global_state``), bare values mean equality,
    lists mean any of them, ``and`` and ``or`` join. A column means its lumisections: ``{"dt-dt": "GOOD"}`` has any good
    one, ``{"dt-dt": {"GOOD": {">": 100}}}`` more than a hundred, ``{"dt-dt": ["GOOD", "STANDBY"]}`` any of either.

    Raises:
        RequestRefused: a name or an operator that is not known, or something that the server cannot tell.
    """
    if not isinstance(wanted, Mapping):
        raise _refused(kind, f"a filter is an object, not {wanted!r}", "an empty one, {}, means all")
    plain: dict[str, Any] = {}
    groups: list[dict[str, Any]] = []
    for name, condition in wanted.items():
        if name in _JOINS:
            groups.append({name: [server_filter(kind, part) for part in _parts(kind, name, condition)]})
        elif name in COLUMNS:
            _put_column(kind, name, condition, plain, groups)
        else:
            plain[_path(kind, name)] = _condition(kind, name, condition)
    for group in groups:
        _refuse_mixed(kind, group)
    return _together(plain, groups)


def _together(plain: dict[str, Any], groups: list[dict[str, Any]]) -> dict[str, Any]:
    names = [next(iter(group)) for group in groups]
    if len(set(names)) == len(names):
        return {**plain, **{name: group[name] for name, group in zip(names, groups, strict=True)}}
    return {**plain, "and": groups}


def _parts(kind: Kind, name: str, condition: Any) -> list[Any]:
    if not isinstance(condition, list) or not condition:
        raise _refused(kind, f"{name!r} joins a list of filters, not {condition!r}")
    return condition


def _path(kind: Kind, name: str) -> str:
    """The full name on the server."""
    if name == "dataset_name" and kind == "datasets":
        return "name"
    if name in _OWN[kind] or name.startswith(_PREFIXES[kind]):
        return name
    if name in _RR:
        return f"rr_attributes.{name}"
    if name in _DATASET and kind == "datasets":
        return f"dataset_attributes.{name}"
    if name in _OMS:
        return f"oms_attributes.{name}"
    known = {*_OWN[kind], *_RR, *_OMS, *COLUMNS, *(_DATASET | {"dataset_name"} if kind == "datasets" else ())}
    near = get_close_matches(name, known, n=1)
    cure = f"did you mean {near[0]}? Anything goes" if near else "anything goes"
    raise _refused(kind, f"no attribute {name!r}", f"{cure} with {', '.join(_PREFIXES[kind])} before it")


def _condition(kind: Kind, name: str, condition: Any) -> dict[str, Any]:
    if isinstance(condition, list):
        return {"or": [_condition(kind, name, one) for one in condition]}
    if not isinstance(condition, Mapping):
        return {"=": _value(condition)}
    found: dict[str, Any] = {}
    for operator, value in condition.items():
        if operator in _JOINS:
            found[operator] = [_condition(kind, name, one) for one in _parts(kind, operator, value)]
        elif operator in OPERATORS:
            found[operator] = _value(value)
        else:
            known = ", ".join((*OPERATORS, *_JOINS))
            raise _refused(kind, f"{name} cannot be compared by {operator!r}", f"known are {known}")
    return found


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


def _put_column(kind: Kind, name: str, condition: Any, plain: dict[str, Any], groups: list[dict[str, Any]]) -> None:
    """A column's condition becomes one on the number of its lumisections with a status."""
    if isinstance(condition, Mapping) and set(condition) == {"="}:
        condition = condition["="]
    if isinstance(condition, Mapping) and set(condition) == {"or"}:
        condition = condition["or"]
    if isinstance(condition, list) and condition:
        counts = [_count(kind, name, one.get("=") if isinstance(one, Mapping) else one) for one in condition]
        groups.append({"or": [{path: {">": 0}} for path in counts]})
    elif isinstance(condition, Mapping) and condition and {*map(str.upper, condition)} <= {*STATUSES}:
        for status, number in condition.items():
            plain[_count(kind, name, status)] = _condition(kind, name, number)
    else:
        plain[_count(kind, name, condition)] = {">": 0}


def _count(kind: Kind, name: str, status: Any) -> str:
    text = status.upper() if isinstance(status, str) else ""
    if text not in STATUSES:
        found = f"{name} is asked for by its lumisections with a status, not by {status!r}"
        cure = f"say one of {', '.join(STATUSES)}, a list of them, or {{status: {{'>': number}}}}"
        raise _refused(kind, found, cure)
    return f"triplet_summary.{name}.{text}"


def _refuse_mixed(kind: Kind, group: dict[str, Any]) -> None:
    """The server deals an ``or`` to its tables, and all of them have to agree: it would not be an ``or`` any more."""
    if "or" in group and len({table for part in group["or"] for table in _tables(kind, part)}) > 1:
        found = "an 'or' over attributes of different tables (lumisections, run, dataset) means 'and' to the server"
        raise _refused(kind, found, "ask twice, and join the answers")


def _tables(kind: Kind, part: Filter) -> set[str]:
    found: set[str] = set()
    for name, condition in part.items():
        if name in _JOINS:
            found |= {table for inner in condition for table in _tables(kind, inner)}
        elif name.startswith("triplet_summary."):
            found.add("lumisections")
        elif kind == "datasets" and name.startswith(("rr_attributes.", "oms_attributes.")):
            found.add("run")
        else:
            found.add("own")
    return found


def _refused(kind: Kind, found: str, cure: str = "") -> RequestRefused:
    return RequestRefused("Run Registry", f"filter on {kind}", found, cure)


# -- does a row satisfy it? --------------------------------------------------------------------------------------------

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {"=": eq, "<>": ne, ">": gt, ">=": ge, "<": lt, "<=": le}
)


def broken_condition(wanted: Filter, lookup: Callable[[str], Any]) -> str | None:
    """The name of a condition that a row surely does not satisfy; None where there is none. Joins are believed."""
    for name, condition in wanted.items():
        if name not in _JOINS and not name.startswith("triplet_summary.") and _broken(condition, lookup(name)):
            return name
    return None


def _broken(condition: Any, value: Any) -> bool:
    if not isinstance(condition, Mapping):
        return bool(value != condition)
    return any(_operator_broken(operator, wanted, value) for operator, wanted in condition.items())


def _operator_broken(operator: str, wanted: Any, value: Any) -> bool:
    if operator in _JOINS:
        broken = (_broken(one, value) for one in wanted)
        return any(broken) if operator == "and" else all(broken)
    if value is None or wanted is None:
        return operator == "=" and value is not wanted
    if operator in ("like", "notlike"):
        pattern = ".*".join(re.escape(piece).replace("_", ".") for piece in str(wanted).split("%"))
        return (re.fullmatch(pattern, str(value), re.IGNORECASE) is None) == (operator == "like")
    try:
        return operator in _COMPARE and not _COMPARE[operator](value, wanted)
    except TypeError:
        return False
