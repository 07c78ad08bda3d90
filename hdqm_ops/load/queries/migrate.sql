-- lock --
-- Held by the session, because each migration commits by itself.
SELECT pg_advisory_lock(5211378346312115053)

-- unlock --
SELECT pg_advisory_unlock(5211378346312115053)

-- make_record --
-- Number 0 keeps which rights were given last.
CREATE SCHEMA IF NOT EXISTS hdqm;
CREATE TABLE hdqm.migration (
    number int PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz,
    applied_by text NOT NULL DEFAULT session_user
);
COMMENT ON SCHEMA hdqm IS 'Historic data quality monitoring: trend points, the histograms behind them, the ledger of DQM files.';
COMMENT ON TABLE hdqm.migration IS 'Migrations that were applied.';
COMMENT ON COLUMN hdqm.migration.number IS 'Number of the file; 0 is the file of rights.';
COMMENT ON COLUMN hdqm.migration.name IS 'Name of the file.';
COMMENT ON COLUMN hdqm.migration.sha256 IS 'SHA-256 of its text when it was applied.';
COMMENT ON COLUMN hdqm.migration.applied_at IS 'When; NULL: begun and not finished.';
COMMENT ON COLUMN hdqm.migration.applied_by IS 'Who.';

-- objects_without_record --
SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class
WHERE relnamespace = 'hdqm'::regnamespace AND relkind IN ('r', 'v', 'p') AND relname <> 'migration'
    AND NOT EXISTS (SELECT FROM hdqm.migration WHERE number > 0)

-- recorded --
SELECT number, name, sha256, applied_at FROM hdqm.migration WHERE number > 0 ORDER BY number

-- record --
INSERT INTO hdqm.migration (number, name, sha256, applied_at)
VALUES (%(number)s, %(name)s, %(sha256)s, CASE WHEN %(finished)s THEN now() END)
ON CONFLICT (number) DO UPDATE SET applied_at = excluded.applied_at

-- upsert_reason --
-- The list in the program is the source; a reason that was ever written is never removed.
INSERT INTO hdqm.reason (number, code, meaning) VALUES (%(number)s, %(code)s, %(meaning)s)
ON CONFLICT (number) DO UPDATE SET code = excluded.code, meaning = excluded.meaning
WHERE (reason.code, reason.meaning) IS DISTINCT FROM (excluded.code, excluded.meaning)

-- rights_are_current --
-- A restored database may have the note and not the rights, or those and not the limits of the reader: no dump of a
-- database has what ALTER ROLE … IN DATABASE has set.
SELECT FROM hdqm.migration
WHERE number = 0 AND sha256 = %(digest)s AND has_schema_privilege('hdqm_reader', 'hdqm', 'USAGE')
    AND EXISTS (
        SELECT FROM pg_db_role_setting
        WHERE setrole = 'hdqm_reader'::regrole
            AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    )

-- note_rights --
INSERT INTO hdqm.migration (number, name, sha256, applied_at) VALUES (0, 'access', %(digest)s, now())
ON CONFLICT (number) DO UPDATE SET sha256 = excluded.sha256, applied_at = excluded.applied_at

-- is_superuser --
SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper
