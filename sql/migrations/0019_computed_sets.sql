-- Which sets of definitions concern a subsystem: looked up among its own trends only. The planner went through the series of
-- all subsystems where one with few trends came after one with many: 1752 of them, 2 ms, with every selection of runs.

CREATE OR REPLACE FUNCTION hdqm.computed_sets(subsystem text, primary_datasets int[], processings int[])
RETURNS TABLE (primary_dataset_id int, processing_id int, definition_set_id int)
LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    asked int := (SELECT u.id FROM hdqm.subsystem AS u WHERE u.name = $1);
BEGIN
    RETURN QUERY
    WITH RECURSIVE dataset AS (SELECT d.id AS pd, c.id AS processing FROM unnest($2) AS d (id), unnest($3) AS c (id)),
    found (pd, processing, set) AS (
        SELECT pd, processing, (
            SELECT min(f.definition_set_id) FROM hdqm.dqm_file AS f
            WHERE f.loaded AND f.primary_dataset_id = pd AND f.processing_id = processing)
        FROM dataset
        UNION ALL
        SELECT pd, processing, (
            SELECT min(f.definition_set_id) FROM hdqm.dqm_file AS f
            WHERE f.loaded AND f.primary_dataset_id = pd AND f.processing_id = processing AND f.definition_set_id > set)
        FROM found WHERE set IS NOT NULL
    ),
    present AS MATERIALIZED (
        -- with a set laid out flat, so that a look into it does not unpack it again
        SELECT found.*, k.ids || '{}'::int[] AS ids FROM found JOIN hdqm.definition_set AS k ON k.id = set
        UNION ALL
        SELECT pd, processing, NULL, NULL FROM dataset
        WHERE EXISTS (
            SELECT FROM hdqm.dqm_file AS f
            WHERE f.loaded AND f.primary_dataset_id = pd AND f.processing_id = processing AND f.definition_set_id IS NULL)
    )
    SELECT pd, processing, set FROM present AS p
    -- OFFSET 0: one trend after the other; almost always the first is enough
    WHERE CASE
        WHEN $1 IS NULL THEN EXISTS (
            SELECT FROM (
                SELECT d.id FROM hdqm.series AS s JOIN hdqm.definition AS d ON d.trend_id = s.trend_id
                WHERE s.primary_dataset_id = p.pd AND s.processing_id = p.processing
                OFFSET 0
            ) AS own
            WHERE p.ids IS NULL OR own.id = ANY (p.ids))
        ELSE EXISTS (
            SELECT FROM (SELECT t.id FROM hdqm.trend AS t WHERE t.subsystem_id = asked OFFSET 0) AS t
            CROSS JOIN LATERAL (
                SELECT FROM hdqm.series AS s
                WHERE s.trend_id = t.id AND s.primary_dataset_id = p.pd AND s.processing_id = p.processing OFFSET 0
            ) AS s
            CROSS JOIN LATERAL (SELECT d.id FROM hdqm.definition AS d WHERE d.trend_id = t.id OFFSET 0) AS d
            WHERE p.ids IS NULL OR d.id = ANY (p.ids))
        END;
END $$;
