-- What panels ask, with less work once more: fewer rows a mark, no look for each point into runs and files, no points
-- counted. Pages without a choice open on a dataset that has something to show. And the runs of Airflow's Dags.

-- -- plots ---------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION hdqm.run_places(axis text, runs int[]) RETURNS SETOF hdqm.run_place
LANGUAGE plpgsql STABLE ROWS 200 SET search_path = pg_catalog SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH chosen AS (
        SELECT r.run_number, r.start_time, r.end_time, r.fill_number,
            CASE $1
                WHEN 'date' THEN extract(epoch FROM coalesce(r.end_time, r.start_time + make_interval(secs => r.duration_s), r.start_time) - r.start_time)::double precision / 86400
                WHEN 'duration' THEN r.duration_s / 3600
                WHEN 'luminosity' THEN r.delivered_lumi_pb
                ELSE 1 END AS width
        FROM hdqm.run AS r WHERE r.run_number = ANY ($2)
    ),
    placed AS (
        SELECT run_number, width,
            CASE $1
                WHEN 'date' THEN extract(epoch FROM start_time)::double precision / 86400
                WHEN 'number' THEN run_number - 0.5
                WHEN 'duration' THEN sum(width) OVER (ORDER BY run_number) - width
                WHEN 'luminosity' THEN sum(width) OVER (ORDER BY run_number) - width
                ELSE row_number() OVER (ORDER BY run_number) - 0.5 END AS low,
            coalesce(dense_rank() OVER (ORDER BY fill_number) % 2 = 1 AND fill_number IS NOT NULL, false) AS band,
            $1 IN ('date', 'duration', 'luminosity') AS segment
        FROM chosen
        WHERE CASE $1 WHEN 'date' THEN start_time IS NOT NULL WHEN 'duration' THEN width > 0 WHEN 'luminosity' THEN width > 0 ELSE true END
    )
    -- of a run that is drawn from end to end the last half percent of the axis is left free (of a short one half), to be seen apart
    -- a millionth of a day, an hour, 1/pb is far below a pixel, and seventeen digits take long to write and to read
    SELECT run_number, floor(low * 1e6 + 0.5) / 1e6, floor(CASE WHEN segment THEN low ELSE low + 0.1 END * 1e6 + 0.5) / 1e6,
        floor(CASE WHEN segment THEN low + (width - free) / 2 ELSE low + width / 2 END * 1e6 + 0.5) / 1e6, floor(CASE WHEN segment THEN low + width - free ELSE low + 0.9 END * 1e6 + 0.5) / 1e6,
        floor(CASE WHEN segment THEN low + width - free + least(free / 2, span / 2000) ELSE low + 0.98 END * 1e6 + 0.5) / 1e6, floor((low + width) * 1e6 + 0.5) / 1e6,
        band, segment
    FROM (SELECT *, least(width / 2, 0.005 * span) AS free FROM (SELECT *, max(low + width) OVER () - min(low) OVER () AS span FROM placed) AS s) AS p
    ORDER BY low, run_number;
END $$;

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
        SELECT avg(p.value), stddev_pop(p.value), percentile_cont(0.5) WITHIN GROUP (ORDER BY p.value) INTO mean, rms, middle
        FROM hdqm.point AS p
        WHERE p.series_id = ANY (ids) AND p.run_number BETWEEN first_run AND last_run AND p.run_number + 0 = ANY (wanted) AND p.value IS NOT NULL;
    END IF;
    IF 'outliers' = ANY (options) THEN
        -- spread without the outliers that it is to find
        SELECT 5 * coalesce(nullif(1.4826 * percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(p.value - middle)), 0), rms) INTO reach
        FROM hdqm.point AS p
        WHERE p.series_id = ANY (ids) AND p.run_number BETWEEN first_run AND last_run AND p.run_number + 0 = ANY (wanted) AND p.value IS NOT NULL;
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

CREATE OR REPLACE FUNCTION hdqm.axis_ticks(
    axis text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text
) RETURNS TABLE (tick text, label text, low double precision, high double precision)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    places hdqm.run_place[] := ARRAY(SELECT p FROM hdqm.run_places($1, hdqm.readable_runs($2, $3, $4, $5, $6, $7, $8)) AS p);
    n int := cardinality(places);
    lefts double precision[] := ARRAY(SELECT p.left_end FROM unnest(places) WITH ORDINALITY AS p ORDER BY p.ordinality);
    rights double precision[] := ARRAY(SELECT p.right_end FROM unnest(places) WITH ORDINALITY AS p ORDER BY p.ordinality);
    numbers int[] := ARRAY(SELECT p.run_number FROM unnest(places) WITH ORDINALITY AS p ORDER BY p.ordinality);
    margin double precision;
    first_x double precision;
    last_x double precision;
