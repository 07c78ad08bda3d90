-- Runs are selected by what was computed for their files, not by looking for points: beside twelve million points
-- a range of 1200 runs takes 8 ms in place of 400.
-- Thousands of files share a few sets of definitions, so that each set is asked once whether it concerns the subsystem:
-- a series with a value has a row, be it a gap, for every file that one of its definitions was computed for.
-- A loaded file whose bytes have changed since has no set until it is read again; its points are still there.
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
    IF quality IS NULL OR quality NOT IN ('default', 'all') THEN
        RAISE EXCEPTION 'there is no quality %; there are default and all', quote_literal(coalesce(quality, ''))
            USING ERRCODE = '22023';
    END IF;
    -- Unknown to Run Registry is not the same as not significant; an explicit list is taken as it is.
    IF quality = 'default' AND mode <> 'list' THEN
        condition := condition || ' AND r.significant IS NOT FALSE';
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
quality default leaves out runs that Run Registry calls not significant, all leaves out none; a list is never filtered. What cannot be read raises 22023.';
