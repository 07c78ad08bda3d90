-- Facts of runs that somebody told: staged, compared with what stands there, and written where they differ.

-- stage --
CREATE TEMPORARY TABLE IF NOT EXISTS answer (run_number int PRIMARY KEY, facts jsonb NOT NULL) ON COMMIT DELETE ROWS

-- stage_difference --
CREATE TEMPORARY TABLE IF NOT EXISTS difference (
    run_number int, field text, old_value jsonb, new_value jsonb, noted boolean
) ON COMMIT DELETE ROWS

-- fill_answer --
INSERT INTO answer (run_number, facts)
SELECT (facts ->> 'run_number')::int, facts - 'run_number' FROM jsonb_array_elements(%(rows)s::jsonb) AS facts

-- answer_of_fills --
INSERT INTO answer (run_number, facts)
SELECT r.run_number, jsonb_build_object('injection_scheme', f.injection_scheme)
FROM hdqm.fill AS f JOIN hdqm.run AS r ON r.fill_number = f.fill_number
WHERE f.fill_number = ANY (%(fills)s) AND r.injection_scheme IS DISTINCT FROM f.injection_scheme

-- make --
INSERT INTO hdqm.run (run_number) SELECT run_number FROM answer ORDER BY run_number ON CONFLICT DO NOTHING

-- lock --
SELECT FROM hdqm.run WHERE run_number IN (SELECT run_number FROM answer) ORDER BY run_number FOR NO KEY UPDATE

-- compare --
-- A first answer is no change, nor what changes while a run goes on. A person does not overrule a service.
INSERT INTO difference (run_number, field, old_value, new_value, noted)
SELECT r.run_number, told.key, before.facts -> told.key, after.facts -> told.key,
    CASE %(source)s
        WHEN 'oms' THEN r.oms_synced_at IS NOT NULL AND r.end_time IS NOT NULL
        WHEN 'rr' THEN r.rr_synced_at IS NOT NULL
        ELSE before.facts -> told.key <> 'null'
    END AND (told.key NOT IN ('dcs_on', 'dcs_off', 'injection_scheme') OR before.facts -> told.key <> 'null')
FROM answer AS a
JOIN hdqm.run AS r USING (run_number)
CROSS JOIN LATERAL (SELECT to_jsonb(r) AS facts OFFSET 0) AS before
CROSS JOIN LATERAL (SELECT to_jsonb(jsonb_populate_record(r, a.facts)) AS facts OFFSET 0) AS after
CROSS JOIN LATERAL jsonb_object_keys(a.facts) AS told (key)
WHERE before.facts -> told.key IS DISTINCT FROM after.facts -> told.key
    AND NOT hdqm.same(before.facts -> told.key, after.facts -> told.key)
    AND (%(source)s <> 'hand' OR after.facts -> told.key <> 'null' AND NOT CASE
        WHEN told.key IN ('run_class', 'significant', 'rr_state', 'stop_reason', 'rr_needs_update', 'rr_version', 'dcs_on', 'dcs_off')
            THEN r.rr_synced_at IS NOT NULL
        ELSE r.oms_synced_at IS NOT NULL
    END)

-- note --
INSERT INTO hdqm.run_change (run_number, source, field, old_value, new_value)
SELECT run_number, %(source)s, field, old_value, new_value FROM difference WHERE noted ORDER BY run_number, field

