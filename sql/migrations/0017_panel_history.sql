-- A plot over all runs that there are, whatever is chosen: means of a hundred run numbers, so that years fit into a panel.

CREATE FUNCTION hdqm.panel_history(panel text, subsystem text, primary_dataset text, processing text)
RETURNS TABLE (x int, curve text, content double precision)
LANGUAGE plpgsql STABLE SET search_path = '' AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        WITH members AS MATERIALIZED (SELECT m.* FROM hdqm.panel_members($1, $2, $3, $4) AS m)
        SELECT b.first_run::int, m.label, b.mean
        FROM members AS m JOIN hdqm.point_bucket AS b ON b.series_id = m.series_id
        WHERE b.mean IS NOT NULL
        UNION ALL
        -- one series alone has room for its extremes
        SELECT b.first_run::int, e.name, e.extreme
        FROM members AS m JOIN hdqm.point_bucket AS b ON b.series_id = m.series_id,
            LATERAL (VALUES ('lowest', b.lowest), ('highest', b.highest)) AS e (name, extreme)
        WHERE b.mean IS NOT NULL AND (SELECT count(*) FROM members) = 1
        ORDER BY 1, 2;
END $$;
COMMENT ON FUNCTION hdqm.panel_history(text, text, text, text) IS
    'A group or trend over all its runs: means of 100 run numbers; of a single series the lowest and highest values too.';
