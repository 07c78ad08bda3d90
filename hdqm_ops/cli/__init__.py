"""The command line ``hdqm``. One module a family of commands; each is a thin dress over a function of a room.

Exit codes: 0 all done; 1 done, and something in the data is wrong (a file failed, a configuration has errors);
2 the command line cannot be understood; 3 something that is needed does not answer: try again or start it;
130 interrupted.
"""

from hdqm_ops.cli._main import app, main

__all__ = ["app", "main"]
