#!/bin/sh
# Entry point of the image, with the conventions of Airflow's own:
#   bash …  python …  hdqm …   run that program;  airflow …  or just  scheduler …   run Airflow;  nothing: a shell.
# CONNECTION_CHECK_MAX_COUNT=N   waits N seconds for the databases that Airflow and HDQM are given (20; 0: does not wait)
# _AIRFLOW_DB_MIGRATE=true       migrates Airflow's tables first
# Any user id runs it, so it works where a platform chooses one at random; the group is 0, and files are group-writable.
set -eu
umask 0002

await_port() {  # address of a database
    python - "$1" "${CONNECTION_CHECK_MAX_COUNT:-20}" <<'PYTHON'
import socket, sys, time
from urllib.parse import urlsplit

parts, tries = urlsplit(sys.argv[1]), int(sys.argv[2])
for left in range(tries, 0, -1):
    try:
        socket.create_connection((parts.hostname, parts.port or 5432), 5).close()
        break
    except OSError as error:
        if left == 1:
            sys.exit(f"{parts.hostname}:{parts.port or 5432} does not answer after {tries} s: {error}")
        time.sleep(1)
PYTHON
}

for address in "${AIRFLOW__DATABASE__SQL_ALCHEMY_CONN:-}" "${HDQM_DATABASE_URL:-}"; do
    case "$address" in
        postgres*) await_port "$address" ;;
    esac
done

if [ "${_AIRFLOW_DB_MIGRATE:-}" = true ]; then
    airflow db migrate
fi

case "${1:-}" in
    '') exec bash ;;
    bash|sh|python|hdqm|airflow|/*) exec "$@" ;;
    *) exec airflow "$@" ;;
esac
