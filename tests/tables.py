"""All facts of a database by natural keys: without surrogate ids, timestamps and tries.

Two databases hold the same when their facts are equal, whatever happened on the way there.
"""

from hdqm_ops import load

FACTS = {
    "trends": """
        SELECT u.name, t.name, t.title, t.y_title, t.unit, t.description, t.owner, t.low, t.high, t.active,
            encode(d.hash, 'hex'), d.metric, d.alternatives::text
        FROM hdqm.trend t JOIN hdqm.subsystem u ON u.id = t.subsystem_id
        LEFT JOIN hdqm.definition d ON d.trend_id = t.id AND d.is_current""",
    "groups": """
        SELECT g.*, m.position, m.trend, m.colour
        FROM hdqm.display_groups g LEFT JOIN hdqm.display_group_series m USING (subsystem, "group")""",
    "files": """
        SELECT f.path, f.run_number, f.name_run_number, f.dataset, d.name, c.name, f.era, f.tier, f.processing_version,
            f.dqm_version, f.size_bytes, f.mtime, f.state::text, f.loaded, f.reason,
            (SELECT array_agg(path ORDER BY path) FROM hdqm.element WHERE id = ANY (e.ids)),
            (SELECT array_agg(path ORDER BY path) FROM hdqm.element WHERE id = ANY (f.missing_elements)),
            (SELECT array_agg(encode(q.hash, 'hex') || t.name ORDER BY encode(q.hash, 'hex') || t.name)
                FROM hdqm.definition q JOIN hdqm.trend t ON t.id = q.trend_id WHERE q.id = ANY (s.ids))
        FROM hdqm.dqm_file f
        JOIN hdqm.primary_dataset d ON d.id = f.primary_dataset_id JOIN hdqm.processing c ON c.id = f.processing_id
        LEFT JOIN hdqm.element_set e ON e.id = f.element_set_id
        LEFT JOIN hdqm.definition_set s ON s.id = f.definition_set_id""",
    "runs": "SELECT * FROM hdqm.runs",
    "series": """
        SELECT u.name, t.name, d.name, c.name, s.slice, s.kind
        FROM hdqm.series s JOIN hdqm.trend t ON t.id = s.trend_id JOIN hdqm.subsystem u ON u.id = t.subsystem_id
        JOIN hdqm.primary_dataset d ON d.id = s.primary_dataset_id JOIN hdqm.processing c ON c.id = s.processing_id
        WHERE s.has_value""",
    "points": """
        SELECT p.subsystem, p.trend, p.primary_dataset, p.processing, p.run_number, p.value, p.error, p.error_low,
            p.error_high, p.status, p.entries, p.definition, f.path, p.alternative
        FROM hdqm.trend_points p LEFT JOIN hdqm.dqm_file f ON f.id = p.dqm_file_id""",
    "history": """
        SELECT p.subsystem, p.trend, p.primary_dataset, p.processing, p.run_number, p.value, p.error, p.error_low,
            p.error_high, p.status, p.entries, p.definition, f.path, p.alternative
        FROM hdqm.trend_points_all p LEFT JOIN hdqm.dqm_file f ON f.id = p.dqm_file_id WHERE NOT p.current""",
    "histograms": """
        SELECT f.path, h.run_number, e.path, md5((to_jsonb(h) - 'dqm_file_id' - 'element_id')::text)
        FROM hdqm.histogram h LEFT JOIN hdqm.dqm_file f ON f.id = h.dqm_file_id
        LEFT JOIN hdqm.element e ON e.id = h.element_id""",
}


def facts(url, *, without=()):
    """Every fact of the database as text, by kind."""
    with load.connect(url, role=None) as connection:
        return {
            kind: sorted(repr(row) for row in connection.execute(select).fetchall())
            for kind, select in FACTS.items()
            if kind not in without
        }


def versions(url):
    """The version of every row of every table: what changes when anything is written."""
    with load.connect(url, role=None) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
            "WHERE schemaname = 'hdqm' OR tablename LIKE '\\_hyper\\_%' ORDER BY 1"
        ).fetchall()
        return {
            table: sorted(connection.execute(f"SELECT ctid::text, xmin::text FROM {table}").fetchall())
            for (table,) in tables
        }


# hdqm.file_coverage never looks at values: it relies on each loaded file having a row for all that was computed for it
UNCOVERED = """
    SELECT count(*)
    FROM hdqm.file_coverage(ARRAY(SELECT id FROM hdqm.dqm_file WHERE loaded), 'all')
    FULL JOIN (
        SELECT p.run_number, s.primary_dataset_id, s.processing_id, t.subsystem_id,
            count(*) FILTER (WHERE p.status = 0) AS values, count(*) FILTER (WHERE p.status <> 0) AS holes
        FROM hdqm.point p JOIN hdqm.series s ON s.id = p.series_id JOIN hdqm.trend t ON t.id = s.trend_id
        WHERE s.has_value AND t.active GROUP BY 1, 2, 3, 4
    ) AS counted USING (run_number, primary_dataset_id, processing_id, subsystem_id)
    WHERE (coalesce(with_value, 0), coalesce(gaps, 0)) IS DISTINCT FROM (coalesce(values, 0), coalesce(holes, 0))"""


