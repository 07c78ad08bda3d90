-- What somebody meets who opens a page for the first time: a dataset with many runs, titles with units, axes with names, runs that have files.

CREATE OR REPLACE FUNCTION hdqm.choose_primary_dataset(subsystem text) RETURNS TABLE (primary_dataset text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    WITH found AS MATERIALIZED (
        SELECT d.primary_dataset_id AS id, max(d.shown) AS shown, max(d.series) FILTER (WHERE d.shown > 0) AS series
        FROM hdqm.shown_datasets(coalesce($1, '')) AS d GROUP BY 1
    )
    SELECT d.name FROM found AS f JOIN hdqm.primary_dataset AS d ON d.id = f.id
    ORDER BY f.id IS DISTINCT FROM (
        SELECT b.id FROM found AS b JOIN hdqm.primary_dataset AS n ON n.id = b.id WHERE b.shown > 0 ORDER BY b.series DESC, b.shown DESC, n.name LIMIT 1
    ), d.name
$$;
COMMENT ON FUNCTION hdqm.choose_primary_dataset(text) IS
'Primary datasets in which a subsystem has points, by name; before them the one with most series, and of several the one with most runs, among those whose newest runs are of the default quality: what a page opens on.';

CREATE OR REPLACE FUNCTION hdqm.recent_runs(how_many int) RETURNS TABLE (
    run_number int, start_time timestamptz, run_class text, fill_number int, recorded_lumi_pb double precision,
    ingested bigint, failed bigint, open bigint, last_ingested timestamptz
)
LANGUAGE sql STABLE ROWS 20 SET search_path = pg_catalog AS $$
    SELECT r.run_number, r.start_time, r.run_class, r.fill_number, r.recorded_lumi_pb,
        count(*) FILTER (WHERE f.loaded), count(*) FILTER (WHERE f.state = 'failed'), count(*) FILTER (WHERE f.state IN ('discovered', 'waiting')), max(f.ingested_at)
    FROM (
        SELECT * FROM hdqm.run
        WHERE run.run_number < 999999 AND EXISTS (SELECT FROM hdqm.dqm_file AS f WHERE f.run_number = run.run_number)
        ORDER BY run.run_number DESC LIMIT $1
    ) AS r
    JOIN hdqm.dqm_file AS f ON f.run_number = r.run_number
    GROUP BY r.run_number, r.start_time, r.run_class, r.fill_number, r.recorded_lumi_pb ORDER BY r.run_number DESC
$$;
COMMENT ON FUNCTION hdqm.recent_runs(int) IS 'The newest runs that have DQM files, and what became of these.';

-- -- titles with units -------------------------------------------------------------------------------------------------

CREATE FUNCTION hdqm.title_with_unit(title text, y_title text, unit text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
    SELECT title || CASE WHEN y_title <> '' AND position(y_title IN title) = 0 THEN ' · ' || y_title ELSE '' END
        || CASE WHEN position('(' || unit || ')' IN title || y_title) = 0 THEN ' [' || unit || ']' ELSE '' END
$$;
COMMENT ON FUNCTION hdqm.title_with_unit(text, text, text) IS 'What stands above a plot: its title, and its axis and unit where the title does not tell them.';

CREATE OR REPLACE FUNCTION hdqm.choose_panel(
    subsystem text, primary_dataset text, processing text, search text, show text, page text, per_page text
) RETURNS TABLE (__text text, __value text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT hdqm.title_with_unit(p.title, p.y_title, p.unit), p.name
    FROM hdqm.panels($1, $2, $3, $4, $5) AS p
    ORDER BY p.place
    LIMIT hdqm.whole_number($7, 1, 64, 8)
    OFFSET hdqm.whole_number($7, 1, 64, 8) * (hdqm.whole_number($6, 1, 100000, 1) - 1)
$$;

CREATE FUNCTION hdqm.choose_any_panel(subsystem text, primary_dataset text, processing text) RETURNS TABLE (__text text, __value text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    WITH grouped AS MATERIALIZED (SELECT * FROM hdqm.panels($1, $2, $3, '', 'groups')),
    one AS MATERIALIZED (SELECT * FROM hdqm.panels($1, $2, $3, '', 'trends')),
    listed AS (
        SELECT 1 AS kind, place, '' AS after, title, y_title, unit, name FROM grouped
        UNION ALL
        SELECT 2, place, ' (single trend)', title, y_title, unit, name FROM one WHERE name NOT IN (SELECT g.name FROM grouped AS g)
    )
    SELECT hdqm.title_with_unit(title, y_title, unit) || after, name FROM listed ORDER BY kind, place
$$;
COMMENT ON FUNCTION hdqm.choose_any_panel(text, text, text) IS
'For a variable: every plot of a dataset in the order of its pages, then the trends of the groups, each alone.';

-- -- histograms --------------------------------------------------------------------------------------------------------

CREATE FUNCTION hdqm.axis_title(axis_details jsonb, axis int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
    SELECT nullif(btrim(axis_details -> axis ->> 'title'), '')
$$;
COMMENT ON FUNCTION hdqm.axis_title(jsonb, int) IS 'Title of an axis (0: x, 1: y, 2: z) in hdqm.histogram.axis_details; NULL where it has none.';

CREATE OR REPLACE FUNCTION hdqm.histogram_note(
    series text, subsystem text, primary_dataset text, processing text, run text, input text DEFAULT 'main'
) RETURNS TABLE (note text)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog AS $$
    SELECT coalesce(
        (SELECT format('%s: %s%s, %s entries, run %s', e.path, h.class_name, CASE WHEN h.title NOT IN ('', e.path) THEN format(' %L', h.title) ELSE '' END, h.entries, h.run_number)
            || coalesce('; x: ' || hdqm.axis_title(h.axis_details, 0), '') || coalesce('; y: ' || hdqm.axis_title(h.axis_details, 1), '')
            || CASE WHEN h.z_bins IS NOT NULL THEN '; three dimensions cannot be drawn' ELSE '' END
        FROM hdqm.series_by_label($1, $2, $3, $4) AS s
        CROSS JOIN LATERAL hdqm.stored_histogram(s.subsystem_name, s.trend, s.dataset, s.processing_name, hdqm.whole_number($5, 0, 999999999, -1), $6) AS h
        JOIN hdqm.element AS e ON e.id = h.element_id LIMIT 1),
        format('No %s histogram of %s is stored for run %s: the element was missing, the trend does not read one, or the file was ingested without histograms.', $6, $1, $5))
$$;

CREATE FUNCTION hdqm.histogram_axes(
    series text, subsystem text, primary_dataset text, processing text, run text, input text DEFAULT 'main'
) RETURNS TABLE (x_label text, y_label text)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog AS $$
    SELECT coalesce(found.x_label, 'No map of this trend in this run'), coalesce(found.y_label, ' ')
    FROM (SELECT) AS always
    LEFT JOIN (
        SELECT coalesce(hdqm.axis_title(h.axis_details, 0), 'x (units of the histogram)') AS x_label,
            coalesce(hdqm.axis_title(h.axis_details, 1), 'y (units of the histogram)') AS y_label
        FROM hdqm.series_by_label($1, $2, $3, $4) AS s
        CROSS JOIN LATERAL hdqm.stored_histogram(s.subsystem_name, s.trend, s.dataset, s.processing_name, hdqm.whole_number($5, 0, 999999999, -1), $6) AS h
        WHERE h.x_bins IS NOT NULL AND h.y_bins IS NOT NULL AND h.z_bins IS NULL LIMIT 1
    ) AS found ON true
$$;
COMMENT ON FUNCTION hdqm.histogram_axes(text, text, text, text, text, text) IS
'What stands at the axes of a two-dimensional histogram: the titles that it was booked with; where none is stored, that at the x axis.';

-- -- coverage ----------------------------------------------------------------------------------------------------------

DROP FUNCTION hdqm.coverage_trends(text, text, text, text);
CREATE FUNCTION hdqm.coverage_trends(run text, subsystem text, primary_dataset text, processing text)
RETURNS TABLE (subsystem_name text, trend text, title text, status text, meaning text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT u.name, t.name, t.title, coalesce(why.code, 'no_point'), coalesce(why.meaning, 'The trend has no point in this run: no DQM file, or not computed yet.')
    FROM hdqm.series AS s
    JOIN hdqm.trend AS t ON t.id = s.trend_id AND t.active
    JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id AND ($2 = 'all' OR u.name = $2)
    JOIN hdqm.primary_dataset AS d ON d.id = s.primary_dataset_id AND d.name = $3
    JOIN hdqm.processing AS c ON c.id = s.processing_id AND c.name = $4
    LEFT JOIN hdqm.point AS p ON p.series_id = s.id AND p.run_number = hdqm.whole_number($1, 0, 999999999, -1)
    LEFT JOIN hdqm.reason AS why ON why.number = p.status
    WHERE s.has_value AND p.value IS NULL
    ORDER BY 4, 1, 2
$$;
COMMENT ON FUNCTION hdqm.coverage_trends(text, text, text, text) IS 'Trends that have no value in a run and dataset, and why.';
