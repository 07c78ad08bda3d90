-- newest --
-- Age of the newest data, in seconds; NULL where there are none. The ledger is small beside the points.
SELECT extract(epoch FROM now() - f.at)::float8 AS newest_file_age_s, f.at AS newest_file_at,
    extract(epoch FROM now() - o.succeeded_at)::float8 AS oms_age_s, extract(epoch FROM now() - r.succeeded_at)::float8 AS rr_age_s
FROM (SELECT max(ingested_at) AS at FROM hdqm.dqm_file) AS f
LEFT JOIN hdqm.sync_state AS o ON o.name = 'oms'
LEFT JOIN hdqm.sync_state AS r ON r.name = 'rr'

-- runs_chosen --
-- Run numbers of a selection, ascending, with what is known of each run: columns as JSON arrays, made here because a
-- number that becomes a Python object first takes ten times as long.
SELECT coalesce(array_agg(r.run_number ORDER BY r.run_number), '{}') AS run_numbers,
    json_build_object(
        'run_number', coalesce(json_agg(r.run_number ORDER BY r.run_number), '[]'),
        'start_time', coalesce(json_agg(r.start_time ORDER BY r.run_number), '[]'),
        'end_time', coalesce(json_agg(r.end_time ORDER BY r.run_number), '[]'),
        'duration_s', coalesce(json_agg(r.duration_s ORDER BY r.run_number), '[]'),
        'fill_number', coalesce(json_agg(r.fill_number ORDER BY r.run_number), '[]'),
        'era', coalesce(json_agg(r.era ORDER BY r.run_number), '[]'),
        'run_class', coalesce(json_agg(r.run_class ORDER BY r.run_number), '[]'),
        'significant', coalesce(json_agg(r.significant ORDER BY r.run_number), '[]'),
        'delivered_lumi_pb', coalesce(json_agg(r.delivered_lumi_pb ORDER BY r.run_number), '[]'),
        'recorded_lumi_pb', coalesce(json_agg(r.recorded_lumi_pb ORDER BY r.run_number), '[]'),
        'peak_lumi_1e34', coalesce(json_agg(r.peak_lumi_1e34 ORDER BY r.run_number), '[]'),
        'end_lumi_1e34', coalesce(json_agg(r.end_lumi_1e34 ORDER BY r.run_number), '[]'),
        'b_field_t', coalesce(json_agg(r.b_field_t ORDER BY r.run_number), '[]'),
        'energy_gev', coalesce(json_agg(r.energy_gev ORDER BY r.run_number), '[]'),
        'l1_rate_hz', coalesce(json_agg(r.l1_rate_hz ORDER BY r.run_number), '[]'),
        'hlt_physics_rate_hz', coalesce(json_agg(r.hlt_physics_rate_hz ORDER BY r.run_number), '[]'),
        'hlt_key', coalesce(json_agg(r.hlt_key ORDER BY r.run_number), '[]'),
        'l1_key', coalesce(json_agg(r.l1_key ORDER BY r.run_number), '[]'),
        'injection_scheme', coalesce(json_agg(r.injection_scheme ORDER BY r.run_number), '[]')
    )::text AS facts
FROM hdqm.runs AS r
WHERE r.run_number = ANY (ARRAY(
    SELECT hdqm.checked_runs(%(subsystem)s, %(primary_dataset)s, %(processing)s, %(mode)s, %(runs)s, %(run_class)s, %(quality)s)
))

-- run_numbers_chosen --
SELECT coalesce(array_agg(n ORDER BY n), '{}') AS run_numbers
FROM hdqm.checked_runs(%(subsystem)s, %(primary_dataset)s, %(processing)s, %(mode)s, %(runs)s, %(run_class)s, %(quality)s) AS n

-- series --
-- Series of runs, with what their trends say of themselves.
SELECT s.id AS series_id, u.name AS subsystem, t.name AS trend, d.name AS primary_dataset, c.name AS processing,
    t.title, t.y_title, t.unit, t.low, t.high, t.active, s.has_value
