"""Tickets from a keytab, with a stand-in for ``kinit`` on PATH that notes what it was asked."""

import json
import os
import pickle

import pytest

from hdqm_ops.errors import AuthenticationFailed, ConfigError, MissingTool, TryAgain

pytestmark = pytest.mark.airflow

KINIT = """#!/bin/sh
echo "$@" >> {notes}
[ -e {folder}/refuse ] && {{ echo "kinit: Password incorrect while getting initial credentials" >&2; exit 1; }}
[ -e {folder}/away ] && {{ echo "kinit: Cannot contact any KDC for realm 'CERN.CH'" >&2; exit 1; }}
while [ "$1" != -c ]; do shift; done
case "$2" in FILE:*) echo ticket > "${{2#FILE:}}";; esac
"""


@pytest.fixture
def kinit(tmp_path, monkeypatch):
    """Folder with a keytab; ``kinit`` writes the ticket, unless there is a file ``refuse`` or ``away``."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    program = tmp_path / "bin" / "kinit"
    program.parent.mkdir()
    program.write_text(KINIT.format(notes=tmp_path / "notes", folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'tickets'}")
    (tmp_path / "hdqm.keytab").write_bytes(b"key")
    return tmp_path


def name(monkeypatch, folder, **extra):
    connection = {
        "conn_type": "cms_eos",
        "login": "hdqm@CERN.CH",
        "extra": {"keytab": f"{folder}/hdqm.keytab", **extra},
    }
    monkeypatch.setenv("AIRFLOW_CONN_CMS_EOS", json.dumps(connection))


def test_a_ticket_is_renewed_before_a_batch(kinit, monkeypatch):
    from hdqm_airflow.connections import settings

    name(monkeypatch, kinit)
    monkeypatch.setenv("AIRFLOW_CONN_HDQM_DB", "postgresql://u:p@nowhere/hdqm")
    settings()

    asked = (kinit / "notes").read_text().split()
    assert asked[:1] + asked[2:] == ["-c", "-k", "-t", f"{kinit}/hdqm.keytab", "hdqm@CERN.CH"]
    assert (kinit / "tickets").read_text() == "ticket\n"
    assert asked[1] != f"FILE:{kinit}/tickets"  # it is put there in one step: others read it
    assert sorted(path.name for path in kinit.iterdir() if path.name.startswith(".krb5cc")) == []


def test_a_cache_of_its_own_is_told_to_the_clients(kinit, monkeypatch):
    from hdqm_airflow.eos import EosHook

    name(monkeypatch, kinit, ccache=f"FILE:{kinit}/own")
    assert EosHook().test_connection() == (True, "there is a fresh ticket")

    assert (kinit / "own").exists()
    assert os.environ["KRB5CCNAME"] == f"FILE:{kinit}/own"


def test_caches_that_are_no_files_are_left_to_kinit(kinit, monkeypatch):
    from hdqm_airflow.eos import renew_ticket

    renew_ticket("hdqm@CERN.CH", kinit / "hdqm.keytab", "KEYRING:persistent:0")
    assert "-c KEYRING:persistent:0 -k" in (kinit / "notes").read_text()


def test_without_a_connection_nothing_is_asked(kinit, monkeypatch):
    from airflow.sdk.exceptions import AirflowNotFoundException

    from hdqm_airflow import eos

    def absent(self, name):
        raise AirflowNotFoundException(name)

    monkeypatch.setattr(eos.EosHook, "get_connection", absent)
    eos.renew_if_named()
    assert not (kinit / "notes").exists()


def test_a_refusal_leaves_the_old_ticket(kinit, monkeypatch):
    from hdqm_airflow.eos import renew_ticket

    (kinit / "tickets").write_text("old")
    (kinit / "refuse").touch()
    with pytest.raises(AuthenticationFailed, match="Password incorrect") as told:
        renew_ticket("hdqm@CERN.CH", kinit / "hdqm.keytab")

    assert (kinit / "tickets").read_text() == "old"
    assert str(pickle.loads(pickle.dumps(told.value))) == str(told.value)


def test_a_centre_that_does_not_answer_is_a_passing_fault(kinit):
    from hdqm_airflow.eos import renew_ticket

    (kinit / "away").touch()
    with pytest.raises(TryAgain, match="Cannot contact any KDC"):
        renew_ticket("hdqm@CERN.CH", kinit / "hdqm.keytab")


def test_what_is_missing_is_said(kinit, monkeypatch):
    from hdqm_airflow.eos import EosHook, renew_ticket

    with pytest.raises(ConfigError, match="does not exist"):
        renew_ticket("hdqm@CERN.CH", kinit / "nothing.keytab")
    name(monkeypatch, kinit, keytab="")
    with pytest.raises(ConfigError, match="names no principal or no keytab"):
        EosHook().get_conn()
    monkeypatch.setenv("PATH", str(kinit / "nowhere"))
    with pytest.raises(MissingTool, match="krb5-user"):
        renew_ticket("hdqm@CERN.CH", kinit / "hdqm.keytab")


def test_airflow_knows_the_type_of_connection(kinit):
    from importlib.metadata import entry_points

    [provider] = [e for e in entry_points(group="apache_airflow_provider") if e.value.startswith("hdqm_airflow")]
    info = provider.load()()
    assert info["package-name"] == "hdqm-ops"
    assert [kind["connection-type"] for kind in info["connection-types"]] == ["cms_eos", "cms_oms", "cms_rr"]
