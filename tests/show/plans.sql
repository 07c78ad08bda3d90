-- Points in three chunks: those of the newest runs, and of every tenth before. So many trends that a walk along all points of
-- the chosen runs costs; so many files that one along all of them does.
INSERT INTO hdqm.subsystem (name) VALUES ('Pixel'), ('HCAL');
INSERT INTO hdqm.trend (subsystem_id, name, title, y_title, low, high)
SELECT 1 + n % 2, 't' || n, 't', 'y', 0, 2 FROM generate_series(1, 400) AS n;
INSERT INTO hdqm.definition (trend_id, hash, alternatives, metric, elements, main_elements, is_current)
SELECT id, sha256(name::bytea), '[]', 'basic.Mean()', '{}', '{}', true FROM hdqm.trend;
INSERT INTO hdqm.definition_set (sha256, ids) SELECT sha256('x'), array_agg(id ORDER BY id) FROM hdqm.definition;
INSERT INTO hdqm.display_group (subsystem_id, name, title, y_title, correlation, position) VALUES (2, 'g', 'g', 'y', false, 1);
INSERT INTO hdqm.display_group_member (display_group_id, position, trend_name)
SELECT 1, n, 't' || 2 * n - 1 FROM generate_series(1, 9) AS n;
INSERT INTO hdqm.primary_dataset (name) VALUES ('A'), ('B'), ('C');
INSERT INTO hdqm.processing (name) VALUES ('PromptReco');
INSERT INTO hdqm.series (trend_id, primary_dataset_id, processing_id, has_value)
SELECT t.id, d.id, 1, true FROM hdqm.primary_dataset AS d, hdqm.trend AS t;
INSERT INTO hdqm.run (run_number, start_time, duration_s, fill_number)
SELECT 300000 + 30 * n, timestamptz '2018-01-01' + n * interval '1 hour', 3600, n / 6 FROM generate_series(0, 1000 - 1) AS n;
INSERT INTO hdqm.dqm_file (path, dataset, primary_dataset_id, processing_id, era, tier, processing_version, dqm_version,
    name_run_number, size_bytes, mtime, state, loaded, ingested_at, definition_set_id)
SELECT format('/%s/%s', d.id, r.run_number), 'x', d.id, 1, 'Run2018D', 'DQMIO', 1, 1, r.run_number, 1, 1, 'ingested', true, now(), 1
FROM hdqm.run AS r, hdqm.primary_dataset AS d;
INSERT INTO hdqm.point (series_id, run_number, value, error, status, definition_id, dqm_file_id)
SELECT s.id, f.run_number, 1, 0.1, 0, s.trend_id, f.id
FROM hdqm.dqm_file AS f JOIN hdqm.series AS s ON s.primary_dataset_id = f.primary_dataset_id
WHERE f.run_number >= 329000 OR f.run_number % 300 = 0 ORDER BY f.run_number, s.id;
-- some gaps, so that there is something to count
UPDATE hdqm.point SET value = NULL, error = NULL, status = 5 WHERE run_number > 329900 AND series_id % 50 = 31;
UPDATE hdqm.dqm_file SET range_version = (SELECT version FROM hdqm.expected_range);
