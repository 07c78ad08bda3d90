"""``python -m hdqm_ops.cli`` is ``hdqm``."""

from hdqm_ops.cli import main

main()