BEGIN
    IF n = 0 THEN
        RETURN QUERY SELECT trim_scale(c)::text, ' '::text, 0::double precision, 1::double precision FROM (
            SELECT generate_series(0, 100) / 100.0 UNION SELECT generate_series(0, 40) / 40.0
        ) AS part (c);
        RETURN;
    END IF;
    margin := greatest(rights[n] - lefts[1], 1e-3) / 100;
    first_x := round((lefts[1] - margin)::numeric, 4);
    last_x := round((rights[n] + margin)::numeric, 4);
    RETURN QUERY
    WITH named (rank, tick, label) AS (
        -- Grafana spaces ticks by the width of what stands at the end of the axis: figure spaces, as wide as a label
        SELECT 1, last_x::text, repeat(E'\u2007', CASE axis WHEN 'date' THEN 12 ELSE 8 END)
        UNION ALL
        SELECT 2, c.c::text, CASE WHEN axis = 'date' THEN to_char(to_timestamp(c.c * 86400) AT TIME ZONE 'UTC', CASE WHEN c.c = floor(c.c) THEN 'YYYY-MM-DD' ELSE 'MM-DD HH24:MI' END)
            WHEN c.c < rights[c.at] THEN numbers[c.at]::text ELSE ' ' END
        -- the last place that begins at or before the tick
        FROM (SELECT c, width_bucket(c::double precision, lefts) AS at FROM hdqm.tick_candidates(first_x, last_x) AS c) AS c
        WHERE axis IN ('date', 'duration', 'luminosity')
        UNION ALL
        -- what the tooltip says
        SELECT 3, e.x::text, CASE WHEN axis = 'date' THEN to_char(to_timestamp(e.x * 86400) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') ELSE e.run_number::text END
        FROM (SELECT p.run_number, p.segment, unnest(ARRAY[p.x_low, p.x, p.x_high]) AS x FROM unnest(places) AS p) AS e WHERE e.segment
        UNION ALL
        SELECT 2, round(x)::text, run_number::text FROM unnest(places) WHERE axis NOT IN ('date', 'duration', 'luminosity', 'number')
        UNION ALL
        SELECT 4, trim_scale(c)::text, ' ' FROM (
            SELECT generate_series(0, 10 * (n + 1)) / 10.0 UNION SELECT generate_series(0, 4 * (n + 1)) / 4.0
        ) AS part (c)
        WHERE n <= 15 AND axis NOT IN ('date', 'duration', 'luminosity', 'number')
        UNION ALL
        SELECT 4, c::text, ' ' FROM unnest(ARRAY[0, n + 1]) AS c WHERE axis NOT IN ('date', 'duration', 'luminosity', 'number')
    )
    SELECT DISTINCT ON (named.tick) named.tick, named.label, first_x, last_x FROM named ORDER BY named.tick, rank;
END $$;

-- -- one trend -----------------------------------------------------------------------------------------------------------

DROP FUNCTION hdqm.trend_values(text, text, text, text, text, text, text, text, text);
CREATE FUNCTION hdqm.trend_values(
    panel text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text, added text DEFAULT '',
    most int DEFAULT NULL
) RETURNS TABLE (
    run_number int, series text, value double precision, error double precision, status text, meaning text, entries double precision,
    start_time timestamptz, fill_number int, duration_s double precision, delivered_lumi_pb double precision, path text
)
-- runs and files are few and points are many: a look for each point into both takes longer than all the rest
LANGUAGE plpgsql STABLE ROWS 2000 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan SET enable_nestloop = off AS $$
#variable_conflict use_column
DECLARE
    wanted int[] := hdqm.readable_runs(subsystem, primary_dataset, processing, mode, runs, run_class, quality);
    members hdqm.panel_member[] := ARRAY(SELECT m FROM hdqm.panel_members(panel, subsystem, primary_dataset, processing, added) AS m);
    ids int[] := ARRAY(SELECT series_id FROM unnest(members));
    first_run int;
    last_run int;
BEGIN
    IF most IS NOT NULL THEN -- the newest runs, whole
        wanted := wanted[1:greatest(most / greatest(cardinality(ids), 1), 1)];
    END IF;
    SELECT min(r), max(r) INTO first_run, last_run FROM unnest(wanted) AS r;
    RETURN QUERY
    SELECT p.run_number, m.label, p.value, p.error, s.code, s.meaning, p.entries,
        r.start_time, r.fill_number, r.duration_s, r.delivered_lumi_pb, f.path::text
    FROM (
        SELECT p.series_id, p.run_number, p.value, p.error::double precision AS error, p.status, p.entries, p.dqm_file_id
        FROM hdqm.point AS p
        WHERE p.series_id = ANY (ids) AND p.run_number BETWEEN first_run AND last_run AND p.run_number + 0 = ANY (wanted) OFFSET 0
    ) AS p
    JOIN unnest(members) AS m ON m.series_id = p.series_id
    JOIN hdqm.reason AS s ON s.number = p.status
    LEFT JOIN (SELECT r.* FROM hdqm.run AS r WHERE r.run_number = ANY (wanted) OFFSET 0) AS r ON r.run_number = p.run_number
    LEFT JOIN (SELECT f.id, f.path FROM hdqm.dqm_file AS f WHERE f.run_number = ANY (wanted) AND f.loaded OFFSET 0) AS f ON f.id = p.dqm_file_id
    ORDER BY p.run_number DESC, m.place;
END $$;
COMMENT ON FUNCTION hdqm.trend_values(text, text, text, text, text, text, text, text, text, int) IS
'Points of a plot, gaps with their reason included, newest run first; for tables and CSV. most: of so many newest runs only that there are about so many points (NULL: of all).';

CREATE OR REPLACE FUNCTION hdqm.panel_history(panel text, subsystem text, primary_dataset text, processing text)
RETURNS TABLE (x int, curve text, content double precision)
LANGUAGE plpgsql STABLE SET search_path = '' SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    members hdqm.panel_member[] := ARRAY(SELECT m FROM hdqm.panel_members($1, $2, $3, $4) AS m);
    ids int[] := ARRAY(SELECT m.series_id FROM unnest(members) AS m);
BEGIN
    IF cardinality(ids) = 1 THEN
        -- one series alone has room for its extremes
        RETURN QUERY
        SELECT b.first_run::int, e.name, e.extreme
        FROM hdqm.point_bucket AS b,
            LATERAL (VALUES (members[1].label, b.mean), ('lowest', b.lowest), ('highest', b.highest)) AS e (name, extreme)
        WHERE b.series_id = ids[1] AND b.mean IS NOT NULL ORDER BY 1, 2;
    ELSE
        -- ids, not a join: the view is a plain one where TimescaleDB is Apache's, and would add up all series
        RETURN QUERY
        SELECT b.first_run, m.label, b.mean
        FROM (SELECT b.series_id, b.first_run::int AS first_run, b.mean FROM hdqm.point_bucket AS b WHERE b.series_id = ANY (ids) AND b.mean IS NOT NULL OFFSET 0) AS b
        JOIN unnest(members) AS m ON m.series_id = b.series_id
        ORDER BY 1, 2;
    END IF;
END $$;

-- -- histograms ----------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION hdqm.histogram_map(series text, subsystem text, primary_dataset text, processing text, run text, input text DEFAULT 'main')
RETURNS TABLE (x double precision, y double precision, content double precision, size double precision)
LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    s record;
    h record;
    wide int;
    high int;
    x_step double precision;
    y_step double precision;
BEGIN
    SELECT * INTO s FROM hdqm.series_by_label($1, $2, $3, $4) LIMIT 1;
    IF FOUND THEN
        SELECT k.x_bins, k.y_bins, k.x_low, k.x_high, k.y_low, k.y_high, k.x_edges, k.y_edges INTO h
        FROM hdqm.stored_histogram(s.subsystem_name, s.trend, s.dataset, s.processing_name, hdqm.whole_number($5, 0, 999999999, -1), $6) AS k
        WHERE k.x_bins IS NOT NULL AND k.y_bins IS NOT NULL AND k.z_bins IS NULL;
        IF FOUND THEN
            -- at most a hundred cells a side, as hdqm.histogram_cells has them; the narrowest cell says how large marks are
            wide := (h.x_bins - 1) / 100 + 1;
            high := (h.y_bins - 1) / 100 + 1;
            x_step := wide * coalesce((SELECT min(e - before) FROM (SELECT e, lag(e) OVER (ORDER BY n) AS before FROM unnest(h.x_edges) WITH ORDINALITY AS u (e, n)) AS v), (h.x_high - h.x_low) / h.x_bins);
            y_step := high * coalesce((SELECT min(e - before) FROM (SELECT e, lag(e) OVER (ORDER BY n) AS before FROM unnest(h.y_edges) WITH ORDINALITY AS u (e, n)) AS v), (h.y_high - h.y_low) / h.y_bins);
            RETURN QUERY
            WITH cell AS MATERIALIZED (
                SELECT (b.x_low + b.x_high) / 2 AS x, (b.y_low + b.y_high) / 2 AS y, b.content
                FROM hdqm.histogram_bins(s.subsystem_name, s.trend, s.dataset, s.processing_name, hdqm.whole_number($5, 0, 999999999, -1), $6) AS b
                WHERE wide = 1 AND high = 1 AND b.content <> 0
                UNION ALL
                SELECT c.x, c.y, c.content FROM hdqm.histogram_cells($1, $2, $3, $4, $5, $6) AS c WHERE wide > 1 OR high > 1
            ),
            mark AS (
                -- on a plot of 560 × 380 pixels; marks that overlap a little look better than gaps
                SELECT least(60, greatest(3, 560 * x_step / (max(x) - min(x) + x_step), 380 * y_step / (max(y) - min(y) + y_step))) ^ 2 AS size FROM cell
            )
            SELECT cell.x, cell.y, cell.content, mark.size FROM cell, mark;
        END IF;
    END IF;
    -- The chart gives marks a share of the span of all sizes, by area: these two, drawn nowhere, make the span 1 … 100 pixels.
    RETURN QUERY SELECT 'NaN'::double precision, 'NaN'::double precision, NULL::double precision, span.size
        FROM (VALUES (1.0::double precision), (10000.0)) AS span (size);
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
    first_run int := (SELECT min(r) FROM unnest(near) AS r);
    last_run int := (SELECT max(r) FROM unnest(near) AS r);
BEGIN
    RETURN QUERY
    WITH around AS MATERIALIZED (
        SELECT p.series_id, p.run_number, p.value FROM hdqm.point AS p
        -- by series: the runs have the points of all other datasets too
        WHERE p.series_id = ANY (ids) AND p.run_number BETWEEN first_run AND last_run AND p.run_number + 0 = ANY (near) AND p.value IS NOT NULL
    ),
    level AS MATERIALIZED (
        SELECT series_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS middle, stddev_pop(value) AS rms FROM around GROUP BY series_id
    ),
    width AS (
        SELECT a.series_id, coalesce(nullif(1.4826 * percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(a.value - l.middle)), 0), nullif(max(l.rms), 0)) AS spread
        FROM around AS a JOIN level AS l ON l.series_id = a.series_id GROUP BY a.series_id
    )
    SELECT t.name, t.title, p.value, p.error::double precision, why.code, l.middle, w.spread, abs(p.value - l.middle) / w.spread, t.low, t.high
    FROM hdqm.point AS p
    JOIN hdqm.series AS s ON s.id = p.series_id
    JOIN hdqm.trend AS t ON t.id = s.trend_id
    JOIN hdqm.reason AS why ON why.number = p.status
    LEFT JOIN level AS l ON l.series_id = p.series_id
    LEFT JOIN width AS w ON w.series_id = p.series_id
    WHERE p.series_id = ANY (ids) AND p.run_number = this
    ORDER BY 8 DESC NULLS LAST, t.name;
