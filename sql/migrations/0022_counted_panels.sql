-- Pages that sum up read the counts of 0021 instead of series, points and files; a plot reads its points once, whatever its options.

-- -- one plot, one run --------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION hdqm.trend_marks(
    panel text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text,
    axis text, options text[], added text, quantities text[]
) RETURNS TABLE (
    x double precision, rank int, series text[], value double precision[], run_number int, error double precision[], kind text
)
-- a plan that does not know how many series and runs there are walks along all points of the runs
LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    chosen int[] := hdqm.readable_runs(subsystem, primary_dataset, processing, mode, runs, run_class, quality);
    places hdqm.run_place[] := ARRAY(SELECT p FROM hdqm.run_places(axis, chosen) AS p);
    n int := cardinality(places);
    members hdqm.panel_member[] := ARRAY(SELECT m FROM hdqm.panel_members(panel, subsystem, primary_dataset, processing, added) AS m);
    ids int[] := ARRAY(SELECT m.series_id FROM unnest(members) AS m);
    known text[] := ARRAY(SELECT q FROM unnest(quantities) AS q WHERE hdqm.quantity_label(q) IS NOT NULL);
    wanted int[] := ARRAY(SELECT p.run_number FROM unnest(places) AS p);
    segments boolean := axis IN ('date', 'duration', 'luminosity');
    with_bars boolean := 'errors' = ANY (options);
    -- 0, 1, 3: a point at the lower end of its run, in the middle, at the upper end; 5, 6: both ends of the error bar.
    -- Those are in neighbouring rows, so that no other series cuts it: from the place of the point to one almost the same.
    -- The bar of a run that is drawn from end to end stands in its middle, which takes two more marks so that it does not cut
    -- the line; where there are many, from the end of the line (7) into the gap after it (8).
    many boolean := segments AND n * cardinality(members) > 2000;
    marks int[] := CASE WHEN NOT segments THEN '{1}'::int[] WHEN with_bars AND NOT many THEN '{0,1,2,3}' ELSE '{0,3}' END
        || CASE WHEN NOT with_bars THEN '{}'::int[] WHEN many THEN '{7,8}' ELSE '{5,6}' END;
    first_run int;
    last_run int;
    left_end double precision;
    right_end double precision;
    stroke double precision;
    all_values double precision[];
    mean double precision;
    rms double precision;
    middle double precision;
    reach double precision;
