"""The schema, step by step: ``sql/migrations/NNNN_what.sql``, each applied once, whole or not at all.

A file that says ``-- hdqm: no-transaction`` in its first lines holds statements that PostgreSQL refuses inside of a
transaction, parted by lines ``-- hdqm: next``. Such a file is noted down before it begins, so that one which broke off
is seen.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

from psycopg import errors

from hdqm_ops.errors import ConfigError
from hdqm_ops.load._connection import Connection, connect, translated
from hdqm_ops.load._reader_role import limit_reader
from hdqm_ops.load._sql import query, sql_folder
from hdqm_ops.model import Reason

__all__ = ["MigrationStatus", "migrate", "migration_status", "restrict_reader"]

State: TypeAlias = Literal["applied", "pending", "altered", "unknown", "half-applied", "out of order"]

_NAME = re.compile(r"(?P<number>\d{4})_(?P<name>[a-z0-9_]+)\.sql")
_NO_TRANSACTION = re.compile(r"^-- hdqm: no-transaction$", re.MULTILINE)
_NEXT = re.compile(r"^-- hdqm: next$", re.MULTILINE)
_EXISTS = (errors.DuplicateTable, errors.DuplicateObject, errors.DuplicateFunction, errors.DuplicateColumn)
_CURES: dict[State, str] = {
    "altered": "was changed after it was applied here: restore the file as it was released, "
    "and put the change into a new migration",
    "unknown": "is applied here, but this version of HDQM does not have it: "
    "the database belongs to a newer HDQM, update yours",
    "half-applied": "was begun and broke off: undo by hand what it did, delete its row of hdqm.migration, "
    "and migrate again",
    "out of order": "is not applied, but a later one is: give it a number after the last",
}


@dataclass(frozen=True, slots=True)
class _File:
    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def transaction(self) -> bool:
        return not _NO_TRANSACTION.search(self.text[:500])


@dataclass(frozen=True, slots=True)
class _Record:
    number: int
    name: str
    sha256: str
    applied_at: datetime | None


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """What became of one migration in one database.

    Attributes:
        number: its number.
        name: its name.
        state: ``applied``, ``pending``, or what is wrong with it.
        applied_at: when it was applied, None where it is not.
    """

    number: int
    name: str
    state: State
    applied_at: datetime | None = None

    def __str__(self) -> str:
        return f"{self.number:04}_{self.name}"


# -- the front door ----------------------------------------------------------------------------------------------------


def migrate(url: str, *, reader_timeout_s: int = 30, folder: Path | None = None) -> list[str]:
    """Bring the schema up to date, as owner of the database; a second one at the same time waits.

    Args:
        url: address of the database, as its owner.
        reader_timeout_s: longest statement of role ``hdqm_reader``.
        folder: migrations to apply in place of ours.

    Returns:
        Names of the migrations that were applied now.

    Raises:
        ConfigError: a migration was altered, is half applied, unknown or out of order; the message says what to do.
        DatabaseUnavailable: no database answers.
    """
    files = _read(folder or sql_folder() / "migrations")
    with connect(url, role=None, application_name="hdqm migrate") as connection, translated(), _alone(connection):
        _prepare(connection)
        status = _compare(files, _records(connection))
        _refuse(status)
        pending = [file for file, fact in zip(files, status, strict=True) if fact.state == "pending"]
        for file in pending:
            _apply(connection, file)
        switched = _switch_on_edition(connection)
        _finish(connection, reader_timeout_s, anew=bool(pending) or switched)
    return [f"{file.number:04}_{file.name}" for file in pending]


def migration_status(url: str, *, folder: Path | None = None) -> list[MigrationStatus]:
    """Each migration and what became of it; changes nothing."""
    files = _read(folder or sql_folder() / "migrations")
    with connect(url, role=None) as connection, translated():
        return _compare(files, _records(connection) if _has_record(connection) else [])


def restrict_reader(superuser_url: str) -> None:
    """Take from everybody what only a superuser can take; needed where the owner of the database is none."""
    with connect(superuser_url, role=None) as connection, translated():
        connection.execute((sql_folder() / "superuser.sql").read_bytes())


# -- files and records -------------------------------------------------------------------------------------------------


def _read(folder: Path) -> list[_File]:
    files = []
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise ConfigError(f"{path}: a migration is named like 0001_what_it_does.sql")
        files.append(_File(int(match["number"]), match["name"], path.read_text(encoding="utf-8")))
    if not files:
        raise ConfigError(f"no migrations in {folder}: the installation of HDQM is not complete")
    if [file.number for file in files] != list(range(1, len(files) + 1)):
        raise ConfigError(f"{folder}: the numbers of the migrations must go 1, 2, 3, … without gap or repetition")
    return files


def _has_record(connection: Connection) -> bool:
    return connection.execute("SELECT FROM pg_class WHERE oid = to_regclass('hdqm.migration')").fetchone() is not None


def _records(connection: Connection) -> list[_Record]:
    rows = connection.execute(query("migrate", "recorded")).fetchall()
    return [_Record(*row) for row in rows]


def _compare(files: Sequence[_File], records: Sequence[_Record]) -> list[MigrationStatus]:
    known = {record.number: record for record in records}
    last = max(known, default=0)
    facts = [_status(file, known.pop(file.number, None), last) for file in files]
    facts += [MigrationStatus(record.number, record.name, "unknown", record.applied_at) for record in known.values()]
    return facts


def _status(file: _File, record: _Record | None, last: int) -> MigrationStatus:
    state: State = "applied"
    if record is None:
        state = "out of order" if file.number < last else "pending"
    elif record.applied_at is None:
        state = "half-applied"
    elif (record.name, record.sha256) != (file.name, file.sha256):
        state = "altered"
    return MigrationStatus(file.number, file.name, state, record.applied_at if record else None)


def _refuse(status: Sequence[MigrationStatus]) -> None:
    wrong = [f"migration {fact} {_CURES[fact.state]}" for fact in status if fact.state in _CURES]
    if wrong:
        raise ConfigError("; ".join(wrong))


# -- applying ----------------------------------------------------------------------------------------------------------


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Hold the lock of migrations; of two that migrate at once the second waits."""
    connection.execute(query("migrate", "lock"))
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(query("migrate", "unlock"))