FROM hdqm.series AS s
JOIN hdqm.trend AS t ON t.id = s.trend_id
JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id
JOIN hdqm.primary_dataset AS d ON d.id = s.primary_dataset_id
JOIN hdqm.processing AS c ON c.id = s.processing_id
WHERE s.kind = 'run' AND s.slice = ''

-- points_between --
-- Points of some series as arrays, whatever their order: the reader puts them in places. NaN stands for NULL, which no
-- stored number is.
SELECT series_id, array_agg(run_number), array_agg(coalesce(value, 'NaN')), array_agg(coalesce(error, 'NaN'))
FROM hdqm.point
WHERE series_id = ANY (%(series)s) AND run_number BETWEEN %(first)s AND %(last)s
GROUP BY series_id

-- points_between_with_status --
SELECT series_id, array_agg(run_number), array_agg(coalesce(value, 'NaN')), array_agg(coalesce(error, 'NaN')), array_agg(status)
FROM hdqm.point
WHERE series_id = ANY (%(series)s) AND run_number BETWEEN %(first)s AND %(last)s
GROUP BY series_id

-- points_of_runs --
-- As points_between, for a few runs that may be far apart.
SELECT series_id, array_agg(run_number), array_agg(coalesce(value, 'NaN')), array_agg(coalesce(error, 'NaN'))
FROM hdqm.point
WHERE series_id = ANY (%(series)s) AND run_number = ANY (%(runs)s)
GROUP BY series_id

-- points_of_runs_with_status --
SELECT series_id, array_agg(run_number), array_agg(coalesce(value, 'NaN')), array_agg(coalesce(error, 'NaN')), array_agg(status)
FROM hdqm.point
WHERE series_id = ANY (%(series)s) AND run_number = ANY (%(runs)s)
GROUP BY series_id

-- reason_codes --
SELECT number, code FROM hdqm.reason

-- subsystems --
SELECT u.name AS subsystem,
    (SELECT count(*) FROM hdqm.trend AS t WHERE t.subsystem_id = u.id AND t.active) AS trends,
    (SELECT count(*) FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id WHERE t.subsystem_id = u.id AND s.has_value) AS series
FROM hdqm.subsystem AS u

-- datasets --
SELECT d.name AS primary_dataset, c.name AS processing, w.series,
    (SELECT count(*) FROM hdqm.dqm_file AS f WHERE f.loaded AND f.primary_dataset_id = d.id AND f.processing_id = c.id) AS runs,
    (SELECT max(f.run_number) FROM hdqm.dqm_file AS f WHERE f.loaded AND f.primary_dataset_id = d.id AND f.processing_id = c.id) AS newest_run
FROM (
    SELECT s.primary_dataset_id, s.processing_id, count(*) AS series
    FROM hdqm.series AS s
    JOIN hdqm.trend AS t ON t.id = s.trend_id
    JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id
    WHERE s.has_value AND (%(subsystem)s::text IS NULL OR u.name = %(subsystem)s)
    GROUP BY 1, 2
) AS w
JOIN hdqm.primary_dataset AS d ON d.id = w.primary_dataset_id
JOIN hdqm.processing AS c ON c.id = w.processing_id

-- trends --
SELECT subsystem, trend, title, y_title, unit, description, owner, metric, definition, defined_at, active, low, high, alternatives
FROM hdqm.trends

-- definitions --
SELECT d.id AS definition_id, u.name AS subsystem, t.name AS trend, encode(d.hash, 'hex') AS definition, d.metric,
    d.is_current AS current, d.first_seen, d.alternatives
FROM hdqm.definition AS d
JOIN hdqm.trend AS t ON t.id = d.trend_id
JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id

-- runs --
SELECT r.* FROM hdqm.runs AS r WHERE %(chosen)s::int[] IS NULL OR r.run_number = ANY (%(chosen)s)

-- fills --
SELECT * FROM hdqm.fill

-- run_changes --
SELECT id AS change_id, run_number, source, field, old_value AS old, new_value AS new, at FROM hdqm.run_change

-- files --
-- LEFT JOIN: names last, whatever the planner believes of tables that have a few rows more than when it last looked.
SELECT f.id AS dqm_file_id, f.path, f.run_number, f.dataset, d.name AS primary_dataset, c.name AS processing, f.era, f.tier,
    f.processing_version, f.dqm_version, f.size_bytes, to_timestamp(f.mtime) AS modified_at, f.state::text AS state, f.reason, f.tries,
    f.loaded, f.discovered_at, f.extracted_at, f.calculated_at, f.ingested_at