END $$;

-- -- home, coverage ------------------------------------------------------------------------------------------------------

-- Gaps are few. What a loaded file has of a subsystem is what is expected, less what was not computed for it, less its gaps:
-- so nobody counts points.
CREATE INDEX point_gap ON hdqm.point (run_number, series_id) INCLUDE (status) WHERE status <> 0;

CREATE FUNCTION hdqm.file_coverage(files int[], subsystem text)
RETURNS TABLE (
    run_number int, primary_dataset_id int, processing_id int, subsystem_id int, expected int, with_value int, gaps int, commonest smallint
)
LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    asked int := (SELECT u.id FROM hdqm.subsystem AS u WHERE u.name = $2);
    of_runs int[] := ARRAY(SELECT DISTINCT f.run_number FROM hdqm.dqm_file AS f WHERE f.id = ANY (files) AND f.loaded);
    -- what was computed for these is not known, since they changed: their points are counted
    changed int[] := ARRAY(SELECT f.id FROM hdqm.dqm_file AS f WHERE f.id = ANY (files) AND f.loaded AND f.definition_set_id IS NULL);
    changed_runs int[] := ARRAY(SELECT f.run_number FROM hdqm.dqm_file AS f WHERE f.id = ANY (changed));
BEGIN
    RETURN QUERY
    WITH file AS MATERIALIZED (
        SELECT f.id, f.run_number, f.primary_dataset_id, f.processing_id, f.definition_set_id
        FROM hdqm.dqm_file AS f WHERE f.id = ANY (files) AND f.loaded
    ),
    owned AS MATERIALIZED (
        SELECT s.id, s.trend_id, t.subsystem_id, s.primary_dataset_id, s.processing_id
        FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id
        WHERE s.has_value AND s.kind = 'run' AND s.slice = '' AND t.active AND ($2 = 'all' OR t.subsystem_id = asked)
    ),
    -- each subsystem and dataset has a number, by which all is counted
    should AS MATERIALIZED (
        SELECT row_number() OVER ()::int AS id, o.subsystem_id, o.primary_dataset_id, o.processing_id, count(*)::int AS expected
        FROM owned AS o GROUP BY o.subsystem_id, o.primary_dataset_id, o.processing_id
    ),
    belongs AS MATERIALIZED (
        SELECT o.id AS series_id, o.trend_id, h.id FROM owned AS o
        JOIN should AS h ON h.subsystem_id = o.subsystem_id AND h.primary_dataset_id = o.primary_dataset_id AND h.processing_id = o.processing_id
    ),
    -- trends that a set of definitions leaves out: mostly none
    left_out AS MATERIALIZED (
        SELECT k.id AS definition_set_id, t.id AS trend_id
        FROM (SELECT DISTINCT f.definition_set_id AS id FROM file AS f WHERE f.definition_set_id IS NOT NULL) AS k
        CROSS JOIN (SELECT DISTINCT o.trend_id AS id FROM owned AS o) AS t
        EXCEPT
        SELECT k.id, d.trend_id
        FROM hdqm.definition_set AS k CROSS JOIN LATERAL unnest(k.ids) AS m (id) JOIN hdqm.definition AS d ON d.id = m.id
        WHERE k.id IN (SELECT f.definition_set_id FROM file AS f)
    ),
    lacking AS MATERIALIZED (
        SELECT l.definition_set_id, b.id, count(*)::int AS n FROM left_out AS l JOIN belongs AS b ON b.trend_id = l.trend_id
        GROUP BY l.definition_set_id, b.id
    ),
    counted AS (
        SELECT p.run_number, b.id, p.status, count(*)::int AS n
        FROM (
            SELECT p.run_number, p.series_id, p.status FROM hdqm.point AS p
            WHERE p.run_number = ANY (of_runs) AND p.status <> 0 OFFSET 0
        ) AS p
        JOIN belongs AS b ON b.series_id = p.series_id
        GROUP BY p.run_number, b.id, p.status
    ),
    gap AS MATERIALIZED (
        SELECT c.run_number, c.id, sum(c.n)::int AS n, max(c.n) AS most, (array_agg(c.status ORDER BY c.n DESC, c.status))[1] AS commonest
        FROM counted AS c GROUP BY c.run_number, c.id
    ),
    valued AS MATERIALIZED (
        SELECT p.dqm_file_id, b.id, count(*)::int AS n
        FROM hdqm.point AS p JOIN belongs AS b ON b.series_id = p.series_id
        WHERE p.run_number = ANY (changed_runs) AND p.dqm_file_id = ANY (changed) AND p.status = 0
        GROUP BY p.dqm_file_id, b.id
    )
    SELECT f.run_number, h.primary_dataset_id, h.processing_id, h.subsystem_id, h.expected,
        CASE WHEN f.definition_set_id IS NULL THEN coalesce(v.n, 0) ELSE h.expected - coalesce(l.n, 0) - coalesce(g.n, 0) END,
        coalesce(g.n, 0), CASE WHEN coalesce(l.n, 0) <= coalesce(g.most, 0) THEN g.commonest END
    FROM file AS f
    JOIN should AS h ON h.primary_dataset_id = f.primary_dataset_id AND h.processing_id = f.processing_id
    LEFT JOIN lacking AS l ON l.definition_set_id = f.definition_set_id AND l.id = h.id
    LEFT JOIN gap AS g ON g.run_number = f.run_number AND g.id = h.id
    LEFT JOIN valued AS v ON v.dqm_file_id = f.id AND v.id = h.id;
