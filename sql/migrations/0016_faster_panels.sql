-- What panels ask, with less work: the same answers from beside a long history.
--
-- Four things cost most. Statements in functions of language sql are planned at every call, those of plpgsql once a
-- connection. A plot of 18 series × 400 runs with error bars has 29 000 rows: sorting them, and laying them aside where one
-- function hands them to the next, took longer than reading the points. Runs were selected by a walk along all files of a
-- dataset. And tables were asked for columns that the panel did not show.
--
-- Points are looked for by series and a range of runs; "run_number + 0 = ANY (…)" leaves out the others in it. As a condition
-- of the index, hundreds of runs times a dozen of series are taken for so many looks that all points of the runs are read.

-- -- which runs ----------------------------------------------------------------------------------------------------------

-- Runs of a dataset are found in the index alone; and which sets of definitions its files have, by a jump a set.
DROP INDEX hdqm.dqm_file_one_is_loaded;
CREATE UNIQUE INDEX dqm_file_one_is_loaded ON hdqm.dqm_file (primary_dataset_id, processing_id, run_number) INCLUDE (definition_set_id) WHERE loaded;
CREATE INDEX dqm_file_computed ON hdqm.dqm_file (primary_dataset_id, processing_id, definition_set_id) WHERE loaded;

CREATE FUNCTION hdqm.computed_sets(subsystem text, primary_datasets int[], processings int[])
RETURNS TABLE (primary_dataset_id int, processing_id int, definition_set_id int)
LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    asked int := (SELECT u.id FROM hdqm.subsystem AS u WHERE u.name = $1);
BEGIN
    RETURN QUERY
    WITH RECURSIVE dataset AS (SELECT d.id AS pd, c.id AS processing FROM unnest($2) AS d (id), unnest($3) AS c (id)),
    found (pd, processing, set) AS (
        SELECT pd, processing, (
            SELECT min(f.definition_set_id) FROM hdqm.dqm_file AS f
            WHERE f.loaded AND f.primary_dataset_id = pd AND f.processing_id = processing)
        FROM dataset
        UNION ALL
        SELECT pd, processing, (
            SELECT min(f.definition_set_id) FROM hdqm.dqm_file AS f
            WHERE f.loaded AND f.primary_dataset_id = pd AND f.processing_id = processing AND f.definition_set_id > set)
        FROM found WHERE set IS NOT NULL
    ),
    present AS MATERIALIZED (
        -- with a set laid out flat, so that a look into it does not unpack it again
        SELECT found.*, k.ids || '{}'::int[] AS ids FROM found JOIN hdqm.definition_set AS k ON k.id = set
        UNION ALL
        SELECT pd, processing, NULL, NULL FROM dataset
        WHERE EXISTS (
            SELECT FROM hdqm.dqm_file AS f
            WHERE f.loaded AND f.primary_dataset_id = pd AND f.processing_id = processing AND f.definition_set_id IS NULL)
    )
    SELECT pd, processing, set FROM present AS p
    -- OFFSET 0: look at one trend after the other; almost always the first is enough
    WHERE EXISTS (
        SELECT FROM (
            SELECT d.id FROM hdqm.trend AS t
            JOIN hdqm.series AS s ON s.trend_id = t.id AND s.primary_dataset_id = p.pd AND s.processing_id = p.processing
            JOIN hdqm.definition AS d ON d.trend_id = t.id
            WHERE $1 IS NULL OR t.subsystem_id = asked
            OFFSET 0
        ) AS own
        WHERE p.ids IS NULL OR own.id = ANY (p.ids)
    );
END $$;
COMMENT ON FUNCTION hdqm.computed_sets(text, int[], int[]) IS
'Sets of definitions that the loaded files of datasets were computed with and that concern a subsystem (NULL: any); NULL for files whose set is not known, since they changed. A series with a value has a row, be it a gap, for every such file.';

