-- What people, dashboards and the API read. Columns stay; more may come.
-- Left joins on keys: PostgreSQL drops those that a query does not ask for, so a plot of values reads the index alone.

CREATE VIEW hdqm.reasons AS
SELECT code, meaning FROM hdqm.reason;
COMMENT ON VIEW hdqm.reasons IS 'Status of a trend point: ok, or why it has no value.';
COMMENT ON COLUMN hdqm.reasons.code IS 'As in hdqm.trend_points.status.';
COMMENT ON COLUMN hdqm.reasons.meaning IS 'One sentence.';

CREATE VIEW hdqm.trends AS
SELECT
    subsystem.name AS subsystem,
    trend.name AS trend,
    trend.title,
    trend.y_title,
    trend.unit,
    trend.description,
    trend.owner,
    definition.metric,
    encode(definition.hash, 'hex') AS definition,
    trend.active,
    trend.low,
    trend.high,
    definition.alternatives,
    definition.first_seen AS defined_at,
    trend.id AS trend_id
FROM hdqm.trend
JOIN hdqm.subsystem ON subsystem.id = trend.subsystem_id
LEFT JOIN hdqm.definition ON definition.trend_id = trend.id AND definition.is_current;
COMMENT ON VIEW hdqm.trends IS 'Trends as they are configured now, and those that once were.';
COMMENT ON COLUMN hdqm.trends.subsystem IS 'Subsystem.';
COMMENT ON COLUMN hdqm.trends.trend IS 'Name, unique in the subsystem.';
COMMENT ON COLUMN hdqm.trends.title IS 'What to write above a plot.';
COMMENT ON COLUMN hdqm.trends.y_title IS 'What to write at the vertical axis.';
COMMENT ON COLUMN hdqm.trends.unit IS 'Unit of the values; NULL where none is configured.';
COMMENT ON COLUMN hdqm.trends.description IS 'What it shows.';
COMMENT ON COLUMN hdqm.trends.owner IS 'Whom to ask.';
COMMENT ON COLUMN hdqm.trends.metric IS 'Metric expressions; alternatives apart by " | ".';
COMMENT ON COLUMN hdqm.trends.definition IS 'Hash of the current definition.';
COMMENT ON COLUMN hdqm.trends.active IS 'Computed for new files.';
COMMENT ON COLUMN hdqm.trends.low IS 'Lower end of the expected range.';
COMMENT ON COLUMN hdqm.trends.high IS 'Upper end of the expected range.';
COMMENT ON COLUMN hdqm.trends.alternatives IS 'The current definition: metrics, arguments, monitor elements.';
COMMENT ON COLUMN hdqm.trends.defined_at IS 'When the current definition came.';
COMMENT ON COLUMN hdqm.trends.trend_id IS 'Permanent id.';

CREATE VIEW hdqm.trend_points AS
SELECT
    subsystem.name AS subsystem,
    trend.name AS trend,
    primary_dataset.name AS primary_dataset,
    processing.name AS processing,
    point.run_number,
    point.value,
    point.error,
    reason.code AS status,
    point.entries,
    encode(definition.hash, 'hex') AS definition,
    point.dqm_file_id,
    point.error_low,
    point.error_high,
    point.alternative,
    point.series_id,
    (point.series_id::bigint << 20) + point.run_number AS data_point_id
