-- What dashboards ask: variables, the rows of plots and tables, sentences that say why there is nothing to see.
-- What a person writes comes in as text and is parsed here. A text that cannot be read gives no rows, and
-- hdqm.selection_note says what is wrong with it: an error in every panel of a page would help nobody.

-- The facts of a run that the predecessor showed beside those of hdqm.run.
ALTER TABLE hdqm.run
    ADD COLUMN IF NOT EXISTS end_lumi_1e34 double precision,
    ADD COLUMN IF NOT EXISTS hlt_physics_rate_hz double precision,
    ADD COLUMN IF NOT EXISTS injection_scheme text;
COMMENT ON COLUMN hdqm.run.end_lumi_1e34 IS 'Luminosity at the end in 10^34 / (cm² s) (OMS).';
COMMENT ON COLUMN hdqm.run.hlt_physics_rate_hz IS 'Rate of the physics streams of the high-level trigger in Hz (OMS).';
COMMENT ON COLUMN hdqm.run.injection_scheme IS 'Injection scheme of the fill (OMS).';

CREATE OR REPLACE VIEW hdqm.runs AS
SELECT
    run_number, start_time, end_time, duration_s, fill_number, era, run_class, significant,
    delivered_lumi_pb, recorded_lumi_pb, peak_lumi_1e34, b_field_t, energy_gev, l1_rate_hz, hlt_key, l1_key,
    oms_synced_at IS NOT NULL AS known_to_oms,
    rr_synced_at IS NOT NULL AS known_to_rr,
    end_lumi_1e34, hlt_physics_rate_hz, injection_scheme
FROM hdqm.run;
COMMENT ON COLUMN hdqm.runs.end_lumi_1e34 IS 'Luminosity at the end in 10^34 / (cm² s).';
COMMENT ON COLUMN hdqm.runs.hlt_physics_rate_hz IS 'Rate of the physics streams of the high-level trigger in Hz.';
COMMENT ON COLUMN hdqm.runs.injection_scheme IS 'Injection scheme of the fill.';

CREATE TABLE hdqm.site (
    name text PRIMARY KEY CHECK (name IN ('airflow_url', 'api_url', 'dqm_gui_url', 'oms_url', 'rr_url')),
    value text NOT NULL
);
COMMENT ON TABLE hdqm.site IS 'Addresses that links of dashboards need and that differ between sites.';
COMMENT ON COLUMN hdqm.site.name IS 'airflow_url: Airflow''s UI; api_url: our API; dqm_gui_url, oms_url, rr_url: CERN''s pages.';
COMMENT ON COLUMN hdqm.site.value IS 'Address without a slash at its end.';
INSERT INTO hdqm.site VALUES
    ('dqm_gui_url', 'https://cmsweb.cern.ch/dqm/offline'),
    ('oms_url', 'https://cmsoms.cern.ch'),
    ('rr_url', 'https://cmsrunregistry.web.cern.ch');

