-- Trend points, partitioned by run number. The key carries what a plot asks for, so that it is read from the index alone.
-- No foreign keys here: three checks a row would cost more than the row, and the ids they guard are never deleted.

CREATE TABLE hdqm.point (
    value double precision,
    entries double precision,
    series_id int NOT NULL,
    run_number int NOT NULL,
    error real,
    error_low real,
    error_high real,
    definition_id int NOT NULL,
    dqm_file_id int NOT NULL,
    status smallint NOT NULL,
    alternative smallint,
    CONSTRAINT point_a_gap_has_a_reason CHECK ((value IS NOT NULL) = (status = 0)),
    -- to PostgreSQL NaN is greater than infinity
    CONSTRAINT point_numbers_are_finite CHECK (
        value > '-Infinity' AND value < 'Infinity' AND entries > '-Infinity' AND entries < 'Infinity'
        AND error > '-Infinity' AND error < 'Infinity'
        AND error_low > '-Infinity' AND error_low < 'Infinity' AND error_high > '-Infinity' AND error_high < 'Infinity'
    ),
    PRIMARY KEY (series_id, run_number) INCLUDE (value, error, status)
);
-- makes the index on run_number by itself, which all series of a run are found by
SELECT create_hypertable('hdqm.point', 'run_number', chunk_time_interval => 10000);
COMMENT ON TABLE hdqm.point IS 'Current trend points: one row a series and run, gaps included.';
COMMENT ON COLUMN hdqm.point.value IS 'The measurement; NULL is a gap, never a zero.';
COMMENT ON COLUMN hdqm.point.entries IS 'Entries of the main histogram.';
COMMENT ON COLUMN hdqm.point.series_id IS 'The series.';
COMMENT ON COLUMN hdqm.point.run_number IS 'CMS run number.';
COMMENT ON COLUMN hdqm.point.error IS 'One-sigma error; the mean of both sides where it is asymmetric. NULL where it exceeds 3e38.';
COMMENT ON COLUMN hdqm.point.error_low IS 'Downward error where it is asymmetric.';
COMMENT ON COLUMN hdqm.point.error_high IS 'Upward error where it is asymmetric.';
COMMENT ON COLUMN hdqm.point.definition_id IS 'Definition that it was computed with.';
COMMENT ON COLUMN hdqm.point.dqm_file_id IS 'DQM file that it was computed from.';
COMMENT ON COLUMN hdqm.point.status IS 'Number of hdqm.reason: 0 is a value, anything else why there is none.';
COMMENT ON COLUMN hdqm.point.alternative IS 'Which of the definition''s alternatives was used, from 0.';

CREATE TABLE hdqm.point_history (
    value double precision,
    entries double precision,
    series_id int NOT NULL,
    run_number int NOT NULL,
    error real,
    error_low real,
    error_high real,
    definition_id int NOT NULL,
    dqm_file_id int NOT NULL,
    status smallint NOT NULL,
    alternative smallint,
    PRIMARY KEY (series_id, definition_id, run_number)
);
SELECT create_hypertable('hdqm.point_history', 'run_number', chunk_time_interval => 10000);
COMMENT ON TABLE hdqm.point_history IS 'Points of earlier definitions: moved here when the file was computed with a later one.';
COMMENT ON COLUMN hdqm.point_history.value IS 'As in hdqm.point.';
COMMENT ON COLUMN hdqm.point_history.entries IS 'As in hdqm.point.';
COMMENT ON COLUMN hdqm.point_history.series_id IS 'As in hdqm.point.';
COMMENT ON COLUMN hdqm.point_history.run_number IS 'As in hdqm.point.';
COMMENT ON COLUMN hdqm.point_history.error IS 'As in hdqm.point.';
COMMENT ON COLUMN hdqm.point_history.error_low IS 'As in hdqm.point.';
COMMENT ON COLUMN hdqm.point_history.error_high IS 'As in hdqm.point.';
COMMENT ON COLUMN hdqm.point_history.definition_id IS 'The earlier definition.';
COMMENT ON COLUMN hdqm.point_history.dqm_file_id IS 'As in hdqm.point.';
COMMENT ON COLUMN hdqm.point_history.status IS 'As in hdqm.point.';
COMMENT ON COLUMN hdqm.point_history.alternative IS 'As in hdqm.point.';
