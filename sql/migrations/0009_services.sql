-- What OMS and Run Registry tell: all facts of runs, their fills and lumisections, how far certification is, what changed.
-- Nothing is written as known that was not answered: a question that failed moves the time of the question only.

ALTER TABLE hdqm.run
    ADD COLUMN IF NOT EXISTS last_update timestamptz,
    ADD COLUMN IF NOT EXISTS last_lumisection int,
    ADD COLUMN IF NOT EXISTS fill_type text,
    ADD COLUMN IF NOT EXISTS sequence text,
    ADD COLUMN IF NOT EXISTS stable_beam boolean,
    ADD COLUMN IF NOT EXISTS clock_type text,
    ADD COLUMN IF NOT EXISTS init_lumi_1e34 double precision,
    ADD COLUMN IF NOT EXISTS end_lumi_1e34 double precision,
    ADD COLUMN IF NOT EXISTS crossing_angle_urad double precision,
    ADD COLUMN IF NOT EXISTS beta_star_cm double precision,
    ADD COLUMN IF NOT EXISTS deadtime_percent double precision,
    ADD COLUMN IF NOT EXISTS l1_menu text,
    ADD COLUMN IF NOT EXISTS l1_hlt_mode text,
    ADD COLUMN IF NOT EXISTS trigger_mode text,
    ADD COLUMN IF NOT EXISTS initial_prescale_index int,
    ADD COLUMN IF NOT EXISTS hlt_physics_rate_hz double precision,
    ADD COLUMN IF NOT EXISTS hlt_physics_size_gb double precision,
    ADD COLUMN IF NOT EXISTS hlt_physics_throughput_gb_s double precision,
    ADD COLUMN IF NOT EXISTS cmssw_version text,
    ADD COLUMN IF NOT EXISTS tier0_transfer boolean,
    ADD COLUMN IF NOT EXISTS components text[],
    ADD COLUMN IF NOT EXISTS components_out text[],
    ADD COLUMN IF NOT EXISTS injection_scheme text,
    ADD COLUMN IF NOT EXISTS dcs_on text[],
    ADD COLUMN IF NOT EXISTS dcs_off text[],
    ADD COLUMN IF NOT EXISTS rr_state text,
    ADD COLUMN IF NOT EXISTS stop_reason text,
    ADD COLUMN IF NOT EXISTS rr_needs_update boolean,
    ADD COLUMN IF NOT EXISTS rr_version bigint,
    ADD COLUMN IF NOT EXISTS oms_asked_at timestamptz,
    ADD COLUMN IF NOT EXISTS rr_asked_at timestamptz,
    ADD COLUMN IF NOT EXISTS oms_absent boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS rr_absent boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS imported_at timestamptz;
