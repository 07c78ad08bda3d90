-- files --
SELECT state::text, count(*) FROM hdqm.dqm_file GROUP BY state ORDER BY state

-- points --
SELECT r.code, count(*) FROM hdqm.point p JOIN hdqm.reason r ON r.number = p.status GROUP BY r.code ORDER BY count(*) DESC, 1

-- others --
SELECT
    (SELECT count(*) FROM hdqm.trend WHERE active),
    (SELECT count(*) FROM hdqm.series WHERE has_value),
    (SELECT count(*) FROM hdqm.histogram),
    (SELECT count(DISTINCT run_number) FROM hdqm.dqm_file WHERE loaded)
