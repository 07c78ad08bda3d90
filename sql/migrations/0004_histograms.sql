-- Histograms that trends are made of, kept so that trends can be computed and drawn again without the files.

CREATE TABLE hdqm.histogram (
    run_number int NOT NULL,
    dqm_file_id int NOT NULL,
    element_id int NOT NULL,
    problem smallint,
    entries double precision,
    maximum double precision,
    minimum double precision,
    x_low double precision,
    x_high double precision,
    y_low double precision,
    y_high double precision,
    z_low double precision,
    z_high double precision,
    x_bins int,
    y_bins int,
    z_bins int,
    class_name text,
    name text NOT NULL,
    title text,
    error_mode text,
    scalar text,
    detail text,
    axis_details jsonb,
    x_edges double precision[],
    y_edges double precision[],
    z_edges double precision[],
    sums double precision[],
    cells_real real[],
    cells_double double precision[],
    cells_integer int[],
    cells_smallint smallint[],
    cells_bigint bigint[],
    sumw2 double precision[],
    bin_entries double precision[],
    bin_sumw2 double precision[],
    PRIMARY KEY (run_number, dqm_file_id, element_id),
    CONSTRAINT histogram_is_one_of_three CHECK (
        num_nonnulls(problem, scalar, cells_real, cells_double, cells_integer, cells_smallint, cells_bigint) = 1
    )
);
SELECT create_hypertable('hdqm.histogram', 'run_number', chunk_time_interval => 1000, create_default_indexes => false);
COMMENT ON TABLE hdqm.histogram IS 'Monitor elements that trends are made of, as ROOT stored them: histograms and profiles; numbers and texts; those that could not be read.';
COMMENT ON COLUMN hdqm.histogram.run_number IS 'CMS run number.';
COMMENT ON COLUMN hdqm.histogram.dqm_file_id IS 'DQM file that it was read from.';
COMMENT ON COLUMN hdqm.histogram.element_id IS 'Monitor element.';
COMMENT ON COLUMN hdqm.histogram.problem IS 'Number of hdqm.reason where the element is there and could not be read.';
COMMENT ON COLUMN hdqm.histogram.entries IS 'Number of entries.';
COMMENT ON COLUMN hdqm.histogram.maximum IS 'Maximum that somebody set; NULL: none.';
COMMENT ON COLUMN hdqm.histogram.minimum IS 'Minimum that somebody set; NULL: none.';
COMMENT ON COLUMN hdqm.histogram.x_low IS 'Lower end of the x axis.';
COMMENT ON COLUMN hdqm.histogram.x_high IS 'Upper end of the x axis.';
COMMENT ON COLUMN hdqm.histogram.y_low IS 'Lower end of the y axis.';
COMMENT ON COLUMN hdqm.histogram.y_high IS 'Upper end of the y axis.';
COMMENT ON COLUMN hdqm.histogram.z_low IS 'Lower end of the z axis.';
COMMENT ON COLUMN hdqm.histogram.z_high IS 'Upper end of the z axis.';
COMMENT ON COLUMN hdqm.histogram.x_bins IS 'Bins of the x axis, without underflow and overflow.';
COMMENT ON COLUMN hdqm.histogram.y_bins IS 'Bins of the y axis; NULL where there is none.';
COMMENT ON COLUMN hdqm.histogram.z_bins IS 'Bins of the z axis; NULL where there is none.';
COMMENT ON COLUMN hdqm.histogram.class_name IS 'ROOT class: TH1F, TProfile2D, …; int, float or str for a number or text; NULL where it could not be read.';
COMMENT ON COLUMN hdqm.histogram.name IS 'Name in the file.';
COMMENT ON COLUMN hdqm.histogram.title IS 'Title.';
COMMENT ON COLUMN hdqm.histogram.error_mode IS 'Option of a profile: empty, s, i or g.';
COMMENT ON COLUMN hdqm.histogram.scalar IS 'The number or text, where the element is one.';
COMMENT ON COLUMN hdqm.histogram.detail IS 'What is wrong, where it could not be read.';
COMMENT ON COLUMN hdqm.histogram.axis_details IS 'What is unusual about the axes, x first: labels by bin, first and last bin of an active range, title, …; NULL: nothing.';
COMMENT ON COLUMN hdqm.histogram.x_edges IS 'Edges of the x bins where they differ in width.';
COMMENT ON COLUMN hdqm.histogram.y_edges IS 'Edges of the y bins where they differ in width.';
COMMENT ON COLUMN hdqm.histogram.z_edges IS 'Edges of the z bins where they differ in width.';
COMMENT ON COLUMN hdqm.histogram.sums IS 'Stored moments: Σw, Σw², Σwx, Σwx², and so on as TH1::GetStats gives them.';
COMMENT ON COLUMN hdqm.histogram.cells_real IS 'Contents of all cells with under- and overflow, x fastest, of a TH…F; {}: all are zero. One of the cells_… columns is set.';
COMMENT ON COLUMN hdqm.histogram.cells_double IS 'Contents of a TH…D; sums of a profile.';
COMMENT ON COLUMN hdqm.histogram.cells_integer IS 'Contents of a TH…I.';
COMMENT ON COLUMN hdqm.histogram.cells_smallint IS 'Contents of a TH…S or TH…C.';
COMMENT ON COLUMN hdqm.histogram.cells_bigint IS 'Contents of a TH…L.';
COMMENT ON COLUMN hdqm.histogram.sumw2 IS 'Σw² per cell (of a profile Σwy²); NULL: not stored in the file; {}: all are zero.';
COMMENT ON COLUMN hdqm.histogram.bin_entries IS 'Profiles: Σw per cell; {}: all are zero.';
COMMENT ON COLUMN hdqm.histogram.bin_sumw2 IS 'Profiles: Σw² per cell; NULL: not stored in the file; {}: all are zero.';

-- lz4 takes a fifth of pglz's time for the same size; a server may have been built without it.
DO $$
DECLARE
    array_column name;
BEGIN
    IF 'lz4' = ANY (SELECT unnest(enumvals) FROM pg_settings WHERE name = 'default_toast_compression') THEN
        FOR array_column IN
            SELECT attname FROM pg_attribute
            WHERE attrelid = 'hdqm.histogram'::regclass AND attnum > 0 AND attstorage IN ('x', 'm')
        LOOP
            EXECUTE format('ALTER TABLE hdqm.histogram ALTER COLUMN %I SET COMPRESSION lz4', array_column);
        END LOOP;
    END IF;
END $$;
