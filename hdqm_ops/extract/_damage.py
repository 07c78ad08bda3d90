"""What the parts of the reader say to one another when bytes are not as they must be."""

__all__ = ["Damaged", "Truncated", "Unfamiliar"]


class Damaged(Exception):
    """Bytes contradict themselves or ROOT's format: what was found, and where if that is known."""

    def __init__(self, found: str, offset: int | None = None) -> None:
        super().__init__(found, offset)
        self.found = found
        self.offset = offset

    def __str__(self) -> str:
        return self.found if self.offset is None else f"{self.found} at byte {self.offset}"


class Truncated(Damaged):
    """The file ends too early, or its writer has not closed it: it may still be written."""


class Unfamiliar(Exception):
    """Bytes may be right, but a class has a version or a member that the fast decoders do not know."""