BEGIN
    IF n = 0 OR cardinality(members) + cardinality(known) = 0 THEN
        RETURN QUERY SELECT 0::double precision, 0, ARRAY[CASE
            WHEN n > 0 THEN 'No trend of this plot has points in this dataset'
            WHEN cardinality(chosen) > 0 THEN 'OMS has not told the ' || axis || ' of any chosen run'
            ELSE 'No run matches the selection' END], NULL::double precision[], NULL::int, NULL::double precision[], 'note';
        RETURN;
    END IF;
    SELECT min(p.run_number), max(p.run_number), min(p.left_end), max(p.right_end) INTO first_run, last_run, left_end, right_end FROM unnest(places) AS p;
    -- an error bar is a line that is almost upright: a pixel of a plot wide, but within its run
    stroke := greatest(places[n].right_end - places[1].left_end, 3) / 2000;
    IF options && ARRAY['mean', 'outliers'] THEN
        SELECT array_agg(p.value), avg(p.value), stddev_pop(p.value) INTO all_values, mean, rms
        FROM hdqm.point AS p
        WHERE p.series_id = ANY (ids) AND p.run_number BETWEEN first_run AND last_run AND p.run_number + 0 = ANY (wanted) AND p.value IS NOT NULL;
    END IF;
    IF 'outliers' = ANY (options) THEN
        middle := (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v) FROM unnest(all_values) AS v);
        -- spread without the outliers that it is to find
        reach := 5 * coalesce(nullif(1.4826 * (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(v - middle)) FROM unnest(all_values) AS v), 0), rms);
    END IF;

    RETURN QUERY
    WITH measured AS (
        -- the points of a run side by side, in any order
        SELECT p.run_number, array_agg(m.label) AS labels, array_agg(p.value) AS values, array_agg(p.error) AS errors,
            array_agg(m.bar) FILTER (WHERE with_bars AND p.error > 0) AS bars,
            array_agg(p.value - p.error) FILTER (WHERE with_bars AND p.error > 0) AS low,
            array_agg(p.value + p.error) FILTER (WHERE with_bars AND p.error > 0) AS high
        FROM (
            SELECT p.series_id, p.run_number, p.value, p.error::double precision AS error FROM hdqm.point AS p
            WHERE p.series_id = ANY (ids) AND p.run_number BETWEEN first_run AND last_run AND p.run_number + 0 = ANY (wanted)
                AND p.value IS NOT NULL AND (reach IS NULL OR abs(p.value - middle) <= reach)
            OFFSET 0 -- in one walk through the index, not in one for each series
        ) AS p
        JOIN (SELECT m.series_id, m.label, m.label || ' ±' AS bar FROM hdqm.marked_members(members) AS m OFFSET 0) AS m ON m.series_id = p.series_id
        GROUP BY p.run_number
    )
    SELECT CASE WHEN mark = 8 THEN a.gap ELSE CASE mark % 4 WHEN 0 THEN a.x_low WHEN 1 THEN a.x WHEN 2 THEN floor((a.x + CASE WHEN a.x_high > a.x THEN least(stroke, 0.9 * (a.x_high - a.x)) ELSE stroke END) * 1e6 + 0.5) / 1e6 WHEN 3 THEN a.x_high END END,
        CASE WHEN mark < 5 THEN 1 ELSE 2 END, CASE WHEN mark < 5 THEN k.labels ELSE k.bars END,
        CASE WHEN mark IN (5, 7) THEN k.low WHEN mark IN (6, 8) THEN k.high ELSE k.values END, k.run_number,
        CASE WHEN mark < 5 THEN k.errors END, CASE WHEN mark < 5 THEN 'point' ELSE 'error' END
    -- (SELECT …): taken for few, so that places are hashed and not the points
    FROM measured AS k JOIN unnest((SELECT places)) AS a ON a.run_number = k.run_number CROSS JOIN unnest(marks) AS mark
    WHERE mark < 5 OR k.bars IS NOT NULL;
    IF NOT FOUND AND cardinality(known) = 0 THEN
        RETURN QUERY
        SELECT 0::double precision, 0, ARRAY[format('No value in any of the %s runs: %s', n, coalesce(string_agg(why.times || ' × ' || why.code, ', ' ORDER BY why.times DESC), 'not computed'))],
            NULL::double precision[], NULL::int, NULL::double precision[], 'note'
        FROM (
            SELECT r.code, count(*) AS times FROM hdqm.point AS p JOIN hdqm.reason AS r ON r.number = p.status
            WHERE p.series_id = ANY (ids) AND p.run_number = ANY (wanted) GROUP BY r.code
        ) AS why;
        RETURN;
    END IF;

    -- a first row of all series keeps their order, and with it their colours, whichever run they begin with
    RETURN QUERY
    SELECT left_end, 0, array_agg(m.label ORDER BY m.place), NULL::double precision[], NULL::int, NULL::double precision[], 'order'
    FROM hdqm.marked_members(members) AS m HAVING count(*) > 0;
    -- the row after each run parts its lines from those of the next, since no series has a value there
    RETURN QUERY
    SELECT CASE at WHEN 'x' THEN a.x WHEN 'low' THEN a.x_low WHEN 'high' THEN a.x_high ELSE a.gap END, 3,
        ARRAY['run'], ARRAY[a.run_number::double precision], a.run_number, NULL::double precision[], 'run'
    FROM unnest(places) AS a
    CROSS JOIN unnest(CASE WHEN NOT segments THEN '{x,gap}' WHEN with_bars AND NOT many THEN '{low,x,high,gap}' ELSE '{low,high,gap}' END::text[]) AS at;
    IF 'fills' = ANY (options) THEN
        RETURN QUERY
        SELECT CASE WHEN edge THEN b.left_end ELSE b.right_end END, 4, ARRAY['fill'], ARRAY[edge::int::double precision], NULL::int, NULL::double precision[], 'fill'
        FROM (
            SELECT a.band, a.left_end, a.right_end, lag(a.band, 1, false) OVER w IS DISTINCT FROM a.band AS begins, lead(a.band, 1, false) OVER w IS DISTINCT FROM a.band AS ends
            FROM unnest(places) AS a WINDOW w AS (ORDER BY a.left_end, a.right_end)
        ) AS b, (VALUES (true), (false)) AS e (edge)
        WHERE b.band AND CASE WHEN edge THEN b.begins ELSE b.ends END;
    END IF;
    IF options && ARRAY['duration', 'luminosity'] THEN
        RETURN QUERY
        SELECT edge.x, 4 + c.place, ARRAY[c.label], ARRAY[CASE WHEN edge.inside THEN c.value ELSE 0 END], r.run_number, NULL::double precision[], 'column'
        FROM unnest(places) AS a JOIN hdqm.run AS r ON r.run_number = a.run_number,
            LATERAL (VALUES (1, 'duration', 'run duration [h]', r.duration_s / 3600), (2, 'luminosity', 'run delivered [1/pb]', r.delivered_lumi_pb)) AS c (place, option, label, value),
            LATERAL (VALUES (a.x_low, true), (a.x_high, false)) AS edge (x, inside)
        WHERE c.option = ANY (options) AND c.value IS NOT NULL;
    END IF;
    IF 'mean' = ANY (options) AND mean IS NOT NULL THEN
        RETURN QUERY
        SELECT edge.x, 7, ARRAY['mean', 'mean + RMS', 'mean − RMS'], ARRAY[mean, mean + rms, mean - rms], NULL::int, NULL::double precision[], 'line'
        FROM (VALUES (left_end), (right_end)) AS edge (x);
    END IF;
    IF 'range' = ANY (options) THEN
        RETURN QUERY
        SELECT edge.x, 7 + line.place, ARRAY[line.name], ARRAY[line.value], NULL::int, NULL::double precision[], 'line'
        FROM (
            SELECT min(t.low) AS low, min(t.high) AS high
            FROM (SELECT DISTINCT t.low, t.high FROM unnest(members) AS m JOIN hdqm.trend AS t ON t.id = m.trend_id) AS t HAVING count(*) = 1
        ) AS b,
            LATERAL (VALUES (1, 'expected low', b.low), (2, 'expected high', b.high)) AS line (place, name, value),
            (VALUES (left_end), (right_end)) AS edge (x)
        WHERE line.value IS NOT NULL;
    END IF;
    IF cardinality(known) > 0 THEN
        RETURN QUERY
        SELECT at.x, 9 + q.n::int, ARRAY['OMS ' || hdqm.quantity_label(q.name)], ARRAY[hdqm.run_quantity(r, q.name)], a.run_number, NULL::double precision[], 'quantity'
        FROM unnest(places) AS a JOIN hdqm.run AS r ON r.run_number = a.run_number, unnest(known) WITH ORDINALITY AS q (name, n),
            LATERAL (VALUES (a.x, NOT segments), (a.x_low, segments), (a.x_high, segments)) AS at (x, wanted)
        WHERE at.wanted;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION hdqm.run_points(run text, subsystem text, primary_dataset text, processing text, search text DEFAULT '')