FROM hdqm.point
JOIN hdqm.series ON series.id = point.series_id
JOIN hdqm.trend ON trend.id = series.trend_id
JOIN hdqm.subsystem ON subsystem.id = trend.subsystem_id
JOIN hdqm.primary_dataset ON primary_dataset.id = series.primary_dataset_id
JOIN hdqm.processing ON processing.id = series.processing_id
LEFT JOIN hdqm.reason ON reason.number = point.status
LEFT JOIN hdqm.definition ON definition.id = point.definition_id
WHERE series.kind = 'run' AND series.slice = '';
COMMENT ON VIEW hdqm.trend_points IS 'Trend points: one row for each run of a series, gaps included. The time of a run is in hdqm.runs.';
COMMENT ON COLUMN hdqm.trend_points.subsystem IS 'Subsystem.';
COMMENT ON COLUMN hdqm.trend_points.trend IS 'Trend.';
COMMENT ON COLUMN hdqm.trend_points.primary_dataset IS 'Primary dataset: SingleMuon.';
COMMENT ON COLUMN hdqm.trend_points.processing IS 'Processing string: PromptReco.';
COMMENT ON COLUMN hdqm.trend_points.run_number IS 'CMS run number.';
COMMENT ON COLUMN hdqm.trend_points.value IS 'The measurement; NULL is a gap, and status says why.';
COMMENT ON COLUMN hdqm.trend_points.error IS 'One-sigma error; the mean of both sides where it is asymmetric.';
COMMENT ON COLUMN hdqm.trend_points.status IS 'ok, or the code of a reason (hdqm.reasons).';
COMMENT ON COLUMN hdqm.trend_points.entries IS 'Entries of the main histogram.';
COMMENT ON COLUMN hdqm.trend_points.definition IS 'Hash of the definition it was computed with.';
COMMENT ON COLUMN hdqm.trend_points.dqm_file_id IS 'DQM file it was computed from (hdqm.dqm_files).';
COMMENT ON COLUMN hdqm.trend_points.error_low IS 'Downward error where it is asymmetric.';
COMMENT ON COLUMN hdqm.trend_points.error_high IS 'Upward error where it is asymmetric.';
COMMENT ON COLUMN hdqm.trend_points.alternative IS 'Which alternative of the definition was used, from 0.';
COMMENT ON COLUMN hdqm.trend_points.series_id IS 'Permanent id of (trend, primary dataset, processing).';
COMMENT ON COLUMN hdqm.trend_points.data_point_id IS 'Permanent id of the point.';

CREATE VIEW hdqm.trend_points_all AS
SELECT
    subsystem.name AS subsystem,
    trend.name AS trend,
    primary_dataset.name AS primary_dataset,
    processing.name AS processing,
    p.run_number,
    p.value,
    p.error,
    reason.code AS status,
    p.entries,
    encode(definition.hash, 'hex') AS definition,
    p.dqm_file_id,
    p.error_low,
    p.error_high,
    p.alternative,
    p.series_id,
    p.current
FROM (
    SELECT series_id, run_number, value, error, error_low, error_high, status, entries, definition_id, dqm_file_id,
        alternative, true AS current
    FROM hdqm.point
    UNION ALL
    SELECT series_id, run_number, value, error, error_low, error_high, status, entries, definition_id, dqm_file_id,
        alternative, false
    FROM hdqm.point_history
) AS p
JOIN hdqm.series ON series.id = p.series_id
JOIN hdqm.trend ON trend.id = series.trend_id
JOIN hdqm.subsystem ON subsystem.id = trend.subsystem_id
JOIN hdqm.primary_dataset ON primary_dataset.id = series.primary_dataset_id
JOIN hdqm.processing ON processing.id = series.processing_id
LEFT JOIN hdqm.reason ON reason.number = p.status
LEFT JOIN hdqm.definition ON definition.id = p.definition_id
WHERE series.kind = 'run' AND series.slice = '';
COMMENT ON VIEW hdqm.trend_points_all IS 'As hdqm.trend_points, with the points of earlier definitions.';
COMMENT ON COLUMN hdqm.trend_points_all.subsystem IS 'Subsystem.';
COMMENT ON COLUMN hdqm.trend_points_all.trend IS 'Trend.';
COMMENT ON COLUMN hdqm.trend_points_all.primary_dataset IS 'Primary dataset.';
COMMENT ON COLUMN hdqm.trend_points_all.processing IS 'Processing string.';
COMMENT ON COLUMN hdqm.trend_points_all.run_number IS 'CMS run number.';
COMMENT ON COLUMN hdqm.trend_points_all.value IS 'The measurement; NULL is a gap.';
COMMENT ON COLUMN hdqm.trend_points_all.error IS 'One-sigma error.';
COMMENT ON COLUMN hdqm.trend_points_all.status IS 'ok, or the code of a reason.';
COMMENT ON COLUMN hdqm.trend_points_all.entries IS 'Entries of the main histogram.';
COMMENT ON COLUMN hdqm.trend_points_all.definition IS 'Hash of the definition it was computed with.';
COMMENT ON COLUMN hdqm.trend_points_all.dqm_file_id IS 'DQM file it was computed from.';
COMMENT ON COLUMN hdqm.trend_points_all.error_low IS 'Downward error where it is asymmetric.';
COMMENT ON COLUMN hdqm.trend_points_all.error_high IS 'Upward error where it is asymmetric.';
COMMENT ON COLUMN hdqm.trend_points_all.alternative IS 'Which alternative of the definition was used, from 0.';
COMMENT ON COLUMN hdqm.trend_points_all.series_id IS 'Permanent id of (trend, primary dataset, processing).';
COMMENT ON COLUMN hdqm.trend_points_all.current IS 'False for a point of an earlier definition.';

