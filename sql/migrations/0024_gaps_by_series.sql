-- Series that get their first value are looked up one by one. All at once, PostgreSQL walked along every gap of the database
-- for them (the index of gaps begins with the run), so the first file of a dataset took longer the more gaps there were.

CREATE OR REPLACE FUNCTION hdqm.count_gaps_of(series int[], times int) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    INSERT INTO hdqm.gap_count AS c
    SELECT p.run_number, s.primary_dataset_id, s.processing_id, t.subsystem_id, p.status, $2 * count(*)
    FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id
    CROSS JOIN LATERAL (
        SELECT p.run_number, p.status FROM hdqm.point AS p WHERE p.series_id = s.id AND p.status <> 0
        OFFSET 0 -- by the key
    ) AS p
    WHERE s.id = ANY ($1) AND s.kind = 'run' AND s.slice = ''
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (run_number, primary_dataset_id, processing_id, subsystem_id, status) DO UPDATE SET points = c.points + excluded.points;
END $$;
