-- community --
SELECT WHERE current_setting('timescaledb.license', true) = 'timescale'

-- switched_on --
-- Which objects of the Community edition are there.
SELECT
    (SELECT compression_enabled FROM timescaledb_information.hypertables
        WHERE hypertable_schema = 'hdqm' AND hypertable_name = 'point'),
    (SELECT count(*) FROM timescaledb_information.continuous_aggregates WHERE view_schema = 'hdqm')

-- chunks_to_convert --
-- Chunks of old runs that are in the row store, or were written to since they were converted.
-- Status bits: 1 converted, 2 unordered, 8 partly converted.
SELECT format('%%I.%%I', c.schema_name, c.table_name), i.range_start_integer, i.range_end_integer
FROM timescaledb_information.chunks i
JOIN _timescaledb_catalog.chunk c ON c.schema_name = i.chunk_schema AND c.table_name = i.chunk_name
WHERE i.hypertable_schema = 'hdqm' AND i.hypertable_name = 'point'
    AND i.range_end_integer <= hdqm.newest_run_number() - %(keep)s
    AND (NOT i.is_compressed OR c.status & 10 <> 0)
ORDER BY i.range_start_integer

-- chunks_to_open --
SELECT format('%%I.%%I', chunk_schema, chunk_name), range_start_integer, range_end_integer
FROM timescaledb_information.chunks
WHERE hypertable_schema = 'hdqm' AND hypertable_name = 'point' AND is_compressed
    AND range_start_integer <= %(last)s AND range_end_integer > %(first)s
ORDER BY range_start_integer

-- to_columnstore --
CALL convert_to_columnstore(%(chunk)s::regclass, if_not_columnstore => true)

-- to_rowstore --
CALL convert_to_rowstore(%(chunk)s::regclass, if_columnstore => true)

-- refresh --
-- Only what was written to since the last time is counted again.
CALL refresh_continuous_aggregate('hdqm.point_bucket', NULL, NULL)