RETURNS TABLE (
    trend text, title text, value double precision, error double precision, status text, middle double precision, spread double precision,
    distance double precision, low double precision, high double precision
)
LANGUAGE plpgsql STABLE ROWS 500 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    this int := hdqm.whole_number(run, 0, 999999999, -1);
    pd int := (SELECT id FROM hdqm.primary_dataset WHERE name = $3);
    processed int := (SELECT id FROM hdqm.processing WHERE name = $4);
    -- the run among its hundred neighbours: what is usual changes over the years
    near int[] := ARRAY(
        (SELECT f.run_number FROM hdqm.dqm_file AS f WHERE f.loaded AND f.primary_dataset_id = pd AND f.processing_id = processed AND f.run_number <= this ORDER BY f.run_number DESC LIMIT 51)
        UNION
        (SELECT f.run_number FROM hdqm.dqm_file AS f WHERE f.loaded AND f.primary_dataset_id = pd AND f.processing_id = processed AND f.run_number > this ORDER BY f.run_number LIMIT 50));
    ids int[] := ARRAY(
        SELECT s.id FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id
        WHERE u.name = $2 AND s.primary_dataset_id = pd AND s.processing_id = processed AND s.kind = 'run' AND s.slice = ''
            AND position(lower(btrim(coalesce(search, ''))) IN lower(t.name || ' ' || t.title)) > 0);
    first_run int := least(this, (SELECT min(r) FROM unnest(near) AS r));
    last_run int := greatest(this, (SELECT max(r) FROM unnest(near) AS r));
BEGIN
    RETURN QUERY
    WITH around AS MATERIALIZED (
        -- the values of a series side by side, so that they are sorted each time on their own; beside them what this run has
        SELECT p.series_id, array_agg(p.value) FILTER (WHERE p.value IS NOT NULL) AS values, stddev_pop(p.value) AS rms,
            max(p.value) FILTER (WHERE p.run_number = this) AS value, max(p.error) FILTER (WHERE p.run_number = this) AS error,
            max(p.status) FILTER (WHERE p.run_number = this) AS status
        FROM hdqm.point AS p
        -- by series: the runs have the points of all other datasets too
        WHERE p.series_id = ANY (ids) AND p.run_number BETWEEN first_run AND last_run AND p.run_number + 0 = ANY (near || this)
        GROUP BY p.series_id
    ),
    level AS MATERIALIZED (
        SELECT a.*, (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v) FROM unnest(a.values) AS v) AS middle
        FROM around AS a WHERE a.status IS NOT NULL
    ),
    width AS MATERIALIZED (
        SELECT l.*, coalesce(nullif(1.4826 * (
            SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(v - l.middle)) FROM unnest(l.values) AS v
        ), 0), nullif(l.rms, 0)) AS spread
        FROM level AS l
    )
    SELECT t.name, t.title, w.value, w.error::double precision, why.code, w.middle, w.spread, abs(w.value - w.middle) / w.spread, t.low, t.high
    FROM width AS w
    JOIN hdqm.series AS s ON s.id = w.series_id
    JOIN hdqm.trend AS t ON t.id = s.trend_id
    JOIN hdqm.reason AS why ON why.number = w.status
    ORDER BY 8 DESC NULLS LAST, t.name;
END $$;

-- -- home, coverage ------------------------------------------------------------------------------------------------------

