-- Trends of groups, each alone, say so after their title, not before.

CREATE OR REPLACE FUNCTION hdqm.choose_any_panel(subsystem text, primary_dataset text, processing text) RETURNS TABLE (__text text, __value text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    WITH grouped AS MATERIALIZED (SELECT * FROM hdqm.panels($1, $2, $3, '', 'groups')),
    one AS MATERIALIZED (SELECT * FROM hdqm.panels($1, $2, $3, '', 'trends')),
    listed AS (
        SELECT 1 AS kind, place, '' AS after, title, y_title, unit, name FROM grouped
        UNION ALL
        SELECT 2, place, ' (single trend)', title, y_title, unit, name FROM one WHERE name NOT IN (SELECT g.name FROM grouped AS g)
    )
    SELECT hdqm.title_with_unit(title, y_title, unit) || after, name FROM listed ORDER BY kind, place
$$;
