-- Files that are looked at again by themselves: those still being written, and those that failed.

ALTER TABLE hdqm.dqm_file ADD COLUMN try_again_at timestamptz;
COMMENT ON COLUMN hdqm.dqm_file.try_again_at IS 'When a failed or waiting file is taken up again by itself. NULL for a waiting one: when it was found twice as it is; for a failed one: not before somebody asks.';

CREATE OR REPLACE VIEW hdqm.dqm_files AS
SELECT
    dqm_file.path,
    dqm_file.run_number,
    dqm_file.dataset,
    dqm_file.dqm_version,
    dqm_file.size_bytes,
    dqm_file.state::text AS state,
    dqm_file.reason,
    dqm_file.tries,
    dqm_file.ingested_at,
    primary_dataset.name AS primary_dataset,
    processing.name AS processing,
    dqm_file.era,
    dqm_file.processing_version,
    dqm_file.tier,
    dqm_file.name_run_number,
    to_timestamp(dqm_file.mtime) AS modified_at,
    dqm_file.discovered_at,
    dqm_file.extracted_at,
    dqm_file.calculated_at,
    dqm_file.loaded,
    dqm_file.id AS dqm_file_id,
    CASE WHEN dqm_file.state IN ('failed', 'waiting') THEN dqm_file.try_again_at END AS try_again_at
FROM hdqm.dqm_file
JOIN hdqm.primary_dataset ON primary_dataset.id = dqm_file.primary_dataset_id
JOIN hdqm.processing ON processing.id = dqm_file.processing_id;
COMMENT ON COLUMN hdqm.dqm_files.try_again_at IS 'When a failed or waiting file is taken up again by itself, with the next listing.';