def _prepare(connection: Connection) -> None:
    """Make roles, schema and the record of migrations; refuse a schema whose record is lost."""
    connection.execute((sql_folder() / "roles.sql").read_bytes())
    with connection.transaction():
        if not _has_record(connection):
            connection.execute(query("migrate", "make_record"))
        left = connection.execute(query("migrate", "objects_without_record")).fetchone()
        if left and left[0]:
            raise ConfigError(
                f"schema hdqm holds {left[0]}, but no migration is recorded: it was made by something else, or "
                "restored in part; restore it whole, or DROP SCHEMA hdqm CASCADE, and migrate again"
            )


def _apply(connection: Connection, file: _File) -> None:
    try:
        if file.transaction:
            with connection.transaction():
                connection.execute(file.text.encode())
                _record(connection, file, finished=True)
            return
        _record(connection, file, finished=False)
        for statement in _NEXT.split(file.text):
            connection.execute(statement.encode())
        _record(connection, file, finished=True)
    except _EXISTS as error:
        raise ConfigError(
            f"migration {file.number:04}_{file.name} finds something already there ({error.diag.message_primary}): "
            "it was made by hand, or by a migration whose record is lost; remove it, or restore the database, "
            "and migrate again"
        ) from error
    except (errors.UndefinedFile, errors.FeatureNotSupported) as error:
        raise ConfigError(
            f"migration {file.number:04}_{file.name}: {error.diag.message_primary}; HDQM needs a PostgreSQL with "
            "TimescaleDB: `hdqm db start` brings one"
        ) from error


def _record(connection: Connection, file: _File, *, finished: bool) -> None:
    facts = {"number": file.number, "name": file.name, "sha256": file.sha256, "finished": finished}
    connection.execute(query("migrate", "record"), facts)


# -- what follows every migration --------------------------------------------------------------------------------------


def _switch_on_edition(connection: Connection) -> bool:
    """Let TimescaleDB's Community edition do what only it can; whether anything was new."""
    if connection.execute(query("maintenance", "community")).fetchone() is None:
        return False
    before = connection.execute(query("maintenance", "switched_on")).fetchone()
    for statement in _NEXT.split((sql_folder() / "community.sql").read_text(encoding="utf-8")):
        connection.execute(statement.encode())
    return before != connection.execute(query("maintenance", "switched_on")).fetchone()


def _finish(connection: Connection, reader_timeout_s: int, *, anew: bool) -> None:
    """Bring reasons and rights up to date; rights only where something changed, for that touches every chunk."""
    rights = (sql_folder() / "access.sql").read_bytes()
    superuser = (sql_folder() / "superuser.sql").read_bytes()
    digest = hashlib.sha256(rights + superuser + str(reader_timeout_s).encode()).hexdigest()
    with connection.transaction():
        connection.cursor().executemany(
            query("migrate", "upsert_reason"),
            [{"number": reason.number, "code": reason.code, "meaning": reason.meaning} for reason in Reason],
        )
        if anew or connection.execute(query("migrate", "rights_are_current"), {"digest": digest}).fetchone() is None:
            connection.execute(rights)
            if connection.execute(query("migrate", "is_superuser")).fetchone() is not None:
                connection.execute(superuser)
            limit_reader(connection, reader_timeout_s)
            connection.execute(query("migrate", "note_rights"), {"digest": digest})