CREATE FUNCTION hdqm.counted_series(subsystem text)
RETURNS TABLE (subsystem_id int, primary_dataset_id int, processing_id int, series int, with_value int)
LANGUAGE plpgsql STABLE ROWS 50 SET search_path = pg_catalog SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    asked int := (SELECT u.id FROM hdqm.subsystem AS u WHERE u.name = $1);
BEGIN
    RETURN QUERY
    WITH retired AS MATERIALIZED (
        SELECT t.subsystem_id, s.primary_dataset_id, s.processing_id, count(*)::int AS series, (count(*) FILTER (WHERE s.has_value))::int AS with_value
        FROM hdqm.trend AS t JOIN hdqm.series AS s ON s.trend_id = t.id
        WHERE NOT t.active AND s.kind = 'run' AND s.slice = '' AND ($1 = 'all' OR t.subsystem_id = asked) GROUP BY 1, 2, 3
    )
    SELECT c.subsystem_id, c.primary_dataset_id, c.processing_id, c.series - coalesce(r.series, 0), c.with_value - coalesce(r.with_value, 0)
    FROM hdqm.series_count AS c
    LEFT JOIN retired AS r ON r.subsystem_id = c.subsystem_id AND r.primary_dataset_id = c.primary_dataset_id AND r.processing_id = c.processing_id
    WHERE ($1 = 'all' OR c.subsystem_id = asked) AND c.series > coalesce(r.series, 0);
END $$;
COMMENT ON FUNCTION hdqm.counted_series(text) IS
'How many series of active trends a subsystem (or all) has in each dataset, and how many of them have a value somewhere.';

-- What needs points stands apart: where there is nothing of it, no plan is made for it. The rest has one for all calls.
CREATE FUNCTION hdqm.retired_gaps(runs int[], subsystem text)
RETURNS TABLE (run_number int, primary_dataset_id int, processing_id int, subsystem_id int, status smallint, points int)
LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    retired int[] := ARRAY(
        SELECT s.id FROM hdqm.trend AS t JOIN hdqm.series AS s ON s.trend_id = t.id
        WHERE NOT t.active AND s.has_value AND s.kind = 'run' AND s.slice = '' AND ($2 = 'all' OR t.subsystem_id = (SELECT u.id FROM hdqm.subsystem AS u WHERE u.name = $2)));
BEGIN
    IF cardinality(retired) > 0 THEN
        RETURN QUERY
        SELECT p.run_number, s.primary_dataset_id, s.processing_id, t.subsystem_id, p.status, count(*)::int
        FROM hdqm.point AS p JOIN hdqm.series AS s ON s.id = p.series_id JOIN hdqm.trend AS t ON t.id = s.trend_id
        WHERE p.run_number = ANY (runs) AND p.series_id = ANY (retired) AND p.status <> 0 GROUP BY 1, 2, 3, 4, 5;
    END IF;
END $$;
COMMENT ON FUNCTION hdqm.retired_gaps(int[], text) IS 'What hdqm.gap_count holds of trends that are no longer configured, in these runs; mostly nothing.';

CREATE FUNCTION hdqm.changed_values(files int[]) RETURNS TABLE (dqm_file_id int, subsystem_id int, points int)
LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    changed int[];
    changed_runs int[];
BEGIN
    SELECT array_agg(f.id), array_agg(f.run_number) INTO changed, changed_runs
    FROM hdqm.dqm_file AS f WHERE f.id = ANY (files) AND f.loaded AND f.definition_set_id IS NULL;
    IF changed IS NOT NULL THEN
        RETURN QUERY
        SELECT p.dqm_file_id, t.subsystem_id, count(*)::int
        FROM hdqm.point AS p JOIN hdqm.series AS s ON s.id = p.series_id JOIN hdqm.trend AS t ON t.id = s.trend_id
        WHERE p.run_number = ANY (changed_runs) AND p.dqm_file_id = ANY (changed) AND p.status = 0
            AND t.active AND s.kind = 'run' AND s.slice = '' GROUP BY 1, 2;
    END IF;
END $$;
COMMENT ON FUNCTION hdqm.changed_values(int[]) IS 'Values of loaded files that changed: what was computed for them is not known, so they are counted.';

CREATE FUNCTION hdqm.left_out_trends(sets int[], subsystems int[]) RETURNS TABLE (definition_set_id int, trend_id int)
LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    one int;
    members int[];
BEGIN
    -- one set after the other: as a constant its members are hashed once, and each definition is looked up there
    FOR one, members IN SELECT k.id, k.ids FROM hdqm.definition_set AS k WHERE k.id = ANY (sets) LOOP
        RETURN QUERY
        SELECT one, t.id FROM hdqm.trend AS t
        WHERE t.active AND t.subsystem_id = ANY (subsystems)
            AND NOT EXISTS (SELECT FROM hdqm.definition AS d WHERE d.trend_id = t.id AND d.id = ANY (members));
    END LOOP;
END $$;
COMMENT ON FUNCTION hdqm.left_out_trends(int[], int[]) IS 'Active trends of subsystems that sets of definitions leave out: mostly none.';

CREATE OR REPLACE FUNCTION hdqm.file_coverage(files int[], subsystem text)
RETURNS TABLE (
    run_number int, primary_dataset_id int, processing_id int, subsystem_id int, expected int, with_value int, gaps int, commonest smallint
)
LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    asked int[] := ARRAY(SELECT u.id FROM hdqm.subsystem AS u WHERE u.name = $2 OR $2 = 'all');
    loaded_files int[];
    of_runs int[];
    sets int[];
    left_out_sets int[];
    left_out_trends int[];
