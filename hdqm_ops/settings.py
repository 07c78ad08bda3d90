"""The only reader of environment variables: one class, every variable documented here and, from here, in the README."""

import json
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

__all__ = ["Settings", "as_environment", "checkout", "revealed", "shipped", "stack_file"]


def checkout() -> Path | None:
    """The folder of the checkout that this package runs from; None where it runs from a wheel."""
    parent = Path(__file__).resolve().parent.parent
    return parent if (parent / "pyproject.toml").is_file() and (parent / "sql").is_dir() else None


def shipped(part: Literal["dags", "grafana", "sql"]) -> Path:
    """A top-level folder of the checkout, else the copy of it that the wheel carries."""
    place = checkout()
    return place / part if place else Path(__file__).resolve().parent / f"_{part}"


def _default_home() -> Path:
    return (checkout() or Path.cwd()) / ".hdqm"


def stack_file() -> Path:
    """The file in which a local stack keeps settings of its own: ``$HDQM_HOME/settings.env``."""
    return Path(os.environ.get("HDQM_HOME") or _default_home()) / "settings.env"


class Settings(BaseSettings):
    """Settings of one HDQM process.

    From ``HDQM_*`` variables of the environment, else from ``$HDQM_HOME/settings.env``, else the default.
    """

    model_config = SettingsConfigDict(env_prefix="HDQM_", frozen=True, extra="ignore")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature; the file depends on HDQM_HOME
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let what is given by hand win over the environment, and that over the stack's own file."""
        return init_settings, env_settings, DotEnvSettingsSource(settings_cls, env_file=stack_file())

    home: Path = Field(
        default_factory=_default_home,
        description="Folder of all state of a local stack. "
        "Default: `.hdqm` in the checkout, else in the current folder.",
    )
    cache: Path = Field(
        default_factory=lambda: Path.home() / ".cache" / "hdqm",
        description="Folder of what is downloaded once for all stacks of a user: PostgreSQL and TimescaleDB.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="A PostgreSQL with TimescaleDB to use in place of the embedded one, as its owner: "
        "`postgresql://user:password@host:port/database`.",
    )
    debian_mirror: str | None = Field(
        default=None,
        description="Debian mirror to fetch PostgreSQL and TimescaleDB from. "
        "Default: the one that the machine's own apt uses.",
    )
    db_port: int = Field(default=5433, ge=1, le=65535, description="Port of the embedded TimescaleDB, on loopback.")
    airflow_port: int = Field(default=8080, ge=1, le=65535, description="Port of Airflow's API and UI, on loopback.")
    simulator_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Port of simulated OMS and Run Registry, on loopback, as a part of the stack; `make demo` sets it. "
        "Default: none are started.",
    )
    airflow_tasks: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        le=256,
        description="Airflow tasks that load in bulk at once on this machine; fresh files and planning go beside. "
        "Default: one a core.",
    )
    airflow_users: dict[Annotated[str, Field(pattern=r"^[\w.@-]+$")], Literal["viewer", "user", "op", "admin"]] = Field(
        default_factory=dict,
        description='Who may log in to that Airflow besides admin, as JSON: `{"anna": "viewer", "bob": "op"}`. '
        "Passwords are made by `hdqm up`, in `airflow/passwords.json` of `HDQM_HOME`.",
    )
    grafana_home: Path | None = Field(
        default=None,
        description="Grafana that `hdqm up` starts: folder with `bin/grafana`, `public/` and `conf/`. "
        "Default: the one on PATH, where there is one.",
    )
    grafana_port: int = Field(default=3000, ge=1, le=65535, description="Port of that Grafana, on loopback.")
    grafana_url: str | None = Field(
        default=None,
        description="Address of the Grafana that dashboards are published to; links to dashboards lead there.",
    )
    grafana_token: SecretStr | None = Field(
        default=None,
        description="Token of its service account: role Editor, or Admin where the data source is published too.",
    )
    grafana_database_url: SecretStr | None = Field(
        default=None,
        description="The database as `hdqm_reader`, as that Grafana reaches it: "
        "`postgresql://hdqm_reader:password@host:port/hdqm`. Default: its data source is left alone.",
    )
    api_public_url: str | None = Field(
        default=None,
        description="Address of the REST API as browsers reach it; dashboards link to its pictures of histograms. "
        "Default in a local stack: its own.",
    )
    alarm_webhook: SecretStr | None = Field(
        default=None, description="Address that Grafana posts alarms to; it may hold a token."
    )
    alarm_email: str | None = Field(
        default=None,
        description="Addresses that Grafana sends alarms to, with semicolons between. "
        "Its mail server is `localhost:25`, or what Grafana's own `GF_SMTP_HOST`, `GF_SMTP_USER`, `GF_SMTP_PASSWORD`, "
        "`GF_SMTP_FROM_ADDRESS` name.",
    )
    configs: tuple[Path, ...] | None = Field(
        default=None,
        description="Folders of trend configurations, as JSON list. Default: the tree that the package ships.",
    )
    files: tuple[str, ...] = Field(
        default=("/eos/cms/store/group/comm_dqm/DQMGUI_data/*/*/*/DQM*.root",),
        description="Where DQM files are looked for, as JSON list: globs, folders, or `@list.txt`.",
    )
    processing_aliases: dict[str, str] = Field(
        default_factory=dict,
        description='Processing strings that join another, as JSON: `{"12Nov2019_UL2018_rsb": "12Nov2019_UL2018"}`.',
    )
    multi_run: bool = Field(default=False, description="Take multi-run harvests (run 999999) too.")
    relval: bool = Field(default=False, description="Take RelVal files too.")
    metrics: tuple[str, ...] = Field(
        default=(),
        description="Modules with metrics of your own, by name or path, as JSON list: "
        '`["sampleMetrics", "/data/moreMetrics.py"]`.',
    )
    jobs: int = Field(default=1, ge=1, le=256, description="Processes that read and reduce at once without `-j`.")
    nice: int = Field(
        default=10,
        ge=0,
        le=19,
        description="How far work in bulk (`hdqm ingest`, `extract`, `calculate`; the Dags that ingest, but for fresh "
        "files) gives way to others where processors are few, as `nice`; 0: not. In a local database its sessions too.",
    )
    batch_size: int = Field(
        default=200,
        ge=1,
        le=500,
        description="DQM files a mapped Airflow task takes at most; fewer, so that `HDQM_AIRFLOW_TASKS` tasks have as "
        "much to do.",
    )
    task_pause_s: float = Field(
        default=30,
        gt=0,
        description="Seconds before Airflow tries a task again for which the database, the network or the file system "
        "was away; each pause is twice the last, up to 15 minutes, for more than an hour in all.",
    )
    wait_s: float = Field(
        default=3600,
        ge=0,
        description="How old, in seconds, a DQM file must be for its end to count: younger ones that end too early, or "
        "changed since the last look, wait. Files named by `-f` never do.",
    )
    file_tries: int = Field(default=5, ge=1, description="How often a file that cannot be read is tried by itself.")
    file_pause_s: float = Field(
        default=3600, gt=0, description="Seconds before it is tried for the second time; each pause is twice the last."
    )
    claim_s: float = Field(
        default=60,
        gt=0,
        description="How long, in seconds, a file belongs to who works on it, unless renewed, as it is while that one "
        "lives. After a crash on another machine the file is free when it is over.",
    )
    database_wait_s: float = Field(
        default=120, ge=0, description="How long work that has begun waits for a database that went away, in seconds."
    )
    watch_s: float = Field(
        default=15,
        gt=0,
        description="Seconds between two looks of the watcher; a file that stays as it is in between is taken.",
    )
    watch: tuple[str, ...] | None = Field(
        default=None,
        description="Where the watcher looks, as JSON list, where listing all of `HDQM_FILES` takes long. "
        "Default: `HDQM_FILES`.",
    )
    rowstore_runs: int = Field(
        default=20_000,
        ge=0,
        description="How many run numbers before the newest one stay in the row store when `hdqm db maintain` converts "
        "older ones. Only with TimescaleDB's Community edition.",
    )
    reader_timeout_s: int = Field(
        default=30, ge=1, description="Statement timeout of the role hdqm_reader (Grafana, API), in seconds."
    )
    reader_url: SecretStr | None = Field(
        default=None,
        description="The database as hdqm_reader, for the API, the local Grafana, and `hdqm db guard`, which gives the "
        "role this password again where a session changed it. Default for the API: `HDQM_DATABASE_URL`, as far as its "
        "user may take that role.",
    )
    api_host: str = Field(default="127.0.0.1", description="Where `hdqm api serve` listens.")
    api_port: int = Field(default=8050, ge=1, le=65535, description="Port of the API.")
    api_token: SecretStr | None = Field(
        default=None,
        description="Where set, `hdqm api serve` asks for it: `Authorization: Bearer …`. Several apart by blanks.",
    )
    api_user_header: str | None = Field(
        default=None,
        description="Header in which a trusted proxy names the user, as `X-Forwarded-User`; asked for where it is set.",
    )
    api_proxies: str = Field(
        default="127.0.0.1 ::1",
        description="Addresses or networks of the proxies whose `HDQM_API_USER_HEADER` is believed, apart by blanks.",
    )
    api_origins: str = Field(
        default="*",
        description="Origins of web pages that may read the API, apart by blanks: `https://dqm.example.org`. "
        "`*`: any, as with the predecessor; empty: none. None is sent cookies.",
    )
    api_connections: int = Field(default=8, ge=1, le=50, description="Connections of the API to the database at most.")
    api_body_bytes: int = Field(default=8 << 20, ge=1024, description="Longest body that the API reads.")
    api_rate: float = Field(
        default=0, ge=0, description="Requests a second that one client may send to the API; 0: as many as it likes."
    )
    guard_after_s: int = Field(
        default=60,
        ge=1,
        description="Seconds on one question after which `hdqm db guard` ends a session of the role hdqm_reader: "
        "it can lift its own time-out.",
    )
    oms_url: str = Field(
        default="https://cmsoms.cern.ch/agg/api/v1",
        description="Aggregation API of OMS, with its version. Inside of P5: `http://cmsoms.cms/agg/api/v1`.",
    )
    oms_audience: str = Field(
        default="cmsoms-prod", description="Whom OMS tokens are asked for; empty: none is asked, as inside of P5."
    )
    rr_url: str = Field(
        default="production",
        description="Run Registry: `production`, `development`, `qa`, `local`, or the address of its API.",
    )
    rr_audience: str | None = Field(
        default=None, description="Whom Run Registry tokens are asked for. Default: what belongs to `HDQM_RR_URL`."
    )
    sso_url: str = Field(
        default="https://auth.cern.ch/auth/realms/cern", description="Realm that gives tokens for both services."
    )
    sso_grant: Literal["api-access", "token-exchange"] = Field(
        default="api-access",
        description="How a token is asked for: `api-access`, or the older `token-exchange` of OpenID Connect.",
    )
    sso_client_id: str | None = Field(
        default=None,
        validation_alias=AliasChoices("SSO_CLIENT_ID", "HDQM_SSO_CLIENT_ID", "sso_client_id"),
        description="Name of the application that is registered with CERN for your use of OMS and Run Registry.",
    )
    sso_client_secret: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("SSO_CLIENT_SECRET", "HDQM_SSO_CLIENT_SECRET", "sso_client_secret"),
        description="Its secret.",
    )
    sync_oms_s: float = Field(default=1800, ge=60, description="Seconds between two synchronisations with OMS.")
    sync_rr_s: float = Field(default=3600, ge=60, description="Seconds between two synchronisations with Run Registry.")
    sync_sweep_h: float = Field(
        default=24,
        gt=0,
        description="Hours between two sweeps: the last days are asked for again, and the next slice of everything.",
    )
    sync_days: int = Field(default=14, ge=1, description="Days that such a sweep goes back.")
    ca_bundle: Path | None = Field(
        default=None,
        description="File of certificate authorities that services are checked against. Default: those of `certifi`; "
        "CERN's own are in `/etc/pki/tls/certs/ca-bundle.crt` of its machines.",
    )
    connect_timeout_s: float = Field(default=10, gt=0, description="How long a service may take to be reached.")
    read_timeout_s: float = Field(default=120, gt=0, description="How long a service may be silent while it answers.")
    xrootd_timeout_s: int = Field(
        default=60, ge=1, description="How long an xrootd server (`root://…`) may take for one answer."
    )
    run_index: Path | None = Field(
        default=None,
        description="File with the starts of all runs, written by the synchronisation with OMS and read by Airflow's "
        "Backfill dialog: a place that its components share. Default: `run_index.json` in `HDQM_HOME`.",
    )
    service_tries: int = Field(default=5, ge=1, le=20, description="How often a request is tried before giving up.")


