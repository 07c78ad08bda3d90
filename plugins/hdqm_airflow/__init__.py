"""What Airflow needs to know of HDQM: connection types, hooks, links. Loaded by entry points only."""
