-- lock --
-- One listing at a time.
SELECT pg_advisory_xact_lock(5211378346312115055)

-- stage --
CREATE TEMP TABLE stage_file (
    path text COLLATE "C", dataset text, primary_dataset text, processing text, era text, tier text,
    processing_version int, dqm_version int, run_number int, size_bytes bigint, mtime float8, ignored text
) ON COMMIT DROP

-- copy --
COPY pg_temp.stage_file FROM STDIN (FORMAT binary)

-- forget_repetitions --
-- A path that was listed twice, as by two globs.
DELETE FROM pg_temp.stage_file s USING pg_temp.stage_file o WHERE s.path = o.path AND s.ctid > o.ctid

-- forget_unchanged --
-- A file that is to be looked at again is not forgotten: one that failed a while ago, or is no longer being written.
DELETE FROM pg_temp.stage_file s
USING hdqm.dqm_file f, hdqm.primary_dataset d, hdqm.processing c
WHERE f.path = s.path AND d.id = f.primary_dataset_id AND c.id = f.processing_id
    AND (f.size_bytes, f.mtime, f.dataset, d.name, c.name, f.era, f.tier, f.processing_version, f.dqm_version, f.name_run_number)
        = (s.size_bytes, s.mtime, s.dataset, s.primary_dataset, s.processing, s.era, s.tier, s.processing_version,
            s.dqm_version, s.run_number)
    AND f.state <> 'vanished'
    AND (f.state = 'failed' AND f.try_again_at <= now()) IS NOT TRUE
    AND (f.state = 'waiting' AND (%(young)s::float8 IS NULL OR coalesce(f.try_again_at <= now(), true))) IS NOT TRUE
    AND CASE WHEN f.state = 'ignored' THEN f.reason END IS NOT DISTINCT FROM s.ignored

-- lock_datasets --
-- Those that lose the points of a file which has moved, before anything else is locked and in one order: who has points of a
-- dataset, and how many, is decided by one at a time. A load has one such lock, its first, and waits for none while it holds it.
SELECT pg_advisory_xact_lock(o.primary_dataset_id, o.processing_id)
FROM (
    SELECT DISTINCT f.primary_dataset_id, f.processing_id
    FROM pg_temp.stage_file s
    JOIN hdqm.dqm_file f ON f.path = s.path
    JOIN hdqm.primary_dataset d ON d.id = f.primary_dataset_id
    JOIN hdqm.processing c ON c.id = f.processing_id
    WHERE (d.name, c.name) <> (s.primary_dataset, s.processing) OR f.name_run_number <> s.run_number
    ORDER BY 1, 2
) AS o

-- add_names --
WITH datasets AS (
    INSERT INTO hdqm.primary_dataset (name)
    SELECT DISTINCT primary_dataset FROM pg_temp.stage_file s
    WHERE NOT EXISTS (SELECT FROM hdqm.primary_dataset d WHERE d.name = s.primary_dataset)
    ORDER BY 1
), processings AS (
    INSERT INTO hdqm.processing (name)
    SELECT DISTINCT processing FROM pg_temp.stage_file s
    WHERE NOT EXISTS (SELECT FROM hdqm.processing c WHERE c.name = s.processing)
    ORDER BY 1
)
INSERT INTO hdqm.run (run_number)
SELECT DISTINCT run_number FROM pg_temp.stage_file s
WHERE ignored IS NULL AND NOT EXISTS (SELECT FROM hdqm.run r WHERE r.run_number = s.run_number)
ORDER BY 1
ON CONFLICT DO NOTHING

-- lock_known --
-- In the order of ids, as a load does: the two never wait for each other.
SELECT f.id FROM hdqm.dqm_file f JOIN pg_temp.stage_file s ON s.path = f.path ORDER BY f.id FOR UPDATE OF f

-- moved --
-- Loaded files whose points stand under another dataset or run than the file has now.
SELECT f.id
FROM pg_temp.stage_file s
JOIN hdqm.dqm_file f ON f.path = s.path
JOIN hdqm.primary_dataset d ON d.id = f.primary_dataset_id
JOIN hdqm.processing c ON c.id = f.processing_id
WHERE f.loaded AND ((d.name, c.name) <> (s.primary_dataset, s.processing) OR f.name_run_number <> s.run_number)

