"""Fixtures by topic."""

pytest_plugins = ["fix_db", "fix_api"]
