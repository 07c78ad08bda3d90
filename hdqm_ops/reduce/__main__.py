"""Print the page of all metrics."""

import sys

from hdqm_ops.reduce import metrics_page

if __name__ == "__main__":
    sys.stdout.write(metrics_page())
