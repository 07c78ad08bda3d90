-- Golden JSONs of one's own: anybody who may start Dags keeps lists under names, for a time, and chooses them in every dashboard.
ALTER TABLE hdqm.golden_json
    ADD COLUMN owner text,
    ADD COLUMN expires_at timestamptz;
COMMENT ON COLUMN hdqm.golden_json.owner IS 'Who uploaded it, as Airflow names its users; NULL: the site.';
COMMENT ON COLUMN hdqm.golden_json.expires_at IS 'From then on nobody can choose it, and its name is free; NULL: never.';

-- Whatever reads as hdqm_reader (dashboards, API, pages) sees no expired list, run_selection('golden', …) among them;
-- the next upload removes it. A view asks with the rights of its owner unless it is told otherwise.
ALTER TABLE hdqm.golden_json ENABLE ROW LEVEL SECURITY;
CREATE POLICY not_expired ON hdqm.golden_json FOR SELECT TO hdqm_reader USING (expires_at IS NULL OR expires_at > now());
CREATE POLICY written ON hdqm.golden_json TO hdqm_writer USING (true) WITH CHECK (true);
ALTER TABLE hdqm.golden_json_run ENABLE ROW LEVEL SECURITY;
CREATE POLICY not_expired ON hdqm.golden_json_run FOR SELECT TO hdqm_reader
    USING (EXISTS (SELECT FROM hdqm.golden_json AS g WHERE g.name = golden_json_run.name));
CREATE POLICY written ON hdqm.golden_json_run TO hdqm_writer USING (true) WITH CHECK (true);
ALTER VIEW hdqm.golden_jsons SET (security_invoker = true);