-- change --
-- Other bytes: what was computed of the old ones stays until the new ones are, but is no longer taken for done.
UPDATE hdqm.dqm_file f
SET (dataset, primary_dataset_id, processing_id, era, tier, processing_version, dqm_version, name_run_number, size_bytes,
        mtime, state, reason) = (
        s.dataset, d.id, c.id, s.era, s.tier, s.processing_version, s.dqm_version, s.run_number, s.size_bytes, s.mtime,
        CASE
            WHEN s.ignored IS NOT NULL THEN 'ignored'
            WHEN f.state IN ('waiting', 'failed') AND (f.size_bytes, f.mtime) = (s.size_bytes, s.mtime) THEN 'discovered'
            WHEN f.state <> 'vanished' AND (f.size_bytes, f.mtime) <> (s.size_bytes, s.mtime) AND s.mtime > %(young)s
                THEN 'waiting'
            WHEN f.loaded AND (f.size_bytes, f.mtime) = (s.size_bytes, s.mtime) THEN 'ingested'
            ELSE 'discovered'
        END::hdqm.file_state,
        coalesce(s.ignored, CASE
            WHEN f.state <> 'vanished' AND (f.size_bytes, f.mtime) <> (s.size_bytes, s.mtime) AND s.mtime > %(young)s
                THEN 'it is being written: size or time changed since the last look'
        END)
    ),
    try_again_at = NULL,
    folder_run_number = CASE WHEN f.name_run_number = s.run_number THEN f.folder_run_number END,
    tries = CASE WHEN (f.size_bytes, f.mtime) = (s.size_bytes, s.mtime) THEN f.tries ELSE 0 END,
    element_set_id = CASE WHEN (f.size_bytes, f.mtime) = (s.size_bytes, s.mtime) THEN f.element_set_id END,
    missing_elements = CASE WHEN (f.size_bytes, f.mtime) = (s.size_bytes, s.mtime) THEN f.missing_elements END,
    definition_set_id = CASE WHEN (f.size_bytes, f.mtime) = (s.size_bytes, s.mtime) THEN f.definition_set_id END
FROM pg_temp.stage_file s
JOIN hdqm.primary_dataset d ON d.name = s.primary_dataset
JOIN hdqm.processing c ON c.name = s.processing
WHERE f.path = s.path

-- add --
INSERT INTO hdqm.dqm_file (path, dataset, primary_dataset_id, processing_id, era, tier, processing_version, dqm_version,
    name_run_number, size_bytes, mtime, state, reason)
SELECT s.path, s.dataset, d.id, c.id, s.era, s.tier, s.processing_version, s.dqm_version, s.run_number, s.size_bytes, s.mtime,
    CASE WHEN s.ignored IS NULL THEN 'discovered' ELSE 'ignored' END::hdqm.file_state, s.ignored
FROM pg_temp.stage_file s
JOIN hdqm.primary_dataset d ON d.name = s.primary_dataset
JOIN hdqm.processing c ON c.name = s.processing
WHERE NOT EXISTS (SELECT FROM hdqm.dqm_file f WHERE f.path = s.path)
ORDER BY s.run_number, s.path

-- settle --
-- Files that an ingested one of the same run, primary dataset and processing outranks.
UPDATE hdqm.dqm_file f SET state = 'superseded', reason = NULL
FROM hdqm.dqm_file w
WHERE w.loaded AND w.state IN ('ingested', 'vanished') AND f.state IN ('discovered', 'waiting', 'failed')
    AND (w.run_number, w.primary_dataset_id, w.processing_id) = (f.run_number, f.primary_dataset_id, f.processing_id)
    AND (w.tier = 'DQMIO', w.processing_version, w.dqm_version, w.mtime, w.path)
        > (f.tier = 'DQMIO', f.processing_version, f.dqm_version, f.mtime, f.path)
    AND (%(file_id)s::int IS NULL OR f.id = %(file_id)s)

-- fail --
-- Not where the file is another one by now, or another one's work. The pause doubles from try to try; the last try is not followed by one.
UPDATE hdqm.dqm_file
SET state = 'failed', reason = %(reason)s, tries = tries + 1, claimed_by = NULL, claim_expires = NULL,
    try_again_at = CASE WHEN tries + 1 < %(most)s THEN now() + make_interval(secs => %(pause_s)s * 2 ^ least(tries, 30)) END
WHERE id = %(file_id)s
    AND (%(size_bytes)s::bigint IS NULL OR (size_bytes, mtime) = (%(size_bytes)s::bigint, %(mtime)s::float8))
    AND (%(claim)s::int IS NULL OR claims = %(claim)s AND claimed_by IS NOT NULL)

