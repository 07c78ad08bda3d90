-- Counts that writing keeps: pages that sum up over a subsystem or all of them no longer grow with what they sum up.
--
-- Triggers add what came and subtract what went, in the transaction that writes, so that no page is ever
-- behind. Nobody waits for a row of another: counts of gaps and of series belong to one dataset, whose writers go one after
-- the other anyway (the lock of the load), and the tally of files is only added to.

-- -- series of a dataset ---------------------------------------------------------------------------------------------------

CREATE TABLE hdqm.series_count (
    subsystem_id int NOT NULL,
    primary_dataset_id int NOT NULL,
    processing_id int NOT NULL,
    series int NOT NULL,
    with_value int NOT NULL,
    PRIMARY KEY (subsystem_id, primary_dataset_id, processing_id)
);
COMMENT ON TABLE hdqm.series_count IS 'How many series (kind run, whole) a subsystem has in a dataset; those of retired trends too. Kept by triggers.';
COMMENT ON COLUMN hdqm.series_count.subsystem_id IS 'The subsystem.';
COMMENT ON COLUMN hdqm.series_count.primary_dataset_id IS 'The primary dataset.';
COMMENT ON COLUMN hdqm.series_count.processing_id IS 'The processing string.';
COMMENT ON COLUMN hdqm.series_count.series IS 'Number of series.';
COMMENT ON COLUMN hdqm.series_count.with_value IS 'Those of them that have a value somewhere.';

-- trends that are no longer configured are few, and subtracted where they do not count
CREATE INDEX trend_retired ON hdqm.trend (subsystem_id) WHERE NOT active;

-- -- gaps of a run ---------------------------------------------------------------------------------------------------------

CREATE TABLE hdqm.gap_count (
    run_number int NOT NULL,
    primary_dataset_id int NOT NULL,
    processing_id int NOT NULL,
    subsystem_id int NOT NULL,
    status smallint NOT NULL,
    points int NOT NULL,
    PRIMARY KEY (run_number, primary_dataset_id, processing_id, subsystem_id, status)
);
COMMENT ON TABLE hdqm.gap_count IS 'How many points without value a run has in a dataset and subsystem, by reason, of series that have a value elsewhere; those of retired trends too. Kept by triggers.';
COMMENT ON COLUMN hdqm.gap_count.run_number IS 'CMS run number.';
COMMENT ON COLUMN hdqm.gap_count.primary_dataset_id IS 'The primary dataset.';
COMMENT ON COLUMN hdqm.gap_count.processing_id IS 'The processing string.';
COMMENT ON COLUMN hdqm.gap_count.subsystem_id IS 'The subsystem.';
COMMENT ON COLUMN hdqm.gap_count.status IS 'Number of hdqm.reason.';
COMMENT ON COLUMN hdqm.gap_count.points IS 'Number of points; a row may stay when it has become 0.';

-- -- points outside of their range -----------------------------------------------------------------------------------------

CREATE TABLE hdqm.point_outside (
    run_number int NOT NULL,
    series_id int NOT NULL,
    PRIMARY KEY (run_number, series_id)
);
COMMENT ON TABLE hdqm.point_outside IS 'Points whose value was outside of low … high of its trend when it was written. Ranges change: ask hdqm.outside_points, which knows what is out of date.';
COMMENT ON COLUMN hdqm.point_outside.run_number IS 'CMS run number.';
COMMENT ON COLUMN hdqm.point_outside.series_id IS 'The series.';

CREATE TABLE hdqm.expected_range (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version int NOT NULL
);
INSERT INTO hdqm.expected_range (version) VALUES (1);
COMMENT ON TABLE hdqm.expected_range IS 'One row: how often the low, high or activity of a trend has changed. Kept by a trigger.';
COMMENT ON COLUMN hdqm.expected_range.only_row IS 'So that there is no other.';
COMMENT ON COLUMN hdqm.expected_range.version IS 'Counted up with each change.';

ALTER TABLE hdqm.dqm_file ADD COLUMN range_version int;
COMMENT ON COLUMN hdqm.dqm_file.range_version IS 'Version of expected ranges that its points have been compared with; NULL: not known. With another one than now, what is outside is looked for in the points.';

-- -- keeping them ----------------------------------------------------------------------------------------------------------

