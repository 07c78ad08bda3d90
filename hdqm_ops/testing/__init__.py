"""Makers for tests, ours and those of experts who write a metric in a notebook."""

from hdqm_ops.testing._histograms import draw_hist, draw_map, draw_profile, draw_profile_map

__all__ = ["draw_hist", "draw_map", "draw_profile", "draw_profile_map"]
