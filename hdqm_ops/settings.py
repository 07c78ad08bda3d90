"""The only reader of environment variables: one class, every variable documented here and, from here, in the README."""

import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

__all__ = ["Settings", "checkout", "stack_file"]


def checkout() -> Path | None:
    """The folder of the checkout that this package runs from; None where it runs from a wheel."""
    parent = Path(__file__).resolve().parent.parent
    return parent if (parent / "pyproject.toml").is_file() and (parent / "sql").is_dir() else None


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
    jobs: int = Field(default=1, ge=1, le=256, description="Processes that read and reduce at once without `-j`.")
    batch_size: int = Field(default=25, ge=1, le=500, description="DQM files a mapped Airflow task takes.")
    reader_timeout_s: int = Field(
        default=30, ge=1, description="Statement timeout of the role hdqm_reader (Grafana, API), in seconds."
    )
