-- lock --
-- One configuration at a time.
SELECT pg_advisory_xact_lock(5211378346312115054)

-- stage --
CREATE TEMP TABLE stage_trend (
    subsystem text, name text, title text, y_title text, unit text, description text, owner text,
    low float8, high float8, hash bytea, alternatives text, metric text, elements text[], main_elements text[]
) ON COMMIT DROP;
CREATE TEMP TABLE stage_group (
    subsystem text, name text, title text, y_title text, correlation bool, position int, trends text[], colours text[]
) ON COMMIT DROP

-- copy_trends --
COPY pg_temp.stage_trend FROM STDIN (FORMAT binary)

-- copy_groups --
COPY pg_temp.stage_group FROM STDIN (FORMAT binary)

-- analyze --
ANALYZE pg_temp.stage_trend; ANALYZE pg_temp.stage_group

-- add_subsystems --
INSERT INTO hdqm.subsystem (name)
SELECT DISTINCT s.subsystem FROM (SELECT subsystem FROM pg_temp.stage_trend UNION SELECT subsystem FROM pg_temp.stage_group) AS s
WHERE NOT EXISTS (SELECT FROM hdqm.subsystem u WHERE u.name = s.subsystem)
ORDER BY 1

-- add_elements --
INSERT INTO hdqm.element (path)
SELECT DISTINCT named.path COLLATE "C" FROM pg_temp.stage_trend CROSS JOIN LATERAL unnest(elements) AS named (path)
WHERE NOT EXISTS (SELECT FROM hdqm.element e WHERE e.path = named.path)
ORDER BY 1
ON CONFLICT DO NOTHING

-- add_trends --
INSERT INTO hdqm.trend (subsystem_id, name, title, y_title, unit, description, owner, low, high)
SELECT u.id, s.name, s.title, s.y_title, s.unit, s.description, s.owner, s.low, s.high
FROM pg_temp.stage_trend s JOIN hdqm.subsystem u ON u.name = s.subsystem
WHERE NOT EXISTS (SELECT FROM hdqm.trend t WHERE t.subsystem_id = u.id AND t.name = s.name)
ORDER BY u.id, s.name

-- return_trends --
-- Retired ones that are configured again.
UPDATE hdqm.trend t SET active = true
FROM pg_temp.stage_trend s JOIN hdqm.subsystem u ON u.name = s.subsystem
WHERE t.subsystem_id = u.id AND t.name = s.name AND NOT t.active

-- change_texts --
UPDATE hdqm.trend t
SET title = s.title, y_title = s.y_title, unit = s.unit, description = s.description, owner = s.owner, low = s.low,
    high = s.high
FROM pg_temp.stage_trend s JOIN hdqm.subsystem u ON u.name = s.subsystem
WHERE t.subsystem_id = u.id AND t.name = s.name
    AND (t.title, t.y_title, t.unit, t.description, t.owner, t.low, t.high)
        IS DISTINCT FROM (s.title, s.y_title, s.unit, s.description, s.owner, s.low, s.high)

-- add_definitions --
INSERT INTO hdqm.definition (trend_id, hash, alternatives, metric, elements, main_elements, is_current)
SELECT t.id, s.hash, s.alternatives::jsonb, s.metric,
    ARRAY(SELECT e.id FROM hdqm.element e WHERE e.path = ANY (s.elements) ORDER BY 1),
    ARRAY(SELECT e.id FROM hdqm.element e WHERE e.path = ANY (s.main_elements) ORDER BY 1),
    false
FROM pg_temp.stage_trend s
JOIN hdqm.subsystem u ON u.name = s.subsystem
JOIN hdqm.trend t ON t.subsystem_id = u.id AND t.name = s.name
WHERE NOT EXISTS (SELECT FROM hdqm.definition d WHERE d.trend_id = t.id AND d.hash = s.hash)
ORDER BY t.id

-- leave_definitions --
-- Before the others become current, for there is one a trend.
UPDATE hdqm.definition d SET is_current = false
FROM pg_temp.stage_trend s
JOIN hdqm.subsystem u ON u.name = s.subsystem
JOIN hdqm.trend t ON t.subsystem_id = u.id AND t.name = s.name
WHERE d.trend_id = t.id AND d.is_current AND d.hash <> s.hash

