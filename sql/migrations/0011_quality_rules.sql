-- Which runs count is configured: classes, significance, detectors, duration, luminosity; for all subsystems or for one.
-- As before, what nobody has told of a run leaves it in, and a list of runs is taken as it is.

CREATE TABLE hdqm.quality_rule (
    subsystem text NOT NULL,
    name text NOT NULL,
    datasets text[] NOT NULL,
    classes text[] NOT NULL,
    significant boolean NOT NULL,
    dcs jsonb,
    min_duration_s double precision,
    min_recorded_lumi_pb double precision,
    not_hlt_keys text[] NOT NULL,
    PRIMARY KEY (subsystem, name)
);
COMMENT ON TABLE hdqm.quality_rule IS 'Which runs count, as configured by [runs:…] sections.';
COMMENT ON COLUMN hdqm.quality_rule.subsystem IS 'Subsystem; empty for those that have no rule of this name of their own.';
COMMENT ON COLUMN hdqm.quality_rule.name IS 'Name: collisions, cosmics.';
COMMENT ON COLUMN hdqm.quality_rule.datasets IS 'Patterns of primary datasets that it is for; without any, those that no other rule is for.';
COMMENT ON COLUMN hdqm.quality_rule.classes IS 'Patterns of run classes, one of which has to fit.';
COMMENT ON COLUMN hdqm.quality_rule.significant IS 'Run Registry has to call the run significant.';
COMMENT ON COLUMN hdqm.quality_rule.dcs IS 'Sets of detectors; those of one set have to have been on.';
COMMENT ON COLUMN hdqm.quality_rule.min_duration_s IS 'Shortest run in seconds.';
COMMENT ON COLUMN hdqm.quality_rule.min_recorded_lumi_pb IS 'Least recorded luminosity in 1/pb.';
COMMENT ON COLUMN hdqm.quality_rule.not_hlt_keys IS 'Patterns of HLT keys that leave a run out.';