BEGIN
    SELECT array_agg(f.id), array_agg(DISTINCT f.run_number), array_agg(DISTINCT f.definition_set_id) FILTER (WHERE f.definition_set_id IS NOT NULL)
    INTO loaded_files, of_runs, sets FROM hdqm.dqm_file AS f WHERE f.id = ANY (files) AND f.loaded;
    SELECT array_agg(l.definition_set_id), array_agg(l.trend_id) INTO left_out_sets, left_out_trends FROM hdqm.left_out_trends(sets, asked) AS l;
    RETURN QUERY
    WITH should AS MATERIALIZED (
        SELECT c.subsystem_id, c.primary_dataset_id, c.processing_id, c.with_value AS expected
        FROM hdqm.counted_series($2) AS c WHERE c.with_value > 0
    ),
    lacking AS MATERIALIZED (
        SELECT l.set, t.subsystem_id, s.primary_dataset_id, s.processing_id, count(*)::int AS n
        FROM unnest(left_out_sets, left_out_trends) AS l (set, trend)
        JOIN hdqm.trend AS t ON t.id = l.trend
        JOIN hdqm.series AS s ON s.trend_id = t.id AND s.has_value AND s.kind = 'run' AND s.slice = ''
        GROUP BY 1, 2, 3, 4
    ),
    gap AS MATERIALIZED (
        SELECT c.run_number, c.primary_dataset_id, c.processing_id, c.subsystem_id, sum(c.n)::int AS n, max(c.n) AS most,
            (array_agg(c.status ORDER BY c.n DESC, c.status))[1] AS commonest
        FROM (
            SELECT c.run_number, c.primary_dataset_id, c.processing_id, c.subsystem_id, c.status, sum(c.points)::int AS n
            FROM (
                SELECT * FROM hdqm.gap_count AS g WHERE g.run_number = ANY (of_runs) AND g.subsystem_id = ANY (asked) AND g.points > 0
                UNION ALL
                SELECT g.run_number, g.primary_dataset_id, g.processing_id, g.subsystem_id, g.status, -g.points FROM hdqm.retired_gaps(of_runs, $2) AS g
            ) AS c GROUP BY 1, 2, 3, 4, 5 HAVING sum(c.points) > 0
        ) AS c GROUP BY 1, 2, 3, 4
    )
    SELECT f.run_number, h.primary_dataset_id, h.processing_id, h.subsystem_id, h.expected,
        CASE WHEN f.definition_set_id IS NULL THEN coalesce(v.points, 0) ELSE h.expected - coalesce(l.n, 0) - coalesce(g.n, 0) END,
        coalesce(g.n, 0), CASE WHEN coalesce(l.n, 0) <= coalesce(g.most, 0) THEN g.commonest END
    FROM hdqm.dqm_file AS f
    JOIN should AS h ON h.primary_dataset_id = f.primary_dataset_id AND h.processing_id = f.processing_id
    LEFT JOIN lacking AS l ON l.set = f.definition_set_id AND l.subsystem_id = h.subsystem_id
        AND l.primary_dataset_id = h.primary_dataset_id AND l.processing_id = h.processing_id
    LEFT JOIN gap AS g ON g.run_number = f.run_number AND g.subsystem_id = h.subsystem_id
        AND g.primary_dataset_id = h.primary_dataset_id AND g.processing_id = h.processing_id
    LEFT JOIN hdqm.changed_values(loaded_files) AS v ON v.dqm_file_id = f.id AND v.subsystem_id = h.subsystem_id
    WHERE f.id = ANY (loaded_files);
END $$;
COMMENT ON FUNCTION hdqm.file_coverage(int[], text) IS
'What loaded files have of a subsystem (or all): series that ever had a value, how many of them have one here, how many a gap, and the number of the reason that most gaps give (NULL: not computed). Points are not counted: a series with a value has a row, be it a gap, for every loaded file for which its trend was computed, and gaps were counted when they were written.';

CREATE OR REPLACE FUNCTION hdqm.coverage(subsystem text, mode text, runs text, run_class text, quality text)
RETURNS TABLE (run_number int, dataset text, primary_dataset text, processing text, subsystem_name text, expected bigint, with_value bigint, percent double precision, why text)
LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    -- a page has room for a hundred runs: of the newest no more are looked for
    number text := CASE WHEN $2 = 'latest' AND $3 ~ '^\s*[0-9]{1,6}\s*$' THEN least(btrim($3, E' \t\n\r')::int, 100)::text ELSE $3 END;
    wanted int[] := (hdqm.readable_runs($1, 'all', 'all', $2, number, $4, $5))[1:100];
    -- at the place of its number the code of each reason
    codes text[] := ARRAY(SELECT r.code FROM generate_series(1, (SELECT max(r.number) FROM hdqm.reason AS r)) AS n (n) LEFT JOIN hdqm.reason AS r ON r.number = n.n ORDER BY n.n);
