"""What only the setting up of a server needs to know; no running part of HDQM gets to see it."""

from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from hdqm_ops.errors import ConfigError

__all__ = ["DeploySettings"]


class DeploySettings(BaseSettings):
    """Addresses and passwords of ``hdqm deploy init`` and ``init-grafana``, from ``HDQM_DEPLOY_*`` variables."""

    model_config = SettingsConfigDict(env_prefix="HDQM_DEPLOY_", frozen=True, extra="ignore")

    database: str = Field(default="timescaledb:5432", description="Host and port of the server with TimescaleDB.")
    superuser_password: SecretStr = Field(description="Of the role `postgres`, which makes roles and databases.")
    owner_password: SecretStr = Field(description="Of `hdqm_owner`, who migrates.")
    writer_password: SecretStr = Field(description="Of `hdqm_writer`, which loads.")
    reader_password: SecretStr = Field(description="Of `hdqm_reader`, which Grafana and the API use.")
    airflow_password: SecretStr = Field(description="Of `airflow`, which owns Airflow's own database.")
    admin_password: SecretStr = Field(description="Of the user `admin` of Airflow's pages.")
    tasks: int = Field(default=4, ge=1, le=256, description="Airflow tasks that load at once: the size of their pool.")
    patience_s: float = Field(default=120, gt=0, description="How long the database may take until it answers.")
    provisioning: Path = Field(
        default=Path("/provisioning"), description="Folder that Grafana is provisioned from; written anew."
    )
    alarm_webhook: str | None = Field(default=None, description="Address that alarms are posted to.")
    alarm_email: str | None = Field(default=None, description="Addresses that get alarms, with semicolons between.")
    grafana: str = Field(default="http://grafana:3000", description="Where Grafana answers.")
    grafana_password: SecretStr | None = Field(default=None, description="Of Grafana's user `admin`.")

    @classmethod
    def from_environment(cls) -> Self:
        """Read the variables.

        Raises:
            ConfigError: one is missing or cannot be understood; names it.
        """
        nothing: dict[str, Any] = {}
        try:
            return cls(**nothing)
        except ValidationError as error:
            found = [f"HDQM_DEPLOY_{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors()]
            raise ConfigError("\n".join(found)) from None  # the cause would show what was given

    def url(self, role: str, database: str) -> str:
        """Address of a database, as one of the five roles."""
        passwords = {
            "postgres": self.superuser_password,
            "hdqm_owner": self.owner_password,
            "hdqm_writer": self.writer_password,
            "hdqm_reader": self.reader_password,
            "airflow": self.airflow_password,
        }
        return f"postgresql://{role}:{passwords[role].get_secret_value()}@{self.database}/{database}"
