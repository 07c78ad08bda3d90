-- snapshot --
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY

-- wanted --
-- Definitions to compute: those of active trends, within the scope.
SELECT u.name || '/' || t.name, d.id, d.elements
FROM hdqm.definition d
JOIN hdqm.trend t ON t.id = d.trend_id
JOIN hdqm.subsystem u ON u.id = t.subsystem_id
WHERE d.is_current AND t.active
    AND (%(subsystems)s::text[] IS NULL OR u.name = ANY (%(subsystems)s))
    AND (%(trends)s::text[] IS NULL OR u.name || '/' || t.name = ANY (%(trends)s))
ORDER BY 1

-- definition_sets --
SELECT id, ids FROM hdqm.definition_set

-- element_sets --
SELECT id, ids FROM hdqm.element_set

-- candidates --
-- Of each run, primary dataset and processing the file that counts, or would if it were ingested; where it is one of those
-- asked for and not done. A file that failed makes way for the next; one that vanished or is being written does not.
WITH best AS (
    SELECT DISTINCT ON (f.run_number, f.primary_dataset_id, f.processing_id) f.*
    FROM hdqm.dqm_file f
    WHERE (
            f.state IN ('discovered', 'ingested', 'superseded')
            OR f.loaded AND f.state IN ('vanished', 'waiting')
            OR %(failed)s AND f.state = 'failed' AND f.id <> ALL (%(refused)s)
        )
        AND (%(runs)s::int4multirange IS NULL OR f.run_number <@ %(runs)s::int4multirange)
        AND (%(datasets)s::text[] IS NULL OR f.primary_dataset_id IN (
            SELECT id FROM hdqm.primary_dataset WHERE name = ANY (%(datasets)s)
        ))
        AND (
            f.loaded
            OR (%(paths)s::text[] IS NULL OR f.path = ANY (%(paths)s)) AND (%(ids)s::int[] IS NULL OR f.id = ANY (%(ids)s))
        )
    ORDER BY f.run_number, f.primary_dataset_id, f.processing_id,
        f.tier = 'DQMIO' DESC, f.processing_version DESC, f.dqm_version DESC, f.mtime DESC, f.path DESC
)
SELECT b.id, b.definition_set_id, b.element_set_id, b.state::text,
    b.path, b.run_number, b.dataset, d.name, c.name, b.era, b.processing_version, b.tier, b.dqm_version, b.size_bytes, b.mtime
FROM best b
JOIN hdqm.primary_dataset d ON d.id = b.primary_dataset_id
JOIN hdqm.processing c ON c.id = b.processing_id
WHERE b.state <> 'waiting'
    AND (%(paths)s::text[] IS NULL OR b.path = ANY (%(paths)s))
    AND (%(ids)s::int[] IS NULL OR b.id = ANY (%(ids)s))
    AND (b.definition_set_id IS NULL OR b.definition_set_id <> ALL (%(done_definitions)s))
    AND (b.element_set_id IS NULL OR b.element_set_id <> ALL (%(done_elements)s))
ORDER BY b.run_number, d.name, c.name
