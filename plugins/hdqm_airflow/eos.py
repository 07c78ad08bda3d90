"""EOS: a Kerberos ticket from a keytab, for tasks that read CMS's files by FUSE mount or ``root://``."""

import contextlib
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from airflow.exceptions import AirflowNotFoundException
from airflow.sdk import BaseHook

from hdqm_ops.errors import AuthenticationFailed, ConfigError, HdqmError, MissingTool, ServiceUnavailable

__all__ = ["CONNECTION", "EosHook", "renew_if_named", "renew_ticket"]

CONNECTION = "cms_eos"
_PATIENCE_S = 60
_AWAY = "Cannot contact any KDC"


class EosHook(BaseHook):
    """A connection of type ``cms_eos``: who reads EOS, and the keytab that proves it."""

    conn_name_attr = "eos_conn_id"
    default_conn_name = CONNECTION
    conn_type = "cms_eos"
    hook_name = "CMS EOS (Kerberos)"

    def __init__(self, eos_conn_id: str = CONNECTION, **rest: Any) -> None:
        super().__init__(**rest)
        self.eos_conn_id = eos_conn_id

    def get_conn(self) -> None:
        """Renew the ticket: there is no session to hold."""
        connection = self.get_connection(self.eos_conn_id)
        extra = connection.extra_dejson
        keytab = extra.get("keytab")
        if not connection.login or not keytab:
            raise ConfigError(
                f"the connection {self.eos_conn_id} names no principal or no keytab: login is the principal "
                '(hdqm@CERN.CH), extra is {"keytab": "/path/of/hdqm.keytab"}'
            )
        renew_ticket(connection.login, Path(keytab), extra.get("ccache"))

    def test_connection(self) -> tuple[bool, str]:
        """What the Test button shows."""
        try:
            self.get_conn()
        except HdqmError as error:
            return False, str(error)
        return True, "there is a fresh ticket"


def renew_if_named() -> None:
    """Renew the ticket where an Airflow connection ``cms_eos`` says how; where there is none, somebody else does."""
    with contextlib.suppress(AirflowNotFoundException):
        EosHook().get_conn()


def renew_ticket(principal: str, keytab: Path, ccache: str | None = None) -> None:
    """Get a Kerberos ticket from a keytab.

    A cache in a file is replaced in one step: other tasks read it meanwhile.

    Args:
        principal: ``hdqm@CERN.CH``.
        keytab: file with its key.
        ccache: cache to put the ticket in; None: the one that Kerberos uses by itself.

    Raises:
        MissingTool: there is no ``kinit``.
        ConfigError: the keytab cannot be read.
        AuthenticationFailed: the key distribution centre refuses.
        ServiceUnavailable: it does not answer.
    """
    if not os.access(keytab, os.R_OK):
        raise ConfigError(f"the keytab {keytab} does not exist, or may not be read by the user of Airflow's tasks")
    cache = ccache or os.environ.get("KRB5CCNAME") or f"FILE:/tmp/krb5cc_{os.getuid()}"
    kind, _, place = cache.rpartition(":")
    if kind not in {"", "FILE"}:
        _kinit(principal, keytab, cache)
        return
    folder = Path(place).parent
    descriptor, fresh = tempfile.mkstemp(prefix=".krb5cc_hdqm_", dir=folder)
    os.close(descriptor)
    try:
        _kinit(principal, keytab, f"FILE:{fresh}")
        Path(fresh).replace(place)
    finally:
        Path(fresh).unlink(missing_ok=True)
    if ccache:
        os.environ["KRB5CCNAME"] = cache  # for the xrootd client of this task


def _kinit(principal: str, keytab: Path, cache: str) -> None:
    command = ["kinit", "-c", cache, "-k", "-t", str(keytab), principal]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_PATIENCE_S)
    except FileNotFoundError as error:
        raise MissingTool("there is no kinit: install krb5-user (Debian) or krb5-workstation (Alma)") from error
    except subprocess.TimeoutExpired as error:
        raise ServiceUnavailable("Kerberos", principal, f"kinit took longer than {_PATIENCE_S} s") from error
    if done.returncode != 0:
        said = " ".join(done.stderr.split()) or f"kinit ended with {done.returncode}"
        if _AWAY in said:
            raise ServiceUnavailable("Kerberos", principal, said)
        raise AuthenticationFailed(
            "Kerberos",
            principal,
            said,
            f"is {keytab} still the keytab of {principal}? Ask for a new one as README says",
        )
