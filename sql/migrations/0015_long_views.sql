-- A whole history in a few numbers: points in buckets of 100 run numbers. Plain views here; where TimescaleDB's Community
-- edition is found, community.sql makes hdqm.point_bucket a continuous aggregate of the same name and columns.
-- Functions name it in their text, so nothing hangs on it.

CREATE FUNCTION hdqm.newest_run_number() RETURNS int LANGUAGE sql STABLE SET search_path = '' AS
$$ SELECT coalesce(max(run_number), 0)::int FROM hdqm.point $$;
COMMENT ON FUNCTION hdqm.newest_run_number() IS 'The newest run that has a point; 0 where there is none. TimescaleDB asks it what "now" is.';

CREATE VIEW hdqm.point_bucket AS
SELECT series_id, public.time_bucket(100, run_number) AS first_run, count(value) AS points, count(*) - count(value) AS gaps,
    avg(value) AS mean, stddev_samp(value) AS spread, min(value) AS lowest, max(value) AS highest
FROM hdqm.point GROUP BY 1, 2;
COMMENT ON VIEW hdqm.point_bucket IS 'Points of a series in buckets of 100 run numbers.';
COMMENT ON COLUMN hdqm.point_bucket.series_id IS 'The series.';
COMMENT ON COLUMN hdqm.point_bucket.first_run IS 'First run number of the bucket.';
COMMENT ON COLUMN hdqm.point_bucket.points IS 'Points with a value.';
COMMENT ON COLUMN hdqm.point_bucket.gaps IS 'Points without.';
COMMENT ON COLUMN hdqm.point_bucket.mean IS 'Mean of the values.';
COMMENT ON COLUMN hdqm.point_bucket.spread IS 'Their sample standard deviation; NULL for a single one.';
COMMENT ON COLUMN hdqm.point_bucket.lowest IS 'The lowest value.';
COMMENT ON COLUMN hdqm.point_bucket.highest IS 'The highest value.';

CREATE FUNCTION hdqm.trend_history(subsystem text, trend text, primary_dataset text, processing text)
RETURNS TABLE (first_run int, last_run int, points bigint, gaps bigint, mean double precision, spread double precision,
    lowest double precision, highest double precision)
LANGUAGE plpgsql STABLE SET search_path = '' AS $$
#variable_conflict use_column
DECLARE
    wanted int := (
        SELECT s.id FROM hdqm.series s
        JOIN hdqm.trend t ON t.id = s.trend_id AND t.name = trend_history.trend
        JOIN hdqm.subsystem u ON u.id = t.subsystem_id AND u.name = trend_history.subsystem
        JOIN hdqm.primary_dataset d ON d.id = s.primary_dataset_id AND d.name = trend_history.primary_dataset
        JOIN hdqm.processing p ON p.id = s.processing_id AND p.name = trend_history.processing
        WHERE s.kind = 'run' AND s.slice = ''
    );
BEGIN
    RETURN QUERY
        SELECT b.first_run::int, b.first_run::int + 99, b.points, b.gaps, b.mean, b.spread, b.lowest, b.highest
        FROM hdqm.point_bucket b WHERE b.series_id = wanted ORDER BY 1;
END $$;
COMMENT ON FUNCTION hdqm.trend_history(text, text, text, text) IS
    'A series over all its runs, 100 run numbers a row: mean, standard deviation, lowest and highest value, number of points and gaps.';
