-- freshness --
SELECT
    (SELECT max(run_number) FROM hdqm.dqm_file WHERE loaded AND run_number < 999999) AS newest_run,
    (SELECT max(ingested_at) FROM hdqm.dqm_file) AS last_ingested,
    (SELECT max(discovered_at) FROM hdqm.dqm_file) AS last_found,
    (SELECT max(run_number) FROM hdqm.run WHERE oms_synced_at IS NOT NULL AND NOT oms_absent) AS newest_run_of_oms

-- services --
SELECT name, succeeded_at, failed_at, failure FROM hdqm.sync_state ORDER BY name

-- late --
SELECT run_number, end_time, hours_ago, run_class, why FROM hdqm.not_ingested() LIMIT %(most)s

-- states --
SELECT state, files FROM hdqm.files_by_state()

-- failures --
SELECT run_number, dataset, reason, tries, since, next_try, path FROM hdqm.failed_files(%(most)s)

-- recomputes --
-- Current definitions that were not computed for all loaded files, and how many files lack each.
WITH wanted AS MATERIALIZED (
    SELECT array_agg(d.id) AS ids FROM hdqm.definition AS d JOIN hdqm.trend AS t ON t.id = d.trend_id
    WHERE d.is_current AND t.active
),
used AS MATERIALIZED (
    SELECT definition_set_id AS id, count(*) AS files FROM hdqm.dqm_file
    WHERE loaded AND definition_set_id IS NOT NULL GROUP BY 1
),
lacking AS (
    SELECT used.files, d.id
    FROM used JOIN hdqm.definition_set AS k ON k.id = used.id CROSS JOIN wanted
    CROSS JOIN LATERAL (SELECT unnest(wanted.ids) AS id EXCEPT SELECT unnest(k.ids)) AS d
)
SELECT u.name AS subsystem, t.name AS trend, d.first_seen AS since, sum(l.files)::bigint AS files, count(*) OVER () AS trends
FROM lacking AS l
JOIN hdqm.definition AS d ON d.id = l.id
JOIN hdqm.trend AS t ON t.id = d.trend_id
JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id
GROUP BY u.name, t.name, d.first_seen
ORDER BY d.first_seen DESC, 1, 2
LIMIT %(most)s

-- run_facts --
SELECT fact, value FROM hdqm.run_facts(%(run)s, '', '', '', '') WHERE fact NOT IN ('Series', 'Value', 'Error')

-- run_files --
SELECT dataset, dqm_version, state, reason, tries, ingested_at, size_bytes, path FROM hdqm.run_files(%(run)s)

-- trends --
SELECT subsystem, trend, title, unit, owner, metric, left(definition, 12) AS definition, active, low, high, defined_at,
    (SELECT count(*) FROM hdqm.definition AS d WHERE d.trend_id = t.trend_id) AS definitions,
    ARRAY(
        SELECT e.path FROM hdqm.definition AS d JOIN hdqm.element AS e ON e.id = ANY (d.elements)
        WHERE d.trend_id = t.trend_id AND d.is_current ORDER BY e.path
    ) AS elements,
    count(*) OVER () AS found
FROM hdqm.trends AS t
WHERE position(lower(%(text)s) IN lower(concat_ws(' ', subsystem || '/' || trend, title, metric, definition))) > 0
ORDER BY subsystem || '/' || trend = %(text)s DESC, trend = %(text)s DESC, subsystem, trend
LIMIT %(most)s

-- batch --
SELECT dqm_file_id, run_number, dataset, primary_dataset, processing, state, reason, ingested_at
FROM hdqm.dqm_files WHERE dqm_file_id = ANY (%(ids)s) ORDER BY dataset, run_number, dqm_file_id

-- golden --
SELECT g.name, g.owner, g.imported_at, g.expires_at,
    (SELECT count(*) FROM hdqm.golden_json_run AS r WHERE r.name = g.name) AS runs
FROM hdqm.golden_json AS g ORDER BY g.name