-- All points of a statement are looked at once, in those series of which the statement may have some: the rare ones, gaps and
-- values outside, are then counted.
CREATE FUNCTION hdqm.count_points() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    first_series int;
    last_series int;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT min(series_id), max(series_id) INTO first_series, last_series FROM came;
    ELSE
        SELECT min(series_id), max(series_id) INTO first_series, last_series
        FROM (SELECT series_id FROM came UNION ALL SELECT series_id FROM went) AS p;
    END IF;
    IF first_series IS NULL THEN
        RETURN NULL; -- no row, as half of the triggers of INSERT … ON CONFLICT DO UPDATE
    END IF;
    IF TG_OP = 'INSERT' THEN
        WITH rare AS MATERIALIZED (
            SELECT p.run_number, p.series_id, p.status, s.primary_dataset_id, s.processing_id, t.subsystem_id, s.has_value AND s.kind = 'run' AND s.slice = '' AS counts
            FROM came AS p JOIN hdqm.series AS s ON s.id = p.series_id AND s.id BETWEEN first_series AND last_series JOIN hdqm.trend AS t ON t.id = s.trend_id
            WHERE p.status <> 0 OR p.value < t.low OR p.value > t.high
        ),
        gaps AS (
            INSERT INTO hdqm.gap_count AS c
            SELECT r.run_number, r.primary_dataset_id, r.processing_id, r.subsystem_id, r.status, count(*)
            FROM rare AS r WHERE r.status <> 0 AND r.counts GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
            ON CONFLICT (run_number, primary_dataset_id, processing_id, subsystem_id, status) DO UPDATE SET points = c.points + excluded.points
        )
        INSERT INTO hdqm.point_outside (run_number, series_id)
        SELECT r.run_number, r.series_id FROM rare AS r WHERE r.status = 0 ORDER BY 1, 2 ON CONFLICT DO NOTHING;
        RETURN NULL;
    END IF;
    DELETE FROM hdqm.point_outside AS o USING went AS w
    WHERE o.run_number = w.run_number AND o.series_id = w.series_id AND o.series_id BETWEEN first_series AND last_series;
    WITH rare AS MATERIALIZED (
        SELECT p.run_number, p.series_id, p.status, p.n, s.primary_dataset_id, s.processing_id, t.subsystem_id, s.has_value AND s.kind = 'run' AND s.slice = '' AS counts
        FROM (
            SELECT run_number, series_id, status, value, 1 AS n FROM came
            UNION ALL
            SELECT run_number, series_id, status, NULL, -1 FROM went WHERE status <> 0
        ) AS p
        JOIN hdqm.series AS s ON s.id = p.series_id AND s.id BETWEEN first_series AND last_series JOIN hdqm.trend AS t ON t.id = s.trend_id
        WHERE p.status <> 0 OR p.value < t.low OR p.value > t.high
    ),
    gaps AS (
        INSERT INTO hdqm.gap_count AS c
        SELECT r.run_number, r.primary_dataset_id, r.processing_id, r.subsystem_id, r.status, sum(r.n)
        FROM rare AS r WHERE r.status <> 0 AND r.counts GROUP BY 1, 2, 3, 4, 5 HAVING sum(r.n) <> 0 ORDER BY 1, 2, 3, 4, 5
        ON CONFLICT (run_number, primary_dataset_id, processing_id, subsystem_id, status) DO UPDATE SET points = c.points + excluded.points
    )
    INSERT INTO hdqm.point_outside (run_number, series_id)
    SELECT r.run_number, r.series_id FROM rare AS r WHERE r.status = 0 ORDER BY 1, 2 ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION hdqm.count_points() IS 'Trigger: points came or changed.';
CREATE TRIGGER count_new_points AFTER INSERT ON hdqm.point
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION hdqm.count_points();
CREATE TRIGGER count_changed_points AFTER UPDATE ON hdqm.point
    REFERENCING OLD TABLE AS went NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION hdqm.count_points();