COMMENT ON COLUMN hdqm.run.last_update IS 'When OMS last changed the run, as it says itself.';
COMMENT ON COLUMN hdqm.run.last_lumisection IS 'Number of lumisections (OMS).';
COMMENT ON COLUMN hdqm.run.fill_type IS 'PROTONS, IONS, COSMICS, … (OMS).';
COMMENT ON COLUMN hdqm.run.sequence IS 'GLOBAL-RUN, … (OMS).';
COMMENT ON COLUMN hdqm.run.stable_beam IS 'Stable beams were there (OMS).';
COMMENT ON COLUMN hdqm.run.clock_type IS 'LHC or LOCAL (OMS).';
COMMENT ON COLUMN hdqm.run.init_lumi_1e34 IS 'Luminosity at the start in 10^34 / (cm² s) (OMS).';
COMMENT ON COLUMN hdqm.run.end_lumi_1e34 IS 'Luminosity at the end in 10^34 / (cm² s) (OMS).';
COMMENT ON COLUMN hdqm.run.crossing_angle_urad IS 'Crossing angle at the start in µrad (OMS).';
COMMENT ON COLUMN hdqm.run.beta_star_cm IS 'β* at the start in cm (OMS).';
COMMENT ON COLUMN hdqm.run.deadtime_percent IS 'Dead time while beams were active in percent (OMS).';
COMMENT ON COLUMN hdqm.run.l1_menu IS 'Level-1 menu (OMS).';
COMMENT ON COLUMN hdqm.run.l1_hlt_mode IS 'Mode of both triggers (OMS).';
COMMENT ON COLUMN hdqm.run.trigger_mode IS 'Trigger mode (OMS).';
COMMENT ON COLUMN hdqm.run.initial_prescale_index IS 'Prescale column at the start (OMS).';
COMMENT ON COLUMN hdqm.run.hlt_physics_rate_hz IS 'Rate of the physics streams of the high-level trigger in Hz (OMS).';
COMMENT ON COLUMN hdqm.run.hlt_physics_size_gb IS 'Size of the physics streams in GB (OMS).';
COMMENT ON COLUMN hdqm.run.hlt_physics_throughput_gb_s IS 'Throughput of the physics streams in GB/s (OMS).';
COMMENT ON COLUMN hdqm.run.cmssw_version IS 'Version of CMSSW in the high-level trigger (OMS).';
COMMENT ON COLUMN hdqm.run.tier0_transfer IS 'Data went to Tier-0 (OMS).';
COMMENT ON COLUMN hdqm.run.components IS 'Detectors that were in the run (OMS).';
COMMENT ON COLUMN hdqm.run.components_out IS 'Detectors that were not (OMS).';
COMMENT ON COLUMN hdqm.run.injection_scheme IS 'Injection scheme of the fill (OMS).';
COMMENT ON COLUMN hdqm.run.dcs_on IS 'Detectors that were on in at least one lumisection; in neither array: not known (Run Registry).';
COMMENT ON COLUMN hdqm.run.dcs_off IS 'Detectors that were told of, and on in no lumisection (Run Registry).';
COMMENT ON COLUMN hdqm.run.rr_state IS 'OPEN, SIGNOFF, COMPLETED (Run Registry).';
COMMENT ON COLUMN hdqm.run.stop_reason IS 'Why the run was stopped (Run Registry).';
COMMENT ON COLUMN hdqm.run.rr_needs_update IS 'Run Registry says that its own copy is old (Run Registry).';
COMMENT ON COLUMN hdqm.run.rr_version IS 'Counter of changes in Run Registry at the last one of this run.';
COMMENT ON COLUMN hdqm.run.oms_asked_at IS 'When OMS was last asked, with or without success.';
COMMENT ON COLUMN hdqm.run.rr_asked_at IS 'When Run Registry was last asked, with or without success.';
COMMENT ON COLUMN hdqm.run.oms_absent IS 'OMS answered, and has no such run.';
COMMENT ON COLUMN hdqm.run.rr_absent IS 'Run Registry answered, and has no such run.';
COMMENT ON COLUMN hdqm.run.imported_at IS 'When a person imported facts of the run by hand; the answer of a service wins over them.';
COMMENT ON COLUMN hdqm.run.peak_lumi_1e34 IS 'The larger one of the luminosities at start and end in 10^34 / (cm² s) (OMS).';
COMMENT ON TABLE hdqm.run IS 'What is known of each run: OMS and Run Registry tell, and may correct, or a person imports. A run with a DQM file is there before they do.';
CREATE INDEX run_of_fill ON hdqm.run (fill_number);
CREATE INDEX run_by_start ON hdqm.run (start_time);
CREATE INDEX run_to_ask_again ON hdqm.run (run_number) WHERE end_time IS NULL;

