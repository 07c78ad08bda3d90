-- What TimescaleDB's Community edition adds. Run at the end of every migrate where `SHOW timescaledb.license` says
-- `timescale`; each step sees by itself whether there is anything to do. Statements stand apart because some are refused
-- inside of a transaction.

-- Old runs go into the columnstore (13 bytes a point in place of 160). `hdqm db maintain` converts; no job does.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM timescaledb_information.hypertables
        WHERE hypertable_schema = 'hdqm' AND hypertable_name = 'point' AND compression_enabled
    ) THEN
        PERFORM public.set_integer_now_func('hdqm.point', 'hdqm.newest_run_number', replace_if_exists => true);
        ALTER TABLE hdqm.point SET (
            timescaledb.enable_columnstore, timescaledb.segmentby = 'series_id', timescaledb.orderby = 'run_number'
        );
    END IF;
END $$;

-- hdqm: next
-- A point of a converted run may be written again, at the price of opening its batches; else that is error 53400.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_db_role_setting s, unnest(s.setconfig) AS one
        WHERE s.setrole = 0 AND s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND one = 'timescaledb.max_tuples_decompressed_per_dml_transaction=0'
    ) THEN
        EXECUTE format(
            'ALTER DATABASE %I SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0', current_database()
        );
    END IF;
END $$;

-- hdqm: next
-- The plain view gives its name to the continuous aggregate.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('hdqm.point_bucket') AND relkind = 'v')
        AND NOT EXISTS (
            SELECT FROM timescaledb_information.continuous_aggregates
            WHERE view_schema = 'hdqm' AND view_name = 'point_bucket'
        ) THEN
        DROP VIEW hdqm.point_bucket;
    END IF;
END $$;

-- hdqm: next
-- Runs beyond what was refreshed are counted when somebody looks (materialized_only = false).
CREATE MATERIALIZED VIEW IF NOT EXISTS hdqm.point_bucket
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT series_id, public.time_bucket(100, run_number) AS first_run, count(value) AS points, count(*) - count(value) AS gaps,
    avg(value) AS mean, stddev_samp(value) AS spread, min(value) AS lowest, max(value) AS highest
FROM hdqm.point GROUP BY 1, 2
WITH NO DATA;

-- hdqm: next
-- With the plain view its words went.
DO $$
BEGIN
    COMMENT ON VIEW hdqm.point_bucket IS 'Points of a series in buckets of 100 run numbers.';
    COMMENT ON COLUMN hdqm.point_bucket.series_id IS 'The series.';
    COMMENT ON COLUMN hdqm.point_bucket.first_run IS 'First run number of the bucket.';
    COMMENT ON COLUMN hdqm.point_bucket.points IS 'Points with a value.';
    COMMENT ON COLUMN hdqm.point_bucket.gaps IS 'Points without.';
    COMMENT ON COLUMN hdqm.point_bucket.mean IS 'Mean of the values.';
    COMMENT ON COLUMN hdqm.point_bucket.spread IS 'Their sample standard deviation; NULL for a single one.';
    COMMENT ON COLUMN hdqm.point_bucket.lowest IS 'The lowest value.';
    COMMENT ON COLUMN hdqm.point_bucket.highest IS 'The highest value.';
END $$;