-- Row by row: where points are in the columnstore, TimescaleDB has no transition table of what was deleted. It is rare.
CREATE FUNCTION hdqm.count_gone_point() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM hdqm.point_outside AS o WHERE o.run_number = OLD.run_number AND o.series_id = OLD.series_id;
    IF OLD.status <> 0 THEN
        UPDATE hdqm.gap_count AS c SET points = c.points - 1
        FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id
        WHERE s.id = OLD.series_id AND s.has_value AND s.kind = 'run' AND s.slice = ''
            AND c.run_number = OLD.run_number AND c.primary_dataset_id = s.primary_dataset_id AND c.processing_id = s.processing_id
            AND c.subsystem_id = t.subsystem_id AND c.status = OLD.status;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION hdqm.count_gone_point() IS 'Trigger: a point went.';
CREATE TRIGGER count_gone_points AFTER DELETE ON hdqm.point FOR EACH ROW EXECUTE FUNCTION hdqm.count_gone_point();

-- A series that has its first value brings the gaps that it had before; one that lost its last takes them away.
CREATE FUNCTION hdqm.count_gaps_of(series int[], times int) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    INSERT INTO hdqm.gap_count AS c
    SELECT p.run_number, s.primary_dataset_id, s.processing_id, t.subsystem_id, p.status, $2 * count(*)
    FROM hdqm.point AS p JOIN hdqm.series AS s ON s.id = p.series_id JOIN hdqm.trend AS t ON t.id = s.trend_id
    WHERE p.series_id = ANY ($1) AND p.status <> 0 AND s.kind = 'run' AND s.slice = ''
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (run_number, primary_dataset_id, processing_id, subsystem_id, status) DO UPDATE SET points = c.points + excluded.points;
END $$;
COMMENT ON FUNCTION hdqm.count_gaps_of(int[], int) IS 'Adds the gaps of series to hdqm.gap_count, times 1 or -1.';

