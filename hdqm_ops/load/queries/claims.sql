-- claim --
-- For who comes first: where nobody has it, or whoever had it let the time pass or is known to be dead; and only while the
-- file is as it was when the work was planned. Times are the server's, so that clocks of workers do not matter.
UPDATE hdqm.dqm_file
SET claimed_by = %(holder)s, claim_expires = clock_timestamp() + make_interval(secs => %(lease_s)s), claims = claims + 1
WHERE id = %(file_id)s
    AND (claimed_by IS NULL OR claim_expires <= clock_timestamp() OR claimed_by IN (%(holder)s, %(dead)s::text))
    AND (size_bytes, mtime) = (%(size_bytes)s, %(mtime)s)
    AND (
        %(state)s::text IS NULL
        OR (definition_set_id, element_set_id, state)
            IS NOT DISTINCT FROM (%(definition_set)s::int, %(element_set)s::int, %(state)s::hdqm.file_state)
    )
RETURNING claims

-- holders --
-- Who has files at this moment, and for how many seconds more unless it is renewed.
SELECT id, claimed_by, claims, extract(epoch FROM claim_expires - clock_timestamp())::float8
FROM hdqm.dqm_file
WHERE id = ANY (%(ids)s) AND claim_expires > clock_timestamp() AND claimed_by <> %(holder)s

-- renew --
UPDATE hdqm.dqm_file SET claim_expires = clock_timestamp() + make_interval(secs => %(lease_s)s)
WHERE id = %(file_id)s AND claims = %(claim)s AND claimed_by IS NOT NULL

-- release --
UPDATE hdqm.dqm_file SET claimed_by = NULL, claim_expires = NULL
WHERE id = %(file_id)s AND claims = %(claim)s AND claimed_by IS NOT NULL

-- next_best --
-- Files that may take the place of others that could not be done.
SELECT DISTINCT o.id
FROM hdqm.dqm_file f
JOIN hdqm.dqm_file o USING (run_number, primary_dataset_id, processing_id)
WHERE f.id = ANY (%(ids)s) AND o.id <> ALL (%(ids)s)
ORDER BY o.id
