-- The equation of a correlation in numbers as people write them.

CREATE FUNCTION hdqm.readable_number(number double precision) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS $$
    SELECT CASE WHEN number < 0 THEN '−' ELSE '' END || CASE
        WHEN number = 0 THEN '0'
        WHEN abs(number) BETWEEN 1e-4 AND 1e7 THEN trim_scale(round(abs(number)::numeric, greatest(3 - floor(log(abs(number)))::int, 0)))::text
        ELSE btrim(to_char(abs(number), '9.999EEEE')) END
$$;
COMMENT ON FUNCTION hdqm.readable_number(double precision) IS
'With four significant digits, all of a whole part; with an exponent where it is below 0.0001 or above ten million.';

CREATE OR REPLACE FUNCTION hdqm.correlation_fit(
    x_series text, y_series text, size_series text, subsystem text, primary_dataset text, processing text, mode text, runs text, run_class text, quality text
) RETURNS TABLE (runs_used bigint, slope double precision, intercept double precision, r double precision, x_min double precision, x_max double precision, equation text)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog AS $$
    SELECT n, slope, intercept, r, x_min, x_max, CASE
        WHEN n = 0 THEN 'No run has both: see the boxes above.'
        WHEN slope IS NULL THEN format('%s runs; no line: all have the same x.', n)
        ELSE format('y = %s x %s %s  ·  r = %s  ·  %s runs', hdqm.readable_number(slope), CASE WHEN intercept < 0 THEN '−' ELSE '+' END,
            hdqm.readable_number(abs(intercept)), coalesce(replace(to_char(r, 'FM0.000'), '-', '−'), 'undefined: all have the same y'), n) END
    FROM (
        SELECT count(*) AS n, regr_slope(y, x) AS slope, regr_intercept(y, x) AS intercept, corr(y, x) AS r, min(x) AS x_min, max(x) AS x_max
        FROM hdqm.correlation($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ) AS line
$$;
