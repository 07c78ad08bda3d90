"""Configuration of the embedded PostgreSQL, sized to the machine."""

import os
from pathlib import Path

__all__ = ["HBA", "configuration"]

HBA = """\
# Loopback only, and always with a password: every user of the machine reaches the port.
host all all 127.0.0.1/32 scram-sha-256
"""

_MiB = 1024 * 1024

_TEMPLATE = """\
# Written anew at every start; own wishes: ALTER SYSTEM.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''     # no path that could be too long; loopback serves all
max_connections = 100
password_encryption = 'scram-sha-256'

shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
timescaledb.max_background_workers = 0  # maintenance is a Dag of ours
jit = off                        # its compiler is not unpacked, and our queries are short

shared_buffers = {shared_buffers}MB
effective_cache_size = {cache}MB
maintenance_work_mem = {maintenance}MB
work_mem = 32MB                  # a plot of 18 series over 5000 runs with error bars is sorted without a file
random_page_cost = 1.1
max_worker_processes = 16
max_parallel_workers_per_gather = 1
max_locks_per_transaction = 256  # a query over all runs locks every chunk

wal_compression = {compression}
min_wal_size = 128MB
max_wal_size = 2GB
checkpoint_timeout = 15min
{durability}
timezone = '{zone}'
log_timezone = '{zone}'
log_line_prefix = '%m [%p] %q%u@%d '
log_min_duration_statement = 10s
log_lock_waits = on
log_temp_files = 100MB
cluster_name = 'hdqm'
"""

_NOT_DURABLE = "fsync = off\nfull_page_writes = off\n"


def configuration(port: int, *, durable: bool, lz4: bool) -> str:
    """Text of ``postgresql.conf``.

    Args:
        port: on which it listens.
        durable: False: a crash of the machine may cost the data.
        lz4: whether this PostgreSQL was built with lz4: with its own compression of pages, writing a point in each of
            many runs takes seven times as long.
    """
    memory = _memory_mib()
    return _TEMPLATE.format(
        port=port,
        shared_buffers=min(max(memory // 16, 64), 1024),
        cache=max(memory // 2, 256),
        maintenance=min(max(memory // 64, 32), 256),
        compression="lz4" if lz4 else "on",
        durability="" if durable else _NOT_DURABLE,
        zone="UTC" if Path("/usr/share/zoneinfo/UTC").exists() else "GMT",  # GMT needs no time zone data
    )


def _memory_mib() -> int:
    """Memory of the machine, or what its container leaves of it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.exists() else "max"
    return (memory if text == "max" else min(memory, int(text))) // _MiB
