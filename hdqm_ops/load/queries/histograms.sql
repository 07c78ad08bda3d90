-- scope --
-- Runs of files, and the monitor elements that are known.
SELECT
    (SELECT min(run_number) FROM hdqm.dqm_file WHERE id = ANY (%(file_ids)s)),
    (SELECT max(run_number) FROM hdqm.dqm_file WHERE id = ANY (%(file_ids)s)),
    (SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM hdqm.element WHERE path = ANY (%(paths)s))

-- stored --
-- Monitor elements of files. OFFSET 0: one file after the other, each by the whole key. Left to itself the planner reads all
-- elements of each file; where one is wanted of many hundred files, that takes fifteen times as long.
SELECT element.path, found.*
FROM hdqm.dqm_file
CROSS JOIN LATERAL (
    SELECT *
    FROM hdqm.histogram
    WHERE histogram.run_number = dqm_file.run_number AND histogram.run_number BETWEEN %(first)s AND %(last)s
        AND histogram.dqm_file_id = dqm_file.id AND histogram.element_id = ANY (%(elements)s)
    OFFSET 0
) AS found
JOIN hdqm.element ON element.id = found.element_id
WHERE dqm_file.id = ANY (%(file_ids)s)

-- behind_point --
-- The stored monitor element behind a trend point.
SELECT element.path, h.*
FROM hdqm.stored_histogram(%(subsystem)s, %(trend)s, %(primary_dataset)s, %(processing)s, %(run)s, %(input)s) AS h
JOIN hdqm.element ON element.id = h.element_id
