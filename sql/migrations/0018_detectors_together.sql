-- A rule's detectors have to have been on all at once, in one lumisection, where the lumisections of a run are known. Else
-- no more is known than which detector was on in none of them.

ALTER TABLE hdqm.run ADD COLUMN dcs_off_sets bigint[];
COMMENT ON COLUMN hdqm.run.dcs_off_sets IS
    'Detectors that were not on, lumisection by lumisection, as bits of hdqm.dcs_flag: each set once, and none that holds a smaller one. NULL where no lumisections are known.';

CREATE FUNCTION hdqm.detectors_off(run int) RETURNS bigint[] LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
WITH seen AS (SELECT DISTINCT l.dcs_off AS off FROM hdqm.lumisection AS l WHERE l.run_number = $1)
SELECT array_agg(s.off ORDER BY s.off) FROM seen AS s
WHERE NOT EXISTS (SELECT FROM seen AS t WHERE t.off <> s.off AND t.off & s.off = t.off)
$$;
COMMENT ON FUNCTION hdqm.detectors_off(int) IS 'The smallest sets of detectors that were off together in a run, of its lumisections; NULL where there are none.';

UPDATE hdqm.run SET dcs_off_sets = hdqm.detectors_off(run_number)
WHERE run_number IN (SELECT run_number FROM hdqm.lumisection);

CREATE FUNCTION hdqm.detector_condition(detectors text[]) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
SELECT format(
    '(r.dcs_off && %L::text[]) IS NOT TRUE AND (SELECT o.dcs_off_sets IS NULL OR EXISTS ('
    'SELECT FROM unnest(o.dcs_off_sets) AS off WHERE off & %s = 0) FROM hdqm.run AS o WHERE o.run_number = r.run_number) IS NOT FALSE',
    $1, (SELECT coalesce(bit_or(1::bigint << f.bit), 0) FROM hdqm.dcs_flag AS f WHERE f.name = ANY ($1))
)
$$;
COMMENT ON FUNCTION hdqm.detector_condition(text[]) IS 'That these detectors were on together, as SQL condition over hdqm.runs r.';

CREATE OR REPLACE FUNCTION hdqm.quality_condition(rule hdqm.quality_rule) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
SELECT coalesce(string_agg('(' || condition || ')', ' AND '), 'true') FROM (VALUES
    (CASE WHEN rule.significant THEN 'r.significant IS NOT FALSE' END),
    (CASE WHEN rule.classes <> '{}' THEN
        format('(nullif(r.run_class, %L) ILIKE ANY (%L::text[])) IS NOT FALSE', '', hdqm.like_patterns(rule.classes)) END),
    (CASE WHEN rule.not_hlt_keys <> '{}' THEN
        format('(r.hlt_key ILIKE ANY (%L::text[])) IS NOT TRUE', hdqm.like_patterns(rule.not_hlt_keys)) END),
    -- a run that goes on may still become long enough
    ('(r.end_time IS NULL OR r.duration_s >= ' || rule.min_duration_s || ') IS NOT FALSE'),
    ('(r.end_time IS NULL OR r.recorded_lumi_pb >= ' || rule.min_recorded_lumi_pb || ') IS NOT FALSE'),
    ((SELECT string_agg('(' || hdqm.detector_condition(ARRAY(SELECT jsonb_array_elements_text(one))) || ')', ' OR ')
        FROM jsonb_array_elements(rule.dcs) AS one))
) AS part (condition) WHERE condition IS NOT NULL
$$;
