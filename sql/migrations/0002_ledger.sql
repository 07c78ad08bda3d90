-- The ledger: which DQM files exist and what was done with each; what is known of the runs.
-- Work is (file, definition): a file remembers which definitions were computed for it and which elements were looked for.

CREATE TABLE hdqm.element_set (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256 bytea NOT NULL UNIQUE,
    ids int[] NOT NULL
);
COMMENT ON TABLE hdqm.element_set IS 'Sets of monitor elements, each once: thousands of files share a few.';
COMMENT ON COLUMN hdqm.element_set.id IS 'Permanent id.';
COMMENT ON COLUMN hdqm.element_set.sha256 IS 'Of the ids, to find a set again.';
COMMENT ON COLUMN hdqm.element_set.ids IS 'Ids of hdqm.element, sorted.';

CREATE TABLE hdqm.definition_set (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256 bytea NOT NULL UNIQUE,
    ids int[] NOT NULL
);
COMMENT ON TABLE hdqm.definition_set IS 'Sets of definitions, each once: thousands of files share a few.';
COMMENT ON COLUMN hdqm.definition_set.id IS 'Permanent id.';
COMMENT ON COLUMN hdqm.definition_set.sha256 IS 'Of the ids, to find a set again.';
COMMENT ON COLUMN hdqm.definition_set.ids IS 'Ids of hdqm.definition, sorted; at most one a trend.';

CREATE TYPE hdqm.file_state AS ENUM (
    'discovered',  -- known, to be read
    'waiting',     -- still being written: read later
    'ingested',    -- its points are the current ones
    'superseded',  -- an ingested file of the same run, primary dataset and processing counts in its place
    'failed',      -- could not be read; the reason says why
    'ignored',     -- not taken on purpose; the reason says why
    'vanished'     -- no longer there; its points stay
);
COMMENT ON TYPE hdqm.file_state IS 'What became of a DQM file.';

CREATE TABLE hdqm.dqm_file (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    path text COLLATE "C" NOT NULL UNIQUE,
    dataset text NOT NULL,
    primary_dataset_id int NOT NULL REFERENCES hdqm.primary_dataset,
    processing_id int NOT NULL REFERENCES hdqm.processing,
    era text NOT NULL,
    tier text NOT NULL,
    processing_version int NOT NULL,
    dqm_version int NOT NULL,
    name_run_number int NOT NULL,
    folder_run_number int,
    run_number int NOT NULL GENERATED ALWAYS AS (coalesce(folder_run_number, name_run_number)) STORED,
    size_bytes bigint NOT NULL,
    mtime double precision NOT NULL,
    state hdqm.file_state NOT NULL,
    loaded boolean NOT NULL DEFAULT false,
    reason text,
    tries int NOT NULL DEFAULT 0,
    discovered_at timestamptz NOT NULL DEFAULT now(),
    extracted_at timestamptz,
    calculated_at timestamptz,
    ingested_at timestamptz,
    claimed_by text,
    claim_expires timestamptz,
    element_set_id int REFERENCES hdqm.element_set,
    missing_elements int[],
    definition_set_id int REFERENCES hdqm.definition_set
);
CREATE INDEX dqm_file_of_run ON hdqm.dqm_file (run_number, primary_dataset_id, processing_id);
CREATE UNIQUE INDEX dqm_file_one_is_loaded ON hdqm.dqm_file (primary_dataset_id, processing_id, run_number) WHERE loaded;
CREATE INDEX dqm_file_to_do ON hdqm.dqm_file (state) WHERE state IN ('discovered', 'waiting', 'failed');
COMMENT ON TABLE hdqm.dqm_file IS 'The ledger of DQM files. Of the files of one run, primary dataset and processing the highest of (tier DQMIO, processing version, DQM version, mtime, path) counts.';
COMMENT ON COLUMN hdqm.dqm_file.id IS 'Permanent id.';
COMMENT ON COLUMN hdqm.dqm_file.path IS 'Path or address as found.';
COMMENT ON COLUMN hdqm.dqm_file.dataset IS 'Dataset name: /SingleMuon/Run2018D-12Nov2019_UL2018-v2/DQMIO.';
COMMENT ON COLUMN hdqm.dqm_file.primary_dataset_id IS 'First part of the dataset.';
COMMENT ON COLUMN hdqm.dqm_file.processing_id IS 'Processing string of the dataset, after aliases.';
COMMENT ON COLUMN hdqm.dqm_file.era IS 'Era of the dataset: Run2018D; empty where the name has none.';
COMMENT ON COLUMN hdqm.dqm_file.tier IS 'Data tier: DQMIO, DQM, …';
COMMENT ON COLUMN hdqm.dqm_file.processing_version IS 'The 2 of -v2; 0 where the name has none.';
COMMENT ON COLUMN hdqm.dqm_file.dqm_version IS 'The 1 of DQM_V0001.';
COMMENT ON COLUMN hdqm.dqm_file.name_run_number IS 'Run number in the name.';
COMMENT ON COLUMN hdqm.dqm_file.folder_run_number IS 'Run number of the folder in the file; NULL until the file was read.';
COMMENT ON COLUMN hdqm.dqm_file.run_number IS 'The run: as the folder says, until then as the name says.';
COMMENT ON COLUMN hdqm.dqm_file.size_bytes IS 'Size in bytes.';
COMMENT ON COLUMN hdqm.dqm_file.mtime IS 'Modification time, seconds since 1970.';
COMMENT ON COLUMN hdqm.dqm_file.state IS 'What became of the file.';
COMMENT ON COLUMN hdqm.dqm_file.loaded IS 'The current points of its run, primary dataset and processing are its own: one file of each.';
COMMENT ON COLUMN hdqm.dqm_file.reason IS 'Why it failed or is ignored; what is odd about it.';
COMMENT ON COLUMN hdqm.dqm_file.tries IS 'How often reading failed.';
COMMENT ON COLUMN hdqm.dqm_file.discovered_at IS 'When it was first seen.';
COMMENT ON COLUMN hdqm.dqm_file.extracted_at IS 'When its histograms were last read into the database.';
COMMENT ON COLUMN hdqm.dqm_file.calculated_at IS 'When points were last computed of it.';
COMMENT ON COLUMN hdqm.dqm_file.ingested_at IS 'When its points became the current ones.';
COMMENT ON COLUMN hdqm.dqm_file.claimed_by IS 'Who works on it; reserved.';
COMMENT ON COLUMN hdqm.dqm_file.claim_expires IS 'Until when, unless renewed; reserved.';
COMMENT ON COLUMN hdqm.dqm_file.element_set_id IS 'Monitor elements that were looked for in it; NULL: none yet.';
COMMENT ON COLUMN hdqm.dqm_file.missing_elements IS 'Those of them that it does not have, sorted. A series born later gets its earlier gaps from here.';
COMMENT ON COLUMN hdqm.dqm_file.definition_set_id IS 'Definitions that were computed for it; NULL: none yet.';

CREATE TABLE hdqm.file_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dqm_file_id int NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    old_state hdqm.file_state,
    new_state hdqm.file_state NOT NULL,
    reason text
);
CREATE INDEX file_event_of_file ON hdqm.file_event (dqm_file_id);
COMMENT ON TABLE hdqm.file_event IS 'Every change of the state of a DQM file; written by triggers.';
COMMENT ON COLUMN hdqm.file_event.id IS 'Order of events.';
COMMENT ON COLUMN hdqm.file_event.dqm_file_id IS 'The file.';
COMMENT ON COLUMN hdqm.file_event.at IS 'When.';
COMMENT ON COLUMN hdqm.file_event.old_state IS 'State before; NULL for a file that was not known.';
COMMENT ON COLUMN hdqm.file_event.new_state IS 'State after.';
COMMENT ON COLUMN hdqm.file_event.reason IS 'Reason in the ledger after the change.';

CREATE FUNCTION hdqm.note_new_files() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO hdqm.file_event (dqm_file_id, new_state, reason) SELECT id, state, reason FROM came ORDER BY id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION hdqm.note_new_files() IS 'Trigger: a file came into the ledger.';