CREATE FUNCTION hdqm.count_series() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    changed int[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO hdqm.series_count AS c
        SELECT t.subsystem_id, s.primary_dataset_id, s.processing_id, count(*), count(*) FILTER (WHERE s.has_value)
        FROM came AS s JOIN hdqm.trend AS t ON t.id = s.trend_id WHERE s.kind = 'run' AND s.slice = ''
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (subsystem_id, primary_dataset_id, processing_id)
        DO UPDATE SET series = c.series + excluded.series, with_value = c.with_value + excluded.with_value;
        RETURN NULL;
    END IF;
    INSERT INTO hdqm.series_count AS c
    SELECT t.subsystem_id, s.primary_dataset_id, s.processing_id, 0, sum(s.has_value::int - o.has_value::int)
    FROM came AS s JOIN went AS o ON o.id = s.id AND o.has_value <> s.has_value JOIN hdqm.trend AS t ON t.id = s.trend_id
    WHERE s.kind = 'run' AND s.slice = ''
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (subsystem_id, primary_dataset_id, processing_id)
    DO UPDATE SET series = c.series + excluded.series, with_value = c.with_value + excluded.with_value;
    changed := ARRAY(SELECT s.id FROM came AS s JOIN went AS o ON o.id = s.id WHERE s.has_value AND NOT o.has_value);
    IF cardinality(changed) > 0 THEN
        PERFORM hdqm.count_gaps_of(changed, 1);
    END IF;
    changed := ARRAY(SELECT s.id FROM came AS s JOIN went AS o ON o.id = s.id WHERE o.has_value AND NOT s.has_value);
    IF cardinality(changed) > 0 THEN
        PERFORM hdqm.count_gaps_of(changed, -1);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION hdqm.count_series() IS 'Trigger: series came, or whether they have a value changed.';
CREATE TRIGGER count_new_series AFTER INSERT ON hdqm.series
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION hdqm.count_series();
CREATE TRIGGER count_changed_series AFTER UPDATE ON hdqm.series
    REFERENCING OLD TABLE AS went NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION hdqm.count_series();

CREATE FUNCTION hdqm.note_ranges() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF EXISTS (SELECT FROM came AS n JOIN went AS o ON o.id = n.id WHERE (n.low, n.high, n.active) IS DISTINCT FROM (o.low, o.high, o.active)) THEN
        UPDATE hdqm.expected_range SET version = version + 1;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION hdqm.note_ranges() IS 'Trigger: the expected range of a trend changed, or whether it is computed.';
CREATE TRIGGER note_ranges AFTER UPDATE ON hdqm.trend
    REFERENCING OLD TABLE AS went NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION hdqm.note_ranges();

-- The load calls it where points of the run were there before: only all of them make a file's range_version true.
CREATE FUNCTION hdqm.compare_with_ranges(run_number int, primary_dataset_id int, processing_id int) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    ids int[] := ARRAY(SELECT s.id FROM hdqm.series AS s WHERE s.primary_dataset_id = $2 AND s.processing_id = $3);
    beyond int[] := ARRAY(
        SELECT p.series_id FROM hdqm.point AS p JOIN hdqm.series AS s ON s.id = p.series_id JOIN hdqm.trend AS t ON t.id = s.trend_id
        WHERE p.run_number = $1 AND s.primary_dataset_id = $2 AND s.processing_id = $3 AND (p.value < t.low OR p.value > t.high));
BEGIN
    DELETE FROM hdqm.point_outside AS o WHERE o.run_number = $1 AND o.series_id = ANY (ids) AND NOT o.series_id = ANY (beyond);
    INSERT INTO hdqm.point_outside (run_number, series_id) SELECT $1, u.id FROM unnest(beyond) AS u (id) ORDER BY 2 ON CONFLICT DO NOTHING;
END $$;
COMMENT ON FUNCTION hdqm.compare_with_ranges(int, int, int) IS 'Compares all points of a run in a dataset with the ranges of now.';

-- -- files -----------------------------------------------------------------------------------------------------------------

CREATE TABLE hdqm.file_tally (
    state hdqm.file_state,
    day date,
    files int NOT NULL,
    points bigint NOT NULL
);
COMMENT ON TABLE hdqm.file_tally IS 'Files by state, and files and points by the day (UTC) on which they were ingested: the sum of the rows. Writers only add rows, so that none waits for another; now and then one writes many as one. Kept by triggers.';
COMMENT ON COLUMN hdqm.file_tally.state IS 'State of files; NULL in rows of days.';
COMMENT ON COLUMN hdqm.file_tally.day IS 'Day of ingest; NULL in rows of states.';
COMMENT ON COLUMN hdqm.file_tally.files IS 'So many more; fewer where it is negative.';
COMMENT ON COLUMN hdqm.file_tally.points IS 'So many more computed points.';

CREATE FUNCTION hdqm.gather_tally() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    -- nobody but the holder of this lock removes rows, and nobody waits for it
    IF pg_try_advisory_xact_lock(5211378346312115056) THEN
        WITH gone AS (DELETE FROM hdqm.file_tally RETURNING *)
        INSERT INTO hdqm.file_tally
        SELECT g.state, g.day, sum(g.files), sum(g.points) FROM gone AS g
        GROUP BY g.state, g.day HAVING sum(g.files) <> 0 OR sum(g.points) <> 0;
    END IF;
END $$;
COMMENT ON FUNCTION hdqm.gather_tally() IS 'Writes the rows of hdqm.file_tally as one for each state and day.';

CREATE OR REPLACE FUNCTION hdqm.note_new_files() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO hdqm.file_event (dqm_file_id, new_state, reason) SELECT id, state, reason FROM came ORDER BY id;
    INSERT INTO hdqm.file_tally
    SELECT f.state, NULL, count(*), 0 FROM came AS f GROUP BY f.state
    UNION ALL
    SELECT NULL, (f.ingested_at AT TIME ZONE 'UTC')::date, count(*), coalesce(sum(cardinality(s.ids)), 0)
    FROM came AS f LEFT JOIN hdqm.definition_set AS s ON s.id = f.definition_set_id WHERE f.ingested_at IS NOT NULL GROUP BY 2;
    IF FOUND AND random() < 0.01 THEN
        PERFORM hdqm.gather_tally();
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION hdqm.note_changed_files() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO hdqm.file_event (dqm_file_id, old_state, new_state, reason)
    SELECT after.id, before.state, after.state, after.reason
    FROM after JOIN before USING (id)
    WHERE (after.state, after.reason) IS DISTINCT FROM (before.state, before.reason)
    ORDER BY after.id;
    WITH changed AS MATERIALIZED (
        SELECT b.state AS old_state, a.state AS new_state,
            (b.ingested_at AT TIME ZONE 'UTC')::date AS old_day, (a.ingested_at AT TIME ZONE 'UTC')::date AS new_day,
            b.definition_set_id AS old_set, a.definition_set_id AS new_set
        FROM after AS a JOIN before AS b ON b.id = a.id
    )
    INSERT INTO hdqm.file_tally
    SELECT s.state, NULL, sum(s.n), 0
    FROM (
        SELECT c.new_state AS state, 1 AS n FROM changed AS c WHERE c.new_state <> c.old_state
        UNION ALL
        SELECT c.old_state, -1 FROM changed AS c WHERE c.new_state <> c.old_state
    ) AS s GROUP BY s.state HAVING sum(s.n) <> 0
    UNION ALL
    SELECT NULL, d.day, sum(d.n), sum(d.n * coalesce(cardinality(k.ids), 0))
    FROM (
        SELECT c.new_day AS day, 1 AS n, c.new_set AS set FROM changed AS c WHERE (c.new_day, c.new_set) IS DISTINCT FROM (c.old_day, c.old_set)
        UNION ALL
        SELECT c.old_day, -1, c.old_set FROM changed AS c WHERE (c.new_day, c.new_set) IS DISTINCT FROM (c.old_day, c.old_set)
    ) AS d LEFT JOIN hdqm.definition_set AS k ON k.id = d.set
    WHERE d.day IS NOT NULL GROUP BY d.day HAVING sum(d.n) <> 0 OR sum(d.n * coalesce(cardinality(k.ids), 0)) <> 0;
    IF FOUND AND random() < 0.01 THEN
        PERFORM hdqm.gather_tally();
    END IF;
    RETURN NULL;
END $$;

-- -- what is there already -------------------------------------------------------------------------------------------------

CREATE FUNCTION hdqm.count_anew() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    LOCK TABLE hdqm.dqm_file, hdqm.series, hdqm.trend IN SHARE ROW EXCLUSIVE MODE; -- nobody loads meanwhile
    TRUNCATE hdqm.series_count, hdqm.gap_count, hdqm.file_tally, hdqm.point_outside;
    INSERT INTO hdqm.series_count
    SELECT t.subsystem_id, s.primary_dataset_id, s.processing_id, count(*), count(*) FILTER (WHERE s.has_value)
    FROM hdqm.series AS s JOIN hdqm.trend AS t ON t.id = s.trend_id WHERE s.kind = 'run' AND s.slice = '' GROUP BY 1, 2, 3;
    INSERT INTO hdqm.gap_count
    SELECT p.run_number, s.primary_dataset_id, s.processing_id, t.subsystem_id, p.status, count(*)
    FROM hdqm.point AS p JOIN hdqm.series AS s ON s.id = p.series_id JOIN hdqm.trend AS t ON t.id = s.trend_id
    WHERE p.status <> 0 AND s.has_value AND s.kind = 'run' AND s.slice = '' GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5;
    INSERT INTO hdqm.file_tally
    SELECT f.state, NULL, count(*), 0 FROM hdqm.dqm_file AS f GROUP BY f.state
    UNION ALL
    SELECT NULL, (f.ingested_at AT TIME ZONE 'UTC')::date, count(*), coalesce(sum(n.n), 0)
    FROM hdqm.dqm_file AS f LEFT JOIN (SELECT s.id, cardinality(s.ids) AS n FROM hdqm.definition_set AS s OFFSET 0) AS n ON n.id = f.definition_set_id
    WHERE f.ingested_at IS NOT NULL GROUP BY 2;
    -- of what pages of the newest ask; older files stay unknown until they are loaded again
    PERFORM hdqm.compare_with_ranges(f.run_number, f.primary_dataset_id, f.processing_id)
    FROM hdqm.dqm_file AS f WHERE f.loaded AND f.ingested_at > now() - interval '2 days';
    UPDATE hdqm.dqm_file SET range_version = (SELECT version FROM hdqm.expected_range)
    WHERE loaded AND ingested_at > now() - interval '2 days' AND range_version IS DISTINCT FROM (SELECT version FROM hdqm.expected_range);
    UPDATE hdqm.dqm_file SET range_version = NULL WHERE range_version IS NOT NULL AND NOT (loaded AND ingested_at > now() - interval '2 days');
END $$;
COMMENT ON FUNCTION hdqm.count_anew() IS 'All counts once more, from the tables: for a database that is older than they are, or was filled around its triggers. As the owner.';
SELECT hdqm.count_anew();
