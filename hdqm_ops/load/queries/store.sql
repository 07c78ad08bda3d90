-- is_staged --
SELECT to_regclass('pg_temp.stage_point') IS NOT NULL

-- stage --
-- Once a connection. Arrays are laid aside as they come: compressing them twice would cost more than all the rest.
CREATE TEMP TABLE stage_point (
    definition_id int, status smallint, value float8, error real, error_low real, error_high real, entries float8,
    alternative smallint
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE plan_point (
    series_id int, has_value boolean, old_definition_id int, old_file_id int, old_status smallint, LIKE stage_point
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stage_histogram (LIKE hdqm.histogram) ON COMMIT DELETE ROWS;
ALTER TABLE stage_histogram
    ALTER x_edges SET STORAGE EXTERNAL, ALTER y_edges SET STORAGE EXTERNAL, ALTER z_edges SET STORAGE EXTERNAL,
    ALTER cells_real SET STORAGE EXTERNAL, ALTER cells_double SET STORAGE EXTERNAL,
    ALTER cells_integer SET STORAGE EXTERNAL, ALTER cells_smallint SET STORAGE EXTERNAL,
    ALTER cells_bigint SET STORAGE EXTERNAL, ALTER sumw2 SET STORAGE EXTERNAL, ALTER bin_entries SET STORAGE EXTERNAL,
    ALTER bin_sumw2 SET STORAGE EXTERNAL, ALTER sums SET STORAGE EXTERNAL,
    ALTER run_number DROP NOT NULL, ALTER dqm_file_id DROP NOT NULL

-- copy_points --
COPY pg_temp.stage_point FROM STDIN (FORMAT binary)

-- copy_histograms --
COPY pg_temp.stage_histogram (element_id, problem, entries, maximum, minimum, x_low, x_high, y_low, y_high, z_low, z_high,
    x_bins, y_bins, z_bins, class_name, name, title, error_mode, scalar, detail, axis_details, x_edges, y_edges, z_edges, sums,
    cells_real, cells_double, cells_integer, cells_smallint, cells_bigint, sumw2, bin_entries, bin_sumw2)
FROM STDIN (FORMAT binary)

-- elements --
SELECT path, id FROM hdqm.element WHERE path = ANY (%(paths)s)

-- add_elements --
INSERT INTO hdqm.element (path)
SELECT DISTINCT path COLLATE "C" FROM unnest(%(paths)s::text[]) AS path ORDER BY 1
ON CONFLICT DO NOTHING

-- lock --
-- Who counts in a dataset, and which series it has, is decided by one load at a time.
SELECT pg_advisory_xact_lock(f.primary_dataset_id, f.processing_id) FROM hdqm.dqm_file f WHERE f.id = %(file_id)s

-- file --
SELECT f.primary_dataset_id, f.processing_id, f.run_number, f.name_run_number, f.folder_run_number, f.size_bytes, f.mtime,
    f.state::text, f.loaded, f.definition_set_id, e.ids, f.missing_elements, f.claims, f.range_version,
    (SELECT version FROM hdqm.expected_range)
FROM hdqm.dqm_file f LEFT JOIN hdqm.element_set e ON e.id = f.element_set_id
WHERE f.id = %(file_id)s

-- rivals --
-- The other files of the run, primary dataset and processing, and whether each outranks the file. All of them are locked in the
-- order of ids, as a listing does.
SELECT o.id, o.state::text, o.loaded,
    (o.tier = 'DQMIO', o.processing_version, o.dqm_version, o.mtime, o.path)
        > (f.tier = 'DQMIO', f.processing_version, f.dqm_version, f.mtime, f.path)
FROM hdqm.dqm_file f
JOIN hdqm.dqm_file o ON o.primary_dataset_id = f.primary_dataset_id AND o.processing_id = f.processing_id
    AND (o.run_number = coalesce(%(run_number)s, f.run_number) OR o.id = f.id)
WHERE f.id = %(file_id)s
ORDER BY o.id
FOR UPDATE OF o

-- supersede --
UPDATE hdqm.dqm_file SET state = 'superseded', reason = NULL, claimed_by = NULL, claim_expires = NULL
WHERE id = %(file_id)s AND (state, reason, claimed_by) IS DISTINCT FROM ('superseded', NULL, NULL)

-- displace --
-- What they gave, another file gives now. One that counts for nothing although it ranks higher keeps its state.
UPDATE hdqm.dqm_file
SET loaded = false, element_set_id = NULL, missing_elements = NULL, definition_set_id = NULL, ingested_at = NULL,
    state = CASE WHEN id = ANY (%(lesser)s) AND state NOT IN ('ignored', 'vanished') THEN 'superseded' ELSE state END,
    reason = CASE WHEN id = ANY (%(lesser)s) AND state NOT IN ('ignored', 'vanished') THEN NULL ELSE reason END
WHERE id = ANY (%(outranked)s)
    AND (loaded OR element_set_id IS NOT NULL OR definition_set_id IS NOT NULL
        OR state IN ('discovered', 'waiting', 'ingested', 'failed') AND id = ANY (%(lesser)s))

-- displace_history --
DELETE FROM hdqm.point_history WHERE run_number = %(run_number)s AND dqm_file_id = ANY (%(outranked)s)

-- make_series --
INSERT INTO hdqm.series (trend_id, primary_dataset_id, processing_id)
SELECT d.trend_id, %(primary_dataset_id)s, %(processing_id)s
FROM pg_temp.stage_point p JOIN hdqm.definition d ON d.id = p.definition_id AND d.is_current
WHERE p.status <> %(missing)s
    AND NOT EXISTS (
        SELECT FROM hdqm.series s
        WHERE s.trend_id = d.trend_id AND s.primary_dataset_id = %(primary_dataset_id)s
            AND s.processing_id = %(processing_id)s AND s.slice = '' AND s.kind = 'run'
    )
ORDER BY d.trend_id

-- plan --
-- What came, with the series it belongs to and the row that is there. A definition that no longer counts is left aside.
INSERT INTO pg_temp.plan_point
SELECT s.id, s.has_value, o.definition_id, o.dqm_file_id, o.status, p.*
FROM pg_temp.stage_point p
JOIN hdqm.definition d ON d.id = p.definition_id AND d.is_current
JOIN hdqm.series s ON s.trend_id = d.trend_id AND s.primary_dataset_id = %(primary_dataset_id)s
    AND s.processing_id = %(processing_id)s AND s.slice = '' AND s.kind = 'run'
LEFT JOIN hdqm.point o ON o.series_id = s.id AND o.run_number = %(run_number)s

-- outline --
-- Which of the rarer steps there is something to do for.
SELECT
    coalesce(bool_or(status = 0 AND NOT has_value), false) AS births,
    coalesce(bool_or(old_definition_id <> definition_id AND old_file_id = %(file_id)s), false) AS moves,
    coalesce(bool_or(status = %(missing)s AND NOT has_value AND old_status IS NOT NULL), false) AS removals,
    EXISTS (SELECT FROM hdqm.point_history WHERE run_number = %(run_number)s) AS history,
    coalesce(array_agg(series_id) FILTER (WHERE old_status = 0 AND status <> 0), '{}') AS losses
FROM pg_temp.plan_point

-- move_to_history --
INSERT INTO hdqm.point_history AS h (series_id, run_number, value, error, error_low, error_high, status, entries,
    definition_id, dqm_file_id, alternative)
SELECT o.series_id, o.run_number, o.value, o.error, o.error_low, o.error_high, o.status, o.entries, o.definition_id,
    o.dqm_file_id, o.alternative
FROM pg_temp.plan_point p JOIN hdqm.point o ON o.series_id = p.series_id AND o.run_number = %(run_number)s
WHERE p.old_definition_id <> p.definition_id AND p.old_file_id = %(file_id)s
ON CONFLICT (series_id, definition_id, run_number) DO UPDATE
SET value = excluded.value, error = excluded.error, error_low = excluded.error_low, error_high = excluded.error_high,
    status = excluded.status, entries = excluded.entries, dqm_file_id = excluded.dqm_file_id,
    alternative = excluded.alternative

-- leave_history --
-- An earlier definition counts again.
DELETE FROM hdqm.point_history h USING pg_temp.plan_point p
WHERE h.series_id = p.series_id AND h.definition_id = p.definition_id AND h.run_number = %(run_number)s

-- upsert_points --
-- The same again changes no row, not even its version.
INSERT INTO hdqm.point AS o (series_id, run_number, value, error, error_low, error_high, status, entries, definition_id,
    dqm_file_id, alternative)
SELECT series_id, %(run_number)s, value, error, error_low, error_high, status, entries, definition_id, %(file_id)s, alternative
FROM pg_temp.plan_point
WHERE status <> %(missing)s OR has_value
ORDER BY series_id
ON CONFLICT (series_id, run_number) DO UPDATE
SET value = excluded.value, error = excluded.error, error_low = excluded.error_low, error_high = excluded.error_high,
    status = excluded.status, entries = excluded.entries, definition_id = excluded.definition_id,
    dqm_file_id = excluded.dqm_file_id, alternative = excluded.alternative
WHERE (o.value, o.error, o.error_low, o.error_high, o.status, o.entries, o.definition_id, o.dqm_file_id, o.alternative)
    IS DISTINCT FROM (excluded.value, excluded.error, excluded.error_low, excluded.error_high, excluded.status,
        excluded.entries, excluded.definition_id, excluded.dqm_file_id, excluded.alternative)

-- remove_points --
DELETE FROM hdqm.point o USING pg_temp.plan_point p
WHERE p.status = %(missing)s AND NOT p.has_value AND p.old_status IS NOT NULL
    AND o.series_id = p.series_id AND o.run_number = %(run_number)s

-- bear_series --
UPDATE hdqm.series s SET has_value = true FROM pg_temp.plan_point p
WHERE s.id = p.series_id AND p.status = 0 AND NOT p.has_value

-- fill_earlier_gaps --
-- A series that has its first value gets a row for each loaded file that lacks the element.
WITH computed AS (
    SELECT c.id AS definition_set_id, p.series_id, d.id AS definition_id, d.main_elements
    FROM hdqm.definition_set c
    CROSS JOIN LATERAL unnest(c.ids) AS member (id)
    JOIN hdqm.definition d ON d.id = member.id
    JOIN hdqm.definition n ON n.trend_id = d.trend_id
    JOIN pg_temp.plan_point p ON p.definition_id = n.id AND p.status = 0 AND NOT p.has_value
    WHERE c.id IN (
        SELECT f.definition_set_id FROM hdqm.dqm_file f
        WHERE f.loaded AND f.primary_dataset_id = %(primary_dataset_id)s AND f.processing_id = %(processing_id)s
            AND f.id <> %(file_id)s
    )
)
INSERT INTO hdqm.point (series_id, run_number, definition_id, dqm_file_id, status)
SELECT c.series_id, f.run_number, c.definition_id, f.id, %(missing)s
FROM hdqm.dqm_file f JOIN computed c ON c.definition_set_id = f.definition_set_id
WHERE f.loaded AND f.primary_dataset_id = %(primary_dataset_id)s AND f.processing_id = %(processing_id)s
    AND f.id <> %(file_id)s AND c.main_elements <@ f.missing_elements
ORDER BY c.series_id, f.run_number
ON CONFLICT DO NOTHING

-- compare_with_ranges --
-- Points that were there before may have been compared with other ranges.
SELECT hdqm.compare_with_ranges(%(run_number)s, %(primary_dataset_id)s, %(processing_id)s)

-- counts --
SELECT status, count(*) FROM pg_temp.plan_point WHERE status <> %(missing)s OR has_value GROUP BY status

-- upsert_histograms --
INSERT INTO hdqm.histogram AS o (run_number, dqm_file_id, element_id, problem, entries, maximum, minimum, x_low, x_high,
    y_low, y_high, z_low, z_high, x_bins, y_bins, z_bins, class_name, name, title, error_mode, scalar, detail, axis_details,
    x_edges, y_edges, z_edges, sums, cells_real, cells_double, cells_integer, cells_smallint, cells_bigint, sumw2, bin_entries,
    bin_sumw2)
SELECT %(run_number)s, %(file_id)s, element_id, problem, entries, maximum, minimum, x_low, x_high,
    y_low, y_high, z_low, z_high, x_bins, y_bins, z_bins, class_name, name, title, error_mode, scalar, detail, axis_details,
    x_edges, y_edges, z_edges, sums, cells_real, cells_double, cells_integer, cells_smallint, cells_bigint, sumw2, bin_entries,
    bin_sumw2
FROM pg_temp.stage_histogram
ORDER BY element_id
ON CONFLICT (run_number, dqm_file_id, element_id) DO UPDATE
SET problem = excluded.problem, entries = excluded.entries, maximum = excluded.maximum, minimum = excluded.minimum,
    x_low = excluded.x_low, x_high = excluded.x_high, y_low = excluded.y_low, y_high = excluded.y_high,
    z_low = excluded.z_low, z_high = excluded.z_high, x_bins = excluded.x_bins, y_bins = excluded.y_bins,
    z_bins = excluded.z_bins, class_name = excluded.class_name, name = excluded.name, title = excluded.title,
    error_mode = excluded.error_mode, scalar = excluded.scalar, detail = excluded.detail,
    axis_details = excluded.axis_details, x_edges = excluded.x_edges, y_edges = excluded.y_edges, z_edges = excluded.z_edges,
    sums = excluded.sums, cells_real = excluded.cells_real, cells_double = excluded.cells_double,
    cells_integer = excluded.cells_integer, cells_smallint = excluded.cells_smallint, cells_bigint = excluded.cells_bigint,
    sumw2 = excluded.sumw2, bin_entries = excluded.bin_entries, bin_sumw2 = excluded.bin_sumw2
WHERE (o.problem, o.entries, o.maximum, o.minimum, o.x_low, o.x_high, o.y_low, o.y_high, o.z_low, o.z_high, o.x_bins,
        o.y_bins, o.z_bins, o.class_name, o.name, o.title, o.error_mode, o.scalar, o.detail, o.axis_details, o.x_edges,
        o.y_edges, o.z_edges, o.sums, o.cells_real, o.cells_double, o.cells_integer, o.cells_smallint, o.cells_bigint, o.sumw2,
        o.bin_entries, o.bin_sumw2)
    IS DISTINCT FROM (excluded.problem, excluded.entries, excluded.maximum, excluded.minimum, excluded.x_low, excluded.x_high,
        excluded.y_low, excluded.y_high, excluded.z_low, excluded.z_high, excluded.x_bins, excluded.y_bins, excluded.z_bins,
        excluded.class_name, excluded.name, excluded.title, excluded.error_mode, excluded.scalar, excluded.detail,
        excluded.axis_details, excluded.x_edges, excluded.y_edges, excluded.z_edges, excluded.sums, excluded.cells_real,
        excluded.cells_double, excluded.cells_integer, excluded.cells_smallint, excluded.cells_bigint, excluded.sumw2,
        excluded.bin_entries, excluded.bin_sumw2)

-- remove_missing_histograms --
-- Elements that the file had once and has no longer.
DELETE FROM hdqm.histogram
WHERE run_number = %(run_number)s AND dqm_file_id = %(file_id)s AND element_id = ANY (%(missing_elements)s)

-- remove_outranked_histograms --
-- Those that the file that counts has been searched for; others may still belong to points that it has not replaced.
DELETE FROM hdqm.histogram
WHERE run_number = %(run_number)s AND dqm_file_id = ANY (%(outranked)s) AND element_id = ANY (%(elements)s)

-- definitions_now --
-- What was computed now, and of what was computed before all but other definitions of the same trends.
WITH now AS (
    SELECT d.id, d.trend_id FROM pg_temp.stage_point p JOIN hdqm.definition d ON d.id = p.definition_id AND d.is_current
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

-- find_definition_set --
SELECT id FROM hdqm.definition_set WHERE sha256 = sha256(convert_to((%(ids)s::int[])::text, 'UTF8'))

-- add_definition_set --
INSERT INTO hdqm.definition_set (sha256, ids) VALUES (sha256(convert_to((%(ids)s::int[])::text, 'UTF8')), %(ids)s)
ON CONFLICT DO NOTHING

-- find_element_set --
SELECT id FROM hdqm.element_set WHERE sha256 = sha256(convert_to((%(ids)s::int[])::text, 'UTF8'))

-- add_element_set --
INSERT INTO hdqm.element_set (sha256, ids) VALUES (sha256(convert_to((%(ids)s::int[])::text, 'UTF8')), %(ids)s)
ON CONFLICT DO NOTHING

-- note --
-- Times say since when it is so; where nothing else changes, they stay too.
UPDATE hdqm.dqm_file
SET state = %(state)s, loaded = %(loaded)s, reason = %(reason)s, folder_run_number = %(folder_run_number)s, tries = 0,
    try_again_at = NULL, claimed_by = NULL, claim_expires = NULL,
    element_set_id = %(element_set_id)s, missing_elements = %(missing_elements)s, definition_set_id = %(definition_set_id)s,
    range_version = %(range_version)s,
    extracted_at = CASE WHEN %(extracted)s THEN now() ELSE extracted_at END,
    calculated_at = CASE WHEN %(calculated)s THEN now() ELSE calculated_at END,
    ingested_at = CASE WHEN %(calculated)s THEN now() ELSE ingested_at END
WHERE id = %(file_id)s
    AND (state, loaded, reason, folder_run_number, element_set_id, missing_elements, definition_set_id, range_version, claimed_by)
        IS DISTINCT FROM (%(state)s::hdqm.file_state, %(loaded)s::boolean, %(reason)s::text, %(folder_run_number)s::int,
            %(element_set_id)s::int, %(missing_elements)s::int[], %(definition_set_id)s::int, %(range_version)s::int, NULL::text)

-- know_run --
INSERT INTO hdqm.run (run_number) VALUES (%(run_number)s) ON CONFLICT DO NOTHING
