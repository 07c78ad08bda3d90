"""ROOT files made by hand, so that each can be wrong in one place of our choice."""

import struct
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hdqm_ops.extract._elements import find_elements, open_run
from hdqm_ops.extract._file import RootFile
from hdqm_ops.extract._source import LocalFile

DATA = Path(__file__).parents[2] / "data"


@dataclass
class Leaf:
    """An object: its class, what is stored, and what its key says of it."""

    class_name: str
    stored: bytes
    size: int | None = None
    key: dict = field(default_factory=dict)


def tstring(text):
    raw = text.encode()
    return (bytes([len(raw)]) if len(raw) < 255 else b"\xff" + struct.pack(">I", len(raw))) + raw


class RootWriter:
    """Writes folders and records as ROOT does; ``big`` with positions of 8 bytes, from ``base`` on."""

    def __init__(self, *, big=False, base=0):
        self.big, self.begin = big, 100
        self.pieces = {}
        self.end = self.begin
        self.base = base

    def key(self, class_name, name, *, size, stored, seek, parent, cycle=1):
        strings = tstring(class_name) + tstring(name) + tstring("")
        length = (34 if self.big else 26) + len(strings)
        version = 1004 if self.big else 4
        head = struct.pack(">ihiIhh", length + stored, version, size, 0, length, cycle)
        return head + struct.pack(">qq" if self.big else ">ii", seek, parent) + strings

    def description(self, own, parent, seek_keys, keys_size):
        head = struct.pack(">hIIii", 1005 if self.big else 5, 0, 0, keys_size, 0)
        return head + struct.pack(">qqq" if self.big else ">iii", own, parent, seek_keys) + bytes(18)

    def put(self, data):
        place = self.end
        self.pieces[place] = data
        self.end += len(data)
        return place

    def folder(self, content, own, parent):
        """Writes what is in a folder; gives its description."""
        keys = [self.entry(name, item, own) for name, item in content.items()]
        listing = struct.pack(">i", len(keys)) + b"".join(keys)
        head = self.key("TDirectory", "", size=len(listing), stored=len(listing), seek=self.end, parent=parent)
        place = self.put(head + listing)
        return self.description(own, parent, place, len(head + listing))

    def entry(self, name, item, parent):
        name = name.partition(";")[0]
        if isinstance(item, Leaf):
            size = len(item.stored) if item.size is None else item.size
            facts = {"size": size, "stored": len(item.stored), "seek": self.end, "parent": parent} | item.key
            head = self.key(item.class_name, name, **facts)
            self.put(head + item.stored)
            return head
        blank = self.description(0, 0, 0, 0)
        head = self.key("TDirectory", name, size=len(blank), stored=len(blank), seek=self.end, parent=parent)
        place = self.put(head + blank)
        self.pieces[place] = head + self.folder(item, place, parent)
        return head

    def write(self, path, tree, **header):
        head = self.key("TFile", "f", size=0, stored=0, seek=self.begin, parent=0) + tstring("f") + tstring("")
        blank = self.description(0, 0, 0, 0)
        self.put(head + blank)
        self.end = max(self.end, self.base)
        self.pieces[self.begin] = head + self.folder(tree, self.begin, 0)
        name_size = len(head)
        facts = {"end": self.end, "info": 0, "info_size": 0, "name_size": name_size} | header
        self.pieces[0] = self.header(**facts)
        with path.open("wb") as file:
            for place, data in self.pieces.items():
                file.seek(place)
                file.write(data)
        return path

    def header(self, *, end, info, info_size, name_size):
        version = 1_064_000 if self.big else 64_000
        layout = ">4siiqqiiiBiqi" if self.big else ">4siiiiiiiBiii"
        return struct.pack(layout, b"root", version, self.begin, end, 0, 0, 0, name_size, 4, 0, info, info_size)


@pytest.fixture(scope="session")
def payload():
    """The bytes of a histogram as ROOT streams it, by its name in tests/data/classes."""
    path = next((DATA / "classes").glob("*-none-*.root"))

    def read(name):
        with LocalFile(path) as source:
            file = RootFile(source)
            (key,) = find_elements(file, open_run(file)[1], [f"Classes/All/{name}"]).values()
            (record,) = source.read([(key.seek, key.size)])
            return RootFile.payload(key, record)

    return read


@pytest.fixture
def dqm_file(tmp_path, payload):
    """Writes a DQM file of one folder ``A``; ``content`` maps names to leaves or folders."""

    def write(content, *, run=7, name="made.root", big=False, base=0, **header):
        tree = {"DQMData": {f"Run {run}": {"A": {"Run summary": content}}}}
        return RootWriter(big=big, base=base).write(tmp_path / name, tree, **header)

    return write


@pytest.fixture(scope="session")
def data_folder():
    return DATA


@pytest.fixture
def leaf():
    return Leaf


@pytest.fixture
def root_file(tmp_path):
    """Writes a ROOT file of any tree."""

    def write(tree, name="made.root"):
        return RootWriter().write(tmp_path / name, tree)

    return write
