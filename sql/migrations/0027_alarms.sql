-- The alarm of freshness tells that nothing comes any more, and keeps the same label as long as it lasts;
-- that of points outside of their range names the runs before, so that its link opens a page of fifty runs and not of all.

CREATE OR REPLACE FUNCTION hdqm.alarm_freshness() RETURNS TABLE (hours double precision, run text)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog AS $$
    WITH collisions AS MATERIALIZED (
        SELECT r.run_number, r.end_time,
            EXISTS (SELECT FROM hdqm.dqm_file AS f WHERE f.run_number = r.run_number AND f.loaded) AS ingested
        FROM hdqm.run AS r
        WHERE r.run_class ILIKE '%collision%' AND r.end_time BETWEEN now() - interval '14 days' AND now()
            AND r.run_number < 999999 AND r.significant IS NOT FALSE
    )
    SELECT coalesce(extract(epoch FROM now() - min(c.end_time))::double precision / 3600, 0),
        coalesce((array_agg(c.run_number ORDER BY c.end_time))[1]::text, '')
    FROM collisions AS c
    WHERE c.run_number > coalesce((SELECT max(i.run_number) FROM collisions AS i WHERE i.ingested), 0)
$$;
COMMENT ON FUNCTION hdqm.alarm_freshness() IS
'Hours since the first collision run ended after which no collision run is ingested any more, of the last two weeks, and that run; 0 where the newest is there.';

DROP FUNCTION hdqm.alarm_outside();
CREATE FUNCTION hdqm.alarm_outside() RETURNS TABLE (subsystem text, trend text, owner text, primary_dataset text, processing text, run text, runs text, points bigint)
LANGUAGE sql STABLE ROWS 50 SET search_path = pg_catalog AS $$
    WITH outside AS MATERIALIZED (
        SELECT o.subsystem, o.trend, o.owner, o.primary_dataset, o.processing, max(o.run_number) AS run_number, count(*) AS points
        FROM hdqm.outside_range(3) AS o GROUP BY 1, 2, 3, 4, 5
    ),
    dataset AS MATERIALIZED (
        SELECT DISTINCT o.primary_dataset, o.processing, o.run_number FROM outside AS o
    ),
    page AS MATERIALIZED (
        SELECT d.*, (
            SELECT min(b.run_number) FROM (
                SELECT DISTINCT f.run_number FROM hdqm.dqm_file AS f LEFT JOIN hdqm.run AS r ON r.run_number = f.run_number
                WHERE f.loaded AND f.run_number <= d.run_number AND r.significant IS NOT FALSE
                    AND f.primary_dataset_id = (SELECT p.id FROM hdqm.primary_dataset AS p WHERE p.name = d.primary_dataset)
                    AND f.processing_id = (SELECT c.id FROM hdqm.processing AS c WHERE c.name = d.processing)
                ORDER BY f.run_number DESC LIMIT 50
            ) AS b
        ) AS first_run
        FROM dataset AS d
    )
    SELECT o.subsystem, o.trend, o.owner, o.primary_dataset, o.processing, o.run_number::text,
        format('%s-%s', p.first_run, o.run_number), o.points
    FROM outside AS o JOIN page AS p USING (primary_dataset, processing, run_number)
$$;
COMMENT ON FUNCTION hdqm.alarm_outside() IS
'Series with points outside of their expected range in the newest three runs, how many, the newest of these runs, and a range of fifty runs of the dataset that ends with it.';
