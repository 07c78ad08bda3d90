"""Strings of ROOT files."""

__all__ = ["text"]


def text(raw: bytes) -> str:
    """A string of a ROOT file: ASCII or UTF-8 today, Latin-1 in old files; ends at a zero byte, as it does in ROOT."""
    if b"\0" in raw:
        raw = raw[: raw.index(b"\0")]
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
