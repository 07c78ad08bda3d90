"""Settings with the database that the commands work on."""

from hdqm_ops.settings import Settings

__all__ = ["with_database"]


def with_database() -> Settings:
    """The settings; without ``HDQM_DATABASE_URL`` they name the embedded database.

    Raises:
        DatabaseUnavailable: none is named and none was ever started here; the message says how to get one.
    """
    from hdqm_ops import local

    return local.with_database(Settings())