FROM hdqm.dqm_file AS f
LEFT JOIN hdqm.primary_dataset AS d ON d.id = f.primary_dataset_id
LEFT JOIN hdqm.processing AS c ON c.id = f.processing_id

-- coverage --
SELECT run_number, primary_dataset, processing, subsystem_name AS subsystem, expected, with_value, percent, why
FROM hdqm.coverage(%(of)s, %(mode)s, %(runs)s, %(run_class)s, %(quality)s)

-- reasons --
SELECT code, meaning FROM hdqm.reasons

-- display_groups --
SELECT g.subsystem, g."group", g.title, g.y_title, g.correlation, g.position,
    (SELECT coalesce(json_agg(json_build_object('trend', m.trend, 'colour', m.colour) ORDER BY m.position), '[]')
     FROM hdqm.display_group_series AS m WHERE m.subsystem = g.subsystem AND m."group" = g."group") AS trends
FROM hdqm.display_groups AS g

-- alarms --
-- What the alarms of the dashboards see now.
SELECT row_number() OVER () AS alarm_id, a.*
FROM (
    SELECT 'freshness' AS alarm, NULL::text AS subsystem, NULL::text AS trend, NULL::text AS owner, NULL::text AS primary_dataset,
        NULL::text AS processing, nullif(run, '')::int AS run_number, hours AS value,
        'hours since the collision run ended from which on none is ingested any more' AS meaning
    FROM hdqm.alarm_freshness() WHERE hours > 0
    UNION ALL
    SELECT 'outside', subsystem, trend, owner, primary_dataset, processing, run::int, points,
        'points outside of the expected range in the newest three runs'
    FROM hdqm.alarm_outside()
    UNION ALL
    SELECT 'gaps', subsystem, NULL, NULL, NULL, NULL, NULL, share,
        'percent of points without value in the newest ten runs, beyond that of the fifty before'
    FROM hdqm.alarm_gaps() WHERE share > 0
) AS a

-- golden_jsons --
SELECT g.name, g.source, (SELECT count(*) FROM hdqm.golden_json_run AS r WHERE r.name = g.name) AS runs FROM hdqm.golden_json AS g

-- runs_old_shape --
-- Each run with its oms_info as JSON, as the predecessor's API of 2022 shows it: [] where OMS has not told yet.
SELECT r.run_number, CASE WHEN NOT r.known_to_oms THEN '[]'::json ELSE json_build_object(
    'start_time', to_char(r.start_time AT TIME ZONE 'UTC', 'Dy, DD Mon YYYY HH24:MI:SS "GMT"'),
    'end_time', to_char(r.end_time AT TIME ZONE 'UTC', 'Dy, DD Mon YYYY HH24:MI:SS "GMT"'),
    'b_field', r.b_field_t, 'energy', r.energy_gev, 'delivered_lumi', r.delivered_lumi_pb, 'end_lumi', r.end_lumi_1e34 * 1e4,
    'recorded_lumi', r.recorded_lumi_pb, 'l1_key', r.l1_key, 'l1_rate', r.l1_rate_hz, 'hlt_key', r.hlt_key,
    'hlt_physics_rate', r.hlt_physics_rate_hz, 'duration', r.duration_s, 'fill_number', r.fill_number,
    'injection_scheme', r.injection_scheme, 'era', r.era
) END AS facts
FROM hdqm.runs AS r
WHERE r.run_number = ANY (ARRAY(
    SELECT hdqm.checked_runs(%(subsystem)s, %(primary_dataset)s, %(processing)s, %(mode)s, %(runs)s, %(run_class)s, %(quality)s)
))
ORDER BY r.run_number