BEGIN
    RETURN QUERY
    WITH should AS MATERIALIZED (
        SELECT c.subsystem_id, c.primary_dataset_id, c.processing_id, c.with_value::bigint AS expected,
            u.name AS subsystem_name, d.name AS primary_dataset, p.name AS processing
        FROM hdqm.counted_series($1) AS c
        JOIN hdqm.subsystem AS u ON u.id = c.subsystem_id
        JOIN hdqm.primary_dataset AS d ON d.id = c.primary_dataset_id
        JOIN hdqm.processing AS p ON p.id = c.processing_id
        WHERE c.with_value > 0
    ),
    file AS MATERIALIZED (
        SELECT DISTINCT ON (f.run_number, f.primary_dataset_id, f.processing_id) f.run_number, f.primary_dataset_id, f.processing_id, f.state::text AS state, f.loaded, f.reason
        FROM hdqm.dqm_file AS f WHERE f.run_number = ANY (wanted)
        ORDER BY f.run_number, f.primary_dataset_id, f.processing_id, f.loaded DESC, f.discovered_at DESC
    ),
    found AS MATERIALIZED (
        SELECT * FROM hdqm.file_coverage(ARRAY(SELECT f.id FROM hdqm.dqm_file AS f WHERE f.run_number = ANY (wanted) AND f.loaded), $1)
    )
    SELECT w.run_number, s.primary_dataset || ' / ' || s.processing, s.primary_dataset, s.processing, s.subsystem_name, s.expected, coalesce(n.with_value, 0)::bigint,
        (100.0 * coalesce(n.with_value, 0) / s.expected)::double precision,
        CASE
            WHEN f.run_number IS NULL THEN 'no DQM file'
            WHEN NOT f.loaded THEN f.state || coalesce(': ' || f.reason, '')
            WHEN n.with_value = s.expected THEN 'complete'
            ELSE coalesce(codes[n.commonest], 'not computed') END
    FROM unnest(wanted) AS w (run_number)
    CROSS JOIN should AS s
    LEFT JOIN found AS n ON n.run_number = w.run_number AND n.subsystem_id = s.subsystem_id
        AND n.primary_dataset_id = s.primary_dataset_id AND n.processing_id = s.processing_id
    LEFT JOIN file AS f ON f.run_number = w.run_number AND f.primary_dataset_id = s.primary_dataset_id AND f.processing_id = s.processing_id
    ORDER BY w.run_number DESC, 2, s.subsystem_name;
END $$;

CREATE FUNCTION hdqm.outside_points(runs int[]) RETURNS TABLE (run_number int, series_id int)
LANGUAGE plpgsql STABLE ROWS 50 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    -- runs with a file whose points were compared with other ranges than those of now: they are compared here
    behind int[] := ARRAY(
        SELECT DISTINCT f.run_number FROM hdqm.dqm_file AS f
        WHERE f.run_number = ANY (runs) AND f.loaded AND f.range_version IS DISTINCT FROM (SELECT e.version FROM hdqm.expected_range AS e));
    lows double precision[];
    highs double precision[];
BEGIN
    RETURN QUERY
    SELECT o.run_number, o.series_id
    FROM hdqm.point_outside AS o JOIN hdqm.series AS s ON s.id = o.series_id JOIN hdqm.trend AS t ON t.id = s.trend_id
    WHERE o.run_number = ANY (runs) AND NOT o.run_number = ANY (behind) AND t.active;
    IF cardinality(behind) > 0 THEN
        -- the expected range of each series at the place of its id: quicker than to look for the series of each point
        SELECT array_agg(coalesce(t.low, '-Infinity') ORDER BY n.id), array_agg(coalesce(t.high, 'Infinity') ORDER BY n.id) INTO lows, highs
        FROM generate_series(1, (SELECT max(s.id) FROM hdqm.series AS s)) AS n (id)
        LEFT JOIN (hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id AND t.active) ON s.id = n.id;
        RETURN QUERY
        SELECT p.run_number, p.series_id FROM hdqm.point AS p
        WHERE p.run_number = ANY (behind) AND (p.value < lows[p.series_id] OR p.value > highs[p.series_id]);
    END IF;
END $$;
COMMENT ON FUNCTION hdqm.outside_points(int[]) IS 'Points of runs, of active trends, whose value is outside of the expected range of now.';

CREATE OR REPLACE FUNCTION hdqm.outside_range(newest int)
RETURNS TABLE (subsystem text, trend text, owner text, primary_dataset text, processing text, run_number int, value double precision, low double precision, high double precision)
LANGUAGE plpgsql STABLE ROWS 50 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    recent int[] := ARRAY(SELECT DISTINCT f.run_number FROM hdqm.dqm_file AS f WHERE f.loaded AND f.run_number < 999999 ORDER BY f.run_number DESC LIMIT newest);
    runs int[];
    ids int[];