CREATE FUNCTION hdqm.site_url(name text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT rtrim(value, '/') FROM hdqm.site WHERE site.name = $1 AND value ~ '^https?://'
$$;
COMMENT ON FUNCTION hdqm.site_url(text) IS 'An address of hdqm.site; NULL where the site has none.';

CREATE FUNCTION hdqm.whole_number(written text, low int, high int, otherwise int) RETURNS int
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT CASE WHEN written ~ '^\s*[0-9]{1,9}\s*$' THEN least(greatest(written::int, low), high) ELSE otherwise END
$$;
COMMENT ON FUNCTION hdqm.whole_number(text, int, int, int) IS 'A number that a person writes, within limits; what is none counts as the last argument.';

-- -- variables ---------------------------------------------------------------------------------------------------------

CREATE FUNCTION hdqm.choose_subsystem() RETURNS TABLE (subsystem text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT u.name FROM hdqm.subsystem AS u
    WHERE EXISTS (SELECT FROM hdqm.trend AS t JOIN hdqm.series AS s ON s.trend_id = t.id WHERE t.subsystem_id = u.id)
    ORDER BY u.name
$$;
COMMENT ON FUNCTION hdqm.choose_subsystem() IS 'Subsystems that have points.';

CREATE FUNCTION hdqm.choose_primary_dataset(subsystem text) RETURNS TABLE (primary_dataset text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT d.name FROM hdqm.primary_dataset AS d
    WHERE EXISTS (
        SELECT FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id
        WHERE s.primary_dataset_id = d.id AND u.name = $1
    )
    ORDER BY d.name
$$;
COMMENT ON FUNCTION hdqm.choose_primary_dataset(text) IS 'Primary datasets in which a subsystem has points.';

CREATE FUNCTION hdqm.choose_processing(subsystem text, primary_dataset text) RETURNS TABLE (processing text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT c.name FROM hdqm.processing AS c
    WHERE EXISTS (
        SELECT FROM hdqm.series AS s
        JOIN hdqm.primary_dataset AS d ON d.id = s.primary_dataset_id
        JOIN hdqm.trend AS t ON t.id = s.trend_id
        JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id
        WHERE s.processing_id = c.id AND d.name = $2 AND u.name = $1
    )
    ORDER BY c.name <> 'PromptReco', c.name
$$;
COMMENT ON FUNCTION hdqm.choose_processing(text, text) IS 'Processing strings in which a subsystem has points of a primary dataset; PromptReco first.';

CREATE FUNCTION hdqm.choose_run_class() RETURNS TABLE (run_class text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT 'all' UNION ALL (SELECT DISTINCT r.run_class FROM hdqm.run AS r WHERE r.run_class IS NOT NULL ORDER BY 1)
$$;
COMMENT ON FUNCTION hdqm.choose_run_class() IS 'all, and the classes that Run Registry has given to runs.';

CREATE TYPE hdqm.panel AS (
    place int, name text, title text, y_title text, unit text, members int
);
COMMENT ON TYPE hdqm.panel IS 'One plot of a page of trends: its place, group:NAME or trend:NAME, its texts, how many trends it has.';

CREATE FUNCTION hdqm.panels(subsystem text, primary_dataset text, processing text, search text, show text)
RETURNS SETOF hdqm.panel
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    WITH present AS (
        SELECT t.id, t.name, t.title, t.y_title, t.unit, u.id AS subsystem_id
        FROM hdqm.series AS s
        JOIN hdqm.trend AS t ON t.id = s.trend_id
        JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id AND u.name = $1
        JOIN hdqm.primary_dataset AS d ON d.id = s.primary_dataset_id AND d.name = $2
        JOIN hdqm.processing AS c ON c.id = s.processing_id AND c.name = $3
        WHERE s.kind = 'run' AND s.slice = ''
    ),
    member AS (
        SELECT g.id, g.name, g.title, g.y_title, g.position, p.name AS trend, p.title AS trend_title, p.unit
        FROM hdqm.display_group AS g
        JOIN hdqm.display_group_member AS m ON m.display_group_id = g.id
        JOIN present AS p ON p.name = m.trend_name AND p.subsystem_id = g.subsystem_id
        WHERE coalesce($5, '') <> 'trends'
    ),
    listed AS (
        SELECT 0 AS kind, position, 'group:' || name AS name, title, y_title,
            CASE WHEN count(DISTINCT unit) = 1 AND count(unit) = count(*) THEN min(unit) END AS unit, count(*)::int AS members,
            name || ' ' || title || ' ' || string_agg(trend || ' ' || trend_title, ' ') AS words
        FROM member GROUP BY id, name, title, y_title, position
        UNION ALL
        SELECT 1, p.id, 'trend:' || p.name, p.title, p.y_title, p.unit, 1, p.name || ' ' || p.title
        FROM present AS p WHERE NOT EXISTS (SELECT FROM member AS m WHERE m.trend = p.name)
    )
    SELECT row_number() OVER (ORDER BY kind, position)::int, name,
        CASE WHEN count(*) OVER (PARTITION BY title) > 1 THEN title || ' (' || split_part(name, ':', 2) || ')' ELSE title END,
        y_title, unit, members
    FROM listed
    WHERE position(lower(btrim(coalesce($4, ''))) IN lower(words)) > 0
    ORDER BY 1
$$;
COMMENT ON FUNCTION hdqm.panels(text, text, text, text, text) IS
'Plots of a subsystem in a dataset, in the configured order: display groups, then trends that are in none; show = trends: each trend alone. search: part of a name or title. Titles are unique.';

CREATE FUNCTION hdqm.choose_panel(
    subsystem text, primary_dataset text, processing text, search text, show text, page text, per_page text
) RETURNS TABLE (__text text, __value text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT p.title || CASE WHEN p.y_title <> '' AND position(p.y_title IN p.title) = 0 THEN ' · ' || p.y_title ELSE '' END
        || CASE WHEN position('(' || p.unit || ')' IN p.title || p.y_title) = 0 THEN ' [' || p.unit || ']' ELSE '' END, p.name
    FROM hdqm.panels($1, $2, $3, $4, $5) AS p
    ORDER BY p.place
    LIMIT hdqm.whole_number($7, 1, 64, 8)
    OFFSET hdqm.whole_number($7, 1, 64, 8) * (hdqm.whole_number($6, 1, 100000, 1) - 1)
$$;
COMMENT ON FUNCTION hdqm.choose_panel(text, text, text, text, text, text, text) IS 'The plots of one page, for a variable: what to write above them, and their names.';

CREATE FUNCTION hdqm.choose_page(
    subsystem text, primary_dataset text, processing text, search text, show text, per_page text
) RETURNS TABLE (page int)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT generate_series(1, greatest(ceil(count(*)::numeric / hdqm.whole_number($6, 1, 64, 8)), 1)::int)
    FROM hdqm.panels($1, $2, $3, $4, $5)
$$;
COMMENT ON FUNCTION hdqm.choose_page(text, text, text, text, text, text) IS 'Numbers of the pages that the plots of a subsystem fill.';

-- -- which runs, and where on the axis -----------------------------------------------------------------------------------

-- As in 0006, and faster: its plan depends on whether it has to look into a set of runs.
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
    -- The planner takes the test of a set for a rare thing, sorts all files, and is ten times slower: only where it is needed.
    IF mode IN ('list', 'golden') THEN
        condition := condition || ' AND f.run_number <@ $4';
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
                AND f.run_number >= coalesce(lower($4), 0) AND f.run_number < coalesce(upper($4), 2147483647)
                AND (%s)
            ORDER BY f.run_number DESC
            LIMIT $5
            $query$, condition)
            USING subsystem, primary_dataset, processing, chosen, newest;
    EXCEPTION WHEN data_exception OR invalid_text_representation THEN
        RAISE EXCEPTION '%: %', mode, SQLERRM USING ERRCODE = '22023';
    END;
END $$;

CREATE FUNCTION hdqm.checked_runs(
    subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text
) RETURNS SETOF int
LANGUAGE plpgsql STABLE ROWS 200 SET search_path = pg_catalog AS $$
DECLARE
    of_class text := nullif(nullif(run_class, ''), 'all');
BEGIN
    IF of_class IS NULL THEN
        RETURN QUERY SELECT hdqm.run_selection(mode, runs, nullif(subsystem, 'all'), nullif(primary_dataset, 'all'), nullif(processing, 'all'), quality);
    ELSIF mode = 'latest' THEN
        -- the newest N of that class, not those of the newest N that have it
        RETURN QUERY SELECT r FROM hdqm.run_selection('where', 'run_class = ' || quote_literal(of_class), nullif(subsystem, 'all'),
            nullif(primary_dataset, 'all'), nullif(processing, 'all'), quality) AS r
            ORDER BY r DESC LIMIT hdqm.whole_number(runs, 1, 999999, 50);
    ELSE
        RETURN QUERY SELECT s FROM hdqm.run_selection(mode, runs, nullif(subsystem, 'all'), nullif(primary_dataset, 'all'), nullif(processing, 'all'), quality) AS s
            JOIN hdqm.run AS r ON r.run_number = s WHERE r.run_class = of_class;
    END IF;
END $$;
COMMENT ON FUNCTION hdqm.checked_runs(text, text, text, text, text, text, text) IS
'hdqm.run_selection with a class of runs, or all; ''all'' as subsystem, primary dataset or processing stands for any. What cannot be read raises 22023.';

CREATE FUNCTION hdqm.selected_runs(
    subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text
) RETURNS SETOF int
LANGUAGE plpgsql STABLE ROWS 200 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT hdqm.checked_runs($1, $2, $3, $4, $5, $6, $7);
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN;
END $$;
COMMENT ON FUNCTION hdqm.selected_runs(text, text, text, text, text, text, text) IS
'As hdqm.checked_runs; a selection that cannot be read selects nothing, and hdqm.selection_note says why.';

CREATE TYPE hdqm.run_place AS (
    run_number int,
    left_end double precision, x_low double precision, x double precision, x_high double precision,
    gap double precision, right_end double precision,
    band boolean, segment boolean
);
COMMENT ON TYPE hdqm.run_place IS
'Where a run is on an axis: its ends, the ends of what is drawn for it, where its point is, a place after all of it and before the next run; whether it belongs to every second fill; whether it is drawn from end to end.';

CREATE FUNCTION hdqm.run_axis(
    axis text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text
) RETURNS SETOF hdqm.run_place
LANGUAGE sql STABLE ROWS 200 SET search_path = pg_catalog AS $$
    WITH chosen AS (
        SELECT r.run_number, r.start_time, r.end_time, r.fill_number,
            CASE axis
                WHEN 'date' THEN extract(epoch FROM coalesce(r.end_time, r.start_time + make_interval(secs => r.duration_s), r.start_time) - r.start_time)::double precision / 86400
                WHEN 'duration' THEN r.duration_s / 3600
                WHEN 'luminosity' THEN r.delivered_lumi_pb
                ELSE 1 END AS width
        FROM hdqm.selected_runs($2, $3, $4, $5, $6, $7, $8) AS s (run_number)
        JOIN hdqm.run AS r ON r.run_number = s.run_number
    ),
    placed AS (
        SELECT run_number, width,
            CASE axis
                WHEN 'date' THEN extract(epoch FROM start_time)::double precision / 86400
                WHEN 'number' THEN run_number - 0.5
                WHEN 'duration' THEN sum(width) OVER (ORDER BY run_number) - width
                WHEN 'luminosity' THEN sum(width) OVER (ORDER BY run_number) - width
                ELSE row_number() OVER (ORDER BY run_number) - 0.5 END AS low,
            coalesce(dense_rank() OVER (ORDER BY fill_number) % 2 = 1 AND fill_number IS NOT NULL, false) AS band,
            axis IN ('date', 'duration', 'luminosity') AS segment
        FROM chosen
        WHERE CASE axis WHEN 'date' THEN start_time IS NOT NULL WHEN 'duration' THEN width > 0 WHEN 'luminosity' THEN width > 0 ELSE true END
    )
    -- of a run that is drawn from end to end the last half percent of the axis is left free (of a short one half), to be seen apart
    SELECT run_number, low, CASE WHEN segment THEN low ELSE low + 0.1 END, low + width / 2,
        CASE WHEN segment THEN low + width - free ELSE low + 0.9 END, CASE WHEN segment THEN low + width - free / 2 ELSE low + 0.98 END,
        low + width, band, segment
    FROM (SELECT *, least(width / 2, 0.005 * (max(low + width) OVER () - min(low) OVER ())) AS free FROM placed) AS p
    ORDER BY low, run_number
$$;
COMMENT ON FUNCTION hdqm.run_axis(text, text, text, text, text, text, text, text) IS
'Selected runs on an axis: even (1, 2, 3, …), number (run number), date (days since 1970), duration (hours, summed up), luminosity (delivered 1/pb, summed up). Runs that have no date, duration or luminosity are left out there.';

CREATE FUNCTION hdqm.tick_candidates(low double precision, high double precision) RETURNS SETOF numeric
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    -- Grafana puts ticks on multiples of 1, 2, 2.5 or 5 times a power of ten, some four to forty of them
    WITH step AS (
        SELECT m * 10::numeric ^ k AS width
        FROM unnest(ARRAY[1, 2, 2.5, 5]) AS m, generate_series(floor(log(greatest(high - low, 1e-6)))::int - 3, floor(log(greatest(high - low, 1e-6)))::int) AS k
    )
    SELECT DISTINCT trim_scale(n * width)
    FROM step, generate_series(ceil(low::numeric / width), floor(high::numeric / width)) AS n
    WHERE (high - low)::numeric / width BETWEEN 1 AND 60
$$;
COMMENT ON FUNCTION hdqm.tick_candidates(double precision, double precision) IS 'Round numbers of an interval on which a plot may put a tick.';

CREATE FUNCTION hdqm.axis_ticks(
    axis text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text
) RETURNS TABLE (tick text, label text, low double precision, high double precision)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    places hdqm.run_place[] := ARRAY(SELECT hdqm.run_axis($1, $2, $3, $4, $5, $6, $7, $8));
    n int := cardinality(places);
    margin double precision;
    first_x double precision;
    last_x double precision;
BEGIN
    IF n = 0 THEN
        RETURN QUERY SELECT trim_scale(c)::text, ' '::text, 0::double precision, 1::double precision FROM (
            SELECT generate_series(0, 100) / 100.0 UNION SELECT generate_series(0, 40) / 40.0
        ) AS part (c);
        RETURN;
    END IF;
    margin := greatest(places[n].right_end - places[1].left_end, 1e-3) / 100;
    first_x := round((places[1].left_end - margin)::numeric, 4);
    last_x := round((places[n].right_end + margin)::numeric, 4);
    RETURN QUERY
    WITH named (rank, tick, label) AS (
        -- Grafana spaces ticks by the width of what stands at the end of the axis: figure spaces, as wide as a label
        SELECT 1, last_x::text, repeat(E'\u2007', CASE axis WHEN 'date' THEN 12 ELSE 8 END)
        UNION ALL
        SELECT 2, c::text, CASE WHEN axis = 'date' THEN to_char(to_timestamp(c * 86400) AT TIME ZONE 'UTC', CASE WHEN c = floor(c) THEN 'YYYY-MM-DD' ELSE 'MM-DD HH24:MI' END)
            ELSE coalesce((SELECT run_number::text FROM unnest(places) WHERE c >= left_end AND c < right_end ORDER BY left_end LIMIT 1), ' ') END
        FROM hdqm.tick_candidates(first_x, last_x) AS c WHERE axis IN ('date', 'duration', 'luminosity')
        UNION ALL
        -- what the tooltip says
        SELECT 3, e.x::text, CASE WHEN axis = 'date' THEN to_char(to_timestamp(e.x * 86400) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') ELSE run_number::text END
        FROM unnest(places), LATERAL (VALUES (x_low), (x_high)) AS e (x) WHERE segment
        UNION ALL
        SELECT 2, round(x)::text, run_number::text FROM unnest(places) WHERE axis NOT IN ('date', 'duration', 'luminosity', 'number')
        UNION ALL
        SELECT 4, trim_scale(c)::text, ' ' FROM (
            SELECT generate_series(0, 10 * (n + 1)) / 10.0 UNION SELECT generate_series(0, 4 * (n + 1)) / 4.0
        ) AS part (c)
        WHERE n <= 15 AND axis NOT IN ('date', 'duration', 'luminosity', 'number')
        UNION ALL
        SELECT 4, c::text, ' ' FROM unnest(ARRAY[0, n + 1]) AS c WHERE axis NOT IN ('date', 'duration', 'luminosity', 'number')
    )
    SELECT DISTINCT ON (named.tick) named.tick, named.label, first_x, last_x FROM named ORDER BY named.tick, rank;
END $$;
COMMENT ON FUNCTION hdqm.axis_ticks(text, text, text, text, text, text, text, text) IS
'What to write at places of hdqm.run_axis: run numbers, or dates (UTC); and both ends of the axis. On the axis of run numbers ticks speak for themselves.';

-- -- the plots -----------------------------------------------------------------------------------------------------------

CREATE FUNCTION hdqm.series_by_label(label text, subsystem text, primary_dataset text, processing text)
RETURNS TABLE (series_id int, trend_id int, subsystem_name text, trend text, dataset text, processing_name text)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog AS $$
    SELECT s.id, t.id, u.name, t.name, coalesce(part[3], $3), coalesce(part[4], $4)
    FROM regexp_match(translate(left($1, 500), E'\u200B\u200C', ''), '^\s*(?:([^/@]+)/)?([^/@]+?)(?:@([^/@]+)/([^/@]+?))?\s*$') AS part
    JOIN hdqm.subsystem AS u ON u.name = coalesce(part[1], $2)
    JOIN hdqm.trend AS t ON t.subsystem_id = u.id AND t.name = part[2]
    LEFT JOIN hdqm.primary_dataset AS d ON d.name = coalesce(part[3], $3)
    LEFT JOIN hdqm.processing AS c ON c.name = coalesce(part[4], $4)
    LEFT JOIN hdqm.series AS s ON s.trend_id = t.id AND s.primary_dataset_id = d.id AND s.processing_id = c.id
        AND s.kind = 'run' AND s.slice = ''
$$;
COMMENT ON FUNCTION hdqm.series_by_label(text, text, text, text) IS
'The series that a label names: trend, Subsystem/trend, or Subsystem/trend@PrimaryDataset/processing; what is not said is taken from the other arguments. Marks of hdqm.colour_mark are passed over. series_id is NULL where it has no points.';

CREATE FUNCTION hdqm.palette() RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT '{#1f77b4,#ff7f0e,#2ca02c,#d62728,#9467bd,#8c564b,#e377c2,#7f7f7f,#bcbd22,#17becf,
        #6a9fd8,#ffb347,#77c96f,#ff8a80,#b99be0,#b98b7f,#f4a8d4,#a6a6a6,#d9d957,#6fd3e0,
        #0000ff,#008000,#ff0000,#ffa500,#800080,#00ffff,#ff00ff,#00ff00,#ffff00,#000080,
        #008080,#808000,#800000,#808080,#c0c0c0,#000000,#ffffff,#5b8c00,#c41d7f,#08979c}'::text[]
$$;
COMMENT ON FUNCTION hdqm.palette() IS 'Colours that dashboards draw series with; the first twenty in turn, where none is configured.';

CREATE FUNCTION hdqm.colour_number(place int, colour text) RETURNS int
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    WITH named AS (
        SELECT coalesce(
            '{"aqua":"#00ffff","black":"#000000","blue":"#0000ff","fuchsia":"#ff00ff","gray":"#808080","green":"#008000","lime":"#00ff00","maroon":"#800000","navy":"#000080","olive":"#808000","orange":"#ffa500","purple":"#800080","red":"#ff0000","silver":"#c0c0c0","teal":"#008080","white":"#ffffff","yellow":"#ffff00"}'::jsonb ->> lower($2),
            regexp_replace(lower($2), '^#([0-9a-f])([0-9a-f])([0-9a-f])$', '#\1\1\2\2\3\3')) AS hex
    ),
    wanted AS (SELECT decode(substr(hex, 2, 6), 'hex') AS rgb FROM named WHERE hex ~ '^#[0-9a-f]{6}'),
    choice AS (
        SELECT n - 1 AS n, decode(substr(c, 2), 'hex') AS rgb FROM unnest(hdqm.palette()) WITH ORDINALITY AS p (c, n)
    )
    SELECT coalesce(
        (SELECT c.n::int FROM choice AS c, wanted AS w
         ORDER BY (get_byte(c.rgb, 0) - get_byte(w.rgb, 0)) ^ 2 + (get_byte(c.rgb, 1) - get_byte(w.rgb, 1)) ^ 2 + (get_byte(c.rgb, 2) - get_byte(w.rgb, 2)) ^ 2 LIMIT 1),
        ($1 - 1) % 20)
$$;
COMMENT ON FUNCTION hdqm.colour_number(int, text) IS 'The colour of hdqm.palette, from 0, that is nearest to a configured one; without one, that of the place.';

CREATE FUNCTION hdqm.colour_mark(number int) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    -- Dashboards choose colours by the names of series. Six characters without width tell them which one.
    SELECT translate(number::bit(6)::text, '01', E'\u200B\u200C')
$$;
COMMENT ON FUNCTION hdqm.colour_mark(int) IS 'A colour of hdqm.palette as six characters that nobody sees, to be added to the name of a series.';

CREATE TYPE hdqm.panel_member AS (
    place int, label text, series_id int, trend_id int, colour text
);
COMMENT ON TYPE hdqm.panel_member IS 'A series of a plot: its order, its label (see hdqm.series_by_label), its colour where one is configured.';

CREATE FUNCTION hdqm.panel_members(panel text, subsystem text, primary_dataset text, processing text, added text DEFAULT '')
RETURNS SETOF hdqm.panel_member
LANGUAGE sql STABLE ROWS 10 SET search_path = pg_catalog AS $$
    WITH named (place, label, colour) AS (
        SELECT m.position, m.trend_name, m.colour
        FROM hdqm.display_group AS g
        JOIN hdqm.subsystem AS u ON u.id = g.subsystem_id AND u.name = $2
        JOIN hdqm.display_group_member AS m ON m.display_group_id = g.id
        WHERE $1 = 'group:' || g.name
        UNION ALL
        SELECT 1, substr($1, 7), NULL WHERE $1 LIKE 'trend:%'
        UNION ALL
        SELECT 100000 + n::int, word, NULL
        FROM regexp_split_to_table(left($5, 10000), '[\s,]+') WITH ORDINALITY AS w (word, n)
        WHERE word <> '' AND n <= 100
    )
    SELECT DISTINCT ON (s.series_id) n.place, btrim(n.label), s.series_id, s.trend_id, n.colour
    FROM named AS n, hdqm.series_by_label(n.label, $2, $3, $4) AS s
    WHERE s.series_id IS NOT NULL
    ORDER BY s.series_id, n.place
$$;
COMMENT ON FUNCTION hdqm.panel_members(text, text, text, text, text) IS
'Series of a plot that have points: those of group:NAME or trend:NAME, and added ones, written as labels with blanks or commas between.';

CREATE FUNCTION hdqm.run_quantity(r hdqm.run, name text) RETURNS double precision
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT CASE name
        WHEN 'duration' THEN r.duration_s / 3600
        WHEN 'delivered luminosity' THEN r.delivered_lumi_pb
        WHEN 'recorded luminosity' THEN r.recorded_lumi_pb
        WHEN 'initial luminosity' THEN r.peak_lumi_1e34
        WHEN 'end luminosity' THEN r.end_lumi_1e34
        WHEN 'magnetic field' THEN r.b_field_t
        WHEN 'energy' THEN r.energy_gev
        WHEN 'HLT physics rate' THEN r.hlt_physics_rate_hz
        WHEN 'L1 rate' THEN r.l1_rate_hz
        WHEN 'run number' THEN r.run_number
    END
$$;
COMMENT ON FUNCTION hdqm.run_quantity(hdqm.run, text) IS 'A quantity of a run by the name that dashboards give it; NULL for an unknown name too.';

CREATE FUNCTION hdqm.quantity_label(name text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT name || CASE name
        WHEN 'duration' THEN ' [h]'
        WHEN 'delivered luminosity' THEN ' [1/pb]'
        WHEN 'recorded luminosity' THEN ' [1/pb]'
        WHEN 'initial luminosity' THEN ' [10³⁴/(cm² s)]'
        WHEN 'end luminosity' THEN ' [10³⁴/(cm² s)]'
        WHEN 'magnetic field' THEN ' [T]'
        WHEN 'energy' THEN ' [GeV]'
        WHEN 'HLT physics rate' THEN ' [Hz]'
        WHEN 'L1 rate' THEN ' [Hz]'
        WHEN 'run number' THEN ''
    END
$$;
COMMENT ON FUNCTION hdqm.quantity_label(text) IS 'A quantity of hdqm.run_quantity with its unit; NULL where there is none of that name.';

CREATE FUNCTION hdqm.trend_plot(
    panel text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text,
    axis text, options text[] DEFAULT '{}', added text DEFAULT '', quantities text[] DEFAULT '{}'
) RETURNS TABLE (
    x double precision, series text, value double precision, run_number int, error double precision, kind text
)
LANGUAGE plpgsql STABLE ROWS 5000 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    places hdqm.run_place[] := ARRAY(SELECT hdqm.run_axis(axis, subsystem, primary_dataset, processing, mode, runs, run_class, quality));
    n int := cardinality(places);
    members hdqm.panel_member[] := ARRAY(SELECT m FROM hdqm.panel_members(panel, subsystem, primary_dataset, processing, added) AS m);
    ids int[] := ARRAY(SELECT series_id FROM unnest(members));
    known text[] := ARRAY(SELECT q FROM unnest(quantities) AS q WHERE hdqm.quantity_label(q) IS NOT NULL);
    wanted int[] := ARRAY(SELECT run_number FROM unnest(places));
    first_run int := (SELECT min(run_number) FROM unnest(places));
    last_run int := (SELECT max(run_number) FROM unnest(places));
    -- an error bar is a line that is almost upright: half a pixel of a plot to either side
    half double precision := CASE WHEN n > 0 THEN greatest(places[n].right_end - places[1].left_end, 3) / 4000 END;
BEGIN
    IF n = 0 OR cardinality(members) + cardinality(known) = 0 THEN
        RETURN QUERY SELECT 0::double precision, CASE
            WHEN n > 0 THEN 'No trend of this plot has points in this dataset'
            WHEN EXISTS (SELECT hdqm.selected_runs(subsystem, primary_dataset, processing, mode, runs, run_class, quality))
                THEN 'OMS has not told the ' || axis || ' of any chosen run'
            ELSE 'No run matches the selection' END, NULL::double precision, NULL::int, NULL::double precision, 'note';
        RETURN;
    END IF;
    RETURN QUERY
    WITH place AS MATERIALIZED (SELECT * FROM unnest(places)),
    member AS MATERIALIZED (
        SELECT m.place, m.label || hdqm.colour_mark(hdqm.colour_number(row_number() OVER (ORDER BY m.place)::int, m.colour)) AS label, m.series_id, m.trend_id
        FROM unnest(members) AS m
    ),
    measured AS MATERIALIZED (
        SELECT m.place, m.label, p.run_number, p.value, p.error::double precision AS error
        FROM hdqm.point AS p JOIN member AS m ON m.series_id = p.series_id
        WHERE p.series_id = ANY (ids) AND p.run_number = ANY (wanted) AND p.run_number BETWEEN first_run AND last_run
            AND p.value IS NOT NULL
    ),
    level AS MATERIALIZED (
        SELECT avg(value) AS mean, stddev_pop(value) AS rms, percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS middle
        FROM measured WHERE options && ARRAY['mean', 'outliers']
    ),
    -- spread without the outliers that it is to find
    spread AS MATERIALIZED (
        SELECT level.*, 5 * coalesce(nullif(1.4826 * percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(value - middle)), 0), rms) AS reach
        FROM measured, level WHERE 'outliers' = ANY (options) GROUP BY mean, rms, middle
    ),
    kept AS MATERIALIZED (
        SELECT m.place, m.label, m.value, m.error, a.*
        FROM measured AS m JOIN place AS a ON a.run_number = m.run_number
        WHERE NOT 'outliers' = ANY (options) OR abs(m.value - (SELECT middle FROM spread)) <= (SELECT reach FROM spread)
    ),
    expected AS (
        SELECT DISTINCT t.low, t.high FROM member AS m JOIN hdqm.trend AS t ON t.id = m.trend_id
        WHERE 'range' = ANY (options)
    ),
    drawn (x, rank, series, value, run_number, error, kind) AS (
        -- a first row of all series keeps their order, and with it their colours, whichever run they begin with
        SELECT (SELECT min(left_end) FROM place), place, label, NULL::double precision, NULL::int, NULL::double precision, 'order' FROM member
        UNION ALL
        SELECT k.x, place, label, value, run_number, error, 'point' FROM kept AS k WHERE NOT segment
        UNION ALL
        SELECT ends.x, place, label, value, run_number, error, 'point'
        FROM kept AS k, LATERAL (VALUES (k.x_low), (k.x_high)) AS ends (x) WHERE segment
        UNION ALL
        SELECT bar.x, place + 200000, label || ' ±', bar.value, run_number, NULL, 'error'
        FROM kept AS k, LATERAL (VALUES (k.x - half, value - error), (k.x, value), (k.x + half, value + error)) AS bar (x, value)
        WHERE 'errors' = ANY (options) AND error > 0
        UNION ALL
        -- so that the bar does not cut the line of its run
        SELECT bar.x, place, label, value, run_number, error, 'point'
        FROM kept AS k, LATERAL (VALUES (k.x - half), (k.x), (k.x + half)) AS bar (x)
        WHERE 'errors' = ANY (options) AND segment
        UNION ALL
        -- the row after each run parts its lines from those of the next, since no series has a value there
        SELECT at.x, 400000, 'run', run_number, run_number, NULL, 'run'
        FROM place AS a, LATERAL (VALUES (a.x, NOT a.segment), (a.x_low, a.segment), (a.x_high, a.segment), (a.gap, true)) AS at (x, wanted)
        WHERE at.wanted
        UNION ALL
        SELECT (CASE WHEN edge THEN left_end ELSE right_end END), 500000, 'fill', (edge::int)::double precision, NULL, NULL, 'fill'
        FROM (
            SELECT band, left_end, right_end, lag(band, 1, false) OVER w IS DISTINCT FROM band AS begins, lead(band, 1, false) OVER w IS DISTINCT FROM band AS ends
            FROM place WINDOW w AS (ORDER BY left_end, right_end)
        ) AS b, (VALUES (true), (false)) AS e (edge)
        WHERE 'fills' = ANY (options) AND band AND CASE WHEN edge THEN begins ELSE ends END
        UNION ALL
        SELECT edge.x, 600000 + c.place, c.label, CASE WHEN edge.inside THEN c.value ELSE 0 END, r.run_number, NULL, 'column'
        FROM place AS a JOIN hdqm.run AS r ON r.run_number = a.run_number,
            LATERAL (VALUES (1, 'duration', 'run duration [h]', r.duration_s / 3600), (2, 'luminosity', 'run delivered [1/pb]', r.delivered_lumi_pb)) AS c (place, option, label, value),
            LATERAL (VALUES (a.x_low, true), (a.x_high, false)) AS edge (x, inside)
        WHERE c.option = ANY (options) AND c.value IS NOT NULL
        UNION ALL
        SELECT edge.x, 700000 + line.place, line.name, line.value, NULL, NULL, 'line'
        FROM (SELECT min(left_end), max(right_end) FROM place) AS e (low, high), LATERAL (VALUES (e.low), (e.high)) AS edge (x),
            level, LATERAL (VALUES (1, 'mean', mean), (2, 'mean + RMS', mean + rms), (3, 'mean − RMS', mean - rms)) AS line (place, name, value)
        WHERE 'mean' = ANY (options) AND mean IS NOT NULL
        UNION ALL
        SELECT edge.x, 710000 + line.place, line.name, line.value, NULL, NULL, 'line'
        FROM (SELECT min(left_end), max(right_end) FROM place) AS e (low, high), LATERAL (VALUES (e.low), (e.high)) AS edge (x),
            (SELECT min(low), min(high) FROM expected HAVING count(*) = 1) AS b (low, high),
            LATERAL (VALUES (1, 'expected low', b.low), (2, 'expected high', b.high)) AS line (place, name, value)
        WHERE line.value IS NOT NULL
        UNION ALL
        SELECT at.x, 800000 + q.n::int, 'OMS ' || hdqm.quantity_label(q.name), hdqm.run_quantity(r, q.name), a.run_number, NULL, 'quantity'
        FROM place AS a JOIN hdqm.run AS r ON r.run_number = a.run_number, unnest(known) WITH ORDINALITY AS q (name, n),
            LATERAL (VALUES (a.x, NOT a.segment), (a.x_low, a.segment), (a.x_high, a.segment)) AS at (x, wanted)
        WHERE at.wanted
    )
    SELECT d.x, d.series, d.value, d.run_number, d.error, d.kind FROM drawn AS d
    WHERE EXISTS (SELECT FROM kept) OR cardinality(known) > 0
    ORDER BY d.x, d.rank, d.value NULLS FIRST;
    IF NOT FOUND THEN
        RETURN QUERY
        SELECT 0::double precision, format('No value in any of the %s runs: %s', n, coalesce(string_agg(why.times || ' × ' || why.code, ', ' ORDER BY why.times DESC), 'not computed')),
            NULL::double precision, NULL::int, NULL::double precision, 'note'
        FROM (
            SELECT r.code, count(*) AS times FROM hdqm.point AS p JOIN hdqm.reason AS r ON r.number = p.status
            WHERE p.series_id = ANY (ids) AND p.run_number = ANY (wanted) GROUP BY r.code
        ) AS why;
    END IF;
END $$;
COMMENT ON FUNCTION hdqm.trend_plot(text, text, text, text, text, text, text, text, text, text[], text, text[]) IS
'All that a plot of trends draws, one row a mark, x ascending. panel: group:NAME or trend:NAME; axis: see hdqm.run_axis; options: errors, mean, range, outliers (leave out what is more than five robust RMS from the median), fills, duration, luminosity;
added: labels of more series; quantities: names of hdqm.run_quantity. series: label with hdqm.colour_mark; the same and ± (error bars); run; fill (1 in every second fill); run duration, run delivered (columns); mean, mean ± RMS, expected low, expected high; OMS … . Gaps have no row. Where there is nothing to draw, one row (kind note) whose series says why.';

CREATE FUNCTION hdqm.plot_scale(panel text, subsystem text, primary_dataset text, processing text, added text, y_range text)
RETURNS TABLE (unit text, low double precision, high double precision)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog AS $$
    SELECT
        (SELECT CASE WHEN count(DISTINCT t.unit) = 1 AND count(t.unit) = count(*) THEN 'suffix: ' || min(t.unit) END
         FROM hdqm.panel_members($1, $2, $3, $4, $5) AS m JOIN hdqm.trend AS t ON t.id = m.trend_id),
        (part[1])::double precision, (part[2])::double precision
    FROM (SELECT regexp_match($6, '^\s*([-+]?[0-9]{0,15}\.?[0-9]{1,15}(?:[eE][-+]?[0-9]{1,2})?)\s*(?:\.\.|,|;|\s|:)\s*([-+]?[0-9]{0,15}\.?[0-9]{1,15}(?:[eE][-+]?[0-9]{1,2})?)\s*$')) AS m (part)
$$;
COMMENT ON FUNCTION hdqm.plot_scale(text, text, text, text, text, text) IS 'Unit of a plot, where its trends share one, and the range of y that a person wrote as 0.2 .. 0.5; NULL where it fits itself.';

CREATE FUNCTION hdqm.selection_note(
    subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text,
    axis text, search text, show text, page text, per_page text
) RETURNS TABLE (note text)
LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    chosen int[];
    panels int := (SELECT count(*) FROM hdqm.panels($1, $2, $3, $9, $10));
    pages int := greatest(ceil(panels::numeric / hdqm.whole_number($12, 1, 64, 8)), 1);
    place text := format('%s in %s / %s', $1, $2, $3);
    unplaced int;
BEGIN
    BEGIN
        chosen := ARRAY(SELECT r FROM hdqm.checked_runs($1, $2, $3, $4, $5, $6, $7) AS r);
    EXCEPTION WHEN invalid_parameter_value THEN
        RETURN QUERY SELECT 'Nothing is shown: ' || SQLERRM;
        RETURN;
    END;
    IF NOT EXISTS (SELECT FROM hdqm.series) THEN
        RETURN QUERY SELECT 'There are no trends yet: no DQM file was ingested.'::text;
    ELSIF cardinality(chosen) = 0 THEN
        RETURN QUERY SELECT format('No run matches: %s %s, class %s, of %s.%s', $4, $5, $6, place,
            CASE WHEN $7 = 'default' AND $4 <> 'list' THEN ' Runs that Run Registry calls not significant are left out; "all runs" takes them in.' ELSE '' END);
    ELSIF panels = 0 THEN
        RETURN QUERY SELECT format('No plot of %s has %L in its name or title.', place, $9);
    ELSE
        SELECT count(*) INTO unplaced FROM unnest(chosen) AS c (run_number) JOIN hdqm.run AS r ON r.run_number = c.run_number
        WHERE CASE $8 WHEN 'date' THEN r.start_time IS NULL WHEN 'duration' THEN NOT coalesce(r.duration_s > 0, false)
            WHEN 'luminosity' THEN NOT coalesce(r.delivered_lumi_pb > 0, false) ELSE false END;
        RETURN QUERY SELECT format('%s runs, %s to %s, of %s. %s %s, page %s of %s.%s',
            cardinality(chosen), (SELECT min(c) FROM unnest(chosen) AS c), (SELECT max(c) FROM unnest(chosen) AS c), place,
            panels, CASE WHEN panels = 1 THEN 'plot' ELSE 'plots' END,
            hdqm.whole_number($11, 1, 100000, 1), pages,
            CASE WHEN unplaced > 0 THEN format(' %s of the runs have no %s in OMS (yet) and are left out on this axis.', unplaced,
                CASE $8 WHEN 'date' THEN 'start time' WHEN 'duration' THEN 'duration' ELSE 'delivered luminosity' END) ELSE '' END);
    END IF;
END $$;
COMMENT ON FUNCTION hdqm.selection_note(text, text, text, text, text, text, text, text, text, text, text, text) IS 'One sentence: what a page of trends shows, or why it shows nothing.';

-- -- one trend -----------------------------------------------------------------------------------------------------------

CREATE FUNCTION hdqm.trend_values(
    panel text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text, added text DEFAULT ''
) RETURNS TABLE (
    run_number int, series text, value double precision, error double precision, status text, meaning text, entries double precision,
    start_time timestamptz, fill_number int, duration_s double precision, delivered_lumi_pb double precision, path text
)
LANGUAGE plpgsql STABLE ROWS 2000 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    wanted int[] := ARRAY(SELECT hdqm.selected_runs(subsystem, primary_dataset, processing, mode, runs, run_class, quality));
    members hdqm.panel_member[] := ARRAY(SELECT m FROM hdqm.panel_members(panel, subsystem, primary_dataset, processing, added) AS m);
    ids int[] := ARRAY(SELECT series_id FROM unnest(members));
BEGIN
    RETURN QUERY
    SELECT p.run_number, m.label, p.value, p.error::double precision, s.code, s.meaning, p.entries,
        r.start_time, r.fill_number, r.duration_s, r.delivered_lumi_pb, f.path::text
    FROM hdqm.point AS p
    JOIN unnest(members) AS m ON m.series_id = p.series_id
    JOIN hdqm.reason AS s ON s.number = p.status
    LEFT JOIN hdqm.run AS r ON r.run_number = p.run_number
    LEFT JOIN hdqm.dqm_file AS f ON f.id = p.dqm_file_id
    WHERE p.series_id = ANY (ids) AND p.run_number = ANY (wanted)
    ORDER BY p.run_number DESC, m.place;
END $$;
COMMENT ON FUNCTION hdqm.trend_values(text, text, text, text, text, text, text, text, text) IS 'Points of a plot, gaps with their reason included, newest run first; for tables and CSV.';

CREATE FUNCTION hdqm.trend_statistics(
    panel text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text, added text DEFAULT ''
) RETURNS TABLE (
    series text, points bigint, gaps bigint, mean double precision, rms double precision, median double precision,
    minimum double precision, maximum double precision, last double precision, outside bigint
)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT v.series, count(v.value), count(*) - count(v.value), avg(v.value), stddev_pop(v.value),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY v.value), min(v.value), max(v.value),
        (array_agg(v.value ORDER BY v.run_number DESC) FILTER (WHERE v.value IS NOT NULL))[1],
        count(*) FILTER (WHERE v.value < t.low OR v.value > t.high)
    FROM hdqm.trend_values($1, $2, $3, $4, $5, $6, $7, $8, $9) AS v
    JOIN hdqm.panel_members($1, $2, $3, $4, $9) AS m ON m.label = v.series
    JOIN hdqm.trend AS t ON t.id = m.trend_id
    GROUP BY v.series, m.place ORDER BY m.place
$$;
COMMENT ON FUNCTION hdqm.trend_statistics(text, text, text, text, text, text, text, text, text) IS 'Each series of a plot in numbers; rms is the standard deviation of the values, outside counts points outside of the expected range.';

CREATE FUNCTION hdqm.trend_facts(panel text, subsystem text, primary_dataset text, processing text, added text DEFAULT '')
RETURNS TABLE (
    series text, title text, metric text, elements text, expected text, owner text, description text, active boolean, defined_at timestamptz, definition text
)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT m.label, t.title, d.metric,
        (SELECT string_agg(e.path, ', ' ORDER BY e.path) FROM hdqm.element AS e WHERE e.id = ANY (d.elements)),
        CASE WHEN t.low IS NOT NULL OR t.high IS NOT NULL THEN
            concat_ws(' ', coalesce(t.low::text, '−∞'), '…', coalesce(t.high::text, '∞'), t.unit) ELSE 'not configured' END,
        coalesce(t.owner, 'not configured'), coalesce(t.description, 'not configured'), t.active, d.first_seen, left(encode(d.hash, 'hex'), 12)
    FROM hdqm.panel_members($1, $2, $3, $4, $5) AS m
    JOIN hdqm.trend AS t ON t.id = m.trend_id
    LEFT JOIN hdqm.definition AS d ON d.trend_id = t.id AND d.is_current
    ORDER BY m.place
$$;
COMMENT ON FUNCTION hdqm.trend_facts(text, text, text, text, text) IS 'Where the numbers of a plot come from: metric, monitor elements, owner, expected range.';

CREATE FUNCTION hdqm.trend_gaps(
    panel text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text, added text DEFAULT ''
) RETURNS TABLE (run_number int, series text, why text, meaning text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT v.run_number, v.series, v.status, v.meaning FROM hdqm.trend_values($1, $2, $3, $4, $5, $6, $7, $8, $9) AS v WHERE v.value IS NULL
    UNION ALL
    SELECT r.run_number, m.label, 'no_point', 'The trend was not computed for this run, or the DQM file never had its monitor element.'
    FROM hdqm.selected_runs($2, $3, $4, $5, $6, $7, $8) AS r (run_number)
    CROSS JOIN hdqm.panel_members($1, $2, $3, $4, $9) AS m
    WHERE NOT EXISTS (SELECT FROM hdqm.point AS p WHERE p.series_id = m.series_id AND p.run_number = r.run_number)
    ORDER BY 1 DESC, 2
$$;
COMMENT ON FUNCTION hdqm.trend_gaps(text, text, text, text, text, text, text, text, text) IS 'Runs in which a series of a plot has no value, and why.';

-- -- correlation ---------------------------------------------------------------------------------------------------------

CREATE FUNCTION hdqm.measured(
    what text, subsystem text, primary_dataset text, processing text, wanted int[]
) RETURNS TABLE (run_number int, value double precision)
LANGUAGE sql STABLE ROWS 200 SET search_path = pg_catalog AS $$
    SELECT p.run_number, p.value
    FROM hdqm.series_by_label($1, $2, $3, $4) AS s
    JOIN hdqm.point AS p ON p.series_id = s.series_id
    WHERE p.run_number = ANY ($5) AND p.value IS NOT NULL
    UNION ALL
    SELECT r.run_number, hdqm.run_quantity(r, substr($1, 5))
    FROM hdqm.run AS r
    WHERE $1 LIKE 'OMS %' AND r.run_number = ANY ($5) AND hdqm.run_quantity(r, substr($1, 5)) IS NOT NULL
$$;
COMMENT ON FUNCTION hdqm.measured(text, text, text, text, int[]) IS 'Values of a series (see hdqm.series_by_label) or of a quantity of the runs (OMS NAME, see hdqm.run_quantity).';

CREATE FUNCTION hdqm.correlation(
    x_series text, y_series text, size_series text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text
) RETURNS TABLE (x double precision, y double precision, run_number int, size double precision)
LANGUAGE plpgsql STABLE ROWS 200 SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    wanted int[] := ARRAY(SELECT hdqm.selected_runs(subsystem, primary_dataset, processing, mode, runs, run_class, quality));
BEGIN
    RETURN QUERY
    SELECT a.value, b.value, a.run_number, c.value
    FROM hdqm.measured(x_series, subsystem, primary_dataset, processing, wanted) AS a
    JOIN hdqm.measured(y_series, subsystem, primary_dataset, processing, wanted) AS b ON b.run_number = a.run_number
    LEFT JOIN hdqm.measured(size_series, subsystem, primary_dataset, processing, wanted) AS c ON c.run_number = a.run_number
    WHERE coalesce(size_series, '') IN ('', 'none') OR c.value IS NOT NULL
    ORDER BY a.run_number;
END $$;
COMMENT ON FUNCTION hdqm.correlation(text, text, text, text, text, text, text, text, text, text) IS
'Runs in which both of two (all of three) series or quantities have a value; size is NULL without a third.';

CREATE FUNCTION hdqm.correlation_fit(
    x_series text, y_series text, size_series text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text
) RETURNS TABLE (runs_used bigint, slope double precision, intercept double precision, r double precision, x_min double precision, x_max double precision, equation text)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog AS $$
    SELECT n, slope, intercept, r, x_min, x_max, CASE
        WHEN n = 0 THEN 'No run has both: see the boxes above.'
        WHEN slope IS NULL THEN format('%s runs; no line: all have the same x.', n)
        ELSE format('y = %s x %s %s  ·  r = %s  ·  %s runs', btrim(to_char(slope, '9.999EEEE')), CASE WHEN intercept < 0 THEN '−' ELSE '+' END,
            btrim(to_char(abs(intercept), '9.999EEEE')), coalesce(to_char(r, 'FM0.000'), 'undefined'), n) END
    FROM (
        SELECT count(*) AS n, regr_slope(y, x) AS slope, regr_intercept(y, x) AS intercept, corr(y, x) AS r, min(x) AS x_min, max(x) AS x_max
        FROM hdqm.correlation($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ) AS line
$$;
COMMENT ON FUNCTION hdqm.correlation_fit(text, text, text, text, text, text, text, text, text, text) IS 'The least-squares line of hdqm.correlation, its coefficient, and both in words.';

CREATE FUNCTION hdqm.correlation_line(
    x_series text, y_series text, size_series text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text
) RETURNS TABLE (line_x double precision, line_y double precision)
LANGUAGE sql STABLE ROWS 2 SET search_path = pg_catalog AS $$
    SELECT e.x, f.slope * e.x + f.intercept
    FROM hdqm.correlation_fit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS f, LATERAL (VALUES (f.x_min), (f.x_max)) AS e (x)
    WHERE f.slope IS NOT NULL
$$;
COMMENT ON FUNCTION hdqm.correlation_line(text, text, text, text, text, text, text, text, text, text) IS 'Both ends of the least-squares line, for drawing.';

CREATE FUNCTION hdqm.choose_measured(subsystem text, primary_dataset text, processing text, with_none boolean DEFAULT false)
RETURNS TABLE (__text text, __value text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT 'none', 'none' WHERE $4
    UNION ALL
    (SELECT t.name || coalesce(' [' || t.unit || ']', ''), t.name
    FROM hdqm.series AS s
    JOIN hdqm.trend AS t ON t.id = s.trend_id
    JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id AND u.name = $1
    JOIN hdqm.primary_dataset AS d ON d.id = s.primary_dataset_id AND d.name = $2
    JOIN hdqm.processing AS c ON c.id = s.processing_id AND c.name = $3
    WHERE s.kind = 'run' AND s.slice = '' ORDER BY t.name)
    UNION ALL
    SELECT 'OMS ' || hdqm.quantity_label(q), 'OMS ' || q
    FROM unnest(ARRAY['duration', 'delivered luminosity', 'recorded luminosity', 'initial luminosity', 'end luminosity', 'magnetic field',
        'energy', 'HLT physics rate', 'L1 rate', 'run number']) AS q
$$;
COMMENT ON FUNCTION hdqm.choose_measured(text, text, text, boolean) IS 'What can be plotted against what: series of a dataset, quantities of the runs.';

-- -- one run -------------------------------------------------------------------------------------------------------------

CREATE FUNCTION hdqm.run_facts(run text, series text, subsystem text, primary_dataset text, processing text)
RETURNS TABLE (fact text, value text)
LANGUAGE sql STABLE ROWS 20 SET search_path = pg_catalog AS $$
    SELECT f.fact, coalesce(f.value, o.otherwise)
    FROM (SELECT hdqm.whole_number($1, 0, 999999999, -1) AS run_number) AS asked
    LEFT JOIN hdqm.run AS r ON r.run_number = asked.run_number
    LEFT JOIN hdqm.series_by_label($2, $3, $4, $5) AS s ON true
    LEFT JOIN hdqm.point AS p ON p.series_id = s.series_id AND p.run_number = asked.run_number
    LEFT JOIN hdqm.reason AS why ON why.number = p.status
    LEFT JOIN hdqm.trend AS t ON t.id = s.trend_id,
    LATERAL (VALUES
        (1, 'Series', $2, 'none chosen'),
        (2, 'Value', coalesce(p.value::real::text || coalesce(' ' || t.unit, ''), why.meaning), 'no point'),
        (3, 'Error', p.error::text, '–'),
        (4, 'Run number', asked.run_number::text, '–'),
        (5, 'Fill number', r.fill_number::text, NULL),
        (6, 'Duration', to_char(make_interval(secs => r.duration_s), 'HH24:MI:SS'), NULL),
        (7, 'Delivered luminosity', round(r.delivered_lumi_pb::numeric, 3) || ' 1/pb', NULL),
        (8, 'Recorded luminosity', round(r.recorded_lumi_pb::numeric, 3) || ' 1/pb', NULL),
        (9, 'Initial luminosity', round(r.peak_lumi_1e34::numeric, 4) || ' 10³⁴/(cm² s)', NULL),
        (10, 'End luminosity', round(r.end_lumi_1e34::numeric, 4) || ' 10³⁴/(cm² s)', NULL),
        (11, 'Magnetic field', round(r.b_field_t::numeric, 3) || ' T', NULL),
        (12, 'Start time', to_char(r.start_time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'), NULL),
        (13, 'End time', to_char(r.end_time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'), NULL),
        (14, 'Beam energy', round(r.energy_gev::numeric, 1) || ' GeV', NULL),
        (15, 'Era', r.era, NULL),
        (16, 'Injection scheme', r.injection_scheme, NULL),
        (17, 'HLT key', r.hlt_key, NULL),
        (18, 'HLT physics rate', round(r.hlt_physics_rate_hz::numeric, 1) || ' Hz', NULL),
        (19, 'L1 key', r.l1_key, NULL),
        (20, 'L1 rate', round(r.l1_rate_hz::numeric, 1) || ' Hz', NULL),
        (21, 'Class (Run Registry)', r.run_class, 'Run Registry has not told yet'),
        (22, 'Significant (Run Registry)', CASE r.significant WHEN true THEN 'yes' WHEN false THEN 'no' END, 'Run Registry has not told yet')
    ) AS f (place, fact, value, no_value),
    LATERAL (SELECT coalesce(f.no_value, CASE
        WHEN r.run_number IS NULL THEN 'HDQM does not know this run'
        WHEN r.oms_synced_at IS NULL THEN 'OMS has not told yet' ELSE 'not in OMS' END)) AS o (otherwise)
    ORDER BY f.place
$$;
COMMENT ON FUNCTION hdqm.run_facts(text, text, text, text, text) IS 'What is known of a run and of one series in it, with units, one row a fact; what is not known says why.';

CREATE FUNCTION hdqm.run_neighbours(run text, primary_dataset text, processing text)
RETURNS TABLE (previous int, this int, next int)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog AS $$
    WITH dataset AS (
        SELECT (SELECT id FROM hdqm.primary_dataset WHERE name = $2) AS d, (SELECT id FROM hdqm.processing WHERE name = $3) AS c,
            hdqm.whole_number($1, 0, 999999999, 0) AS n
    )
    SELECT
        (SELECT max(f.run_number) FROM hdqm.dqm_file AS f WHERE f.loaded AND f.primary_dataset_id = d AND f.processing_id = c AND f.run_number < n),
        n,
        (SELECT min(f.run_number) FROM hdqm.dqm_file AS f WHERE f.loaded AND f.primary_dataset_id = d AND f.processing_id = c AND f.run_number > n)
    FROM dataset
$$;
COMMENT ON FUNCTION hdqm.run_neighbours(text, text, text) IS 'The runs before and after a run in a dataset.';

CREATE FUNCTION hdqm.newest_run(subsystem text, primary_dataset text, processing text) RETURNS int
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT max(r) FROM hdqm.selected_runs($1, $2, $3, 'latest', '1', 'all', 'all') AS r
$$;
COMMENT ON FUNCTION hdqm.newest_run(text, text, text) IS 'The newest run that has points of a subsystem in a dataset.';

CREATE FUNCTION hdqm.run_files(run text)
RETURNS TABLE (dataset text, dqm_version int, state text, reason text, tries int, ingested_at timestamptz, size_bytes bigint, path text)
LANGUAGE sql STABLE ROWS 20 SET search_path = pg_catalog AS $$
    SELECT f.dataset, f.dqm_version, f.state::text, f.reason, f.tries, f.ingested_at, f.size_bytes, f.path::text
    FROM hdqm.dqm_file AS f WHERE f.run_number = hdqm.whole_number($1, 0, 999999999, -1)
    ORDER BY f.dataset, f.dqm_version DESC
$$;
COMMENT ON FUNCTION hdqm.run_files(text) IS 'DQM files of a run, and what became of each.';

CREATE FUNCTION hdqm.run_points(run text, subsystem text, primary_dataset text, processing text, search text DEFAULT '')
RETURNS TABLE (
    trend text, title text, value double precision, error double precision, status text, middle double precision, spread double precision,
    distance double precision, low double precision, high double precision
)
LANGUAGE plpgsql STABLE ROWS 500 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    this int := hdqm.whole_number(run, 0, 999999999, -1);
    pd int := (SELECT id FROM hdqm.primary_dataset WHERE name = $3);
    processed int := (SELECT id FROM hdqm.processing WHERE name = $4);
    -- the run among its hundred neighbours: what is usual changes over the years
    near int[] := ARRAY(
        (SELECT f.run_number FROM hdqm.dqm_file AS f WHERE f.loaded AND f.primary_dataset_id = pd AND f.processing_id = processed AND f.run_number <= this ORDER BY f.run_number DESC LIMIT 51)
        UNION
        (SELECT f.run_number FROM hdqm.dqm_file AS f WHERE f.loaded AND f.primary_dataset_id = pd AND f.processing_id = processed AND f.run_number > this ORDER BY f.run_number LIMIT 50));
    ids int[] := ARRAY(
        SELECT s.id FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id
        WHERE u.name = $2 AND s.primary_dataset_id = pd AND s.processing_id = processed AND s.kind = 'run' AND s.slice = ''
            AND position(lower(btrim(coalesce(search, ''))) IN lower(t.name || ' ' || t.title)) > 0);
BEGIN
    RETURN QUERY
    WITH around AS MATERIALIZED (
        SELECT p.series_id, p.run_number, p.value FROM hdqm.point AS p
        WHERE p.series_id = ANY (ids) AND p.run_number = ANY (near) AND p.value IS NOT NULL
    ),
    level AS MATERIALIZED (
        SELECT series_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS middle, stddev_pop(value) AS rms FROM around GROUP BY series_id
    ),
    width AS (
        SELECT a.series_id, coalesce(nullif(1.4826 * percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(a.value - l.middle)), 0), nullif(max(l.rms), 0)) AS spread
        FROM around AS a JOIN level AS l ON l.series_id = a.series_id GROUP BY a.series_id
    )
    SELECT t.name, t.title, p.value, p.error::double precision, why.code, l.middle, w.spread, abs(p.value - l.middle) / w.spread, t.low, t.high
    FROM hdqm.point AS p
    JOIN hdqm.series AS s ON s.id = p.series_id
    JOIN hdqm.trend AS t ON t.id = s.trend_id
    JOIN hdqm.reason AS why ON why.number = p.status
    LEFT JOIN level AS l ON l.series_id = p.series_id
    LEFT JOIN width AS w ON w.series_id = p.series_id
    WHERE p.series_id = ANY (ids) AND p.run_number = this
    ORDER BY 8 DESC NULLS LAST, t.name;
END $$;
COMMENT ON FUNCTION hdqm.run_points(text, text, text, text, text) IS
'Points of a run by how unusual they are: distance from the median of the hundred runs around it, in robust RMS (1.4826 × median absolute deviation; where that is 0, the RMS).';

CREATE FUNCTION hdqm.url_part(t text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    -- the pages of CERN take / and ; as they are; a plus sign would become a blank
    SELECT replace(replace(replace(replace(replace(t, '%', '%25'), '+', '%2B'), ' ', '%20'), '#', '%23'), '&', '%26')
$$;
COMMENT ON FUNCTION hdqm.url_part(text) IS 'A path or name as part of an address.';

CREATE FUNCTION hdqm.run_links(run text, series text, subsystem text, primary_dataset text, processing text)
RETURNS TABLE (page text, url text)
LANGUAGE sql STABLE ROWS 8 SET search_path = pg_catalog AS $$
    WITH asked AS (
        SELECT hdqm.whole_number($1, 0, 999999999, 0) AS n
    ),
    file AS (
        SELECT f.dataset FROM asked, hdqm.dqm_file AS f
        JOIN hdqm.primary_dataset AS d ON d.id = f.primary_dataset_id AND d.name = $4
        JOIN hdqm.processing AS c ON c.id = f.processing_id AND c.name = $5
        WHERE f.run_number = n ORDER BY f.loaded DESC, f.dqm_version DESC LIMIT 1
    ),
    element AS (
        SELECT i.input, i.place, p.path
        FROM hdqm.series_by_label($2, $3, $4, $5) AS s
        JOIN hdqm.definition AS d ON d.trend_id = s.trend_id AND d.is_current
        CROSS JOIN LATERAL (VALUES (1, 'main'), (2, 'histo1'), (3, 'histo2'), (4, 'reference')) AS i (place, input)
        CROSS JOIN LATERAL (SELECT d.alternatives -> 0 -> 'paths' -> i.input ->> 0) AS p (path)
        WHERE p.path IS NOT NULL
    )
    SELECT page, url FROM (
        SELECT place, 'DQM GUI: ' || path AS page, hdqm.site_url('dqm_gui_url') || '/start?runnr=' || n || ';dataset=' || hdqm.url_part(dataset)
            || ';workspace=Everything;root=' || hdqm.url_part(regexp_replace(path, '/[^/]*$', '')) || ';focus=' || hdqm.url_part(path) || ';zoom=yes;' AS url
        FROM asked, file, element
        UNION ALL
        SELECT 10 + place, 'Picture from the DQM GUI: ' || path, hdqm.site_url('dqm_gui_url') || '/plotfairy/archive/' || n || hdqm.url_part(dataset) || '/' || hdqm.url_part(path) || '?w=1906;h=933'
        FROM asked, file, element
        UNION ALL
        SELECT 20, 'OMS', hdqm.site_url('oms_url') || '/cms/runs/report?cms_run=' || n FROM asked
        UNION ALL
        SELECT 21, 'Run Registry', hdqm.site_url('rr_url') || '/offline/workspaces/global?run_number=' || n FROM asked
    ) AS link (place, page, url)
    WHERE url IS NOT NULL ORDER BY place
$$;
COMMENT ON FUNCTION hdqm.run_links(text, text, text, text, text) IS 'Pages elsewhere about a run and the monitor elements of a series: DQM GUI, OMS, Run Registry.';

CREATE FUNCTION hdqm.histogram_curve(series text, subsystem text, primary_dataset text, processing text, run text, reference text, input text DEFAULT 'main')
RETURNS TABLE (x double precision, content double precision, reference_content double precision)
LANGUAGE plpgsql STABLE ROWS 100 SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    s record;
BEGIN
    SELECT * INTO s FROM hdqm.series_by_label($1, $2, $3, $4) LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH this AS MATERIALIZED (
        SELECT b.* FROM hdqm.histogram_bins(s.subsystem_name, s.trend, s.dataset, s.processing_name, hdqm.whole_number($5, 0, 999999999, -1), $7) AS b WHERE b.y_low IS NULL
    ),
    that AS MATERIALIZED (
        SELECT b.* FROM hdqm.histogram_bins(s.subsystem_name, s.trend, s.dataset, s.processing_name, hdqm.whole_number($6, 0, 999999999, -1), $7) AS b WHERE b.y_low IS NULL
    ),
    -- drawn over one another as shapes: the reference run is scaled to the same sum
    scaled AS (
        SELECT that.x_low, that.x_high, that.content * coalesce((SELECT sum(content) FROM this) / nullif((SELECT sum(content) FROM that), 0), 1) AS content FROM that
    ),
    edge AS (
        SELECT x_low AS x, content, NULL::double precision AS other FROM this
        UNION ALL (SELECT x_high, 0, NULL FROM this ORDER BY x_high DESC LIMIT 1)
        UNION ALL SELECT x_low, NULL, content FROM scaled
        UNION ALL (SELECT x_high, NULL, 0 FROM scaled ORDER BY x_high DESC LIMIT 1)
    )
    SELECT x, max(content), max(other) FROM edge GROUP BY x ORDER BY x;
END $$;
COMMENT ON FUNCTION hdqm.histogram_curve(text, text, text, text, text, text, text) IS
'A one-dimensional histogram behind a point as a step curve, and that of another run scaled to the same sum of contents. No rows for other histograms.';

CREATE FUNCTION hdqm.histogram_plot(series text, subsystem text, primary_dataset text, processing text, run text, reference text, input text DEFAULT 'main')
RETURNS TABLE (x double precision, curve text, content double precision)
LANGUAGE sql STABLE ROWS 200 SET search_path = pg_catalog AS $$
    WITH found AS MATERIALIZED (SELECT * FROM hdqm.histogram_curve($1, $2, $3, $4, $5, $6, $7)),
    c AS (SELECT * FROM found WHERE EXISTS (SELECT FROM found AS f WHERE f.content IS NOT NULL)),
    drawn AS (
        SELECT x, 1 AS place, 'run ' || $5 AS curve, content FROM c
        UNION ALL
        SELECT x, 2, 'reference run ' || $6, reference_content FROM c WHERE EXISTS (SELECT FROM c AS r WHERE r.reference_content IS NOT NULL)
        UNION ALL
        SELECT 0, 3, 'No one-dimensional histogram is stored of this trend in this run', NULL WHERE NOT EXISTS (SELECT FROM c)
    )
    SELECT x, curve, content FROM drawn ORDER BY x, place
$$;
COMMENT ON FUNCTION hdqm.histogram_plot(text, text, text, text, text, text, text) IS 'hdqm.histogram_curve in long form; where there is nothing to draw, one row whose curve says so.';

CREATE FUNCTION hdqm.histogram_cells(series text, subsystem text, primary_dataset text, processing text, run text, input text DEFAULT 'main')
RETURNS TABLE (x double precision, y double precision, content double precision)
LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    s record;
BEGIN
    SELECT * INTO s FROM hdqm.series_by_label($1, $2, $3, $4) LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- at most a hundred cells a side: neighbours are added up, since a browser draws each as a mark
    RETURN QUERY
    WITH cell AS MATERIALIZED (
        SELECT (b.x_low + b.x_high) / 2 AS x, (b.y_low + b.y_high) / 2 AS y, b.content,
            dense_rank() OVER (ORDER BY b.x_low) - 1 AS ix, dense_rank() OVER (ORDER BY b.y_low) - 1 AS iy
        FROM hdqm.histogram_bins(s.subsystem_name, s.trend, s.dataset, s.processing_name, hdqm.whole_number($5, 0, 999999999, -1), $6) AS b
        WHERE b.y_low IS NOT NULL
    ),
    size AS (SELECT max(ix) / 100 + 1 AS wide, max(iy) / 100 + 1 AS high FROM cell)
    SELECT avg(x), avg(y), sum(content) FROM cell, size GROUP BY ix / wide, iy / high HAVING sum(content) <> 0 ORDER BY 1, 2;
END $$;
COMMENT ON FUNCTION hdqm.histogram_cells(text, text, text, text, text, text) IS 'A two-dimensional histogram behind a point: centre and content of its cells, at most 100 × 100, empty ones left out. No rows for other histograms.';

CREATE FUNCTION hdqm.histogram_note(series text, subsystem text, primary_dataset text, processing text, run text, input text DEFAULT 'main')
RETURNS TABLE (note text)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog AS $$
    SELECT coalesce(
        (SELECT format('%s: %s %L, %s entries, run %s', e.path, h.class_name, h.title, h.entries, h.run_number)
            || CASE WHEN h.z_bins IS NOT NULL THEN '; three dimensions cannot be drawn' ELSE '' END
        FROM hdqm.series_by_label($1, $2, $3, $4) AS s
        CROSS JOIN LATERAL hdqm.stored_histogram(s.subsystem_name, s.trend, s.dataset, s.processing_name, hdqm.whole_number($5, 0, 999999999, -1), $6) AS h
        JOIN hdqm.element AS e ON e.id = h.element_id LIMIT 1),
        format('No %s histogram of %s is stored for run %s: the element was missing, the trend does not read one, or the file was ingested without histograms.', $6, $1, $5))
$$;
COMMENT ON FUNCTION hdqm.histogram_note(text, text, text, text, text, text) IS 'One sentence: which histogram is behind a point, or that none is stored.';

-- -- runs and fills ------------------------------------------------------------------------------------------------------

CREATE FUNCTION hdqm.run_table(search text, run_class text, how_many text)
RETURNS TABLE (
    run_number int, start_time timestamptz, duration_s double precision, fill_number int, era text, run_class_name text, significant boolean,
    delivered_lumi_pb double precision, recorded_lumi_pb double precision, initial_lumi_1e34 double precision, end_lumi_1e34 double precision,
    b_field_t double precision, energy_gev double precision, l1_rate_hz double precision, hlt_physics_rate_hz double precision,
    hlt_key text, l1_key text, injection_scheme text, files bigint, certified text
)
LANGUAGE sql STABLE ROWS 200 SET search_path = pg_catalog AS $$
    SELECT r.run_number, r.start_time, r.duration_s, r.fill_number, r.era, r.run_class, r.significant,
        r.delivered_lumi_pb, r.recorded_lumi_pb, r.peak_lumi_1e34, r.end_lumi_1e34, r.b_field_t, r.energy_gev, r.l1_rate_hz, r.hlt_physics_rate_hz,
        r.hlt_key, r.l1_key, r.injection_scheme,
        (SELECT count(*) FROM hdqm.dqm_file AS f WHERE f.run_number = r.run_number AND f.loaded),
        (SELECT string_agg(g.name, ', ' ORDER BY g.name) FROM hdqm.golden_json AS g WHERE r.run_number <@ g.runs)
    FROM hdqm.run AS r
    WHERE (coalesce($2, 'all') = 'all' OR r.run_class = $2)
        AND position(lower(btrim(coalesce($1, ''))) IN lower(concat_ws(' ', r.run_number, r.fill_number, r.era, r.run_class, r.hlt_key, r.l1_key, r.injection_scheme))) > 0
    ORDER BY r.run_number DESC LIMIT hdqm.whole_number($3, 1, 10000, 200)
$$;
COMMENT ON FUNCTION hdqm.run_table(text, text, text) IS 'Runs, newest first, with what OMS and Run Registry told; search: part of run, fill, era, class, key or injection scheme. certified: names of the lists that hold the run.';

CREATE FUNCTION hdqm.fill_table(search text, run_class text, how_many text)
RETURNS TABLE (fill_number int, first_run int, last_run int, runs bigint, start_time timestamptz, hours double precision, delivered_lumi_pb double precision, recorded_lumi_pb double precision, injection_scheme text)
LANGUAGE sql STABLE ROWS 100 SET search_path = pg_catalog AS $$
    SELECT t.fill_number, min(t.run_number), max(t.run_number), count(*), min(t.start_time), sum(t.duration_s) / 3600, sum(t.delivered_lumi_pb), sum(t.recorded_lumi_pb), max(t.injection_scheme)
    FROM hdqm.run_table($1, $2, $3) AS t WHERE t.fill_number IS NOT NULL GROUP BY t.fill_number ORDER BY t.fill_number DESC
$$;
COMMENT ON FUNCTION hdqm.fill_table(text, text, text) IS 'Fills of the runs of hdqm.run_table, summed up.';

-- -- home, coverage, pipeline --------------------------------------------------------------------------------------------

CREATE FUNCTION hdqm.outside_range(newest int)
RETURNS TABLE (subsystem text, trend text, owner text, primary_dataset text, processing text, run_number int, value double precision, low double precision, high double precision)
LANGUAGE plpgsql STABLE ROWS 50 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    recent int[] := ARRAY(SELECT DISTINCT f.run_number FROM hdqm.dqm_file AS f WHERE f.loaded AND f.run_number < 999999 ORDER BY f.run_number DESC LIMIT newest);
    ids int[] := ARRAY(SELECT s.id FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id WHERE t.active AND (t.low IS NOT NULL OR t.high IS NOT NULL));
BEGIN
    RETURN QUERY
    SELECT u.name, t.name, coalesce(t.owner, ''), d.name, c.name, p.run_number, p.value, t.low, t.high
    FROM hdqm.point AS p
    JOIN hdqm.series AS s ON s.id = p.series_id
    JOIN hdqm.trend AS t ON t.id = s.trend_id
    JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id
    JOIN hdqm.primary_dataset AS d ON d.id = s.primary_dataset_id
    JOIN hdqm.processing AS c ON c.id = s.processing_id
    LEFT JOIN hdqm.run AS r ON r.run_number = p.run_number
    WHERE p.series_id = ANY (ids) AND p.run_number = ANY (recent) AND (p.value < t.low OR p.value > t.high) AND r.significant IS NOT FALSE
    ORDER BY p.run_number DESC, u.name, t.name;
END $$;
COMMENT ON FUNCTION hdqm.outside_range(int) IS 'Points outside of the expected range (low, high) of their trend in the newest runs; not in runs that Run Registry calls not significant.';

CREATE FUNCTION hdqm.home_subsystems()
RETURNS TABLE (subsystem text, trends bigint, primary_datasets bigint, last_run int, last_ingested timestamptz, runs_last_day bigint, points_last_day bigint, gaps_last_day bigint, outside_last_day bigint, primary_dataset text, processing text)
LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    fresh int[] := ARRAY(SELECT f.id FROM hdqm.dqm_file AS f WHERE f.loaded AND f.ingested_at > now() - interval '1 day' ORDER BY f.ingested_at DESC LIMIT 500);
    fresh_runs int[] := ARRAY(SELECT DISTINCT f.run_number FROM hdqm.dqm_file AS f WHERE f.id = ANY (fresh));
BEGIN
    RETURN QUERY
    WITH owned AS MATERIALIZED (
        SELECT t.subsystem_id, s.id AS series_id, t.low, t.high, s.trend_id, s.primary_dataset_id, s.processing_id
        FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id WHERE t.active
    ),
    day AS (
        SELECT o.subsystem_id, count(DISTINCT p.run_number) AS runs, count(p.value) AS points, count(*) - count(p.value) AS gaps,
            count(*) FILTER (WHERE p.value < o.low OR p.value > o.high) AS outside
        FROM hdqm.point AS p JOIN owned AS o ON o.series_id = p.series_id
        WHERE p.run_number = ANY (fresh_runs) AND p.dqm_file_id = ANY (fresh)
        GROUP BY o.subsystem_id
    ),
    dataset AS MATERIALIZED (
        SELECT subsystem_id, primary_dataset_id, processing_id, count(*) AS n FROM owned GROUP BY 1, 2, 3
    ),
    most AS (
        SELECT DISTINCT ON (subsystem_id) subsystem_id, primary_dataset_id, processing_id FROM dataset
        ORDER BY subsystem_id, n DESC, primary_dataset_id, processing_id
    ),
    newest AS (
        SELECT s.subsystem_id, max(f.run_number) AS run_number, max(f.ingested_at) AS ingested_at
        FROM dataset AS s CROSS JOIN LATERAL (
            SELECT f.run_number, f.ingested_at FROM hdqm.dqm_file AS f
            WHERE f.loaded AND f.primary_dataset_id = s.primary_dataset_id AND f.processing_id = s.processing_id
            ORDER BY f.run_number DESC LIMIT 1
        ) AS f GROUP BY s.subsystem_id
    ),
    size AS (
        SELECT subsystem_id, count(DISTINCT trend_id) AS trends, count(DISTINCT primary_dataset_id) AS datasets FROM owned GROUP BY subsystem_id
    )
    SELECT u.name, size.trends, size.datasets, newest.run_number, newest.ingested_at,
        coalesce(day.runs, 0), coalesce(day.points, 0), coalesce(day.gaps, 0), coalesce(day.outside, 0), d.name, c.name
    FROM hdqm.subsystem AS u
    JOIN size ON size.subsystem_id = u.id
    JOIN most ON most.subsystem_id = u.id
    JOIN hdqm.primary_dataset AS d ON d.id = most.primary_dataset_id
    JOIN hdqm.processing AS c ON c.id = most.processing_id
    LEFT JOIN newest ON newest.subsystem_id = u.id
    LEFT JOIN day ON day.subsystem_id = u.id
    ORDER BY u.name;
END $$;
COMMENT ON FUNCTION hdqm.home_subsystems() IS 'Each subsystem on one line: how many trends, how fresh, what the last day brought; primary dataset and processing in which it has most trends.';

CREATE FUNCTION hdqm.recent_runs(how_many int)
RETURNS TABLE (run_number int, start_time timestamptz, run_class text, fill_number int, recorded_lumi_pb double precision, ingested bigint, failed bigint, open bigint, last_ingested timestamptz)
LANGUAGE sql STABLE ROWS 20 SET search_path = pg_catalog AS $$
    SELECT r.run_number, r.start_time, r.run_class, r.fill_number, r.recorded_lumi_pb,
        count(*) FILTER (WHERE f.loaded), count(*) FILTER (WHERE f.state = 'failed'), count(*) FILTER (WHERE f.state IN ('discovered', 'waiting')), max(f.ingested_at)
    FROM (SELECT * FROM hdqm.run WHERE run.run_number < 999999 ORDER BY run.run_number DESC LIMIT $1) AS r
    LEFT JOIN hdqm.dqm_file AS f ON f.run_number = r.run_number
    GROUP BY r.run_number, r.start_time, r.run_class, r.fill_number, r.recorded_lumi_pb ORDER BY r.run_number DESC
$$;
COMMENT ON FUNCTION hdqm.recent_runs(int) IS 'The newest runs and what became of their DQM files.';

CREATE FUNCTION hdqm.coverage(subsystem text, mode text, runs text, run_class text, quality text)
RETURNS TABLE (run_number int, dataset text, primary_dataset text, processing text, subsystem_name text, expected bigint, with_value bigint, percent double precision, why text)
LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    wanted int[] := ARRAY(SELECT hdqm.selected_runs($1, 'all', 'all', $2, $3, $4, $5) LIMIT 100);
BEGIN
    RETURN QUERY
    WITH owned AS MATERIALIZED (
        SELECT s.id, u.name AS subsystem_name, s.primary_dataset_id, s.processing_id
        FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id
        WHERE s.has_value AND s.kind = 'run' AND s.slice = '' AND t.active AND ($1 = 'all' OR u.name = $1)
    ),
    should AS (SELECT subsystem_name, primary_dataset_id, processing_id, count(*) AS expected FROM owned GROUP BY 1, 2, 3),
    found AS MATERIALIZED (
        SELECT p.run_number, o.subsystem_name, o.primary_dataset_id, o.processing_id, count(p.value) AS n, mode() WITHIN GROUP (ORDER BY p.status) FILTER (WHERE p.value IS NULL) AS status
        FROM hdqm.point AS p JOIN owned AS o ON o.id = p.series_id
        WHERE p.run_number = ANY (wanted) GROUP BY 1, 2, 3, 4
    ),
    file AS MATERIALIZED (
        SELECT DISTINCT ON (f.run_number, f.primary_dataset_id, f.processing_id) f.run_number, f.primary_dataset_id, f.processing_id, f.state::text AS state, f.loaded, f.reason
        FROM hdqm.dqm_file AS f WHERE f.run_number = ANY (wanted)
        ORDER BY f.run_number, f.primary_dataset_id, f.processing_id, f.loaded DESC, f.discovered_at DESC
    )
    SELECT w.run_number, d.name || ' / ' || c.name, d.name, c.name, s.subsystem_name, s.expected, coalesce(n.n, 0),
        (100.0 * coalesce(n.n, 0) / s.expected)::double precision,
        CASE
            WHEN f.run_number IS NULL THEN 'no DQM file'
            WHEN NOT f.loaded THEN f.state || coalesce(': ' || f.reason, '')
            WHEN coalesce(n.n, 0) = s.expected THEN 'complete'
            ELSE coalesce(why.code, 'not computed') END
    FROM unnest(wanted) AS w (run_number)
    CROSS JOIN should AS s
    JOIN hdqm.primary_dataset AS d ON d.id = s.primary_dataset_id
    JOIN hdqm.processing AS c ON c.id = s.processing_id
    LEFT JOIN found AS n ON n.run_number = w.run_number AND n.subsystem_name = s.subsystem_name AND n.primary_dataset_id = s.primary_dataset_id AND n.processing_id = s.processing_id
    LEFT JOIN file AS f ON f.run_number = w.run_number AND f.primary_dataset_id = s.primary_dataset_id AND f.processing_id = s.processing_id
    LEFT JOIN hdqm.reason AS why ON why.number = n.status
    ORDER BY w.run_number DESC, 2, s.subsystem_name;
END $$;
COMMENT ON FUNCTION hdqm.coverage(text, text, text, text, text) IS
'For each of at most 100 runs, each dataset and subsystem (or all): how many series that ever had a value have one in this run, and the reason that most of the others give.';

CREATE FUNCTION hdqm.coverage_trends(run text, subsystem text, primary_dataset text, processing text)
RETURNS TABLE (trend text, title text, status text, meaning text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT t.name, t.title, coalesce(why.code, 'no_point'), coalesce(why.meaning, 'The trend has no point in this run: no DQM file, or not computed yet.')
    FROM hdqm.series AS s
    JOIN hdqm.trend AS t ON t.id = s.trend_id AND t.active
    JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id AND ($2 = 'all' OR u.name = $2)
    JOIN hdqm.primary_dataset AS d ON d.id = s.primary_dataset_id AND d.name = $3
    JOIN hdqm.processing AS c ON c.id = s.processing_id AND c.name = $4
    LEFT JOIN hdqm.point AS p ON p.series_id = s.id AND p.run_number = hdqm.whole_number($1, 0, 999999999, -1)
    LEFT JOIN hdqm.reason AS why ON why.number = p.status
    WHERE s.has_value AND p.value IS NULL
    ORDER BY 3, 1
$$;
COMMENT ON FUNCTION hdqm.coverage_trends(text, text, text, text) IS 'Trends that have no value in a run and dataset, and why.';

CREATE FUNCTION hdqm.files_by_state() RETURNS TABLE (state text, files bigint)
LANGUAGE sql STABLE ROWS 8 SET search_path = pg_catalog AS $$
    SELECT f.state::text, count(*) FROM hdqm.dqm_file AS f GROUP BY f.state ORDER BY f.state
$$;
COMMENT ON FUNCTION hdqm.files_by_state() IS 'How many DQM files are in which state.';

CREATE FUNCTION hdqm.failed_files(how_many int)
RETURNS TABLE (run_number int, dataset text, reason text, tries int, since timestamptz, next_try text, path text)
LANGUAGE sql STABLE ROWS 100 SET search_path = pg_catalog AS $$
    SELECT f.run_number, f.dataset, f.reason, f.tries,
        (SELECT max(e.at) FROM hdqm.file_event AS e WHERE e.dqm_file_id = f.id),
        CASE WHEN f.claim_expires > now() THEN 'being tried now'
            ELSE coalesce(to_char(f.try_again_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), 'when the file changes, or by hdqm ingest -f') END,
        f.path::text
    FROM hdqm.dqm_file AS f WHERE f.state = 'failed' ORDER BY f.run_number DESC, f.dataset LIMIT $1
$$;
COMMENT ON FUNCTION hdqm.failed_files(int) IS 'DQM files that could not be read, newest run first, and why.';

CREATE FUNCTION hdqm.not_ingested(after interval DEFAULT '0')
RETURNS TABLE (run_number int, end_time timestamptz, hours_ago double precision, run_class text, recorded_lumi_pb double precision, why text)
LANGUAGE sql STABLE ROWS 50 SET search_path = pg_catalog AS $$
    SELECT r.run_number, r.end_time, extract(epoch FROM now() - r.end_time)::double precision / 3600, r.run_class, r.recorded_lumi_pb,
        coalesce((SELECT string_agg(DISTINCT f.state::text, ', ') FROM hdqm.dqm_file AS f WHERE f.run_number = r.run_number), 'no DQM file found')
    FROM hdqm.run AS r
    WHERE r.end_time < now() - $1 AND r.run_number < 999999 AND r.significant IS NOT FALSE
        AND NOT EXISTS (SELECT FROM hdqm.dqm_file AS f WHERE f.run_number = r.run_number AND f.loaded)
    ORDER BY r.run_number DESC LIMIT 500
$$;
COMMENT ON FUNCTION hdqm.not_ingested(interval) IS 'Runs that ended in OMS at least so long ago and of which no DQM file is ingested.';

CREATE FUNCTION hdqm.points_per_hour(since timestamptz, until timestamptz)
RETURNS TABLE ("time" timestamptz, points bigint, files bigint)
LANGUAGE sql STABLE ROWS 100 SET search_path = pg_catalog AS $$
    SELECT date_trunc('hour', f.ingested_at), sum(coalesce(cardinality(d.ids), 0))::bigint, count(*)
    FROM hdqm.dqm_file AS f LEFT JOIN hdqm.definition_set AS d ON d.id = f.definition_set_id
    WHERE f.ingested_at >= $1 AND f.ingested_at < $2 GROUP BY 1 ORDER BY 1
$$;
COMMENT ON FUNCTION hdqm.points_per_hour(timestamptz, timestamptz) IS 'Definitions computed and files ingested in each hour.';

CREATE FUNCTION hdqm.database_sizes() RETURNS TABLE (part text, bytes bigint)
LANGUAGE sql STABLE ROWS 6 SET search_path = pg_catalog AS $$
    SELECT 'whole database', pg_database_size(current_database())
    UNION ALL
    SELECT replace(h.hypertable_name, '_', ' '), (
        SELECT sum(pg_total_relation_size(i.inhrelid))::bigint FROM pg_inherits AS i WHERE i.inhparent = format('%I.%I', h.hypertable_schema, h.hypertable_name)::regclass
    ) FROM timescaledb_information.hypertables AS h WHERE h.hypertable_schema = 'hdqm'
$$;
COMMENT ON FUNCTION hdqm.database_sizes() IS 'Bytes of the database and of its hypertables.';

CREATE FUNCTION hdqm.site_pages() RETURNS TABLE (page text, url text)
LANGUAGE sql STABLE ROWS 8 SET search_path = pg_catalog AS $$
    SELECT p.page, hdqm.site_url(p.name) || p.path
    FROM (VALUES (1, 'Airflow: Dag runs', 'airflow_url', '/dags/hdqm_ingest/runs'), (2, 'Airflow: all Dags', 'airflow_url', '/dags'), (3, 'REST API', 'api_url', '/docs'),
        (4, 'DQM GUI', 'dqm_gui_url', '/'), (5, 'OMS', 'oms_url', '/'), (6, 'Run Registry', 'rr_url', '/')) AS p (place, page, name, path)
    WHERE hdqm.site_url(p.name) IS NOT NULL ORDER BY p.place
$$;
COMMENT ON FUNCTION hdqm.site_pages() IS 'Pages elsewhere, of those addresses that hdqm.site has.';

-- -- alarms --------------------------------------------------------------------------------------------------------------

CREATE FUNCTION hdqm.alarm_freshness() RETURNS TABLE (hours double precision, run text)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog AS $$
    SELECT coalesce(max(n.hours_ago), 0), coalesce(max(n.run_number)::text, '')
    FROM hdqm.not_ingested() AS n WHERE n.run_class ILIKE '%collision%' AND n.end_time > now() - interval '14 days'
$$;
COMMENT ON FUNCTION hdqm.alarm_freshness() IS 'Hours since the oldest collision run of the last two weeks ended of which nothing is ingested; 0 where all is there.';

CREATE FUNCTION hdqm.alarm_outside() RETURNS TABLE (subsystem text, trend text, owner text, primary_dataset text, processing text, run text, points bigint)
LANGUAGE sql STABLE ROWS 50 SET search_path = pg_catalog AS $$
    SELECT o.subsystem, o.trend, o.owner, o.primary_dataset, o.processing, max(o.run_number)::text, count(*)
    FROM hdqm.outside_range(3) AS o GROUP BY 1, 2, 3, 4, 5
$$;
COMMENT ON FUNCTION hdqm.alarm_outside() IS 'Series with points outside of their expected range in the newest three runs, how many, and the newest of these runs.';

CREATE FUNCTION hdqm.alarm_gaps() RETURNS TABLE (subsystem text, share double precision)
LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    recent int[] := ARRAY(SELECT DISTINCT f.run_number FROM hdqm.dqm_file AS f WHERE f.loaded AND f.run_number < 999999 ORDER BY f.run_number DESC LIMIT 60);
    newest int[] := recent[1:10];
BEGIN
    -- percent of points without value in the newest ten runs, beyond those of the fifty before
    RETURN QUERY
    SELECT u.name, greatest(0, 100.0 * (
        coalesce(avg((p.value IS NULL)::int) FILTER (WHERE p.run_number = ANY (newest)), 0)
        - coalesce(avg((p.value IS NULL)::int) FILTER (WHERE NOT p.run_number = ANY (newest)), 0)))::double precision
    FROM hdqm.point AS p JOIN hdqm.series AS s ON s.id = p.series_id JOIN hdqm.trend AS t ON t.id = s.trend_id JOIN hdqm.subsystem AS u ON u.id = t.subsystem_id
    WHERE p.run_number = ANY (recent) GROUP BY u.name;
END $$;
COMMENT ON FUNCTION hdqm.alarm_gaps() IS 'Per subsystem: percent of points without value in the newest ten runs, beyond the percentage of the fifty runs before.';
