"""How long a listing takes until it is in the ledger, what it touches there, and what Airflow would be asked to map.

By hand: ``register_files.py [FILES [PORT]]``. Needs the embedded TimescaleDB, which it starts in a folder of its own.
"""

import json
import os
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from find_files import make_tree
from pydantic import SecretStr

from hdqm_ops import discover, load
from hdqm_ops.local import Postgres
from hdqm_ops.pipeline import plan
from hdqm_ops.pipeline._listing import register
from hdqm_ops.pipeline._request import Request
from hdqm_ops.settings import Settings

BEFORE = "CREATE TEMP TABLE before AS SELECT id, ctid AS place, xmin::text AS writer FROM hdqm.dqm_file"
WRITTEN = """
SELECT count(*) FROM hdqm.dqm_file f LEFT JOIN before USING (id)
WHERE (f.ctid, f.xmin::text) IS DISTINCT FROM (place, writer)
"""
PORT = int(sys.argv[2]) if len(sys.argv) > 2 else 25433


def step(title: str, connection: load.Connection, settings: Settings) -> None:
    connection.execute(BEFORE)
    began = time.perf_counter()
    files = list(discover.find(settings.files))
    listed = time.perf_counter()
    done = register(connection, settings, Request(), files)
    ended = time.perf_counter()
    written = connection.execute(WRITTEN).fetchone()[0]
    connection.execute("DROP TABLE before")
    sys.stdout.write(
        f"{title}: {len(files)} files listed in {listed - began:.2f} s, registered in {ended - listed:.2f} s, "
        f"{done.new} new, {done.changed} changed; {written} rows of the ledger were written\n"
    )


def planned(settings: Settings) -> None:
    began = time.perf_counter()
    made = plan(settings, Request(files=settings.files))
    batches = made.batches
    asked = json.dumps([batch.as_json() for batch in batches])
    sys.stdout.write(
        f"planned in {time.perf_counter() - began:.2f} s: {len(made.work)} files in {len(batches)} batches of "
        f"{len(batches[0].file_ids)}, {len(asked) / 1e6:.1f} MB between the tasks\n"
    )


def main() -> None:
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as tree:
        Path(home).chmod(0o755)
        make_tree(Path(tree), files)
        server = Postgres(Settings(home=Path(home), db_port=PORT))
        try:
            server.start()
            load.migrate(server.superuser_url)
            settings = Settings(files=(tree,))
            with closing(load.connect(server.superuser_url)) as connection:
                step("first", connection, settings)
                step("unchanged", connection, settings)
                some = sorted(Path(tree).rglob("*.root"))[:10]
                for path in some:
                    os.utime(path, (1.7e9, 1.7e9))
                step("ten touched", connection, settings)
                for path in some:
                    path.unlink()
                step("ten gone", connection, settings)
            planned(settings.model_copy(update={"database_url": SecretStr(server.superuser_url)}))
        finally:
            server.destroy()


if __name__ == "__main__":
    main()