BEGIN
    SELECT array_agg(o.run_number), array_agg(o.series_id) INTO runs, ids FROM hdqm.outside_points(recent) AS o;
    IF runs IS NULL THEN
        RETURN; -- without a plan for points, which takes longer than all else
    END IF;
    RETURN QUERY
    SELECT u.name, t.name, coalesce(t.owner, ''), d.name, c.name, p.run_number, p.value, t.low, t.high
    FROM unnest(runs, ids) AS o (run_number, series_id)
    JOIN hdqm.point AS p ON p.series_id = o.series_id AND p.run_number = o.run_number AND p.run_number = ANY (recent)
    JOIN hdqm.series AS s ON s.id = p.series_id
    JOIN hdqm.trend AS t ON t.id = s.trend_id
    JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id
    JOIN hdqm.primary_dataset AS d ON d.id = s.primary_dataset_id
    JOIN hdqm.processing AS c ON c.id = s.processing_id
    LEFT JOIN hdqm.run AS r ON r.run_number = p.run_number
    WHERE r.significant IS NOT FALSE
    ORDER BY p.run_number DESC, u.name, t.name;
END $$;

CREATE OR REPLACE FUNCTION hdqm.home_subsystems()
RETURNS TABLE (subsystem text, trends bigint, primary_datasets bigint, last_run int, last_ingested timestamptz, runs_last_day bigint, points_last_day bigint, gaps_last_day bigint, outside_last_day bigint, primary_dataset text, processing text)
LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    fresh int[] := ARRAY(SELECT f.id FROM hdqm.dqm_file AS f WHERE f.loaded AND f.ingested_at > now() - interval '1 day' ORDER BY f.ingested_at DESC LIMIT 500);
    fresh_runs int[] := ARRAY(SELECT DISTINCT f.run_number FROM hdqm.dqm_file AS f WHERE f.id = ANY (fresh));
BEGIN
    RETURN QUERY
    WITH dataset AS MATERIALIZED (
        SELECT c.subsystem_id, c.primary_dataset_id, c.processing_id, c.series AS n FROM hdqm.counted_series('all') AS c
    ),
    day AS (
        SELECT c.subsystem_id, count(DISTINCT c.run_number) AS runs, sum(c.with_value)::bigint AS points, sum(c.gaps)::bigint AS gaps
        FROM hdqm.file_coverage(fresh, 'all') AS c WHERE c.with_value + c.gaps > 0 GROUP BY c.subsystem_id
    ),
    beyond AS (
        SELECT t.subsystem_id, count(*) AS points
        FROM hdqm.outside_points(fresh_runs) AS o
        JOIN hdqm.series AS s ON s.id = o.series_id
        JOIN hdqm.trend AS t ON t.id = s.trend_id
        JOIN hdqm.dqm_file AS f ON f.run_number = o.run_number AND f.primary_dataset_id = s.primary_dataset_id AND f.processing_id = s.processing_id AND f.loaded
        WHERE f.id = ANY (fresh)
        GROUP BY t.subsystem_id
    ),
    most AS (
        SELECT DISTINCT ON (d.subsystem_id) d.subsystem_id, d.primary_dataset_id, d.processing_id FROM dataset AS d
        ORDER BY d.subsystem_id, d.n DESC, d.primary_dataset_id, d.processing_id
    ),
    -- the newest file of each dataset once, not once for each subsystem
    newest AS MATERIALIZED (
        SELECT d.primary_dataset_id, d.processing_id, f.run_number, f.ingested_at
        FROM (SELECT DISTINCT d.primary_dataset_id, d.processing_id FROM dataset AS d) AS d CROSS JOIN LATERAL (
            SELECT f.run_number, f.ingested_at FROM hdqm.dqm_file AS f
            WHERE f.loaded AND f.primary_dataset_id = d.primary_dataset_id AND f.processing_id = d.processing_id
            ORDER BY f.run_number DESC LIMIT 1
        ) AS f
    ),
    size AS (
        SELECT d.subsystem_id, count(DISTINCT d.primary_dataset_id) AS datasets, max(n.run_number) AS run_number, max(n.ingested_at) AS ingested_at
        FROM dataset AS d LEFT JOIN newest AS n ON n.primary_dataset_id = d.primary_dataset_id AND n.processing_id = d.processing_id
        GROUP BY d.subsystem_id
    ),
    measured AS (
        SELECT t.subsystem_id, count(*) AS trends FROM hdqm.trend AS t
        WHERE t.active AND EXISTS (SELECT FROM hdqm.series AS s WHERE s.trend_id = t.id) GROUP BY t.subsystem_id
    )
    SELECT u.name, coalesce(measured.trends, 0), size.datasets, size.run_number, size.ingested_at,
        coalesce(day.runs, 0), coalesce(day.points, 0), coalesce(day.gaps, 0), coalesce(beyond.points, 0), d.name, c.name
    FROM hdqm.subsystem AS u
    JOIN size ON size.subsystem_id = u.id
    JOIN most ON most.subsystem_id = u.id
    JOIN hdqm.primary_dataset AS d ON d.id = most.primary_dataset_id
    JOIN hdqm.processing AS c ON c.id = most.processing_id
    LEFT JOIN measured ON measured.subsystem_id = u.id
    LEFT JOIN day ON day.subsystem_id = u.id
    LEFT JOIN beyond ON beyond.subsystem_id = u.id
    ORDER BY u.name;
END $$;