CREATE FUNCTION hdqm.like_pattern(pattern text) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog
RETURN replace(replace(replace(replace(replace(pattern, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'), '?', '_');
COMMENT ON FUNCTION hdqm.like_pattern(text) IS 'A pattern with * and ? as ILIKE reads it.';

CREATE FUNCTION hdqm.like_patterns(patterns text[]) RETURNS text[] LANGUAGE sql IMMUTABLE SET search_path = pg_catalog
RETURN ARRAY(SELECT hdqm.like_pattern(one) FROM unnest(patterns) AS one);
COMMENT ON FUNCTION hdqm.like_patterns(text[]) IS 'Patterns with * and ? as ILIKE ANY reads them.';

CREATE FUNCTION hdqm.quality_rules(subsystem text) RETURNS SETOF hdqm.quality_rule
LANGUAGE sql STABLE ROWS 2 SET search_path = pg_catalog AS $$
SELECT DISTINCT ON (q.name) q.* FROM hdqm.quality_rule AS q
WHERE q.subsystem IN ('', coalesce($1, '')) ORDER BY q.name, q.subsystem DESC
$$;
COMMENT ON FUNCTION hdqm.quality_rules(text) IS 'The rules for runs that count for a subsystem: its own, else those for all.';

CREATE FUNCTION hdqm.quality_condition(rule hdqm.quality_rule) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
SELECT coalesce(string_agg('(' || condition || ')', ' AND '), 'true') FROM (VALUES
    (CASE WHEN rule.significant THEN 'r.significant IS NOT FALSE' END),
    (CASE WHEN rule.classes <> '{}' THEN
        format('(nullif(r.run_class, %L) ILIKE ANY (%L::text[])) IS NOT FALSE', '', hdqm.like_patterns(rule.classes)) END),
    (CASE WHEN rule.not_hlt_keys <> '{}' THEN
        format('(r.hlt_key ILIKE ANY (%L::text[])) IS NOT TRUE', hdqm.like_patterns(rule.not_hlt_keys)) END),
    -- a run that goes on may still become long enough
    ('(r.end_time IS NULL OR r.duration_s >= ' || rule.min_duration_s || ') IS NOT FALSE'),
    ('(r.end_time IS NULL OR r.recorded_lumi_pb >= ' || rule.min_recorded_lumi_pb || ') IS NOT FALSE'),
    ((SELECT string_agg(format('(r.dcs_off && %L::text[]) IS NOT TRUE', ARRAY(SELECT jsonb_array_elements_text(one))), ' OR ')
        FROM jsonb_array_elements(rule.dcs) AS one))
) AS part (condition) WHERE condition IS NOT NULL
$$;
COMMENT ON FUNCTION hdqm.quality_condition(hdqm.quality_rule) IS 'A rule for runs as SQL condition over hdqm.runs r.';

CREATE FUNCTION hdqm.quality_condition(quality text, subsystem text, primary_dataset text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
    known text[];
    condition text;
BEGIN
    IF quality = 'all' THEN
        RETURN 'true';
    END IF;
    IF quality IS DISTINCT FROM 'default' THEN
        SELECT array_agg(name), max(hdqm.quality_condition(q)) FILTER (WHERE name = $1) INTO known, condition
        FROM hdqm.quality_rules($2) AS q;
        IF condition IS NULL THEN
            RAISE EXCEPTION 'there is no quality %; there are default and all%', quote_literal(coalesce(quality, '')),
                coalesce(', ' || array_to_string(known, ', '), '') USING ERRCODE = '22023';
        END IF;
        RETURN condition;
    END IF;
    WITH rule AS (
        SELECT hdqm.quality_condition(q) AS condition, q.datasets <> '{}' AS for_some,
            $3 IS NULL OR q.datasets = '{}' OR $3 ILIKE ANY (hdqm.like_patterns(q.datasets)) AS fits
        FROM hdqm.quality_rules($2) AS q
    ), fitting AS (
        -- a rule that names the dataset counts before one that names none; without a dataset every rule may fit
        SELECT r.condition FROM rule AS r
        WHERE r.fits AND ($3 IS NULL OR r.for_some OR NOT EXISTS (SELECT FROM rule AS s WHERE s.fits AND s.for_some))
    )
    SELECT string_agg('(' || f.condition || ')', ' OR ') INTO condition FROM fitting AS f;
    RETURN coalesce(condition, 'r.significant IS NOT FALSE');
END $$;
COMMENT ON FUNCTION hdqm.quality_condition(text, text, text) IS
'SQL condition over hdqm.runs r for a quality: default, all, or the name of a rule. Default is the rule that names the primary dataset, else those that name none; where none is configured, runs that Run Registry does not call insignificant.';

CREATE FUNCTION hdqm.choose_quality(subsystem text) RETURNS TABLE (quality text)
LANGUAGE sql STABLE ROWS 4 SET search_path = pg_catalog AS $$
SELECT 'default' UNION ALL SELECT 'all' UNION ALL (SELECT name FROM hdqm.quality_rules(nullif($1, 'all')) ORDER BY name)
$$;
COMMENT ON FUNCTION hdqm.choose_quality(text) IS 'What may stand as quality in hdqm.run_selection.';

CREATE FUNCTION hdqm.left_out(subsystem text, primary_dataset text, processing text, quality text DEFAULT 'default')
RETURNS SETOF hdqm.runs LANGUAGE plpgsql STABLE ROWS 50 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT r.* FROM hdqm.run_selection(''range'', ''1-999999999'', $1, $2, $3, ''all'') AS s '
        'JOIN hdqm.runs AS r ON r.run_number = s WHERE NOT (%s) ORDER BY r.run_number DESC',
        hdqm.quality_condition(quality, subsystem, primary_dataset)) USING subsystem, primary_dataset, processing;
END $$;
COMMENT ON FUNCTION hdqm.left_out(text, text, text, text) IS 'Runs with points that a quality leaves out, newest first, with what is known of them.';

CREATE VIEW hdqm.quality_rules AS SELECT * FROM hdqm.quality_rule;
COMMENT ON VIEW hdqm.quality_rules IS 'Which runs count, as configured by [runs:…] sections: one row for each rule, for all subsystems (empty) and for those that have their own.';
COMMENT ON COLUMN hdqm.quality_rules.subsystem IS 'Subsystem; empty for those that have no rule of this name of their own.';
COMMENT ON COLUMN hdqm.quality_rules.name IS 'Name: collisions, cosmics.';
COMMENT ON COLUMN hdqm.quality_rules.datasets IS 'Patterns of primary datasets that it is for; without any, those that no other rule is for.';
COMMENT ON COLUMN hdqm.quality_rules.classes IS 'Patterns of run classes, one of which has to fit.';
COMMENT ON COLUMN hdqm.quality_rules.significant IS 'Run Registry has to call the run significant.';
COMMENT ON COLUMN hdqm.quality_rules.dcs IS 'Sets of detectors; those of one set have to have been on.';
COMMENT ON COLUMN hdqm.quality_rules.min_duration_s IS 'Shortest run in seconds.';
COMMENT ON COLUMN hdqm.quality_rules.min_recorded_lumi_pb IS 'Least recorded luminosity in 1/pb.';
COMMENT ON COLUMN hdqm.quality_rules.not_hlt_keys IS 'Patterns of HLT keys that leave a run out.';

CREATE OR REPLACE FUNCTION hdqm.run_selection(
    mode text, value text, subsystem text, primary_dataset text, processing text, quality text DEFAULT 'default'
) RETURNS SETOF int
LANGUAGE plpgsql STABLE ROWS 200 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    chosen int4multirange := int4multirange(int4range(NULL, NULL));
    condition text := 'true';
    newest int;
BEGIN
    CASE mode
        WHEN 'latest' THEN
            IF coalesce(value, '') !~ '^\s*[0-9]{1,6}\s*$' OR value::int = 0 THEN
                RAISE EXCEPTION 'latest: % is no number of runs from 1 to 999999', quote_literal(coalesce(value, ''))
                    USING ERRCODE = '22023';
            END IF;
            newest := value::int;
        WHEN 'range' THEN
            IF coalesce(value, '') !~ '^\s*[0-9]{1,9}\s*-\s*[0-9]{1,9}\s*$' THEN
                RAISE EXCEPTION 'range: cannot read %: write it as in: 325000-325170', quote_literal(coalesce(value, ''))
                    USING ERRCODE = '22023';
            END IF;
            chosen := hdqm.run_ranges(value);
        WHEN 'list' THEN
            chosen := hdqm.run_ranges(value);
        WHEN 'golden' THEN
            SELECT runs INTO chosen FROM hdqm.golden_json WHERE name = value;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'golden: there is no list of certified runs named %', quote_literal(coalesce(value, ''))
                    USING ERRCODE = '22023';
            END IF;
        WHEN 'where' THEN
            condition := hdqm.run_filter(value);
        ELSE
            RAISE EXCEPTION 'there is no mode %; there are latest, range, list, golden, where', quote_literal(coalesce(mode, ''))
                USING ERRCODE = '22023';
    END CASE;
    IF mode = 'list' THEN -- an explicit list is taken as it is; only a quality that does not exist is refused
        PERFORM hdqm.quality_condition(quality, subsystem, primary_dataset);
    ELSE
        condition := format('(%s) AND (%s)', condition, hdqm.quality_condition(quality, subsystem, primary_dataset));
    END IF;
    -- The planner takes the test of a set for a rare thing and sorts all files: only where it is needed.
    IF mode IN ('list', 'golden') THEN
        condition := condition || ' AND f.run_number <@ $4';
    END IF;
    BEGIN
        RETURN QUERY EXECUTE format($query$
            WITH computed AS MATERIALIZED (
                SELECT DISTINCT f.primary_dataset_id, f.processing_id, f.definition_set_id
                FROM hdqm.dqm_file AS f
                WHERE f.loaded
                    AND f.primary_dataset_id = ANY (ARRAY(SELECT id FROM hdqm.primary_dataset WHERE $2 IS NULL OR name = $2))
                    AND f.processing_id = ANY (ARRAY(SELECT id FROM hdqm.processing WHERE $3 IS NULL OR name = $3))
            ),
            concerned AS MATERIALIZED (
                SELECT c.*
                FROM computed AS c
                LEFT JOIN hdqm.definition_set AS k ON k.id = c.definition_set_id
                CROSS JOIN LATERAL (
                    SELECT FROM hdqm.series AS s
                    JOIN hdqm.trend AS t ON t.id = s.trend_id
                    JOIN hdqm.definition AS d ON d.trend_id = t.id
                    WHERE s.primary_dataset_id = c.primary_dataset_id AND s.processing_id = c.processing_id
                        AND ($1 IS NULL OR t.subsystem_id = (SELECT id FROM hdqm.subsystem WHERE name = $1))
                        AND (k.ids IS NULL OR d.id = ANY (k.ids))
                    LIMIT 1
                ) AS one_is_enough
            )
            SELECT DISTINCT f.run_number
            FROM hdqm.dqm_file AS f
            JOIN hdqm.runs AS r ON r.run_number = f.run_number
            WHERE f.loaded
                AND f.primary_dataset_id = ANY (ARRAY(SELECT id FROM hdqm.primary_dataset WHERE $2 IS NULL OR name = $2))
                AND f.processing_id = ANY (ARRAY(SELECT id FROM hdqm.processing WHERE $3 IS NULL OR name = $3))
                AND f.run_number >= coalesce(lower($4), 0) AND f.run_number < coalesce(upper($4), 2147483647)
                AND EXISTS (
                    SELECT FROM concerned AS c
                    WHERE c.primary_dataset_id = f.primary_dataset_id AND c.processing_id = f.processing_id
                        AND c.definition_set_id IS NOT DISTINCT FROM f.definition_set_id
                )
                AND (%s)
            ORDER BY f.run_number DESC
            LIMIT $5
            $query$, condition)
            USING subsystem, primary_dataset, processing, chosen, newest;
    EXCEPTION WHEN data_exception OR invalid_text_representation THEN
        RAISE EXCEPTION '%: %', mode, SQLERRM USING ERRCODE = '22023';
    END;
END $$;
COMMENT ON FUNCTION hdqm.run_selection(text, text, text, text, text, text) IS
'Runs to show, newest first, out of those whose file was reduced to trends of the subsystem in the primary dataset and processing (NULL: any).
latest N: the newest N. range A-B. list: 324997 325000-325170. golden NAME: a list of certified runs. where: columns of hdqm.runs, run_class = Collisions18 and duration_s > 600.
quality default takes the rule of hdqm.quality_rules for the dataset, or the name of a rule; without rules it leaves out runs that Run Registry calls not significant; all leaves out none; a list is never filtered. What cannot be read raises 22023.';