-- write --
UPDATE hdqm.run AS r SET (
    start_time, end_time, last_update, duration_s, last_lumisection, fill_number, fill_type, era, sequence,
    stable_beam, clock_type, energy_gev, b_field_t, init_lumi_1e34, end_lumi_1e34, delivered_lumi_pb,
    recorded_lumi_pb, crossing_angle_urad, beta_star_cm, deadtime_percent, l1_rate_hz, l1_key, l1_menu, l1_hlt_mode,
    trigger_mode, initial_prescale_index, hlt_key, hlt_physics_rate_hz, hlt_physics_size_gb,
    hlt_physics_throughput_gb_s, cmssw_version, tier0_transfer, components, components_out, peak_lumi_1e34,
    injection_scheme, run_class, significant, rr_state, stop_reason, rr_needs_update, rr_version, dcs_on, dcs_off
) = (
    n.start_time, n.end_time, n.last_update, n.duration_s, n.last_lumisection, n.fill_number, n.fill_type, n.era,
    n.sequence, n.stable_beam, n.clock_type, n.energy_gev, n.b_field_t, n.init_lumi_1e34, n.end_lumi_1e34,
    n.delivered_lumi_pb, n.recorded_lumi_pb, n.crossing_angle_urad, n.beta_star_cm, n.deadtime_percent, n.l1_rate_hz,
    n.l1_key, n.l1_menu, n.l1_hlt_mode, n.trigger_mode, n.initial_prescale_index, n.hlt_key, n.hlt_physics_rate_hz,
    n.hlt_physics_size_gb, n.hlt_physics_throughput_gb_s, n.cmssw_version, n.tier0_transfer, n.components,
    n.components_out, n.peak_lumi_1e34, n.injection_scheme, n.run_class, n.significant, n.rr_state, n.stop_reason,
    n.rr_needs_update, n.rr_version, n.dcs_on, n.dcs_off
)
FROM (SELECT run_number, jsonb_object_agg(field, new_value) AS facts FROM difference GROUP BY run_number) AS d
JOIN hdqm.run AS o USING (run_number)
CROSS JOIN LATERAL jsonb_populate_record(o, d.facts) AS n
WHERE r.run_number = d.run_number

-- answered_oms --
UPDATE hdqm.run SET oms_asked_at = now(), oms_synced_at = now(), oms_absent = false
WHERE run_number IN (SELECT run_number FROM answer)

-- answered_rr --
UPDATE hdqm.run SET rr_asked_at = now(), rr_synced_at = now(), rr_absent = false
WHERE run_number IN (SELECT run_number FROM answer)

-- answered_hand --
UPDATE hdqm.run SET imported_at = now() WHERE run_number IN (SELECT run_number FROM answer)

-- absent_oms --
UPDATE hdqm.run SET oms_asked_at = now(), oms_absent = true
WHERE run_number BETWEEN %(first)s AND %(last)s AND NOT run_number = ANY (%(told)s)

-- absent_rr --
UPDATE hdqm.run SET rr_asked_at = now(), rr_absent = true
WHERE run_number BETWEEN %(first)s AND %(last)s AND NOT run_number = ANY (%(told)s)

-- asked_oms --
UPDATE hdqm.run SET oms_asked_at = now() WHERE run_number BETWEEN %(first)s AND %(last)s

-- asked_rr --
UPDATE hdqm.run SET rr_asked_at = now() WHERE run_number BETWEEN %(first)s AND %(last)s

-- again_oms --
SELECT run_number FROM hdqm.run
WHERE NOT oms_absent AND (
    oms_synced_at IS NULL OR oms_asked_at > oms_synced_at
    OR end_time IS NULL AND start_time > (SELECT max(start_time) FROM hdqm.run) - interval '14 days'
)
ORDER BY 1

-- again_rr --
SELECT run_number FROM hdqm.run WHERE NOT rr_absent AND (rr_synced_at IS NULL OR rr_asked_at > rr_synced_at) ORDER BY 1

-- first_of_days --
SELECT min(run_number) FROM hdqm.run
WHERE start_time > (SELECT max(start_time) FROM hdqm.run) - make_interval(days => %(days)s)

-- selected --
SELECT r.run_number, r.start_time, r.duration_s, r.fill_number, r.run_class, r.significant, r.recorded_lumi_pb, r.b_field_t, r.state,
    r.dcs_off
FROM hdqm.run_selection(
    %(mode)s, %(value)s, %(subsystem)s, %(primary_dataset)s, %(processing)s, %(quality)s
) AS s JOIN hdqm.runs AS r ON r.run_number = s ORDER BY r.run_number DESC

-- left_out --
SELECT r.run_number, r.start_time, r.duration_s, r.fill_number, r.run_class, r.significant, r.recorded_lumi_pb, r.b_field_t, r.state,
    r.dcs_off
FROM hdqm.left_out(%(subsystem)s, %(primary_dataset)s, %(processing)s, %(quality)s) AS r ORDER BY r.run_number DESC

-- starts --
SELECT run_number, start_time FROM hdqm.run WHERE start_time IS NOT NULL AND significant IS NOT FALSE
