"""``hdqm deploy``: what docker-compose.yml calls, and what makes its secrets."""

import os
import stat
import sys
from pathlib import Path
from typing import Annotated

import typer

from hdqm_ops.cli._output import err
from hdqm_ops.errors import ConfigError
from hdqm_ops.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Put HDQM on a server: secrets, setting up, signs of life.")


@app.command()
def env(
    *,
    demo: Annotated[bool, typer.Option("--demo", help="With simulated DQM files, OMS and Run Registry.")] = False,
    file: Annotated[
        Path | None, typer.Option("-o", "--out", help="File to write, which must not exist; default: stdout.")
    ] = None,
) -> None:
    """Make the secrets of a new installation: `hdqm deploy env > .env`, readable for you alone."""
    from hdqm_ops.deploy import environment_file

    text = environment_file(demo=demo)
    if file is None:
        if stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode):
            os.fchmod(sys.stdout.fileno(), 0o600)
        sys.stdout.write(text)
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(
            f"{file} exists, and its passwords are the ones that the database knows: move it away to make a new one"
        ) from None
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)


@app.command()
def init() -> None:
    """Set up databases, roles, schema, Airflow's tables, user and pool, Grafana's provisioning. Again is harmless."""
    from hdqm_ops.deploy import DeploySettings, set_up

    set_up(DeploySettings.from_environment(), Settings(), _say)


@app.command("init-grafana")
def init_grafana() -> None:
    """Make a service account in the running Grafana, and give its token to Airflow."""
    from hdqm_ops.deploy import DeploySettings, set_up_grafana

    set_up_grafana(DeploySettings.from_environment(), _say)


@app.command("check")
def check(
    address: Annotated[str, typer.Argument(help="http://127.0.0.1:8080/api/v2/monitor/health, say.")],
    *,
    part: Annotated[
        str | None, typer.Option(help="Part of Airflow that must be healthy: scheduler, dag_processor, triggerer.")
    ] = None,
) -> None:
    """Ask an address for a sign of life, as health check of a container. Exit code 1 if something is wrong."""
    from hdqm_ops import deploy

    complaint = deploy.check(address, part)
    if complaint:
        err.print(complaint, markup=False)
        raise typer.Exit(1)


def _say(line: str) -> None:
    err.print(line, markup=False)