CREATE TABLE hdqm.fill (
    fill_number int PRIMARY KEY,
    era text,
    fill_type text,
    start_time timestamptz,
    end_time timestamptz,
    start_stable_beam timestamptz,
    end_stable_beam timestamptz,
    stable_beams boolean,
    stable_duration_s double precision,
    energy_gev double precision,
    b_field_t double precision,
    injection_scheme text,
    bunches_beam1 int,
    bunches_beam2 int,
    bunches_colliding int,
    bunches_target int,
    beta_star_cm double precision,
    crossing_angle_urad double precision,
    init_lumi_1e34 double precision,
    peak_lumi_1e34 double precision,
    peak_specific_lumi_1e30 double precision,
    peak_pileup double precision,
    delivered_lumi_pb double precision,
    recorded_lumi_pb double precision,
    efficiency_lumi_percent double precision,
    intensity_beam1_1e11 double precision,
    intensity_beam2_1e11 double precision,
    first_run_number int,
    last_run_number int,
    synced_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE hdqm.fill IS 'LHC fills, as OMS tells of them.';
COMMENT ON COLUMN hdqm.fill.fill_number IS 'LHC fill.';
COMMENT ON COLUMN hdqm.fill.era IS 'Era.';
COMMENT ON COLUMN hdqm.fill.fill_type IS 'PROTONS, IONS, ….';
COMMENT ON COLUMN hdqm.fill.start_time IS 'Start.';
COMMENT ON COLUMN hdqm.fill.end_time IS 'End; NULL also while the fill goes on.';
COMMENT ON COLUMN hdqm.fill.start_stable_beam IS 'Start of stable beams.';
COMMENT ON COLUMN hdqm.fill.end_stable_beam IS 'End of stable beams.';
COMMENT ON COLUMN hdqm.fill.stable_beams IS 'There were stable beams.';
COMMENT ON COLUMN hdqm.fill.stable_duration_s IS 'Duration of stable beams in seconds.';
COMMENT ON COLUMN hdqm.fill.energy_gev IS 'Energy of a beam in GeV.';
COMMENT ON COLUMN hdqm.fill.b_field_t IS 'Magnetic field in tesla.';
COMMENT ON COLUMN hdqm.fill.injection_scheme IS 'Injection scheme.';
COMMENT ON COLUMN hdqm.fill.bunches_beam1 IS 'Bunches of beam 1.';
COMMENT ON COLUMN hdqm.fill.bunches_beam2 IS 'Bunches of beam 2.';
COMMENT ON COLUMN hdqm.fill.bunches_colliding IS 'Colliding bunches.';
COMMENT ON COLUMN hdqm.fill.bunches_target IS 'Bunches that were planned.';
COMMENT ON COLUMN hdqm.fill.beta_star_cm IS 'β* in cm.';
COMMENT ON COLUMN hdqm.fill.crossing_angle_urad IS 'Crossing angle in µrad.';
COMMENT ON COLUMN hdqm.fill.init_lumi_1e34 IS 'Luminosity at the start in 10^34 / (cm² s).';
COMMENT ON COLUMN hdqm.fill.peak_lumi_1e34 IS 'Peak luminosity in 10^34 / (cm² s).';
COMMENT ON COLUMN hdqm.fill.peak_specific_lumi_1e30 IS 'Peak specific luminosity in 10^30 / (cm² s), as OMS scales it.';
COMMENT ON COLUMN hdqm.fill.peak_pileup IS 'Peak pileup.';
COMMENT ON COLUMN hdqm.fill.delivered_lumi_pb IS 'Delivered luminosity in 1/pb.';
COMMENT ON COLUMN hdqm.fill.recorded_lumi_pb IS 'Recorded luminosity in 1/pb.';
COMMENT ON COLUMN hdqm.fill.efficiency_lumi_percent IS 'Recorded by delivered in percent.';
COMMENT ON COLUMN hdqm.fill.intensity_beam1_1e11 IS 'Intensity of beam 1 in 10^11 protons.';
COMMENT ON COLUMN hdqm.fill.intensity_beam2_1e11 IS 'Intensity of beam 2 in 10^11 protons.';
COMMENT ON COLUMN hdqm.fill.first_run_number IS 'First run.';
COMMENT ON COLUMN hdqm.fill.last_run_number IS 'Last run.';
COMMENT ON COLUMN hdqm.fill.synced_at IS 'When a value of the row last changed.';

CREATE TABLE hdqm.dcs_flag (
    bit smallint PRIMARY KEY CHECK (bit BETWEEN 0 AND 62),
    name text NOT NULL UNIQUE
);
COMMENT ON TABLE hdqm.dcs_flag IS 'Detectors of the bit masks of hdqm.lumisection.';
COMMENT ON COLUMN hdqm.dcs_flag.bit IS 'Bit, for ever; new detectors are appended.';
COMMENT ON COLUMN hdqm.dcs_flag.name IS 'Name of the detector, as in OMS without _ready.';
INSERT INTO hdqm.dcs_flag (bit, name)
SELECT n - 1, name FROM unnest(ARRAY['bpix', 'fpix', 'tibtid', 'tob', 'tecm', 'tecp', 'ebm', 'ebp', 'eem', 'eep', 'esm', 'esp',
    'hbhea', 'hbheb', 'hbhec', 'hf', 'ho', 'dtm', 'dtp', 'dt0', 'cscm', 'cscp', 'rpc', 'castor', 'zdc', 'gem', 'gemp', 'gemm',
    'rp_time', 'rp_sect_45', 'rp_sect_56']) WITH ORDINALITY AS flag (name, n);

CREATE TABLE hdqm.lumisection (
    run_number int NOT NULL,
    lumisection int NOT NULL,
    start_time timestamptz,
    init_lumi_1e34 real,
    delivered_lumi_pb real,
    recorded_lumi_pb real,
    pileup real,
    prescale_index smallint,
    physics boolean,
    cms_active boolean,
    stable_beams boolean,
    dcs_on bigint NOT NULL,
    dcs_off bigint NOT NULL,
    PRIMARY KEY (run_number, lumisection)
);
COMMENT ON TABLE hdqm.lumisection IS 'Lumisections of the runs for which somebody wanted them.';
COMMENT ON COLUMN hdqm.lumisection.run_number IS 'CMS run number.';
COMMENT ON COLUMN hdqm.lumisection.lumisection IS 'Number, from 1.';
COMMENT ON COLUMN hdqm.lumisection.start_time IS 'Start.';
COMMENT ON COLUMN hdqm.lumisection.init_lumi_1e34 IS 'Luminosity at the start in 10^34 / (cm² s).';
COMMENT ON COLUMN hdqm.lumisection.delivered_lumi_pb IS 'Delivered luminosity in 1/pb.';
COMMENT ON COLUMN hdqm.lumisection.recorded_lumi_pb IS 'Recorded luminosity in 1/pb.';
COMMENT ON COLUMN hdqm.lumisection.pileup IS 'Pileup.';
COMMENT ON COLUMN hdqm.lumisection.prescale_index IS 'Prescale column.';
COMMENT ON COLUMN hdqm.lumisection.physics IS 'Physics was declared.';
COMMENT ON COLUMN hdqm.lumisection.cms_active IS 'CMS was taking data.';
COMMENT ON COLUMN hdqm.lumisection.stable_beams IS 'Beams were stable.';
COMMENT ON COLUMN hdqm.lumisection.dcs_on IS 'Detectors that were on: bits of hdqm.dcs_flag; in neither mask: not known.';
COMMENT ON COLUMN hdqm.lumisection.dcs_off IS 'Detectors that were not on.';
SELECT create_hypertable('hdqm.lumisection', 'run_number', chunk_time_interval => 10000);

CREATE TABLE hdqm.run_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_number int NOT NULL,
    source text NOT NULL CHECK (source IN ('oms', 'rr', 'hand')),
    field text NOT NULL,
    old_value jsonb,
    new_value jsonb,
    at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE hdqm.run_change IS 'What was told otherwise than before. First answers, and what changes while a run goes on, are no changes.';
COMMENT ON COLUMN hdqm.run_change.id IS 'Number.';
COMMENT ON COLUMN hdqm.run_change.run_number IS 'CMS run number.';
COMMENT ON COLUMN hdqm.run_change.source IS 'Who told: oms, rr, or a person by hand.';
COMMENT ON COLUMN hdqm.run_change.field IS 'Column of hdqm.run.';
COMMENT ON COLUMN hdqm.run_change.old_value IS 'What stood there.';
COMMENT ON COLUMN hdqm.run_change.new_value IS 'What stands there since.';
COMMENT ON COLUMN hdqm.run_change.at IS 'When.';
CREATE INDEX run_change_of_run ON hdqm.run_change (run_number, at);
CREATE VIEW hdqm.run_changes AS
SELECT run_number, source, field, old_value AS old, new_value AS new, at AS "when" FROM hdqm.run_change;
COMMENT ON VIEW hdqm.run_changes IS 'What OMS, Run Registry or a person told of a run otherwise than before.';
COMMENT ON COLUMN hdqm.run_changes.run_number IS 'CMS run number.';
COMMENT ON COLUMN hdqm.run_changes.source IS 'oms, rr, hand.';
COMMENT ON COLUMN hdqm.run_changes.field IS 'Column of hdqm.runs (or of hdqm.run).';
COMMENT ON COLUMN hdqm.run_changes.old IS 'What stood there.';
COMMENT ON COLUMN hdqm.run_changes.new IS 'What stands there since.';
COMMENT ON COLUMN hdqm.run_changes."when" IS 'When it was noticed.';

CREATE TABLE hdqm.certified_dataset (
    run_number int NOT NULL,
    dataset text NOT NULL,
    states jsonb NOT NULL,
    lumisections jsonb NOT NULL,
    rr_version bigint,
    synced_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_number, dataset)
);
COMMENT ON TABLE hdqm.certified_dataset IS 'Datasets of Run Registry and how far their certification is.';
COMMENT ON COLUMN hdqm.certified_dataset.run_number IS 'CMS run number.';
COMMENT ON COLUMN hdqm.certified_dataset.dataset IS 'Name in Run Registry: online, /PromptReco/Collisions2018D/DQM.';
COMMENT ON COLUMN hdqm.certified_dataset.states IS 'Workspace → OPEN, SIGNOFF, COMPLETED, waiting dqm gui.';
COMMENT ON COLUMN hdqm.certified_dataset.lumisections IS 'Component → status → number of lumisections.';
COMMENT ON COLUMN hdqm.certified_dataset.rr_version IS 'Counter of changes in Run Registry at the last one of this dataset.';
COMMENT ON COLUMN hdqm.certified_dataset.synced_at IS 'When a value of the row last changed.';
CREATE VIEW hdqm.dataset_certification AS
SELECT run_number, dataset, state.key AS workspace, state.value AS state, synced_at
FROM hdqm.certified_dataset CROSS JOIN LATERAL jsonb_each_text(states) AS state;
COMMENT ON VIEW hdqm.dataset_certification IS 'How far certification is: one row for each workspace of a dataset.';
COMMENT ON COLUMN hdqm.dataset_certification.run_number IS 'CMS run number.';
COMMENT ON COLUMN hdqm.dataset_certification.dataset IS 'Name in Run Registry.';
COMMENT ON COLUMN hdqm.dataset_certification.workspace IS 'global, tracker, ….';
COMMENT ON COLUMN hdqm.dataset_certification.state IS 'OPEN, SIGNOFF, COMPLETED, waiting dqm gui.';
COMMENT ON COLUMN hdqm.dataset_certification.synced_at IS 'When it last changed.';

