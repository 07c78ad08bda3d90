-- Functions that dashboards, the API and the command line share.

CREATE FUNCTION hdqm.run_filter(condition text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
    rest text := condition;
    found text[];
    kind text;
    clauses text[] := '{}';
    form CONSTANT text := $re$^\s*(?:([a-z_0-9]+)\s*(=|!=|<>|<=|>=|<|>)\s*('(?:[^']|'')*'|[^\s']+)|([a-z_0-9]+)\s+is\s+(not\s+)?null)(?:\s+and\s+(?=\S)|\s*$)$re$;
BEGIN
    WHILE rest ~ '\S' OR clauses = '{}' LOOP
        found := regexp_match(rest, form, 'i');
        IF found IS NULL THEN
            RAISE EXCEPTION 'cannot read %: write it as in: run_class = Collisions18 and duration_s > 600',
                quote_literal(coalesce(rest, '')) USING ERRCODE = '22023';
        END IF;
        SELECT format_type(atttypid, atttypmod) INTO kind FROM pg_attribute
        WHERE attrelid = 'hdqm.runs'::regclass AND attnum > 0 AND attname = lower(coalesce(found[1], found[4]));
        IF kind IS NULL THEN
            RAISE EXCEPTION 'hdqm.runs has no column %', quote_literal(coalesce(found[1], found[4]))
                USING ERRCODE = '22023';
        END IF;
        -- names, operators and types are ours; the value is quoted and becomes a constant of the column's type
        clauses := clauses || CASE
            WHEN found[4] IS NOT NULL THEN format('r.%I IS %sNULL', lower(found[4]), CASE WHEN found[5] IS NULL THEN '' ELSE 'NOT ' END)
            ELSE format('r.%I %s %L::%s', lower(found[1]), found[2],
                CASE WHEN found[3] LIKE '''%' THEN replace(substr(found[3], 2, length(found[3]) - 2), '''''', '''') ELSE found[3] END, kind)
        END;
        rest := regexp_replace(rest, form, '', 'i');
    END LOOP;
    RETURN array_to_string(clauses, ' AND ');
END $$;
COMMENT ON FUNCTION hdqm.run_filter(text) IS 'SQL condition over hdqm.runs r for what people write: run_class = Collisions18 and duration_s > 600.';

CREATE FUNCTION hdqm.run_ranges(runs text) RETURNS int4multirange
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
DECLARE
    answer int4multirange;
BEGIN
    IF coalesce(runs, '') !~ '^[\s,]*([0-9]{1,9}(\s*-\s*[0-9]{1,9})?([\s,]+|$))+$' THEN
        RAISE EXCEPTION 'cannot read the runs %: write them as in: 324997 324998 325000-325170',
            quote_literal(coalesce(runs, '')) USING ERRCODE = '22023';
    END IF;
    BEGIN
        SELECT range_agg(int4range(part[1]::int, coalesce(part[2], part[1])::int, '[]')) INTO answer
        FROM regexp_matches(runs, '([0-9]+)(?:\s*-\s*([0-9]+))?', 'g') AS part;
    EXCEPTION WHEN data_exception THEN
        RAISE EXCEPTION 'cannot read the runs %: a range must not end before it begins', quote_literal(runs)
            USING ERRCODE = '22023';
    END;
    RETURN answer;
END $$;
COMMENT ON FUNCTION hdqm.run_ranges(text) IS 'Runs as people write them, 324997 325000-325170, as a set.';

CREATE FUNCTION hdqm.run_selection(
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
    BEGIN
        -- LIMIT 1 keeps the planner from joining all points: one look into the index a run is enough.
        RETURN QUERY EXECUTE format($query$
            SELECT DISTINCT f.run_number
            FROM hdqm.dqm_file AS f
            JOIN hdqm.runs AS r ON r.run_number = f.run_number
            CROSS JOIN LATERAL (
                SELECT FROM hdqm.series AS s
                JOIN hdqm.trend AS t ON t.id = s.trend_id
                JOIN hdqm.point AS p ON p.series_id = s.id AND p.run_number = f.run_number
                WHERE s.primary_dataset_id = f.primary_dataset_id AND s.processing_id = f.processing_id
                    AND ($1 IS NULL OR t.subsystem_id = (SELECT id FROM hdqm.subsystem WHERE name = $1))
                LIMIT 1
            ) AS has_points
            WHERE f.loaded
                AND f.primary_dataset_id = ANY (ARRAY(SELECT id FROM hdqm.primary_dataset WHERE $2 IS NULL OR name = $2))
                AND f.processing_id = ANY (ARRAY(SELECT id FROM hdqm.processing WHERE $3 IS NULL OR name = $3))
                AND f.run_number BETWEEN coalesce(lower($4), 0) AND coalesce(upper($4), 2147483647)
                AND f.run_number <@ $4
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
'Runs to show, newest first, out of those that have points of the subsystem in the primary dataset and processing (NULL: any).
latest N: the newest N. range A-B. list: 324997 325000-325170. golden NAME: a list of certified runs. where: columns of hdqm.runs, run_class = Collisions18 and duration_s > 600.
quality default leaves out runs that Run Registry calls not significant, all leaves out none; a list is never filtered. What cannot be read raises 22023.';

CREATE FUNCTION hdqm.filled(cells double precision[], size int) RETURNS double precision[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT CASE WHEN cells = '{}' THEN array_fill(0::double precision, ARRAY[size]) ELSE cells END
$$;
COMMENT ON FUNCTION hdqm.filled(double precision[], int) IS 'Stored cells in full: {} stands for zeros.';

CREATE FUNCTION hdqm.bin_error(
    content double precision, sumw2 double precision, entries double precision, bin_sumw2 double precision, mode text
) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
DECLARE
    spread double precision;
    effective double precision := CASE
        WHEN bin_sumw2 IS NULL THEN entries WHEN bin_sumw2 > 0 THEN entries * entries / bin_sumw2 ELSE 0 END;
BEGIN
    IF entries IS NULL THEN
        RETURN sqrt(abs(coalesce(sumw2, content)));
    ELSIF entries = 0 THEN
        RETURN 0;
    ELSIF mode = 'g' THEN
        RETURN 1 / sqrt(entries);
    END IF;
    spread := sqrt(abs(sumw2 / entries - (content / entries) ^ 2));
    RETURN CASE
        WHEN mode = 's' THEN spread
        WHEN effective = 0 THEN NULL
        WHEN mode = 'i' AND spread = 0 THEN 1 / sqrt(12 * effective)
        ELSE spread / sqrt(effective) END;
END $$;
COMMENT ON FUNCTION hdqm.bin_error(double precision, double precision, double precision, double precision, text) IS
'Error of a bin as ROOT''s GetBinError; entries are those of a profile''s bin and NULL for a histogram.';

CREATE FUNCTION hdqm.bin_edge(number int, bins int, low double precision, high double precision, edges double precision[])
RETURNS double precision LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT CASE
        WHEN edges IS NOT NULL THEN edges[number + 1]
        WHEN number = bins THEN high
        ELSE low + number * ((high - low) / bins) END
$$;
COMMENT ON FUNCTION hdqm.bin_edge(int, int, double precision, double precision, double precision[]) IS
'Edge of an axis, from 0 (lower end) to the number of bins (upper end).';

CREATE FUNCTION hdqm.stored_histogram(
    subsystem text, trend text, primary_dataset text, processing text, run_number int, input text
) RETURNS SETOF hdqm.histogram
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog AS $$
    -- The file's own point knows which definition and alternative were used; without one, the first that is stored.
    SELECT h.*
    FROM hdqm.dqm_file AS f
    JOIN hdqm.primary_dataset AS d ON d.id = f.primary_dataset_id AND d.name = $3
    JOIN hdqm.processing AS c ON c.id = f.processing_id AND c.name = $4
    JOIN hdqm.subsystem AS u ON u.name = $1
    JOIN hdqm.trend AS t ON t.subsystem_id = u.id AND t.name = $2
    LEFT JOIN hdqm.series AS s ON s.trend_id = t.id AND s.primary_dataset_id = d.id AND s.processing_id = c.id
        AND s.slice = '' AND s.kind = 'run'
    LEFT JOIN hdqm.point AS p ON p.series_id = s.id AND p.run_number = $5
    LEFT JOIN hdqm.definition AS now ON now.trend_id = t.id AND now.is_current
    JOIN hdqm.definition AS q ON q.id = coalesce(p.definition_id, now.id)
    CROSS JOIN LATERAL jsonb_array_elements(q.alternatives) WITH ORDINALITY AS a (alternative, place)
    CROSS JOIN LATERAL jsonb_array_elements_text(a.alternative -> 'paths' -> $6) WITH ORDINALITY AS e (path, place)
    JOIN hdqm.element ON element.path = e.path
    JOIN hdqm.histogram AS h ON h.run_number = $5 AND h.dqm_file_id = coalesce(p.dqm_file_id, f.id)
        AND h.element_id = element.id
    WHERE f.loaded AND f.run_number = $5
    ORDER BY a.place = p.alternative + 1 DESC NULLS LAST, a.place, e.place
    LIMIT 1
$$;
COMMENT ON FUNCTION hdqm.stored_histogram(text, text, text, text, int, text) IS
'The stored monitor element behind a trend point: of the winner of the run, the one that the metric used.';

CREATE FUNCTION hdqm.histogram_bins(
    subsystem text, trend text, primary_dataset text, processing text, run_number int, input text DEFAULT 'main'
) RETURNS TABLE (
    x_low double precision, x_high double precision, y_low double precision, y_high double precision,
    content double precision, error double precision
)
LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    h hdqm.histogram;
    size int;
    width int;
BEGIN
    IF input IS NULL OR input NOT IN ('main', 'histo1', 'histo2', 'reference') THEN
        RAISE EXCEPTION 'there is no input %; there are main, histo1, histo2, reference', quote_literal(coalesce(input, ''))
            USING ERRCODE = '22023';
    END IF;
    SELECT * INTO h FROM hdqm.stored_histogram($1, $2, $3, $4, $5, $6);
    IF NOT FOUND OR h.x_bins IS NULL THEN
        RETURN;
    ELSIF h.z_bins IS NOT NULL THEN
        RAISE EXCEPTION '% is a %: three dimensions cannot be given as bins of x and y', h.name, h.class_name
            USING ERRCODE = '22023';
    END IF;
    width := h.x_bins + 2;
    size := width * coalesce(h.y_bins + 2, 1);
    RETURN QUERY
    WITH cell AS (
        SELECT (c.place - 1)::int % width AS ix, ((c.place - 1) / width)::int AS iy, c.content, c.sumw2, c.entries, c.bin_sumw2
        FROM ROWS FROM (
            unnest(hdqm.filled(coalesce(
                h.cells_double, h.cells_real::double precision[], h.cells_integer::double precision[],
                h.cells_smallint::double precision[], h.cells_bigint::double precision[]), size)),
            unnest(hdqm.filled(h.sumw2, size)),
            unnest(hdqm.filled(h.bin_entries, size)),
            unnest(hdqm.filled(h.bin_sumw2, size))
        ) WITH ORDINALITY AS c (content, sumw2, entries, bin_sumw2, place)
    )
    SELECT
        hdqm.bin_edge(ix - 1, h.x_bins, h.x_low, h.x_high, h.x_edges),
        hdqm.bin_edge(ix, h.x_bins, h.x_low, h.x_high, h.x_edges),
        hdqm.bin_edge(iy - 1, h.y_bins, h.y_low, h.y_high, h.y_edges),
        hdqm.bin_edge(iy, h.y_bins, h.y_low, h.y_high, h.y_edges),
        CASE WHEN entries IS NULL THEN content WHEN entries = 0 THEN 0 ELSE content / entries END,
        hdqm.bin_error(content, sumw2, entries, bin_sumw2, h.error_mode)
    FROM cell
    WHERE ix BETWEEN 1 AND h.x_bins AND (h.y_bins IS NULL OR iy BETWEEN 1 AND h.y_bins)
    ORDER BY iy, ix;
END $$;
COMMENT ON FUNCTION hdqm.histogram_bins(text, text, text, text, int, text) IS
'Bins of the stored histogram behind a trend point, one row each, x fastest, without under- and overflow: edges, content and error as ROOT gives them. y is NULL in one dimension.
input: main, histo1, histo2 or reference. No rows where no histogram is stored.';