CREATE FUNCTION hdqm.chosen_runs(
    mode text, value text, subsystem text, primary_dataset text, processing text, quality text, run_class text
) RETURNS int[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
    chosen int4multirange := int4multirange(int4range(NULL, NULL));
    condition text := 'true';
    newest int;
    pds int[] := ARRAY(SELECT d.id FROM hdqm.primary_dataset AS d WHERE $4 IS NULL OR d.name = $4);
    processings int[] := ARRAY(SELECT c.id FROM hdqm.processing AS c WHERE $5 IS NULL OR c.name = $5);
    sets int[];
    answer int[];
BEGIN
    CASE mode
        WHEN 'latest' THEN
            IF coalesce(value, '') !~ '^\s*[0-9]{1,6}\s*$' OR value::int = 0 THEN
                RAISE EXCEPTION 'latest: % is no number of runs from 1 to 999999', quote_literal(coalesce(value, ''))
                    USING ERRCODE = '22023';
            END IF;
            newest := value::int;
        WHEN 'range' THEN
            IF coalesce(value, '') !~ '^\s*[0-9]{1,9}\s*-\s*[0-9]{1,9}\s*$' THEN
                RAISE EXCEPTION 'range: cannot read %: write it as in: 325000-325170', quote_literal(coalesce(value, ''))
                    USING ERRCODE = '22023';
            END IF;
            chosen := hdqm.run_ranges(value);
        WHEN 'list' THEN
            chosen := hdqm.run_ranges(value);
        WHEN 'golden' THEN
            -- + {}: laid out flat, so that a look into it does not unpack it again
            SELECT g.runs + '{}' INTO chosen FROM hdqm.golden_json AS g WHERE g.name = value;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'golden: there is no list of certified runs named %', quote_literal(coalesce(value, ''))
                    USING ERRCODE = '22023';
            END IF;
        WHEN 'where' THEN
            condition := hdqm.run_filter(value);
        ELSE
            RAISE EXCEPTION 'there is no mode %; there are latest, range, list, golden, where', quote_literal(coalesce(mode, ''))
                USING ERRCODE = '22023';
    END CASE;
    IF mode = 'list' THEN -- an explicit list is taken as it is; only a quality that does not exist is refused
        PERFORM hdqm.quality_condition(quality, subsystem, primary_dataset);
    ELSE
        condition := format('(%s) AND (%s)', condition, hdqm.quality_condition(quality, subsystem, primary_dataset));
    END IF;
    IF run_class IS NOT NULL THEN
        condition := condition || format(' AND r.run_class = %L', run_class);
    END IF;
    -- The planner takes the test of a set for a rare thing and sorts all files: only where it is needed.
    IF mode IN ('list', 'golden') THEN
        condition := condition || ' AND f.run_number <@ $3';
    END IF;
    BEGIN
        IF cardinality(pds) = 1 AND cardinality(processings) = 1 THEN
            sets := ARRAY(SELECT coalesce(k.definition_set_id, 0) FROM hdqm.computed_sets(subsystem, pds, processings) AS k);
            EXECUTE format($query$
                SELECT ARRAY(
                    SELECT f.run_number FROM hdqm.dqm_file AS f JOIN hdqm.runs AS r ON r.run_number = f.run_number
                    WHERE f.loaded AND f.primary_dataset_id = %s AND f.processing_id = %s
                        AND f.run_number >= coalesce(lower($3), 0) AND f.run_number < coalesce(upper($3), 2147483647)
                        AND coalesce(f.definition_set_id, 0) = ANY ($1) AND (%s)
                    ORDER BY f.run_number DESC LIMIT $2)
                $query$, pds[1], processings[1], condition) INTO answer USING sets, newest, chosen;
        ELSE
            EXECUTE format($query$
                WITH computed AS MATERIALIZED (SELECT * FROM hdqm.computed_sets($1, $4, $5))
                SELECT ARRAY(
                    SELECT DISTINCT f.run_number FROM hdqm.dqm_file AS f JOIN hdqm.runs AS r ON r.run_number = f.run_number
                    WHERE f.loaded
                        AND f.run_number >= coalesce(lower($3), 0) AND f.run_number < coalesce(upper($3), 2147483647)
                        AND EXISTS (
                            SELECT FROM computed AS c
                            WHERE c.primary_dataset_id = f.primary_dataset_id AND c.processing_id = f.processing_id
                                AND c.definition_set_id IS NOT DISTINCT FROM f.definition_set_id
                        )
                        AND (%s)
                    ORDER BY f.run_number DESC LIMIT $2)
                $query$, condition) INTO answer USING subsystem, newest, chosen, pds, processings;
        END IF;
    EXCEPTION WHEN data_exception OR invalid_text_representation THEN
        RAISE EXCEPTION '%: %', mode, SQLERRM USING ERRCODE = '22023';
    END;
    RETURN answer;
END $$;
COMMENT ON FUNCTION hdqm.chosen_runs(text, text, text, text, text, text, text) IS
'As hdqm.run_selection, in one array; with a class of runs, within which latest N counts (NULL: any).';

CREATE OR REPLACE FUNCTION hdqm.run_selection(
    mode text, value text, subsystem text, primary_dataset text, processing text, quality text DEFAULT 'default'
) RETURNS SETOF int
LANGUAGE plpgsql STABLE ROWS 200 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT unnest(hdqm.chosen_runs(mode, value, subsystem, primary_dataset, processing, quality, NULL));
END $$;

CREATE OR REPLACE FUNCTION hdqm.checked_runs(
    subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text
) RETURNS SETOF int
LANGUAGE plpgsql STABLE ROWS 200 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT unnest(hdqm.chosen_runs(mode, runs, nullif(subsystem, 'all'), nullif(primary_dataset, 'all'), nullif(processing, 'all'),
        quality, nullif(nullif(run_class, ''), 'all')));
END $$;

CREATE FUNCTION hdqm.readable_runs(
    subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text
) RETURNS int[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
BEGIN
    RETURN hdqm.chosen_runs(mode, runs, nullif(subsystem, 'all'), nullif(primary_dataset, 'all'), nullif(processing, 'all'),
        quality, nullif(nullif(run_class, ''), 'all'));
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN '{}';
END $$;
COMMENT ON FUNCTION hdqm.readable_runs(text, text, text, text, text, text, text) IS 'As hdqm.selected_runs, in one array.';

CREATE OR REPLACE FUNCTION hdqm.selected_runs(
    subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text
) RETURNS SETOF int
LANGUAGE plpgsql STABLE ROWS 200 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT unnest(hdqm.readable_runs($1, $2, $3, $4, $5, $6, $7));
END $$;

-- -- where on the axis ---------------------------------------------------------------------------------------------------

CREATE FUNCTION hdqm.run_places(axis text, runs int[]) RETURNS SETOF hdqm.run_place
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
    SELECT run_number, low, CASE WHEN segment THEN low ELSE low + 0.1 END, low + width / 2,
        CASE WHEN segment THEN low + width - free ELSE low + 0.9 END, CASE WHEN segment THEN low + width - free / 2 ELSE low + 0.98 END,
        low + width, band, segment
    FROM (SELECT *, least(width / 2, 0.005 * (max(low + width) OVER () - min(low) OVER ())) AS free FROM placed) AS p
    ORDER BY low, run_number;
END $$;
COMMENT ON FUNCTION hdqm.run_places(text, int[]) IS 'As hdqm.run_axis, of runs that are known.';

CREATE OR REPLACE FUNCTION hdqm.run_axis(
    axis text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text
) RETURNS SETOF hdqm.run_place
LANGUAGE plpgsql STABLE ROWS 200 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT * FROM hdqm.run_places(axis, hdqm.readable_runs($2, $3, $4, $5, $6, $7, $8));
END $$;

-- -- the plots -----------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION hdqm.panel_members(panel text, subsystem text, primary_dataset text, processing text, added text DEFAULT '')
RETURNS SETOF hdqm.panel_member
LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH written (place, label, colour) AS (
        SELECT m.position, m.trend_name, m.colour
        FROM hdqm.display_group AS g
        JOIN hdqm.subsystem AS u ON u.id = g.subsystem_id AND u.name = $2
        JOIN hdqm.display_group_member AS m ON m.display_group_id = g.id
        WHERE $1 LIKE 'group:%' AND g.name = substr($1, 7)
        UNION ALL
        SELECT 1, substr($1, 7), NULL WHERE $1 LIKE 'trend:%'
        UNION ALL
        SELECT 100000 + n::int, word, NULL
        FROM regexp_split_to_table(left($5, 10000), '[\s,]+') WITH ORDINALITY AS w (word, n)
        WHERE word <> '' AND n <= 100
    ),
    named AS MATERIALIZED (SELECT w.*, length(w.label) > 500 OR w.label ~ '^\s|\s$|[/@\u200B\u200C]' AS odd FROM written AS w),
    found AS (
        -- a label that is the name of a trend and nothing else need not be taken apart
        SELECT n.place, n.label, s.id AS series_id, t.id AS trend_id, n.colour
        FROM named AS n
        JOIN hdqm.subsystem AS u ON u.name = $2
        JOIN hdqm.trend AS t ON t.subsystem_id = u.id AND t.name = n.label
        JOIN hdqm.primary_dataset AS d ON d.name = $3
        JOIN hdqm.processing AS c ON c.name = $4
        JOIN hdqm.series AS s ON s.trend_id = t.id AND s.primary_dataset_id = d.id AND s.processing_id = c.id AND s.kind = 'run' AND s.slice = ''
        WHERE NOT n.odd
        UNION ALL
        SELECT n.place, btrim(n.label), s.series_id, s.trend_id, n.colour
        FROM named AS n, hdqm.series_by_label(n.label, $2, $3, $4) AS s
        WHERE n.odd AND s.series_id IS NOT NULL
    )
    SELECT DISTINCT ON (series_id) place, label, series_id, trend_id, colour FROM found ORDER BY series_id, place;
END $$;

CREATE OR REPLACE FUNCTION hdqm.colour_mark(number int) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    -- Dashboards choose colours by the names of series. Six characters without width tell them which one.
    SELECT pg_catalog.translate(number::pg_catalog.bit(6)::pg_catalog.text, '01', E'\u200B\u200C')
$$;

CREATE FUNCTION hdqm.marked_members(members hdqm.panel_member[])
RETURNS TABLE (place int, label text, series_id int, trend_id int)
LANGUAGE plpgsql STABLE ROWS 18 SET search_path = pg_catalog SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT m.place, m.label || hdqm.colour_mark(CASE WHEN m.colour IS NULL THEN (m.nth - 1) % 20 ELSE hdqm.colour_number(m.nth, m.colour) END),
        m.series_id, m.trend_id
    FROM (SELECT *, row_number() OVER (ORDER BY u.place)::int AS nth FROM unnest(members) AS u) AS m;
END $$;
COMMENT ON FUNCTION hdqm.marked_members(hdqm.panel_member[]) IS 'Series of a plot, their labels with hdqm.colour_mark.';

CREATE FUNCTION hdqm.trend_marks(
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
    -- 0 to 4: a point at the lower end of its run, left of the middle, in the middle, right of it, at the upper end; 6 to 8: the error bar
    marks int[] := CASE WHEN NOT segments THEN '{2}'::int[]
        -- also where the bar stands, so that it does not cut the line of its run
        WHEN with_bars THEN '{0,1,2,3,4}' ELSE '{0,4}' END || CASE WHEN with_bars THEN '{6,7,8}'::int[] ELSE '{}' END;
    first_run int;
    last_run int;
    left_end double precision;
    right_end double precision;
    half double precision;
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
    -- an error bar is a line that is almost upright: half a pixel of a plot to either side
    half := greatest(places[n].right_end - places[1].left_end, 3) / 4000;
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
            array_agg(p.value) FILTER (WHERE with_bars AND p.error > 0) AS at,
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
    SELECT CASE mark % 5 WHEN 0 THEN a.x_low WHEN 1 THEN a.x - half WHEN 2 THEN a.x WHEN 3 THEN a.x + half WHEN 4 THEN a.x_high END,
        CASE WHEN mark < 5 THEN 1 ELSE 2 END, CASE WHEN mark < 5 THEN k.labels ELSE k.bars END,
        CASE mark WHEN 6 THEN k.low WHEN 7 THEN k.at WHEN 8 THEN k.high ELSE k.values END, k.run_number,
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
    FROM unnest(places) AS a CROSS JOIN unnest(CASE WHEN segments THEN '{low,high,gap}' ELSE '{x,gap}' END::text[]) AS at;
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
COMMENT ON FUNCTION hdqm.trend_marks(text, text, text, text, text, text, text, text, text, text[], text, text[]) IS
'As hdqm.trend_plot, marks of one place and kind in one row, not sorted: series, value and error side by side in arrays; an array that is NULL stands for no values. rank: order at one place.';

-- Its text becomes part of the statement that asks it, so that its rows are sent as they are made. For that it must not have
-- settings of its own; so what it calls is named in full. Rows are sorted before they are taken apart.
CREATE OR REPLACE FUNCTION hdqm.trend_plot(
    panel text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text,
    axis text, options text[] DEFAULT '{}', added text DEFAULT '', quantities text[] DEFAULT '{}'
) RETURNS TABLE (
    x double precision, series text, value double precision, run_number int, error double precision, kind text
)
LANGUAGE sql STABLE ROWS 5000 AS $$
    SELECT m.x, pg_catalog.unnest(m.series), pg_catalog.unnest(m.value), m.run_number, pg_catalog.unnest(m.error), m.kind
    FROM hdqm.trend_marks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS m
    ORDER BY m.x, m.rank
$$;

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
        FROM (SELECT p.run_number, p.segment, unnest(ARRAY[p.x_low, p.x_high]) AS x FROM unnest(places) AS p) AS e WHERE e.segment
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

CREATE OR REPLACE FUNCTION hdqm.trend_values(
    panel text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text, added text DEFAULT ''
) RETURNS TABLE (
    run_number int, series text, value double precision, error double precision, status text, meaning text, entries double precision,
    start_time timestamptz, fill_number int, duration_s double precision, delivered_lumi_pb double precision, path text
)
LANGUAGE plpgsql STABLE ROWS 2000 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    wanted int[] := hdqm.readable_runs(subsystem, primary_dataset, processing, mode, runs, run_class, quality);
    members hdqm.panel_member[] := ARRAY(SELECT m FROM hdqm.panel_members(panel, subsystem, primary_dataset, processing, added) AS m);
    ids int[] := ARRAY(SELECT series_id FROM unnest(members));
    first_run int := (SELECT min(r) FROM unnest(wanted) AS r);
    last_run int := (SELECT max(r) FROM unnest(wanted) AS r);
BEGIN
    RETURN QUERY
    SELECT p.run_number, m.label, p.value, p.error::double precision, s.code, s.meaning, p.entries,
        r.start_time, r.fill_number, r.duration_s, r.delivered_lumi_pb, f.path::text
    FROM (SELECT * FROM hdqm.point AS p WHERE p.series_id = ANY (ids) AND p.run_number BETWEEN first_run AND last_run
                AND p.run_number + 0 = ANY (wanted) OFFSET 0) AS p
    JOIN unnest(members) AS m ON m.series_id = p.series_id
    JOIN hdqm.reason AS s ON s.number = p.status
    LEFT JOIN hdqm.run AS r ON r.run_number = p.run_number
    LEFT JOIN hdqm.dqm_file AS f ON f.id = p.dqm_file_id
    ORDER BY p.run_number DESC, m.place;
END $$;

CREATE FUNCTION hdqm.plot_values(
    panel text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text, added text DEFAULT ''
) RETURNS TABLE (run_number int, series text, value double precision)
LANGUAGE plpgsql STABLE ROWS 2000 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    wanted int[] := hdqm.readable_runs(subsystem, primary_dataset, processing, mode, runs, run_class, quality);
    members hdqm.panel_member[] := ARRAY(SELECT m FROM hdqm.panel_members(panel, subsystem, primary_dataset, processing, added) AS m);
    ids int[] := ARRAY(SELECT series_id FROM unnest(members));
    first_run int := (SELECT min(r) FROM unnest(wanted) AS r);
    last_run int := (SELECT max(r) FROM unnest(wanted) AS r);
BEGIN
    RETURN QUERY
    SELECT p.run_number, m.label, p.value
    FROM (
        SELECT p.series_id, p.run_number, p.value FROM hdqm.point AS p
        WHERE p.series_id = ANY (ids) AND p.run_number BETWEEN first_run AND last_run
                AND p.run_number + 0 = ANY (wanted) AND p.value IS NOT NULL OFFSET 0
    ) AS p
    JOIN unnest(members) AS m ON m.series_id = p.series_id
    ORDER BY p.run_number DESC, m.place;
END $$;
COMMENT ON FUNCTION hdqm.plot_values(text, text, text, text, text, text, text, text, text) IS
'Values of a plot and nothing else, newest run first; read from the key of hdqm.point alone.';

CREATE OR REPLACE FUNCTION hdqm.trend_statistics(
    panel text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text, added text DEFAULT ''
) RETURNS TABLE (
    series text, points bigint, gaps bigint, mean double precision, rms double precision, median double precision,
    minimum double precision, maximum double precision, last double precision, outside bigint
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    wanted int[] := hdqm.readable_runs(subsystem, primary_dataset, processing, mode, runs, run_class, quality);
    members hdqm.panel_member[] := ARRAY(SELECT m FROM hdqm.panel_members(panel, subsystem, primary_dataset, processing, added) AS m);
    ids int[] := ARRAY(SELECT series_id FROM unnest(members));
    first_run int := (SELECT min(r) FROM unnest(wanted) AS r);
    last_run int := (SELECT max(r) FROM unnest(wanted) AS r);
BEGIN
    RETURN QUERY
    SELECT m.label, p.points, p.gaps, p.mean, p.rms, p.median, p.minimum, p.maximum, p.last, p.outside
    FROM (
        SELECT p.series_id, count(p.value) AS points, count(*) - count(p.value) AS gaps, avg(p.value) AS mean, stddev_pop(p.value) AS rms,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY p.value) AS median, min(p.value) AS minimum, max(p.value) AS maximum,
            (array_agg(p.value ORDER BY p.run_number DESC) FILTER (WHERE p.value IS NOT NULL))[1] AS last,
            count(*) FILTER (WHERE p.value < m.low OR p.value > m.high) AS outside
        FROM (
            SELECT p.series_id, p.run_number, p.value FROM hdqm.point AS p
            WHERE p.series_id = ANY (ids) AND p.run_number BETWEEN first_run AND last_run
                AND p.run_number + 0 = ANY (wanted) OFFSET 0
        ) AS p
        JOIN (SELECT m.series_id, t.low, t.high FROM unnest(members) AS m JOIN hdqm.trend AS t ON t.id = m.trend_id OFFSET 0) AS m
            ON m.series_id = p.series_id
        GROUP BY p.series_id
    ) AS p
    JOIN unnest(members) AS m ON m.series_id = p.series_id
    ORDER BY m.place;
END $$;

CREATE OR REPLACE FUNCTION hdqm.trend_gaps(
    panel text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text, added text DEFAULT ''
) RETURNS TABLE (run_number int, series text, why text, meaning text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    wanted int[] := hdqm.readable_runs(subsystem, primary_dataset, processing, mode, runs, run_class, quality);
    members hdqm.panel_member[] := ARRAY(SELECT m FROM hdqm.panel_members(panel, subsystem, primary_dataset, processing, added) AS m);
    ids int[] := ARRAY(SELECT series_id FROM unnest(members));
    first_run int := (SELECT min(r) FROM unnest(wanted) AS r);
    last_run int := (SELECT max(r) FROM unnest(wanted) AS r);
BEGIN
    RETURN QUERY
    WITH found AS MATERIALIZED (
        SELECT p.series_id, p.run_number, p.status FROM hdqm.point AS p WHERE p.series_id = ANY (ids) AND p.run_number BETWEEN first_run AND last_run
                AND p.run_number + 0 = ANY (wanted)
    )
    SELECT p.run_number, m.label, s.code, s.meaning
    FROM found AS p JOIN unnest(members) AS m ON m.series_id = p.series_id JOIN hdqm.reason AS s ON s.number = p.status
    WHERE p.status <> 0
    UNION ALL
    SELECT r.run_number, m.label, 'no_point', 'The trend was not computed for this run, or the DQM file never had its monitor element.'
    FROM (
        SELECT m.series_id, r.run_number FROM unnest(ids) AS m (series_id) CROSS JOIN unnest(wanted) AS r (run_number)
        EXCEPT SELECT p.series_id, p.run_number FROM found AS p
    ) AS r
    JOIN unnest(members) AS m ON m.series_id = r.series_id
    ORDER BY 1 DESC, 2;
END $$;

-- -- histograms ----------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION hdqm.stored_histogram(
    subsystem text, trend text, primary_dataset text, processing text, run_number int, input text
) RETURNS SETOF hdqm.histogram
LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    -- The file's own point knows which definition and alternative were used; without one, the first that is stored.
    RETURN QUERY
    SELECT h.*
    FROM hdqm.dqm_file AS f
    JOIN hdqm.primary_dataset AS d ON d.id = f.primary_dataset_id AND d.name = $3
    JOIN hdqm.processing AS c ON c.id = f.processing_id AND c.name = $4
    JOIN hdqm.subsystem AS u ON u.name = $1
    JOIN hdqm.trend AS t ON t.subsystem_id = u.id AND t.name = $2
    LEFT JOIN hdqm.series AS s ON s.trend_id = t.id AND s.primary_dataset_id = d.id AND s.processing_id = c.id
        AND s.slice = '' AND s.kind = 'run'
    LEFT JOIN hdqm.point AS p ON p.series_id = s.id AND p.run_number = $5
    LEFT JOIN hdqm.definition AS now ON now.trend_id = t.id AND now.is_current
    JOIN hdqm.definition AS q ON q.id = coalesce(p.definition_id, now.id)
    CROSS JOIN LATERAL jsonb_array_elements(q.alternatives) WITH ORDINALITY AS a (alternative, place)
    CROSS JOIN LATERAL jsonb_array_elements_text(a.alternative -> 'paths' -> $6) WITH ORDINALITY AS e (path, place)
    JOIN hdqm.element ON element.path = e.path
    JOIN hdqm.histogram AS h ON h.run_number = $5 AND h.dqm_file_id = coalesce(p.dqm_file_id, f.id)
        AND h.element_id = element.id
    WHERE f.loaded AND f.run_number = $5
    ORDER BY a.place = p.alternative + 1 DESC NULLS LAST, a.place, e.place
    LIMIT 1;
END $$;

CREATE OR REPLACE FUNCTION hdqm.histogram_bins(
    subsystem text, trend text, primary_dataset text, processing text, run_number int, input text DEFAULT 'main'
) RETURNS TABLE (
    x_low double precision, x_high double precision, y_low double precision, y_high double precision,
    content double precision, error double precision
)
LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    h hdqm.histogram;
    size int;
    width int;
    xs double precision[];
    ys double precision[];
BEGIN
    IF input IS NULL OR input NOT IN ('main', 'histo1', 'histo2', 'reference') THEN
        RAISE EXCEPTION 'there is no input %; there are main, histo1, histo2, reference', quote_literal(coalesce(input, ''))
            USING ERRCODE = '22023';
    END IF;
    SELECT * INTO h FROM hdqm.stored_histogram($1, $2, $3, $4, $5, $6);
    IF NOT FOUND OR h.x_bins IS NULL THEN
        RETURN;
    ELSIF h.z_bins IS NOT NULL THEN
        RAISE EXCEPTION '% is a %: three dimensions cannot be given as bins of x and y', h.name, h.class_name
            USING ERRCODE = '22023';
    END IF;
    width := h.x_bins + 2;
    size := width * coalesce(h.y_bins + 2, 1);
    xs := ARRAY(SELECT hdqm.bin_edge(i, h.x_bins, h.x_low, h.x_high, h.x_edges) FROM generate_series(0, h.x_bins) AS i);
    ys := ARRAY(SELECT hdqm.bin_edge(i, h.y_bins, h.y_low, h.y_high, h.y_edges) FROM generate_series(0, h.y_bins) AS i);
    RETURN QUERY
    WITH cell AS (
        SELECT (c.place - 1)::int % width AS ix, ((c.place - 1) / width)::int AS iy, c.content, c.sumw2, c.entries, c.bin_sumw2
        FROM ROWS FROM (
            unnest(hdqm.filled(coalesce(
                h.cells_double, h.cells_real::double precision[], h.cells_integer::double precision[],
                h.cells_smallint::double precision[], h.cells_bigint::double precision[]), size)),
            unnest(hdqm.filled(h.sumw2, size)),
            unnest(hdqm.filled(h.bin_entries, size)),
            unnest(hdqm.filled(h.bin_sumw2, size))
        ) WITH ORDINALITY AS c (content, sumw2, entries, bin_sumw2, place)
    )
    SELECT xs[ix], xs[ix + 1], ys[iy], ys[iy + 1],
        CASE WHEN entries IS NULL THEN content WHEN entries = 0 THEN 0 ELSE content / entries END,
        -- of a histogram as hdqm.bin_error has it: a call a bin would take most of the time
        CASE WHEN entries IS NULL THEN sqrt(abs(coalesce(sumw2, content))) ELSE hdqm.bin_error(content, sumw2, entries, bin_sumw2, h.error_mode) END
    FROM cell
    WHERE ix BETWEEN 1 AND h.x_bins AND (h.y_bins IS NULL OR iy BETWEEN 1 AND h.y_bins)
    ORDER BY iy, ix;
END $$;

CREATE OR REPLACE FUNCTION hdqm.histogram_curve(series text, subsystem text, primary_dataset text, processing text, run text, reference text, input text DEFAULT 'main')
RETURNS TABLE (x double precision, content double precision, reference_content double precision)
LANGUAGE plpgsql STABLE ROWS 100 SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    s record;
    these int[];
BEGIN
    SELECT * INTO s FROM hdqm.series_by_label($1, $2, $3, $4) LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- of this run and of the reference those that have one dimension; a map would be taken apart for nothing
    these := ARRAY(
        SELECT r.run_number FROM (VALUES (hdqm.whole_number($5, 0, 999999999, -1)), (hdqm.whole_number($6, 0, 999999999, -1))) AS r (run_number)
        WHERE EXISTS (
            SELECT FROM hdqm.stored_histogram(s.subsystem_name, s.trend, s.dataset, s.processing_name, r.run_number, $7) AS h
            WHERE h.x_bins IS NOT NULL AND h.y_bins IS NULL));
    RETURN QUERY
    WITH this AS MATERIALIZED (
        SELECT b.* FROM unnest(these) AS r (run_number), hdqm.histogram_bins(s.subsystem_name, s.trend, s.dataset, s.processing_name, r.run_number, $7) AS b
        WHERE r.run_number = hdqm.whole_number($5, 0, 999999999, -1)
    ),
    that AS MATERIALIZED (
        SELECT b.* FROM unnest(these) AS r (run_number), hdqm.histogram_bins(s.subsystem_name, s.trend, s.dataset, s.processing_name, r.run_number, $7) AS b
        WHERE r.run_number = hdqm.whole_number($6, 0, 999999999, -1)
    ),
    -- drawn over one another as shapes: the reference run is scaled to the same sum
    scaled AS (
        SELECT that.x_low, that.x_high, that.content * coalesce((SELECT sum(content) FROM this) / nullif((SELECT sum(content) FROM that), 0), 1) AS content FROM that
    ),
    edge AS (
        SELECT x_low AS x, content, NULL::double precision AS other FROM this
        UNION ALL (SELECT x_high, 0, NULL FROM this ORDER BY x_high DESC LIMIT 1)
        UNION ALL SELECT x_low, NULL, content FROM scaled
        UNION ALL (SELECT x_high, NULL, 0 FROM scaled ORDER BY x_high DESC LIMIT 1)
    )
    SELECT x, max(content), max(other) FROM edge GROUP BY x ORDER BY x;
END $$;

CREATE OR REPLACE FUNCTION hdqm.histogram_cells(series text, subsystem text, primary_dataset text, processing text, run text, input text DEFAULT 'main')
RETURNS TABLE (x double precision, y double precision, content double precision)
LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    s record;
    columns int;
    wide int;
    high int;
BEGIN
    SELECT * INTO s FROM hdqm.series_by_label($1, $2, $3, $4) LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- at most a hundred cells a side: neighbours are added up, since a browser draws each as a mark
    SELECT h.x_bins, (h.x_bins - 1) / 100 + 1, (h.y_bins - 1) / 100 + 1 INTO columns, wide, high
    FROM hdqm.stored_histogram(s.subsystem_name, s.trend, s.dataset, s.processing_name, hdqm.whole_number($5, 0, 999999999, -1), $6) AS h
    WHERE h.x_bins IS NOT NULL AND h.y_bins IS NOT NULL AND h.z_bins IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT avg(c.x), avg(c.y), sum(c.content)
    FROM (
        SELECT (b.x_low + b.x_high) / 2 AS x, (b.y_low + b.y_high) / 2 AS y, b.content,
            (b.ordinality - 1)::int % columns / wide AS ix, ((b.ordinality - 1) / columns)::int / high AS iy
        FROM hdqm.histogram_bins(s.subsystem_name, s.trend, s.dataset, s.processing_name, hdqm.whole_number($5, 0, 999999999, -1), $6)
            WITH ORDINALITY AS b
    ) AS c
    GROUP BY c.ix, c.iy HAVING sum(c.content) <> 0 ORDER BY c.ix, c.iy;
END $$;

-- -- home, coverage, pipeline --------------------------------------------------------------------------------------------

-- what the last day brought, files an hour
CREATE INDEX dqm_file_ingested ON hdqm.dqm_file (ingested_at);

CREATE OR REPLACE FUNCTION hdqm.coverage(subsystem text, mode text, runs text, run_class text, quality text)
RETURNS TABLE (run_number int, dataset text, primary_dataset text, processing text, subsystem_name text, expected bigint, with_value bigint, percent double precision, why text)
LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    wanted int[] := (hdqm.readable_runs($1, 'all', 'all', $2, $3, $4, $5))[1:100];
    ids int[] := ARRAY(
        SELECT s.id FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id
        WHERE s.has_value AND s.kind = 'run' AND s.slice = '' AND t.active
            AND ($1 = 'all' OR t.subsystem_id = (SELECT u.id FROM hdqm.subsystem AS u WHERE u.name = $1)));
BEGIN
    RETURN QUERY
    -- of each subsystem and dataset one number, so that points are counted by numbers alone
    WITH should AS MATERIALIZED (
        SELECT row_number() OVER ()::int AS id, array_agg(s.id) AS series, t.subsystem_id, s.primary_dataset_id, s.processing_id, count(*) AS expected
        FROM unnest(ids) AS i (id) JOIN hdqm.series AS s ON s.id = i.id JOIN hdqm.trend AS t ON t.id = s.trend_id
        GROUP BY t.subsystem_id, s.primary_dataset_id, s.processing_id
    ),
    counted AS MATERIALIZED (
        SELECT p.run_number, o.id, p.status, count(*) AS n
        FROM (
            SELECT p.series_id, p.run_number, p.status FROM hdqm.point AS p
            WHERE p.series_id = ANY (ids) AND p.run_number = ANY (wanted)
            OFFSET 0
        ) AS p
        JOIN (SELECT s.id, unnest(s.series) AS series_id FROM should AS s OFFSET 0) AS o ON o.series_id = p.series_id
        GROUP BY p.run_number, o.id, p.status
    ),
    found AS MATERIALIZED (
        SELECT c.run_number, c.id, coalesce(sum(c.n) FILTER (WHERE c.status = 0), 0)::bigint AS n,
            (array_agg(c.status ORDER BY c.n DESC, c.status) FILTER (WHERE c.status <> 0))[1] AS status
        FROM counted AS c GROUP BY c.run_number, c.id
    ),
    file AS MATERIALIZED (
        SELECT DISTINCT ON (f.run_number, f.primary_dataset_id, f.processing_id) f.run_number, f.primary_dataset_id, f.processing_id, f.state::text AS state, f.loaded, f.reason
        FROM hdqm.dqm_file AS f WHERE f.run_number = ANY (wanted)
        ORDER BY f.run_number, f.primary_dataset_id, f.processing_id, f.loaded DESC, f.discovered_at DESC
    )
    SELECT w.run_number, d.name || ' / ' || c.name, d.name, c.name, u.name, s.expected, coalesce(n.n, 0),
        (100.0 * coalesce(n.n, 0) / s.expected)::double precision,
        CASE
            WHEN f.run_number IS NULL THEN 'no DQM file'
            WHEN NOT f.loaded THEN f.state || coalesce(': ' || f.reason, '')
            WHEN coalesce(n.n, 0) = s.expected THEN 'complete'
            ELSE coalesce(why.code, 'not computed') END
    FROM unnest(wanted) AS w (run_number)
    CROSS JOIN should AS s
    JOIN hdqm.subsystem AS u ON u.id = s.subsystem_id
    JOIN hdqm.primary_dataset AS d ON d.id = s.primary_dataset_id
    JOIN hdqm.processing AS c ON c.id = s.processing_id
    LEFT JOIN found AS n ON n.run_number = w.run_number AND n.id = s.id
    LEFT JOIN file AS f ON f.run_number = w.run_number AND f.primary_dataset_id = s.primary_dataset_id AND f.processing_id = s.processing_id
    LEFT JOIN hdqm.reason AS why ON why.number = n.status
    ORDER BY w.run_number DESC, 2, u.name;
END $$;

CREATE OR REPLACE FUNCTION hdqm.home_subsystems()
RETURNS TABLE (subsystem text, trends bigint, primary_datasets bigint, last_run int, last_ingested timestamptz, runs_last_day bigint, points_last_day bigint, gaps_last_day bigint, outside_last_day bigint, primary_dataset text, processing text)
LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    fresh int[] := ARRAY(SELECT f.id FROM hdqm.dqm_file AS f WHERE f.loaded AND f.ingested_at > now() - interval '1 day' ORDER BY f.ingested_at DESC LIMIT 500);
    fresh_runs int[] := ARRAY(SELECT DISTINCT f.run_number FROM hdqm.dqm_file AS f WHERE f.id = ANY (fresh));
BEGIN
    RETURN QUERY
    WITH owned AS MATERIALIZED (
        SELECT t.subsystem_id, s.id AS series_id, t.low, t.high, s.trend_id, s.primary_dataset_id, s.processing_id
        FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id WHERE t.active
    ),
    -- counted by run first: counting distinct runs would sort all points
    day AS (
        SELECT d.subsystem_id, count(*) AS runs, sum(d.points)::bigint AS points, sum(d.gaps)::bigint AS gaps, sum(d.outside)::bigint AS outside
        FROM (
            SELECT o.subsystem_id, p.run_number, count(p.value) AS points, count(*) - count(p.value) AS gaps,
                count(*) FILTER (WHERE p.value < o.low OR p.value > o.high) AS outside
            FROM hdqm.point AS p JOIN owned AS o ON o.series_id = p.series_id
            WHERE p.run_number = ANY (fresh_runs) AND p.dqm_file_id = ANY (fresh)
            GROUP BY o.subsystem_id, p.run_number
        ) AS d
        GROUP BY d.subsystem_id
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
        coalesce(day.runs, 0), coalesce(day.points, 0), coalesce(day.gaps, 0), coalesce(day.outside, 0), d.name, c.name
    FROM hdqm.subsystem AS u
    JOIN size ON size.subsystem_id = u.id
    JOIN most ON most.subsystem_id = u.id
    JOIN hdqm.primary_dataset AS d ON d.id = most.primary_dataset_id
    JOIN hdqm.processing AS c ON c.id = most.processing_id
    LEFT JOIN newest ON newest.subsystem_id = u.id
    LEFT JOIN day ON day.subsystem_id = u.id
    ORDER BY u.name;
END $$;
CREATE OR REPLACE FUNCTION hdqm.points_per_hour(since timestamptz, until timestamptz)
RETURNS TABLE ("time" timestamptz, points bigint, files bigint)
LANGUAGE sql STABLE ROWS 100 SET search_path = pg_catalog AS $$
    -- each set is counted once, not once for each of its files
    WITH size AS MATERIALIZED (SELECT d.id, cardinality(d.ids) AS n FROM hdqm.definition_set AS d)
    SELECT date_trunc('hour', f.ingested_at), sum(coalesce(d.n, 0))::bigint, count(*)
    FROM hdqm.dqm_file AS f LEFT JOIN size AS d ON d.id = f.definition_set_id
    WHERE f.ingested_at >= $1 AND f.ingested_at < $2 GROUP BY 1 ORDER BY 1
$$;
