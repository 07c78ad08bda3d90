-- What only a superuser can take from everybody: functions of PostgreSQL that do more than read, or wait on purpose.
-- Run by migrate where the owner is a superuser, else by whoever runs the server, as the local stack does.
DO $$
DECLARE
    f regprocedure;
    owner name := (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database());
BEGIN
    FOR f IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace
            AND prokind = 'f'
            AND (
                proname ~ '^(lo_.*|lowrite|loread)$'
                OR proname ~ '^pg_(try_)?advisory_'
                OR proname ~ '^pg_sleep'
                OR proname IN (
                    'pg_notify', 'pg_logical_emit_message', 'pg_export_snapshot', 'pg_current_xact_id', 'txid_current',
                    'pg_cancel_backend', 'pg_terminate_backend'
                )
            )
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO hdqm_writer, %I', f, owner);
    END LOOP;
    -- spilling to disk without end would fill it for everybody
    EXECUTE format('ALTER ROLE hdqm_reader IN DATABASE %I SET temp_file_limit = ''2GB''', current_database());
END $$;