-- -- lists to choose from --------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION hdqm.shown_datasets(subsystem text)
RETURNS TABLE (primary_dataset_id int, processing_id int, series int, shown int)
LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    pds int[];
    processings int[];
    numbers int[];
    condition text;
BEGIN
    -- one question for each rule of quality, not for each dataset
    FOR condition, pds, processings, numbers IN
        SELECT hdqm.quality_condition('default', $1, d.name), array_agg(o.pd), array_agg(o.processing), array_agg(o.n)
        FROM (
            SELECT s.primary_dataset_id AS pd, s.processing_id AS processing, sum(s.with_value)::int AS n
            FROM hdqm.series_count AS s
            WHERE s.series > 0 AND ($1 IS NULL OR s.subsystem_id = (SELECT u.id FROM hdqm.subsystem AS u WHERE u.name = $1))
            GROUP BY 1, 2
        ) AS o
        JOIN hdqm.primary_dataset AS d ON d.id = o.pd
        GROUP BY 1
    LOOP
        RETURN QUERY EXECUTE format($query$
            SELECT o.pd, o.processing, o.n, (
                SELECT count(*)::int FROM (
                    SELECT f.run_number FROM hdqm.dqm_file AS f
                    WHERE f.loaded AND f.primary_dataset_id = o.pd AND f.processing_id = o.processing
                    ORDER BY f.run_number DESC LIMIT 20
                ) AS f
                JOIN hdqm.runs AS r ON r.run_number = f.run_number WHERE (%s))
            FROM unnest($1, $2, $3) AS o (pd, processing, n)
            $query$, condition) USING pds, processings, numbers;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION hdqm.choose_subsystem() RETURNS TABLE (subsystem text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    -- those that have nothing to show at once stand at the end; the first one is what a page opens on
    WITH shown AS MATERIALIZED (SELECT d.primary_dataset_id, d.processing_id FROM hdqm.shown_datasets(NULL) AS d WHERE d.shown > 0)
    SELECT u.name FROM hdqm.subsystem AS u
    JOIN (
        SELECT s.subsystem_id, bool_or(s.with_value > 0 AND d.processing_id IS NOT NULL) AS shown
        FROM hdqm.series_count AS s
        LEFT JOIN shown AS d ON d.primary_dataset_id = s.primary_dataset_id AND d.processing_id = s.processing_id
        WHERE s.series > 0
        GROUP BY s.subsystem_id
    ) AS o ON o.subsystem_id = u.id
    ORDER BY NOT o.shown, u.name
$$;

CREATE OR REPLACE FUNCTION hdqm.choose_covered_dataset(subsystem text) RETURNS TABLE (dataset text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT d.name || ' / ' || c.name
    FROM (SELECT DISTINCT s.primary_dataset_id, s.processing_id FROM hdqm.counted_series($1) AS s WHERE s.with_value > 0) AS s
    JOIN hdqm.primary_dataset AS d ON d.id = s.primary_dataset_id JOIN hdqm.processing AS c ON c.id = s.processing_id
    ORDER BY 1
$$;

-- -- pipeline --------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION hdqm.files_by_state() RETURNS TABLE (state text, files bigint)
LANGUAGE sql STABLE ROWS 8 SET search_path = pg_catalog AS $$
    SELECT f.state::text, sum(f.files) FROM hdqm.file_tally AS f WHERE f.state IS NOT NULL
    GROUP BY f.state HAVING sum(f.files) > 0 ORDER BY f.state
$$;

DROP FUNCTION hdqm.points_per_hour(timestamptz, timestamptz);
CREATE FUNCTION hdqm.points_per_hour(since timestamptz, until timestamptz)
RETURNS TABLE ("time" timestamptz, points double precision, files double precision)
LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    IF $2 - $1 > interval '62 days' THEN
        -- more hours than a plot has room for: the mean of each day
        RETURN QUERY
        SELECT t.day::timestamp AT TIME ZONE 'UTC', sum(t.points)::double precision / 24, sum(t.files)::double precision / 24
        FROM hdqm.file_tally AS t
        WHERE t.day >= ($1 AT TIME ZONE 'UTC')::date AND t.day < ($2 AT TIME ZONE 'UTC')::date + 1
        GROUP BY t.day HAVING sum(t.files) > 0 ORDER BY t.day;
    ELSE
        -- each set is counted once, not once for each of its files
        RETURN QUERY
        WITH size AS MATERIALIZED (SELECT d.id, cardinality(d.ids) AS n FROM hdqm.definition_set AS d)
        SELECT date_trunc('hour', f.ingested_at), sum(coalesce(d.n, 0))::double precision, count(*)::double precision
        FROM hdqm.dqm_file AS f LEFT JOIN size AS d ON d.id = f.definition_set_id
        WHERE f.ingested_at >= $1 AND f.ingested_at < $2 GROUP BY 1 ORDER BY 1;
    END IF;
END $$;
COMMENT ON FUNCTION hdqm.points_per_hour(timestamptz, timestamptz) IS
'Computed points and files by the hour in which they were ingested; of more than 62 days the mean per hour of each day (UTC).';

CREATE INDEX dqm_file_loaded ON hdqm.dqm_file (run_number) WHERE loaded;