-- take_definitions --
UPDATE hdqm.definition d SET is_current = true
FROM pg_temp.stage_trend s
JOIN hdqm.subsystem u ON u.name = s.subsystem
JOIN hdqm.trend t ON t.subsystem_id = u.id AND t.name = s.name
WHERE d.trend_id = t.id AND NOT d.is_current AND d.hash = s.hash

-- retire_trends --
UPDATE hdqm.trend t SET active = false
FROM hdqm.subsystem u
WHERE u.id = t.subsystem_id AND t.active
    AND NOT EXISTS (SELECT FROM pg_temp.stage_trend s WHERE s.subsystem = u.name AND s.name = t.name)

-- remove_groups --
DELETE FROM hdqm.display_group g
USING hdqm.subsystem u
WHERE u.id = g.subsystem_id
    AND NOT EXISTS (SELECT FROM pg_temp.stage_group s WHERE s.subsystem = u.name AND s.name = g.name)

-- upsert_groups --
-- A part of a configuration does not know the order of the whole.
INSERT INTO hdqm.display_group AS g (subsystem_id, name, title, y_title, correlation, position)
SELECT u.id, s.name, s.title, s.y_title, s.correlation, s.position
FROM pg_temp.stage_group s JOIN hdqm.subsystem u ON u.name = s.subsystem
ORDER BY s.position
ON CONFLICT (subsystem_id, name) DO UPDATE
SET title = excluded.title, y_title = excluded.y_title, correlation = excluded.correlation,
    position = CASE WHEN %(whole)s THEN excluded.position ELSE g.position END
WHERE (g.title, g.y_title, g.correlation, g.position) IS DISTINCT FROM
    (excluded.title, excluded.y_title, excluded.correlation, CASE WHEN %(whole)s THEN excluded.position ELSE g.position END)

-- remove_members --
DELETE FROM hdqm.display_group_member m
USING hdqm.display_group g, hdqm.subsystem u, pg_temp.stage_group s
WHERE g.id = m.display_group_id AND u.id = g.subsystem_id AND s.subsystem = u.name AND s.name = g.name
    AND m.position > coalesce(cardinality(s.trends), 0)

-- upsert_members --
INSERT INTO hdqm.display_group_member AS m (display_group_id, position, trend_name, colour)
SELECT g.id, member.position, member.trend, member.colour
FROM pg_temp.stage_group s
JOIN hdqm.subsystem u ON u.name = s.subsystem
JOIN hdqm.display_group g ON g.subsystem_id = u.id AND g.name = s.name
CROSS JOIN LATERAL ROWS FROM (unnest(s.trends), unnest(s.colours)) WITH ORDINALITY AS member (trend, colour, position)
WHERE member.trend IS NOT NULL
ON CONFLICT (display_group_id, position) DO UPDATE SET trend_name = excluded.trend_name, colour = excluded.colour
WHERE (m.trend_name, m.colour) IS DISTINCT FROM (excluded.trend_name, excluded.colour)

-- current_definitions --
SELECT u.name || '/' || t.name, d.id
FROM pg_temp.stage_trend s
JOIN hdqm.subsystem u ON u.name = s.subsystem
JOIN hdqm.trend t ON t.subsystem_id = u.id AND t.name = s.name
JOIN hdqm.definition d ON d.trend_id = t.id AND d.is_current

-- remove_rules --
DELETE FROM hdqm.quality_rule AS q
WHERE NOT EXISTS (
    SELECT FROM jsonb_to_recordset(%(rows)s::jsonb) AS s (subsystem text, name text)
    WHERE s.subsystem = q.subsystem AND s.name = q.name
)

-- upsert_rules --
INSERT INTO hdqm.quality_rule AS q (
    subsystem, name, datasets, classes, significant, dcs, min_duration_s, min_recorded_lumi_pb, not_hlt_keys
)
SELECT subsystem, name, datasets, classes, significant, dcs, min_duration_s, min_recorded_lumi_pb, not_hlt_keys
FROM jsonb_populate_recordset(NULL::hdqm.quality_rule, %(rows)s::jsonb) ORDER BY subsystem, name
ON CONFLICT (subsystem, name) DO UPDATE SET
    (datasets, classes, significant, dcs, min_duration_s, min_recorded_lumi_pb, not_hlt_keys) = (
        excluded.datasets, excluded.classes, excluded.significant, excluded.dcs, excluded.min_duration_s,
        excluded.min_recorded_lumi_pb, excluded.not_hlt_keys
    )
WHERE q IS DISTINCT FROM excluded
