-- end_long_sessions --
-- Who only reads: members of hdqm_reader that may not write, superusers never. A question counts from its own begin or
-- from that of its transaction: a block of code that commits on its way begins no new question, and a transaction that
-- is left open asks none. Found first and ended then, for conditions are tried in any order.
WITH found AS MATERIALIZED (
    SELECT
        pid, usename, coalesce(host(client_addr), 'local') AS address,
        extract(epoch FROM clock_timestamp() - least(xact_start, query_start))::float8 AS seconds,
        left(regexp_replace(query, '\s+', ' ', 'g'), 300) AS asked
    FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND state <> 'idle'
        AND pid <> pg_backend_pid()
        AND pg_has_role(usesysid, 'hdqm_reader', 'MEMBER') AND NOT pg_has_role(usesysid, 'hdqm_writer', 'MEMBER')
        AND least(xact_start, query_start) < clock_timestamp() - %(seconds)s::float8 * interval '1 second'
), ended AS MATERIALIZED (
    SELECT found.*, pg_terminate_backend(pid) AS gone FROM found
)
SELECT pid, usename, address, seconds, asked FROM ended WHERE gone

-- reader_settings --
-- What sessions of hdqm_reader begin with, by role in this database, or by role everywhere. The limit of what it may
-- spill to disk is the superuser's, and no role can change it for itself.
SELECT split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1), s.setdatabase <> 0
FROM pg_db_role_setting AS s, unnest(s.setconfig) AS setting
WHERE s.setrole = 'hdqm_reader'::regrole AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    AND NOT starts_with(setting, 'temp_file_limit=')