CREATE VIEW hdqm.runs AS
SELECT
    run_number, start_time, end_time, duration_s, fill_number, era, run_class, significant,
    delivered_lumi_pb, recorded_lumi_pb, peak_lumi_1e34, b_field_t, energy_gev, l1_rate_hz, hlt_key, l1_key,
    oms_synced_at IS NOT NULL AS known_to_oms,
    rr_synced_at IS NOT NULL AS known_to_rr
FROM hdqm.run;
COMMENT ON VIEW hdqm.runs IS 'Runs that have DQM files, with what OMS and Run Registry told of them: NULL where they have not yet.';
COMMENT ON COLUMN hdqm.runs.run_number IS 'CMS run number.';
COMMENT ON COLUMN hdqm.runs.start_time IS 'Start.';
COMMENT ON COLUMN hdqm.runs.end_time IS 'End; NULL also while the run goes on.';
COMMENT ON COLUMN hdqm.runs.duration_s IS 'Duration in seconds.';
COMMENT ON COLUMN hdqm.runs.fill_number IS 'LHC fill.';
COMMENT ON COLUMN hdqm.runs.era IS 'Era.';
COMMENT ON COLUMN hdqm.runs.run_class IS 'Class in Run Registry.';
COMMENT ON COLUMN hdqm.runs.significant IS 'Significant for certification.';
COMMENT ON COLUMN hdqm.runs.delivered_lumi_pb IS 'Delivered luminosity in 1/pb.';
COMMENT ON COLUMN hdqm.runs.recorded_lumi_pb IS 'Recorded luminosity in 1/pb.';
COMMENT ON COLUMN hdqm.runs.peak_lumi_1e34 IS 'Luminosity at the start in 10^34 / (cm² s).';
COMMENT ON COLUMN hdqm.runs.b_field_t IS 'Magnetic field in tesla.';
COMMENT ON COLUMN hdqm.runs.energy_gev IS 'Energy of a beam in GeV.';
COMMENT ON COLUMN hdqm.runs.l1_rate_hz IS 'Level-1 rate in Hz.';
COMMENT ON COLUMN hdqm.runs.hlt_key IS 'Key of the high-level trigger menu.';
COMMENT ON COLUMN hdqm.runs.l1_key IS 'Key of the level-1 configuration.';
COMMENT ON COLUMN hdqm.runs.known_to_oms IS 'OMS has told of the run.';
COMMENT ON COLUMN hdqm.runs.known_to_rr IS 'Run Registry has told of the run.';

CREATE VIEW hdqm.dqm_files AS
SELECT
    dqm_file.path,
    dqm_file.run_number,
    dqm_file.dataset,
    dqm_file.dqm_version,
    dqm_file.size_bytes,
    dqm_file.state::text AS state,
    dqm_file.reason,
    dqm_file.tries,
    dqm_file.ingested_at,
    primary_dataset.name AS primary_dataset,
    processing.name AS processing,
    dqm_file.era,
    dqm_file.processing_version,
    dqm_file.tier,
    dqm_file.name_run_number,
    to_timestamp(dqm_file.mtime) AS modified_at,
    dqm_file.discovered_at,
    dqm_file.extracted_at,
    dqm_file.calculated_at,
    dqm_file.loaded,
    dqm_file.id AS dqm_file_id