# what triggers have counted, beside the same counted in the tables: each row that differs
_OWNED = "hdqm.series s JOIN hdqm.trend t ON t.id = s.trend_id"
_WHOLE = "s.kind = 'run' AND s.slice = ''"
_SETS = "hdqm.dqm_file f LEFT JOIN hdqm.definition_set k ON k.id = f.definition_set_id"
COUNTED = {
    "series": (
        "SELECT * FROM hdqm.series_count WHERE (series, with_value) <> (0, 0)",
        f"""SELECT t.subsystem_id, s.primary_dataset_id, s.processing_id, count(*), count(*) FILTER (WHERE s.has_value)
            FROM {_OWNED} WHERE {_WHOLE} GROUP BY 1, 2, 3""",
    ),
    "gaps": (
        "SELECT * FROM hdqm.gap_count WHERE points <> 0",
        f"""SELECT p.run_number, s.primary_dataset_id, s.processing_id, t.subsystem_id, p.status, count(*)
            FROM hdqm.point p JOIN ({_OWNED}) ON s.id = p.series_id
            WHERE p.status <> 0 AND s.has_value AND {_WHOLE} GROUP BY 1, 2, 3, 4, 5""",
    ),
    "states": (
        "SELECT state, sum(files) FROM hdqm.file_tally WHERE state IS NOT NULL GROUP BY 1 HAVING sum(files) <> 0",
        "SELECT state, count(*) FROM hdqm.dqm_file GROUP BY 1",
    ),
    "days": (
        """SELECT day, sum(files), sum(points) FROM hdqm.file_tally WHERE day IS NOT NULL
            GROUP BY 1 HAVING (sum(files), sum(points)) <> (0, 0)""",
        f"""SELECT (f.ingested_at AT TIME ZONE 'UTC')::date, count(*), coalesce(sum(cardinality(k.ids)), 0)
            FROM {_SETS} WHERE f.ingested_at IS NOT NULL GROUP BY 1""",
    ),
    "points outside": (
        "SELECT * FROM hdqm.outside_points(ARRAY(SELECT DISTINCT run_number FROM hdqm.dqm_file WHERE loaded))",
        f"""SELECT p.run_number, p.series_id FROM hdqm.point p JOIN ({_OWNED}) ON s.id = p.series_id
            WHERE t.active AND (p.value < t.low OR p.value > t.high)""",
    ),
}


def miscounted(connection):
    """Rows that are counted otherwise than the tables have them, by what is counted: none."""
    found = {}
    for what, (kept, true) in COUNTED.items():
        rows = connection.execute(f"(({kept}) EXCEPT ALL ({true})) UNION ALL (({true}) EXCEPT ALL ({kept}))").fetchall()
        if rows:
            found[what] = rows
    return found


def orphans(url):
    """Rows whose ids lead nowhere; no foreign keys guard the hypertables."""
    questions = {
        "point": "SELECT count(*) FROM hdqm.point p WHERE NOT EXISTS (SELECT FROM hdqm.series s WHERE s.id = series_id)"
        " OR NOT EXISTS (SELECT FROM hdqm.definition d WHERE d.id = definition_id)"
        " OR NOT EXISTS (SELECT FROM hdqm.dqm_file f WHERE f.id = dqm_file_id AND f.run_number = p.run_number)"
        " OR NOT EXISTS (SELECT FROM hdqm.reason r WHERE r.number = status)",
        "histogram": "SELECT count(*) FROM hdqm.histogram h"
        " WHERE NOT EXISTS (SELECT FROM hdqm.element e WHERE e.id = element_id)"
        " OR NOT EXISTS (SELECT FROM hdqm.dqm_file f WHERE f.id = dqm_file_id AND f.run_number = h.run_number)",
        "series without value": "SELECT count(*) FROM hdqm.series s WHERE s.has_value <>"
        " EXISTS (SELECT FROM hdqm.point p WHERE p.series_id = s.id AND p.status = 0)",
        "missing without value": "SELECT count(*) FROM hdqm.point p JOIN hdqm.series s ON s.id = p.series_id"
        " WHERE p.status = 1 AND NOT s.has_value",
        "files whose coverage is not that of their points": UNCOVERED,
    }
    with load.connect(url, role=None) as connection:
        found = {name: connection.execute(text).fetchone()[0] for name, text in questions.items()}
        wrong = miscounted(connection)
    return {name: number for name, number in found.items() if number} | wrong