END $$;
COMMENT ON FUNCTION hdqm.file_coverage(int[], text) IS
'What loaded files have of a subsystem (or all): series that ever had a value, how many of them have one here, how many a gap, and the number of the reason that most gaps give (NULL: not computed). Points are not counted: a series with a value has a row, be it a gap, for every loaded file for which its trend was computed.';

CREATE OR REPLACE FUNCTION hdqm.coverage(subsystem text, mode text, runs text, run_class text, quality text)
RETURNS TABLE (run_number int, dataset text, primary_dataset text, processing text, subsystem_name text, expected bigint, with_value bigint, percent double precision, why text)
LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    wanted int[] := (hdqm.readable_runs($1, 'all', 'all', $2, $3, $4, $5))[1:100];
    asked int := (SELECT u.id FROM hdqm.subsystem AS u WHERE u.name = $1);
BEGIN
    RETURN QUERY
    WITH should AS MATERIALIZED (
        SELECT t.subsystem_id, s.primary_dataset_id, s.processing_id, count(*) AS expected
        FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id
        WHERE s.has_value AND s.kind = 'run' AND s.slice = '' AND t.active AND ($1 = 'all' OR t.subsystem_id = asked)
        GROUP BY t.subsystem_id, s.primary_dataset_id, s.processing_id
    ),
    file AS MATERIALIZED (
        SELECT DISTINCT ON (f.run_number, f.primary_dataset_id, f.processing_id) f.run_number, f.primary_dataset_id, f.processing_id, f.state::text AS state, f.loaded, f.reason
        FROM hdqm.dqm_file AS f WHERE f.run_number = ANY (wanted)
        ORDER BY f.run_number, f.primary_dataset_id, f.processing_id, f.loaded DESC, f.discovered_at DESC
    ),
    found AS MATERIALIZED (
        SELECT * FROM hdqm.file_coverage(ARRAY(SELECT f.id FROM hdqm.dqm_file AS f WHERE f.run_number = ANY (wanted) AND f.loaded), $1)
    )
    SELECT w.run_number, d.name || ' / ' || c.name, d.name, c.name, u.name, s.expected, coalesce(n.with_value, 0)::bigint,
        (100.0 * coalesce(n.with_value, 0) / s.expected)::double precision,
        CASE
            WHEN f.run_number IS NULL THEN 'no DQM file'
            WHEN NOT f.loaded THEN f.state || coalesce(': ' || f.reason, '')
            WHEN n.with_value = s.expected THEN 'complete'
            ELSE coalesce(why.code, 'not computed') END
    FROM unnest(wanted) AS w (run_number)
    CROSS JOIN should AS s
    JOIN hdqm.subsystem AS u ON u.id = s.subsystem_id
    JOIN hdqm.primary_dataset AS d ON d.id = s.primary_dataset_id
    JOIN hdqm.processing AS c ON c.id = s.processing_id
    LEFT JOIN found AS n ON n.run_number = w.run_number AND n.subsystem_id = s.subsystem_id
        AND n.primary_dataset_id = s.primary_dataset_id AND n.processing_id = s.processing_id
    LEFT JOIN file AS f ON f.run_number = w.run_number AND f.primary_dataset_id = s.primary_dataset_id AND f.processing_id = s.processing_id
    LEFT JOIN hdqm.reason AS why ON why.number = n.commonest
    ORDER BY w.run_number DESC, 2, u.name;
