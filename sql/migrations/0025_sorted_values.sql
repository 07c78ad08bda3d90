-- A plot without outliers sorts its values once and looks both medians up in them.

CREATE FUNCTION hdqm.median_and_deviation(sorted double precision[], OUT median double precision, OUT deviation double precision)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
    n int := cardinality(sorted);
    half int := (n + 1) / 2;
    first int := 1;
    last int := n / 2 + 1;
    trial int;
    outside double precision;
BEGIN
    median := sorted[half] + (sorted[last] - sorted[half]) / 2;
    -- the nearer half of the values stands side by side: first is where it begins
    WHILE first < last LOOP
        trial := (first + last) / 2;
        IF median - sorted[trial] > sorted[trial + half] - median THEN
            first := trial + 1;
        ELSE
            last := trial;
        END IF;
    END LOOP;
    deviation := greatest(median - sorted[first], sorted[first + half - 1] - median);
    IF n % 2 = 0 THEN
        outside := least(median - sorted[first - 1], sorted[first + half] - median);
        deviation := deviation + (outside - deviation) / 2;
    END IF;
END $$;
COMMENT ON FUNCTION hdqm.median_and_deviation(double precision[]) IS
'Median of values in ascending order, and the median of their distances from it. NULL where there are none.';

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
    sorted double precision[];
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
        SELECT array_agg(p.value ORDER BY p.value), avg(p.value), stddev_pop(p.value) INTO sorted, mean, rms
        FROM hdqm.point AS p
        WHERE p.series_id = ANY (ids) AND p.run_number BETWEEN first_run AND last_run AND p.run_number + 0 = ANY (wanted) AND p.value IS NOT NULL;
    END IF;
    IF 'outliers' = ANY (options) THEN
        SELECT m.median, m.deviation INTO middle, reach FROM hdqm.median_and_deviation(sorted) AS m;
        -- spread without the outliers that it is to find
        reach := 5 * coalesce(nullif(1.4826 * reach, 0), rms);
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
        FROM unnest(places) AS a JOIN hdqm.run AS r ON r.run_number = a.run_number AND r.run_number BETWEEN first_run AND last_run,
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
        FROM unnest(places) AS a JOIN hdqm.run AS r ON r.run_number = a.run_number AND r.run_number BETWEEN first_run AND last_run, unnest(known) WITH ORDINALITY AS q (name, n),
            LATERAL (VALUES (a.x, NOT segments), (a.x_low, segments), (a.x_high, segments)) AS at (x, wanted)
        WHERE at.wanted;
    END IF;
END $$;
