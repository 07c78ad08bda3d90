"""How long a listing takes until it is in the ledger. By hand: ``register_files.py [FILES [PORT]]``.

Needs the embedded TimescaleDB, which it starts in a folder of its own.
"""

import os
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from find_files import make_tree

from hdqm_ops import discover, load
from hdqm_ops.local import Postgres
from hdqm_ops.pipeline._listing import register
from hdqm_ops.pipeline._request import Request
from hdqm_ops.settings import Settings

PORT = int(sys.argv[2]) if len(sys.argv) > 2 else 25433


def step(title: str, connection: load.Connection, settings: Settings) -> None:
    began = time.perf_counter()
    files = list(discover.find(settings.files))
    listed = time.perf_counter()
    done = register(connection, settings, Request(), files)
    ended = time.perf_counter()
    written = connection.execute("SELECT count(*) FROM hdqm.file_event").fetchone()[0]
    sys.stdout.write(
        f"{title}: {len(files)} files listed in {listed - began:.2f} s, registered in {ended - listed:.2f} s, "
        f"{done.new} new, {done.changed} changed; {written} events in the ledger\n"
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
        finally:
            server.destroy()


if __name__ == "__main__":
    main()
