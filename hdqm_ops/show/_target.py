"""An SQL question of a panel or variable to our data source. The foundation SDK has no class for PostgreSQL."""

from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

__all__ = ["DATASOURCE_TYPE", "DATASOURCE_UID", "Target", "datasource"]

DATASOURCE_UID = "hdqm-timescaledb"
DATASOURCE_TYPE = "grafana-postgresql-datasource"


def datasource() -> DataSourceRef:
    """The data source that every panel asks."""
    return DataSourceRef(type_val=DATASOURCE_TYPE, uid=DATASOURCE_UID)


@dataclass(frozen=True)
class Target(Builder[Dataquery], Dataquery):
    """One query.

    Attributes:
        sql: the statement; what users write comes in as ``${variable:sqlstring}`` only.
        ref: letter by which transformations name its answer.
        columns: what the panel needs to find in the answer; for tests, not part of the JSON.
        time_series: the answer has a column ``time`` and goes to a panel with a time axis.
    """

    sql: str
    ref: str = "A"
    columns: tuple[str, ...] = ()
    time_series: bool = False

    def build(self) -> "Target":
        """It is built already."""
        return self

    def to_json(self) -> dict[str, Any]:
        """The JSON that Grafana keeps."""
        return {
            "datasource": datasource(),
            "editorMode": "code",
            "format": "time_series" if self.time_series else "table",
            "rawQuery": True,
            "rawSql": self.sql,
            "refId": self.ref,
        }