-- series_old_shape --
SELECT s.id AS series_id, u.name AS subsystem, t.name, d.name AS primary_dataset, c.name AS processing, json_build_object(
    'y_title', t.y_title, 'plot_title', t.title, 'name', t.name, 'subsystem', u.name, 'pd', d.name, 'processing_string', c.name,
    'relative_path', q.alternatives -> 0 -> 'paths' -> 'main' ->> 0,
    'histo1_path', q.alternatives -> 0 -> 'paths' -> 'histo1' ->> 0,
    'histo2_path', q.alternatives -> 0 -> 'paths' -> 'histo2' ->> 0,
    'reference_path', q.alternatives -> 0 -> 'paths' -> 'reference' ->> 0,
    'trend_id', s.id
) AS metadata
FROM hdqm.series AS s
JOIN hdqm.trend AS t ON t.id = s.trend_id
JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id
JOIN hdqm.primary_dataset AS d ON d.id = s.primary_dataset_id
JOIN hdqm.processing AS c ON c.id = s.processing_id
LEFT JOIN hdqm.definition AS q ON q.trend_id = t.id AND q.is_current
WHERE s.kind = 'run' AND s.slice = '' AND s.has_value

-- selection_old_shape --
-- Names last, as in files.
SELECT u.name AS subsystem, d.name AS primary_dataset, c.name AS processing
FROM (
    SELECT DISTINCT t.subsystem_id, s.primary_dataset_id, s.processing_id
    FROM hdqm.series AS s
    JOIN hdqm.trend AS t ON t.id = s.trend_id
    WHERE s.kind = 'run' AND s.slice = '' AND s.has_value
) AS x
LEFT JOIN hdqm.subsystem AS u ON u.id = x.subsystem_id
LEFT JOIN hdqm.primary_dataset AS d ON d.id = x.primary_dataset_id
LEFT JOIN hdqm.processing AS c ON c.id = x.processing_id
ORDER BY 1, 2, 3

-- plots_old_shape --
SELECT u.name AS subsystem, d.name AS primary_dataset, c.name AS processing, t.name, s.id
FROM hdqm.series AS s
JOIN hdqm.trend AS t ON t.id = s.trend_id
LEFT JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id
LEFT JOIN hdqm.primary_dataset AS d ON d.id = s.primary_dataset_id
LEFT JOIN hdqm.processing AS c ON c.id = s.processing_id
WHERE s.kind = 'run' AND s.slice = '' AND s.has_value
ORDER BY 1, 2, 3, 4

-- runs_with_points --
-- By the ledger, which is small, not by the points.
SELECT DISTINCT run_number FROM hdqm.dqm_file WHERE loaded AND definition_set_id IS NOT NULL ORDER BY 1

-- point_link --
-- Page or picture of a point's monitor element, or of its run; of the alternative and the file that the point came from.
SELECT CASE %(kind)s
    WHEN 'oms_url' THEN hdqm.site_url('oms_url') || '/cms/runs/report?cms_run=' || %(run)s::int
    WHEN 'rr_url' THEN hdqm.site_url('rr_url') || '/offline/workspaces/global?run_number=' || %(run)s::int
    WHEN 'gui_url' THEN hdqm.site_url('dqm_gui_url') || '/start?runnr=' || %(run)s::int || ';dataset=' || hdqm.url_part(e.dataset)
        || ';workspace=Everything;root=' || hdqm.url_part(regexp_replace(e.path, '/[^/]*$', '')) || ';focus=' || hdqm.url_part(e.path) || ';zoom=yes;'
    WHEN 'image_url' THEN hdqm.site_url('dqm_gui_url') || '/plotfairy/archive/' || %(run)s::int || hdqm.url_part(e.dataset) || '/' || hdqm.url_part(e.path)
        || '?v=1510330581101995531;w=1906;h=933'
    END AS url
FROM (SELECT %(series_id)s::int AS series_id) AS asked
LEFT JOIN LATERAL (
    SELECT f.dataset, q.alternatives -> coalesce(p.alternative, 0)::int -> 'paths' -> %(input)s ->> 0 AS path, f.id
    FROM hdqm.point AS p
    JOIN hdqm.dqm_file AS f ON f.id = p.dqm_file_id
    JOIN hdqm.definition AS q ON q.id = p.definition_id
    WHERE p.series_id = asked.series_id AND p.run_number = %(run)s
) AS e ON true
WHERE asked.series_id IS NULL OR e.id IS NOT NULL