-- wait --
UPDATE hdqm.dqm_file
SET state = 'waiting', reason = %(reason)s, try_again_at = to_timestamp(mtime + %(wait_s)s), claimed_by = NULL,
    claim_expires = NULL
WHERE id = %(file_id)s AND (size_bytes, mtime) = (%(size_bytes)s::bigint, %(mtime)s::float8)
    AND (%(claim)s::int IS NULL OR claims = %(claim)s AND claimed_by IS NOT NULL)

-- not_listed --
-- Files of the ledger that a listing did not bring.
SELECT f.id, f.path FROM hdqm.dqm_file f LEFT JOIN unnest(%(paths)s::text[]) AS listed (path) ON listed.path = f.path COLLATE "C"
WHERE f.state <> 'vanished' AND listed.path IS NULL

-- vanish --
WITH gone AS (
    SELECT id FROM hdqm.dqm_file
    WHERE id = ANY (%(ids)s) AND state <> 'vanished'
        AND (%(claim)s::int IS NULL OR claims = %(claim)s AND claimed_by IS NOT NULL)
    ORDER BY id
    FOR UPDATE
)
UPDATE hdqm.dqm_file f
SET state = 'vanished', reason = NULL, try_again_at = NULL, claimed_by = NULL, claim_expires = NULL
FROM gone WHERE gone.id = f.id

-- list --
SELECT path, run_number, dataset, dqm_version, size_bytes, state, reason, tries, try_again_at, modified_at, ingested_at
FROM hdqm.dqm_files
WHERE (%(states)s::text[] IS NULL OR state = ANY (%(states)s))
    AND (%(runs)s::int4multirange IS NULL OR run_number <@ %(runs)s::int4multirange)
    AND (%(datasets)s::text[] IS NULL OR primary_dataset = ANY (%(datasets)s))
ORDER BY run_number, path
LIMIT %(most)s

-- requeue --
WITH chosen AS (
    SELECT f.id FROM hdqm.dqm_file f
    JOIN hdqm.primary_dataset d ON d.id = f.primary_dataset_id
    WHERE f.state IN ('failed', 'waiting')
        AND (%(states)s::text[] IS NULL OR f.state::text = ANY (%(states)s))
        AND (%(runs)s::int4multirange IS NULL OR f.run_number <@ %(runs)s::int4multirange)
        AND (%(datasets)s::text[] IS NULL OR d.name = ANY (%(datasets)s))
    ORDER BY f.id
    FOR UPDATE OF f
)
UPDATE hdqm.dqm_file f SET state = 'discovered', reason = NULL, tries = 0, try_again_at = NULL
FROM chosen WHERE chosen.id = f.id

-- events --
SELECT at, old_state, new_state, reason FROM hdqm.file_events WHERE path = %(path)s ORDER BY at

-- unload_points --
-- Takes the points of a file away; the series that lost a value come back.
WITH gone AS (
    DELETE FROM hdqm.point p USING hdqm.dqm_file f
    WHERE f.id = %(file_id)s AND p.run_number = f.run_number AND p.dqm_file_id = f.id
    RETURNING p.series_id, p.status
)
SELECT coalesce(array_agg(DISTINCT series_id), '{}') FROM gone WHERE status = 0

-- unload_history --
DELETE FROM hdqm.point_history p USING hdqm.dqm_file f
WHERE f.id = %(file_id)s AND p.run_number = f.run_number AND p.dqm_file_id = f.id

-- unload_histograms --
DELETE FROM hdqm.histogram h USING hdqm.dqm_file f
WHERE f.id = %(file_id)s AND h.run_number = f.run_number AND h.dqm_file_id = f.id

-- unload_file --
UPDATE hdqm.dqm_file
SET loaded = false, element_set_id = NULL, missing_elements = NULL, definition_set_id = NULL, ingested_at = NULL
WHERE id = %(file_id)s

-- forget_values --
-- Series that may have lost their last value, and did: they become such as never had one.
UPDATE hdqm.series s SET has_value = false
FROM unnest(%(series)s::int[]) AS lost (id)
LEFT JOIN LATERAL (
    SELECT true AS there FROM hdqm.point p WHERE p.series_id = lost.id AND p.status = 0 LIMIT 1
) AS other ON true
WHERE s.id = lost.id AND s.has_value AND other.there IS NULL
RETURNING s.id

-- forget_missing --
-- "Element missing" rows of series that have no value.
DELETE FROM hdqm.point p USING hdqm.reason r
WHERE p.series_id = ANY (%(series)s) AND r.code = 'element_missing' AND p.status = r.number
