"""Names of files as one line of a terminal or a log can have them."""

__all__ = ["printable"]


def printable(text: str) -> str:
    """A text without the control characters that would break a line or a terminal: names of files may have them."""
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(letter: str) -> str:
    return letter if letter.isprintable() else repr(letter)[1:-1]
