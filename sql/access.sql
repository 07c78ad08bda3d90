-- Who may do what. Run at the end of every migrate, so that what a migration added is covered too.
-- Anybody who sees a dashboard can send any SQL as hdqm_reader, and a session can lift its own time limit and its
-- read-only mode: what it must not do, it must have no right to.

DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO hdqm_reader', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO hdqm_writer', current_database());
END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

GRANT USAGE ON SCHEMA hdqm TO hdqm_reader, hdqm_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA hdqm TO hdqm_reader, hdqm_writer;
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA hdqm TO hdqm_writer;
REVOKE INSERT, UPDATE, DELETE ON hdqm.migration, hdqm.reason FROM hdqm_writer;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA hdqm FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA hdqm TO hdqm_writer;

DO $$
DECLARE
    f regprocedure;
BEGIN
    -- of our own functions the reader gets those that only read
    FOR f IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'hdqm'::regnamespace AND provolatile IN ('i', 's')
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO hdqm_reader', f);
    END LOOP;
END $$;
