-- Fills, lumisections, certification, golden JSONs, and how far synchronisation is.

-- write_fills --
INSERT INTO hdqm.fill (
    fill_number,
    era, fill_type, start_time, end_time, start_stable_beam, end_stable_beam, stable_beams, stable_duration_s,
    energy_gev, b_field_t, injection_scheme, bunches_beam1, bunches_beam2, bunches_colliding, bunches_target,
    beta_star_cm, crossing_angle_urad, init_lumi_1e34, peak_lumi_1e34, peak_specific_lumi_1e30, peak_pileup,
    delivered_lumi_pb, recorded_lumi_pb, efficiency_lumi_percent, intensity_beam1_1e11, intensity_beam2_1e11,
    first_run_number, last_run_number
)
SELECT
    fill_number,
    era, fill_type, start_time, end_time, start_stable_beam, end_stable_beam, stable_beams, stable_duration_s,
    energy_gev, b_field_t, injection_scheme, bunches_beam1, bunches_beam2, bunches_colliding, bunches_target,
    beta_star_cm, crossing_angle_urad, init_lumi_1e34, peak_lumi_1e34, peak_specific_lumi_1e30, peak_pileup,
    delivered_lumi_pb, recorded_lumi_pb, efficiency_lumi_percent, intensity_beam1_1e11, intensity_beam2_1e11,
    first_run_number, last_run_number
FROM jsonb_populate_recordset(NULL::hdqm.fill, %(rows)s::jsonb) ORDER BY fill_number
ON CONFLICT (fill_number) DO UPDATE SET (
    era, fill_type, start_time, end_time, start_stable_beam, end_stable_beam, stable_beams, stable_duration_s,
    energy_gev, b_field_t, injection_scheme, bunches_beam1, bunches_beam2, bunches_colliding, bunches_target,
    beta_star_cm, crossing_angle_urad, init_lumi_1e34, peak_lumi_1e34, peak_specific_lumi_1e30, peak_pileup,
    delivered_lumi_pb, recorded_lumi_pb, efficiency_lumi_percent, intensity_beam1_1e11, intensity_beam2_1e11,
    first_run_number, last_run_number, synced_at
) = (
    excluded.era, excluded.fill_type, excluded.start_time, excluded.end_time, excluded.start_stable_beam,
    excluded.end_stable_beam, excluded.stable_beams, excluded.stable_duration_s, excluded.energy_gev,
    excluded.b_field_t, excluded.injection_scheme, excluded.bunches_beam1, excluded.bunches_beam2,
    excluded.bunches_colliding, excluded.bunches_target, excluded.beta_star_cm, excluded.crossing_angle_urad,
    excluded.init_lumi_1e34, excluded.peak_lumi_1e34, excluded.peak_specific_lumi_1e30, excluded.peak_pileup,
    excluded.delivered_lumi_pb, excluded.recorded_lumi_pb, excluded.efficiency_lumi_percent,
    excluded.intensity_beam1_1e11, excluded.intensity_beam2_1e11, excluded.first_run_number, excluded.last_run_number, now()
)
WHERE EXISTS (
    SELECT FROM jsonb_each(to_jsonb(fill) - 'synced_at') AS before JOIN jsonb_each(to_jsonb(excluded)) AS after USING (key)
    WHERE NOT hdqm.same(before.value, after.value)
)

-- flags --
SELECT name, bit FROM hdqm.dcs_flag

-- add_flags --
INSERT INTO hdqm.dcs_flag (bit, name)
SELECT (SELECT max(bit) FROM hdqm.dcs_flag) + n, name FROM unnest(%(names)s::text[]) WITH ORDINALITY AS flag (name, n)

-- lock_flags --
LOCK TABLE hdqm.dcs_flag IN SHARE ROW EXCLUSIVE MODE

-- write_lumisections --
INSERT INTO hdqm.lumisection AS l (
    run_number, lumisection, start_time, init_lumi_1e34, delivered_lumi_pb, recorded_lumi_pb, pileup, prescale_index,
    physics, cms_active, stable_beams, dcs_on, dcs_off
)
SELECT
    run_number, lumisection, start_time, init_lumi_1e34, delivered_lumi_pb, recorded_lumi_pb, pileup, prescale_index,
    physics, cms_active, stable_beams, dcs_on, dcs_off
FROM jsonb_populate_recordset(NULL::hdqm.lumisection, %(rows)s::jsonb) ORDER BY lumisection
ON CONFLICT (run_number, lumisection) DO UPDATE SET (
    start_time, init_lumi_1e34, delivered_lumi_pb, recorded_lumi_pb, pileup, prescale_index,
    physics, cms_active, stable_beams, dcs_on, dcs_off
) = (
    excluded.start_time, excluded.init_lumi_1e34, excluded.delivered_lumi_pb, excluded.recorded_lumi_pb, excluded.pileup,
    excluded.prescale_index, excluded.physics, excluded.cms_active, excluded.stable_beams, excluded.dcs_on, excluded.dcs_off
)
WHERE to_jsonb(l) IS DISTINCT FROM to_jsonb(excluded)

-- remove_lumisections --
DELETE FROM hdqm.lumisection WHERE run_number = %(run_number)s AND NOT lumisection = ANY (%(told)s)

-- note_detectors --
UPDATE hdqm.run AS r SET dcs_off_sets = told.off
FROM (SELECT hdqm.detectors_off(%(run_number)s) AS off) AS told
WHERE r.run_number = %(run_number)s AND r.dcs_off_sets IS DISTINCT FROM told.off

-- write_certification --
INSERT INTO hdqm.certified_dataset (run_number, dataset, states, lumisections, rr_version)
SELECT run_number, dataset, states, lumisections, rr_version
FROM jsonb_populate_recordset(NULL::hdqm.certified_dataset, %(rows)s::jsonb) ORDER BY run_number, dataset
ON CONFLICT (run_number, dataset) DO UPDATE SET (states, lumisections, rr_version, synced_at) =
    (excluded.states, excluded.lumisections, excluded.rr_version, now())
WHERE (certified_dataset.states, certified_dataset.lumisections, certified_dataset.rr_version)
    IS DISTINCT FROM (excluded.states, excluded.lumisections, excluded.rr_version)

-- remove_certification --
DELETE FROM hdqm.certified_dataset AS c
WHERE c.run_number BETWEEN %(first)s AND %(last)s AND NOT EXISTS (
    SELECT FROM jsonb_to_recordset(%(rows)s::jsonb) AS told (run_number int, dataset text)
    WHERE told.run_number = c.run_number AND told.dataset = c.dataset
)

-- write_golden --
-- A person's list takes the place of an earlier one of the same person only; the site's takes that of any.
INSERT INTO hdqm.golden_json AS g (
    name, runs, source, rr_id, json_logic, dataset_name_filter, owner, expires_at
)
SELECT %(name)s, coalesce(range_agg(int4range(run, run, '[]')), '{}'), %(source)s, %(rr_id)s, %(json_logic)s,
    %(dataset_name_filter)s, %(owner)s, now() + make_interval(days => %(days)s)
FROM unnest(%(runs)s::int[]) AS run
ON CONFLICT (name) DO UPDATE SET (runs, imported_at, source, rr_id, json_logic, dataset_name_filter, owner, expires_at) = (
    excluded.runs, now(), excluded.source, excluded.rr_id, excluded.json_logic, excluded.dataset_name_filter,
    excluded.owner, excluded.expires_at
)
WHERE excluded.owner IS NULL OR g.owner = excluded.owner

-- remove_expired_golden --
DELETE FROM hdqm.golden_json WHERE expires_at <= now()

-- remove_golden --
DELETE FROM hdqm.golden_json WHERE name = %(name)s AND owner = %(owner)s

-- remove_golden_runs --
DELETE FROM hdqm.golden_json_run WHERE name = %(name)s

-- write_golden_runs --
INSERT INTO hdqm.golden_json_run (name, run_number, lumisections)
SELECT %(name)s, run, lumisections::int4multirange
FROM unnest(%(runs)s::int[], %(ranges)s::text[]) AS told (run, lumisections)

-- state --
SELECT watermark, swept_to, swept_at IS NOT NULL, swept_at IS NULL OR swept_at < now() - %(sweep_h)s * interval '1 hour'
FROM hdqm.sync_state WHERE name = %(name)s

-- succeeded --
INSERT INTO hdqm.sync_state AS s (name, watermark, swept_to, swept_at, succeeded_at)
VALUES (%(name)s, %(watermark)s, %(swept_to)s, CASE WHEN %(swept)s THEN now() END, now())
ON CONFLICT (name) DO UPDATE SET
    watermark = greatest(s.watermark, excluded.watermark),
    swept_to = coalesce(excluded.swept_to, s.swept_to),
    swept_at = coalesce(excluded.swept_at, s.swept_at),
    succeeded_at = now(),
    failure = NULL

-- advanced --
INSERT INTO hdqm.sync_state AS s (name, watermark, swept_to) VALUES (%(name)s, %(watermark)s, %(swept_to)s)
ON CONFLICT (name) DO UPDATE SET
    watermark = greatest(s.watermark, excluded.watermark), swept_to = coalesce(excluded.swept_to, s.swept_to)

-- failed --
INSERT INTO hdqm.sync_state (name, failed_at, failure) VALUES (%(name)s, now(), %(failure)s)
ON CONFLICT (name) DO UPDATE SET failed_at = now(), failure = excluded.failure
