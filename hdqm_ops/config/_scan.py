"""Text of an .ini file → sections and keys with their lines.

The rules are those of ``configparser.RawConfigParser`` with its defaults, which read the predecessor's files:
no interpolation, ``=`` or ``:``, full-line comments by ``#`` or ``;``, keys in lower case, indented lines continue a
value, ``[DEFAULT]`` gives keys to all sections. It is written out here because RawConfigParser forgets the lines and
stops at the first duplicate; a test holds both against each other on all files and on generated ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Entry", "ScannedFile", "Section", "scan"]

DEFAULT = "DEFAULT"


@dataclass(frozen=True, slots=True)
class Entry:
    """Value of a key, the line that the key stands in, and the line of each line of the value."""

    value: str
    line: int
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A section: its name, its line, and its own keys in lower case."""

    name: str
    line: int
    entries: dict[str, Entry] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A section or a key of a section that occurs again in the same file."""

    what: str
    line: int
    first_line: int
    is_section: bool


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """What a file says.

    Attributes:
        sections: in the order of the file, the first of each name.
        defaults: keys of ``[DEFAULT]``.
        duplicates: what occurs again.
        malformed: (line, text) of lines that mean nothing.
    """

    sections: list[Section] = field(default_factory=list)
    defaults: Section = field(default_factory=lambda: Section(DEFAULT, 0))
    duplicates: list[Duplicate] = field(default_factory=list)
    malformed: list[tuple[int, str]] = field(default_factory=list)


def scan(text: str) -> ScannedFile:
    """Read the text of an .ini file."""
    return _Scanner().read(text)


class _Scanner:
    """Reads line by line; what is open is the section, the key, and the lines of the key's value."""

    def __init__(self) -> None:
        self.file = ScannedFile()
        self.by_name: dict[str, Section] = {DEFAULT: self.file.defaults}
        self.section: Section | None = None
        self.key: str | None = None
        self.value: list[tuple[int, str]] = []

    def read(self, text: str) -> ScannedFile:
        indent = 0
        for number, line in _numbered(text):
            stripped = line.strip()
            if not stripped:
                self.value.append((number, ""))  # an empty line belongs to a value that goes on after it
            elif stripped[0] not in "#;":
                deeper = len(line) - len(line.lstrip()) > indent
                if deeper and self.section and self.key:
                    self.value.append((number, stripped))
                else:
                    indent = len(line) - len(line.lstrip())
                    self._header_or_key(number, stripped)
        self._close_key()
        return self.file

    def _header_or_key(self, number: int, text: str) -> None:
        self._close_key()
        end = text.rfind("]")
        delimiter = min((at for at in (text.find("="), text.find(":")) if at >= 0), default=-1)
        if text[0] == "[" and end >= 2:
            self._open_section(text[1:end], number)
        elif self.section is not None and delimiter > 0:
            self.key = text[:delimiter].rstrip().lower()
            self.value = [(number, text[delimiter + 1 :].strip())]
        else:
            self.file.malformed.append((number, text))

    def _open_section(self, name: str, number: int) -> None:
        first = self.by_name.get(name)
        if first is None:
            self.section = self.by_name[name] = Section(name, number)
            self.file.sections.append(self.section)
        elif name == DEFAULT:
            self.section = first
        else:
            self.file.duplicates.append(Duplicate(f"[{name}]", number, first.line, is_section=True))
            self.section = Section(name, number)  # read and forgotten: the first one counts

    def _close_key(self) -> None:
        if self.section is not None and self.key:
            numbers, lines = zip(*self.value, strict=True)
            entry = Entry("\n".join(lines).rstrip(), numbers[0], numbers)
            first = self.section.entries.setdefault(self.key, entry)
            if first is not entry:
                what = f"{self.key} in [{self.section.name}]"
                self.file.duplicates.append(Duplicate(what, entry.line, first.line, is_section=False))
        self.key, self.value = None, []


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    # Not splitlines(): that also breaks at characters that RawConfigParser takes for part of a line.
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return enumerate(plain.split("\n"), start=1)