CREATE FUNCTION hdqm.note_changed_files() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO hdqm.file_event (dqm_file_id, old_state, new_state, reason)
    SELECT after.id, before.state, after.state, after.reason
    FROM after JOIN before USING (id)
    WHERE (after.state, after.reason) IS DISTINCT FROM (before.state, before.reason)
    ORDER BY after.id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION hdqm.note_changed_files() IS 'Trigger: the state or reason of a file changed.';

-- Once a statement, not once a row: a listing may bring a hundred thousand files.
CREATE TRIGGER note_new_files AFTER INSERT ON hdqm.dqm_file
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION hdqm.note_new_files();
CREATE TRIGGER note_changed_files AFTER UPDATE ON hdqm.dqm_file
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION hdqm.note_changed_files();

CREATE TABLE hdqm.run (
    run_number int PRIMARY KEY,
    start_time timestamptz,
    end_time timestamptz,
    duration_s double precision,
    fill_number int,
    era text,
    run_class text,
    significant boolean,
    delivered_lumi_pb double precision,
    recorded_lumi_pb double precision,
    peak_lumi_1e34 double precision,
    b_field_t double precision,
    energy_gev double precision,
    l1_rate_hz double precision,
    hlt_key text,
    l1_key text,
    oms_synced_at timestamptz,
    rr_synced_at timestamptz
);
COMMENT ON TABLE hdqm.run IS 'What is known of each run. A run appears with its first DQM file; OMS and Run Registry fill it in later, and may correct it.';
COMMENT ON COLUMN hdqm.run.run_number IS 'CMS run number.';
COMMENT ON COLUMN hdqm.run.start_time IS 'Start (OMS).';
COMMENT ON COLUMN hdqm.run.end_time IS 'End (OMS); NULL also while the run goes on.';
COMMENT ON COLUMN hdqm.run.duration_s IS 'Duration in seconds (OMS).';
COMMENT ON COLUMN hdqm.run.fill_number IS 'LHC fill (OMS).';
COMMENT ON COLUMN hdqm.run.era IS 'Era (OMS): 2018D.';
COMMENT ON COLUMN hdqm.run.run_class IS 'Class (Run Registry): Collisions18, Cosmics18, …';
COMMENT ON COLUMN hdqm.run.significant IS 'Significant for certification (Run Registry).';
COMMENT ON COLUMN hdqm.run.delivered_lumi_pb IS 'Delivered luminosity in 1/pb (OMS).';
COMMENT ON COLUMN hdqm.run.recorded_lumi_pb IS 'Recorded luminosity in 1/pb (OMS).';
COMMENT ON COLUMN hdqm.run.peak_lumi_1e34 IS 'Luminosity at the start in 10^34 / (cm² s) (OMS).';
COMMENT ON COLUMN hdqm.run.b_field_t IS 'Magnetic field in tesla (OMS).';
COMMENT ON COLUMN hdqm.run.energy_gev IS 'Energy of a beam in GeV (OMS).';
COMMENT ON COLUMN hdqm.run.l1_rate_hz IS 'Level-1 rate in Hz (OMS).';
COMMENT ON COLUMN hdqm.run.hlt_key IS 'Key of the high-level trigger menu (OMS).';
COMMENT ON COLUMN hdqm.run.l1_key IS 'Key of the level-1 configuration (OMS).';
COMMENT ON COLUMN hdqm.run.oms_synced_at IS 'When OMS last told; NULL: not yet.';
COMMENT ON COLUMN hdqm.run.rr_synced_at IS 'When Run Registry last told; NULL: not yet.';

CREATE TABLE hdqm.golden_json (
    name text PRIMARY KEY,
    runs int4multirange NOT NULL,
    imported_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE hdqm.golden_json IS 'Lists of certified runs, for hdqm.run_selection(''golden'', name, …).';
COMMENT ON COLUMN hdqm.golden_json.name IS 'Name that people choose it by.';
COMMENT ON COLUMN hdqm.golden_json.runs IS 'The runs.';
COMMENT ON COLUMN hdqm.golden_json.imported_at IS 'When it came.';
