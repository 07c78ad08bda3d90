-- Work on a file is claimed before the file is read, so that nothing is done twice at once. The number of the claim goes
-- with the work: a load whose claim another one has taken over since is refused.

ALTER TABLE hdqm.dqm_file ADD COLUMN claims int NOT NULL DEFAULT 0;
COMMENT ON COLUMN hdqm.dqm_file.claims IS 'How often it was claimed: the number of the last claim. Only the work of that claim may be stored.';
COMMENT ON COLUMN hdqm.dqm_file.claimed_by IS 'Who works on it: host, process, when that began (clock ticks), where (a hash of boot and process namespace), which worker; NULL: nobody.';
COMMENT ON COLUMN hdqm.dqm_file.claim_expires IS 'Until when, unless the claim is renewed; others may take the work over then.';

CREATE VIEW hdqm.claims AS
SELECT
    dqm_file.path,
    dqm_file.run_number,
    dqm_file.claimed_by,
    dqm_file.claim_expires,
    dqm_file.claim_expires <= clock_timestamp() AS expired,
    dqm_file.claims,
    dqm_file.id AS dqm_file_id
FROM hdqm.dqm_file
WHERE dqm_file.claimed_by IS NOT NULL;
COMMENT ON VIEW hdqm.claims IS 'Files that somebody works on at this moment, or did and died.';
COMMENT ON COLUMN hdqm.claims.path IS 'Path or address.';
COMMENT ON COLUMN hdqm.claims.run_number IS 'CMS run number.';
COMMENT ON COLUMN hdqm.claims.claimed_by IS 'Who: host, process, when that began, where, which worker.';
COMMENT ON COLUMN hdqm.claims.claim_expires IS 'Until when, unless renewed.';
COMMENT ON COLUMN hdqm.claims.expired IS 'Not renewed in time: the next ingest takes the file over.';
COMMENT ON COLUMN hdqm.claims.claims IS 'Number of the claim.';
COMMENT ON COLUMN hdqm.claims.dqm_file_id IS 'Id of the file.';
