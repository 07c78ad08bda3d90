-- All but the points of many_points.py; sizes are settings of the session.
INSERT INTO hdqm.subsystem (name) VALUES ('Pixel'), ('HCAL'), ('Strip'), ('Tracking');
INSERT INTO hdqm.trend (subsystem_id, name, title, y_title, low, high)
SELECT 1 + 4 * (n - 1) / current_setting('benchmark.trends')::int, 't' || n, 'Trend ' || n, 'value', 5, 15 FROM generate_series(1, current_setting('benchmark.trends')::int) AS n;
INSERT INTO hdqm.element (path) SELECT 'Folder/Sub/element_' || n FROM generate_series(1, current_setting('benchmark.trends')::int) AS n;
INSERT INTO hdqm.definition (trend_id, hash, alternatives, metric, elements, main_elements, is_current)
SELECT id, sha256(name::bytea),
    jsonb_build_array(jsonb_build_object('paths', jsonb_build_object('main', jsonb_build_array('Folder/Sub/element_' || id)))),
    'basic.Mean()', ARRAY[id], ARRAY[id], true FROM hdqm.trend;
INSERT INTO hdqm.element_set (sha256, ids) SELECT sha256('x'), array_agg(id ORDER BY id) FROM hdqm.element;
INSERT INTO hdqm.definition_set (sha256, ids) SELECT sha256('x'), array_agg(id ORDER BY id) FROM hdqm.definition;
-- a set of an earlier configuration, with which the older half was computed
INSERT INTO hdqm.definition_set (sha256, ids) SELECT sha256('y'), array_agg(id ORDER BY id) FROM hdqm.definition WHERE id % 50 > 0;
INSERT INTO hdqm.display_group (subsystem_id, name, title, y_title, correlation, position)
SELECT subsystem_id, 'g' || (id - 1) / 18, 'Group ' || (id - 1) / 18, 'value', false, (id - 1) / 18 FROM hdqm.trend
GROUP BY 1, (id - 1) / 18;
INSERT INTO hdqm.display_group_member (display_group_id, position, trend_name)
SELECT g.id, t.id, t.name FROM hdqm.trend AS t
JOIN hdqm.display_group AS g ON g.subsystem_id = t.subsystem_id AND g.name = 'g' || (t.id - 1) / 18;
INSERT INTO hdqm.primary_dataset (name) SELECT 'Dataset' || n FROM generate_series(1, current_setting('benchmark.datasets')::int) AS n;
INSERT INTO hdqm.processing (name) VALUES ('PromptReco'), ('12Nov2019_UL2018');
INSERT INTO hdqm.series (trend_id, primary_dataset_id, processing_id, has_value)
SELECT t.id, d.id, 1, true FROM hdqm.primary_dataset AS d, hdqm.trend AS t ORDER BY d.id, t.id;

INSERT INTO hdqm.run (run_number, start_time, end_time, duration_s, fill_number, era, run_class, significant, delivered_lumi_pb,
    recorded_lumi_pb, peak_lumi_1e34, b_field_t, energy_gev, l1_rate_hz, hlt_key, l1_key, injection_scheme, oms_synced_at, rr_synced_at)
SELECT 300000 + 3 * n, began, began + make_interval(secs => seconds), seconds, n / 6, 'Run2018D',
    CASE WHEN n % 13 = 0 THEN 'Cosmics18' ELSE 'Collisions18' END, n % 11 <> 10, seconds * 0.005, seconds * 0.0047, 1.6, 3.8, 6500,
    90000, '/cdaq/physics/Run2018/2e34/v3.6.1/HLT/V2', 'l1_trg_collisions2018/v111', '25ns_2556b_2544_2215_2332_144bpi_20injV3', now(), now()
FROM (SELECT n, timestamptz '2016-01-01' + n * interval '5 hours' AS began, 1200 + n * 7919 % 15000 AS seconds
      FROM generate_series(1, current_setting('benchmark.runs')::int) AS n) AS made;
INSERT INTO hdqm.dqm_file (path, dataset, primary_dataset_id, processing_id, era, tier, processing_version, dqm_version,
    name_run_number, folder_run_number, size_bytes, mtime, state, loaded, reason, ingested_at, definition_set_id, element_set_id)
SELECT format('/data/DQM_V000%s_R%s__%s__Run2018D-PromptReco-v2__DQMIO.root', v.version, r.run_number, d.name),
    format('/%s/Run2018D-PromptReco-v2/DQMIO', d.name), d.id, 1, 'Run2018D', 'DQMIO', 2, v.version, r.run_number, r.run_number, 50000000, 1540000000,
    v.state::hdqm.file_state, v.state = 'ingested', CASE v.state WHEN 'failed' THEN 'the file is no ROOT file' END,
    now() - row_number() OVER (ORDER BY r.run_number DESC, d.id) * interval '20 minutes', v.set, 1
FROM hdqm.run AS r CROSS JOIN hdqm.primary_dataset AS d CROSS JOIN LATERAL (
    VALUES ('ingested', 2, CASE WHEN r.run_number < 300000 + 1.5 * current_setting('benchmark.runs')::int THEN 2 ELSE 1 END), ('superseded', 1, 2), ('failed', 3, NULL)
) AS v (state, version, set)
WHERE v.state = 'ingested' OR v.state = 'superseded' AND r.run_number % 10 = 0 OR v.state = 'failed' AND r.run_number % 500 = 0;
INSERT INTO hdqm.golden_json (name, runs)
SELECT 'golden', range_agg(int4range(run_number, run_number + 1)) FROM hdqm.run WHERE run_class = 'Collisions18' AND run_number % 5 <> 0;

-- every fifth histogram is a map; of the newest ten runs
INSERT INTO hdqm.histogram (run_number, dqm_file_id, element_id, class_name, name, title, entries,
    x_bins, x_low, x_high, y_bins, y_low, y_high, cells_real)
SELECT f.run_number, f.id, e.id, CASE WHEN two THEN 'TH2F' ELSE 'TH1F' END, 'h', 'made up', 100000, 100, 0, 1,
    CASE WHEN two THEN 100 END, CASE WHEN two THEN 0 END, CASE WHEN two THEN 1 END,
    ARRAY(SELECT 1 + (i % 102) * (e.id + f.run_number % 7) FROM generate_series(1, CASE WHEN two THEN 102 * 102 ELSE 102 END) AS i)
FROM hdqm.dqm_file AS f, hdqm.element AS e, LATERAL (SELECT e.id % 5 = 0) AS shape (two)
WHERE f.loaded AND f.run_number > (SELECT max(run_number) - 30 FROM hdqm.run) AND f.primary_dataset_id <= 3 AND e.id <= 200;