ALTER TABLE hdqm.golden_json
    ADD COLUMN source text NOT NULL DEFAULT 'file' CHECK (source IN ('file', 'run_registry')),
    ADD COLUMN rr_id int,
    ADD COLUMN json_logic jsonb,
    ADD COLUMN dataset_name_filter text;
COMMENT ON COLUMN hdqm.golden_json.source IS 'file, or run_registry where it was made there.';
COMMENT ON COLUMN hdqm.golden_json.rr_id IS 'Its number in Run Registry.';
COMMENT ON COLUMN hdqm.golden_json.json_logic IS 'The rule that Run Registry made it by.';
COMMENT ON COLUMN hdqm.golden_json.dataset_name_filter IS 'The datasets that Run Registry made it of.';
CREATE TABLE hdqm.golden_json_run (
    name text NOT NULL REFERENCES hdqm.golden_json ON DELETE CASCADE,
    run_number int NOT NULL,
    lumisections int4multirange NOT NULL,
    PRIMARY KEY (name, run_number)
);
COMMENT ON TABLE hdqm.golden_json_run IS 'The lumisections of each run of a golden JSON.';
COMMENT ON COLUMN hdqm.golden_json_run.name IS 'Name of the golden JSON.';
COMMENT ON COLUMN hdqm.golden_json_run.run_number IS 'CMS run number.';
COMMENT ON COLUMN hdqm.golden_json_run.lumisections IS 'The lumisections.';
CREATE VIEW hdqm.golden_jsons AS
SELECT name, run_number, lumisections FROM hdqm.golden_json_run;
COMMENT ON VIEW hdqm.golden_jsons IS 'Golden JSONs by name: WHERE name = ''2018'' AND lumisections @> 91.';
COMMENT ON COLUMN hdqm.golden_jsons.name IS 'Name of the golden JSON.';
COMMENT ON COLUMN hdqm.golden_jsons.run_number IS 'CMS run number.';
COMMENT ON COLUMN hdqm.golden_jsons.lumisections IS 'The lumisections that count.';