FROM hdqm.dqm_file
JOIN hdqm.primary_dataset ON primary_dataset.id = dqm_file.primary_dataset_id
JOIN hdqm.processing ON processing.id = dqm_file.processing_id;
COMMENT ON VIEW hdqm.dqm_files IS 'The ledger: every DQM file that was found and what became of it.';
COMMENT ON COLUMN hdqm.dqm_files.path IS 'Path or address.';
COMMENT ON COLUMN hdqm.dqm_files.run_number IS 'CMS run number: that of the folder in the file, until it was read that of its name.';
COMMENT ON COLUMN hdqm.dqm_files.dataset IS 'Dataset name.';
COMMENT ON COLUMN hdqm.dqm_files.dqm_version IS 'The 1 of DQM_V0001.';
COMMENT ON COLUMN hdqm.dqm_files.size_bytes IS 'Size in bytes.';
COMMENT ON COLUMN hdqm.dqm_files.state IS 'discovered, waiting, ingested, superseded, failed, ignored or vanished.';
COMMENT ON COLUMN hdqm.dqm_files.reason IS 'Why it failed or is ignored; what is odd about it.';
COMMENT ON COLUMN hdqm.dqm_files.tries IS 'How often reading failed.';
COMMENT ON COLUMN hdqm.dqm_files.ingested_at IS 'When its points became the current ones.';
COMMENT ON COLUMN hdqm.dqm_files.primary_dataset IS 'Primary dataset.';
COMMENT ON COLUMN hdqm.dqm_files.processing IS 'Processing string.';
COMMENT ON COLUMN hdqm.dqm_files.era IS 'Era in the dataset name.';
COMMENT ON COLUMN hdqm.dqm_files.processing_version IS 'The 2 of -v2.';
COMMENT ON COLUMN hdqm.dqm_files.tier IS 'Data tier.';
COMMENT ON COLUMN hdqm.dqm_files.name_run_number IS 'Run number in the name.';
COMMENT ON COLUMN hdqm.dqm_files.modified_at IS 'Modification time of the file.';
COMMENT ON COLUMN hdqm.dqm_files.discovered_at IS 'When it was first seen.';
COMMENT ON COLUMN hdqm.dqm_files.extracted_at IS 'When its histograms were last read into the database.';
COMMENT ON COLUMN hdqm.dqm_files.calculated_at IS 'When points were last computed of it.';
COMMENT ON COLUMN hdqm.dqm_files.loaded IS 'The current points of its run, primary dataset and processing are its own.';
COMMENT ON COLUMN hdqm.dqm_files.dqm_file_id IS 'Permanent id.';

CREATE VIEW hdqm.file_events AS
SELECT dqm_file.path, event.at, event.old_state::text AS old_state, event.new_state::text AS new_state, event.reason,
    event.dqm_file_id
FROM hdqm.file_event AS event
JOIN hdqm.dqm_file ON dqm_file.id = event.dqm_file_id;
COMMENT ON VIEW hdqm.file_events IS 'Every change of the state of a DQM file.';
COMMENT ON COLUMN hdqm.file_events.path IS 'The file.';
COMMENT ON COLUMN hdqm.file_events.at IS 'When.';
COMMENT ON COLUMN hdqm.file_events.old_state IS 'State before; NULL for a file that was not known.';
COMMENT ON COLUMN hdqm.file_events.new_state IS 'State after.';
COMMENT ON COLUMN hdqm.file_events.reason IS 'Reason after the change.';
COMMENT ON COLUMN hdqm.file_events.dqm_file_id IS 'Permanent id of the file.';

CREATE VIEW hdqm.display_groups AS
SELECT subsystem.name AS subsystem, display_group.name AS "group", display_group.title, display_group.y_title,
    display_group.correlation, display_group.position
FROM hdqm.display_group
JOIN hdqm.subsystem ON subsystem.id = display_group.subsystem_id;
COMMENT ON VIEW hdqm.display_groups IS 'Trends of one subsystem that are drawn in one plot.';
COMMENT ON COLUMN hdqm.display_groups.subsystem IS 'Subsystem.';
COMMENT ON COLUMN hdqm.display_groups."group" IS 'Name of the group, unique in the subsystem.';
COMMENT ON COLUMN hdqm.display_groups.title IS 'What to write above the plot.';
COMMENT ON COLUMN hdqm.display_groups.y_title IS 'What to write at the vertical axis.';
COMMENT ON COLUMN hdqm.display_groups.correlation IS 'Two trends against one another instead of against the run.';
COMMENT ON COLUMN hdqm.display_groups.position IS 'Order in the configuration, from 1.';

CREATE VIEW hdqm.display_group_series AS
SELECT display_group.name AS "group", member.position, subsystem.name AS subsystem, member.trend_name AS trend,
    member.colour
