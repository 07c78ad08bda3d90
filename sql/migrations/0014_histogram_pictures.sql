-- Maps without gaps between their cells, and addresses of pictures that the REST API draws.

CREATE FUNCTION hdqm.histogram_map(series text, subsystem text, primary_dataset text, processing text, run text, input text DEFAULT 'main')
RETURNS TABLE (x double precision, y double precision, content double precision, size double precision)
LANGUAGE sql STABLE ROWS 1000 SET search_path = pg_catalog AS $$
    WITH cell AS MATERIALIZED (
        SELECT c.x, c.y, c.content FROM hdqm.histogram_cells($1, $2, $3, $4, $5, $6) AS c
    ),
    wide AS (SELECT min(step) AS step FROM (SELECT v.x - lag(v.x) OVER (ORDER BY v.x) AS step FROM (SELECT DISTINCT x FROM cell) AS v) AS s),
    high AS (SELECT min(step) AS step FROM (SELECT v.y - lag(v.y) OVER (ORDER BY v.y) AS step FROM (SELECT DISTINCT y FROM cell) AS v) AS s),
    mark AS (
        -- on a plot of 560 × 380 pixels; marks that overlap a little look better than gaps
        SELECT least(60, greatest(3, 560 * coalesce(wide.step / nullif(max(x) - min(x) + wide.step, 0), 1), 380 * coalesce(high.step / nullif(max(y) - min(y) + high.step, 0), 1))) AS side
        FROM cell, wide, high GROUP BY wide.step, high.step
    )
    SELECT cell.x, cell.y, cell.content, mark.side ^ 2 FROM cell, mark
    UNION ALL
    -- The chart gives marks a share of the span of all sizes, by area: these two, drawn nowhere, make the span 1 … 100 pixels.
    SELECT 'NaN', 'NaN', NULL, size FROM (VALUES (1.0), (10000.0)) AS span (size)
$$;
COMMENT ON FUNCTION hdqm.histogram_map(text, text, text, text, text, text) IS
'hdqm.histogram_cells with the area in pixels that a mark needs to fill its cell, and two marks without a place that span the sizes from 1 to 10000.';

CREATE FUNCTION hdqm.histogram_picture(
    series text, subsystem text, primary_dataset text, processing text, run text, reference text, input text DEFAULT 'main'
) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT hdqm.site_url('api_url') || '/api/v1/histograms?format=svg&series_id=' || s.series_id || '&run=' || asked.run || '&input=' || hdqm.url_part($7)
        || coalesce('&normalise=true&reference_run=' || asked.reference, '')
    FROM hdqm.series_by_label($1, $2, $3, $4) AS s,
        (SELECT hdqm.whole_number($5, 1, 999999999, NULL) AS run, hdqm.whole_number($6, 1, 999999999, NULL) AS reference) AS asked
    WHERE s.series_id IS NOT NULL AND asked.run IS NOT NULL AND $7 IN ('main', 'histo1', 'histo2', 'reference')
    LIMIT 1
$$;
COMMENT ON FUNCTION hdqm.histogram_picture(text, text, text, text, text, text, text) IS
'Address of the picture of a histogram that the REST API draws, beside that of a reference run; NULL where the site has no API (api_url in hdqm.site).';
