-- stored --
-- Monitor elements of files.
SELECT element.path, histogram.*
FROM hdqm.dqm_file
JOIN hdqm.histogram ON histogram.run_number = dqm_file.run_number AND histogram.dqm_file_id = dqm_file.id
JOIN hdqm.element ON element.id = histogram.element_id
WHERE dqm_file.id = ANY (%(file_ids)s) AND element.path = ANY (%(paths)s)

-- behind_point --
-- The stored monitor element behind a trend point.
SELECT element.path, h.*
FROM hdqm.stored_histogram(%(subsystem)s, %(trend)s, %(primary_dataset)s, %(processing)s, %(run)s, %(input)s) AS h
JOIN hdqm.element ON element.id = h.element_id
