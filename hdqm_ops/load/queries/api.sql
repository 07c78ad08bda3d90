-- newest --
-- Age of the newest data, in seconds; NULL where there are none. The ledger is small beside the points.
SELECT extract(epoch FROM now() - f.at)::float8 AS newest_file_age_s, f.at AS newest_file_at,
    extract(epoch FROM now() - o.succeeded_at)::float8 AS oms_age_s, extract(epoch FROM now() - r.succeeded_at)::float8 AS rr_age_s
FROM (SELECT max(ingested_at) AS at FROM hdqm.dqm_file) AS f
LEFT JOIN hdqm.sync_state AS o ON o.name = 'oms'
LEFT JOIN hdqm.sync_state AS r ON r.name = 'rr'
