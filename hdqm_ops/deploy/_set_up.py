"""What happens once before the containers start, and again, harmlessly, at every start and update."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from hdqm_ops import load, pipeline, show
from hdqm_ops.deploy._settings import DeploySettings
from hdqm_ops.errors import DatabaseUnavailable, HdqmError, MissingTool
from hdqm_ops.local import answers, create_database, load_timescaledb, prepare_roles
from hdqm_ops.settings import Settings

__all__ = ["run_airflow", "set_up"]

_POOLS = {  # named by the Dags: name → slots (None: HDQM_TASKS), what for
    "hdqm_load": (None, "Tasks that load what is asked for in bulk (HDQM_TASKS)"),
    "hdqm_fresh": (1, "Tasks that load files that have just come"),
}
_ADMIN = "admin"


def set_up(deploy: DeploySettings, settings: Settings, say: Callable[[str], None]) -> None:
    """Bring roles, databases, schema, configuration, Airflow's tables, user and pool, and provisioning up to date.

    Args:
        deploy: addresses and passwords.
        settings: what the parts run with: configurations, the reader's limit.
        say: is told what was done.

    Raises:
        DatabaseUnavailable: the database does not answer in ``deploy.patience_s``.
        ConfigError: the server has no TimescaleDB; a migration was altered.
        HdqmError: a command of Airflow ended badly; with what it said.
    """
    _await_database(deploy)
    _set_up_database(deploy, settings, say)
    _apply_configuration(deploy, settings, say)
    _set_up_airflow(deploy, say)
    _write_provisioning(deploy, say)


# -- the database ------------------------------------------------------------------------------------------------------


def _await_database(deploy: DeploySettings) -> None:
    deadline = time.monotonic() + deploy.patience_s
    while complaint := answers(deploy.url("postgres", "postgres")):
        if time.monotonic() > deadline:
            raise DatabaseUnavailable(
                f"the database at {deploy.database} does not answer after {deploy.patience_s:.0f} s: {complaint}"
            )
        time.sleep(1)


def _set_up_database(deploy: DeploySettings, settings: Settings, say: Callable[[str], None]) -> None:
    server = deploy.url("postgres", "postgres")
    passwords = {
        "hdqm_owner": deploy.owner_password,
        "hdqm_writer": deploy.writer_password,
        "hdqm_reader": deploy.reader_password,
        "airflow": deploy.airflow_password,
    }
    prepare_roles(server, {role: password.get_secret_value() for role, password in passwords.items()})
    create_database(server, "hdqm", "hdqm_owner")
    create_database(server, "airflow", "airflow")
    load_timescaledb(deploy.url("postgres", "hdqm"))
    applied = load.migrate(deploy.url("hdqm_owner", "hdqm"), reader_timeout_s=settings.reader_timeout_s)
    load.restrict_reader(deploy.url("postgres", "hdqm"))
    say(f"database: {len(applied)} migrations applied" if applied else "database: up to date")


def _apply_configuration(deploy: DeploySettings, settings: Settings, say: Callable[[str], None]) -> None:
    """Let dashboards know the trends before the first file comes; a broken tree is the next ingest's complaint."""
    url = SecretStr(deploy.url("hdqm_writer", "hdqm"))
    try:
        tree = pipeline.read_configuration(pipeline.config_roots(settings))
        pipeline.apply_configuration(settings.model_copy(update={"database_url": url}), tree)
    except HdqmError as error:
        say(f"configuration: not applied; {error}")
    else:
        say("configuration: applied")


# -- Airflow -----------------------------------------------------------------------------------------------------------


def _set_up_airflow(deploy: DeploySettings, say: Callable[[str], None]) -> None:
    run_airflow("db", "migrate")
    say("Airflow: tables are up to date")
    for name, (slots, told) in _POOLS.items():
        run_airflow("pools", "set", name, str(slots or deploy.tasks), told)
        say(f"Airflow: pool {name} of {slots or deploy.tasks}")
    if "fab" in os.environ.get("AIRFLOW__CORE__AUTH_MANAGER", ""):
        _set_up_admin(deploy.admin_password.get_secret_value())
        say(f"Airflow: user {_ADMIN}")


def _set_up_admin(password: str) -> None:
    """Make the first user, or give it this password; others are made in the UI, or come with the sign-on."""
    person = ("--firstname", "HDQM", "--lastname", "Admin", "--email", "admin@localhost")
    said = run_airflow("users", "create", "--username", _ADMIN, "--role", "Admin", *person, "--password", password)
    if "already exist" in said:
        run_airflow("users", "reset-password", "--username", _ADMIN, "--password", password)


def run_airflow(*arguments: str, may_fail: bool = False) -> str:
    """Run a command of Airflow; what it printed.

    Raises:
        MissingTool: Airflow is not installed.
        HdqmError: the command failed, and may not.
    """
    program = Path(sys.executable).parent / "airflow"
    if not program.exists():
        raise MissingTool(f"Airflow is not installed beside {sys.executable}: pip install 'hdqm-ops[airflow,fab]'")
    done = subprocess.run([str(program), *arguments], check=False, capture_output=True, text=True)
    if done.returncode != 0 and not may_fail:
        # only the command's name: its arguments may hold a password
        said = f"{done.stdout}\n{done.stderr}".strip()[-2000:]
        raise HdqmError(f"airflow {' '.join(arguments[:2])} ended with {done.returncode}:\n{said}")
    return done.stdout


# -- Grafana -----------------------------------------------------------------------------------------------------------


def _write_provisioning(deploy: DeploySettings, say: Callable[[str], None]) -> None:
    """Write what Grafana reads at its start: ours, and contact points where some are set."""
    folder = deploy.provisioning
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        shutil.rmtree(old)
    shutil.copytree(show.grafana_folder() / "provisioning", folder, dirs_exist_ok=True)
    shutil.copytree(show.grafana_folder() / "dashboards", folder / "hdqm-dashboards")
    (folder / "plugins").mkdir()  # Grafana complains where it is absent
    contacts = show.contact_points(deploy.alarm_webhook, deploy.alarm_email)
    (folder / "alerting" / "contact-points.json").write_text(json.dumps(contacts))
    say(f"Grafana: provisioning written to {folder}")