FROM hdqm.display_group_member AS member
JOIN hdqm.display_group ON display_group.id = member.display_group_id
JOIN hdqm.subsystem ON subsystem.id = display_group.subsystem_id;
COMMENT ON VIEW hdqm.display_group_series IS 'Trends of the display groups, in the order of drawing.';
COMMENT ON COLUMN hdqm.display_group_series."group" IS 'Name of the group.';
COMMENT ON COLUMN hdqm.display_group_series.position IS 'Order, from 1.';
COMMENT ON COLUMN hdqm.display_group_series.subsystem IS 'Subsystem of group and trend.';
COMMENT ON COLUMN hdqm.display_group_series.trend IS 'Trend.';
COMMENT ON COLUMN hdqm.display_group_series.colour IS 'CSS colour; NULL leaves it to the plot.';

CREATE VIEW hdqm.histograms AS
SELECT
    histogram.run_number,
    primary_dataset.name AS primary_dataset,
    processing.name AS processing,
    element.path AS element,
    histogram.class_name,
    histogram.title,
    histogram.entries,
    histogram.x_bins, histogram.x_low, histogram.x_high, histogram.x_edges,
    histogram.y_bins, histogram.y_low, histogram.y_high, histogram.y_edges,
    coalesce(
        histogram.cells_double, histogram.cells_real::double precision[], histogram.cells_integer::double precision[],
        histogram.cells_smallint::double precision[], histogram.cells_bigint::double precision[]
    ) AS cells,
    histogram.sumw2,
    histogram.bin_entries,
    histogram.scalar,
    reason.code AS problem,
    histogram.dqm_file_id
FROM hdqm.histogram
JOIN hdqm.element ON element.id = histogram.element_id
JOIN hdqm.dqm_file ON dqm_file.id = histogram.dqm_file_id
JOIN hdqm.primary_dataset ON primary_dataset.id = dqm_file.primary_dataset_id
JOIN hdqm.processing ON processing.id = dqm_file.processing_id
LEFT JOIN hdqm.reason ON reason.number = histogram.problem;
COMMENT ON VIEW hdqm.histograms IS 'Stored monitor elements; hdqm.histogram_bins gives one row a bin.';
COMMENT ON COLUMN hdqm.histograms.run_number IS 'CMS run number.';
COMMENT ON COLUMN hdqm.histograms.primary_dataset IS 'Primary dataset.';
COMMENT ON COLUMN hdqm.histograms.processing IS 'Processing string.';
COMMENT ON COLUMN hdqm.histograms.element IS 'Monitor element.';
COMMENT ON COLUMN hdqm.histograms.class_name IS 'ROOT class; int, float or str for a number or text.';
COMMENT ON COLUMN hdqm.histograms.title IS 'Title.';
COMMENT ON COLUMN hdqm.histograms.entries IS 'Number of entries.';
COMMENT ON COLUMN hdqm.histograms.x_bins IS 'Bins of the x axis.';
COMMENT ON COLUMN hdqm.histograms.x_low IS 'Lower end of the x axis.';
COMMENT ON COLUMN hdqm.histograms.x_high IS 'Upper end of the x axis.';
COMMENT ON COLUMN hdqm.histograms.x_edges IS 'Edges of the x bins where they differ in width.';
COMMENT ON COLUMN hdqm.histograms.y_bins IS 'Bins of the y axis.';
COMMENT ON COLUMN hdqm.histograms.y_low IS 'Lower end of the y axis.';
COMMENT ON COLUMN hdqm.histograms.y_high IS 'Upper end of the y axis.';
COMMENT ON COLUMN hdqm.histograms.y_edges IS 'Edges of the y bins where they differ in width.';
COMMENT ON COLUMN hdqm.histograms.cells IS 'Contents of all cells with under- and overflow, x fastest; of a profile the sums; {}: all are zero.';
COMMENT ON COLUMN hdqm.histograms.sumw2 IS 'Σw² per cell (of a profile Σwy²); NULL: not stored; {}: all are zero.';
COMMENT ON COLUMN hdqm.histograms.bin_entries IS 'Profiles: Σw per cell; {}: all are zero.';
COMMENT ON COLUMN hdqm.histograms.scalar IS 'The number or text, where the element is one.';
COMMENT ON COLUMN hdqm.histograms.problem IS 'Why it could not be read.';
COMMENT ON COLUMN hdqm.histograms.dqm_file_id IS 'DQM file that it was read from.';