CREATE TABLE hdqm.sync_state (
    name text PRIMARY KEY,
    watermark bigint,
    swept_to int,
    swept_at timestamptz,
    succeeded_at timestamptz,
    failed_at timestamptz,
    failure text
);
COMMENT ON TABLE hdqm.sync_state IS 'How far synchronisation with OMS (oms) and Run Registry (rr) is.';
COMMENT ON COLUMN hdqm.sync_state.name IS 'oms or rr.';
COMMENT ON COLUMN hdqm.sync_state.watermark IS 'What was asked up to: a run number of OMS, a version of Run Registry.';
COMMENT ON COLUMN hdqm.sync_state.swept_to IS 'Run number up to which the slow sweep has come in this round.';
COMMENT ON COLUMN hdqm.sync_state.swept_at IS 'When the last sweep was done.';
COMMENT ON COLUMN hdqm.sync_state.succeeded_at IS 'When all was last answered.';
COMMENT ON COLUMN hdqm.sync_state.failed_at IS 'When it last failed.';
COMMENT ON COLUMN hdqm.sync_state.failure IS 'Why it failed; NULL when the last one succeeded.';

-- Floats changed their text between versions of OMS: equal is what differs by less than a millionth.
CREATE FUNCTION hdqm.same(a jsonb, b jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN CASE WHEN jsonb_typeof(a) = 'number' AND jsonb_typeof(b) = 'number'
    THEN abs((a #>> '{}')::double precision - (b #>> '{}')::double precision)
        <= 1e-6 * greatest(abs((a #>> '{}')::double precision), abs((b #>> '{}')::double precision))
    ELSE a IS NOT DISTINCT FROM b END;
COMMENT ON FUNCTION hdqm.same(jsonb, jsonb) IS 'Whether two values are the same to us: numbers to a millionth, all else exactly.';

CREATE OR REPLACE VIEW hdqm.runs AS
SELECT
    r.run_number, r.start_time, r.end_time, r.duration_s, r.fill_number, r.era, r.run_class, r.significant,
    r.delivered_lumi_pb, r.recorded_lumi_pb, r.peak_lumi_1e34, r.b_field_t, r.energy_gev, r.l1_rate_hz, r.hlt_key, r.l1_key,
    r.oms_synced_at IS NOT NULL AS known_to_oms,
    r.rr_synced_at IS NOT NULL AS known_to_rr,
    r.end_lumi_1e34, r.hlt_physics_rate_hz, r.injection_scheme,
    CASE
        WHEN r.oms_synced_at IS NULL THEN 'unknown'
        WHEN r.oms_absent THEN 'stale'
        WHEN r.end_time IS NULL THEN 'open'
        WHEN r.oms_asked_at > r.oms_synced_at OR r.rr_asked_at > r.rr_synced_at OR r.rr_needs_update THEN 'stale'
        ELSE 'known'
    END AS state,
    greatest(r.oms_synced_at, r.rr_synced_at) AS answered_at,
    r.last_update, r.last_lumisection, r.fill_type, r.sequence, r.stable_beam, r.clock_type, r.init_lumi_1e34,
    r.crossing_angle_urad, r.beta_star_cm, r.deadtime_percent, r.l1_menu, r.l1_hlt_mode, r.trigger_mode,
    r.initial_prescale_index, r.hlt_physics_size_gb, r.hlt_physics_throughput_gb_s, r.cmssw_version, r.tier0_transfer,
    r.components, r.components_out, r.dcs_on, r.dcs_off, r.rr_state, r.stop_reason,
    f.bunches_colliding
FROM hdqm.run AS r LEFT JOIN hdqm.fill AS f ON f.fill_number = r.fill_number;
COMMENT ON VIEW hdqm.runs IS 'Runs, with what OMS and Run Registry told of them: NULL where they have not yet.';
COMMENT ON COLUMN hdqm.runs.peak_lumi_1e34 IS 'The larger one of the luminosities at start and end in 10^34 / (cm² s).';
COMMENT ON COLUMN hdqm.runs.state IS 'unknown: OMS has not told; open: no end yet; stale: a later question failed, or Run Registry has an old copy; known.';
COMMENT ON COLUMN hdqm.runs.answered_at IS 'When OMS or Run Registry last told.';
COMMENT ON COLUMN hdqm.runs.last_update IS 'When OMS last changed the run, as it says itself.';
COMMENT ON COLUMN hdqm.runs.last_lumisection IS 'Number of lumisections.';
COMMENT ON COLUMN hdqm.runs.fill_type IS 'PROTONS, IONS, COSMICS, ….';
COMMENT ON COLUMN hdqm.runs.sequence IS 'GLOBAL-RUN, ….';
COMMENT ON COLUMN hdqm.runs.stable_beam IS 'Stable beams were there.';
COMMENT ON COLUMN hdqm.runs.clock_type IS 'LHC or LOCAL.';
COMMENT ON COLUMN hdqm.runs.init_lumi_1e34 IS 'Luminosity at the start in 10^34 / (cm² s).';
COMMENT ON COLUMN hdqm.runs.crossing_angle_urad IS 'Crossing angle at the start in µrad.';
COMMENT ON COLUMN hdqm.runs.beta_star_cm IS 'β* at the start in cm.';
COMMENT ON COLUMN hdqm.runs.deadtime_percent IS 'Dead time while beams were active in percent.';
COMMENT ON COLUMN hdqm.runs.l1_menu IS 'Level-1 menu.';
COMMENT ON COLUMN hdqm.runs.l1_hlt_mode IS 'Mode of both triggers.';
COMMENT ON COLUMN hdqm.runs.trigger_mode IS 'Trigger mode.';
COMMENT ON COLUMN hdqm.runs.initial_prescale_index IS 'Prescale column at the start.';
COMMENT ON COLUMN hdqm.runs.hlt_physics_size_gb IS 'Size of the physics streams in GB.';
COMMENT ON COLUMN hdqm.runs.hlt_physics_throughput_gb_s IS 'Throughput of the physics streams in GB/s.';
COMMENT ON COLUMN hdqm.runs.cmssw_version IS 'Version of CMSSW in the high-level trigger.';
COMMENT ON COLUMN hdqm.runs.tier0_transfer IS 'Data went to Tier-0.';
COMMENT ON COLUMN hdqm.runs.components IS 'Detectors that were in the run.';
COMMENT ON COLUMN hdqm.runs.components_out IS 'Detectors that were not.';
COMMENT ON COLUMN hdqm.runs.dcs_on IS 'Detectors that were on in at least one lumisection; in neither array: not known.';
COMMENT ON COLUMN hdqm.runs.dcs_off IS 'Detectors that were told of, and on in no lumisection.';
COMMENT ON COLUMN hdqm.runs.rr_state IS 'OPEN, SIGNOFF, COMPLETED.';
COMMENT ON COLUMN hdqm.runs.stop_reason IS 'Why the run was stopped.';
COMMENT ON COLUMN hdqm.runs.bunches_colliding IS 'Colliding bunches of the fill.';
