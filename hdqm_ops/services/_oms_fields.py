"""What is known of OMS's resources beforehand: keys, units that never change, fields whose unit comes with the row."""

from collections.abc import Mapping
from types import MappingProxyType

from hdqm_ops.services._units import INTEGRATED, LUMINOSITY, SPECIFIC

# Fields that make a row's identity: what pages are sorted by so that they do not move under the reader.
KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "runs": ("run_number",),
        "fills": ("fill_number",),
        "lumisections": ("run_number", "lumisection_number"),
    }
)

# Luminosities are scaled row by row: without the row's own unit they mean nothing. Field → our unit of that kind.
SCALED: Mapping[str, str] = MappingProxyType(
    {
        "init_lumi": LUMINOSITY,
        "end_lumi": LUMINOSITY,
        "peak_lumi": LUMINOSITY,
        "peak_specific_lumi": SPECIFIC,
        "delivered_lumi": INTEGRATED,
        "recorded_lumi": INTEGRATED,
        "delivered_lumi_per_lumisection": INTEGRATED,
        "recorded_lumi_per_lumisection": INTEGRATED,
        "delivered_lumi_stablebeams": INTEGRATED,
        "recorded_lumi_stablebeams": INTEGRATED,
    }
)

_EVERYWHERE = {
    "energy": "GeV",
    "b_field": "T",
    "crossing_angle": "urad",
    "crossing_angle_start": "urad",
    "crossing_angle_stop": "urad",
    "beta_star": "cm",
    "beta_star_start": "cm",
    "beta_star_stop": "cm",
}
_FIXED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "runs": {
            "duration": "s",
            "l1_rate": "Hz",
            "hlt_physics_rate": "Hz",
            "hlt_physics_size": "GB",
            "hlt_physics_throughput": "GB/s",
            "beamactive_total_deadtime": "%",
        },
        "fills": {
            "duration": "s",
            "efficiency_lumi": "%",
            "efficiency_time": "%",
            "intensity_beam1": "10^11",
            "intensity_beam2": "10^11",
        },
        "l1triggerrates": {
            "percentage_physics_triggers_lost": "%",
            "percentage_physics_triggers_lost_beam_active": "%",
            "percentage_physics_triggers_lost_beam_inactive": "%",
        },
        "l1algorithmtriggers": {
            "pre_dt_before_prescale_rate": "Hz",
            "pre_dt_rate": "Hz",
            "post_dt_rate": "Hz",
            "post_dt_hlt_rate": "Hz",
        },
        "hltpathinfo": {"rate": "Hz"},
        "hltpathrates": {"rate": "Hz"},
        "datasetrates": {"rate": "Hz"},
        "streams": {"rate": "Hz", "file_size": "GB", "bandwidth": "MB/s"},
    }
)

# Level-1 rates and dead times are pairs, ``{"rate": 24418.3, "counter": 569191}``: what stands in such a pair.
PAIRED: Mapping[str, str] = MappingProxyType({"rate": "Hz", "percent": "%"})

# Fields that rows are known to carry, beyond the keys: a filter on one of them can be checked in the answer.
_OF_RUN = frozenset({"run_number"})
_CARRIED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "runs": frozenset(
            {
                *("run_number", "fill_number", "sequence", "start_time", "end_time", "last_update", "duration"),
                *("last_lumisection_number", "stable_beam", "fill_type_runtime", "energy", "b_field", "clock_type"),
                *("l1_key", "l1_hlt_mode", "l1_menu", "hlt_key", "trigger_mode", "cmssw_version", "tier0_transfer"),
                *("delivered_lumi", "recorded_lumi", "era"),
            }
        ),
        "fills": frozenset(
            {
                *("fill_number", "start_time", "end_time", "start_stable_beam", "end_stable_beam", "era"),
                *("stable_beams", "fill_type_runtime", "injection_scheme", "energy", "delivered_lumi"),
            }
        ),
        "lumisections": frozenset(
            {
                *("run_number", "fill_number", "lumisection_number", "start_time", "end_time", "physics_flag"),
                *("cms_active", "beams_stable", "prescale_index"),
            }
        ),
        "hltpathinfo": _OF_RUN | {"path_name"},
        "hltpathrates": _OF_RUN | {"path_name", "first_lumisection_number", "last_lumisection_number"},
        "l1algorithmtriggers": frozenset({"name", "bit", "first_lumisection_number", "last_lumisection_number"}),
        "l1triggerrates": frozenset({"first_lumisection_number", "last_lumisection_number"}),
        "datasetrates": frozenset({"dataset_name"}),
        "streams": frozenset({"stream_name"}),
        "eras": frozenset({"name", "start_run", "end_run"}),
    }
)


def carried(resource: str) -> frozenset[str]:
    """Fields that the rows of a resource surely have."""
    return _CARRIED.get(resource, frozenset())


def fixed_unit(resource: str, field: str) -> str | None:
    """The unit of a field where the row says none; None where there is no unit, or only the row can tell."""
    return _EVERYWHERE.get(field) or _FIXED.get(resource, {}).get(field)
