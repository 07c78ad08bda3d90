-- keep --
INSERT INTO hdqm.dag_run AS o (dag_id, run_id, state, run_type, queued_at, start_time, end_time, url)
SELECT dag_id, run_id, state, run_type, queued_at, start_time, end_time, url
FROM jsonb_to_recordset(%(runs)s::jsonb) AS s (
    dag_id text, run_id text, state text, run_type text, queued_at timestamptz, start_time timestamptz,
    end_time timestamptz, url text
)
ORDER BY dag_id, run_id
ON CONFLICT (dag_id, run_id) DO UPDATE
SET state = excluded.state, run_type = excluded.run_type, queued_at = excluded.queued_at,
    start_time = excluded.start_time, end_time = excluded.end_time, url = excluded.url, told_at = now()
WHERE (o.state, o.run_type, o.queued_at, o.start_time, o.end_time, o.url) IS DISTINCT FROM
    (excluded.state, excluded.run_type, excluded.queued_at, excluded.start_time, excluded.end_time, excluded.url)

-- forget --
DELETE FROM hdqm.dag_run WHERE told_at < now() - make_interval(days => %(days)s)

-- keep_address --
-- Where nobody has told it: Airflow knows its own.
INSERT INTO hdqm.site (name, value) VALUES ('airflow_url', %(address)s) ON CONFLICT DO NOTHING
