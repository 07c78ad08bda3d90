"""A database with the shipped trends and points that are made up by SQL, with all that can be odd about runs."""

from pathlib import Path

import psycopg

from hdqm_ops import config, load, reduce
from hdqm_ops.model import Trend

__all__ = ["RUNS", "fill"]

RUNS = 120

_TRENDS = Path(config.__file__).parent.parent / "trends"


def fill(url: str, runs: int = RUNS) -> None:
    """Fill a migrated database."""
    tree = config.read_tree([_TRENDS], reduce.catalogue())
    with load.connect(url, role=None) as connection:
        load.apply_configuration(connection, tree.trends, tree.groups, whole=True)
        connection.execute("SELECT set_config('test.runs', %s, false)", [str(runs)])
        connection.execute(Path(__file__).with_suffix(".sql").read_bytes())
        _histograms(connection, tree.trends)


def _histograms(connection: psycopg.Connection, trends: tuple[Trend, ...]) -> None:
    """One histogram a trend, in one dimension or in two, for the newest file of SingleMuon and the one before."""
    for number, trend in enumerate(trends):
        path = trend.alternatives[0].paths["main"][0]
        two = number % 5 == 4
        connection.execute(
            """
            INSERT INTO hdqm.histogram (run_number, dqm_file_id, element_id, class_name, name, title, entries,
                x_bins, x_low, x_high, y_bins, y_low, y_high, sums, cells_double)
            SELECT f.run_number, f.id, e.id, CASE WHEN %(two)s THEN 'TH2D' ELSE 'TH1D' END, 'h', 'made up', 1000,
                40, -4, 4, CASE WHEN %(two)s THEN 20 END, CASE WHEN %(two)s THEN 0 END, CASE WHEN %(two)s THEN 10 END,
                array_fill(1000::float8, ARRAY[CASE WHEN %(two)s THEN 7 ELSE 4 END]),
                ARRAY(SELECT round(1000 * exp(-((i %% 42 - 20.5) / (8 + f.run_number %% 2)) ^ 2) * (1 + i / 42))
                      FROM generate_series(0, CASE WHEN %(two)s THEN 42 * 22 ELSE 42 END - 1) AS i)
            FROM hdqm.dqm_file AS f JOIN hdqm.primary_dataset AS d ON d.id = f.primary_dataset_id, hdqm.element AS e
            WHERE f.loaded AND d.name = 'SingleMuon' AND e.path = %(path)s
            ORDER BY f.run_number DESC LIMIT 2
            ON CONFLICT DO NOTHING
            """,
            {"two": two, "path": path},
        )
