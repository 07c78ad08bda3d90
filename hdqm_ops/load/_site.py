"""What differs between sites and dashboards need to know: addresses of other pages, subsystems that there are."""

from collections.abc import Mapping

from hdqm_ops.load._connection import Connection, in_transaction, translated
from hdqm_ops.load._sql import query

__all__ = ["record_addresses", "shown_subsystems"]


def record_addresses(connection: Connection, addresses: Mapping[str, str]) -> None:
    """Tell the dashboards where other pages are.

    Args:
        connection: from ``connect``.
        addresses: ``airflow_url``, ``api_url``, … → address; an empty one removes the link.
    """

    def write() -> None:
        for name, value in addresses.items():
            verb = "keep_address" if value else "forget_address"
            connection.execute(query("site", verb), {"name": name, "value": value})

    in_transaction(connection, write)


def shown_subsystems(connection: Connection) -> list[str]:
    """Subsystems that dashboards offer: those with points."""
    with translated():
        return [name for (name,) in connection.execute(query("site", "subsystems"))]