END $$;

CREATE FUNCTION hdqm.choose_covered_dataset(subsystem text) RETURNS TABLE (dataset text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT d.name || ' / ' || c.name
    FROM (
        SELECT DISTINCT s.primary_dataset_id, s.processing_id FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id AND t.active
        WHERE s.has_value AND s.kind = 'run' AND s.slice = ''
            AND ($1 = 'all' OR t.subsystem_id = (SELECT u.id FROM hdqm.subsystem AS u WHERE u.name = $1))
    ) AS s
    JOIN hdqm.primary_dataset AS d ON d.id = s.primary_dataset_id JOIN hdqm.processing AS c ON c.id = s.processing_id
    ORDER BY 1
$$;
COMMENT ON FUNCTION hdqm.choose_covered_dataset(text) IS 'Datasets that hdqm.coverage has a column for, of a subsystem or all.';

CREATE OR REPLACE FUNCTION hdqm.home_subsystems()
RETURNS TABLE (subsystem text, trends bigint, primary_datasets bigint, last_run int, last_ingested timestamptz, runs_last_day bigint, points_last_day bigint, gaps_last_day bigint, outside_last_day bigint, primary_dataset text, processing text)
LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    fresh int[] := ARRAY(SELECT f.id FROM hdqm.dqm_file AS f WHERE f.loaded AND f.ingested_at > now() - interval '1 day' ORDER BY f.ingested_at DESC LIMIT 500);
    fresh_runs int[] := ARRAY(SELECT DISTINCT f.run_number FROM hdqm.dqm_file AS f WHERE f.id = ANY (fresh));
    lows double precision[];
    highs double precision[];
BEGIN
    -- the expected range of each series at the place of its id: quicker than to look for the series of each point
    SELECT array_agg(coalesce(t.low, '-Infinity') ORDER BY n.id), array_agg(coalesce(t.high, 'Infinity') ORDER BY n.id) INTO lows, highs
    FROM generate_series(1, (SELECT max(s.id) FROM hdqm.series AS s)) AS n (id)
    LEFT JOIN (hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id AND t.active) ON s.id = n.id;
    RETURN QUERY
    WITH owned AS MATERIALIZED (
        SELECT t.subsystem_id, s.id AS series_id, s.trend_id, s.primary_dataset_id, s.processing_id
        FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id WHERE t.active
    ),
    day AS (
        SELECT c.subsystem_id, count(DISTINCT c.run_number) AS runs, sum(c.with_value)::bigint AS points, sum(c.gaps)::bigint AS gaps
        FROM hdqm.file_coverage(fresh, 'all') AS c WHERE c.with_value + c.gaps > 0 GROUP BY c.subsystem_id
    ),
    beyond AS (
        SELECT o.subsystem_id, count(*) AS points
        FROM (
            -- few are outside: whose they are is asked last
            SELECT p.series_id, p.dqm_file_id FROM hdqm.point AS p
            WHERE p.run_number = ANY (fresh_runs) AND (p.value < lows[p.series_id] OR p.value > highs[p.series_id]) OFFSET 0
        ) AS p
        JOIN owned AS o ON o.series_id = p.series_id
        WHERE p.dqm_file_id = ANY (fresh)
        GROUP BY o.subsystem_id
    ),
    dataset AS MATERIALIZED (
        SELECT subsystem_id, primary_dataset_id, processing_id, count(*) AS n FROM owned GROUP BY 1, 2, 3
    ),
    most AS (
        SELECT DISTINCT ON (subsystem_id) subsystem_id, primary_dataset_id, processing_id FROM dataset
        ORDER BY subsystem_id, n DESC, primary_dataset_id, processing_id
    ),
    newest AS (
        SELECT s.subsystem_id, max(f.run_number) AS run_number, max(f.ingested_at) AS ingested_at
        FROM dataset AS s CROSS JOIN LATERAL (
            SELECT f.run_number, f.ingested_at FROM hdqm.dqm_file AS f
            WHERE f.loaded AND f.primary_dataset_id = s.primary_dataset_id AND f.processing_id = s.processing_id
            ORDER BY f.run_number DESC LIMIT 1
        ) AS f GROUP BY s.subsystem_id
    ),
    size AS (
        SELECT subsystem_id, count(DISTINCT trend_id) AS trends, count(DISTINCT primary_dataset_id) AS datasets FROM owned GROUP BY subsystem_id
    )
    SELECT u.name, size.trends, size.datasets, newest.run_number, newest.ingested_at,
        coalesce(day.runs, 0), coalesce(day.points, 0), coalesce(day.gaps, 0), coalesce(beyond.points, 0), d.name, c.name
    FROM hdqm.subsystem AS u
    JOIN size ON size.subsystem_id = u.id
    JOIN most ON most.subsystem_id = u.id
    JOIN hdqm.primary_dataset AS d ON d.id = most.primary_dataset_id
    JOIN hdqm.processing AS c ON c.id = most.processing_id
    LEFT JOIN newest ON newest.subsystem_id = u.id
    LEFT JOIN day ON day.subsystem_id = u.id
    LEFT JOIN beyond ON beyond.subsystem_id = u.id
    ORDER BY u.name;
END $$;

-- -- what is chosen where nobody has chosen ------------------------------------------------------------------------------

CREATE FUNCTION hdqm.shown_datasets(subsystem text)
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
            SELECT s.primary_dataset_id AS pd, s.processing_id AS processing, count(*) FILTER (WHERE s.has_value)::int AS n
            FROM hdqm.series AS s
            WHERE $1 IS NULL OR s.trend_id IN (SELECT t.id FROM hdqm.trend AS t JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id AND u.name = $1)
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
COMMENT ON FUNCTION hdqm.shown_datasets(text) IS
'Datasets of a subsystem (NULL: any): how many series have a value in them, and how many of the newest 20 runs are of the default quality; pages without a choice open on one that has something to show.';

CREATE OR REPLACE FUNCTION hdqm.choose_subsystem() RETURNS TABLE (subsystem text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    -- those that have nothing to show at once stand at the end; the first one is what a page opens on
    WITH shown AS MATERIALIZED (SELECT d.primary_dataset_id, d.processing_id FROM hdqm.shown_datasets(NULL) AS d WHERE d.shown > 0)
    SELECT u.name FROM hdqm.subsystem AS u
    JOIN (
        SELECT t.subsystem_id, bool_or(s.has_value AND d.processing_id IS NOT NULL) AS shown
        FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id
        LEFT JOIN shown AS d ON d.primary_dataset_id = s.primary_dataset_id AND d.processing_id = s.processing_id
        GROUP BY t.subsystem_id
    ) AS o ON o.subsystem_id = u.id
    ORDER BY NOT o.shown, u.name
$$;
COMMENT ON FUNCTION hdqm.choose_subsystem() IS 'Subsystems that have points, by name; those without a run of the default quality last.';

CREATE OR REPLACE FUNCTION hdqm.choose_primary_dataset(subsystem text) RETURNS TABLE (primary_dataset text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    WITH found AS MATERIALIZED (
        SELECT d.primary_dataset_id AS id, bool_or(d.shown > 0) AS shown, max(d.series) FILTER (WHERE d.shown > 0) AS series
        FROM hdqm.shown_datasets(coalesce($1, '')) AS d GROUP BY 1
    )
    SELECT d.name FROM found AS f JOIN hdqm.primary_dataset AS d ON d.id = f.id
    ORDER BY f.id IS DISTINCT FROM (
        SELECT b.id FROM found AS b JOIN hdqm.primary_dataset AS n ON n.id = b.id WHERE b.shown ORDER BY b.series DESC, n.name LIMIT 1
    ), d.name
$$;
COMMENT ON FUNCTION hdqm.choose_primary_dataset(text) IS
'Primary datasets in which a subsystem has points, by name; before them the one with most series among those whose newest runs are of the default quality: what a page opens on.';

CREATE OR REPLACE FUNCTION hdqm.choose_processing(subsystem text, primary_dataset text) RETURNS TABLE (processing text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT c.name FROM hdqm.shown_datasets(coalesce($1, '')) AS o
    JOIN hdqm.primary_dataset AS d ON d.id = o.primary_dataset_id AND d.name = $2
    JOIN hdqm.processing AS c ON c.id = o.processing_id
    ORDER BY o.shown = 0, c.name <> 'PromptReco', c.name
$$;
COMMENT ON FUNCTION hdqm.choose_processing(text, text) IS
'Processing strings in which a subsystem has points of a primary dataset; those with runs of the default quality first, PromptReco before others.';

-- -- Dag runs ------------------------------------------------------------------------------------------------------------

-- Airflow's scheduler tells of them (hdqm_airflow.dag_runs): dashboards read this database alone.
CREATE TABLE hdqm.dag_run (
    dag_id text NOT NULL,
    run_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'running', 'success', 'failed')),
    run_type text NOT NULL,
    queued_at timestamptz,
    start_time timestamptz,
    end_time timestamptz,
    url text,
    told_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (dag_id, run_id)
);
CREATE INDEX dag_run_told ON hdqm.dag_run (told_at);
CREATE INDEX dag_run_started ON hdqm.dag_run (start_time DESC NULLS FIRST);
COMMENT ON TABLE hdqm.dag_run IS 'Runs of HDQM''s Dags, as Airflow''s scheduler told of them; those of the last 30 days.';
COMMENT ON COLUMN hdqm.dag_run.dag_id IS 'The Dag.';
COMMENT ON COLUMN hdqm.dag_run.run_id IS 'Airflow''s name of the run.';
COMMENT ON COLUMN hdqm.dag_run.state IS 'queued, running, success or failed.';
COMMENT ON COLUMN hdqm.dag_run.run_type IS 'Why it ran: scheduled, manual, backfill, …';
COMMENT ON COLUMN hdqm.dag_run.queued_at IS 'When it was asked for.';
COMMENT ON COLUMN hdqm.dag_run.start_time IS 'When it began; NULL: it waits.';
COMMENT ON COLUMN hdqm.dag_run.end_time IS 'When it ended; NULL: it has not.';
COMMENT ON COLUMN hdqm.dag_run.url IS 'Its page in Airflow; NULL where Airflow does not know its own address.';
COMMENT ON COLUMN hdqm.dag_run.told_at IS 'When Airflow last told of it.';

CREATE VIEW hdqm.dag_runs AS
SELECT dag_id, run_id, state, run_type, queued_at, start_time, end_time, extract(epoch FROM end_time - start_time)::double precision AS duration_s, url
FROM hdqm.dag_run;
COMMENT ON VIEW hdqm.dag_runs IS 'Runs of HDQM''s Dags in Airflow, those of the last 30 days.';
COMMENT ON COLUMN hdqm.dag_runs.dag_id IS 'The Dag.';
COMMENT ON COLUMN hdqm.dag_runs.run_id IS 'Airflow''s name of the run.';
COMMENT ON COLUMN hdqm.dag_runs.state IS 'queued, running, success or failed.';
COMMENT ON COLUMN hdqm.dag_runs.run_type IS 'Why it ran: scheduled, manual, backfill, …';
COMMENT ON COLUMN hdqm.dag_runs.queued_at IS 'When it was asked for.';
COMMENT ON COLUMN hdqm.dag_runs.start_time IS 'When it began; NULL: it waits.';
COMMENT ON COLUMN hdqm.dag_runs.end_time IS 'When it ended; NULL: it has not.';
COMMENT ON COLUMN hdqm.dag_runs.duration_s IS 'How long it took, in seconds.';
COMMENT ON COLUMN hdqm.dag_runs.url IS 'Its page in Airflow.';

CREATE FUNCTION hdqm.dag_overview()
RETURNS TABLE (dag_id text, last_state text, last_start timestamptz, last_success timestamptz, succeeded bigint, failed bigint, running bigint, seconds double precision, url text)
LANGUAGE sql STABLE ROWS 10 SET search_path = pg_catalog AS $$
    SELECT n.dag_id, n.state, n.start_time,
        (SELECT max(s.end_time) FROM hdqm.dag_run AS s WHERE s.dag_id = n.dag_id AND s.state = 'success'),
        d.succeeded, d.failed, d.running, d.seconds, n.url
    FROM (SELECT DISTINCT ON (r.dag_id) r.* FROM hdqm.dag_run AS r ORDER BY r.dag_id, r.start_time DESC NULLS LAST, r.queued_at DESC) AS n
    JOIN (
        SELECT r.dag_id,
            count(*) FILTER (WHERE r.state = 'success' AND r.end_time > now() - interval '1 day') AS succeeded,
            count(*) FILTER (WHERE r.state = 'failed' AND r.end_time > now() - interval '1 day') AS failed,
            count(*) FILTER (WHERE r.state IN ('queued', 'running')) AS running,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM r.end_time - r.start_time)) FILTER (WHERE r.state = 'success') AS seconds
        FROM hdqm.dag_run AS r GROUP BY r.dag_id
    ) AS d ON d.dag_id = n.dag_id
    ORDER BY n.dag_id
$$;
COMMENT ON FUNCTION hdqm.dag_overview() IS 'Each Dag on one line: its last run, when one last succeeded, how many of the last day did and did not, how many have not ended, the median duration in seconds of those that succeeded.';

CREATE FUNCTION hdqm.recent_dag_runs(how_many int)
RETURNS TABLE (dag_id text, state text, start_time timestamptz, duration_s double precision, run_type text, run_id text, url text)
LANGUAGE sql STABLE ROWS 100 SET search_path = pg_catalog AS $$
    SELECT r.dag_id, r.state, coalesce(r.start_time, r.queued_at), extract(epoch FROM coalesce(r.end_time, CASE WHEN r.state = 'running' THEN now() END) - r.start_time)::double precision,
        r.run_type, r.run_id, r.url
    FROM hdqm.dag_run AS r ORDER BY r.start_time DESC NULLS FIRST, r.dag_id LIMIT $1
$$;
COMMENT ON FUNCTION hdqm.recent_dag_runs(int) IS 'The newest runs of Dags, waiting ones first.';
