"""Where the data of the embedded database lie: in the state folder, or where PostgreSQL's user can get at them."""

import os
import shutil
import tempfile
from pathlib import Path

from hdqm_ops.errors import ConfigError
from hdqm_ops.local._account import Account

__all__ = ["existing_place", "make_home", "make_open", "make_place", "orphans", "remove_place"]

# Tried in this order by root, the only one who runs PostgreSQL as somebody else. /var/tmp may be swept by the machine.
_ELSEWHERE = (Path("/var/lib/hdqm"), Path("/var/tmp/hdqm"))  # noqa: S108 - a folder with a random name is made below it
_OWNER_FILE = "belongs-to"


def existing_place(home: Path) -> Path | None:
    """The folder of the data of this state folder; None before the first start.

    Where the data lie elsewhere, ``home/postgres`` is a link to them. A checkout may be copied, link and all: then the
    data stay with the first one. It may also be moved: then they go with it.
    """
    link = home / "postgres"
    if not link.is_symlink():
        return link if link.is_dir() else None
    folder = link.resolve()
    try:
        owner = Path((folder / _OWNER_FILE).read_text())
    except FileNotFoundError:
        return None
    if owner == link.absolute():
        return folder
    if owner.is_symlink() and owner.resolve() == folder:
        return None
    (folder / _OWNER_FILE).write_text(str(link.absolute()))
    return folder


def make_home(home: Path) -> None:
    """Make the state folder. Others may pass through, and only that, where PostgreSQL will be one of them."""
    make_open(home, 0o711 if os.geteuid() == 0 else 0o700)


def make_open(folder: Path, mode: int) -> None:
    """Make a folder with these rights whatever the umask is; one that is there keeps its rights."""
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)


def make_place(home: Path, account: Account) -> Path:
    """Make the folder for the data, where PostgreSQL's user can get at it."""
    link = home / "postgres"
    link.unlink(missing_ok=True)  # of a copied checkout
    if account.can_enter(home):
        return account.own(link)
    for parent in _ELSEWHERE:
        try:
            make_open(parent, 0o755)
            folder = Path(tempfile.mkdtemp(prefix="postgres-", dir=parent))
        except OSError:
            continue
        if account.can_enter(parent):
            (folder / _OWNER_FILE).write_text(str(link.absolute()))
            os.chown(folder, account.uid, account.gid)
            link.symlink_to(folder)
            return folder
        folder.rmdir()
    tried = " nor ".join(map(str, (home, *_ELSEWHERE)))
    raise ConfigError(
        f"PostgreSQL runs as {account.name!r} here, who can enter neither {tried}: "
        "set HDQM_HOME to a folder below one that all users can enter"
    )


def orphans(home: Path) -> list[Path]:
    """Data folders elsewhere of this very state folder, which was removed by hand since they were made."""
    link = home / "postgres"
    notes = (note for parent in _ELSEWHERE for note in parent.glob(f"postgres-*/{_OWNER_FILE}"))
    return [note.parent for note in notes if _owner(note) == str(link.absolute()) and note.parent != link.resolve()]


def _owner(note: Path) -> str | None:
    try:
        return note.read_text()
    except OSError:  # another one's, and that one is removing it now, or shows it to nobody
        return None


def remove_place(home: Path, folder: Path) -> None:
    """Remove the data."""
    link = home / "postgres"
    if link.is_symlink() and link.resolve() == folder:
        link.unlink()
    shutil.rmtree(folder)
