-- What is written into a box of a page and cannot be read is told at its top, as an unreadable selection of runs is;
-- so is an address that names a subsystem or a dataset that is not there.

CREATE FUNCTION hdqm.read_y_range(written text) RETURNS TABLE (low double precision, high double precision)
LANGUAGE sql IMMUTABLE ROWS 1 SET search_path = pg_catalog AS $$
    SELECT CASE WHEN y.low < y.high THEN y.low END, CASE WHEN y.low < y.high THEN y.high END
    FROM (
        SELECT (part[1])::double precision, (part[2])::double precision
        FROM (SELECT regexp_match($1, '^\s*([-+]?[0-9]{0,15}\.?[0-9]{1,15}(?:[eE][-+]?[0-9]{1,2})?)\s*(?:\.\.|,|;|\s|:)\s*([-+]?[0-9]{0,15}\.?[0-9]{1,15}(?:[eE][-+]?[0-9]{1,2})?)\s*$')) AS m (part)
    ) AS y (low, high)
$$;
COMMENT ON FUNCTION hdqm.read_y_range(text) IS 'Two numbers that a person wrote, the lower one first, as in 0.2 .. 0.5; NULL where they are none.';

CREATE OR REPLACE FUNCTION hdqm.plot_scale(panel text, subsystem text, primary_dataset text, processing text, added text, y_range text)
RETURNS TABLE (unit text, low double precision, high double precision)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog AS $$
    SELECT
        (SELECT CASE WHEN count(DISTINCT t.unit) = 1 AND count(t.unit) = count(*) THEN 'suffix: ' || min(t.unit) END
         FROM hdqm.panel_members($1, $2, $3, $4, $5) AS m JOIN hdqm.trend AS t ON t.id = m.trend_id),
        y.low, y.high
    FROM hdqm.read_y_range($6) AS y
$$;

CREATE FUNCTION hdqm.unread_boxes(subsystem text, primary_dataset text, processing text, added text, y_range text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT concat(
        (SELECT format(' Not added, for no series of that name has points: %s.', string_agg(left(w.word, 60), ', ' ORDER BY w.n))
         FROM regexp_split_to_table(left($4, 10000), '[\s,]+') WITH ORDINALITY AS w (word, n)
         WHERE w.word <> '' AND w.n <= 100
             AND NOT EXISTS (SELECT FROM hdqm.series_by_label(w.word, $1, $2, $3) AS s WHERE s.series_id IS NOT NULL)
         HAVING count(*) > 0),
        (SELECT format(' The y range %L is not read: write two numbers, the lower one first, as in 0.2 .. 0.5.', left($5, 60))
         FROM hdqm.read_y_range($5) AS y WHERE y.low IS NULL AND $5 ~ '\S')
    )
$$;
COMMENT ON FUNCTION hdqm.unread_boxes(text, text, text, text, text) IS 'Sentences, each after a blank, on what is written into the boxes Add series and Y range and cannot be read; empty where all can.';

CREATE FUNCTION hdqm.unknown_dataset(subsystem text, primary_dataset text, processing text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    -- the counts have a row for each dataset, whatever there is in it
    WITH known AS MATERIALIZED (
        SELECT d.name AS primary_dataset, c.name AS processing
        FROM hdqm.series_count AS k
        JOIN hdqm.primary_dataset AS d ON d.id = k.primary_dataset_id
        JOIN hdqm.processing AS c ON c.id = k.processing_id
        WHERE k.subsystem_id = (SELECT u.id FROM hdqm.subsystem AS u WHERE u.name = $1) AND k.series > 0
    )
    SELECT CASE
        WHEN NOT EXISTS (SELECT FROM known)
            THEN format('no subsystem %L has trends with points', left($1, 60))
        WHEN NOT EXISTS (SELECT FROM known AS k WHERE k.primary_dataset = $2)
            THEN format('%s has no points in the primary dataset %L', $1, left($2, 60))
        WHEN NOT EXISTS (SELECT FROM known AS k WHERE k.primary_dataset = $2 AND k.processing = $3)
            THEN format('%s has no points in %s with the processing string %L', $1, $2, left($3, 60))
    END
    WHERE EXISTS (SELECT FROM hdqm.series) -- else that is what there is to tell
$$;
COMMENT ON FUNCTION hdqm.unknown_dataset(text, text, text) IS 'A sentence where an address names a subsystem, primary dataset or processing string that is not there; else NULL.';
