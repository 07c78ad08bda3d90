-- is_staged --
SELECT to_regclass('pg_temp.stage_many') IS NOT NULL

-- stage --
-- Once a connection.
CREATE TEMP TABLE stage_many (
    file_id int, definition_id int, status smallint, value float8, error real, error_low real, error_high real,
    entries float8, alternative smallint
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE plan_many (
    series_id int, has_value boolean, old_definition_id int, old_file_id int, old_status smallint, run_number int,
    LIKE stage_many
) ON COMMIT DELETE ROWS

-- lock --
-- Who counts in a dataset, and which series it has, is decided by one load at a time.
SELECT pg_advisory_xact_lock(d.id, c.id) FROM hdqm.primary_dataset d, hdqm.processing c
WHERE d.name = %(primary_dataset)s AND c.name = %(processing)s

-- files --
-- Those that count, that nobody has claimed, and that have no rival about which anything would have to be decided; in the order
-- of ids, as a listing does.
SELECT f.id, f.run_number, f.size_bytes, f.mtime, f.definition_set_id, f.element_set_id, f.primary_dataset_id, f.processing_id
FROM hdqm.dqm_file f
WHERE f.id = ANY (%(file_ids)s) AND f.loaded AND f.state = 'ingested' AND f.claimed_by IS NULL
    AND NOT EXISTS (
        SELECT FROM hdqm.dqm_file o
        WHERE o.primary_dataset_id = f.primary_dataset_id AND o.processing_id = f.processing_id
            AND o.run_number = f.run_number AND o.id <> f.id AND (o.loaded OR o.state NOT IN ('superseded', 'ignored'))
    )
ORDER BY f.id
FOR UPDATE OF f

-- copy --
COPY pg_temp.stage_many FROM STDIN (FORMAT binary)

-- make_series --
INSERT INTO hdqm.series (trend_id, primary_dataset_id, processing_id)
SELECT DISTINCT d.trend_id, %(primary_dataset_id)s::int, %(processing_id)s::int
FROM pg_temp.stage_many p JOIN hdqm.definition d ON d.id = p.definition_id AND d.is_current
WHERE p.status <> %(missing)s
    AND NOT EXISTS (
        SELECT FROM hdqm.series s
        WHERE s.trend_id = d.trend_id AND s.primary_dataset_id = %(primary_dataset_id)s
            AND s.processing_id = %(processing_id)s AND s.slice = '' AND s.kind = 'run'
    )
ORDER BY d.trend_id

-- plan --
-- What was computed, with the series it belongs to and the row that is there. A definition that no longer counts is left aside.
INSERT INTO pg_temp.plan_many
SELECT s.id, s.has_value, o.definition_id, o.dqm_file_id, o.status, f.run_number, p.*
FROM pg_temp.stage_many p
JOIN hdqm.dqm_file f ON f.id = p.file_id
JOIN hdqm.definition d ON d.id = p.definition_id AND d.is_current
JOIN hdqm.series s ON s.trend_id = d.trend_id AND s.primary_dataset_id = %(primary_dataset_id)s
    AND s.processing_id = %(processing_id)s AND s.slice = '' AND s.kind = 'run'
LEFT JOIN hdqm.point o ON o.series_id = s.id AND o.run_number = f.run_number
    AND o.run_number BETWEEN %(first)s AND %(last)s

-- outline --
SELECT
    coalesce(array_agg(DISTINCT series_id) FILTER (WHERE status = 0 AND NOT has_value), '{}') AS births,
    coalesce(array_agg(DISTINCT series_id) FILTER (WHERE old_status = 0 AND status <> 0), '{}') AS losses
FROM pg_temp.plan_many

-- bear_series --
UPDATE hdqm.series SET has_value = true WHERE id = ANY (%(births)s)

-- tell_plan --
-- A series that has a value in one of the files keeps its rows "element missing" of the others.
UPDATE pg_temp.plan_many SET has_value = true WHERE series_id = ANY (%(births)s)

-- move_to_history --
INSERT INTO hdqm.point_history AS h (series_id, run_number, value, error, error_low, error_high, status, entries,
    definition_id, dqm_file_id, alternative)
SELECT o.series_id, o.run_number, o.value, o.error, o.error_low, o.error_high, o.status, o.entries, o.definition_id,
    o.dqm_file_id, o.alternative
FROM pg_temp.plan_many p JOIN hdqm.point o ON o.series_id = p.series_id AND o.run_number = p.run_number
    AND o.run_number BETWEEN %(first)s AND %(last)s
WHERE p.old_definition_id <> p.definition_id AND p.old_file_id = p.file_id
ON CONFLICT (series_id, definition_id, run_number) DO UPDATE
SET value = excluded.value, error = excluded.error, error_low = excluded.error_low, error_high = excluded.error_high,
    status = excluded.status, entries = excluded.entries, dqm_file_id = excluded.dqm_file_id,
    alternative = excluded.alternative

-- leave_history --
-- An earlier definition counts again.
DELETE FROM hdqm.point_history h USING pg_temp.plan_many p
WHERE h.series_id = p.series_id AND h.definition_id = p.definition_id AND h.run_number = p.run_number
    AND h.run_number BETWEEN %(first)s AND %(last)s

-- upsert_points --
-- The same again changes no row, not even its version.
INSERT INTO hdqm.point AS o (series_id, run_number, value, error, error_low, error_high, status, entries, definition_id,
    dqm_file_id, alternative)
SELECT series_id, run_number, value, error, error_low, error_high, status, entries, definition_id, file_id, alternative
FROM pg_temp.plan_many
WHERE status <> %(missing)s OR has_value
ORDER BY series_id, run_number
ON CONFLICT (series_id, run_number) DO UPDATE
SET value = excluded.value, error = excluded.error, error_low = excluded.error_low, error_high = excluded.error_high,
    status = excluded.status, entries = excluded.entries, definition_id = excluded.definition_id,
    dqm_file_id = excluded.dqm_file_id, alternative = excluded.alternative
WHERE (o.value, o.error, o.error_low, o.error_high, o.status, o.entries, o.definition_id, o.dqm_file_id, o.alternative)
    IS DISTINCT FROM (excluded.value, excluded.error, excluded.error_low, excluded.error_high, excluded.status,
        excluded.entries, excluded.definition_id, excluded.dqm_file_id, excluded.alternative)

-- remove_points --
DELETE FROM hdqm.point o USING pg_temp.plan_many p
WHERE p.status = %(missing)s AND NOT p.has_value AND p.old_status IS NOT NULL
    AND o.series_id = p.series_id AND o.run_number = p.run_number AND o.run_number BETWEEN %(first)s AND %(last)s

-- fill_other_gaps --
-- A series that has its first value gets a row for each other loaded file that lacks the element.
WITH computed AS (
    SELECT c.id AS definition_set_id, s.id AS series_id, d.id AS definition_id, d.main_elements
    FROM hdqm.definition_set c
    CROSS JOIN LATERAL unnest(c.ids) AS member (id)
    JOIN hdqm.definition d ON d.id = member.id
    JOIN hdqm.series s ON s.trend_id = d.trend_id AND s.id = ANY (%(births)s)
    WHERE c.id IN (
        SELECT f.definition_set_id FROM hdqm.dqm_file f
        WHERE f.loaded AND f.primary_dataset_id = %(primary_dataset_id)s AND f.processing_id = %(processing_id)s
            AND f.id <> ALL (%(file_ids)s)
    )
)
INSERT INTO hdqm.point (series_id, run_number, definition_id, dqm_file_id, status)
SELECT c.series_id, f.run_number, c.definition_id, f.id, %(missing)s
FROM hdqm.dqm_file f JOIN computed c ON c.definition_set_id = f.definition_set_id
WHERE f.loaded AND f.primary_dataset_id = %(primary_dataset_id)s AND f.processing_id = %(processing_id)s
    AND f.id <> ALL (%(file_ids)s) AND c.main_elements <@ f.missing_elements
ORDER BY c.series_id, f.run_number
ON CONFLICT DO NOTHING

-- definitions_now --
-- What was computed now, and of what was computed before all but other definitions of the same trends.
WITH now AS (
    SELECT d.id, d.trend_id FROM hdqm.definition d WHERE d.id = ANY (%(definitions)s) AND d.is_current
), before AS (
    SELECT d.id, d.trend_id
    FROM hdqm.definition_set s CROSS JOIN LATERAL unnest(s.ids) AS member (id) JOIN hdqm.definition d ON d.id = member.id
    WHERE s.id = %(definition_set_id)s
)
SELECT coalesce(array_agg(id ORDER BY id), '{}')
FROM (
    SELECT id FROM now
    UNION ALL
    SELECT id FROM before WHERE NOT EXISTS (SELECT FROM now WHERE now.trend_id = before.trend_id)
) AS both_of_them

-- note --
-- Times say since when it is so; where nothing else changes, they stay too.
UPDATE hdqm.dqm_file
SET definition_set_id = %(now)s, calculated_at = now(), ingested_at = now(), tries = 0, try_again_at = NULL
WHERE id = ANY (%(file_ids)s) AND definition_set_id IS DISTINCT FROM %(now)s

-- counts --
SELECT file_id, status, count(*) FROM pg_temp.plan_many WHERE status <> %(missing)s OR has_value GROUP BY file_id, status
