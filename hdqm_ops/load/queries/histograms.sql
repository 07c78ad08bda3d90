-- stored --
-- Monitor elements of one file.
SELECT element.path, histogram.*
FROM hdqm.dqm_file
JOIN hdqm.histogram ON histogram.run_number = dqm_file.run_number AND histogram.dqm_file_id = dqm_file.id
JOIN hdqm.element ON element.id = histogram.element_id
WHERE dqm_file.id = %(file_id)s AND element.path = ANY (%(paths)s)
