-- The roles besides the owner, who migrates. Run before the migrations; roles belong to the whole server, so another
-- database of it may have made them, even at this very moment.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hdqm_writer') THEN
        CREATE ROLE hdqm_writer NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $$;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hdqm_reader') THEN
        CREATE ROLE hdqm_reader NOLOGIN CONNECTION LIMIT 50;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $$;
