-- Runs: fills of six, a month apart from the next era; every 17th is unknown to OMS, every 11th not significant.
INSERT INTO hdqm.run (run_number, start_time, end_time, duration_s, fill_number, era, run_class, significant, delivered_lumi_pb,
    recorded_lumi_pb, peak_lumi_1e34, end_lumi_1e34, b_field_t, energy_gev, l1_rate_hz, hlt_physics_rate_hz, injection_scheme, hlt_key, l1_key, oms_synced_at, rr_synced_at)
SELECT 324000 + 3 * n + n % 2,
    CASE WHEN known THEN began END, CASE WHEN known THEN began + make_interval(secs => seconds) END, CASE WHEN known THEN seconds END,
    CASE WHEN known THEN 7200 + n / 6 END, CASE WHEN known THEN '2018D' END,
    CASE WHEN known THEN CASE WHEN n % 13 = 0 THEN 'Cosmics18' ELSE 'Collisions18' END END, CASE WHEN known THEN n % 11 <> 10 END,
    CASE WHEN known THEN seconds * 0.005 END, CASE WHEN known THEN seconds * 0.0047 END, CASE WHEN known THEN 1.6 - n % 6 * 0.15 END,
    CASE WHEN known THEN 1.4 - n % 6 * 0.15 END, CASE WHEN known THEN 3.8 END, CASE WHEN known THEN 6500 END,
    CASE WHEN known THEN 90000 - n % 6 * 5000 END, CASE WHEN known THEN 1500 - n % 6 * 50 END, CASE WHEN known THEN '25ns_2556b_2544_2215_2332_144bpi_20injV3' END,
    CASE WHEN known THEN '/cdaq/physics/Run2018/2e34/v3.6.1/HLT/V2' END, CASE WHEN known THEN 'l1_trg_collisions2018/v111' END,
    CASE WHEN known THEN now() END, CASE WHEN known THEN now() END
FROM (
    SELECT n, n % 17 <> 16 AS known, timestamptz '2018-09-01 04:00+00' + n * interval '5 hours' + n / 60 * interval '9 days' AS began,
        1200 + n * 7919 % 15000 AS seconds
    FROM generate_series(0, current_setting('test.runs')::int - 1) AS n
) AS made;

INSERT INTO hdqm.primary_dataset (name) VALUES ('SingleMuon'), ('ZeroBias'), ('StreamExpress');
INSERT INTO hdqm.processing (name) VALUES ('PromptReco'), ('Express'), ('12Nov2019_UL2018');
INSERT INTO hdqm.element_set (sha256, ids) SELECT sha256('x'), array_agg(id ORDER BY id) FROM hdqm.element;
INSERT INTO hdqm.definition_set (sha256, ids) SELECT sha256('x'), array_agg(id ORDER BY id) FROM hdqm.definition;

INSERT INTO hdqm.dqm_file (path, dataset, primary_dataset_id, processing_id, era, tier, processing_version, dqm_version, name_run_number,
    folder_run_number, size_bytes, mtime, state, loaded, reason, tries, ingested_at, definition_set_id)
SELECT format('/data/DQM_V0001_R%s__%s__Run2018D-%s-v2__DQMIO.root', lpad(r.run_number::text, 9, '0'), d.name, c.name),
    format('/%s/Run2018D-%s-v2/DQMIO', d.name, c.name), d.id, c.id, 'Run2018D', 'DQMIO', 2, 1, r.run_number, r.run_number,
    50000000, 1540000000, state.name::hdqm.file_state, state.name = 'ingested',
    CASE state.name WHEN 'failed' THEN 'the file is no ROOT file: it begins with <html>' END, CASE state.name WHEN 'failed' THEN 3 ELSE 0 END,
    CASE state.name WHEN 'ingested' THEN now() - (row_number() OVER (ORDER BY r.run_number DESC)) * interval '20 minutes' END,
    CASE state.name WHEN 'ingested' THEN 1 END
FROM hdqm.run AS r
JOIN (VALUES ('SingleMuon', 'PromptReco', 1), ('ZeroBias', 'PromptReco', 1), ('StreamExpress', 'Express', 1), ('SingleMuon', '12Nov2019_UL2018', 3)) AS w (pd, processing, every)
    ON r.run_number % w.every = 0 AND NOT (w.pd = 'ZeroBias' AND r.run_number % 9 = 5)
JOIN hdqm.primary_dataset AS d ON d.name = w.pd
JOIN hdqm.processing AS c ON c.name = w.processing
CROSS JOIN LATERAL (SELECT CASE WHEN r.run_number % 29 = 7 AND w.pd = 'SingleMuon' THEN 'failed' WHEN r.run_number % 37 = 5 THEN 'discovered' ELSE 'ingested' END AS name) AS state;

INSERT INTO hdqm.series (trend_id, primary_dataset_id, processing_id, has_value)
SELECT t.id, w.primary_dataset_id, w.processing_id, true
FROM hdqm.trend AS t, (SELECT DISTINCT primary_dataset_id, processing_id FROM hdqm.dqm_file) AS w ORDER BY t.id, w.processing_id;

-- Drift, noise, steps, a tenth of a percent far away, gaps with reasons; where a range is expected, mostly within it.
SELECT setseed(0.5);
INSERT INTO hdqm.point (series_id, run_number, value, error, status, entries, definition_id, dqm_file_id, alternative)
SELECT s.id, f.run_number, CASE WHEN gap = 0 THEN
        middle + width * (0.25 * sin(f.run_number / 40.0 + s.id) + 0.12 * (random() + random() - 1) + CASE WHEN f.run_number > 324210 THEN 0.15 ELSE 0 END
            + CASE WHEN random() < 0.004 THEN 2 ELSE 0 END) END,
    CASE WHEN gap = 0 THEN width * (0.02 + 0.03 * random()) END, gap, 1000 + 100000 * random(), q.id, f.id, CASE WHEN gap <> 1 THEN 0 END
FROM hdqm.dqm_file AS f
JOIN hdqm.series AS s ON s.primary_dataset_id = f.primary_dataset_id AND s.processing_id = f.processing_id
JOIN hdqm.trend AS t ON t.id = s.trend_id
JOIN hdqm.definition AS q ON q.trend_id = t.id AND q.is_current
CROSS JOIN LATERAL (
    SELECT CASE WHEN (f.run_number * 31 + s.id * 7) % 97 < 2 THEN 5 WHEN (f.run_number + s.id) % 61 = 0 THEN 1 ELSE 0 END::smallint AS gap,
        coalesce((t.low + t.high) / 2, 10 + s.trend_id % 7) AS middle, coalesce(t.high - t.low, 2.0) AS width
) AS made
WHERE f.loaded
ORDER BY f.run_number, f.dataset, s.id; -- so that what is random does not depend on a plan

INSERT INTO hdqm.golden_json (name, runs) VALUES ('Cert_2018_Golden', '{[324000,324180),[324210,324300)}');

-- What Airflow's scheduler told: each Dag at its pace over the last day; one failed, one waits, one runs.
INSERT INTO hdqm.dag_run (dag_id, run_id, state, run_type, queued_at, start_time, end_time, url)
SELECT d.dag_id, name.run_id,
    CASE WHEN d.dag_id = 'hdqm_sync_rr' AND n = 3 THEN 'failed' WHEN n > 0 OR d.pace > interval '2 hours' THEN 'success' WHEN d.dag_id = 'hdqm_watch' THEN 'running' ELSE 'queued' END,
    d.run_type, began, CASE WHEN n > 0 OR d.pace > interval '2 hours' OR d.dag_id = 'hdqm_watch' THEN began + interval '1 second' END,
    CASE WHEN n > 0 OR d.pace > interval '2 hours' THEN began + d.takes END,
    'http://127.0.0.1:8080/dags/' || d.dag_id || '/runs/' || replace(replace(name.run_id, ':', '%3A'), '+', '%2B')
FROM (VALUES ('hdqm_ingest', interval '1 day', interval '312 seconds', 'scheduled'), ('hdqm_maintain', interval '1 day', interval '4 seconds', 'scheduled'),
    ('hdqm_publish_dashboards', interval '1 day', interval '7 seconds', 'scheduled'), ('hdqm_sync_oms', interval '30 minutes', interval '11 seconds', 'scheduled'),
    ('hdqm_sync_rr', interval '1 hour', interval '16 seconds', 'scheduled'), ('hdqm_watch', interval '20 minutes', interval '23 seconds', 'asset_triggered')) AS d (dag_id, pace, takes, run_type)
CROSS JOIN LATERAL generate_series(0, 86400 / extract(epoch FROM d.pace)::int - 1) AS n
CROSS JOIN LATERAL (SELECT date_trunc('minute', now()) - n * d.pace - CASE WHEN d.pace > interval '2 hours' THEN interval '5 hours' ELSE interval '0' END AS began) AS made
CROSS JOIN LATERAL (SELECT d.run_type || '__' || to_char(began AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS+00:00') AS run_id) AS name;