def revealed(secret: SecretStr | None) -> str | None:
    """The text of a secret; None where it is not set."""
    return None if secret is None else secret.get_secret_value()


def as_environment(settings: Settings) -> dict[str, str]:
    """Variables that give these settings to another process, whatever its own folder is.

    What the stack's own file says is left to the file, so that a change there is seen without a restart.
    """
    told = Settings()
    said = {"home"}
    for name, field in Settings.model_fields.items():
        if _variable(name, field) in os.environ or getattr(settings, name) != getattr(told, name):
            said.add(name)
    values = {name: getattr(settings, name) for name in said}
    fields = Settings.model_fields
    return {_variable(name, fields[name]): _as_text(value) for name, value in values.items() if value is not None}


def _as_text(value: object) -> str:
    """A value as a variable says it, with absolute paths."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case Path():
            return str(value.absolute())
        case tuple():
            return json.dumps([_as_text(item) if isinstance(item, Path) else _absolute(item) for item in value])
        case dict():
            return json.dumps(value)
        case _:
            return str(value)


def _absolute(place: str) -> str:
    """A glob, a folder, an ``@list.txt`` or an address, independent of the folder in which it was written."""
    at, path = ("@", place[1:]) if place.startswith("@") else ("", place)
    return place if "://" in path else f"{at}{Path(path).absolute()}"


def as_markdown() -> str:
    """The table of all settings that the README shows."""
    lines = ["| variable | default | what it says |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.default is None else f"`{_plain(field.default)}`"
        lines.append(f"| `{_variable(name, field)}` | {default} | {field.description} |")
    return "\n".join(lines)


def _variable(name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"HDQM_{name.upper()}"


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


if __name__ == "__main__":
    print(as_markdown())  # noqa: T201 - `python -m hdqm_ops.settings` makes the README's table
