"""DQM file → histograms: reads the wanted monitor elements of a ROOT file, and nothing else."""

from hdqm_ops.extract._reader import list_elements, read_file

__all__ = ["list_elements", "read_file"]
